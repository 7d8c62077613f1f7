//! Whether a file with several computer names is the log of one computer that was renamed.
//!
//! Proof is one log file of Windows (.evtx, .evt) whose record numbers go on under the next name without a gap, in
//! the order of time, where these numbers are the records' own; a name that only gains or loses its domain may leave a gap. Exports prove nothing: two
//! computers in one export may have numbers that touch.

use crate::time::Timestamp;
use std::collections::BTreeMap;

/// Records of one source that follow each other in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    /// The place of the source.
    source: usize,
    first: u64,
    last: u64,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

/// The stretches of a file, in its order.
#[derive(Debug, Default)]
pub(super) struct Stretches {
    all: Vec<Stretch>,
    /// There are more than are kept.
    is_full: bool,
}

impl Stretches {
    pub(super) fn add(&mut self, source: usize, number: u64, time: Option<Timestamp>) {
        if let Some(last) = self.all.last_mut()
            && last.source == source
            && last.last < number
        {
            last.last = number;
            last.start = last.start.or(time);
            last.end = time.or(last.end);
        } else if self.all.len() < MOST_STRETCHES {
            let (start, end) = (time, time);
            self.all.push(Stretch { source, first: number, last: number, start, end });
        } else {
            self.is_full = true;
        }
    }

    /// Each name that a computer took, and the one before, by the places of their sources;
    /// `None` where the file is not the log of one computer.
    pub(super) fn renames(&self, names: &[&str]) -> Option<BTreeMap<usize, usize>> {
        let mut order = self.all.clone();
        order.sort_by_key(|stretch| (stretch.first, stretch.last));
        let mut renames = BTreeMap::new();
        for (before, after) in order.iter().zip(order.iter().skip(1)) {
            if before.source == after.source {
                continue;
            }
            let (old, new) = (names.get(before.source)?, names.get(after.source)?);
            let goes_on = before.last.checked_add(1) == Some(after.first);
            let is_later = before.end.zip(after.start).is_none_or(|(end, start)| end <= start);
            let is_named = !old.is_empty() && !new.is_empty();
            let is_proven = goes_on || gains_its_domain(old, new) && before.last < after.first;
            if self.is_full || !is_named || !is_later || !is_proven {
                return None;
            }
            // A name that comes back is how a collector's file looks, too.
            let is_first = order.first().is_some_and(|first| first.source == after.source);
            if is_first || renames.insert(after.source, before.source).is_some() {
                return None;
            }
        }
        Some(renames)
    }
}

/// Whether two names differ by their domain alone, which one of them does not have.
fn gains_its_domain(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    let first = long.split('.').next().unwrap_or_default();
    !short.contains('.') && first.eq_ignore_ascii_case(short)
}

/// A collector's file has one for nearly every record.
const MOST_STRETCHES: usize = 1_024;
