//! Archives, recognized by their first bytes.

use serde::{Deserialize, Serialize};

/// The formats of archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Archive {
    /// zip, with the extensions for large files.
    Zip,
    /// tar.
    Tar,
    /// 7-Zip's format.
    SevenZ,
    /// A cabinet of Windows.
    Cab,
}

impl Archive {
    /// Its name, as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::SevenZ => "7z",
            Self::Cab => "cab",
        }
    }

    /// Recognizes an archive by a file's first bytes.
    pub(in crate::evidence) fn recognize(first_bytes: &[u8]) -> Option<Self> {
        if first_bytes.starts_with(b"PK\x03\x04") || first_bytes.starts_with(b"PK\x05\x06") {
            return Some(Self::Zip);
        }
        if first_bytes.starts_with(b"7z\xbc\xaf\x27\x1c") {
            return Some(Self::SevenZ);
        }
        if first_bytes.starts_with(b"MSCF\0\0\0\0") {
            return Some(Self::Cab);
        }
        (first_bytes.get(257..262) == Some(b"ustar")).then_some(Self::Tar)
    }
}
