//! How many packets came when, clear and protected, by what each packet alone shows.
//!
//! For a picture only: what several packets together show (readable ESP, packets shown twice, the policy's
//! exemptions) is not in it. At most a thousand stretches of time, in the end of the same length for
//! any order of the packets.

use crate::protection::ProtectionClass;
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Packets of one stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Without protection.
    pub clear: u64,
    /// Under ESP or AH.
    pub protected: u64,
    /// All others: IKE, exempt, not IP.
    pub other: u64,
}

/// Packets over time: stretches of one length, those without a packet left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activities {
    width: i64,
    stretches: BTreeMap<i64, Activity>,
    /// The stretch of the last packet, which is nearly always that of the next.
    current: (i64, Activity),
}

/// The same, added to by anyone who reads.
#[derive(Debug, Default)]
pub struct SharedActivities(Mutex<Activities>);

impl SharedActivities {
    pub(super) fn join(&self, other: Activities) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).join(other);
    }

    /// What came together.
    #[must_use]
    pub fn into_inner(self) -> Activities {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Activities {
    fn default() -> Self {
        Self { width: FINEST, stretches: BTreeMap::new(), current: (0, Activity::default()) }
    }
}

impl Activities {
    /// How long each stretch is.
    #[must_use]
    pub const fn width(&self) -> Span {
        Span(self.width)
    }

    /// The stretches that have packets, by the moment they begin, in order.
    pub fn stretches(&self) -> impl Iterator<Item = (Timestamp, Activity)> {
        self.stretches
            .iter()
            .map(|(at, reported)| (Timestamp(at.saturating_mul(self.width)), *reported))
    }

    /// Adds a frame by its class as it alone shows.
    pub(super) fn add(&mut self, time: Timestamp, class: ProtectionClass) {
        let at = time.0.div_euclid(self.width);
        if at != self.current.0 {
            self.settle();
            self.current.0 = time.0.div_euclid(self.width);
        }
        let reported = &mut self.current.1;
        let count = match class {
            ProtectionClass::Esp | ProtectionClass::EspNull | ProtectionClass::Ah => {
                &mut reported.protected
            }
            ProtectionClass::Clear => &mut reported.clear,
            ProtectionClass::Ike
            | ProtectionClass::NattKeepalive
            | ProtectionClass::Exempt
            | ProtectionClass::NonIp
            | ProtectionClass::Undecodable => &mut reported.other,
        };
        *count += 1;
    }

    fn settle(&mut self) {
        let (at, reported) = std::mem::take(&mut self.current);
        if reported != Activity::default() {
            self.stretches.entry(at).or_default().join(reported);
            self.coarsen();
        }
    }

    fn join(&mut self, mut other: Self) {
        other.settle();
        while self.width < other.width {
            self.widen();
        }
        while other.width < self.width {
            other.widen();
        }
        for (at, reported) in other.stretches {
            self.stretches.entry(at).or_default().join(reported);
        }
        self.coarsen();
    }

    fn coarsen(&mut self) {
        while let (Some((first, _)), Some((last, _))) =
            (self.stretches.first_key_value(), self.stretches.last_key_value())
            && last.saturating_sub(*first) >= MOST
        {
            self.widen();
        }
    }

    fn widen(&mut self) {
        self.width = self.width.saturating_mul(WIDER);
        let finer = std::mem::take(&mut self.stretches);
        for (at, reported) in finer {
            self.stretches.entry(at.div_euclid(WIDER)).or_default().join(reported);
        }
    }
}

impl Activity {
    const fn join(&mut self, other: Self) {
        self.clear += other.clear;
        self.protected += other.protected;
        self.other += other.other;
    }
}

/// A millisecond.
const FINEST: i64 = 1_000_000;
const WIDER: i64 = 10;
/// From the first stretch to the last.
const MOST: i64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(times: &[i64]) -> Activities {
        let mut seen = Activities::default();
        times.iter().for_each(|time| seen.add(Timestamp(*time), ProtectionClass::NonIp));
        seen.settle();
        seen
    }

    proptest! {
        #[test]
        fn order_and_parts_change_nothing(
            times in proptest::collection::vec(any::<i64>(), 0..60),
            close in proptest::collection::vec(0i64..5_000_000_000, 0..60),
            cut in 0usize..60,
        ) {
            for times in [&times, &close] {
                let whole = seen(times);
                let mut reversed = times.clone();
                reversed.reverse();
                prop_assert_eq!(&seen(&reversed), &whole);
                let (one, other) = times.split_at(cut.min(times.len()));
                let mut joined = seen(other);
                joined.join(seen(one));
                prop_assert_eq!(&joined, &whole);
                let count: u64 = whole.stretches().map(|(_, reported)| reported.other).sum();
                prop_assert_eq!(count, times.len() as u64);
                prop_assert!(whole.stretches.len() <= 1_000);
            }
        }
    }
}
