//! One log's clock from its first record to its last, in stretches between the moments at which it was set.
//!
//! Records show where a clock was set, and so do joins that disagree permanently.

use super::fit::{ENOUGH, Fit, TimePair, WORST_DRIFT, fit};
use crate::catalogue::Category;
use crate::correlate::stretches::Stretches;
use crate::eventlog::LogEvent;
use crate::time::{Span, Timestamp};

/// A moment at which a clock was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockStep {
    /// The record of the change, or the first record after it.
    pub record: u64,
    /// By how much, forward is positive; `None` where neither record nor joins show it.
    pub by: Option<Span>,
    /// A record says so; else only the joins show it.
    pub is_recorded: bool,
}

/// The records of a log from one setting of its clock to the next, by index.
#[derive(Clone, Debug)]
struct Stretch {
    places: (usize, usize),
    fit: Option<Fit>,
}

/// How one log's clock ran.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    stretches: Vec<Stretch>,
    /// From the first to the last time that the clock showed in each stretch.
    shown: Stretches<usize>,
    pub(super) steps: Vec<ClockStep>,
}

impl Timeline {
    /// Fits a log's events, in its order, and the joins among them.
    pub(super) fn fit(events: &[LogEvent], pairs: &[TimePair], resolution: Span) -> Self {
        let recorded = recorded_steps(events);
        let mut timeline = Self::default();
        let mut from = 0;
        let ends = recorded.iter().map(|(place, _)| *place).chain([events.len()]);
        let mut pairs = pairs.to_vec();
        pairs.sort_by_key(|pair| pair.place);
        for until in ends {
            let place = |place: usize| pairs.partition_point(|pair| pair.place < place);
            let inside = pairs.get(place(from)..place(until)).unwrap_or_default();
            timeline.add(events, (from, until), inside, resolution);
            from = until;
        }
        timeline.carry_over(&recorded);
        let set = recorded.iter().filter_map(|(place, by)| {
            let record = events.get(*place)?.record.record;
            Some(ClockStep { record, by: by.or_else(|| timeline.jump(*place)), is_recorded: true })
        });
        let set: Vec<ClockStep> = set.collect();
        timeline.steps.extend(set);
        timeline.steps.sort_by_key(|step| step.record);
        timeline.shown = timeline.times_shown(events);
        timeline
    }

    /// Adds a stretch without a record of a setting; where its joins disagree, the clock was set all the same.
    fn add(
        &mut self,
        events: &[LogEvent],
        (from, until): (usize, usize),
        pairs: &[TimePair],
        resolution: Span,
    ) {
        let groups = agreeing(pairs, resolution);
        let mut begin = from;
        let mut before: Option<(usize, Fit)> = None;
        for group in &groups {
            let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
            let Some(fit) = fit(group, resolution) else { continue };
            if let Some((end, known)) = before {
                // When the clock was set between two joins that disagree is unknown.
                self.stretches.push(Stretch { places: (begin, end + 1), fit: Some(known) });
                self.stretches.push(Stretch { places: (end + 1, first.place), fit: None });
                begin = first.place;
                let by = Some(Span(fit.offset.0.saturating_sub(known.offset.0)));
                let record = events.get(first.place).map_or(0, |event| event.record.record);
                self.steps.push(ClockStep { record, by, is_recorded: false });
            }
            before = Some((last.place, fit));
        }
        let fit = before.map(|(_, fit)| fit);
        self.stretches.push(Stretch { places: (begin, until), fit });
    }

    /// A stretch without joins lies beside one with joins, and a record gives the step between.
    fn carry_over(&mut self, recorded: &[(usize, Option<Span>)]) {
        let step_at = |place: usize| {
            let at = recorded.binary_search_by_key(&place, |(at, _)| *at).ok()?;
            recorded.get(at)?.1
        };
        for at in 1..self.stretches.len() {
            let Some([one, other]) = self.stretches.get_mut(at - 1..=at) else { continue };
            if other.fit.is_none() {
                other.fit = one.fit.zip(step_at(other.places.0)).map(|(f, by)| f.stepped(by));
            }
        }
        for at in (1..self.stretches.len()).rev() {
            let Some([one, other]) = self.stretches.get_mut(at - 1..=at) else { continue };
            if one.fit.is_none() {
                let step = other.fit.zip(step_at(other.places.0));
                one.fit = step.map(|(f, by)| f.stepped(by.negated()));
            }
        }
    }

    /// By how much the joins on both sides of a setting differ.
    fn jump(&self, place: usize) -> Option<Span> {
        let at = self.stretches.partition_point(|stretch| stretch.places.0 < place);
        self.stretches.get(at).filter(|stretch| stretch.places.0 == place)?;
        let before = self.stretches.get(at.checked_sub(1)?)?.fit?;
        let after = self.stretches.get(at)?.fit?;
        Some(Span(after.offset.0.saturating_sub(before.offset.0)))
    }

    /// The fit that rests on the most joins.
    pub(super) fn best(&self) -> Option<Fit> {
        let fits = self.stretches.iter().filter_map(|stretch| stretch.fit);
        fits.max_by_key(|fit| fit.matches)
    }

    /// How the clock ran at the time of an event of this log.
    pub(super) fn at(&self, place: usize) -> Option<Fit> {
        let after = self.stretches.partition_point(|stretch| stretch.places.0 <= place);
        self.stretches.get(after.checked_sub(1)?)?.fit
    }

    /// How it ran when it showed a time, in another log of the same computer; `None` where it showed that time
    /// twice, or where that is unknown.
    pub(super) fn when_shown(&self, shown: Timestamp) -> Option<Fit> {
        if let [only] = &self.stretches[..] {
            return only.fit;
        }
        let mut found = self.shown.touching(shown, shown);
        let only = found.next().filter(|_| found.next().is_none())?;
        self.stretches.get(*only)?.fit
    }

    /// The times that the clock showed in each stretch. The last is the time at which it was set, which the
    /// step gives; where the step is unknown, the stretch has no end.
    fn times_shown(&self, events: &[LogEvent]) -> Stretches<usize> {
        let time = |place: usize| events.get(place).and_then(|event| event.time);
        let last = self.stretches.len().saturating_sub(1);
        Stretches::new(self.stretches.iter().enumerate().filter_map(|(at, stretch)| {
            let (from, until) = stretch.places;
            let start = time(from).filter(|_| at > 0).unwrap_or(Timestamp(i64::MIN));
            let end = time(until).filter(|_| at < last).zip(self.step_before(events, until));
            let end = end.map_or(Timestamp(i64::MAX), |(set, by)| set.shifted(by.negated()));
            (start <= end).then_some((start, end, at))
        }))
    }

    /// By how much the clock was set before a place.
    fn step_before(&self, events: &[LogEvent], place: usize) -> Option<Span> {
        let record = events.get(place)?.record.record;
        let at = self.steps.partition_point(|step| step.record < record);
        self.steps.get(at).filter(|step| step.record == record)?.by
    }
}

/// Records of clock settings, by index; small corrections are not steps.
fn recorded_steps(events: &[LogEvent]) -> Vec<(usize, Option<Span>)> {
    let set = events.iter().enumerate().filter(|(_, event)| {
        event.category == Category::ClockChange && matches!(event.event_id, 520 | 4616)
    });
    let is_small = |step: &Option<Span>| step.is_some_and(|by| by.magnitude() < LEAST_STEP);
    set.map(|(place, event)| (place, event.clock_step())).filter(|(_, by)| !is_small(by)).collect()
}

/// Runs of joins that agree, in the log's order. A join alone between others is an outlier; one
/// with nothing beside it is kept.
fn agreeing(pairs: &[TimePair], resolution: Span) -> Vec<Vec<TimePair>> {
    let mut pairs = pairs.to_vec();
    pairs.sort_by_key(|pair| pair.place);
    let mut groups: Vec<Vec<TimePair>> = Vec::new();
    for pair in pairs {
        let agrees = |group: &&mut Vec<TimePair>| {
            group.last().is_some_and(|last| is_steady(last, &pair, resolution))
        };
        match groups.last_mut().filter(agrees) {
            Some(group) => group.push(pair),
            None => groups.push(vec![pair]),
        }
    }
    if groups.iter().any(|group| group.len() > 1) {
        groups.retain(|group| group.len() > 1);
    } else if groups.len() > 1 {
        // Every join differs from every other: none is better than another.
        groups.clear();
    }
    let mut merged: Vec<Vec<TimePair>> = Vec::new();
    for group in groups {
        let goes_on = |before: &&mut Vec<TimePair>| {
            let ends = before.last().zip(group.first());
            ends.is_some_and(|(last, first)| is_steady(last, first, resolution))
        };
        match merged.last_mut().filter(goes_on) {
            Some(before) => before.extend(group),
            None => merged.push(group),
        }
    }
    // A lasting change needs as many joins as an offset does, unless there are no more.
    let most = merged.iter().map(Vec::len).max().unwrap_or(0);
    if most >= ENOUGH {
        merged.retain(|group| group.len() >= 2);
    }
    merged
}

/// Whether two joins fit a clock that was not set between them.
fn is_steady(one: &TimePair, other: &TimePair, resolution: Span) -> bool {
    let apart = other.wire.since(one.wire).magnitude().0;
    let drifted = i128::from(apart) * i128::from(WORST_DRIFT) / 1_000_000_000;
    let bound = i128::from(LEAST_STEP.0 + resolution.0) + drifted;
    let changed = i128::from(one.difference().0) - i128::from(other.difference().0);
    changed.abs() <= bound
}

/// Delays of logging, and corrections that time services make by slewing, are smaller.
const LEAST_STEP: Span = Span::from_millis(1_500);
