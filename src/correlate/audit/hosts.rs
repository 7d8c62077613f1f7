//! The auditing of each host of a window, from the histories of the computers that have its address.

use super::decide::decide;
use super::history::{AuditHistory, is_security};
use super::{AuditReason, AuditState, AuditVerdict, Captured, HostAudit};
use crate::catalogue::AUDITPOL;
use crate::correlate::ClockOffset;
use crate::correlate::addresses::{HostAddress, gave_up};
use crate::correlate::computers::Computers;
use crate::evidence::EvidenceId;
use crate::ike::IkeExchange;
use crate::summary::{LogId, LogPart, Summary};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The history of every computer that has a Security log.
pub(in crate::correlate) struct AuditHistories {
    histories: Vec<AuditHistory>,
    /// The places of those that have each address.
    of_address: BTreeMap<IpAddr, Vec<usize>>,
    /// Some of those whose addresses are not known, and how many more there are.
    without_address: (Vec<String>, u64),
    /// Per address, when its negotiations completed and failed, ascending.
    completed: BTreeMap<IpAddr, Vec<Timestamp>>,
    failed: BTreeMap<IpAddr, Vec<Timestamp>>,
    any_capture: bool,
}

impl AuditHistories {
    pub(in crate::correlate) fn gather(
        summary: &Summary,
        computers: &Computers,
        addresses: &BTreeMap<LogId, Vec<HostAddress>>,
        clocks: &[ClockOffset],
        exchanges: &[IkeExchange],
    ) -> Self {
        let measured: BTreeMap<LogId, &ClockOffset> = clocks
            .iter()
            .filter(|clock| clock.is_measured())
            .map(|clock| (clock.log, clock))
            .collect();
        let mut histories: BTreeMap<usize, AuditHistory> = BTreeMap::new();
        for (id, log) in &summary.logs {
            if log.log.channel == AUDITPOL && !log.log.host.is_empty() {
                histories.entry(computers.number(*id)).or_default().add_auditpol(id.evidence, log);
            }
            if !is_security(log) {
                continue;
            }
            let computer = computers.number(*id);
            let history = histories.entry(computer).or_default();
            computers.name(computer).clone_into(&mut history.host);
            let own = addresses.get(id).into_iter().flatten();
            history.addresses.extend(own.map(|known| known.address));
            let offset = measured.get(id).and_then(|clock| clock.offset);
            history.add_log(id.evidence, log, offset);
        }
        // Without a log there is no silence to judge.
        let mut histories: Vec<AuditHistory> =
            histories.into_values().filter(|history| history.has_log).collect();
        histories.iter_mut().for_each(AuditHistory::close);
        let (mut completed, mut failed) = (BTreeMap::new(), BTreeMap::new());
        for exchange in exchanges {
            let pair = exchange.pair();
            for host in [pair.a(), pair.b()] {
                let of_host: &mut Vec<Timestamp> = completed.entry(host).or_default();
                of_host.extend(&exchange.completions);
                if exchange.outcome.is_failure() {
                    let of_host: &mut Vec<Timestamp> = failed.entry(host).or_default();
                    of_host.push(exchange.end);
                }
            }
        }
        completed.values_mut().chain(failed.values_mut()).for_each(|times| times.sort_unstable());
        let mut of_address: BTreeMap<IpAddr, Vec<usize>> = BTreeMap::new();
        for (at, history) in histories.iter().enumerate() {
            for address in &history.addresses {
                of_address.entry(*address).or_default().push(at);
            }
        }
        let without_address = without_address(&histories);
        let any_capture = !summary.captures.is_empty();
        Self { histories, of_address, without_address, completed, failed, any_capture }
    }

    /// What is known of a host's auditing in a span by the captures' clock.
    pub(in crate::correlate) fn audit(
        &self,
        address: IpAddr,
        from: Timestamp,
        to: Timestamp,
    ) -> HostAudit {
        let captured = self.captured(address, from, to);
        let of_host = self.of_address.get(&address).into_iter().flatten();
        let of_host = of_host.filter_map(|at| self.histories.get(*at));
        let of_host = of_host.filter(|history| !gave_up(&history.claims, address, from));
        // Of an address that many computers claim, nothing is known anyway.
        let of_host = of_host.take(MOST_HOLDERS);
        let mut hosts = BTreeSet::new();
        let verdicts = of_host.map(|history| {
            hosts.insert(history.host.clone());
            decide(history, from, to, captured)
        });
        let best = verdicts.min_by_key(|verdict| verdict.state);
        let verdict = best.unwrap_or_else(|| self.no_log());
        HostAudit { address, hosts, verdict }
    }

    fn no_log(&self) -> AuditVerdict {
        let (without_address, more) = self.without_address.clone();
        AuditVerdict {
            state: AuditState::NotCovered,
            why: AuditReason::NoLog { without_address, more },
            proof: BTreeMap::new(),
            clock_known: None,
            is_legacy: None,
        }
    }

    fn captured(&self, address: IpAddr, from: Timestamp, to: Timestamp) -> Captured {
        let inside = |times: &BTreeMap<IpAddr, Vec<Timestamp>>| {
            let times = times.get(&address)?;
            let at = times.partition_point(|time| *time < from);
            times.get(at).copied().filter(|time| *time <= to)
        };
        Captured {
            completed: inside(&self.completed),
            failed: inside(&self.failed),
            any_capture: self.any_capture,
        }
    }
}

fn without_address(histories: &[AuditHistory]) -> (Vec<String>, u64) {
    let all = || histories.iter().filter(|history| history.addresses.is_empty());
    let named: Vec<String> = all().take(MOST_NAMED).map(|history| history.host.clone()).collect();
    let more = all().count() - named.len();
    (named, more as u64)
}

/// Computers with one address that are asked.
const MOST_HOLDERS: usize = 16;
/// Computers without a known address that are named.
const MOST_NAMED: usize = 8;

/// Each log as a whole, without captures; none where it holds no Security records.
pub(in crate::correlate) fn audits_of_logs(summary: &Summary) -> BTreeMap<LogId, AuditVerdict> {
    let judged = |(id, log): (&LogId, &LogPart)| Some((*id, audit_of_log(id.evidence, log)?));
    summary.logs.iter().filter_map(judged).collect()
}

fn audit_of_log(evidence: EvidenceId, log: &LogPart) -> Option<AuditVerdict> {
    let (first, last) = log.log.first_time.zip(log.log.last_time).filter(|_| is_security(log))?;
    let mut history = AuditHistory { clock_known: true, ..AuditHistory::default() };
    log.log.host.clone_into(&mut history.host);
    history.add_log(evidence, log, Some(Span::default()));
    history.close();
    Some(decide(&history, first, last, Captured::default()))
}
