//! JSON as people and scripts read it: two blanks a level, an entry of a list on one line, one line feed at the end.
//!
//! A report is mostly long lists of equal entries; indented throughout, a third of it would be blanks.

use super::FormatError;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;
use std::io::{self, Write};

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
    value.serialize(&mut Serializer::with_formatter(&mut *out, Rows::default()))?;
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

/// Lines and blanks down to the entries of the outermost lists, which are a line each.
#[derive(Default)]
struct Rows {
    /// Objects and lists around what is written.
    depth: usize,
    /// The object or list that was begun last has something in it.
    is_filled: bool,
}

impl Rows {
    fn begin(&mut self, out: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.is_filled = false;
        out.write_all(bracket)
    }

    fn end(&mut self, out: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.depth = self.depth.saturating_sub(1);
        if self.is_filled && self.depth < LINES {
            self.line(out)?;
        }
        self.is_filled = true;
        out.write_all(bracket)
    }

    /// Before a member or an item.
    fn next(&self, out: &mut (impl Write + ?Sized), is_first: bool) -> io::Result<()> {
        if !is_first {
            out.write_all(b",")?;
        }
        if self.depth <= LINES { self.line(out) } else { Ok(()) }
    }

    fn line(&self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        out.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| out.write_all(b"  "))
    }
}

impl Formatter for Rows {
    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"[")
    }

    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"]")
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.next(out, first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.is_filled = true;
        Ok(())
    }

    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"{")
    }

    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"}")
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.next(out, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(if self.depth <= LINES { b": " } else { b":" })
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.is_filled = true;
        Ok(())
    }
}

/// As deep as lines are begun: the value itself, its members, and the entries of these.
const LINES: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn an_entry_of_a_list_is_a_line() {
        let value = json!({
            "options": {"paths": ["a", "b"], "policy": null},
            "windows": [{"id": "W1", "refs": []}, {"id": "W2", "apps": [{"frames": 1}, {}]}],
            "pairs": [],
        });
        let text = String::from_utf8(to_json(&value).unwrap()).unwrap();
        let lines = [
            "{",
            "  \"options\": {",
            "    \"paths\": [\"a\",\"b\"],",
            "    \"policy\": null",
            "  },",
            "  \"windows\": [",
            "    {\"id\":\"W1\",\"refs\":[]},",
            "    {\"id\":\"W2\",\"apps\":[{\"frames\":1},{}]}",
            "  ],",
            "  \"pairs\": []",
            "}",
            "",
        ];
        assert_eq!(text, lines.join("\n"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(keys in proptest::collection::vec("[a-c]{1,2}", 0..6), depth in 0_usize..6) {
            let mut value = json!(null);
            for key in keys {
                for _ in 0..depth {
                    value = json!([value, {}, []]);
                }
                value = json!({ key: value, "n": 1.5, "t": "\u{202e}\"\n" });
            }
            let text = to_json(&value).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), value);
        }
    }
}
