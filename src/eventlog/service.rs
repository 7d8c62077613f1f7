//! The services that IPsec needs, and their states by a log's records.
//!
//! Identifies a service by its key name wherever the record has it, because display names are translated; the
//! English display names are the fallback.

use super::LogRecord;
use serde::{Deserialize, Serialize};

/// A service without which nothing is negotiated or protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Service {
    /// PolicyAgent: hands the IPsec policy to the system ("IPSEC Services" before Vista).
    PolicyAgent,
    /// IKEEXT: negotiates (IKE and AuthIP), since Vista.
    Ikeext,
    /// BFE: the base filtering engine, on which the others depend.
    Bfe,
    /// MpsSvc: Windows Firewall, which holds the connection security rules.
    MpsSvc,
}

/// A service and its new state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServiceChange {
    /// The service.
    pub service: Service,
    /// Its new state.
    pub state: ServiceState,
}

impl Service {
    /// The key name, as Windows spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PolicyAgent => "PolicyAgent",
            Self::Ikeext => "IKEEXT",
            Self::Bfe => "BFE",
            Self::MpsSvc => "MpsSvc",
        }
    }

    /// The service of a key name or an English display name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|row| row.1)
    }
}

/// The states of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ServiceState {
    /// It is starting, or was asked to.
    Starting,
    /// It runs.
    Running,
    /// It is stopping, or was asked to.
    Stopping,
    /// It stopped.
    Stopped,
    /// It is paused, or on the way into or out of it.
    Paused,
    /// It ended with an error, ended unexpectedly, or could not start.
    Failed,
    /// It was disabled: it will not start again.
    Disabled,
    /// Its start type was changed, as far as can be read not to disabled.
    StartTypeChanged,
    /// The record gives the state in the words of another language.
    Unknown,
}

impl ServiceState {
    /// The state as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Disabled => "disabled",
            Self::StartTypeChanged => "start_type_changed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the service does no work in this state. A disabled service may still run.
    #[must_use]
    pub const fn is_down(self) -> bool {
        match self {
            Self::Stopped | Self::Failed => true,
            Self::Starting
            | Self::Running
            | Self::Stopping
            | Self::Paused
            | Self::Disabled
            | Self::StartTypeChanged
            | Self::Unknown => false,
        }
    }
}

/// The service that a record is about, and its new state.
pub(super) fn service_change(record: &LogRecord) -> Option<ServiceChange> {
    let by_number = AUDITED.iter().find(|row| row.0 == record.event_id);
    if record.channel.eq_ignore_ascii_case("Security") {
        return by_number.map(|row| ServiceChange { service: row.1, state: row.2 });
    }
    let source = CONTROL.iter().find(|row| row.0 == record.event_id)?.1;
    let binary = utf16_text(&record.binary);
    let (key_name, state_digit) = binary.split_once('/').unwrap_or((&binary, ""));
    let service = Service::named(key_name)
        .or_else(|| record.parameter(4).and_then(Service::named))
        .or_else(|| record.parameter(1).and_then(Service::named))?;
    Some(ServiceChange { service, state: state(source, record, state_digit) })
}

/// Where the events of the Service Control Manager give the state.
#[derive(Clone, Copy)]
enum StateSource {
    /// In the event's number.
    State(ServiceState),
    /// A digit of the binary payload, or the second parameter in words.
    StateWords,
    /// The second parameter: the control that was sent.
    Control,
    /// The third parameter: the new start type.
    StartType,
}

fn state(source: StateSource, record: &LogRecord, state_digit: &str) -> ServiceState {
    let words = |place: usize, table: &[(&str, ServiceState)], otherwise: ServiceState| {
        let text = record.parameter(place).unwrap_or_default();
        let row = table.iter().find(|row| row.0.eq_ignore_ascii_case(text));
        row.map_or(otherwise, |row| row.1)
    };
    match source {
        StateSource::State(state) => state,
        StateSource::StateWords => STATE_DIGITS
            .iter()
            .find(|row| row.0 == state_digit)
            .map_or_else(|| words(2, STATE_WORDS, ServiceState::Unknown), |row| row.1),
        StateSource::Control => words(2, CONTROL_WORDS, ServiceState::Unknown),
        StateSource::StartType => words(3, START_TYPES, ServiceState::StartTypeChanged),
    }
}

/// UTF-16LE up to the first NUL; invalid units become replacement characters, which name no service.
fn utf16_text(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| {
        let pair: [u8; 2] = pair.try_into().unwrap_or_default();
        u16::from_le_bytes(pair)
    });
    char::decode_utf16(units.take_while(|unit| *unit != 0))
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Key names, then English display names from Windows 2000 on.
const NAMES: &[(&str, Service)] = &[
    ("PolicyAgent", Service::PolicyAgent),
    ("IPsec Policy Agent", Service::PolicyAgent),
    ("IPSEC Services", Service::PolicyAgent),
    ("IKEEXT", Service::Ikeext),
    ("IKE and AuthIP IPsec Keying Modules", Service::Ikeext),
    ("BFE", Service::Bfe),
    ("Base Filtering Engine", Service::Bfe),
    ("MpsSvc", Service::MpsSvc),
    ("Windows Firewall", Service::MpsSvc),
    ("Windows Defender Firewall", Service::MpsSvc),
];

/// The Security log's events that show a service's state by their number.
const AUDITED: &[(u16, Service, ServiceState)] = &[
    (613, Service::PolicyAgent, ServiceState::Running),
    (614, Service::PolicyAgent, ServiceState::Disabled),
    (4709, Service::PolicyAgent, ServiceState::Running),
    (4710, Service::PolicyAgent, ServiceState::Disabled),
    (5024, Service::MpsSvc, ServiceState::Running),
    (5025, Service::MpsSvc, ServiceState::Stopped),
    (5453, Service::Ikeext, ServiceState::Stopped),
    (5478, Service::PolicyAgent, ServiceState::Running),
    (5479, Service::PolicyAgent, ServiceState::Stopped),
    (5483, Service::PolicyAgent, ServiceState::Failed),
    (5484, Service::PolicyAgent, ServiceState::Failed),
];

/// The Service Control Manager's events.
const CONTROL: &[(u16, StateSource)] = &[
    (7023, StateSource::State(ServiceState::Failed)),
    (7024, StateSource::State(ServiceState::Failed)),
    (7031, StateSource::State(ServiceState::Failed)),
    (7034, StateSource::State(ServiceState::Failed)),
    (7035, StateSource::Control),
    (7036, StateSource::StateWords),
    (7040, StateSource::StartType),
];

/// `dwCurrentState` of SERVICE_STATUS.
const STATE_DIGITS: &[(&str, ServiceState)] = &[
    ("1", ServiceState::Stopped),
    ("2", ServiceState::Starting),
    ("3", ServiceState::Stopping),
    ("4", ServiceState::Running),
    ("5", ServiceState::Paused),
    ("6", ServiceState::Paused),
    ("7", ServiceState::Paused),
];

const STATE_WORDS: &[(&str, ServiceState)] = &[
    ("stopped", ServiceState::Stopped),
    ("running", ServiceState::Running),
    ("paused", ServiceState::Paused),
];

const CONTROL_WORDS: &[(&str, ServiceState)] =
    &[("start", ServiceState::Starting), ("stop", ServiceState::Stopping)];

const START_TYPES: &[(&str, ServiceState)] = &[("disabled", ServiceState::Disabled)];
