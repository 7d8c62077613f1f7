//! Why a member of an archive cannot be read.

use std::io;
use zip::CompressionMethod;

/// Why a member of an archive cannot be read, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub(super) enum MemberError {
    #[error("it is encrypted; unpack it with its password, and give the files")]
    Encrypted,
    #[error("its header cannot be read")]
    NoHeader,
    #[error("it is compressed by {0}, which is not read; unpack it, and give the file")]
    Compression(CompressionMethod),
    #[error("its bytes are those of another member")]
    SharedBytes,
    #[error("it is a sparse file of GNU tar, which is not read")]
    SparseFile,
    #[error("too much has to be unpacked before it; unpack the archive, and give the folder")]
    FarBehind,
    #[error("it cannot be unpacked ({0})")]
    Unpacking(io::Error),
    #[error("archives inside archives are read one level deep; unpack it, and give the file")]
    TooDeep,
    #[error("it unpacks to far more than evidence does; unpack it, and give the file")]
    Expansion,
}
