//! The batches of one capture on their way from the reader to the observer, in file order.
//!
//! A batch is in the line as it was read. Who has nothing better to do takes one, dissects it and puts
//! it back in its place; what comes to the front as it was read is dissected by the observer. So no thread
//! waits for another while there is work, however the work is shared out between reading, dissecting and
//! observing.

use crate::protection::NamedPorts;
use crate::summary::Batch;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The line of one capture.
pub(super) struct Line<'n> {
    named: &'n NamedPorts,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    places: VecDeque<Place>,
    /// How many have left at the front.
    gone: u64,
    /// Nobody adds any more, or nobody takes.
    ended: bool,
    /// Helpers that were asked for and have not ended.
    asked: usize,
    /// Batches to be filled again.
    spare: Vec<Batch>,
}

enum Place {
    Read(Batch),
    /// Someone dissects it.
    Taken,
    Dissected(Batch),
}

/// Ends a line when its holder ends, however that happens.
pub(super) struct Ends<'l, 'n>(pub(super) &'l Line<'n>);

impl Drop for Ends<'_, '_> {
    fn drop(&mut self) {
        self.0.state().ended = true;
        self.0.changed.notify_all();
    }
}

impl<'n> Line<'n> {
    pub(super) fn new(named: &'n NamedPorts) -> Self {
        Self { named, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Adds a batch at the end, when there is room; then dissects as long as the observer has enough to
    /// do. Gives an empty one.
    pub(super) fn add(&self, batch: Batch) -> Batch {
        let mut state = self.state();
        if state.places.len() >= LONGEST {
            let is_full = |state: &mut State| state.places.len() > LONGEST / 2 && !state.ended;
            let waited = self.changed.wait_while(state, is_full);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if state.ended {
            return batch;
        }
        state.places.push_back(Place::Read(batch));
        let next = state.spare.pop().unwrap_or_default();
        drop(state);
        self.changed.notify_all();
        loop {
            let state = self.state();
            if state.places.len() <= ENOUGH || !self.dissect_one(state) {
                return next;
            }
        }
    }

    /// Whether another of so many helpers may be asked for; [`Self::help`] is then required.
    pub(super) fn may_ask(&self, helpers: usize) -> bool {
        let mut state = self.state();
        let may = state.asked < helpers.min(LONGEST);
        state.asked += usize::from(may);
        may
    }

    /// Dissects as long as there is something to dissect.
    pub(super) fn help(&self) {
        while self.dissect_one(self.state()) {}
        self.state().asked -= 1;
    }

    /// Dissects the last batch that is not, if there is one.
    fn dissect_one(&self, mut state: MutexGuard<'_, State>) -> bool {
        let is_read = |place: &Place| matches!(place, Place::Read(_));
        let Some(at) = state.places.iter().rposition(is_read) else { return false };
        let Some(place) = state.places.get_mut(at) else { return false };
        let Place::Read(mut batch) = std::mem::replace(place, Place::Taken) else { return false };
        let number = state.gone + at as u64;
        drop(state);
        batch.dissect(self.named);
        let mut state = self.state();
        let at = usize::try_from(number - state.gone).unwrap_or(usize::MAX);
        if let Some(place) = state.places.get_mut(at) {
            *place = Place::Dissected(batch);
        }
        drop(state);
        if at == 0 {
            self.changed.notify_all();
        }
        true
    }

    /// Takes the first batch when it has come; none when there will be none.
    pub(super) fn next(&self) -> Option<Batch> {
        let is_to_wait = |state: &mut State| match state.places.front() {
            Some(Place::Read(_) | Place::Dissected(_)) => false,
            Some(Place::Taken) => true,
            None => !state.ended,
        };
        let state = self.changed.wait_while(self.state(), is_to_wait);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let Some(Place::Read(batch) | Place::Dissected(batch)) = state.places.pop_front() else {
            return None;
        };
        state.gone += 1;
        let is_half = state.places.len() == LONGEST / 2;
        drop(state);
        if is_half {
            self.changed.notify_all();
        }
        Some(batch)
    }

    /// Gives back a batch that was observed.
    pub(super) fn give_back(&self, batch: Batch) {
        self.state().spare.push(batch);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a thread that panicked left here is whole: nothing is half done under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Batches on their way.
const LONGEST: usize = 8;
/// Batches with which the observer has something to do until the next one is read.
const ENOUGH: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn nobody_waits_for_an_observer_that_is_gone() {
        let named = NamedPorts::default();
        let line = Line::new(&named);
        drop(Ends(&line));
        (0..LONGEST * 3).for_each(|_| drop(line.add(Batch::default())));
    }

    #[test]
    fn nobody_waits_for_a_reader_that_is_gone() {
        let named = NamedPorts::default();
        let line = Line::new(&named);
        thread::scope(|scope| {
            let observer = scope.spawn(|| std::iter::from_fn(|| line.next()).count());
            let ends = Ends(&line);
            (0..LONGEST * 3).for_each(|_| drop(line.add(Batch::default())));
            drop(ends);
            assert_eq!(observer.join().unwrap(), LONGEST * 3);
        });
    }

    #[test]
    fn no_more_helpers_are_asked_for_than_there_are() {
        let named = NamedPorts::default();
        let line = Line::new(&named);
        assert!(!line.may_ask(0));
        assert!(line.may_ask(2) && line.may_ask(2) && !line.may_ask(2));
        line.help();
        assert!(line.may_ask(2));
    }
}
