//! Whether logs would have recorded what the captures show, and what to turn on before the next time.
//!
//! `correlate` decides the state; this file turns it into statements and commands.

use super::audit_words::audit_reason;
use super::{Finding, FindingCode, MOST_ITEMS, Proof, Severity, When, counted, named};
use crate::correlate::{AuditReason, AuditState, AuditVerdict, BypassSpan, Confidence, Facts};
use crate::evidence::EvidenceId;
use crate::summary::LogId;
use std::collections::{BTreeMap, BTreeSet};

/// One finding for each host and each state that weakens the meaning of its log's silence: for windows first,
/// else for the whole log.
pub(super) fn not_logged(facts: &Facts) -> Vec<Finding> {
    // Captures alone need no logs.
    if facts.log_audits.is_empty() {
        return Vec::new();
    }
    let mut groups: BTreeMap<(String, AuditState), Group<'_>> = BTreeMap::new();
    for (index, explained) in facts.windows.iter().enumerate() {
        for known in &explained.audits {
            let names: Vec<&str> = known.hosts.iter().map(|host| named(host)).collect();
            let host = if names.is_empty() { known.address.to_string() } else { names.join(", ") };
            let group = groups.entry((host, known.verdict.state)).or_default();
            group.windows.insert(index);
            group.verdicts.push(&known.verdict);
        }
    }
    let reported: BTreeSet<String> = groups.keys().map(|(host, _)| host.clone()).collect();
    for (id, verdict) in &facts.log_audits {
        let Some(log) = facts.logs.get(id) else { continue };
        let host = named(&log.host).to_owned();
        // A log that was cleared or has gaps is reported by its own findings.
        let says_nothing =
            verdict.state == AuditState::AuditingOff || log.trust.negotiations.is_empty();
        if says_nothing && !reported.contains(&host) {
            let group = groups.entry((host, verdict.state)).or_default();
            group.verdicts.push(verdict);
            group.logs.insert(id.evidence);
        }
    }
    groups.into_iter().filter_map(|((host, state), group)| group.finding(&host, state)).collect()
}

#[derive(Default)]
struct Group<'f> {
    windows: BTreeSet<usize>,
    verdicts: Vec<&'f AuditVerdict>,
    logs: BTreeSet<EvidenceId>,
}

impl Group<'_> {
    fn finding(self, host: &str, state: AuditState) -> Option<Finding> {
        let first = self.verdicts.first()?;
        let (code, severity, what) = match state {
            AuditState::Audited => return None,
            AuditState::AuditingOff => {
                (FindingCode::AuditingOff, Severity::Medium, "does not log its negotiations")
            }
            AuditState::DisableIkeAuditsSuspected => (
                FindingCode::DisableIkeAuditsSuspected,
                Severity::Medium,
                "audits logons but not negotiations",
            ),
            AuditState::Unknown => (
                FindingCode::AuditingUnknown,
                Severity::Low,
                "may not have logged its negotiations",
            ),
            AuditState::NotCovered => {
                (FindingCode::LogNotCovering, Severity::Low, "has no log that covers this time")
            }
        };
        let during = match self.windows.len() {
            0 => String::new(),
            number => format!(" ({})", counted(number as u64, "cleartext window")),
        };
        let reasons: BTreeSet<&AuditReason> =
            self.verdicts.iter().map(|known| &known.why).collect();
        let reasons: BTreeSet<String> = reasons.into_iter().map(audit_reason).collect();
        let mut detail: Vec<String> =
            reasons.iter().take(MOST_SENTENCES).map(|why| format!("{}.", capital(why))).collect();
        if self.verdicts.iter().any(|verdict| verdict.clock_known == Some(false)) {
            detail.push(
                "The log's clock could not be compared with the captures' clock; its times are given as written."
                    .to_owned(),
            );
        }
        let mut proof: BTreeMap<EvidenceId, Proof> =
            self.logs.iter().map(|evidence| (*evidence, Proof::File)).collect();
        for (evidence, records) in self.verdicts.iter().flat_map(|verdict| &verdict.proof) {
            let known = proof.entry(*evidence).or_insert_with(|| Proof::Records(BTreeSet::new()));
            match known {
                Proof::Records(numbers) if numbers.len() < MOST_ITEMS => numbers.extend(records),
                Proof::File => *known = Proof::Records(records.clone()),
                Proof::Records(_) | Proof::Frames(_) => {}
            }
        }
        let confidence = match state {
            AuditState::DisableIkeAuditsSuspected | AuditState::Unknown => Confidence::Medium,
            AuditState::AuditingOff if first.proof.is_empty() => Confidence::Medium,
            AuditState::Audited | AuditState::AuditingOff | AuditState::NotCovered => {
                Confidence::High
            }
        };
        let mut advice = vec![code.row().what_to_do.to_owned()];
        advice.extend(commands(state, first.is_legacy));
        Some(Finding {
            confidence,
            proof,
            windows: self.windows.into_iter().collect(),
            advice,
            ..Finding::new(
                code,
                severity,
                format!("{} {what}{during}", named(host)),
                detail.join(" "),
            )
        })
    }
}

/// The commands that make the next log hold the record.
fn commands(state: AuditState, is_legacy: Option<bool>) -> Vec<String> {
    let keep = || {
        vec![
            "Enlarge the log: wevtutil sl Security /ms:1073741824 (on Windows 2000 to Server 2003: eventvwr.msc, Security, Properties, Maximum log size).".to_owned(),
        ]
    };
    match (state, is_legacy) {
        (AuditState::Audited, _) => Vec::new(),
        (AuditState::NotCovered, _) => keep(),
        (AuditState::DisableIkeAuditsSuspected, _) => vec![REGISTRY.to_owned(), RESTART.to_owned()],
        (AuditState::AuditingOff | AuditState::Unknown, Some(true)) => {
            vec![LOCAL_POLICY.to_owned(), REGISTRY.to_owned(), RESTART.to_owned()]
        }
        (AuditState::AuditingOff | AuditState::Unknown, Some(false) | None) => {
            let turn_on = |(name, guid): &(&str, &str)| {
                format!(
                    "{name}: auditpol /set /subcategory:\"{{{guid}}}\" /success:enable /failure:enable"
                )
            };
            SUBCATEGORIES.iter().map(turn_on).collect()
        }
    }
}

/// Spans in which the driver of Server 2003 applied no IPsec.
pub(super) fn bypasses(facts: &Facts) -> Vec<Finding> {
    let mut by_log: BTreeMap<LogId, Vec<&BypassSpan>> = BTreeMap::new();
    for span in &facts.bypasses {
        by_log.entry(span.log).or_default().push(span);
    }
    let reported = by_log.into_iter().filter_map(|(LogId { evidence, .. }, spans)| {
        let (first, last) = (spans.first()?, spans.last()?);
        let longest = spans.iter().filter_map(|span| span.length()).max();
        let open = spans.iter().filter(|span| span.end.is_none()).count();
        let mut detail = Vec::new();
        if let Some(longest) = longest {
            let longest = super::measures::length(longest);
            detail.push(format!("The longest lasted {longest} by the log's clock."));
        }
        if open > 0 {
            detail.push(format!(
                "For {}, the log does not record the end.",
                counted(open as u64, "span")
            ));
        }
        let title = format!(
            "{}: the IPsec driver let all traffic through ({})",
            named(&first.host),
            counted(spans.len() as u64, "span")
        );
        let records = spans
            .iter()
            .flat_map(|span| [Some(span.begin.0), span.end.map(|(record, ..)| record)])
            .flatten()
            .take(MOST_ITEMS)
            .collect();
        let back = |span: &BypassSpan, time: crate::time::Timestamp| {
            time.shifted(span.offset.unwrap_or_default().negated())
        };
        let end = last.end.map_or(last.begin.2, |(_, _, time)| time);
        let when = |time| When { time, evidence };
        let severity = if open > 0 { Severity::Medium } else { Severity::Low };
        Some(Finding {
            span: Some((when(back(first, first.begin.2)), when(back(last, end)))),
            proof: [(evidence, Proof::Records(records))].into(),
            ..Finding::new(FindingCode::DriverBypassSpan, severity, title, detail.join(" "))
        })
    });
    reported.collect()
}

/// Addresses that several computers claim, and logs of which no address is known.
pub(super) fn addresses(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut reported = BTreeSet::new();
    for (id, known) in &facts.host_addresses {
        let host = named(facts.logs.get(id).map_or("", |log| log.host.as_str()));
        for claimed in known.iter().filter(|known| !known.claimed_by.is_empty()) {
            if !reported.insert(claimed.address) {
                continue;
            }
            let others: Vec<&str> = claimed.claimed_by.iter().map(|host| named(host)).collect();
            let title = format!("{} is claimed by several computers", claimed.address);
            let detail =
                format!("The logs of {host} and of {} claim this address.", others.join(", "));
            let proof = [(id.evidence, Proof::File)].into();
            let code = FindingCode::AddressAmbiguous;
            found.push(Finding { proof, ..Finding::new(code, Severity::Low, title, detail) });
        }
    }
    found
}

/// Records found outside the live logs: remnants, and records that were hidden inside others.
pub(super) fn recovered(facts: &Facts) -> Vec<Finding> {
    type OfLog<'f> = (EvidenceId, bool, &'f str);
    let mut by_log: BTreeMap<OfLog<'_>, BTreeSet<u64>> = BTreeMap::new();
    for placed in &facts.recovered {
        let (record, is_hidden) = (placed.event.record, placed.event.hidden_in.is_some());
        let key = (record.evidence, is_hidden, placed.event.host.as_str());
        let numbers = by_log.entry(key).or_default();
        if numbers.len() < MOST_ITEMS {
            numbers.insert(record.record);
        }
    }
    let reported = by_log.into_iter().map(|((evidence, is_hidden, host), records)| {
        let (host, count) = (named(host), counted(records.len() as u64, "record"));
        let (code, severity, title, detail) = if is_hidden {
            (
                FindingCode::HiddenRecords,
                Severity::High,
                format!("{host}: {count} hidden inside other records ({evidence})"),
                "The preceding record was enlarged to cover the hidden one, so log readers that rely on record sizes skip it. No Windows program writes such a log. The hidden records are listed but not used as evidence.",
            )
        } else {
            (
                FindingCode::RecoveredRecords,
                Severity::Info,
                format!("{host}: {count} outside the live log ({evidence})"),
                "They are remnants of an older state of the file; nothing was concluded from them.",
            )
        };
        let proof = [(evidence, Proof::Records(records))].into();
        Finding { proof, ..Finding::new(code, severity, title, detail.to_owned()) }
    });
    reported.collect()
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(letters).collect()
}

/// The audit subcategories of IPsec, by name and by the number that is the same in every language
/// (Microsoft, "Auditing Constants").
const SUBCATEGORIES: &[(&str, &str)] = &[
    ("IPsec Main Mode", "0CCE9218-69AE-11D9-BED3-505054503030"),
    ("IPsec Quick Mode", "0CCE9219-69AE-11D9-BED3-505054503030"),
    ("IPsec Extended Mode", "0CCE921A-69AE-11D9-BED3-505054503030"),
    ("IPsec Driver", "0CCE9213-69AE-11D9-BED3-505054503030"),
    ("Filtering Platform Policy Change", "0CCE9233-69AE-11D9-BED3-505054503030"),
];
const LOCAL_POLICY: &str = "secpol.msc, Local Policies, Audit Policy: set Audit logon events, Audit policy change and Audit system events to Success and Failure.";
const REGISTRY: &str = "reg add \"HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa\\Audit\" /v DisableIKEAudits /t REG_DWORD /d 0 /f";
const RESTART: &str = "net stop policyagent & net start policyagent";
/// Reasons that a finding names.
const MOST_SENTENCES: usize = 4;
