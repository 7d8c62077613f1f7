//! JSON as people and scripts read it: two blanks a level, one line feed at the end.

use super::FormatError;
use serde::Serialize;

/// A value as indented JSON.
///
/// # Errors
/// Where the value cannot be JSON.
pub fn to_json(value: &impl Serialize) -> Result<Vec<u8>, FormatError> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}
