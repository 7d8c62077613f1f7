//! What ends an SA by itself: its idle timer, and its lifetime.

use super::JITTER;
use super::case::Case;
use super::uses::{HANDOVER, MOST_USES};
use crate::time::{Span, Timestamp};

impl Case<'_> {
    /// Whether the lifetime of the SAs explains their end at a point in time: a log of their beginning names it, or the
    /// capture shows the negotiation that made them, and Windows' default is an hour (RFC 4301 §4.4.2.1).
    pub(super) fn ended_by_lifetime(&self, time: Timestamp) -> bool {
        let pairs = self.pairs();
        let from = time.shifted(LONGEST_LIFE.negated());
        let logged = pairs.iter().flat_map(|pair| self.index.made.touching(*pair, from, time));
        let logged = logged.filter_map(|at| {
            let placed = self.index.facts.events.get(at)?;
            let named = placed.event.fields.iter().find(|(name, _)| name == "LifetimeSeconds");
            let seconds: i64 = named.and_then(|(_, value)| value.parse().ok())?;
            Some((placed.corrected?, seconds))
        });
        let mut known: Vec<(Timestamp, i64)> = logged.collect();
        let mut late = JITTER;
        if known.is_empty() {
            let made = self.exchanges(from, time).into_values().flat_map(|x| &x.completions);
            known.extend(made.map(|made| (*made, DEFAULT_LIFE)));
            late = EARLY;
        }
        known.sort_unstable();
        let is_over = |(made, seconds): &(Timestamp, i64)| {
            let life = Span::from_seconds((*seconds).clamp(0, MOST_SECONDS));
            let room = Span((life.0 / 20).max(NEAR_LIFETIME.0));
            Span(time.since(*made).0.saturating_sub(life.0)).magnitude() <= room
        };
        // What was made last before an SPI began to be used made it; both hosts may have a record of it.
        self.beginnings_of_the_last(time).into_iter().any(|begun| {
            let until = known.partition_point(|(made, _)| *made <= begun.shifted(late));
            let before = known.get(..until).unwrap_or_default();
            let last = before.last().map(|(made, _)| made.shifted(HANDOVER.negated()));
            before.iter().rev().take_while(|(made, _)| Some(*made) >= last).any(is_over)
        })
    }

    /// When the SPIs began to be used that were in use last at a point in time: each of them may be what ended. Where no
    /// capture shows one, what was made last before the point may have.
    fn beginnings_of_the_last(&self, time: Timestamp) -> Vec<Timestamp> {
        let of = |pair| {
            let uses = self.index.spi_uses(pair);
            let begun = uses.get(..uses.partition_point(|spi| spi.run.start <= time));
            begun.unwrap_or_default().iter().rev().take(MOST_USES)
        };
        let used: Vec<_> = self.pairs().into_iter().flat_map(of).collect();
        let last = used.iter().map(|spi| spi.run.end.min(time)).max();
        let Some(last) = last else { return vec![time] };
        let latest = used.into_iter().filter(|spi| spi.run.end >= last.shifted(HANDOVER.negated()));
        latest.map(|spi| spi.run.start).collect()
    }
}

/// Whether an idle timer ends what rested for so long: SAIdleTime is 300 s unless set otherwise, and 3,600 s at
/// the most; the driver looks only now and then.
pub(super) fn is_idle_time(rested: Span) -> bool {
    (IDLE..=LONGEST_IDLE).contains(&rested)
}

/// The default idle timer, 300 s, and what the driver may look late: nothing else is needed to explain a silence up to it.
pub(super) const LATEST_DEFAULT: Span = Span::from_seconds(330);
/// The default lifetime of Windows' quick mode SAs, in seconds.
const DEFAULT_LIFE: i64 = 3_600;
/// The longest lifetime of a quick mode SA that Windows takes, in seconds (netsh advfirewall: 2,879 min), and as far is looked back.
const MOST_SECONDS: i64 = 172_740;
const LONGEST_LIFE: Span = Span::from_seconds(MOST_SECONDS);
/// How near its lifetime an SA ended by it; of long ones the twentieth part.
const NEAR_LIFETIME: Span = Span::from_seconds(60);
/// A responder may use its SA this long before the message that completes it is captured.
const EARLY: Span = Span::from_millis(100);
/// Windows' idle timer of quick mode is 300 s ([MS-GPIPSEC], and the driver's default), less what the driver
/// may look early.
const IDLE: Span = Span::from_seconds(290);
/// The longest that SAIdleTime can be set to, and as much more.
const LONGEST_IDLE: Span = Span::from_seconds(3_610);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_timer_ends_within_its_range() {
        let idle = |seconds| is_idle_time(Span::from_seconds(seconds));
        assert!(idle(290) && idle(305) && idle(3_610));
        assert!(!idle(289) && !idle(3_611) && !idle(7_200));
    }
}
