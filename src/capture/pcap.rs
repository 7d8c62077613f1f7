//! Classic pcap: micro- and nanoseconds, both byte orders.
//!
//! Headers are read by `pcap-parser`; the stream is ours.

use super::buffer::Buffer;
use super::{CaptureOutline, Clock, Linktype, RawFrame};
use crate::evidence::{FrameNumber, Interface, Position, ProblemCode};
use crate::time::{Resolution, Timestamp};
use pcap_parser::PcapHeader;
use pcap_parser::pcap::{
    LegacyPcapBlock, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header,
};
use std::io::{self, Read};

/// Reads a pcap stream from its first byte and shows `visit` every frame in order.
///
/// # Errors
/// Only what the reader itself answers; defects of the file stand in the outline.
pub fn read<R: Read>(
    reader: R,
    visit: &mut impl FnMut(RawFrame<'_>) -> bool,
) -> io::Result<CaptureOutline> {
    let mut buffer = Buffer::new(reader);
    let mut outline = CaptureOutline::default();
    if !buffer.want(HEADER_LEN)? {
        let text = format!("the file ends inside the pcap header of {HEADER_LEN} bytes");
        outline.problem(ProblemCode::Truncated, 0, Position::File, text);
        return Ok(outline);
    }
    let Ok((_, header)) = parse_pcap_header(buffer.available()) else {
        let text = "the pcap header is not readable".into();
        outline.problem(ProblemCode::Corrupt, 0, Position::File, text);
        return Ok(outline);
    };
    buffer.consume(HEADER_LEN);
    outline.cover("file_header", HEADER_LEN as u64);
    let layout = Layout::of(&header);
    outline.interfaces.push(layout.interface(&header));
    read_frames(&mut buffer, &layout, &mut outline, visit)?;
    Ok(outline)
}

fn read_frames<R: Read>(
    buffer: &mut Buffer<R>,
    layout: &Layout,
    outline: &mut CaptureOutline,
    visit: &mut impl FnMut(RawFrame<'_>) -> bool,
) -> io::Result<()> {
    let mut clock = Clock::new();
    while buffer.want(1)? {
        let offset = buffer.offset();
        let number = outline.frames + 1;
        if !buffer.want(RECORD_HEADER_LEN)? {
            let text = format!("the file ends inside the header of frame {number}");
            outline.problem(ProblemCode::Truncated, offset, Position::Frame(number), text);
            break;
        }
        let captured_len = layout.captured_len(buffer.available());
        if captured_len > layout.max_captured_len {
            let text = format!(
                "frame {number} claims {captured_len} captured bytes where at most {} can be; what follows was not read",
                layout.max_captured_len
            );
            outline.problem(ProblemCode::Corrupt, offset, Position::Frame(number), text);
            break;
        }
        // At most 16 + max_captured_len, far below usize::MAX.
        let record_len = RECORD_HEADER_LEN + captured_len as usize;
        if !buffer.want(record_len)? {
            let text = format!(
                "frame {number} claims {captured_len} captured bytes, {} remain",
                buffer.available().len().saturating_sub(RECORD_HEADER_LEN)
            );
            outline.problem(ProblemCode::Truncated, offset, Position::Frame(number), text);
            break;
        }
        let Some(record) = layout.record(buffer.available()) else { break };
        let time = clock.tell(layout.time(&record), number, offset);
        outline.frames = number;
        let go_on = visit(RawFrame {
            number: FrameNumber(number),
            time,
            linktype: layout.linktype,
            original_len: record.origlen.max(record.caplen),
            interface: 0,
            offset: offset + RECORD_HEADER_LEN as u64,
            data: record.data,
        });
        buffer.consume(record_len);
        outline.cover("frames", record_len as u64);
        if !go_on {
            break;
        }
    }
    clock.report(outline);
    Ok(())
}

/// What the file header says of every record.
struct Layout {
    big_endian: bool,
    nanoseconds: bool,
    linktype: Linktype,
    max_captured_len: u32,
}

impl Layout {
    fn of(header: &PcapHeader) -> Self {
        // The upper bits of the field hold the length of a frame check sequence.
        let linktype = u16::try_from(header.network.0 & 0xffff).unwrap_or(u16::MAX);
        Self {
            big_endian: header.is_bigendian(),
            nanoseconds: header.is_nanosecond_precision(),
            linktype: Linktype(linktype),
            // Segmentation offload yields frames beyond a small snaplen's promise.
            max_captured_len: header.snaplen.clamp(MIN_CAPTURED_LIMIT, MAX_CAPTURED_LIMIT),
        }
    }

    fn interface(&self, header: &PcapHeader) -> Interface {
        let resolution =
            if self.nanoseconds { Resolution::NANOSECONDS } else { Resolution::MICROSECONDS };
        Interface { linktype: self.linktype.0, snaplen: header.snaplen, resolution, name: None }
    }

    fn captured_len(&self, record: &[u8]) -> u32 {
        let field: [u8; 4] = record.get(8..12).and_then(|f| f.try_into().ok()).unwrap_or_default();
        if self.big_endian { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) }
    }

    fn record<'a>(&self, bytes: &'a [u8]) -> Option<LegacyPcapBlock<'a>> {
        let parse = if self.big_endian { parse_pcap_frame_be } else { parse_pcap_frame };
        parse(bytes).ok().map(|(_, record)| record)
    }

    fn time(&self, record: &LegacyPcapBlock<'_>) -> Option<Timestamp> {
        let per_tick = if self.nanoseconds { 1 } else { 1000 };
        let nanoseconds = record.ts_usec.checked_mul(per_tick)?;
        Timestamp::from_seconds(i64::from(record.ts_sec), nanoseconds)
    }
}

const HEADER_LEN: usize = 24;
const RECORD_HEADER_LEN: usize = 16;
/// libpcap's MAXIMUM_SNAPLEN: what a capture may hold whatever its header says.
const MIN_CAPTURED_LIMIT: u32 = 262_144;
/// No link layer that can carry IP has frames beyond this.
const MAX_CAPTURED_LIMIT: u32 = 16 * 1024 * 1024;
