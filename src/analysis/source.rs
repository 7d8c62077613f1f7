//! A file that shows how far it was read, and a thread that reads it ahead of its parser.

use super::Watch;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// A file. Where it fails or the work is ended, it ends; the failure is kept.
pub(super) struct Watched<'w> {
    file: Box<dyn Read + Send>,
    watch: &'w dyn Watch,
    failure: Option<io::Error>,
}

impl<'w> Watched<'w> {
    pub(super) const fn new(file: Box<dyn Read + Send>, watch: &'w dyn Watch) -> Self {
        Self { file, watch, failure: None }
    }

    /// Shows the whole file to `work`, read ahead by another thread where that is asked for; gives
    /// the error that ended it, if one did.
    pub(super) fn show(
        mut self,
        ahead: bool,
        work: impl FnOnce(&mut dyn Read),
    ) -> Option<io::Error> {
        let left = if ahead { self.show_ahead(work) } else { Some(work) };
        if let Some(work) = left {
            work(&mut self);
        }
        self.failure
    }

    /// Gives the work back where the system grants no thread.
    fn show_ahead<W: FnOnce(&mut dyn Read)>(&mut self, work: W) -> Option<W> {
        let (full, filled) = sync_channel(IN_FLIGHT);
        let (empty, emptied) = sync_channel(IN_FLIGHT);
        thread::scope(|scope| {
            let reading = move || self.fill(&full, &emptied);
            if thread::Builder::new().spawn_scoped(scope, reading).is_err() {
                return Some(work);
            }
            work(&mut Ahead { filled, empty, current: Vec::new(), at: 0 });
            None
        })
    }

    /// Reads until the end, or until nobody listens any more.
    fn fill(&mut self, full: &SyncSender<Vec<u8>>, emptied: &Receiver<Vec<u8>>) {
        loop {
            let mut buffer = emptied.try_recv().unwrap_or_else(|_| vec![0; BUFFER]);
            buffer.resize(BUFFER, 0);
            // `Watched` gives an end where the file gives an error.
            let read = self.read(&mut buffer).unwrap_or(0);
            buffer.truncate(read);
            if read == 0 || full.send(buffer).is_err() {
                return;
            }
        }
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() || self.watch.is_cancelled() {
            return Ok(0);
        }
        loop {
            match self.file.read(room) {
                Ok(read) => {
                    self.watch.advanced(read as u64);
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error);
                    return Ok(0);
                }
            }
        }
    }
}

/// What the other thread has read.
struct Ahead {
    filled: Receiver<Vec<u8>>,
    empty: SyncSender<Vec<u8>>,
    current: Vec<u8>,
    at: usize,
}

impl Read for Ahead {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.at == self.current.len() {
            // The other thread ends where the file does.
            let Ok(next) = self.filled.recv() else { return Ok(0) };
            let used = std::mem::replace(&mut self.current, next);
            let _ = self.empty.try_send(used);
            self.at = 0;
        }
        let rest = self.current.get(self.at..).unwrap_or_default();
        let taken = rest.len().min(room.len());
        if let (Some(room), Some(rest)) = (room.get_mut(..taken), rest.get(..taken)) {
            room.copy_from_slice(rest);
        }
        self.at += taken;
        Ok(taken)
    }
}

/// Of a buffer that goes round between the two threads.
const BUFFER: usize = 256 * 1024;
const IN_FLIGHT: usize = 4;

#[cfg(test)]
mod tests {
    use super::super::Unwatched;
    use super::*;

    /// Gives so many bytes, then fails.
    struct Failing(usize);

    impl Read for Failing {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let read = room.len().min(self.0).min(1000);
            self.0 -= read;
            if read == 0 { Err(io::Error::other("the disk is gone")) } else { Ok(read) }
        }
    }

    #[test]
    fn ahead_or_not_the_same_bytes_come_and_the_failure_is_kept() {
        for ahead in [false, true] {
            let source = Watched::new(Box::new(Failing(1_234_567)), &Unwatched);
            let mut seen = Vec::new();
            let failure = source.show(ahead, |reader| {
                reader.read_to_end(&mut seen).unwrap();
            });
            assert_eq!(seen.len(), 1_234_567);
            assert_eq!(failure.unwrap().to_string(), "the disk is gone");
        }
    }

    #[test]
    fn nobody_waits_for_work_that_ends_early() {
        let source = Watched::new(Box::new(io::repeat(7)), &Unwatched);
        let failure = source.show(true, |reader| {
            reader.read_exact(&mut [0; 10]).unwrap();
        });
        assert!(failure.is_none());
    }
}
