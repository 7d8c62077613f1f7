//! Classic pcap and its kin: micro- and nanoseconds, "modified" headers, IXIA, Nokia; both byte orders.
//!
//! Lengths of records are believed only as far as a capture can hold them. Where a magic number
//! means several layouts, the first records show which one it is.

use super::buffer::Buffer;
use super::{CaptureOutline, Clock, Linktype, MAX_CAPTURED_LIMIT, RawFrame, SeenAt};
use crate::evidence::{CaptureProblem, Extent, FrameFault, FrameNumber, Interface, Position};
use crate::time::{Resolution, Timestamp};
use std::io::{self, Read};

/// Reads a pcap stream from its first byte and shows `visit` every frame in order.
///
/// # Errors
/// Only what the reader itself answers; defects of the file are in the outline.
pub fn read<R: Read>(
    reader: R,
    visit: &mut impl FnMut(RawFrame<'_>) -> bool,
) -> io::Result<CaptureOutline> {
    read_from(&mut Buffer::new(reader), visit)
}

/// The same out of a buffer.
///
/// # Errors
/// As [`read`].
pub fn read_from<R: Read>(
    buffer: &mut Buffer<'_, R>,
    visit: &mut impl FnMut(RawFrame<'_>) -> bool,
) -> io::Result<CaptureOutline> {
    let mut outline = CaptureOutline::default();
    if !buffer.want(HEADER_LEN)? {
        outline.problem(CaptureProblem::HeaderCut(HEADER_LEN as u64), 0, Position::File);
        return Ok(outline);
    }
    let Some(layout) = Layout::of(buffer.available()) else {
        outline.problem(CaptureProblem::HeaderUnreadable, 0, Position::File);
        return Ok(outline);
    };
    if !buffer.want(layout.file_header)? {
        let kind = CaptureProblem::HeaderCut(layout.file_header as u64);
        outline.problem(kind, 0, Position::File);
        return Ok(outline);
    }
    let mut reading = Reading::new(buffer, layout, outline);
    reading.begin()?;
    reading.frames(visit)?;
    Ok(reading.finish())
}

/// A stream while it is read, behind its first file header's magic number.
struct Reading<'b, 'h, R> {
    buffer: &'b mut Buffer<'h, R>,
    layout: Layout,
    outline: CaptureOutline,
    clock: Clock,
    frames: Extent,
    /// The seconds of the record before.
    last: Option<u32>,
    /// The place of what the header in force says among the interfaces.
    interface: u32,
    /// The stream was seen to end within what a search looks at.
    ends: bool,
}

/// What was brought to hand.
enum Brought {
    /// A record, whole.
    Record(Record),
    /// Something that was passed over: reading goes on at the position of the buffer.
    Passed,
    /// There is nothing more that could be read.
    End,
}

/// What an odd record turned out to be.
enum Odd {
    /// A record like others.
    Record,
    /// Something that was passed over: reading goes on at the position of the buffer.
    Passed,
    /// The last thing that could be read.
    End,
}

impl<'b, 'h, R: Read> Reading<'b, 'h, R> {
    fn new(buffer: &'b mut Buffer<'h, R>, layout: Layout, outline: CaptureOutline) -> Self {
        let (clock, frames) = (Clock::new(), Extent::default());
        Self { buffer, layout, outline, clock, frames, last: None, interface: 0, ends: false }
    }

    /// Passes over the file header and settles what the first records show of the layout.
    fn begin(&mut self) -> io::Result<()> {
        self.buffer.consume(self.layout.file_header);
        self.outline.cover("file_header", self.layout.file_header as u64);
        let ends = !self.buffer.want(TRIED)?;
        self.layout.settle(self.buffer.available(), ends);
        let described = self.layout.interface();
        let known = self.outline.interfaces.iter().position(|known| *known == described);
        let place = known.unwrap_or(self.outline.interfaces.len());
        if known.is_none() && place < MOST_INTERFACES {
            self.outline.interfaces.push(described);
        }
        self.interface = u32::try_from(place).unwrap_or(u32::MAX);
        Ok(())
    }

    fn frames(&mut self, visit: &mut impl FnMut(RawFrame<'_>) -> bool) -> io::Result<()> {
        loop {
            let number = self.outline.frames + 1;
            let record = match self.at_hand() {
                Some(record) => record,
                None => match self.bring(number)? {
                    Brought::Record(record) => record,
                    Brought::Passed => continue,
                    Brought::End => break,
                },
            };
            // At most a header and max_captured_len, far below usize::MAX.
            let header_len = self.layout.record_header;
            let record_len = header_len + record.captured_len as usize;
            let offset = self.buffer.offset();
            let data = self.buffer.available().get(header_len..record_len).unwrap_or_default();
            self.last = Some(record.seconds);
            self.outline.frames = number;
            let go_on = visit(RawFrame {
                number: FrameNumber(number),
                time: self.clock.place(self.layout.time(&record), number, offset),
                linktype: self.layout.linktype,
                original_len: record.original_len.max(record.captured_len),
                interface: self.interface,
                description: self.interface,
                offset: offset + header_len as u64,
                seen_at: SeenAt::Wire,
                data,
            });
            self.buffer.consume(record_len);
            self.frames.add(record_len as u64, 1);
            if !go_on {
                break;
            }
        }
        Ok(())
    }

    /// The next record, where all of it is at hand and it is like others: nearly every one.
    #[inline]
    fn at_hand(&self) -> Option<Record> {
        let available = self.buffer.available();
        let record = self.layout.record(available)?;
        let record_len = self.layout.record_header + record.captured_len as usize;
        let is_usual = available.len() >= record_len && !self.layout.is_odd(&record, self.last);
        is_usual.then_some(record)
    }

    /// Brings the next record to hand, whatever it is like.
    #[inline(never)]
    fn bring(&mut self, number: u64) -> io::Result<Brought> {
        if !self.buffer.want(1)? {
            return Ok(Brought::End);
        }
        let offset = self.buffer.offset();
        let header_len = self.layout.record_header;
        let at_hand = self.buffer.want(header_len)?;
        let record = self.layout.record(self.buffer.available());
        let Some(record) = record.filter(|_| at_hand) else {
            self.problem(CaptureProblem::FrameHeaderCut, offset, number);
            return Ok(Brought::End);
        };
        if self.layout.is_odd(&record, self.last) {
            match self.look_closer(&record, number)? {
                Odd::Record => {}
                Odd::Passed => return Ok(Brought::Passed),
                Odd::End => return Ok(Brought::End),
            }
        }
        if !self.buffer.want(header_len + record.captured_len as usize)? {
            return match self.beyond_the_end(&record, number)? {
                Odd::Passed => Ok(Brought::Passed),
                Odd::Record | Odd::End => Ok(Brought::End),
            };
        }
        Ok(Brought::Record(record))
    }

    /// A record that differs from those before it by more than captures do.
    #[cold]
    fn look_closer(&mut self, record: &Record, number: u64) -> io::Result<Odd> {
        if self.joined(number)? {
            return Ok(Odd::Passed);
        }
        let most = self.layout.max_captured_len;
        let fault = if record.captured_len > most {
            FrameFault::TooLong { claimed: record.captured_len, most }
        } else if record.exceeds_original() && !self.leads_to_another(record)? {
            FrameFault::NothingFollows { claimed: record.captured_len, wire: record.original_len }
        } else {
            return Ok(Odd::Record);
        };
        self.pass_over(number, fault)
    }

    /// Whether behind the record another one begins that can be believed, or the file ends there.
    fn leads_to_another(&mut self, record: &Record) -> io::Result<bool> {
        let behind = self.layout.record_header + record.captured_len as usize;
        let next_len = behind + self.layout.record_header;
        let is_there = self.buffer.want(next_len)?;
        let rest = self.buffer.available().get(behind..);
        Ok(rest.is_some_and(|rest| {
            (rest.is_empty() && !is_there)
                || self.layout.record(rest).is_some_and(|next| self.layout.is_believable(&next))
        }))
    }

    /// A record that claims more than there is: the file was cut, or its header is damaged.
    #[cold]
    fn beyond_the_end(&mut self, record: &Record, number: u64) -> io::Result<Odd> {
        let remain = self.buffer.available().len().saturating_sub(self.layout.record_header);
        let fault = FrameFault::Cut { claimed: record.captured_len, remain: remain as u64 };
        self.pass_over(number, fault)
    }

    /// Looks for the next record that can be believed; where there is none, the file ends here.
    fn pass_over(&mut self, number: u64, fault: FrameFault) -> io::Result<Odd> {
        let offset = self.buffer.offset();
        let found = self.find_record()?;
        let at = self.buffer.offset();
        let Some(()) = found else {
            self.problem(CaptureProblem::Frame(fault), offset, number);
            return Ok(Odd::End);
        };
        let passed = at - offset;
        self.outline.cover("skipped", passed);
        let kind = CaptureProblem::FrameSkipped { fault, bytes: passed, next: at };
        self.problem(kind, offset, number);
        Ok(Odd::Passed)
    }

    /// Brings the buffer to the next place at which a record or a file header can be believed. Each
    /// byte is looked at once.
    fn find_record(&mut self) -> io::Result<Option<()>> {
        self.buffer.consume(1);
        loop {
            self.ends = self.ends || !self.buffer.want(TRIED)?;
            let bytes = self.buffer.available();
            // What reaches out of sight is looked at again with what follows.
            let tried = if self.ends { bytes.len() } else { TRIED / 2 };
            let found = (0..tried).find(|at| {
                let rest = bytes.get(*at..).unwrap_or_default();
                self.layout.begins_here(rest, self.ends, self.last) || is_file_header(rest)
            });
            self.buffer.consume(found.unwrap_or(tried));
            if found.is_some() || self.ends {
                return Ok(found.map(|_| ()));
            }
        }
    }

    /// Goes on with another file that begins here: captures that were joined byte by byte.
    fn joined(&mut self, number: u64) -> io::Result<bool> {
        let offset = self.buffer.offset();
        self.buffer.want(LONGEST_HEADER)?;
        let bytes = self.buffer.available();
        let next = Layout::of(bytes)
            .filter(|next| is_file_header(bytes) && bytes.len() >= next.file_header);
        let Some(next) = next else { return Ok(false) };
        self.layout = next;
        self.begin()?;
        self.last = None;
        self.problem(CaptureProblem::Joined, offset, number);
        Ok(true)
    }

    fn problem(&mut self, kind: CaptureProblem, offset: u64, number: u64) {
        self.outline.problem(kind, offset, Position::Frame(number));
    }

    fn finish(mut self) -> CaptureOutline {
        self.clock.report(&mut self.outline);
        if self.frames.records > 0 {
            self.outline.coverage.insert("frames", self.frames);
        }
        self.outline
    }
}

/// Whether a file header begins here: a magic number, and version 2 with a minor number that was in use.
fn is_file_header(bytes: &[u8]) -> bool {
    let Some(layout) = Layout::of(bytes) else { return false };
    let version = |at: usize| {
        let field = bytes.get(at..)?.first_chunk::<2>()?;
        Some(if layout.big_endian {
            u16::from_be_bytes(*field)
        } else {
            u16::from_le_bytes(*field)
        })
    };
    version(4) == Some(2) && version(6).is_some_and(|minor| minor <= 4)
}

/// What a record's header says first, in every layout.
struct Record {
    seconds: u32,
    fraction: u32,
    captured_len: u32,
    original_len: u32,
}

impl Record {
    /// Whether it holds more than there was; zero is a length that was not noted.
    const fn exceeds_original(&self) -> bool {
        self.captured_len > self.original_len && self.original_len != 0
    }
}

/// What the file header says of every record.
struct Layout {
    big_endian: bool,
    nanoseconds: bool,
    linktype: Linktype,
    snaplen: u32,
    max_captured_len: u32,
    file_header: usize,
    /// The lengths that a record's header can have, the likeliest first.
    record_headers: &'static [usize],
    record_header: usize,
}

impl Layout {
    /// The header behind the magic number: version (4), zone (4), accuracy (4), snaplen, linktype.
    fn of(header: &[u8]) -> Option<Self> {
        let magic = u32::from_be_bytes(*header.first_chunk()?);
        let fits = |(kind, big): &(&Kind, bool)| {
            kind.magic == if *big { magic } else { magic.swap_bytes() }
        };
        let both = KINDS.iter().flat_map(|kind| [(kind, true), (kind, false)]);
        let (kind, big_endian) = { both }.find(fits)?;
        let snaplen = word(header, 16, big_endian)?;
        // The upper bits of the field hold the length of a frame check sequence.
        let linktype = u16::try_from(word(header, 20, big_endian)? & 0xffff).ok()?;
        Some(Self {
            big_endian,
            nanoseconds: kind.nanoseconds,
            linktype: Linktype(linktype),
            snaplen,
            // Segmentation offload yields frames beyond a small snaplen's promise.
            max_captured_len: snaplen.clamp(MIN_CAPTURED_LIMIT, MAX_CAPTURED_LIMIT),
            file_header: kind.file_header,
            record_headers: kind.record_headers,
            record_header: *kind.record_headers.first()?,
        })
    }

    /// Chooses among layouts that share a magic number. Only where the likeliest one breaks in the
    /// first records and another one holds is the other believed: a damaged file keeps its format.
    fn settle(&mut self, bytes: &[u8], ends: bool) {
        if self.record_headers.len() == 1 || self.holds(bytes, self.record_header, ends, 0) {
            return;
        }
        let other = |length: &&usize| self.holds(bytes, **length, ends, 2);
        if let Some(length) = self.record_headers.iter().skip(1).find(other) {
            self.record_header = *length;
        }
    }

    /// Whether the first records make sense with headers of that length: at least so many of them,
    /// or all that there are.
    fn holds(&self, bytes: &[u8], header: usize, ends: bool, at_least: usize) -> bool {
        let mut rest = bytes;
        for seen in 0..RECORDS_TRIED {
            if rest.is_empty() && ends {
                return true;
            }
            let Some(record) = self.record(rest).filter(|_| rest.len() >= header) else {
                return seen >= at_least;
            };
            // Zeros are records of nothing in every layout: they prove none.
            let makes_sense =
                self.is_believable(&record) && (at_least == 0 || record.captured_len > 0);
            if !makes_sense {
                return false;
            }
            rest = match rest.get(header + record.captured_len as usize..) {
                Some(rest) => rest,
                None => return seen + 1 >= at_least,
            };
        }
        true
    }

    fn interface(&self) -> Interface {
        let resolution =
            if self.nanoseconds { Resolution::NANOSECONDS } else { Resolution::MICROSECONDS };
        let (linktype, snaplen) = (self.linktype.0, self.snaplen);
        Interface { linktype, snaplen, resolution, name: None }
    }

    #[inline]
    fn record(&self, bytes: &[u8]) -> Option<Record> {
        let fields = *bytes.as_chunks::<4>().0.first_chunk::<4>()?;
        let [seconds, fraction, captured_len, original_len] = if self.big_endian {
            fields.map(u32::from_be_bytes)
        } else {
            fields.map(u32::from_le_bytes)
        };
        Some(Record { seconds, fraction, captured_len, original_len })
    }

    /// Whether a record is looked at more closely: one that cannot be, or that is many years from the one before.
    #[inline]
    fn is_odd(&self, record: &Record, last: Option<u32>) -> bool {
        record.captured_len > self.max_captured_len
            || record.exceeds_original()
            || last.is_none_or(|last| record.seconds.abs_diff(last) > MANY_YEARS)
    }

    /// Whether the header of a record makes sense.
    const fn is_believable(&self, record: &Record) -> bool {
        let fraction = if self.nanoseconds { 1_000_000_000 } else { 1_000_000 };
        record.fraction < fraction
            && record.captured_len <= self.max_captured_len
            && record.captured_len <= record.original_len
            && record.original_len <= MAX_CAPTURED_LIMIT
    }

    /// Whether a record can be believed to begin here, behind damage: it holds something, its time is within a
    /// year of the last, and another one follows, or the end of the file.
    fn begins_here(&self, bytes: &[u8], ends: bool, last: Option<u32>) -> bool {
        self.record(bytes).is_some_and(|record| {
            record.captured_len > 0
                && self.is_believable(&record)
                && last.is_none_or(|last| record.seconds.abs_diff(last) < A_YEAR)
                && self.holds(bytes, self.record_header, ends, 2)
        })
    }

    fn time(&self, record: &Record) -> Option<Timestamp> {
        let per_tick = if self.nanoseconds { 1 } else { 1000 };
        let nanoseconds = record.fraction.checked_mul(per_tick)?;
        Timestamp::from_seconds(i64::from(record.seconds), nanoseconds)
    }
}

fn word(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let field = *bytes.get(at..)?.first_chunk()?;
    Some(if big_endian { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) })
}

/// One magic number and what it means.
struct Kind {
    magic: u32,
    nanoseconds: bool,
    file_header: usize,
    record_headers: &'static [usize],
}

/// Sources: libpcap's savefile format; Wireshark's notes on the variants of pcap.
const KINDS: &[Kind] = &[
    // Nokia's record headers have 4 bytes more, those of patched libpcaps have 8 or 12.
    Kind {
        magic: 0xa1b2_c3d4,
        nanoseconds: false,
        file_header: HEADER_LEN,
        record_headers: &[16, 24, 20, 28],
    },
    Kind { magic: 0xa1b2_3c4d, nanoseconds: true, file_header: HEADER_LEN, record_headers: &[16] },
    // Kuznetzov's patch: interface, protocol and packet type; an earlier one adds 4 bytes.
    Kind {
        magic: 0xa1b2_cd34,
        nanoseconds: false,
        file_header: HEADER_LEN,
        record_headers: &[24, 28],
    },
    // IXIA captured by hardware and by software: the header ends with the length of all records.
    Kind {
        magic: 0x1c00_01ac,
        nanoseconds: true,
        file_header: HEADER_LEN + 4,
        record_headers: &[16],
    },
    Kind {
        magic: 0x1c00_01ab,
        nanoseconds: false,
        file_header: HEADER_LEN + 4,
        record_headers: &[16],
    },
];

const HEADER_LEN: usize = 24;
/// libpcap's MAXIMUM_SNAPLEN: what a capture may hold whatever its header says.
const MIN_CAPTURED_LIMIT: u32 = 262_144;
/// How much of a file and how many records are looked at to show its layout.
const TRIED: usize = 64 * 1024;
const RECORDS_TRIED: usize = 3;
/// IXIA's.
const LONGEST_HEADER: usize = HEADER_LEN + 4;
const A_YEAR: u32 = 366 * 86_400;
const MANY_YEARS: u32 = 5 * A_YEAR;
/// Descriptions of joined files that are kept apart.
const MOST_INTERFACES: usize = 64;
