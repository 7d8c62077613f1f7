//! The formats of files that are known, read or not.

use super::collection::Archive;
use super::unpack::Packing;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

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
    /// Events as JSON, from any tool.
    EventJson,
    /// A table of events: Event Viewer's, or of a tool that names its columns.
    EventCsv,
    /// Events listed as text: `wevtutil /f:text`, Event Viewer's copies, PowerShell's Format-List.
    EventList,
    /// The filtering platform's events as `netsh wfp` writes them.
    NetEvents,
    /// A log of the IKE daemon of a gateway, or a system's log that may hold one.
    GatewayLog,
    /// The audit policy: a table of auditpol, or of a group policy.
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

/// A format that is recognized only to name it and to say how to make it readable.
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
        let mut known =
            UNREAD.iter().map(|row| row.1).chain([REGISTRY_EXPORT, OAKLEY_LOG, EVENT_TABLE]);
        known.find(|row| row.name == name).ok_or_else(|| D::Error::custom("an unknown format"))
    }
}

impl Format {
    /// Whether plainsight wrote it, so that it is never lost evidence.
    #[must_use]
    pub fn is_summary(self) -> bool {
        self == Self::Unread(SUMMARY)
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
}

/// Magic number, name and remedy.
pub(super) const UNREAD: &[(&[u8], Unread)] = &[(SUMMARY_MAGIC, SUMMARY), (b"regf", REGISTRY_HIVE)];

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
    remedy: "its failures are in the Security log too (events 541 to 547): provide that log; its cookies (I-COOKIE, R-COOKIE) are those of the negotiations in a capture",
};

/// What Get-WinEvent and Get-EventLog show on the screen.
pub(super) const EVENT_TABLE: Unread = Unread {
    name: "event_table",
    remedy: "PowerShell's table for the screen cuts messages off: export the log with `wevtutil epl`, or events with `wevtutil qe LOG /f:xml`, `Get-WinEvent ... | Export-Clixml`, or at least `| Format-List *`",
};

/// How a file of summaries begins, unlike any text or format of evidence; the line end shows whether it was
/// transferred as text.
pub const SUMMARY_MAGIC: &[u8; 16] = b"plainsight-sum\r\n";
