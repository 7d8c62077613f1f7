//! What a record's fields mean, once the catalogue knows the record.
//!
//! Fields are taken by name, never by place: the same event and version differ between builds of
//! Windows. Texts in another language than English are kept and give the event's general reason.

use super::service::service_change;
use super::{
    AuditChange, AuditOutcome, FailurePoint, KeyingModule, LogEvent, LogRecord, Role, Selector,
    Service, ServiceState,
};
use crate::catalogue::{
    Category, EventEntry, Reason, WindowsError, event, parameter_number, windows_error_in,
    with_parameters_spelled,
};
use std::net::IpAddr;

impl LogEvent {
    /// The record with its meaning; `None` where the catalogue does not know the event, or it is
    /// about a service that IPsec does not need.
    #[must_use]
    pub fn from_record(record: &LogRecord) -> Option<Self> {
        let entry = event(&record.channel, &record.provider, record.event_id)?;
        let renamed = record.legacy_fields().map(|named| LogRecord { named, ..record.clone() });
        let record = renamed.as_ref().unwrap_or(record);
        let service = service_change(record);
        if is_service_control(entry) && service.is_none() {
            return None;
        }
        let error = record.first_of(FAILURE_TEXTS).and_then(windows_error_in);
        Some(Self {
            record: record.record,
            entry,
            time: record.time,
            host: record.computer.clone(),
            channel: record.channel.clone(),
            provider: record.provider.clone(),
            event_id: record.event_id,
            audit: record.audit,
            reason: reason(record, entry, error, service),
            error,
            local: record.address("LocalAddress"),
            peer: record.address("RemoteAddress"),
            selector: selector(record, entry),
            initiator_cookie: record.field("InitiatorCookie").and_then(cookie),
            responder_cookie: record.field("ResponderCookie").and_then(cookie),
            inbound_spi: record.spi("InboundSpi").or_else(|| record.spi("SPI")),
            outbound_spi: record.spi("OutboundSpi"),
            main_mode_sa: record.first_of(&["MMSAID", "MainModeSaId"]).and_then(whole_number),
            quick_mode_sa: record.number("QuickModeSaId"),
            message_id: record.small("MessageID"),
            role: record.coded("Role", ROLES),
            failure_point: record
                .coded("FailurePoint", FAILURE_POINTS)
                .or_else(|| record.worded("FailurePoint", LEGACY_FAILURE_POINTS)),
            keying: record
                .coded("KeyModName", KEYING_MODULES)
                .or_else(|| record.coded("KeyingModuleName", KEYING_MODULES)),
            service,
            audit_change: AuditChange::from_record(record),
            fields: spelled_fields(record),
        })
    }
}

impl LogRecord {
    /// A named field's value, trimmed; `None` where it is absent, empty or `-`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let (_, value) = self.named.iter().find(|(key, _)| key == name)?;
        told(value)
    }

    /// The value that messages call %`place` (from 1): the field `param1`, … or, where the record
    /// has no names, the value at that place.
    #[must_use]
    pub fn parameter(&self, place: usize) -> Option<&str> {
        let by_place = || self.positional.get(place.checked_sub(1)?).and_then(|v| told(v));
        self.field(&format!("param{place}")).or_else(by_place)
    }

    /// The first of several names that has a value.
    fn first_of(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.field(name))
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.field(name).and_then(whole_number)
    }

    fn small<T: TryFrom<u64>>(&self, name: &str) -> Option<T> {
        self.number(name).and_then(|number| T::try_from(number).ok())
    }

    /// No SA has the SPI 0; Windows writes it where there is none.
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
        text.split_once('%').map_or(text, |(address, _)| address).parse().ok()
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

fn told(value: &str) -> Option<&str> {
    let value = value.trim();
    (!value.is_empty() && value != "-").then_some(value)
}

fn is_service_control(entry: &EventEntry) -> bool {
    entry.category == Category::ServiceState && entry.provider == "Service Control Manager"
}

/// The record's own words first, then what its number alone says.
fn reason(
    record: &LogRecord,
    entry: &EventEntry,
    error: Option<&WindowsError>,
    service: Option<(Service, ServiceState)>,
) -> Option<Reason> {
    let with_shared_key = || record.field("MMAuthMethod") == Some(PRESHARED_KEY);
    let garbled = |error: &&WindowsError| GARBLED_BY_ANOTHER_KEY.contains(&error.code);
    if error.filter(garbled).is_some() && with_shared_key() {
        return Some(Reason::PskMismatchSuspected);
    }
    if record.field("SoftSa").is_some() {
        return Some(Reason::FallbackToClear);
    }
    if record.field("notification") == Some(DOS_PREVENTION_STARTED) {
        return Some(Reason::DosProtection);
    }
    let by_service = service.filter(|(_, state)| state.is_down()).map(|_| Reason::ServiceStopped);
    error.and_then(|error| error.reason).or(entry.reason).or(by_service)
}

fn selector(record: &LogRecord, entry: &EventEntry) -> Option<Selector> {
    // The legacy events tell both modes under one number; only quick mode has masks.
    let is_quick = entry.subcategory == "IPsec Quick Mode"
        || entry.provider == "Security" && record.field("LocalAddressMask").is_some();
    (is_quick && record.field("LocalAddress").is_some()).then(|| Selector {
        local_mask: record.mask("LocalAddressMask"),
        peer_mask: record.mask("RemoteAddressMask"),
        local_port: record.small("LocalPort"),
        peer_port: record.small("RemotePort"),
        protocol: record.small("IpProtocol").or_else(|| record.small("Protocol")),
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

const FAILURE_TEXTS: &[&str] = &["FailureReason", "Error"];
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

const LEGACY_FAILURE_POINTS: &[(&str, FailurePoint)] =
    &[("Me", FailurePoint::Local), ("Peer", FailurePoint::Remote)];

/// With two different pre-shared keys IKEv1 decrypts the third main mode message to nonsense:
/// the identity, the hash or any payload cannot be read (13834, 13837, 13843, 13867, 13870).
const GARBLED_BY_ANOTHER_KEY: &[u32] = &[13834, 13837, 13843, 13867, 13870];
