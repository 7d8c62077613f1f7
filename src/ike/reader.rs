//! A cursor over a slice that never reads past its end.

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take(2)?.first_chunk().map(|field| u16::from_be_bytes(*field))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4)?.first_chunk().map(|field| u32::from_be_bytes(*field))
    }

    /// A reader over the next `count` octets alone.
    pub(super) fn sub(&mut self, count: usize) -> Option<Self> {
        self.take(count).map(Self)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}
