//! The nested texts of Windows 2000 to Server 2003's IPsec events → fields with today's names.
//!
//! Values are taken by the place of their line, never by its label: labels are in the system's
//! language. A text that does not have the lines gives no field; the record's own strings stay.
//!
//! Source: message tables of msaudite.dll and oakley.dll (libyal winevt-kb).

use super::LogRecord;

impl LogRecord {
    /// The fields that a legacy audit event tells in its strings; `None` for any other record.
    pub(super) fn legacy_fields(&self) -> Option<Vec<(String, String)>> {
        if !self.provider.eq_ignore_ascii_case("Security") || !self.named.is_empty() {
            return None;
        }
        let shape = SHAPES.iter().find(|shape| shape.id == self.event_id)?;
        let text = |place: usize| self.positional.get(place.wrapping_sub(1)).map(String::as_str);
        // Windows 2000 writes 547 without the peer's identity: four strings instead of six.
        let shift = usize::from(shape.id == 547 && self.positional.len() < 5);
        let is_quick = match shape.mode {
            Mode::Told(place) => text(place).is_some_and(is_quick_mode),
            Mode::Quick => true,
            Mode::Main => false,
        };
        let mut named = Vec::new();
        let filter: Vec<&str> = text(shape.filter).map(lines).unwrap_or_default();
        filter_fields(&filter, is_quick, &mut named);
        let mut add = |name: &str, value: Option<&str>| {
            if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
                named.push((name.to_owned(), value.to_owned()));
            }
        };
        for (name, place) in shape.texts {
            add(name, text(place - shift));
        }
        for (name, place) in shape.spis {
            add(name, text(*place).and_then(first_number));
        }
        if shape.id == 541 && is_quick {
            let parameters: Vec<&str> = text(4).map(lines).unwrap_or_default();
            let line = |at: usize| parameters.get(at).copied();
            add("InboundSpi", line(4).and_then(first_number));
            add("OutboundSpi", line(5).and_then(first_number));
            // The first three lines are the algorithms; an SA without any protects nothing.
            let is_none = |at: usize| line(at).is_some_and(|line| line.ends_with("None"));
            add("SoftSa", (0..3).all(is_none).then_some("yes"));
        }
        Some(named)
    }
}

/// Addresses and ports of the filter text: seven lines in Windows 2000, nine in XP, twelve in 2003.
fn filter_fields(lines: &[&str], is_quick: bool, named: &mut Vec<(String, String)>) {
    let value = |at: usize| lines.get(at).and_then(|line| line.split_whitespace().next_back());
    let is_address = |text: &&str| text.parse::<std::net::IpAddr>().is_ok();
    let address = |at: usize| value(at).filter(is_address);
    let mut add = |name: &str, value: Option<&str>| {
        named.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    };
    if is_quick {
        add("LocalAddress", address(0));
        add("LocalAddressMask", address(1));
        add("RemoteAddress", address(2));
        add("RemoteAddressMask", address(3));
        add("IpProtocol", value(4));
        add("LocalPort", value(5));
        add("RemotePort", value(6));
        // In transport mode the filter names the endpoints themselves.
        if address(7).is_some() && (address(7), address(8)) != (address(0), address(2)) {
            add("LocalTunnelEndpoint", address(7));
            add("RemoteTunnelEndpoint", address(8));
        }
    } else {
        add("LocalAddress", address(7).or_else(|| address(0)));
        add("RemoteAddress", address(8).or_else(|| address(2)));
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// The number of `Label 3471564922 (0xceebe07a)`: the last word of digits alone.
fn first_number(text: &str) -> Option<&str> {
    let is_number = |word: &&str| word.bytes().all(|b| b.is_ascii_digit());
    text.split_whitespace().rfind(is_number)
}

/// `Data Protection Mode (Quick Mode)`; translations keep the English name in brackets or are
/// told by the two modes' difference in length no better, so what is not known is main mode.
fn is_quick_mode(text: &str) -> bool {
    text.to_ascii_lowercase().contains("quick")
}

/// Where an event tells its mode.
enum Mode {
    /// In the string at this place.
    Told(usize),
    /// It is about quick mode always.
    Quick,
    /// It is about main mode always.
    Main,
}

/// What the strings of one event hold; places count from 1.
struct Shape {
    id: u16,
    mode: Mode,
    filter: usize,
    texts: &'static [(&'static str, usize)],
    spis: &'static [(&'static str, usize)],
}

const SHAPES: &[Shape] = &[
    Shape { id: 541, mode: Mode::Told(1), filter: 3, texts: &[], spis: &[] },
    Shape {
        id: 542,
        mode: Mode::Quick,
        filter: 1,
        texts: &[],
        spis: &[("InboundSpi", 2), ("OutboundSpi", 3)],
    },
    Shape { id: 543, mode: Mode::Main, filter: 1, texts: &[], spis: &[] },
    Shape { id: 544, mode: Mode::Main, filter: 2, texts: &[], spis: &[] },
    Shape { id: 545, mode: Mode::Main, filter: 2, texts: &[], spis: &[] },
    Shape { id: 546, mode: Mode::Told(1), filter: 2, texts: &[], spis: &[] },
    Shape {
        id: 547,
        mode: Mode::Told(1),
        filter: 2,
        texts: &[("FailurePoint", 4), ("FailureReason", 5)],
        spis: &[],
    },
];
