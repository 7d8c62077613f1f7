//! What a file is, told by its first bytes and never by its name.

/// Formats that are known, read or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Classic pcap, micro- or nanoseconds, either byte order.
    Pcap,
    /// pcapng.
    PcapNg,
    /// Windows event log since Vista.
    Evtx,
    /// Windows event log before Vista.
    Evt,
    /// A known format that this version does not read.
    Unread(Unread),
    /// Printable text.
    Text,
    /// No magic number that is known.
    Unknown,
}

/// A format that is recognised only to say what it is and how to make it readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unread {
    /// Its name.
    pub name: &'static str,
    /// What to do with it.
    pub remedy: &'static str,
}

impl Format {
    /// Tells the format by a file's first bytes; a few hundred are enough.
    #[must_use]
    pub fn of(first_bytes: &[u8]) -> Self {
        match first_bytes {
            [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..] => Self::Pcap,
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => Self::PcapNg,
            [b'E', b'l', b'f', b'F', b'i', b'l', b'e', 0, ..] => Self::Evtx,
            [_, _, _, _, b'L', b'f', b'L', b'e', ..] => Self::Evt,
            _ => Self::unread(first_bytes)
                .unwrap_or_else(|| if is_text(first_bytes) { Self::Text } else { Self::Unknown }),
        }
    }

    /// The format as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pcap => "pcap",
            Self::PcapNg => "pcapng",
            Self::Evtx => "evtx",
            Self::Evt => "evt",
            Self::Unread(unread) => unread.name,
            Self::Text => "text",
            Self::Unknown => "unknown",
        }
    }

    fn unread(first_bytes: &[u8]) -> Option<Self> {
        let fits = |row: &&(usize, &[u8], Unread)| {
            first_bytes.get(row.0..).is_some_and(|rest| rest.starts_with(row.1))
        };
        UNREAD.iter().find(fits).map(|row| Self::Unread(row.2))
    }
}

/// Printable characters of UTF-8, or a byte order mark of UTF-16.
fn is_text(bytes: &[u8]) -> bool {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return true;
    }
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // The peek may end inside a character.
        Err(error) if error.error_len().is_none() => {
            let (head, _) = bytes.split_at(error.valid_up_to());
            std::str::from_utf8(head).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !valid.is_empty() && valid.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

/// Offset, magic number, name and remedy.
const UNREAD: &[(usize, &[u8], Unread)] = &[
    (0, &[0x34, 0xcd, 0xb2, 0xa1], modified_pcap()),
    (0, &[0xa1, 0xb2, 0xcd, 0x34], modified_pcap()),
    (0, b"RTSS", Unread { name: "netmon1", remedy: "convert it with `editcap -F pcapng IN OUT`" }),
    (0, b"GMBU", Unread { name: "netmon2", remedy: "convert it with `editcap -F pcapng IN OUT`" }),
    (
        0,
        b"snoop\0\0\0",
        Unread { name: "snoop", remedy: "convert it with `editcap -F pcapng IN OUT`" },
    ),
    (0, &[0x1f, 0x8b], Unread { name: "gzip", remedy: "unpack it with `gunzip -k FILE`" }),
    (0, &[0x28, 0xb5, 0x2f, 0xfd], Unread { name: "zstd", remedy: "unpack it with `unzstd FILE`" }),
    (
        0,
        &[0xfd, b'7', b'z', b'X', b'Z', 0],
        Unread { name: "xz", remedy: "unpack it with `unxz -k FILE`" },
    ),
    (0, &[0x04, 0x22, 0x4d, 0x18], Unread { name: "lz4", remedy: "unpack it with `unlz4 FILE`" }),
    (0, b"BZh", Unread { name: "bzip2", remedy: "unpack it with `bunzip2 -k FILE`" }),
    (0, b"PK\x03\x04", Unread { name: "zip", remedy: "unpack it with `unzip FILE`" }),
];

const fn modified_pcap() -> Unread {
    Unread { name: "modified pcap", remedy: "convert it with `editcap -F pcapng IN OUT`" }
}

/// How many bytes [`Format::of`] wants to see.
pub const PEEK: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_numbers_tell_and_names_do_not() {
        assert_eq!(Format::of(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0]), Format::Pcap);
        assert_eq!(Format::of(b"ElfFile\0...."), Format::Evtx);
        assert_eq!(Format::of(b"\x30\0\0\0LfLe").as_str(), "evt");
        assert_eq!(Format::of("Grüße\n".as_bytes()), Format::Text);
        assert_eq!(Format::of(&[0x7f, b'E', b'L', b'F']), Format::Unknown);
        assert_eq!(Format::of(&[]), Format::Unknown);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = Format::of(&bytes);
        }
    }
}
