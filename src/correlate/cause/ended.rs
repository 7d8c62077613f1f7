//! The rules about security associations that ended: deleted, replaced by a policy change, expired.

use super::case::{Case, Deletion, LOOKBACK};
use super::lifetime::{LATEST_DEFAULT, is_idle_time};
use super::roles::{MOST_LOW, MOST_MEDIUM};
use super::uses::{HANDOVER, MOST_USES, SpiUse};
use super::{Against, Candidate, Cause, DeleteBasis, FactRef, JITTER, Why};
use crate::catalogue::Reason;
use crate::correlate::PlacedEvent;
use crate::eventlog::KeyingModule;
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use crate::ike::{DeleteFit, IkeExchange, IkeVersion, Outcome, PossibleDelete};
use crate::summary::Flow;
use crate::time::{Span, Timestamp};
use std::collections::BTreeSet;

impl Deletion {
    /// What it rests on may be something else.
    pub(super) fn is_weak(&self) -> bool {
        self.basis == DeleteBasis::Inferred
            && (!self.is_like || self.rested.is_none_or(|rested| rested > FLOWING))
    }
}

impl Case<'_> {
    /// The earliest message before the window that deleted security associations of the negotiators; of several
    /// at the same time, the best proven one.
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
        // The clocks of two captures may differ slightly; within one capture its own clock orders the frames.
        let latest = |frame: FrameRef| {
            if frame.evidence == capture { start } else { start.shifted(JITTER) }
        };
        let pair = exchange.pair();
        let uses = self.index.spi_uses(pair);
        let goes_on = |time: Timestamp| {
            let begun = uses.partition_point(|spi| spi.run.start <= time);
            let latest = uses.get(..begun).unwrap_or_default().iter().rev().take(MOST_USES);
            latest.into_iter().any(|spi| spi.run.end > time.shifted(UNDER_WAY))
        };
        let known = self.index.spis(pair);
        let possible = exchange.possible_deletes(&known, goes_on).into_iter();
        let in_time = possible.filter(|message| {
            from.shifted(JITTER.negated()) <= message.time && message.time <= latest(message.frame)
        });
        in_time.filter_map(|message| self.deletion_by(at, exchange, message)).collect()
    }

    /// Whether a message of that form ended security associations (docs/causes.md, "Deletions").
    fn deletion_by(
        &self,
        at: usize,
        exchange: &IkeExchange,
        message: PossibleDelete,
    ) -> Option<Deletion> {
        let (pair, time) = (exchange.pair(), message.time);
        if message.fit != DeleteFit::Readable && self.is_replaced(exchange, time) {
            return None;
        }
        let ended = self.last_of_what_ended_at(pair, time, exchange.has_rekeyed_before(time));
        let rested = match ended {
            Ended::Nothing => return None,
            Ended::Unseen => None,
            Ended::At(last) => Some(Span(time.since(last).0.max(0))),
        };
        let follows_at_once = self.window.run.start.since(time) <= FLOWING;
        let basis = match message.fit {
            DeleteFit::Readable if self.is_end_logged(time) => DeleteBasis::Logged,
            DeleteFit::Readable => DeleteBasis::Readable,
            DeleteFit::TooLargeToBeEmpty | DeleteFit::Ambiguous if self.is_end_logged(time) => {
                DeleteBasis::Logged
            }
            // For SPIs that no capture shows, it is unknown whether they returned.
            DeleteFit::TooLargeToBeEmpty if !message.is_habit && rested.is_some() => {
                DeleteBasis::Size
            }
            // The traffic that flowed under the SA continues in clear at once, and the sender has no other
            // message of that size; otherwise the message may be a liveness check.
            DeleteFit::Ambiguous
                if !message.is_habit
                    && follows_at_once
                    && rested.is_some()
                    && !self.was_clear_before(time) =>
            {
                DeleteBasis::Inferred
            }
            DeleteFit::TooLargeToBeEmpty | DeleteFit::Ambiguous => return None,
        };
        let by = message.by;
        let is_like = rested
            .is_none_or(|rested| self.is_like_the_protected(pair, time.shifted(rested.negated())));
        Some(Deletion { exchange: at, by, time, message, basis, rested, is_like })
    }

    /// Whether the window's clear text may be what was protected before: more than a question that is asked twice with
    /// its answers, and not far fewer packets in the same time.
    fn is_like_the_protected(&self, pair: HostPair, last: Timestamp) -> bool {
        let uses = self.index.spi_uses(pair);
        let begun = uses.get(..uses.partition_point(|spi| spi.run.start <= last));
        let latest = begun.unwrap_or_default().iter().rev().take(MOST_USES);
        let ended = latest.filter(|spi| spi.run.end >= last.shifted(HANDOVER.negated()));
        let protected = ended.map(|spi| spi.run.mean_pause()).min().unwrap_or_default();
        let run = &self.window.run;
        let longest = Span(protected.max(FLOWING).0.saturating_mul(FAR_LESS));
        run.frames > ASKED_TWICE && run.mean_pause() <= longest
    }

    /// Whether a flow of the window was in clear before a message: then what the message ended had not
    /// protected the flow.
    fn was_clear_before(&self, time: Timestamp) -> bool {
        let pair = self.window.pair;
        let first = |flow: &Flow| self.index.first_clear(pair, *flow);
        self.window.flows.iter().filter_map(first).any(|first| first < time)
    }

    /// IKEv1's ESP does not end with the ISAKMP SA (RFC 2408 §3.15); where the two had another ISAKMP SA before
    /// the message, it deleted the replaced one.
    fn is_replaced(&self, exchange: &IkeExchange, time: Timestamp) -> bool {
        exchange.version != IkeVersion::V2
            && self.exchanges(exchange.start, time).into_values().any(|other| {
                other.start > exchange.start
                    && other.start <= time
                    && time.since(other.start) <= REPLACING
                    && other.version == exchange.version
                    && matches!(other.outcome, Outcome::Established | Outcome::Ended)
            })
    }

    /// The last packet of the SPIs that stop at a point in time and are not continued by a newer SPI of the
    /// same sender. Directly after a rekey, the newer one may be used much later, when there is traffic for it.
    fn last_of_what_ended_at(&self, pair: HostPair, time: Timestamp, is_rekeyed: bool) -> Ended {
        let uses = self.index.spi_uses(pair);
        if uses.is_empty() {
            return Ended::Unseen;
        }
        let until = time.shifted(UNDER_WAY);
        let begun = uses.partition_point(|spi| spi.run.start <= time);
        let latest = uses.get(..begun).unwrap_or_default().iter().rev().take(MOST_USES);
        let (goes_on, stopped): (Vec<&SpiUse>, Vec<&SpiUse>) =
            latest.partition(|spi| spi.run.end > until);
        let is_replaced = is_rekeyed || self.has_unused(pair, time);
        if is_replaced && self.carries_on_unnegotiated(pair, time) {
            return Ended::Nothing;
        }
        let over = stopped.into_iter().filter(|spi| !spi.has_successor);
        // What had a filter for other traffic protected nothing of the window.
        let over =
            over.filter(|spi| !self.index.never_covered((pair, spi.way, &spi.run), self.window));
        let last = over.map(|spi| spi.run.end).max();
        // Where other SPIs continue, one that was idle before is not the one that a message ended.
        let last = last.filter(|end| goes_on.is_empty() || time.since(*end) <= FLOWING);
        last.map_or(Ended::Nothing, Ended::At)
    }

    /// Whether the two made SAs before a point under which nothing was sent up to it, however long ago: a new
    /// SPI is used when there is traffic for it.
    fn has_unused(&self, pair: HostPair, time: Timestamp) -> bool {
        let uses = self.index.spi_uses(pair);
        let made = self.exchanges(time.shifted(LOOKBACK.negated()), time).into_values();
        let last = made.flat_map(|x| &x.completions).filter(|done| **done <= time).max();
        last.is_some_and(|done| {
            let begun = uses.partition_point(|spi| spi.run.start < done.shifted(EARLY.negated()));
            uses.get(begun).is_none_or(|spi| spi.run.start > time)
        })
    }

    /// Whether an SPI begins after a point in time without a negotiation of the two that created it.
    fn carries_on_unnegotiated(&self, pair: HostPair, time: Timestamp) -> bool {
        let uses = self.index.spi_uses(pair);
        let next = uses.get(uses.partition_point(|spi| spi.run.start <= time));
        next.is_some_and(|SpiUse { run, .. }| {
            let made = |x: &IkeExchange| {
                let mut all = x.completions.iter();
                all.any(|done| time < *done && *done <= run.start)
            };
            !self.exchanges(time, run.start).into_values().any(made)
        })
    }

    fn is_end_logged(&self, time: Timestamp) -> bool {
        let (from, to) = (time.shifted(JITTER.negated()), time.shifted(JITTER));
        let pairs = self.pairs();
        pairs.iter().any(|pair| {
            self.index.ended.touching(*pair, from, to).any(|at| self.is_same_sa(at, *pair, true))
        })
    }

    /// Whether a record is about an SA of a pair that the captures show, by the numbers that both contain. A
    /// record whose numbers cannot be compared does not prove that a message is a Delete; it gives only its two
    /// hosts and its time, which is enough where no better proof is required.
    fn is_same_sa(&self, event: usize, pair: HostPair, is_proof: bool) -> bool {
        let Some(placed) = self.index.facts.events.get(event) else { return false };
        let event = &placed.event;
        let has_spi = event.inbound_spi().is_some() || event.outbound_spi().is_some();
        // The main mode alone does not show which of its SAs ended.
        let is_other = |sa: Option<_>| sa.is_none() && !self.index.spi_uses(pair).is_empty();
        if has_spi && is_other(placed.join.and_then(|join| join.sa)) {
            return false;
        }
        if let Some(join) = placed.join {
            let exchange = join.exchange.and_then(|at| self.index.facts.exchanges.get(at));
            return join.sa.is_some_and(|(of, _)| of == pair)
                || exchange.is_some_and(|x| x.pair() == pair);
        }
        let main_mode = event.main_mode_sa().filter(|sa| *sa != 0);
        if let Some(sa) = main_mode {
            let is_own = self.index.made_main_mode(placed.log, pair, sa);
            return !is_proof && (is_own || !self.index.knows_main_mode(placed.log, pair));
        }
        let quick_mode = event.negotiation().and_then(|n| n.quick_mode_sa).filter(|sa| *sa != 0);
        quick_mode.is_none_or(|sa| {
            let is_own = self.index.is_quick_mode(placed.log, pair, sa);
            is_own || (!is_proof && self.index.may_be_quick_mode(placed.log, pair, sa))
        })
    }

    /// Security associations were deleted, or expired while idle, and none followed before the window.
    pub(super) fn deleted(&self) -> Option<Candidate> {
        let logged = self.logged_ends();
        let mut refs: BTreeSet<FactRef> = logged.iter().map(|e| FactRef::Event(*e)).collect();
        let Some(deletion) = self.deletion() else {
            return self.logged_end(&logged, refs);
        };
        refs.insert(FactRef::Exchange(deletion.exchange));
        let is_idle =
            deletion.rested.is_some_and(is_idle_time) && !self.ended_by_lifetime(deletion.time);
        let mut against = Vec::new();
        let mut score = match deletion.basis {
            DeleteBasis::Logged => 84,
            DeleteBasis::Readable | DeleteBasis::Size => 76,
            DeleteBasis::Inferred => 60,
        };
        match deletion.basis {
            DeleteBasis::Inferred => against.push(Against::SizeIsAmbiguous),
            DeleteBasis::Size => against.push(Against::OtherMessagesFit),
            DeleteBasis::Readable => against.push(Against::Unprotected),
            DeleteBasis::Logged => {}
        }
        if let Some(rested) = deletion.rested.filter(|rested| *rested > FLOWING && !is_idle) {
            against.push(Against::HadRested(rested));
        }
        if deletion.is_weak() {
            score = MOST_LOW - 4;
        }
        if deletion.basis == DeleteBasis::Inferred && !deletion.is_like {
            against.push(Against::OtherTraffic);
        }
        let longer = deletion.rested.filter(|rested| is_idle && *rested > LATEST_DEFAULT);
        if let Some(rested) = longer {
            score = score.min(MOST_MEDIUM);
            against.push(Against::LongerThanIdle(rested));
        }
        // An end this long ago explains why there was no SA; what happened as the traffic began came later.
        let before = self.window.run.start.since(deletion.time);
        if before > LOOKBACK && !is_idle {
            score = score.min(MOST_LOW - 4);
            against.push(Against::LongBefore(before));
        }
        let reason = if is_idle { Reason::SaExpiredIdle } else { Reason::SaDeleted };
        let why = Why::Deleted {
            by: deletion.by,
            frame: deletion.message.frame,
            basis: deletion.basis,
            rested: deletion.rested,
            is_logged: !logged.is_empty(),
            is_like: deletion.is_like,
        };
        Some(Cause { reason, score, refs, why, against }.opens())
    }

    /// Only a log shows the end of the security associations.
    fn logged_end(&self, logged: &BTreeSet<usize>, refs: BTreeSet<FactRef>) -> Option<Candidate> {
        let of = |at: &usize| self.index.facts.events.get(*at);
        let opens = |at: &usize| of(at).is_some_and(|placed| self.record_opens(placed));
        if !logged.iter().any(opens) || !self.esp_stopped() || !self.may_have_held() {
            return None;
        }
        let rested = self.rested_until_logged(logged);
        let times = || logged.iter().filter_map(|at| of(at)?.corrected);
        let by_lifetime = times().min().is_some_and(|time| self.ended_by_lifetime(time));
        let is_idle = rested.is_some_and(is_idle_time) && !by_lifetime;
        if self.renewal().is_some() && !is_idle {
            return None;
        }
        let first = times().min();
        // What was replaced before it ended opened nothing.
        let is_replaced = logged.iter().any(|at| self.is_followed(*at))
            || first.is_some_and(|time| {
                let around = self.exchanges(time.shifted(JITTER.negated()), time.shifted(JITTER));
                around.into_values().any(|x| {
                    x.has_rekeyed_before(time) && self.carries_on_unnegotiated(x.pair(), time)
                })
            });
        if is_replaced {
            return None;
        }
        let reason = if is_idle { Reason::SaExpiredIdle } else { Reason::SaDeleted };
        let longer = rested.filter(|rested| is_idle && *rested > LATEST_DEFAULT);
        let against = [Against::DeletionNotCaptured]
            .into_iter()
            .chain(longer.map(Against::LongerThanIdle))
            .collect();
        let why = Why::LoggedEnd { rested: rested.filter(|_| is_idle) };
        Some(Cause { reason, score: 78, refs, why, against }.opens())
    }

    /// How long the SPIs had been silent when a log has their end.
    fn rested_until_logged(&self, logged: &BTreeSet<usize>) -> Option<Span> {
        let times = logged.iter().filter_map(|at| self.index.facts.events.get(*at)?.corrected);
        Some(times.min()?.since(self.silent_since()?))
    }

    /// Whether the log that has the end of an SA has the beginning of another one between the two, from
    /// shortly before that end up to the window: it replaced the one that ended.
    fn is_followed(&self, ended: usize) -> bool {
        let Some(placed) = self.index.facts.events.get(ended) else { return false };
        let Some(time) = placed.corrected else { return false };
        let ids = |placed: &PlacedEvent| {
            let event = &placed.event;
            let quick = event.negotiation().and_then(|negotiation| negotiation.quick_mode_sa);
            (event.inbound_spi(), event.outbound_spi(), quick)
        };
        let (from, to) = (time.shifted(HANDOVER.negated()), self.window.run.start);
        let pairs = self.pairs();
        let made = pairs.iter().flat_map(|pair| self.index.made.touching(*pair, from, to));
        made.filter_map(|at| self.index.facts.events.get(at)).any(|other| {
            let is_other = ids(other) != ids(placed);
            let is_named = ids(other) != (None, None, None) && ids(placed) != (None, None, None);
            let is_later = other.corrected.is_some_and(|made| made > time);
            other.log == placed.log && is_other && (is_later || is_named)
        })
    }

    /// Events of security associations that ended as the window opened.
    fn logged_ends(&self) -> BTreeSet<usize> {
        let (from, to) = self.opening();
        let pairs = self.pairs();
        let of_pair = |pair: &HostPair| {
            let pair = *pair;
            let all = self.index.ended.touching(pair, from, to);
            let all = all.filter(|at| self.index.held(*at, self.window) && self.had_held(*at));
            all.filter(move |at| self.is_same_sa(*at, pair, false)).collect::<Vec<_>>()
        };
        let all = pairs.iter().flat_map(of_pair);
        all.filter(|at| !self.is_end_of_ikev1(*at)).collect()
    }

    /// Whether a record is of the end of an ISAKMP SA alone: ESP does not end with it (RFC 2408 §3.15).
    fn is_end_of_ikev1(&self, event: usize) -> bool {
        let Some(placed) = self.index.facts.events.get(event) else { return false };
        let event = &placed.event;
        event.negotiation().is_some_and(|negotiation| {
            negotiation.keying == Some(KeyingModule::IkeV1)
                && negotiation.quick_mode_sa.is_none_or(|sa| sa == 0)
                && event.main_mode_sa().is_some_and(|sa| sa != 0)
        }) && event.inbound_spi().is_none()
            && event.outbound_spi().is_none()
    }

    /// Whether the SA whose end a record reports may have held traffic of the window: the record of its beginning, by
    /// the number of its quick mode or its SPI, names no filter, or one that holds some.
    fn had_held(&self, ended: usize) -> bool {
        let Some(placed) = self.index.facts.events.get(ended) else { return true };
        let made = self.index.made_with(placed);
        made.is_empty() || made.iter().any(|at| self.index.held(*at, self.window))
    }

    /// Whether an SA of the negotiators from before the window may have held its traffic.
    fn may_have_held(&self) -> bool {
        let start = self.window.run.start;
        let held = |pair: &HostPair| {
            let uses = self.index.spi_uses(*pair);
            let begun = uses.get(..uses.partition_point(|spi| spi.run.start <= start));
            let mut latest = begun.unwrap_or_default().iter().rev().take(MOST_USES);
            latest.any(|spi| !self.index.never_covered((*pair, spi.way, &spi.run), self.window))
        };
        self.negotiators.iter().any(held)
    }

    /// The negotiation that existed before the window and created new security associations as it closed: an
    /// exchange that was not refused, followed by a new SPI.
    fn renewal(&self) -> Option<(usize, &IkeExchange)> {
        let run = &self.window.run;
        let in_time = |time: Timestamp| time > run.start && time <= run.end.shifted(JITTER);
        self.exchanges(run.start, run.end.shifted(JITTER)).into_iter().find(|(_, x)| {
            let attempts = x.child_attempts().into_iter();
            let mut made = attempts
                .filter(|a| !a.is_refused)
                .filter_map(|a| a.end)
                .filter(|end| in_time(*end));
            x.start < run.start.shifted(JITTER.negated())
                && made.any(|end| self.new_spi(x, end).is_some())
        })
    }

    /// Whether SPIs from before the window are in use after it: they had not expired.
    pub(super) fn old_spis_return(&self) -> bool {
        let run = &self.window.run;
        self.negotiators.iter().any(|pair| {
            let uses = self.index.spi_uses(*pair);
            let begun = uses.partition_point(|spi| spi.run.start <= run.start);
            let latest = uses.get(..begun).unwrap_or_default().iter().rev().take(MOST_USES);
            latest.into_iter().any(|spi| spi.run.end > run.end)
        })
    }

    /// The IKE SA outlived the window and created new security associations as it closed: the previous ones had
    /// expired.
    pub(super) fn rekey_gap(&self) -> Option<Candidate> {
        if !self.esp_stopped() || self.old_spis_return() || !self.may_have_held() {
            return None;
        }
        let (index, exchange) = self.renewal()?;
        let ends = self.logged_ends();
        // What nobody used for so long ended for want of traffic, and was no rekey.
        let deleted = self.deletion().and_then(|deletion| deletion.rested);
        let rested = deleted.or_else(|| self.rested_until_logged(&ends));
        if rested.is_some_and(is_idle_time) {
            return None;
        }
        // A deletion with a later new negotiation was no rekey, unless a log shows that the lifetime ended.
        if ends.is_empty() && self.deletion().is_some_and(|deletion| !deletion.is_weak()) {
            return None;
        }
        let is_logged = !ends.is_empty();
        // Traffic that a late rekeying interrupted was protected up to it.
        let paused = self.silent_since().map(|last| self.window.run.start.since(last));
        let paused = paused.filter(|paused| !is_logged && *paused > FLOWING);
        let score = match (is_logged, paused) {
            (true, _) => 86,
            (false, None) => 73,
            (false, Some(_)) => MOST_LOW - 4,
        };
        let refs = ends.into_iter().map(FactRef::Event).chain([FactRef::Exchange(index)]);
        let why = Why::RekeyGap { first: exchange.first, last: exchange.last, is_logged };
        let reason = Reason::RekeyGap;
        let against = paused.map(Against::PausedBefore).into_iter().collect();
        Some(Cause { reason, score, refs: refs.collect(), why, against }.opens())
    }
}

/// What a message ended.
enum Ended {
    /// No packet of any SPI is captured.
    Unseen,
    /// Every SPI continues, or was replaced by a newer one.
    Nothing,
    /// The last packet of the SPIs that stopped.
    At(Timestamp),
}

/// ESP in flight may follow a Delete.
const UNDER_WAY: Span = Span::from_seconds(1);
/// How soon after a new ISAKMP SA the previous one is deleted.
const REPLACING: Span = Span::from_seconds(10);
/// Traffic with no longer pause than this flows.
const FLOWING: Span = Span::from_seconds(2);
/// A question and its answer, both sent again.
const ASKED_TWICE: u64 = 4;
/// Traffic with pauses so many times longer is other traffic; an estimate.
const FAR_LESS: i64 = 10;
/// How much a packet may precede the message that made its SA, in a capture.
const EARLY: Span = Span::from_millis(100);
