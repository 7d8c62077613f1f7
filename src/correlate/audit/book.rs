//! The Security logs of one computer as one story: spans, breaks, audits, on the captures' clock where
//! that is known.
//!
//! Arranges only; `decide` draws the conclusions.

use super::ladder::judge;
use super::{AuditState, AuditVerdict, HostAudit};
use crate::catalogue::AUDITPOL;
use crate::correlate::ClockOffset;
use crate::correlate::addresses::HostAddress;
use crate::correlate::computers::Computers;
use crate::eventlog::{
    AuditChange, AuditSubcategory, Auditing, MarkKind, NegotiationAudit, Stretch,
};
use crate::evidence::EvidenceId;
use crate::ike::IkeExchange;
use crate::summary::{LogId, LogPart, Summary};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A record of one of the logs.
pub(super) type Place = (EvidenceId, u64);

/// A time in which the logs are not whole.
#[derive(Clone, Debug)]
pub(super) struct Break {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) why: String,
    pub(super) place: Option<Place>,
}

/// The Security logs of one computer in one folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    pub(super) host: String,
    pub(super) addresses: BTreeSet<IpAddr>,
    /// What each log reaches from and to, by time; their record numbers.
    pub(super) spans: Vec<LogSpan>,
    pub(super) breaks: Vec<Break>,
    /// By time.
    pub(super) negotiations: Vec<(NegotiationAudit, EvidenceId)>,
    /// By time.
    pub(super) changes: Vec<(Timestamp, AuditChange, Place)>,
    pub(super) cleared: Vec<(Timestamp, Place)>,
    pub(super) logons: Vec<Stretch>,
    pub(super) failed_logons: Vec<Stretch>,
    pub(super) is_legacy: bool,
    pub(super) clock_known: bool,
    /// A Security log is among them, not only a table of auditpol.
    pub(super) has_log: bool,
    /// What auditpol says was audited when the state was collected: by subcategory, and whether of failures.
    pub(super) collected: BTreeMap<(AuditSubcategory, bool), (Auditing, Place)>,
}

/// What one log reaches from and to.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogSpan {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) numbers: (u64, u64),
    /// What is missing in it proves nothing.
    pub(super) is_selection: bool,
}

/// What the captures show of a host's negotiations in a span.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::correlate) struct Wire {
    /// The end of one that completed.
    pub(super) completed: Option<Timestamp>,
    /// The end of one that failed.
    pub(super) failed: Option<Timestamp>,
    /// Whether there is any capture at all.
    pub(super) any_capture: bool,
}

/// Every computer's story.
pub(in crate::correlate) struct Books {
    books: Vec<Book>,
    /// Per address, when its negotiations completed and failed, ascending.
    completed: BTreeMap<IpAddr, Vec<Timestamp>>,
    failed: BTreeMap<IpAddr, Vec<Timestamp>>,
    any_capture: bool,
}

impl Books {
    pub(in crate::correlate) fn of(
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
        let mut books: BTreeMap<usize, Book> = BTreeMap::new();
        for (id, log) in &summary.logs {
            if log.log.channel == AUDITPOL && !log.log.host.is_empty() {
                books.entry(computers.number(*id)).or_default().settle(id.evidence, log);
            }
            if !is_security(log) {
                continue;
            }
            let computer = computers.number(*id);
            let book = books.entry(computer).or_default();
            computers.name(computer).clone_into(&mut book.host);
            let own = addresses.get(id).into_iter().flatten();
            book.addresses.extend(own.map(|known| known.address));
            let offset = measured.get(id).and_then(|clock| clock.offset);
            book.add(id.evidence, log, offset);
        }
        // Without a log there is no silence to judge.
        let mut books: Vec<Book> = books.into_values().filter(|book| book.has_log).collect();
        books.iter_mut().for_each(Book::close);
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
        Self { books, completed, failed, any_capture: !summary.captures.is_empty() }
    }

    /// What is known of a host's auditing in a span by the captures' clock.
    pub(in crate::correlate) fn judge(
        &self,
        address: IpAddr,
        from: Timestamp,
        to: Timestamp,
    ) -> HostAudit {
        let wire = self.wire(address, from, to);
        let of_host = self.books.iter().filter(|book| book.addresses.contains(&address));
        let mut hosts = BTreeSet::new();
        let verdicts = of_host.map(|book| {
            hosts.insert(book.host.clone());
            judge(book, from, to, wire)
        });
        let best = verdicts.min_by_key(|verdict| verdict.state);
        let verdict = best.unwrap_or_else(|| self.no_log());
        HostAudit { address, hosts, verdict }
    }

    fn no_log(&self) -> AuditVerdict {
        let untied: Vec<&str> = self
            .books
            .iter()
            .filter(|book| book.addresses.is_empty())
            .map(|book| book.host.as_str())
            .collect();
        let mut why = "the evidence holds no Security log of a host with this address".to_owned();
        if !untied.is_empty() {
            why = format!("{why}; the addresses of {} are unknown", untied.join(", "));
        }
        AuditVerdict {
            state: AuditState::NotCovered,
            why,
            proof: BTreeMap::new(),
            clock_known: None,
            is_legacy: None,
        }
    }

    fn wire(&self, address: IpAddr, from: Timestamp, to: Timestamp) -> Wire {
        let inside = |times: &BTreeMap<IpAddr, Vec<Timestamp>>| {
            let times = times.get(&address)?;
            let at = times.partition_point(|time| *time < from);
            times.get(at).copied().filter(|time| *time <= to)
        };
        Wire {
            completed: inside(&self.completed),
            failed: inside(&self.failed),
            any_capture: self.any_capture,
        }
    }
}

/// Every log as a whole, without a capture beside it; none where it holds no Security records.
pub(in crate::correlate) fn of_logs(summary: &Summary) -> BTreeMap<LogId, AuditVerdict> {
    let judged = |(id, log): (&LogId, &LogPart)| Some((*id, of_log(id.evidence, log)?));
    summary.logs.iter().filter_map(judged).collect()
}

fn of_log(evidence: EvidenceId, log: &LogPart) -> Option<AuditVerdict> {
    let (first, last) = log.log.first_time.zip(log.log.last_time).filter(|_| is_security(log))?;
    let mut book = Book { clock_known: true, ..Book::default() };
    log.log.host.clone_into(&mut book.host);
    book.add(evidence, log, Some(Span::default()));
    book.close();
    Some(judge(&book, first, last, Wire::default()))
}

fn is_security(log: &LogPart) -> bool {
    log.log.channel.eq_ignore_ascii_case("Security")
}

impl Book {
    /// Takes what auditpol says. Where two tables differ, nobody knows which is the later.
    fn settle(&mut self, evidence: EvidenceId, log: &LogPart) {
        for event in &log.events {
            let Some(change) = event.audit_change() else { continue };
            let Some(subcategory) = change.subcategory else { continue };
            for (is_failure, said) in [(false, change.success), (true, change.failure)] {
                let Some(said) = said else { continue };
                let place = (evidence, event.record.record);
                let known =
                    self.collected.entry((subcategory, is_failure)).or_insert((said, place));
                if known.0 != said {
                    known.0 = Auditing::Unclear;
                }
            }
        }
    }

    fn add(&mut self, evidence: EvidenceId, log: &LogPart, offset: Option<Span>) {
        self.has_log = true;
        let trust = &log.log.trust;
        let back = offset.unwrap_or_default().negated();
        let at = |time: Timestamp| time.shifted(back);
        self.clock_known |= offset.is_some();
        self.is_legacy |= trust.is_legacy;
        let span = log.log.first_time.zip(log.log.last_time);
        if let (Some((first, last)), Some(numbers)) = (span, log.log.record_numbers) {
            let is_selection = trust.is_selection;
            self.spans.push(LogSpan { first: at(first), last: at(last), numbers, is_selection });
        }
        // A collector numbers what it gathers: its gaps are no computer's.
        let gaps = log.log.gaps.iter().filter(|_| !trust.is_selection);
        for gap in gaps {
            let (Some(after), Some(before)) = (gap.after, gap.before) else { continue };
            self.breaks.push(Break {
                from: at(after.min(before)),
                to: at(after.max(before)),
                why: format!("records {} to {} are missing", gap.first, gap.last),
                place: Some((evidence, gap.first.saturating_sub(1))),
            });
        }
        for back in &trust.setbacks {
            self.breaks.push(Break {
                from: at(back.to),
                to: at(back.from),
                why: format!("times go back at record {}: the clock was set", back.record),
                place: Some((evidence, back.record)),
            });
        }
        let moved = |stretch: &Stretch| Stretch {
            first: at(stretch.first),
            last: at(stretch.last),
            records: stretch.records,
        };
        self.logons.extend(trust.logons.iter().map(moved));
        self.failed_logons.extend(trust.failed_logons.iter().map(moved));
        let moved = |audit: &NegotiationAudit| NegotiationAudit { time: at(audit.time), ..*audit };
        self.negotiations.extend(trust.negotiations.iter().map(|a| (moved(a), evidence)));
        self.marks(evidence, log, at);
    }

    fn marks(&mut self, evidence: EvidenceId, log: &LogPart, at: impl Fn(Timestamp) -> Timestamp) {
        let marks = &log.log.trust.marks;
        for (index, mark) in marks.iter().enumerate() {
            let Some(time) = mark.time.map(&at) else { continue };
            let place = (evidence, mark.record);
            let around = (time.shifted(MARGIN.negated()), time.shifted(MARGIN));
            let mut broken = |(from, to): (Timestamp, Timestamp), what: &str| {
                let why =
                    format!("record {} (event {}) reports that {what}", mark.record, mark.event_id);
                self.breaks.push(Break { from, to, why, place: Some(place) });
            };
            match mark.kind {
                MarkKind::Cleared => self.cleared.push((time, place)),
                MarkKind::AuditChanged(change) => self.changes.push((time, change, place)),
                MarkKind::EventsLost => broken(around, "events were lost"),
                MarkKind::Full => broken(around, "the log was full"),
                MarkKind::LogStopped => {
                    let is_start =
                        |kind: MarkKind| matches!(kind, MarkKind::LogStarted | MarkKind::Started);
                    let later = marks.iter().skip(index + 1).find(|mark| is_start(mark.kind));
                    let until = later.and_then(|mark| mark.time).map_or(time, &at);
                    broken((time, until.max(time)), "the service that writes the log stopped");
                }
                MarkKind::ClockSet(step) if step.is_none_or(|s| s.magnitude() > JITTER) => {
                    broken(around, "the clock was set");
                }
                MarkKind::ClockSet(_)
                | MarkKind::OtherCleared
                | MarkKind::AuditChangedSomehow
                | MarkKind::Archived
                | MarkKind::LogStarted
                | MarkKind::Started
                | MarkKind::WentDown => {}
            }
        }
    }

    /// Puts all in order, and finds what lies between the logs.
    fn close(&mut self) {
        self.negotiations.sort_by_key(|(audit, evidence)| (audit.time, audit.record, *evidence));
        // The same record in a live log and a copy of it is one.
        self.negotiations.dedup_by_key(|(audit, _)| (audit.time, audit.record));
        self.changes.sort_by_key(|(time, _, place)| (*time, *place));
        self.cleared.sort_unstable();
        self.spans.sort_by_key(|span| (span.first, span.last));
        let mut reached: Option<LogSpan> = None;
        for span in &self.spans {
            let goes_on =
                |before: &LogSpan| before.numbers.1.checked_add(1) == Some(span.numbers.0);
            let apart = |before: &LogSpan| before.last < span.first && !goes_on(before);
            if let Some(before) = reached.filter(apart) {
                self.breaks.push(Break {
                    from: before.last,
                    to: span.first,
                    why: "one log ends before the next begins".to_owned(),
                    place: None,
                });
            }
            reached = Some(reached.filter(|known| known.last >= span.last).unwrap_or(*span));
        }
        self.breaks.sort_by_key(|known| (known.from, known.to));
    }
}

/// How far log times may be off after correction.
pub(super) const JITTER: Span = Span::from_seconds(5);
/// What is said of a moment holds for this long around it: as long as Windows tries a negotiation
/// before it logs the failure, and a little.
pub(super) const MARGIN: Span = Span::from_seconds(180);
