//! What is known of every finding: its code as the report spells it, its meaning, its severity rule, advice, steps
//! and controls, one constant a finding. docs/findings.md is generated from them.

mod traffic;

mod negotiation;

mod log;

mod capture;

mod steps;

use super::{Control, FindingCode, Severity};

/// What is known of a finding whatever the evidence is.
#[derive(Clone, Copy, Debug)]
pub struct FindingRow {
    /// The finding.
    pub code: FindingCode,
    /// Its code.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// The severities it can have, and the condition for each; none where there is only one.
    pub severities: &'static [(Severity, &'static str)],
    /// What to do.
    pub what_to_do: &'static str,
    /// What to do, in order, with the commands.
    pub steps: &'static [&'static str],
    /// The controls that it affects.
    pub controls: &'static [Control],
}

impl FindingRow {
    /// The severity rule as a clause: `high where …; otherwise medium`.
    #[must_use]
    pub fn severity_rule(&self) -> String {
        let clauses = self.severities.iter().map(|(severity, condition)| match *condition {
            "" => severity.as_str().to_owned(),
            OTHERWISE => format!("{OTHERWISE} {}", severity.as_str()),
            condition => format!("{} {condition}", severity.as_str()),
        });
        clauses.collect::<Vec<_>>().join("; ")
    }

    /// Whether the rule allows this severity.
    #[must_use]
    pub fn allows(&self, severity: Severity) -> bool {
        self.severities.iter().any(|(allowed, _)| *allowed == severity)
    }
}

impl FindingCode {
    /// Every finding, in the order of the enum.
    pub const ALL: [Self; 55] = [
        Self::CleartextWindow,
        Self::ReadableEsp,
        Self::AuthenticationOnly,
        Self::NoExpectation,
        Self::RuleWithoutTraffic,
        Self::FailedClosed,
        Self::IkeFailing,
        Self::NegotiationsUncounted,
        Self::CleartextDropped,
        Self::ProtectedDropped,
        Self::ServiceDown,
        Self::LogCleared,
        Self::AuditingReduced,
        Self::EventsLost,
        Self::RecordGap,
        Self::ClockWrong,
        Self::ClockUnknown,
        Self::EvidenceDamaged,
        Self::FramesLost,
        Self::DecryptedCopies,
        Self::IkeFlood,
        Self::WeakAlgorithmChosen,
        Self::WeakAlgorithmOffered,
        Self::AggressiveModePsk,
        Self::Ikev1InUse,
        Self::DuplicatePackets,
        Self::EspGaps,
        Self::CredentialsInClear,
        Self::TcpGaps,
        Self::BeforeEncryption,
        Self::OffWire,
        Self::CaptureFiltered,
        Self::AuditingOff,
        Self::DisableIkeAuditsSuspected,
        Self::AuditingUnknown,
        Self::LogNotCovering,
        Self::DriverBypassSpan,
        Self::CleartextPermitted,
        Self::AddressAmbiguous,
        Self::LeakPattern,
        Self::ForcedFallbackSuspected,
        Self::ExemptionAbuse,
        Self::TunnelAroundProtected,
        Self::L2tpWithoutIpsec,
        Self::OtherStation,
        Self::LogContradictsCapture,
        Self::RecoveredRecords,
        Self::HiddenRecords,
        Self::PairsFolded,
        Self::BoundsReached,
        Self::BlindSpot,
        Self::FramesWithoutTime,
        Self::IkeScan,
        Self::SpanWithoutEvidence,
        Self::IpsecHostsInClear,
    ];

    /// The code as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// Its meaning, severity rule, advice and controls.
    #[must_use]
    pub const fn row(self) -> &'static FindingRow {
        match self {
            Self::CleartextWindow => &traffic::CLEARTEXT_WINDOW,
            Self::ReadableEsp => &traffic::READABLE_ESP,
            Self::AuthenticationOnly => &traffic::AUTHENTICATION_ONLY,
            Self::NoExpectation => &traffic::NO_EXPECTATION,
            Self::RuleWithoutTraffic => &traffic::RULE_WITHOUT_TRAFFIC,
            Self::FailedClosed => &negotiation::FAILED_CLOSED,
            Self::IkeFailing => &negotiation::IKE_FAILING,
            Self::NegotiationsUncounted => &negotiation::NEGOTIATIONS_UNCOUNTED,
            Self::CleartextDropped => &traffic::CLEARTEXT_DROPPED,
            Self::ProtectedDropped => &traffic::PROTECTED_DROPPED,
            Self::ServiceDown => &log::SERVICE_DOWN,
            Self::LogCleared => &log::LOG_CLEARED,
            Self::AuditingReduced => &log::AUDITING_REDUCED,
            Self::EventsLost => &log::EVENTS_LOST,
            Self::RecordGap => &log::RECORD_GAP,
            Self::ClockWrong => &log::CLOCK_WRONG,
            Self::ClockUnknown => &log::CLOCK_UNKNOWN,
            Self::EvidenceDamaged => &capture::EVIDENCE_DAMAGED,
            Self::FramesLost => &capture::FRAMES_LOST,
            Self::DecryptedCopies => &capture::DECRYPTED_COPIES,
            Self::IkeFlood => &negotiation::IKE_FLOOD,
            Self::WeakAlgorithmChosen => &negotiation::WEAK_ALGORITHM_CHOSEN,
            Self::WeakAlgorithmOffered => &negotiation::WEAK_ALGORITHM_OFFERED,
            Self::AggressiveModePsk => &negotiation::AGGRESSIVE_MODE_PSK,
            Self::Ikev1InUse => &negotiation::IKEV1_IN_USE,
            Self::DuplicatePackets => &capture::DUPLICATE_PACKETS,
            Self::EspGaps => &capture::ESP_GAPS,
            Self::CredentialsInClear => &traffic::CREDENTIALS_IN_CLEAR,
            Self::TcpGaps => &capture::TCP_GAPS,
            Self::BeforeEncryption => &capture::BEFORE_ENCRYPTION,
            Self::OffWire => &capture::OFF_WIRE,
            Self::CaptureFiltered => &capture::CAPTURE_FILTERED,
            Self::AuditingOff => &log::AUDITING_OFF,
            Self::DisableIkeAuditsSuspected => &log::DISABLE_IKE_AUDITS_SUSPECTED,
            Self::AuditingUnknown => &log::AUDITING_UNKNOWN,
            Self::LogNotCovering => &log::LOG_NOT_COVERING,
            Self::DriverBypassSpan => &log::DRIVER_BYPASS_SPAN,
            Self::CleartextPermitted => &traffic::CLEARTEXT_PERMITTED,
            Self::AddressAmbiguous => &log::ADDRESS_AMBIGUOUS,
            Self::LeakPattern => &traffic::LEAK_PATTERN,
            Self::ForcedFallbackSuspected => &traffic::FORCED_FALLBACK_SUSPECTED,
            Self::ExemptionAbuse => &traffic::EXEMPTION_ABUSE,
            Self::TunnelAroundProtected => &traffic::TUNNEL_AROUND_PROTECTED,
            Self::L2tpWithoutIpsec => &traffic::L2TP_WITHOUT_IPSEC,
            Self::OtherStation => &traffic::OTHER_STATION,
            Self::LogContradictsCapture => &log::LOG_CONTRADICTS_CAPTURE,
            Self::RecoveredRecords => &log::RECOVERED_RECORDS,
            Self::HiddenRecords => &log::HIDDEN_RECORDS,
            Self::PairsFolded => &capture::PAIRS_FOLDED,
            Self::BoundsReached => &capture::BOUNDS_REACHED,
            Self::BlindSpot => &capture::BLIND_SPOT,
            Self::FramesWithoutTime => &capture::FRAMES_WITHOUT_TIME,
            Self::IkeScan => &negotiation::IKE_SCAN,
            Self::SpanWithoutEvidence => &capture::SPAN_WITHOUT_EVIDENCE,
            Self::IpsecHostsInClear => &traffic::IPSEC_HOSTS_IN_CLEAR,
        }
    }
}

/// The condition of the severity that is left.
const OTHERWISE: &str = "otherwise";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_its_own_row() {
        let rows = FindingCode::ALL.map(FindingCode::row);
        assert_eq!(rows.map(|row| row.code), FindingCode::ALL);
        let names: BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), rows.len());
    }

    #[test]
    fn a_severity_rule_names_each_severity_once_and_when() {
        for row in FindingCode::ALL.map(FindingCode::row) {
            let severities: BTreeSet<Severity> = row.severities.iter().map(|(it, _)| *it).collect();
            assert!(!severities.is_empty() && severities.len() == row.severities.len());
            let others = row.severities.iter().skip(1);
            assert!(others.into_iter().all(|(_, when)| !when.is_empty()), "{}", row.name);
        }
        let rule = FindingCode::CredentialsInClear.row().severity_rule();
        assert_eq!(rule, "high where protection is required; otherwise medium");
    }
}
