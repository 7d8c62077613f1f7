//! A capture's frames, read, dissected and observed on as many threads as there are.
//!
//! One thread reads and shows where each record begins; one observes, in file order; the others, and
//! whichever of the two is ahead, dissect what lies between them.

use super::Activities;
use super::line::{Ends, Line};
use crate::capture::RawFrame;
use crate::protection::NamedPorts;
use crate::summary::{Batch, CaptureObserver, Dissected};
use std::cell::RefCell;
use std::thread;

/// Observes the frames of a capture, and counts them where that is asked for.
pub(super) struct Observing<'n> {
    pub(super) observer: CaptureObserver<'n>,
    pub(super) activities: Option<Activities>,
}

impl Observing<'_> {
    /// Returns how many frames are best given next.
    fn observe(&mut self, frames: &[Dissected<'_>]) -> usize {
        if let Some(activities) = &mut self.activities {
            frames.iter().for_each(|frame| activities.add(frame.time(), frame.class()));
        }
        self.observer.observe_group(frames)
    }
}

/// Takes the frames of a capture, in file order.
pub(super) enum Shown<'s, 'n> {
    /// Each is dissected and observed at once.
    OneByOne(&'n NamedPorts, RefCell<&'s mut Observing<'n>>),
    /// They are dissected and observed on this thread, with the bytes that they lie in.
    InBatches(&'n NamedPorts, RefCell<(&'s mut Observing<'n>, Batch)>),
    /// They wait in line, with the bytes that they lie in.
    InLine {
        /// The line.
        line: &'s Line<'n>,
        /// The frames whose bytes are still to come.
        batch: RefCell<Batch>,
        /// Asks another thread to dissect.
        ask: &'s dyn Fn(),
    },
}

impl<'s, 'n> Shown<'s, 'n> {
    fn in_batches(named: &'n NamedPorts, observing: &'s mut Observing<'n>) -> Self {
        Self::InBatches(named, RefCell::new((observing, Batch::default())))
    }

    /// Takes the next frame.
    pub(super) fn frame(&self, frame: &RawFrame<'_>) {
        match self {
            Self::OneByOne(named, observing) => {
                let _ = observing.borrow_mut().observe(&[Dissected::of(frame, named)]);
            }
            Self::InBatches(_, held) => held.borrow_mut().1.push(frame),
            Self::InLine { batch, .. } => batch.borrow_mut().push(frame),
        }
    }

    /// Whether frames are shown only when their bytes are handed over.
    pub(super) const fn waits_for_bytes(&self) -> bool {
        match self {
            Self::OneByOne(..) => false,
            Self::InBatches(..) | Self::InLine { .. } => true,
        }
    }

    /// Takes the bytes in which the last frames lie, and where in the file they begin; gives room
    /// for the next.
    pub(super) fn hold(&self, bytes: Vec<u8>, begins_at: u64) -> Vec<u8> {
        match self {
            Self::OneByOne(..) => bytes,
            Self::InBatches(named, held) => {
                let (observing, batch) = &mut *held.borrow_mut();
                batch.hold(bytes, begins_at);
                batch.show(named, |frames| observing.observe(frames));
                batch.clear()
            }
            Self::InLine { line, batch, ask } => {
                let mut full = batch.take();
                full.hold(bytes, begins_at);
                let mut next = line.add(full);
                ask();
                let room = next.clear();
                batch.replace(next);
                room
            }
        }
    }
}

/// Lets `read` show frames to the observer, in order; gives what `read` gives.
///
/// Beside the reader only where the system grants another thread.
pub(super) fn observe<'n, T>(
    observing: &mut Observing<'n>,
    named: &'n NamedPorts,
    way: Way,
    read: impl FnOnce(&Shown<'_, 'n>) -> T,
) -> T {
    match way {
        Way::OneByOne => read(&Shown::OneByOne(named, RefCell::new(observing))),
        Way::InBatches => read(&Shown::in_batches(named, observing)),
        Way::Beside => match observe_beside(observing, named, read) {
            Ok(done) => done,
            Err(read) => read(&Shown::in_batches(named, observing)),
        },
    }
}

/// How frames pass from the reader to the observer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// One by one: the file is held whole, and its bytes are not handed over.
    OneByOne,
    /// With the bytes that they lie in, on one thread.
    InBatches,
    /// Likewise, the observer on a thread of its own.
    Beside,
}

/// Gives `read` back where there is no thread.
fn observe_beside<'n, T, F: FnOnce(&Shown<'_, 'n>) -> T>(
    observing: &mut Observing<'n>,
    named: &'n NamedPorts,
    read: F,
) -> Result<T, F> {
    let line = &Line::new(named);
    thread::scope(|scope| {
        let in_order = move || {
            let _ends = Ends(line);
            while let Some(batch) = line.next() {
                batch.show(named, |frames| observing.observe(frames));
                line.give_back(batch);
            }
        };
        if thread::Builder::new().spawn_scoped(scope, in_order).is_err() {
            return Err(read);
        }
        // Who reads and who observes are two; the others help.
        let others = rayon::current_num_threads().saturating_sub(2);
        Ok(rayon::in_place_scope(|helpers| {
            let _ends = Ends(line);
            let ask = || {
                if line.may_ask(others) {
                    helpers.spawn(|_| line.help());
                }
            };
            read(&Shown::InLine { line, batch: RefCell::default(), ask: &ask })
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::super::reading::frames_of;
    use super::*;
    use crate::capture::HandOver;
    use crate::evidence::{EvidenceId, Format};

    /// A capture of packets of many protocols between a few hosts, some of them cut or no packets.
    fn capture(frames: u32) -> Vec<u8> {
        let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
        bytes.extend([0u32, 0, 65535, 1].map(u32::to_le_bytes).concat());
        let byte = |number: u32| number.to_le_bytes()[0];
        let mut state = 1u32;
        let mut dice = |sides: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % sides
        };
        for number in 0..frames {
            let length = dice(900) + 40;
            let mut packet: Vec<u8> = (0..length).map(|_| byte(dice(256))).collect();
            let [.., high, low] = length.to_be_bytes();
            let protocol = [6, 17, 50, 51, 1, 17, 6, 50][dice(8) as usize];
            let fragment = [0, 0, 0, 0x20, 0x01][dice(5) as usize];
            let host = |host| [10, 0, 0, byte(host)];
            let header = [0x45, 0, high, low, 0, byte(number), fragment, 0, 64, protocol, 0, 0];
            packet[..12].copy_from_slice(&header);
            packet[12..16].copy_from_slice(&host(dice(4)));
            packet[16..20].copy_from_slice(&host(dice(4)));
            packet[20] = byte(dice(2));
            packet[21..24]
                .copy_from_slice(&[[0, 80, 0], [1, 244, 1], [17, 148, 17]][dice(3) as usize]);
            let captured = if dice(20) == 0 { dice(length) } else { length };
            let header = [1_000_000 + number / 100, number, 14 + captured, 14 + length];
            bytes.extend(header.map(u32::to_le_bytes).concat());
            bytes.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
            bytes.extend(&packet[..captured as usize]);
        }
        bytes
    }

    fn observed(file: &[u8], way: Way) -> String {
        let named = NamedPorts::default();
        let observer = CaptureObserver::new(EvidenceId(1), &named);
        let mut observing = Observing { observer, activities: Some(Activities::default()) };
        observe(&mut observing, &named, way, |shown| {
            let in_batches = way != Way::OneByOne;
            assert_eq!(shown.waits_for_bytes(), in_batches);
            let mut hand_over = |bytes, begins_at| shown.hold(bytes, begins_at);
            let asked: Option<&mut HandOver<'_>> =
                if in_batches { Some(&mut hand_over) } else { None };
            let mut visit = |frame: RawFrame<'_>| {
                shown.frame(&frame);
                true
            };
            frames_of(Format::Pcap, &mut &file[..], &mut visit, asked).unwrap();
        });
        format!("{:?}{:?}", observing.observer.finish(), observing.activities)
    }

    #[test]
    fn in_line_a_capture_comes_to_what_it_comes_to_here() {
        let file = capture(20_000);
        let here = observed(&file, Way::OneByOne);
        assert!(observed(&file, Way::InBatches) == here);
        for threads in [1, 2, 3, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert!(pool.install(|| observed(&file, Way::Beside)) == here, "{threads} threads");
        }
    }

    #[test]
    fn a_capture_without_frames_ends() {
        let [one_by_one, in_batches, beside] =
            [Way::OneByOne, Way::InBatches, Way::Beside].map(|way| observed(&capture(0), way));
        assert!(one_by_one == in_batches && in_batches == beside);
    }
}
