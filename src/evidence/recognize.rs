//! What a file is, recognized by its first bytes and never by its name.

use super::collection::Archive;
use super::exports;
use super::format::{Format, UNREAD};
use super::unpack::Packing;
use std::io::{self, Read};

impl Format {
    /// Recognizes the format by a file's first bytes; a few thousand are enough.
    #[must_use]
    pub fn recognize(first_bytes: &[u8]) -> Self {
        match first_bytes {
            [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0x34, 0xcd, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0xcd, 0x34, ..]
            | [0xab | 0xac, 0x01, 0x00, 0x1c, ..]
            | [0x1c, 0x00, 0x01, 0xab | 0xac, ..] => Self::Pcap,
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => Self::PcapNg,
            [b's', b'n', b'o', b'o', b'p', 0, 0, 0, ..] => Self::Snoop,
            [b'R', b'T', b'S', b'S', ..] => Self::NetMon1,
            [b'G', b'M', b'B', b'U', ..] => Self::NetMon2,
            // With the header of a file, or chunks alone as they are found in images and memory.
            [b'E', b'l', b'f', b'F', b'i', b'l', b'e', 0, ..]
            | [b'E', b'l', b'f', b'C', b'h', b'n', b'k', 0, ..] => Self::Evtx,
            [_, _, _, _, b'L', b'f', b'L', b'e', ..] => Self::Evt,
            _ if is_event_trace(first_bytes) => Self::EventTrace,
            _ => Packing::recognize(first_bytes)
                .map(Self::Packed)
                .or_else(|| Archive::recognize(first_bytes).map(Self::Collection))
                .or_else(|| Self::unread(first_bytes))
                .or_else(|| exports::recognize_export(first_bytes))
                .unwrap_or_else(|| if is_text(first_bytes) { Self::Text } else { Self::Unknown }),
        }
    }

    fn unread(first_bytes: &[u8]) -> Option<Self> {
        UNREAD.iter().find(|row| first_bytes.starts_with(row.0)).map(|row| Self::Unread(row.1))
    }
}

/// Printable characters of UTF-8, or a byte order mark of UTF-16.
fn is_text(bytes: &[u8]) -> bool {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return true;
    }
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // The peeked bytes may end inside a character.
        Err(error) if error.error_len().is_none() => {
            let (head, _) = bytes.split_at(error.valid_up_to());
            std::str::from_utf8(head).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !valid.is_empty() && valid.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

/// An event trace has no magic number. It begins with a buffer's header of 72 bytes that says it is the first
/// (type 4), then a record of the system, group 0 and type 0, with at least 272 bytes that describe the trace. The
/// size of buffers in the first field and in that record differ in traces that pktmon wrote.
fn is_event_trace(bytes: &[u8]) -> bool {
    let at = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    let is_first = matches!(at(54), Some([4, 0, ..]));
    let is_marked = matches!(at(72), Some([1 | 2, 0, 1 | 2, 0xc0]));
    let Some([low, high, 0, 0]) = at(76) else { return false };
    let length = u16::from_le_bytes([*low, *high]);
    let buffer = at(0).map_or(0, |size| u32::from_le_bytes(*size));
    is_first && is_marked && length >= 32 + 272 && buffer >= 72 + u32::from(length)
}

/// The first bytes of a stream, as many as [`Format::recognize`] needs.
///
/// # Errors
///
/// Where the stream cannot be read.
pub fn peek(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut first_bytes = Vec::with_capacity(PEEK);
    reader.take(PEEK as u64).read_to_end(&mut first_bytes)?;
    Ok(first_bytes)
}

/// Bytes at the beginning of a file that are looked at.
pub(super) const PEEK: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_numbers_decide_and_names_do_not() {
        assert_eq!(Format::recognize(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0]), Format::Pcap);
        assert_eq!(Format::recognize(b"ElfFile\0...."), Format::Evtx);
        assert_eq!(Format::recognize(b"\x30\0\0\0LfLe").as_str(), "evt");
        assert_eq!(Format::recognize("Grüße\n".as_bytes()), Format::Text);
        assert_eq!(Format::recognize(&[0x7f, b'E', b'L', b'F']), Format::Unknown);
        assert_eq!(Format::recognize(b"regf\0").as_str(), "registry_hive");
        assert_eq!(Format::recognize(&[]), Format::Unknown);
    }

    #[test]
    fn an_event_trace_is_recognized_by_its_first_event() {
        let mut trace = vec![0; 256];
        for (at, bytes) in
            [(0, [0, 4, 0, 0]), (54, [4, 0, 0, 0]), (72, [2, 0, 2, 0xc0]), (76, [0x90, 1, 0, 0])]
        {
            trace[at..at + 4].copy_from_slice(&bytes);
        }
        assert_eq!(Format::recognize(&trace).as_str(), "etl");
        trace[78] = 1;
        assert_eq!(Format::recognize(&trace), Format::Unknown);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = Format::recognize(&bytes);
        }
    }
}
