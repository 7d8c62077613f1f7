//! Texts and identifiers as they lie in a trace.

/// UTF-16 up to its NUL, cut at a length that no name has, and what is behind it.
pub(super) fn text(bytes: &[u8]) -> (String, &[u8]) {
    let (units, _) = bytes.as_chunks::<2>();
    let length = units.iter().position(|unit| *unit == [0, 0]).unwrap_or(units.len());
    let shown = units.iter().take(length.min(LONGEST_NAME)).map(|unit| u16::from_le_bytes(*unit));
    let text =
        char::decode_utf16(shown).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    (text, bytes.get((length + 1) * 2..).unwrap_or_default())
}

/// A provider's GUID as the report spells it.
pub(super) fn guid(bytes: [u8; 16]) -> String {
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
    let first = u32::from_le_bytes([a, b, c, d]);
    let (second, third) = (u16::from_le_bytes([e, f]), u16::from_le_bytes([g, h]));
    let [i, j, node @ ..] = rest;
    let node: String = node.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{first:08x}-{second:04x}-{third:04x}-{i:02x}{j:02x}-{node}")
}

const LONGEST_NAME: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_spelled_as_windows_spells_them() {
        let bytes = [
            0xd9, 0x80, 0x4f, 0x4d, 0xbd, 0xc8, 0x73, 0x4d, 0xbb, 0x5b, 0x19, 0xc9, 0x04, 0x02,
            0xc5, 0xac,
        ];
        assert_eq!(guid(bytes), "4d4f80d9-c8bd-4d73-bb5b-19c90402c5ac");
    }
}
