//! A capture's frames, observed by a thread of their own: that costs as much as to read and dissect
//! them, and is done beside it.

use crate::capture::RawFrame;
use crate::protection::NamedPorts;
use crate::summary::{Batch, CaptureObserver, Dissected};
use std::sync::mpsc::sync_channel;
use std::thread;

/// Lets `read` show frames to the observer, in order; gives what `read` gives.
///
/// With `beside` the observer works on another thread, where the system grants one.
pub(super) fn observe<T>(
    observer: &mut CaptureObserver<'_>,
    named: &NamedPorts,
    beside: bool,
    read: impl FnOnce(&mut dyn FnMut(&RawFrame<'_>)) -> T,
) -> T {
    let read = if beside {
        match observe_beside(observer, named, read) {
            Ok(done) => return done,
            Err(read) => read,
        }
    } else {
        read
    };
    read(&mut |frame| observer.observe(frame))
}

/// Gives `read` back where there is no thread.
fn observe_beside<T, F: FnOnce(&mut dyn FnMut(&RawFrame<'_>)) -> T>(
    observer: &mut CaptureObserver<'_>,
    named: &NamedPorts,
    read: F,
) -> Result<T, F> {
    let (full, filled) = sync_channel::<Batch>(IN_FLIGHT);
    let (empty, emptied) = sync_channel::<Batch>(IN_FLIGHT);
    thread::scope(|scope| {
        let observing = move || {
            for mut batch in filled {
                batch.frames().for_each(|frame| observer.observe_dissected(&frame));
                batch.clear();
                // The other side may have ended, or has batches enough.
                let _ = empty.try_send(batch);
            }
        };
        if thread::Builder::new().spawn_scoped(scope, observing).is_err() {
            return Err(read);
        }
        let mut batch = Batch::default();
        let done = read(&mut |frame| {
            batch.push(&Dissected::of(frame, named));
            if batch.is_full() {
                let next = emptied.try_recv().unwrap_or_default();
                // The observer listens until this side ends.
                let _ = full.send(std::mem::replace(&mut batch, next));
            }
        });
        let _ = full.send(batch);
        drop(full);
        Ok(done)
    })
}

/// Batches on their way; few, so that they are still in a cache when they are observed.
const IN_FLIGHT: usize = 4;
