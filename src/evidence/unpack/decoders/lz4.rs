//! LZ4 frames, one after the other.
//!
//! The decoder cannot distinguish a file that was cut between two blocks from a complete one. A complete frame
//! ends with a length of zero, and perhaps a checksum behind it; so the last bytes decide.

use lz4_flex::frame::FrameDecoder;
use std::io::{self, Read};

/// The content of a file of LZ4 frames.
pub(super) struct Frames<R: Read> {
    decoder: FrameDecoder<Tail<R>>,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(source: R) -> Self {
        Self { decoder: FrameDecoder::new(Tail { source, last: [0xff; 8], ended: false }) }
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if room.is_empty() {
            return Ok(0);
        }
        loop {
            let read = self.decoder.read(room)?;
            if read > 0 {
                return Ok(read);
            }
            // The end of a frame; the next call checks whether another one begins.
            let tail = self.decoder.get_ref();
            if tail.ended {
                return if tail.is_end_of_frame() { Ok(0) } else { Err(cut()) };
            }
        }
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "a frame has no end")
}

/// A stream that remembers its last bytes.
struct Tail<R> {
    source: R,
    last: [u8; 8],
    ended: bool,
}

impl<R> Tail<R> {
    fn is_end_of_frame(&self) -> bool {
        let [a, b, c, d, e, f, g, h] = self.last;
        [a, b, c, d] == [0; 4] || [e, f, g, h] == [0; 4]
    }
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(room)?;
        self.ended = read == 0 && !room.is_empty();
        let new = room.get(..read).unwrap_or_default();
        if let Some(last) = new.last_chunk() {
            self.last = *last;
        } else {
            for byte in new {
                self.last.rotate_left(1);
                self.last[7] = *byte;
            }
        }
        Ok(read)
    }
}
