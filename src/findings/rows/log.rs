//! The findings about logs, their clocks and what hosts record. One constant a finding: its code, meaning, severity rule, advice and controls.

use super::FindingRow;
use super::steps::{AUDIT, AUTOSTART, BOOT_MODE, CLOCK, COPIES, ENLARGE, REGISTRY, RESTART};
use crate::findings::{Control, FindingCode, Severity};

pub(super) const SERVICE_DOWN: FindingRow = FindingRow {
    code: FindingCode::ServiceDown,
    name: "service_down",
    meaning: "A service that IPsec needs stopped, failed or was disabled.",
    severities: &[(Severity::Low, "")],
    what_to_do: "Find out who stopped it, set it to start automatically, start it, and capture again.",
    steps: &[AUTOSTART, RESTART],
    controls: &[Control::Sp80077, Control::Cm6],
};

pub(super) const LOG_CLEARED: FindingRow = FindingRow {
    code: FindingCode::LogCleared,
    name: "log_cleared",
    meaning: "An event log was cleared. Its earlier records are lost, so missing events prove nothing.",
    severities: &[(Severity::High, "")],
    what_to_do: "Ask who cleared it and when, and look for copies: forwarded events, backups, shadow copies.",
    steps: &[COPIES],
    controls: &[Control::Au9],
};

pub(super) const AUDITING_REDUCED: FindingRow = FindingRow {
    code: FindingCode::AuditingReduced,
    name: "auditing_reduced",
    meaning: "Auditing of IPsec events was turned off. From then on, missing events prove nothing.",
    severities: &[(Severity::High, "")],
    what_to_do: "Turn on auditing of the IPsec subcategories with auditpol, for success and failure.",
    steps: &[AUDIT],
    controls: &[Control::Au9, Control::Au12],
};

pub(super) const EVENTS_LOST: FindingRow = FindingRow {
    code: FindingCode::EventsLost,
    name: "events_lost",
    meaning: "A log reports that events are missing or that recording stopped.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Do not treat missing events as proof. Enlarge the log or forward its events.",
    steps: &[ENLARGE],
    controls: &[Control::Au4, Control::Au5],
};

pub(super) const RECORD_GAP: FindingRow = FindingRow {
    code: FindingCode::RecordGap,
    name: "record_gap",
    meaning: "Record numbers are missing inside a log: records were removed, lost or damaged.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Compare with the original log on the host, and ask how the export was made.",
    steps: &[COPIES],
    controls: &[Control::Au9],
};

pub(super) const CLOCK_WRONG: FindingRow = FindingRow {
    code: FindingCode::ClockWrong,
    name: "clock_wrong",
    meaning: "A host's clock differed from the captures' clock by more than five minutes. Certificates and Kerberos tickets may have appeared expired or not yet valid. If the clocks of all hosts agree with each other, the captures' clock was wrong, and the finding states this.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Correct the clock and synchronize it with a time server.",
    steps: &[CLOCK],
    controls: &[Control::Au8, Control::Ia5],
};

pub(super) const CLOCK_UNKNOWN: FindingRow = FindingRow {
    code: FindingCode::ClockUnknown,
    name: "clock_unknown",
    meaning: "A log and the captures have no negotiation in common, so the offset of the log's clock is unknown. Its events were not matched to windows by time.",
    severities: &[(Severity::Low, "")],
    what_to_do: "Add a capture that shows a negotiation of this host, or its Security log with IPsec auditing on.",
    steps: &[CLOCK, AUDIT],
    controls: &[Control::Au8],
};

pub(super) const AUDITING_OFF: FindingRow = FindingRow {
    code: FindingCode::AuditingOff,
    name: "auditing_off",
    meaning: "A host's negotiations were not audited: a record of its log shows it, or the captures show one that the log lacks. Missing events prove nothing.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Turn on auditing before the next capture:",
    steps: &[AUDIT],
    controls: &[Control::Au12],
};

pub(super) const DISABLE_IKE_AUDITS_SUSPECTED: FindingRow = FindingRow {
    code: FindingCode::DisableIkeAuditsSuspected,
    name: "disable_ike_audits_suspected",
    meaning: "A host with Windows 2000 to Server 2003 audits logons, which the same setting controls, but its log holds no negotiation although the captures show some. The registry value DisableIKEAudits has this effect; changing it leaves no event.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Check for the value, remove it, and restart the IPsec services:",
    steps: &[REGISTRY],
    controls: &[Control::Au12],
};

pub(super) const AUDITING_UNKNOWN: FindingRow = FindingRow {
    code: FindingCode::AuditingUnknown,
    name: "auditing_unknown",
    meaning: "The log is incomplete for this time, or nothing in it shows whether negotiations were audited. Missing events prove nothing.",
    severities: &[(Severity::Low, "")],
    what_to_do: "Make sure that auditing is on before the next capture:",
    steps: &[AUDIT],
    controls: &[Control::Au12],
};

pub(super) const LOG_NOT_COVERING: FindingRow = FindingRow {
    code: FindingCode::LogNotCovering,
    name: "log_not_covering",
    meaning: "The evidence holds logs, but none of this host covers the time of a cleartext window.",
    severities: &[(Severity::Low, "")],
    what_to_do: "Export the host's Security log for that time and look for archived logs. If the host's addresses are unknown, name them in the policy's [hosts].",
    steps: &[ENLARGE, COPIES],
    controls: &[Control::Au4, Control::Au12],
};

pub(super) const DRIVER_BYPASS_SPAN: FindingRow = FindingRow {
    code: FindingCode::DriverBypassSpan,
    name: "driver_bypass_span",
    meaning: "The IPsec driver of Windows Server 2003 logged a span in which it let all traffic through: at startup, until the IPsec services run. This is permitted; only a capture shows whether anything passed.",
    severities: &[
        (Severity::Medium, "where the log does not record the end of the span"),
        (Severity::Low, "otherwise"),
    ],
    what_to_do: "Protect the startup with a persistent policy: netsh ipsec dynamic set config property=bootmode value=block, with exemptions for what startup needs.",
    steps: &[BOOT_MODE],
    controls: &[Control::Sp80077, Control::Sc24],
};

pub(super) const ADDRESS_AMBIGUOUS: FindingRow = FindingRow {
    code: FindingCode::AddressAmbiguous,
    name: "address_ambiguous",
    meaning: "The logs of several computers claim the same address, so its traffic cannot be attributed to one of them.",
    severities: &[(Severity::Low, "")],
    what_to_do: "Name each computer's addresses in the policy's [hosts], and analyze the logs of unrelated computers separately.",
    steps: &[],
    controls: &[],
};

pub(super) const LOG_CONTRADICTS_CAPTURE: FindingRow = FindingRow {
    code: FindingCode::LogContradictsCapture,
    name: "log_contradicts_capture",
    meaning: "A log record of a failed negotiation and the captured negotiation with the same cookie or message ID disagree: the record gives another reason, or the capture shows that it succeeded.",
    severities: &[(Severity::Medium, "")],
    what_to_do: "Compare the record with the negotiation message by message; one of the two is not what it appears to be.",
    steps: &[COPIES, CLOCK],
    controls: &[Control::Au8, Control::Au9],
};

pub(super) const RECOVERED_RECORDS: FindingRow = FindingRow {
    code: FindingCode::RecoveredRecords,
    name: "recovered_records",
    meaning: "A log file holds records that are no longer part of the log: remnants that were not overwritten. They prove that the event was written once.",
    severities: &[(Severity::Info, "")],
    what_to_do: "Examine them by hand; if the log was cleared, they may be all that is left.",
    steps: &[COPIES],
    controls: &[Control::Au9],
};

pub(super) const HIDDEN_RECORDS: FindingRow = FindingRow {
    code: FindingCode::HiddenRecords,
    name: "hidden_records",
    meaning: "A log file holds records hidden inside others: the preceding record was enlarged to span them, so that readers that follow record sizes skip them. No Windows program writes a log like this.",
    severities: &[(Severity::High, "")],
    what_to_do: "Treat the log as altered. Compare it with other copies (shadow copies, archives, a collector) and find out who could write to the file.",
    steps: &[COPIES],
    controls: &[Control::Au9],
};
