//! Interprets the fields of a record that the catalogue knows.
//!
//! Fields are taken by name, never by position: the same event and version differ between builds of Windows.
//! Texts in languages other than English are kept and give the event's general reason.

use super::legacy::{LegacyFields, SOFT_SA};
use super::service::service_change;
use super::{
    AuditChange, AuditOutcome, Detail, FailurePoint, KeyingModule, LogEvent, LogRecord,
    LoggedNegotiation, LoggedPackets, Mode, Role, Selector, ServiceChange, platform,
};
use crate::catalogue::{
    Category, EventEntry, Reason, WindowsError, event, parameter_number, parse_number, ras_error,
    windows_error, windows_error_in, with_parameters_spelled,
};
use crate::time::{Span, Timestamp};
use std::collections::BTreeSet;
use std::net::IpAddr;

impl LogEvent {
    /// Interprets the record; `None` where the catalogue does not know the event, or it is about a service that
    /// IPsec does not need.
    #[must_use]
    pub fn from_record(record: &LogRecord) -> Option<Self> {
        let entry = event(&record.channel, &record.provider, record.event_id)?;
        let (legacy_mode, renamed) = match record.legacy_fields() {
            Some(LegacyFields { named, mode }) => {
                (mode, Some(LogRecord { named, ..record.clone() }))
            }
            None => (None, None),
        };
        let record = renamed.as_ref().unwrap_or(record);
        let service = service_change(record);
        if is_service_control(entry) && service.is_none() || !platform::is_about_ipsec(record) {
            return None;
        }
        let error = error(record);
        if is_remote_access(entry, 20_227) && error.is_none() {
            return None;
        }
        let category = category(record, entry, error);
        Some(Self {
            version: record.version,
            recovered: false,
            hidden_in: None,
            category,
            record: record.record,
            written_as: record.written_as.unwrap_or(record.record.record),
            is_numbered: record.is_numbered,
            copies: BTreeSet::new(),
            entry,
            time: record.time,
            host: record.computer.clone(),
            channel: record.channel.clone(),
            provider: record.provider.clone(),
            event_id: record.event_id,
            audit: record.audit,
            reason: reason(record, entry, error, service),
            error,
            detail: match category {
                Category::IkeFailure
                | Category::SaEstablished
                | Category::SaEnded
                | Category::CleartextPermitted => {
                    let mode = legacy_mode.or_else(|| platform::mode(entry));
                    Detail::Negotiation(Box::new(negotiation(record, entry, mode, service)))
                }
                Category::DriverAnomaly | Category::CleartextObserved => {
                    Detail::Packets(packets(record))
                }
                Category::ServiceState => service.map_or_else(|| counted(record), Detail::Service),
                Category::ClockChange => Detail::ClockSet(clock_step(record)),
                Category::EvidenceIntegrity => AuditChange::from_record(record)
                    .map_or_else(|| counted(record), Detail::AuditChange),
                Category::PolicyChange | Category::HostState | Category::Context => Detail::Plain,
            },
            fields: spelled_fields(record),
        })
    }
}

fn negotiation(
    record: &LogRecord,
    entry: &EventEntry,
    mode: Option<Mode>,
    service: Option<ServiceChange>,
) -> LoggedNegotiation {
    LoggedNegotiation {
        local: record.first_address(platform::LOCAL),
        peer: record.first_address(platform::PEER),
        selector: selector(record, entry),
        initiator_cookie: record.field("InitiatorCookie").and_then(cookie),
        responder_cookie: record.field("ResponderCookie").and_then(cookie),
        inbound_spi: record.first_spi(INBOUND_SPI),
        outbound_spi: record.first_spi(OUTBOUND_SPI),
        main_mode_sa: record.first_of(platform::MAIN_MODE_SA).and_then(whole_number),
        quick_mode_sa: record.first_of(platform::QUICK_MODE_SA).and_then(whole_number),
        mode,
        state: state(record),
        message_id: record.small("MessageID"),
        role: record.coded("Role", ROLES).or_else(|| platform::role(record)),
        failure_point: record
            .coded("FailurePoint", FAILURE_POINTS)
            .or_else(|| record.worded("FailurePoint", LEGACY_FAILURE_POINTS))
            .or_else(|| platform::failure_point(record)),
        keying: record
            .coded("KeyModName", KEYING_MODULES)
            .or_else(|| record.coded("KeyingModuleName", KEYING_MODULES))
            .or_else(|| record.worded("KeyModName", KEYING_NAMES))
            .or_else(|| record.worded("KeyingModuleName", KEYING_NAMES))
            .or_else(|| platform::keying(record)),
        service,
    }
}

fn packets(record: &LogRecord) -> LoggedPackets {
    LoggedPackets {
        local: record.first_address(platform::LOCAL),
        peer: record.first_address(platform::PEER),
        inbound_spi: record.first_spi(INBOUND_SPI),
        outbound_spi: record.first_spi(OUTBOUND_SPI),
        count: packet_count(record),
    }
}

/// What the defence against floods discarded (5149), how many audit events were lost (516).
fn counted(record: &LogRecord) -> Detail {
    let of_count = |count| LoggedPackets { count: Some(count), ..LoggedPackets::default() };
    packet_count(record).map_or(Detail::Plain, |count| Detail::Packets(of_count(count)))
}

fn packet_count(record: &LogRecord) -> Option<u64> {
    record.number("PacketCount").or_else(|| record.number("PacketsDiscarded"))
}

impl LogRecord {
    /// A named field's value, trimmed; `None` where it is absent, empty or `-`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let (_, value) = self.named.iter().find(|(key, _)| key == name)?;
        unless_empty(value)
    }

    /// The value that messages call %`place` (from 1): the field `param1`, … or, where the record
    /// has no names, the value at that place.
    #[must_use]
    pub fn parameter(&self, place: usize) -> Option<&str> {
        let by_place = || self.positional.get(place.checked_sub(1)?).and_then(|v| unless_empty(v));
        self.field(&format!("param{place}")).or_else(by_place)
    }

    /// The host's own address of an outgoing connection (5156). For incoming ones, Windows is not consistent
    /// about which side is which.
    pub(super) fn connection_source(&self) -> Option<IpAddr> {
        let is_outbound = self.field("Direction") == Some(OUTBOUND);
        let own = self.address("SourceAddress").filter(|_| is_outbound)?;
        let is_of_host = !own.is_loopback() && !own.is_multicast();
        is_of_host.then_some(own)
    }

    /// The first of several names that has a value.
    pub(super) fn first_of(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.field(name))
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.field(name).and_then(whole_number)
    }

    fn small<T: TryFrom<u64>>(&self, name: &str) -> Option<T> {
        self.number(name).and_then(|number| T::try_from(number).ok())
    }

    /// No SA has the SPI 0; Windows writes it where there is no SPI.
    fn spi(&self, name: &str) -> Option<u32> {
        self.small(name).filter(|spi| *spi != 0)
    }

    /// An address other than the unspecified one.
    fn address(&self, name: &str) -> Option<IpAddr> {
        self.mask(name).filter(|address| !address.is_unspecified())
    }

    fn mask(&self, name: &str) -> Option<IpAddr> {
        let text = self.field(name)?;
        // A link-local address may carry its interface: fe80::1%12.
        let address = text.split_once('%').map_or(text, |(address, _)| address);
        address.parse().ok().or_else(|| platform::socket_address(text))
    }

    /// The first of several names that holds an address.
    fn first_address(&self, names: &[&str]) -> Option<IpAddr> {
        names.iter().find_map(|name| self.address(name))
    }

    fn first_spi(&self, names: &[&str]) -> Option<u32> {
        names.iter().find_map(|name| self.spi(name))
    }

    /// The meaning of a field that is a lone `%%nnnn`.
    fn coded<T: Copy>(&self, name: &str, table: &[(u32, T)]) -> Option<T> {
        let number = parameter_number(self.field(name)?)?;
        table.iter().find(|row| row.0 == number).map(|row| row.1)
    }
}

impl LogRecord {
    /// The meaning of a field that legacy events write out, where it is in English.
    fn worded<T: Copy>(&self, name: &str, table: &[(&str, T)]) -> Option<T> {
        let text = self.field(name)?;
        table.iter().find(|row| row.0.eq_ignore_ascii_case(text)).map(|row| row.1)
    }
}

impl AuditOutcome {
    /// From the keywords of a record ([MS-EVEN6]: the audit bits are 52 and 53).
    pub(super) const fn from_keywords(keywords: u64) -> Self {
        if keywords & FAILURE_KEYWORD != 0 {
            Self::Failure
        } else if keywords & SUCCESS_KEYWORD != 0 {
            Self::Success
        } else {
            Self::NotAudit
        }
    }
}

/// A whole number, decimal or behind `0x`.
pub(super) fn whole_number(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

fn unless_empty(value: &str) -> Option<&str> {
    let value = value.trim();
    (!value.is_empty() && value != "-").then_some(value)
}

fn is_service_control(entry: &EventEntry) -> bool {
    entry.category == Category::ServiceState && entry.provider == "Service Control Manager"
}

fn is_remote_access(entry: &EventEntry, id: u16) -> bool {
    entry.provider == "RasClient" && entry.id == id
}

/// The Windows error that a record names, by number or by its English text.
fn error(record: &LogRecord) -> Option<&'static WindowsError> {
    if record.provider.eq_ignore_ascii_case("RasClient") {
        // The fourth parameter: a code of remote access, or a Win32 code of IPsec.
        let code = record.parameter(4).and_then(parse_number)?;
        return ras_error(code).or_else(|| windows_error(code));
    }
    record.first_of(FAILURE_TEXTS).and_then(windows_error_in)
}

/// What the record reports: its row says, unless its fields say more.
fn category(record: &LogRecord, entry: &EventEntry, error: Option<&WindowsError>) -> Category {
    let code = error.map(|error| error.code);
    if record.field(SOFT_SA).is_some() || code == Some(SOFT_SA_LOADED) {
        return Category::CleartextPermitted;
    }
    if entry.category == Category::DriverAnomaly && code == Some(CLEAR_TEXT_DROP) {
        return Category::CleartextObserved;
    }
    entry.category
}

/// How far the negotiation came, by the record.
fn state(record: &LogRecord) -> Option<String> {
    let text = record.first_of(&["State", "MmState", "QMState", "EMState", "ExtraStatus"])?;
    text.lines().next().map(|line| with_parameters_spelled(line.trim()))
}

/// The new time minus the old one (4616), or the correction that the time service reports (52).
fn clock_step(record: &LogRecord) -> Option<Span> {
    let time = |name| record.field(name).and_then(Timestamp::from_rfc3339);
    match (record.event_id, time("NewTime"), time("PreviousTime")) {
        (4616, Some(new), Some(old)) => Some(new.since(old)),
        (52, ..) => record.parameter(1)?.parse().ok().map(Span::from_seconds),
        _ => None,
    }
}

/// By the record's own words first, then by its number.
fn reason(
    record: &LogRecord,
    entry: &EventEntry,
    error: Option<&WindowsError>,
    service: Option<ServiceChange>,
) -> Option<Reason> {
    let with_shared_key = || record.field("MMAuthMethod") == Some(PRESHARED_KEY);
    let garbled = |error: &&WindowsError| GARBLED_BY_ANOTHER_KEY.contains(&error.code);
    if error.filter(garbled).is_some() && with_shared_key() {
        return Some(Reason::PskMismatchSuspected);
    }
    let is_soft = error.is_some_and(|error| error.code == SOFT_SA_LOADED);
    if record.field(SOFT_SA).is_some() || is_soft {
        return Some(Reason::FallbackToClear);
    }
    if record.field("notification") == Some(DOS_PREVENTION_STARTED) {
        return Some(Reason::DosProtection);
    }
    let by_service =
        service.filter(|change| change.state.is_down()).map(|_| Reason::ServiceStopped);
    error.and_then(|error| error.reason).or(entry.reason).or(by_service)
}

fn selector(record: &LogRecord, entry: &EventEntry) -> Option<Selector> {
    // The legacy events report both modes under one number; only quick mode has masks.
    let is_quick =
        entry.subcategory == "IPsec Quick Mode" || record.field("LocalAddressMask").is_some();
    (is_quick && record.field("LocalAddress").is_some()).then(|| Selector {
        local_mask: record.mask("LocalAddressMask"),
        peer_mask: record.mask("RemoteAddressMask"),
        local_port: record.small("LocalPort"),
        peer_port: record.small("RemotePort"),
        protocol: record
            .first_of(&["IpProtocol", "IPProtocol", "Protocol"])
            .and_then(whole_number)
            .and_then(|number| u8::try_from(number).ok()),
        local_tunnel: record.address("LocalTunnelEndpoint"),
        peer_tunnel: record.address("RemoteTunnelEndpoint"),
        peer_private: record
            .address("PeerPrivateAddress")
            .or_else(|| record.address("RemotePrivateAddress")),
    })
}

/// Sixteen hexadecimal digits in the order of the wire.
fn cookie(text: &str) -> Option<[u8; 8]> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.len() != 16 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok().map(u64::to_be_bytes)
}

fn spelled_fields(record: &LogRecord) -> Vec<(String, String)> {
    let spell = |value: &str| with_parameters_spelled(value.trim_end());
    let named = record.named.iter().map(|(name, value)| (name.clone(), spell(value)));
    let places = record.positional.iter().zip(1..);
    named.chain(places.map(|(value, place)| (place.to_string(), spell(value)))).collect()
}

const FAILURE_TEXTS: &[&str] = &["FailureReason", "Error", "FailureErrorCode", "FailureStatus"];
const INBOUND_SPI: &[&str] = &["InboundSpi", "InboundSPI", "SPI"];
const OUTBOUND_SPI: &[&str] = &["OutboundSpi", "OutboundSPI"];
/// ERROR_IPSEC_IKE_LOAD_SOFT_SA.
const SOFT_SA_LOADED: u32 = 13_844;
/// ERROR_IPSEC_CLEAR_TEXT_DROP.
const CLEAR_TEXT_DROP: u32 = 13_916;
const OUTBOUND: &str = "%%14593";
const PRESHARED_KEY: &str = "%%8193";
const DOS_PREVENTION_STARTED: &str = "%%8214";
const SUCCESS_KEYWORD: u64 = 1 << 53;
const FAILURE_KEYWORD: u64 = 1 << 52;

const ROLES: &[(u32, Role)] = &[
    (8205, Role::Initiator),
    (8206, Role::Responder),
    (16405, Role::Responder),
    (16406, Role::Initiator),
];

const FAILURE_POINTS: &[(u32, FailurePoint)] =
    &[(8199, FailurePoint::Local), (8200, FailurePoint::Remote)];

const KEYING_MODULES: &[(u32, KeyingModule)] =
    &[(8222, KeyingModule::IkeV1), (8223, KeyingModule::AuthIp), (8244, KeyingModule::IkeV2)];

/// The same where an export has the names, which no language translates.
const KEYING_NAMES: &[(&str, KeyingModule)] = &[
    ("IKEv1", KeyingModule::IkeV1),
    ("AuthIP", KeyingModule::AuthIp),
    ("IKEv2", KeyingModule::IkeV2),
];

const LEGACY_FAILURE_POINTS: &[(&str, FailurePoint)] =
    &[("Me", FailurePoint::Local), ("Peer", FailurePoint::Remote)];

/// With two different pre-shared keys, IKEv1 decrypts the third main mode message to random bytes: the
/// identity, the hash or any payload cannot be read (13834, 13837, 13843, 13867, 13870).
const GARBLED_BY_ANOTHER_KEY: &[u32] = &[13834, 13837, 13843, 13867, 13870];
