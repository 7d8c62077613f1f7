//! Fields of fixed length at a place in octets; numbers are little-endian.

pub(super) fn field<const N: usize>(octets: &[u8], at: usize) -> Option<&[u8; N]> {
    octets.get(at..)?.first_chunk()
}

pub(super) fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    field(octets, at).map(|field| u16::from_le_bytes(*field))
}

pub(super) fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    field(octets, at).map(|field| u32::from_le_bytes(*field))
}
