//! JSON as people and scripts read it: two blanks a level, one line feed at the end.

use super::FormatError;
use serde::Serialize;
use std::io::Write;

/// A value as indented JSON.
///
/// # Errors
/// Where the value cannot be JSON.
pub fn to_json(value: &impl Serialize) -> Result<Vec<u8>, FormatError> {
    let mut bytes = Vec::new();
    write(value, &mut bytes)?;
    Ok(bytes)
}

/// The same, piece by piece.
pub(super) fn write(value: &impl Serialize, out: &mut dyn Write) -> Result<(), FormatError> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    Ok(out.write_all(b"\n")?)
}

/// Values as JSON lines: one a line, nothing but a line feed between them.
pub(super) fn to_lines<'a, T: Serialize + 'a>(
    values: impl Iterator<Item = &'a T>,
) -> Result<Vec<u8>, FormatError> {
    let mut bytes = Vec::new();
    for value in values {
        serde_json::to_writer(&mut bytes, value)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}
