//! The rules about security associations that ended: deleted, changed away, run out.

use super::case::{Case, LOOKBACK};
use super::{Against, Candidate, Cause, DeleteBasis, FactRef, JITTER, Why};
use crate::catalogue::{Category, Reason};
use crate::correlate::PlacedEvent;
use crate::evidence::FrameRef;
use crate::hosts::{Direction, HostPair};
use crate::ike::{DeleteFit, IkeExchange, PossibleDelete};
use crate::summary::ClassRun;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A message that deleted what protected the window's traffic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deletion {
    /// The negotiation: its index in the facts.
    pub(super) exchange: usize,
    pub(super) by: IpAddr,
    pub(super) time: Timestamp,
    pub(super) message: PossibleDelete,
    pub(super) basis: DeleteBasis,
    /// How long before it the last packet of what ended was; `None` where no capture shows one.
    rested: Option<Span>,
}

impl Deletion {
    /// What it rests on may be something else.
    fn is_weak(&self) -> bool {
        self.basis == DeleteBasis::Inferred && self.rested.is_none_or(|rested| rested > FLOWING)
    }
}

impl Case<'_> {
    /// The earliest message before the window that deleted security associations of the negotiators,
    /// and of several as early the best proven one.
    pub(super) fn deletion(&self) -> Option<Deletion> {
        *self.found_deletion.get_or_init(|| self.find_deletion())
    }

    fn find_deletion(&self) -> Option<Deletion> {
        let start = self.window.run.start;
        let from = self.silent_since().unwrap_or_else(|| start.shifted(LOOKBACK.negated()));
        let found = self.exchanges(from, start.shifted(JITTER)).into_iter();
        let all = found.flat_map(|(at, exchange)| self.deletions_in(at, exchange, from));
        all.min_by_key(|deletion| (deletion.is_weak(), deletion.time, deletion.message.frame))
    }

    fn deletions_in(&self, at: usize, exchange: &IkeExchange, from: Timestamp) -> Vec<Deletion> {
        let start = self.window.run.start;
        let capture = self.window.run.first.evidence;
        // Two captures may disagree by a little; within one the order is that of its clock.
        let latest = |frame: FrameRef| {
            if frame.evidence == capture { start } else { start.shifted(JITTER) }
        };
        let possible = exchange.possible_deletes().into_iter();
        let in_time = possible.filter(|message| {
            from.shifted(JITTER.negated()) <= message.time && message.time <= latest(message.frame)
        });
        in_time.filter_map(|message| self.deletion_by(at, exchange.pair(), message)).collect()
    }

    /// Whether a message of that form ended security associations (docs/causes.md, "Deletions").
    fn deletion_by(&self, at: usize, pair: HostPair, message: PossibleDelete) -> Option<Deletion> {
        let time = message.time;
        let ended = self.last_of_what_ended_at(pair, time);
        let rested = match ended {
            Ended::Nothing => return None,
            Ended::Unseen => None,
            Ended::At(last) => Some(Span(time.since(last).0.max(0))),
        };
        let follows_at_once = self.window.run.start.since(time) <= FLOWING;
        let basis = match message.fit {
            DeleteFit::Readable => DeleteBasis::Readable,
            DeleteFit::TooLargeToBeEmpty | DeleteFit::Ambiguous if self.is_end_logged(time) => {
                DeleteBasis::Logged
            }
            DeleteFit::TooLargeToBeEmpty if !message.is_habit => DeleteBasis::Size,
            // What flowed under the SA goes on in clear at once, and no other message of the sender has
            // that size: else it may as well ask whether the peer is alive.
            DeleteFit::Ambiguous if !message.is_habit && follows_at_once && rested.is_some() => {
                DeleteBasis::Inferred
            }
            DeleteFit::TooLargeToBeEmpty | DeleteFit::Ambiguous => return None,
        };
        let by = message.by;
        Some(Deletion { exchange: at, by, time, message, basis, rested })
    }

    /// The last packet of the SPIs that stop at a point and that no newer SPI of the same sender takes
    /// over.
    fn last_of_what_ended_at(&self, pair: HostPair, time: Timestamp) -> Ended {
        let uses = self.index.spi_uses(pair);
        if uses.is_empty() {
            return Ended::Unseen;
        }
        let until = time.shifted(UNDER_WAY);
        let begun = uses.partition_point(|(_, run)| run.start <= time);
        let latest = uses.get(..begun).unwrap_or_default().iter().rev().take(MOST_USES);
        let (goes_on, stopped): (Vec<_>, Vec<_>) = latest.partition(|(_, run)| run.end > until);
        let over = stopped.into_iter().filter(|(way, run)| !has_successor(uses, *way, run));
        let last = over.map(|(_, run)| run.end).max();
        // Beside others that go on, what had rested before is not what a message ended.
        let last = last.filter(|end| goes_on.is_empty() || time.since(*end) <= FLOWING);
        last.map_or(Ended::Nothing, Ended::At)
    }

    fn is_end_logged(&self, time: Timestamp) -> bool {
        let (from, to) = (time.shifted(JITTER.negated()), time.shifted(JITTER));
        let pairs = self.pairs();
        pairs.iter().any(|pair| self.index.ended.touching(*pair, from, to).next().is_some())
    }

    /// Security associations were deleted, or ran out when idle, and none followed before the window.
    pub(super) fn deleted(&self) -> Option<Candidate> {
        let logged = self.logged_ends();
        let mut refs: BTreeSet<FactRef> = logged.iter().map(|e| FactRef::Event(*e)).collect();
        let Some(deletion) = self.deletion() else {
            return self.logged_end(&logged, refs);
        };
        refs.insert(FactRef::Exchange(deletion.exchange));
        let is_idle = deletion.rested.is_some_and(|rested| rested >= IDLE);
        let mut against = Vec::new();
        let mut score = match deletion.basis {
            DeleteBasis::Readable | DeleteBasis::Logged => 84,
            DeleteBasis::Size => 76,
            DeleteBasis::Inferred => 60,
        };
        if deletion.basis == DeleteBasis::Inferred {
            against.push(Against::SizeIsAmbiguous);
        }
        if let Some(rested) = deletion.rested.filter(|rested| *rested > FLOWING) {
            if deletion.is_weak() {
                score = super::roles::MOST_LOW - 4;
            }
            if !is_idle {
                against.push(Against::HadRested(rested));
            }
        }
        // What ended so long ago is why there was no SA; what happened as the traffic began came later.
        let before = self.window.run.start.since(deletion.time);
        if before > LOOKBACK && !is_idle {
            score = score.min(super::roles::MOST_LOW - 4);
            against.push(Against::LongBefore(before));
        }
        let reason = if is_idle { Reason::SaExpiredIdle } else { Reason::SaDeleted };
        let why = Why::Deleted {
            by: deletion.by,
            frame: deletion.message.frame,
            basis: deletion.basis,
            rested: deletion.rested,
            is_logged: !logged.is_empty(),
        };
        Some(Cause { reason, score, refs, why, against }.opens())
    }

    /// Only a log has the end of the security associations.
    fn logged_end(&self, logged: &BTreeSet<usize>, refs: BTreeSet<FactRef>) -> Option<Candidate> {
        if logged.is_empty() || !self.esp_stopped() || self.renewal().is_some() {
            return None;
        }
        let last = self.silent_since();
        let first =
            logged.iter().filter_map(|at| self.index.facts.events.get(*at)?.corrected).min();
        let rested = last.zip(first).map(|(last, first)| first.since(last));
        let is_idle = rested.is_some_and(|rested| rested >= IDLE);
        let reason = if is_idle { Reason::SaExpiredIdle } else { Reason::SaDeleted };
        let against = vec![Against::DeletionNotCaptured];
        let why = Why::LoggedEnd { rested: rested.filter(|_| is_idle) };
        Some(Cause { reason, score: 78, refs, why, against }.opens())
    }

    /// Events of security associations that ended as the window opened.
    fn logged_ends(&self) -> BTreeSet<usize> {
        let (from, to) = self.opening();
        let pairs = self.pairs();
        pairs.iter().flat_map(|pair| self.index.ended.touching(*pair, from, to)).collect()
    }

    /// The negotiation that was there before the window and made new security associations as it closed.
    fn renewal(&self) -> Option<(usize, &IkeExchange)> {
        let run = &self.window.run;
        let renews = |time: &Timestamp| *time > run.start && *time <= run.end.shifted(JITTER);
        self.exchanges(run.start, run.end.shifted(JITTER)).into_iter().find(|(_, x)| {
            x.start < run.start.shifted(JITTER.negated()) && x.completions.iter().any(renews)
        })
    }

    /// The IKE SA outlived the window and made new security associations as it closed: those before
    /// had run out first.
    pub(super) fn rekey_gap(&self) -> Option<Candidate> {
        if !self.esp_stopped() {
            return None;
        }
        let (index, exchange) = self.renewal()?;
        let ends = self.logged_ends();
        // What was deleted and only later made anew was no rekey, unless a log has the end of its life.
        if ends.is_empty() && self.deletion().is_some_and(|deletion| !deletion.is_weak()) {
            return None;
        }
        let is_logged = !ends.is_empty();
        let score = if is_logged { 86 } else { 73 };
        let refs = ends.into_iter().map(FactRef::Event).chain([FactRef::Exchange(index)]);
        let why = Why::RekeyGap { first: exchange.first, last: exchange.last, is_logged };
        let reason = Reason::RekeyGap;
        Some(Cause { reason, score, refs: refs.collect(), why, against: Vec::new() }.opens())
    }

    /// A log tells of a policy that changed as the window opened; best where the same host then
    /// deleted its security associations.
    pub(super) fn policy_changed(&self) -> Option<Candidate> {
        let (from, to) = self.opening();
        let hosts = self.hosts();
        let changes: BTreeMap<usize, &PlacedEvent> = hosts
            .iter()
            .flat_map(|host| self.index.of_host(*host, from, to))
            .filter(|(_, e)| is_change(e))
            .collect();
        let flushed = self.deletion().and_then(|deletion| {
            let (from, to) =
                (deletion.time.shifted(FLUSH.negated()), deletion.time.shifted(JITTER));
            let mut own = self.index.of_host(deletion.by, from, to).filter(|(_, e)| is_change(e));
            own.next().map(|(at, event)| (at, event, deletion))
        });
        if let Some((at, placed, deletion)) = flushed {
            let why = Why::PolicyChange {
                host: placed.event.host.clone(),
                meaning: placed.event.entry.meaning,
                more: 0,
                deleted_by: Some(deletion.by),
            };
            let refs = [FactRef::Event(at), FactRef::Exchange(deletion.exchange)].into();
            let (reason, score) = (Reason::PolicyChanged, 87);
            return Some(Cause { reason, score, refs, why, against: Vec::new() }.opens());
        }
        let (_, placed) = changes.first_key_value()?;
        let cause = Cause {
            reason: Reason::PolicyChanged,
            score: 55,
            why: Why::PolicyChange {
                host: placed.event.host.clone(),
                meaning: placed.event.entry.meaning,
                more: changes.len() - 1,
                deleted_by: None,
            },
            refs: changes.keys().map(|index| FactRef::Event(*index)).collect(),
            against: vec![Against::PolicyNeedNotOpen],
        };
        Some(cause.opens())
    }
}

/// What a message ended.
enum Ended {
    /// No packet of any SPI is captured.
    Unseen,
    /// Every SPI goes on, or gave way to a newer one.
    Nothing,
    /// The last packet of what stopped.
    At(Timestamp),
}

/// Whether a newer SPI of the same sender, in uses by their beginning, carries on where one stops: it
/// begins as the other ends, and outlives it.
pub(super) fn has_successor(
    uses: &[(Direction, ClassRun)],
    way: Direction,
    old: &ClassRun,
) -> bool {
    let (from, to) = (old.end.shifted(HANDOVER.negated()), old.end.shifted(HANDOVER));
    let first = uses.partition_point(|(_, new)| new.start < from);
    let near = uses.iter().skip(first).take_while(|(_, new)| new.start <= to).take(MOST_USES);
    near.filter(|(other, _)| *other == way)
        .any(|(_, new)| new.start > old.start && new.end > old.end)
}

/// What says that a policy changed, or was applied; 5463 and 5467 say that nothing did.
pub(super) fn is_change(placed: &PlacedEvent) -> bool {
    placed.event.category == Category::PolicyChange && !matches!(placed.event.event_id, 5463 | 5467)
}

/// A host that applies a policy flushes what the old one made within this time.
const FLUSH: Span = Span::from_seconds(10);
/// ESP in flight may follow a Delete.
const UNDER_WAY: Span = Span::from_seconds(1);
/// SPIs of one pair that are looked through at once.
const MOST_USES: usize = 512;
/// What pauses no longer than that flows.
const FLOWING: Span = Span::from_seconds(2);
/// Windows' idle timer of quick mode is 300 s ([MS-GPIPSEC], and the driver's default); the driver looks
/// only now and then.
const IDLE: Span = Span::from_seconds(290);
/// RFC 7296 §2.8: the old SA is deleted when the new one is made; both may be used for a while.
const HANDOVER: Span = Span::from_seconds(5);
