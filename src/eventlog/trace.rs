//! Events about IPsec in an event trace (.etl), beside packets: events of the filtering platform, whose fields are
//! packed in the order of the provider's manifest, and packets that IPsec dropped.
//!
//! Times are those of the packets' clock. Missing events prove nothing. No real trace with these events was
//! available. Sources: the manifest of Microsoft-Windows-WFP (jdu2600/Windows10EtwEvents); ws2def.h for addresses.

use super::summary::Tally;
use super::{AuditOutcome, LogEvent, LogRecord, LogSummary};
use crate::catalogue::{DROPS, DROPS_PROVIDER};
use crate::evidence::{EvidenceId, Position, RecordRef, TraceProblem};
use crate::time::{Resolution, Timestamp};

/// The log of a trace, while it is read.
pub struct TraceLog<'s> {
    evidence: EvidenceId,
    tally: Tally,
    sink: &'s mut dyn FnMut(LogEvent),
    /// Events shorter than their layout, and where the first one is.
    damaged: Option<(u64, u64, u64)>,
}

/// The position of a record.
#[derive(Clone, Copy, Debug)]
pub struct EventPosition {
    /// Its number among all records of the file, from 1.
    pub record: u64,
    /// The offset in the file of the record, or of the buffer in which it is packed.
    pub offset: u64,
    /// When, by the packets' clock.
    pub time: Option<Timestamp>,
}

impl<'s> TraceLog<'s> {
    /// Starts the log of a file; passes the events that the catalogue knows to `sink`.
    pub fn new(evidence: EvidenceId, sink: &'s mut dyn FnMut(LogEvent)) -> Self {
        Self { evidence, tally: Tally::default(), sink, damaged: None }
    }

    /// Adds an event of Microsoft-Windows-WFP.
    pub fn platform(&mut self, place: EventPosition, id: u16, version: u8, data: &[u8]) {
        let Some(named) = fields(id, version, data) else {
            if layout(id, version).is_some() {
                self.damaged.get_or_insert((place.record, place.offset, 0)).2 += 1;
            }
            return;
        };
        let mut record = self.record(place, (WFP, WFP_LOG), id);
        record.version = version;
        record.named = named;
        self.keep(&record);
    }

    /// Adds a packet that IPsec dropped: its fields by name, as far as they are known.
    pub fn dropped(&mut self, place: EventPosition, named: Vec<(String, String)>) {
        let mut record = self.record(place, (DROPS_PROVIDER, DROPS), DROPPED);
        record.named = named;
        self.keep(&record);
    }

    fn record(
        &self,
        place: EventPosition,
        (provider, channel): (&str, &str),
        event_id: u16,
    ) -> LogRecord {
        LogRecord {
            record: RecordRef { evidence: self.evidence, record: place.record },
            written_as: None,
            is_numbered: false,
            provider: provider.to_owned(),
            channel: channel.to_owned(),
            computer: String::new(),
            event_id,
            version: 0,
            time: place.time,
            audit: AuditOutcome::NotAudit,
            named: Vec::new(),
            positional: Vec::new(),
            binary: Vec::new(),
        }
    }

    fn keep(&mut self, record: &LogRecord) {
        self.tally.of_source(&record.computer, &record.channel);
        self.tally.record(record.record.record, record.time);
        match LogEvent::from_record(record) {
            Some(event) => {
                self.tally.event(&event);
                (self.sink)(event);
            }
            None => self.tally.not_interpreted(record.event_id),
        }
    }

    /// The trace as a log; `None` where it has no such events.
    #[must_use]
    pub fn finish(mut self) -> Option<LogSummary> {
        if let Some((record, offset, count)) = self.damaged {
            let position = Position::Record(record);
            let kind = TraceProblem::ShortIpsecEvents(count);
            self.tally.problem(kind, Some(offset), position);
        }
        let mut summary = self.tally.finish();
        if summary.records == 0 && summary.problems.is_empty() {
            return None;
        }
        summary.gaps.clear();
        for source in &mut summary.sources {
            source.gaps.clear();
            source.trust.silences.clear();
            source.trust.setbacks.clear();
            source.trust.is_selection = true;
        }
        Some(summary)
    }
}

/// The type of a field in a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    U8,
    U16,
    U32,
    U64,
    /// A time, as FILETIME.
    Time,
    /// Bytes preceded by their number, in 32 bits.
    Bytes,
    /// UTF-16 up to its NUL.
    Text,
    /// Bytes up to their NUL.
    Ansi,
    Sid,
    Guid,
    /// A cookie: eight bytes in their order.
    Cookie,
    /// What is left before the fields behind it, whose length is this: bytes whose number is not given.
    Rest(usize),
}

use Field::{Ansi, Bytes, Cookie, Guid, Rest, Sid, Text, Time, U8, U16, U32, U64};

type Layout = &'static [(&'static str, Field)];

const ADDRESSES: Layout = &[
    ("Timestamp", Time),
    ("LocalAddress", Bytes),
    ("RemoteAddress", Bytes),
    ("ScopeId", U32),
    ("AppId", Text),
    ("UserSID", Sid),
];
const NAMES: Layout = &[
    ("LocalSpn", Text),
    ("PeerSpn", Text),
    ("LocalGroupSidCount", U32),
    ("LocalGroupSidLength", U32),
    ("LocalGroupSids", Text),
    ("RemoteGroupSidCount", U32),
    ("RemoteGroupSidLength", U32),
    ("RemoteGroupSids", Text),
];
const MAIN_MODE_ENDS: Layout = &[("MainModeLocalAddress", Bytes), ("MainModePeerAddress", Bytes)];
const MAIN_MODE_SA: Layout = &[
    ("EncryptionAlgorithm", U32),
    ("AuthenticationAlgorithm", U32),
    ("DiffieHellmanGroup", U32),
    ("LifetimeMinutes", U32),
    ("QMLimit", U32),
    ("Role", U32),
    ("Impersonation", U32),
    ("MMFilterId", U64),
    ("SaLuid", U64),
];
const METHOD: Layout = &[("AuthenticationMethodType", U32)];
const MODULE: Layout = &[("KeyingModule", U32)];
const CERTIFICATES: Layout = &[
    ("LocalCertDnSubject", Text),
    ("LocalCertShaThumbprint", Bytes),
    ("LocalCertDnIssuer", Text),
    ("LocalCertDnRoot", Text),
    ("PeerCertDnSubject", Text),
    ("PeerCertShaThumbprint", Bytes),
    ("PeerCertDnIssuer", Text),
    ("PeerCertDnRoot", Text),
];
const COOKIES: Layout = &[("InitiatorCookie", Cookie), ("ResponderCookie", Cookie)];
const CONTEXT: Layout = &[("ProviderContextKey", Guid)];
const SELECTOR: Layout = &[
    ("LocalAddress", Bytes),
    ("LocalAddressMask", Text),
    ("LocalTunnelEndpoint", Bytes),
    ("RemoteAddress", Bytes),
    ("RemoteAddressMask", Text),
    ("RemoteTunnelEndpoint", Bytes),
    ("IPProtocol", U32),
];
const MESSAGE: Layout = &[
    ("InitiatorCookie", Ansi),
    ("ResponderCookie", Ansi),
    ("ExchangeType", Ansi),
    ("Length", U32),
    ("NextPayload", Ansi),
    ("Flags", U8),
    ("MessageID", U32),
    ("LocalAddress", Text),
    ("LocalPort", U32),
    ("LocalProtocol", U32),
    ("RemoteAddress", Text),
    ("RemotePort", U32),
    ("RemoteProtocol", U32),
    ("InterfaceLuid", U64),
];
const SA_ENDED: Layout =
    &[("QMSaLuid", U64), ("VirtualIFTunnelId", U64), ("VirtualIFTrafficSelectorId", U64)];
const SPIS: Layout = &[("InboundSPI", U32), ("OutboundSPI", U32)];

/// The parts of an event's layout, one after the other.
fn layout(id: u16, version: u8) -> Option<Vec<Layout>> {
    Some(match (id, version) {
        (1003, _) => vec![
            ADDRESSES,
            &[
                ("FailureStatus", U32),
                ("Direction", U32),
                ("SPI", U32),
                ("FilterId", U64),
                ("LayerId", U16),
            ],
        ],
        (1005, 0) => vec![ADDRESSES, NAMES, MAIN_MODE_FAILED, &[("EndCertHash", Rest(16))], IDS],
        (1005, _) => {
            vec![ADDRESSES, NAMES, MAIN_MODE_FAILED, &[("EndCertHash", Rest(32))], IDS, CONTEXT]
        }
        (1007, 0) => vec![ADDRESSES, QUICK_MODE_FAILED],
        (1007, _) => vec![ADDRESSES, QUICK_MODE_FAILED, &[("MMSaLuid", U64)], CONTEXT],
        (1009, _) => vec![ADDRESSES, NAMES, EXTENDED_MODE_FAILED],
        (1013, 0) => vec![MAIN_MODE_ENDS, MODULE, &[("SaLuid", U64)]],
        (1013, _) => vec![MAIN_MODE_ENDS, MODULE, &[("SaLuid", U64)], COOKIES],
        (1014, _) => vec![
            &[("LocalSpn", Text), ("PeerSpn", Text)],
            MAIN_MODE_ENDS,
            MODULE,
            METHOD,
            MAIN_MODE_SA,
        ],
        (1015, _) => vec![CERTIFICATES, MAIN_MODE_ENDS, MODULE, METHOD, MAIN_MODE_SA],
        (1016 | 1017, _) => vec![CERTIFICATES, MAIN_MODE_ENDS, MAIN_MODE_SA],
        (1018 | 1019, _) => {
            vec![&[("LocalSpn", Text), ("PeerSpn", Text)], MAIN_MODE_ENDS, METHOD, MAIN_MODE_SA]
        }
        (1024, _) => vec![MESSAGE],
        (1025, _) => vec![MESSAGE, &[("ProfileId", U32)]],
        (1027, 0) => vec![SELECTOR, SA_ENDED],
        (1027, _) => vec![SELECTOR, SA_ENDED, SPIS],
        (1028, _) => vec![SELECTOR, SA_UP],
        (1043, _) => vec![
            MAIN_MODE_ENDS,
            MODULE,
            METHOD,
            MAIN_MODE_SA,
            CONTEXT,
            &[("VirtualIfTunnelId", U64)],
            COOKIES,
        ],
        _ => return None,
    })
}

const MAIN_MODE_FAILED: Layout = &[
    ("FailureErrorCode", U32),
    ("FailurePoint", U32),
    ("Flags", U32),
    ("KeyingModuleType", U32),
    ("MmState", U32),
    ("SaRole", U32),
    ("MMAuthMethod", U32),
];
const IDS: Layout = &[("MMId", U64), ("MMFilterId", U64)];
const QUICK_MODE_FAILED: Layout = &[
    ("FailureErrorCode", U32),
    ("FailurePoint", U32),
    ("KeyingModuleType", U32),
    ("QMState", U32),
    ("SaRole", U32),
    ("SaTrafficType", U32),
    ("QMFilterId", U64),
];
const EXTENDED_MODE_FAILED: Layout = &[
    ("FailureErrorCode", U32),
    ("FailurePoint", U32),
    ("Flags", U32),
    ("EMState", U32),
    ("SaRole", U32),
    ("EMAuthMethod", U32),
    ("EndCertHash", Rest(16)),
    ("MMId", U64),
    ("QMFilterId", U64),
];
const SA_UP: Layout = &[
    ("KeyingModuleName", U8),
    ("AHAuthType", U8),
    ("ESPAuthType", U8),
    ("ESPCipherType", U8),
    ("LifetimeSeconds", U32),
    ("LifetimeKilobytes", U32),
    ("LifetimePackets", U32),
    ("Mode", U8),
    ("Role", U8),
    ("TransportFilterId", U64),
    ("MMSaLuid", U64),
    ("QMSaLuid", U64),
    ("InboundSPI", U32),
    ("OutboundSPI", U32),
];

/// An event's fields as its channel spells them; `None` where its layout is not known, or the data is shorter.
fn fields(id: u16, version: u8, data: &[u8]) -> Option<Vec<(String, String)>> {
    let mut rest = data;
    let mut named = Vec::new();
    for (name, field) in layout(id, version)?.into_iter().flatten() {
        let (value, behind) = value(*field, rest)?;
        rest = behind;
        named.push(((*name).to_owned(), value));
    }
    Some(named)
}

/// A field's value, and the data after it.
fn value(field: Field, data: &[u8]) -> Option<(String, &[u8])> {
    let bytes = |length: usize| data.split_at_checked(length);
    Some(match field {
        U8 => data.split_first().map(|(first, rest)| (first.to_string(), rest))?,
        U16 => data
            .split_first_chunk()
            .map(|(number, rest)| (u16::from_le_bytes(*number).to_string(), rest))?,
        U32 => data
            .split_first_chunk()
            .map(|(number, rest)| (u32::from_le_bytes(*number).to_string(), rest))?,
        U64 => data
            .split_first_chunk()
            .map(|(number, rest)| (u64::from_le_bytes(*number).to_string(), rest))?,
        Time => {
            let (number, rest) = data.split_first_chunk()?;
            let time = Timestamp::from_filetime(u64::from_le_bytes(*number));
            (time.map_or_else(String::new, |time| time.rfc3339(Resolution::FILETIME)), rest)
        }
        Bytes => {
            let (length, rest) = data.split_first_chunk()?;
            let (bytes, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            (hex(bytes), rest)
        }
        Text => {
            let (units, _) = data.as_chunks::<2>();
            let length = units.iter().position(|unit| *unit == [0, 0])?;
            let units = units.iter().take(length).map(|unit| u16::from_le_bytes(*unit));
            let text = char::decode_utf16(units)
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect();
            (text, data.get((length + 1) * 2..)?)
        }
        Ansi => {
            let length = data.iter().position(|byte| *byte == 0)?;
            let text = String::from_utf8_lossy(data.get(..length)?).into_owned();
            (text, data.get(length + 1..)?)
        }
        Sid => {
            let count = usize::from(*data.get(1)?);
            let (sid, rest) = bytes(8 + 4 * count)?;
            (hex(sid), rest)
        }
        Guid => bytes(16).map(|(guid, rest)| (hex(guid), rest))?,
        Cookie => bytes(8).map(|(cookie, rest)| (hex(cookie), rest))?,
        Rest(behind) => {
            let (rest, behind) = bytes(data.len().checked_sub(behind)?)?;
            (hex(rest), behind)
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

const WFP: &str = "Microsoft-Windows-WFP";
const WFP_LOG: &str = "Microsoft-Windows-WFP/Operational";
/// PktMon's number for a packet that was dropped.
const DROPPED: u16 = 170;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Category;
    use crate::eventlog::{FailurePoint, KeyingModule, Role};
    use proptest::prelude::*;

    fn address(last: u8) -> Vec<u8> {
        let mut socket = vec![16, 0, 0, 0, 2, 0, 0x01, 0xf4, 10, 0, 0, last];
        socket.resize(20, 0);
        socket
    }

    fn text(words: &str) -> Vec<u8> {
        words.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    }

    fn numbers(values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn head() -> Vec<u8> {
        let sid = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
        [&[0; 8][..], &address(1), &address(2), &[0; 4], &text("app"), &sid].concat()
    }

    fn read(id: u16, version: u8, data: &[u8]) -> (Option<LogEvent>, Option<LogSummary>) {
        let mut found = None;
        let mut keep = |event| found = Some(event);
        let mut log = TraceLog::new(EvidenceId(1), &mut keep);
        let place = EventPosition { record: 7, offset: 72, time: Some(Timestamp(5)) };
        log.platform(place, id, version, data);
        let summary = log.finish();
        (found, summary)
    }

    fn main_mode_failure(hash: usize) -> Vec<u8> {
        let sids = [numbers(&[0, 0]), text("")].concat();
        let code = numbers(&[13801, 1, 0, 2, 3, 0, 1]);
        let ids = [77u64, 88].map(u64::to_le_bytes).concat();
        [head(), text("a"), text("b"), sids.clone(), sids, code, vec![9; hash], ids, vec![3; 16]]
            .concat()
    }

    #[test]
    fn a_failure_is_typed_like_that_of_the_channel() {
        // The length of a certificate's hash is not given.
        for hash in [0, 20, 32] {
            let (event, _) = read(1005, 1, &main_mode_failure(hash));
            let event = event.unwrap();
            let logged = event.negotiation().unwrap();
            assert_eq!((logged.local, logged.peer), (event.local(), event.peer()));
            assert_eq!(event.peer(), Some("10.0.0.2".parse().unwrap()));
            assert_eq!(event.error.map(|error| error.code), Some(13801));
            assert_eq!(logged.failure_point, Some(FailurePoint::Local));
            assert_eq!(
                (logged.role, logged.keying),
                (Some(Role::Initiator), Some(KeyingModule::IkeV2))
            );
            assert!(event.fields.contains(&("MMFilterId".into(), "88".into())));
            assert_eq!((event.time, event.record.record), (Some(Timestamp(5)), 7));
        }
    }

    #[test]
    fn drops_and_sas_have_their_spis_and_cookies() {
        let drop = [numbers(&[0xC036_0007, 1, 4660]), vec![0; 10]].concat();
        let (event, _) = read(1003, 0, &[head(), drop].concat());
        let event = event.unwrap();
        assert_eq!(
            (event.category, event.inbound_spi()),
            (Category::CleartextObserved, Some(4660))
        );
        let ends = [address(1), address(2)].concat();
        let cookies = [[1, 2, 3, 4, 5, 6, 7, 8], [8, 7, 6, 5, 4, 3, 2, 1]].concat();
        let (event, _) = read(1013, 1, &[ends, numbers(&[2]), vec![0; 8], cookies].concat());
        let event = event.unwrap();
        assert_eq!(event.initiator_cookie(), Some([1, 2, 3, 4, 5, 6, 7, 8]));
        assert_eq!(event.category, Category::SaEnded);
        let tunnel = vec![0; 4];
        let sides = [
            address(1),
            text("255.255.255.255"),
            tunnel.clone(),
            address(2),
            text("255.255.255.255"),
            tunnel,
        ]
        .concat();
        let up = [numbers(&[0]), vec![2, 0, 3, 4], numbers(&[1, 2, 3]), vec![1, 0], vec![0; 24]];
        let spis = numbers(&[0x1111, 0x2222]);
        let (event, _) = read(1028, 0, &[sides, up.concat(), spis].concat());
        let event = event.unwrap();
        assert_eq!((event.inbound_spi(), event.outbound_spi()), (Some(0x1111), Some(0x2222)));
    }

    #[test]
    fn what_holds_less_than_its_layout_is_named() {
        let (event, summary) = read(1005, 1, &head());
        assert_eq!(event, None);
        assert_eq!(summary.unwrap().problems.len(), 1);
        assert_eq!(read(1099, 0, &[]), (None, None));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(id in 1000u16..1050, version: u8, data: Vec<u8>) {
            read(id, version, &data);
        }
    }
}
