//! The first record of a trace: how its times are counted, and what was lost while it was made.
//!
//! Source: Microsoft, TRACE_LOGFILE_HEADER (evntrace.h).

use crate::capture::fields::{field, u32_at};
use crate::time::Timestamp;

/// What the first record says of the trace.
#[derive(Clone, Debug)]
pub(super) struct TraceHeader {
    /// Windows' build.
    pub(super) build: u32,
    /// Events that the session says it lost.
    pub(super) events_lost: u32,
    /// Buffers that it says it lost.
    pub(super) buffers_lost: u32,
    /// The session had ended when the file was copied.
    pub(super) has_ended: bool,
    /// The newest events take the place of the oldest.
    pub(super) is_circular: bool,
    clock: Clock,
}

/// How a record's time is counted.
#[derive(Clone, Copy, Debug)]
enum Clock {
    /// 100 ns since 1601.
    FileTime,
    /// Ticks of a counter, so many in so many 100 ns, from a moment on.
    Counter { start: u64, first: i64, ticks: u64, hundreds: u64 },
}

impl TraceHeader {
    /// Of the data behind the header of the trace's first record, whose own time is `first`.
    pub(super) fn of(data: &[u8], first: i64) -> Option<Self> {
        let u64_at = |at| field(data, at).map(|field| u64::from_le_bytes(*field));
        // Two pointers, then the time zone of 172 bytes; what follows is aligned to 8.
        let behind = match u32_at(data, 44)? {
            4 => 240,
            8 => 248,
            _ => return None,
        };
        let (frequency, start) = (u64_at(behind + 8)?, u64_at(behind + 16)?);
        let clock = match u32_at(data, behind + 24)? {
            2 => Clock::FileTime,
            // The processor's cycles; its speed is in megahertz.
            3 => Clock::Counter { start, first, ticks: u64::from(u32_at(data, 52)?), hundreds: 10 },
            _ => Clock::Counter { start, first, ticks: frequency, hundreds: 10_000_000 },
        };
        Some(Self {
            build: u32_at(data, 8)?,
            events_lost: u32_at(data, 48)?,
            buffers_lost: u32_at(data, behind + 28)?,
            has_ended: u64_at(16)? != 0 || u32_at(data, 36)? != 0,
            is_circular: u32_at(data, 32)? & CIRCULAR != 0,
            clock,
        })
    }

    /// The moment of a record's time; `None` where it cannot be shown.
    pub(super) fn moment(&self, time: i64) -> Option<Timestamp> {
        match self.clock {
            Clock::FileTime => Timestamp::from_filetime(u64::try_from(time).ok()?),
            Clock::Counter { ticks: 0, .. } => None,
            Clock::Counter { start, first, ticks, hundreds } => {
                let passed = i128::from(time) - i128::from(first);
                let passed = (passed * i128::from(hundreds)).div_euclid(i128::from(ticks));
                let filetime = u64::try_from(i128::from(start) + passed).ok()?;
                Timestamp::from_filetime(filetime)
            }
        }
    }
}

/// EVENT_TRACE_FILE_MODE_CIRCULAR (evntrace.h).
const CIRCULAR: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn header(pointer: u32, kind: u32, frequency: u64, megahertz: u32) -> Vec<u8> {
        let mut data = vec![0; 288];
        let behind = if pointer == 4 { 240 } else { 248 };
        data[44..48].copy_from_slice(&pointer.to_le_bytes());
        data[52..56].copy_from_slice(&megahertz.to_le_bytes());
        data[behind + 8..behind + 16].copy_from_slice(&frequency.to_le_bytes());
        let start = 116_444_736_000_000_000u64 + 10_000_000;
        data[behind + 16..behind + 24].copy_from_slice(&start.to_le_bytes());
        data[behind + 24..behind + 28].copy_from_slice(&kind.to_le_bytes());
        data
    }

    #[test]
    fn every_clock_gives_the_moment() {
        // One second after 1970, and half a second more.
        for (kind, ticks) in [(1, 1_220_722), (3, 1_500_000_000)] {
            let header = TraceHeader::of(&header(8, kind, 2_441_444, 3_000), 7).unwrap();
            assert_eq!(header.moment(7 + ticks), Some(Timestamp(1_500_000_000)), "{kind}");
        }
        let plain = TraceHeader::of(&header(4, 2, 0, 0), 0).unwrap();
        assert_eq!(plain.moment(116_444_736_000_000_001), Some(Timestamp(100)));
        // A frequency of zero shows no time.
        let none = TraceHeader::of(&header(8, 1, 0, 0), 0).unwrap();
        assert_eq!(none.moment(1), None);
    }
}
