//! What a file is, recognized by its first bytes and never by its name.

use super::collection::Archive;
use super::exports;
use super::unpack::Packing;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::io::{self, Read};

/// Formats that are known, read or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Format {
    /// Classic pcap, micro- or nanoseconds, either byte order, and its variants.
    Pcap,
    /// pcapng.
    PcapNg,
    /// snoop (RFC 1761).
    Snoop,
    /// Network Monitor 1.x.
    NetMon1,
    /// Network Monitor 2.x.
    NetMon2,
    /// Event trace of Windows, with packets or without.
    EventTrace,
    /// Windows event log since Vista.
    Evtx,
    /// Windows event log before Vista.
    Evt,
    /// Events as XML, with or without a root element.
    EventXml,
    /// Events as objects of PowerShell in XML (Export-Clixml, ConvertTo-Xml).
    EventObjects,
    /// Events as JSON, of whatever tool.
    EventJson,
    /// A table of events: Event Viewer's, or of a tool that names its columns.
    EventCsv,
    /// Events listed as text: `wevtutil /f:text`, Event Viewer's copies.
    EventList,
    /// The filtering platform's events as `netsh wfp` writes them.
    NetEvents,
    /// A log of the IKE daemon of a gateway, or a system's log that may hold one.
    GatewayLog,
    /// What is audited: a table of auditpol, or of a group policy.
    AuditPolicy,
    /// The filtering platform's state as `netsh wfp show state` writes it.
    WfpState,
    /// An archive of files.
    Collection(Archive),
    /// A compressed file.
    Packed(Packing),
    /// A known format that this version does not read.
    Unread(Unread),
    /// Printable text.
    Text,
    /// No magic number that is known.
    Unknown,
}

/// A format that is recognised only to say what it is and how to make it readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unread {
    /// Its name.
    pub name: &'static str,
    /// What to do with it.
    pub remedy: &'static str,
}

/// By its name.
impl Serialize for Unread {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.name.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <&str>::deserialize(deserializer)?;
        let mut known = UNREAD.iter().map(|row| row.1).chain([REGISTRY_EXPORT, OAKLEY_LOG]);
        known.find(|row| row.name == name).ok_or_else(|| D::Error::custom("an unknown format"))
    }
}

impl Format {
    /// Whether it is of our own making, and so never lost evidence.
    #[must_use]
    pub fn is_summary(self) -> bool {
        self == Self::Unread(SUMMARY)
    }

    /// Recognizes the format by a file's first bytes; a few hundred are enough.
    #[must_use]
    pub fn of(first_bytes: &[u8]) -> Self {
        match first_bytes {
            [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0x34, 0xcd, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0xcd, 0x34, ..]
            | [0xab | 0xac, 0x01, 0x00, 0x1c, ..]
            | [0x1c, 0x00, 0x01, 0xab | 0xac, ..] => Self::Pcap,
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => Self::PcapNg,
            [b's', b'n', b'o', b'o', b'p', 0, 0, 0, ..] => Self::Snoop,
            [b'R', b'T', b'S', b'S', ..] => Self::NetMon1,
            [b'G', b'M', b'B', b'U', ..] => Self::NetMon2,
            // With the header of a file, or chunks alone as they are found in images and memory.
            [b'E', b'l', b'f', b'F', b'i', b'l', b'e', 0, ..]
            | [b'E', b'l', b'f', b'C', b'h', b'n', b'k', 0, ..] => Self::Evtx,
            [_, _, _, _, b'L', b'f', b'L', b'e', ..] => Self::Evt,
            _ if is_event_trace(first_bytes) => Self::EventTrace,
            _ => Packing::of(first_bytes)
                .map(Self::Packed)
                .or_else(|| Archive::of(first_bytes).map(Self::Collection))
                .or_else(|| Self::unread(first_bytes))
                .or_else(|| exports::of(first_bytes))
                .unwrap_or_else(|| if is_text(first_bytes) { Self::Text } else { Self::Unknown }),
        }
    }

    /// Whether it holds frames.
    #[must_use]
    pub const fn is_capture(self) -> bool {
        match self {
            Self::Pcap
            | Self::PcapNg
            | Self::Snoop
            | Self::NetMon1
            | Self::NetMon2
            | Self::EventTrace => true,
            Self::Evtx
            | Self::Evt
            | Self::EventXml
            | Self::EventObjects
            | Self::EventJson
            | Self::EventCsv
            | Self::EventList
            | Self::NetEvents
            | Self::GatewayLog
            | Self::AuditPolicy
            | Self::WfpState
            | Self::Collection(_)
            | Self::Packed(_)
            | Self::Unread(_)
            | Self::Text
            | Self::Unknown => false,
        }
    }

    /// The format as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pcap => "pcap",
            Self::PcapNg => "pcapng",
            Self::Snoop => "snoop",
            Self::NetMon1 => "netmon1",
            Self::NetMon2 => "netmon2",
            Self::EventTrace => "etl",
            Self::Evtx => "evtx",
            Self::Evt => "evt",
            Self::EventXml => "event_xml",
            Self::EventObjects => "event_objects_xml",
            Self::EventJson => "event_json",
            Self::EventCsv => "event_csv",
            Self::EventList => "event_list",
            Self::NetEvents => "netevents_xml",
            Self::GatewayLog => "gateway_log",
            Self::AuditPolicy => "audit_policy",
            Self::WfpState => "wfpstate_xml",
            Self::Collection(archive) => archive.as_str(),
            Self::Packed(packing) => packing.as_str(),
            Self::Unread(unread) => unread.name,
            Self::Text => "text",
            Self::Unknown => "unknown",
        }
    }

    fn unread(first_bytes: &[u8]) -> Option<Self> {
        UNREAD.iter().find(|row| first_bytes.starts_with(row.0)).map(|row| Self::Unread(row.1))
    }
}

/// Printable characters of UTF-8, or a byte order mark of UTF-16.
fn is_text(bytes: &[u8]) -> bool {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return true;
    }
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // The peek may end inside a character.
        Err(error) if error.error_len().is_none() => {
            let (head, _) = bytes.split_at(error.valid_up_to());
            std::str::from_utf8(head).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !valid.is_empty() && valid.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

/// An event trace has no magic number. It begins with a buffer's header of 72 bytes that says it is the first
/// (type 4), then a record of the system, group 0 and type 0, with at least 272 bytes that describe the trace. The
/// size of buffers in the first field and in that record differ in traces that pktmon wrote.
fn is_event_trace(bytes: &[u8]) -> bool {
    let at = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    let is_first = matches!(at(54), Some([4, 0, ..]));
    let is_marked = matches!(at(72), Some([1 | 2, 0, 1 | 2, 0xc0]));
    let Some([low, high, 0, 0]) = at(76) else { return false };
    let length = u16::from_le_bytes([*low, *high]);
    let buffer = at(0).map_or(0, |size| u32::from_le_bytes(*size));
    is_first && is_marked && length >= 32 + 272 && buffer >= 72 + u32::from(length)
}

/// Magic number, name and remedy.
const UNREAD: &[(&[u8], Unread)] = &[(SUMMARY_MAGIC, SUMMARY), (b"regf", REGISTRY_HIVE)];

const SUMMARY: Unread = Unread {
    name: "plainsight_summary",
    remedy: "build a report from it with `plainsight correlate`",
};

const REGISTRY_HIVE: Unread = Unread {
    name: "registry_hive",
    remedy: "policies of IPsec in it are not read: export them on a host that has the hive, with `netsh ipsec dump` before Windows Vista and `Get-NetIPsecRule` since, for `plainsight policy import`",
};
/// A text of the registry.
pub(super) const REGISTRY_EXPORT: Unread = Unread {
    name: "registry_export",
    remedy: "policies of IPsec in it are not read: export them on the host, with `netsh ipsec dump` before Windows Vista and `Get-NetIPsecRule` since, for `plainsight policy import`",
};
/// The log of IKE before Windows Vista.
pub(super) const OAKLEY_LOG: Unread = Unread {
    name: "oakley_log",
    remedy: "its failures are in the Security log too (events 541 to 547): give that log; its cookies (I-COOKIE, R-COOKIE) are those of the negotiations in a capture",
};

/// How a file of summaries begins, as no text and no format of evidence does; the line end shows a
/// transfer as text.
pub const SUMMARY_MAGIC: &[u8; 16] = b"plainsight-sum\r\n";

/// The first bytes of a stream, as many as [`Format::of`] wants to see.
///
/// # Errors
/// Where the stream cannot be read.
pub fn peek(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut first_bytes = Vec::with_capacity(PEEK);
    reader.take(PEEK as u64).read_to_end(&mut first_bytes)?;
    Ok(first_bytes)
}

const PEEK: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_numbers_tell_and_names_do_not() {
        assert_eq!(Format::of(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0]), Format::Pcap);
        assert_eq!(Format::of(b"ElfFile\0...."), Format::Evtx);
        assert_eq!(Format::of(b"\x30\0\0\0LfLe").as_str(), "evt");
        assert_eq!(Format::of("Grüße\n".as_bytes()), Format::Text);
        assert_eq!(Format::of(&[0x7f, b'E', b'L', b'F']), Format::Unknown);
        assert_eq!(Format::of(b"regf\0").as_str(), "registry_hive");
        assert_eq!(Format::of(&[]), Format::Unknown);
    }

    #[test]
    fn an_event_trace_is_told_by_its_first_event() {
        let mut trace = vec![0; 256];
        for (at, octets) in
            [(0, [0, 4, 0, 0]), (54, [4, 0, 0, 0]), (72, [2, 0, 2, 0xc0]), (76, [0x90, 1, 0, 0])]
        {
            trace[at..at + 4].copy_from_slice(&octets);
        }
        assert_eq!(Format::of(&trace).as_str(), "etl");
        trace[78] = 1;
        assert_eq!(Format::of(&trace), Format::Unknown);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = Format::of(&bytes);
        }
    }
}
