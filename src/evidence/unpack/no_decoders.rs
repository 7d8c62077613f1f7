//! Built without the feature `compression`: nothing is unpacked, and the file is reported as not read.

use super::Packing;
use std::io::{self, Read};

/// Fails at the first read.
pub(super) fn decoder<'r>(_packing: Packing, _source: impl Read + 'r) -> Box<dyn Read + 'r> {
    Box::new(Refusing)
}

struct Refusing;

impl Read for Refusing {
    fn read(&mut self, _room: &mut [u8]) -> io::Result<usize> {
        let text = "plainsight was built without the feature `compression`";
        Err(io::Error::new(io::ErrorKind::Unsupported, text))
    }
}

#[cfg(test)]
mod tests {
    use crate::evidence::{
        FileProblem, Packing, PackingFault, ProblemCode, ProblemKind, Unpacking,
    };
    use std::io::Read as _;

    #[test]
    fn a_compressed_file_is_named_and_not_read() {
        let mut unpacking = Unpacking::new(Packing::Gzip, &[0x1f, 0x8b, 8][..]);
        assert_eq!(unpacking.read(&mut [0; 16]).unwrap(), 0);
        let problem = unpacking.into_failure().unwrap();
        assert_eq!((problem.code(), problem.offset), (ProblemCode::UnsupportedFormat, Some(0)));
        let ProblemKind::File(FileProblem::Packed(_, PackingFault::Unsupported(error))) =
            problem.kind
        else {
            panic!("another problem");
        };
        assert!(error.contains("`compression`"), "{error}");
    }
}
