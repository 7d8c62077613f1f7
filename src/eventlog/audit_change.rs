//! What an audit policy change did to the auditing of IPsec.
//!
//! Decodes what one record changed; whether events are missing because of it is decided elsewhere.

use super::LogRecord;
use crate::catalogue::parameter_number;
use serde::{Deserialize, Serialize};

/// One change of the system's or a user's audit policy (events 4719 and 4912).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AuditChange {
    /// Which events are concerned; `None` for subcategories that have none about IPsec.
    pub subcategory: Option<AuditSubcategory>,
    /// The new setting for successes; `None` where it was not changed.
    pub success: Option<Auditing>,
    /// The new setting for failures; `None` where it was not changed.
    pub failure: Option<Auditing>,
}

/// Whether something is audited from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Auditing {
    /// It is.
    On,
    /// It is not.
    Off,
    /// It was turned on or off; the record says which in a language that is not recognized.
    Unclear,
}

/// An audit subcategory that governs events about IPsec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AuditSubcategory {
    /// Main mode: 4650 to 4653, 4655, 4976, 5049, 5453.
    MainMode,
    /// Quick mode: 4654, 4977, 5451, 5452.
    QuickMode,
    /// Extended mode: 4978 to 4984.
    ExtendedMode,
    /// Logons, before Vista: with them 541 to 547.
    LogonEvents,
    /// The driver: 4960 to 4965, 5478 to 5485.
    Driver,
    /// Policies, rules and services: 4709 to 4712, 5040 to 5048, 5440 to 5477.
    FilteringPlatformPolicy,
    /// Audit policy changes themselves: 4719, 4912.
    AuditPolicy,
    /// Start and end of the system, changes of its clock: 4608, 4616.
    SecurityState,
}

impl AuditSubcategory {
    /// The subcategory as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MainMode => "ipsec_main_mode",
            Self::QuickMode => "ipsec_quick_mode",
            Self::ExtendedMode => "ipsec_extended_mode",
            Self::LogonEvents => "audit_logon_events",
            Self::Driver => "ipsec_driver",
            Self::FilteringPlatformPolicy => "filtering_platform_policy_change",
            Self::AuditPolicy => "audit_policy_change",
            Self::SecurityState => "security_state_change",
        }
    }
}

impl AuditChange {
    /// Whether something that was or could have been audited is no longer audited.
    #[must_use]
    pub fn silences(self) -> bool {
        self.success == Some(Auditing::Off) || self.failure == Some(Auditing::Off)
    }

    /// Whether the new setting is unknown.
    #[must_use]
    pub fn is_unreadable(self) -> bool {
        self.success == Some(Auditing::Unclear) || self.failure == Some(Auditing::Unclear)
    }

    /// From the record of a change; `None` for any other record.
    pub(super) fn from_record(record: &LogRecord) -> Option<Self> {
        if record.event_id == LEGACY_POLICY && record.provider.eq_ignore_ascii_case("Security") {
            return Self::from_legacy(record);
        }
        let changes = record.field("AuditPolicyChanges")?;
        let mut change = Self { subcategory: subcategory(record), success: None, failure: None };
        if !changes.contains("%%") {
            // The words are in a language that is not recognized. Windows writes the change of successes before
            // that of failures, but a single change may be either.
            let unclear = Some(Auditing::Unclear);
            return Some(Self { success: unclear, failure: unclear, ..change });
        }
        for number in changes.split(',').filter_map(parameter_number) {
            match CHANGES.iter().find(|row| row.0 == number) {
                Some((_, Outcome::Success, auditing)) => change.success = Some(*auditing),
                Some((_, Outcome::Failure, auditing)) => change.failure = Some(*auditing),
                None => {}
            }
        }
        Some(change)
    }
}

impl AuditChange {
    /// Event 612 lists the whole policy as `+` and `-`; success and failure of logon events, at indices 3 and
    /// 4, govern IPsec's events (541 to 547).
    fn from_legacy(record: &LogRecord) -> Option<Self> {
        let at = |place: usize| match record.positional.get(place)?.trim() {
            "+" => Some(Auditing::On),
            "-" => Some(Auditing::Off),
            _ => None,
        };
        let (success, failure) = (at(2), at(3));
        success.or(failure)?;
        Some(Self { subcategory: Some(AuditSubcategory::LogonEvents), success, failure })
    }
}

/// By GUID or, where that is missing, by the numbered text of its name; names are translated.
fn subcategory(record: &LogRecord) -> Option<AuditSubcategory> {
    let guid = record.field("SubcategoryGuid").unwrap_or_default();
    let guid = guid.trim_start_matches('{').trim_end_matches('}');
    let number = record.field("SubcategoryId").and_then(parameter_number);
    let by_guid = SUBCATEGORIES.iter().find(|row| row.1.eq_ignore_ascii_case(guid));
    by_guid.or_else(|| SUBCATEGORIES.iter().find(|row| Some(row.2) == number)).map(|row| row.0)
}

/// Of Windows 2000 to Server 2003.
const LEGACY_POLICY: u16 = 612;

enum Outcome {
    Success,
    Failure,
}

/// GUID and numbered name. Source: Microsoft, "Auditing Constants"; winevt-kb, msobjs.dll.
#[rustfmt::skip]
const SUBCATEGORIES: &[(AuditSubcategory, &str, u32)] = &[
    (AuditSubcategory::MainMode,                "0CCE9218-69AE-11D9-BED3-505054503030", 12547),
    (AuditSubcategory::QuickMode,               "0CCE9219-69AE-11D9-BED3-505054503030", 12549),
    (AuditSubcategory::ExtendedMode,            "0CCE921A-69AE-11D9-BED3-505054503030", 12550),
    (AuditSubcategory::Driver,                  "0CCE9213-69AE-11D9-BED3-505054503030", 12291),
    (AuditSubcategory::FilteringPlatformPolicy, "0CCE9233-69AE-11D9-BED3-505054503030", 13572),
    (AuditSubcategory::AuditPolicy,             "0CCE922F-69AE-11D9-BED3-505054503030", 13568),
    (AuditSubcategory::SecurityState,           "0CCE9210-69AE-11D9-BED3-505054503030", 12288),
];

/// The numbered texts of changes. Excluding a user reduces auditing, so removing an exclusion turns auditing
/// on. Source: winevt-kb, msobjs.dll.
const CHANGES: &[(u32, Outcome, Auditing)] = &[
    (8448, Outcome::Success, Auditing::Off),
    (8449, Outcome::Success, Auditing::On),
    (8450, Outcome::Failure, Auditing::Off),
    (8451, Outcome::Failure, Auditing::On),
    (8452, Outcome::Success, Auditing::Off),
    (8453, Outcome::Success, Auditing::On),
    (8454, Outcome::Success, Auditing::On),
    (8455, Outcome::Success, Auditing::Off),
    (8456, Outcome::Failure, Auditing::Off),
    (8457, Outcome::Failure, Auditing::On),
    (8458, Outcome::Failure, Auditing::On),
    (8459, Outcome::Failure, Auditing::Off),
];
