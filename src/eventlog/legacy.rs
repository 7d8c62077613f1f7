//! Converts the strings of IPsec events of Windows 2000 to Server 2003 to fields with today's names.
//!
//! Values of nested texts are taken by the position of their line, never by its label: labels are in the
//! system's language. A text without the expected lines gives no field; the record's own strings remain.
//!
//! Source: message tables of msaudite.dll, oakley.dll and netevent.dll (libyal winevt-kb).

use super::{LogRecord, Mode};

/// A quick mode SA without algorithms: clear text by agreement.
pub(super) const SOFT_SA: &str = "SoftSa";
/// A quick mode SA that authenticates but does not encrypt.
pub(super) const INTEGRITY_ONLY: &str = "IntegrityOnly";

/// The fields of a legacy record's strings.
pub(super) struct LegacyFields {
    /// Under the names that later systems use.
    pub(super) named: Vec<(String, String)>,
    /// `None` where the record does not give it in a form that is the same in every language.
    pub(super) mode: Option<Mode>,
}

impl LegacyFields {
    fn add(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
            self.named.push((name.to_owned(), value.to_owned()));
        }
    }
}

impl LogRecord {
    /// The fields that a legacy record has in its strings; `None` for any other record.
    pub(super) fn legacy_fields(&self) -> Option<LegacyFields> {
        if !self.named.is_empty() {
            return None;
        }
        if self.provider.eq_ignore_ascii_case("IPSec") {
            return self.driver_fields();
        }
        if !self.provider.eq_ignore_ascii_case("Security") {
            return None;
        }
        let shape = SHAPES.iter().find(|shape| shape.id == self.event_id)?;
        let text = |place: usize| self.positional.get(place.wrapping_sub(1)).map(String::as_str);
        // Windows 2000 writes 547 without the peer's identity: four strings instead of six.
        let is_short = shape.id == NEGOTIATION_FAILED && self.positional.len() < 5;
        let texts = if is_short { FAILED_2000 } else { shape.texts };
        let parameters: Vec<&str> = text(shape.parameters).map(lines).unwrap_or_default();
        let mode = match shape.mode {
            ModeSource::Text(place) => {
                text(place).and_then(by_words).or_else(|| by_parameters(&parameters))
            }
            ModeSource::Always(mode) => mode,
        };
        let mut fields = LegacyFields { named: Vec::new(), mode };
        let filter: Vec<&str> = text(shape.filter).map(lines).unwrap_or_default();
        filter_fields(&filter, &mut fields);
        for (name, place) in texts {
            fields.add(name, text(*place));
        }
        for (name, place) in shape.numbers {
            fields.add(name, text(*place).and_then(first_number));
        }
        for (name, place) in shape.addresses {
            fields.add(name, text(*place).and_then(address_in));
        }
        parameter_fields(&parameters, &mut fields);
        Some(fields)
    }

    /// The driver's records: the first string is the device, the arguments follow.
    fn driver_fields(&self) -> Option<LegacyFields> {
        let text = |place: usize| self.positional.get(place).map(String::as_str);
        let mut fields = LegacyFields { named: Vec::new(), mode: None };
        match self.event_id {
            4283..=4288 => {
                fields.add("PacketCount", text(1).and_then(first_number));
                fields.add("RemoteAddress", text(2).and_then(address_in));
            }
            4289 => fields.add("RemoteAddress", text(1).and_then(address_in)),
            4290 | 4291 => {
                let is_inbound = self.event_id == 4290;
                let (local, peer) = if is_inbound { (2, 1) } else { (1, 2) };
                fields.add("LocalAddress", text(local).and_then(address_in));
                fields.add("RemoteAddress", text(peer).and_then(address_in));
                fields.add("Protocol", text(3).and_then(first_number));
                let (local, peer) = if is_inbound { (5, 4) } else { (4, 5) };
                fields.add("LocalPort", text(local).and_then(first_number));
                fields.add("RemotePort", text(peer).and_then(first_number));
            }
            _ => return None,
        }
        Some(fields)
    }
}

/// Addresses and ports of the filter text: seven lines in Windows 2000, nine in XP, twelve in 2003.
fn filter_fields(lines: &[&str], fields: &mut LegacyFields) {
    let value = |at: usize| lines.get(at).and_then(|line| line.split_whitespace().next_back());
    let address = |at: usize| lines.get(at).copied().and_then(address_in);
    if fields.mode == Some(Mode::Quick) {
        fields.add("LocalAddress", address(0));
        fields.add("LocalAddressMask", address(1));
        fields.add("RemoteAddress", address(2));
        fields.add("RemoteAddressMask", address(3));
        fields.add("IpProtocol", value(4));
        fields.add("LocalPort", value(5));
        fields.add("RemotePort", value(6));
        // In transport mode the filter names the endpoints themselves.
        if address(7).is_some() && (address(7), address(8)) != (address(0), address(2)) {
            fields.add("LocalTunnelEndpoint", address(7));
            fields.add("RemoteTunnelEndpoint", address(8));
        }
    } else {
        fields.add("LocalAddress", address(7).or_else(|| address(0)));
        fields.add("RemoteAddress", address(8).or_else(|| address(2)));
    }
    fields.add("LocalKeyModPort", value(9).filter(is_number));
    fields.add("RemoteKeyModPort", value(10).filter(is_number));
    fields.add("PeerPrivateAddress", address(11));
}

/// Algorithms and lifetimes of 541: eight or ten lines in quick mode, three or four in main mode.
fn parameter_fields(lines: &[&str], fields: &mut LegacyFields) {
    let names = match fields.mode {
        Some(Mode::Quick) if lines.len() >= QUICK_PARAMETERS => QUICK_NUMBERS,
        Some(Mode::Main) if !lines.is_empty() => MAIN_NUMBERS,
        Some(Mode::Main | Mode::Quick | Mode::Extended) | None => return,
    };
    let line = |at: usize| lines.get(at).copied();
    for (name, at) in names {
        fields.add(name, line(*at).and_then(first_number));
    }
    if fields.mode == Some(Mode::Quick) {
        let (is_soft, is_readable) = strength(lines);
        fields.add(SOFT_SA, is_soft.then_some("yes"));
        fields.add(INTEGRITY_ONLY, (is_readable && !is_soft).then_some("yes"));
    }
}

/// Whether an SA has no algorithm, and whether it has no encryption, by the first three lines of 541's
/// parameters: the algorithms of ESP's cipher, ESP's digest and AH.
///
/// "None" is a word of the system's language, but names of algorithms are not: a line without such a name has
/// none. Without any, all three lines must end alike, with that one word.
fn strength(lines: &[&str]) -> (bool, bool) {
    let Some([cipher, digest, header]) = lines.first_chunk::<3>() else { return (false, false) };
    let has = |line: &str, names: &[&str]| {
        let words = line.split(|c: char| !c.is_ascii_alphanumeric());
        words.into_iter().any(|word| names.contains(&word))
    };
    let is_none = |line: &str| !has(line, ALGORITHMS);
    let last = |line: &str| line.chars().next_back();
    let end_alike = last(cipher) == last(digest) && last(digest) == last(header);
    let is_soft = [cipher, digest, header].into_iter().all(|line| is_none(line)) && end_alike;
    // `NULL` and `NULL DES` (msaudite.dll): RFC 2410's cipher.
    let is_readable =
        has(cipher, &["NULL"]) || is_none(cipher) && !(is_none(digest) && is_none(header));
    (is_soft, is_readable)
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// The address at the end of a line, whatever its label is, with or without a space between.
fn address_in(line: &str) -> Option<&str> {
    let is_of_address = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
    let line = line.trim_end();
    let start = line.char_indices().rev().take_while(|(_, c)| is_of_address(*c)).last()?.0;
    let tail = line.get(start..)?;
    let is_address = |text: &&str| text.parse::<std::net::IpAddr>().is_ok();
    [tail, tail.trim_start_matches(':')].into_iter().find(is_address)
}

/// The number of `Label 3471564922 (0xceebe07a)`: the last word of digits alone.
fn first_number(text: &str) -> Option<&str> {
    text.split_whitespace().rfind(is_number)
}

fn is_number(word: &&str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

/// Quick mode lists SPIs and lifetimes in kilobytes too, so its parameters have more lines.
fn by_parameters(lines: &[&str]) -> Option<Mode> {
    match lines.len() {
        0 => None,
        1..=5 => Some(Mode::Main),
        _ => Some(Mode::Quick),
    }
}

/// `Data Protection Mode (Quick Mode)`, `Key Exchange Mode (Main Mode)`. In another language the
/// text alone does not show.
fn by_words(text: &str) -> Option<Mode> {
    let text = text.to_ascii_lowercase();
    match (text.contains("quick"), text.contains("main")) {
        (true, false) => Some(Mode::Quick),
        (false, true) => Some(Mode::Main),
        (true, true) | (false, false) => None,
    }
}

/// Where an event gives its mode.
enum ModeSource {
    /// In its parameters, or in the string at this position.
    Text(usize),
    /// Its number determines it.
    Always(Option<Mode>),
}

type Places = &'static [(&'static str, usize)];

/// The strings of one event; positions count from 1, 0 means none.
struct Shape {
    id: u16,
    mode: ModeSource,
    filter: usize,
    parameters: usize,
    texts: Places,
    numbers: Places,
    addresses: Places,
}

const fn shape(id: u16, mode: ModeSource, filter: usize) -> Shape {
    Shape { id, mode, filter, parameters: 0, texts: &[], numbers: &[], addresses: &[] }
}

/// A drop of the driver (2003 SP1 and later).
const fn dropped(id: u16) -> Shape {
    Shape {
        numbers: &[("SPI", 2), ("PacketCount", 3)],
        addresses: &[("RemoteAddress", 1)],
        ..shape(id, ModeSource::Always(None), 0)
    }
}

const NEGOTIATION_FAILED: u16 = 547;
const FAILED_2000: Places = &[("Mode", 1), ("FailurePoint", 3), ("FailureReason", 4)];

const SHAPES: &[Shape] = &[
    Shape {
        texts: &[("Mode", 1), ("PeerIdentity", 2), ("Parameters", 4)],
        parameters: 4,
        ..shape(541, ModeSource::Text(1), 3)
    },
    Shape {
        numbers: &[("InboundSpi", 2), ("OutboundSpi", 3)],
        ..shape(542, ModeSource::Always(Some(Mode::Quick)), 1)
    },
    shape(543, ModeSource::Always(Some(Mode::Main)), 1),
    Shape { texts: &[("PeerIdentity", 1)], ..shape(544, ModeSource::Always(Some(Mode::Main)), 2) },
    Shape { texts: &[("PeerIdentity", 1)], ..shape(545, ModeSource::Always(Some(Mode::Main)), 2) },
    Shape {
        texts: &[("Mode", 1), ("Attribute", 3), ("ExpectedValue", 4), ("ReceivedValue", 5)],
        ..shape(546, ModeSource::Text(1), 2)
    },
    Shape {
        texts: &[
            ("Mode", 1),
            ("PeerIdentity", 3),
            ("FailurePoint", 4),
            ("FailureReason", 5),
            ("ExtraStatus", 6),
        ],
        ..shape(NEGOTIATION_FAILED, ModeSource::Text(1), 2)
    },
    Shape { texts: POLICY, ..shape(612, ModeSource::Always(None), 0) },
    Shape { numbers: &[("PacketCount", 1)], ..shape(516, ModeSource::Always(None), 0) },
    dropped(864),
    dropped(865),
    dropped(866),
    dropped(867),
];

/// `+` or `-` for each category of 612.
const POLICY: Places = &[
    ("SystemSuccess", 1),
    ("SystemFailure", 2),
    ("LogonLogoffSuccess", 3),
    ("LogonLogoffFailure", 4),
    ("ObjectAccessSuccess", 5),
    ("ObjectAccessFailure", 6),
    ("PrivilegeUseSuccess", 7),
    ("PrivilegeUseFailure", 8),
    ("DetailedTrackingSuccess", 9),
    ("DetailedTrackingFailure", 10),
    ("PolicyChangeSuccess", 11),
    ("PolicyChangeFailure", 12),
    ("AccountManagementSuccess", 13),
    ("AccountManagementFailure", 14),
    ("DirectoryServiceSuccess", 15),
    ("DirectoryServiceFailure", 16),
    ("AccountLogonSuccess", 17),
    ("AccountLogonFailure", 18),
];

/// Lines of 541's parameters, from 0.
const QUICK_NUMBERS: Places =
    &[("InboundSpi", 4), ("OutboundSpi", 5), ("LifetimeSeconds", 6), ("LifetimeKilobytes", 7)];
const MAIN_NUMBERS: Places = &[("LifetimeSeconds", 2)];
/// Names of algorithms as 541 writes them in every language (msaudite.dll: `DES CBC`, `Triple DES CBC`,
/// `3DES`, `NULL DES`, `MD5`, `SHA`), and of later ones.
const ALGORITHMS: &[&str] = &[
    "DES", "3DES", "CBC", "NULL", "MD5", "SHA", "SHA1", "SHA256", "AES", "AES128", "AES192",
    "AES256",
];
/// The algorithms and the encapsulation; numbers follow.
const QUICK_PARAMETERS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sa_without_algorithms_is_soft_in_any_language() {
        let none = |word: &str| ["ESP ", "HMAC ", "AH "].map(|label| format!("{label}{word}"));
        for word in ["None", "Keine", "Aucun", "Ingen", "なし", "无", "Нет"] {
            let lines = none(word);
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(strength(&lines), (true, false), "{word}");
        }
        let german =
            ["ESP-Algorithmus Dreifach-DES CBC", "HMAC-Algorithmus SHA", "AH-Algorithmus Keine"];
        assert_eq!(strength(&german), (false, false));
        let digest = ["ESP-Algorithmus Keine", "HMAC-Algorithmus MD5", "AH-Algorithmus Keine"];
        assert_eq!(strength(&digest), (false, true));
        let header = ["ESP Algorithm None", "HMAC Algorithm None", "AH Algorithm SHA"];
        assert_eq!(strength(&header), (false, true));
        assert_eq!(strength(&["ESP NULL DES", "HMAC MD5", "AH None"]), (false, true));
        // Words that do not end alike may be names of unknown algorithms.
        assert!(!strength(&["ESP Camellia", "HMAC Whirlpool", "AH None"]).0);
    }

    #[test]
    fn an_address_is_found_behind_any_label() {
        let check = |line: &str, address: Option<&str>| assert_eq!(address_in(line), address);
        check("Source IP Address 10.0.0.5", Some("10.0.0.5"));
        check("Quell-IP-Adresse 10.0.0.5 ", Some("10.0.0.5"));
        check("発信元 IP アドレス:10.0.0.5", Some("10.0.0.5"));
        check("発信元 IP アドレス10.0.0.5", Some("10.0.0.5"));
        check("Peer fe80::1", Some("fe80::1"));
        check("Peer Private Addr", None);
        check("", None);
    }

    #[test]
    fn the_mode_is_recognized_by_english_words_or_by_the_number_of_lines() {
        assert_eq!(by_parameters(&["a"; 8]), Some(Mode::Quick));
        assert_eq!(by_parameters(&["a"; 4]), Some(Mode::Main));
        assert_eq!(by_parameters(&[]), None);
        assert_eq!(by_words("Data Protection Mode (Quick Mode)"), Some(Mode::Quick));
        assert_eq!(by_words("Schlüsselaustauschmodus (Hauptmodus)"), None);
    }
}
