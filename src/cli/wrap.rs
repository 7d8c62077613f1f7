//! Text that fits the terminal: long lines break between words, and continuation lines are indented like the
//! first.
//!
//! Only on a terminal: files and pipes get the lines unchanged, and so does JSON.

use std::io::{self, Write};
use terminal_size::{Width, terminal_size_of};

/// Breaks lines that are wider than the terminal.
pub(super) struct Wrapped<W> {
    out: W,
    /// Columns; `None` where the output is no terminal.
    width: Option<usize>,
    line: Vec<u8>,
}

/// Standard output, as wide as its terminal.
pub(super) fn standard_output() -> Wrapped<impl Write> {
    let width = terminal_size_of(io::stdout()).map(|(Width(width), _)| width.into());
    Wrapped { out: anstream::stdout().lock(), width, line: Vec::new() }
}

/// Standard error, likewise.
pub(super) fn standard_error() -> Wrapped<impl Write> {
    let width = terminal_size_of(io::stderr()).map(|(Width(width), _)| width.into());
    Wrapped { out: anstream::stderr().lock(), width, line: Vec::new() }
}

impl<W: Write> Write for Wrapped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(width) = self.width else { return self.out.write(bytes) };
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.out.write_all(broken(&String::from_utf8_lossy(&line), width).as_bytes())?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        self.out.write_all(&line)?;
        self.out.flush()
    }
}

/// Breaks a line into lines of at most `width` columns, where its words allow it.
fn broken(line: &str, width: usize) -> String {
    if columns(line) <= width || width < NARROWEST {
        return line.to_owned();
    }
    let indent = indent_of(line).min(width / 2);
    let mut made = String::with_capacity(line.len() + 8);
    let mut at = 0;
    // Blanks belong to the word after them, and are dropped where the line breaks.
    for (number, word) in words(line).enumerate() {
        let wide = columns(word);
        if number > 0 && at + wide > width && at > indent {
            made.push('\n');
            made.push_str(&" ".repeat(indent));
            let word = word.trim_start_matches(' ');
            made.push_str(word);
            at = indent + columns(word);
        } else {
            made.push_str(word);
            at += wide;
        }
    }
    made
}

/// The words of a line, each with the blanks before it.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        let end = rest.get(blanks..)?.find(' ').map_or(rest.len(), |at| blanks + at);
        let (word, behind) = rest.split_at(end);
        rest = behind;
        (!word.is_empty()).then_some(word)
    })
}

/// The column at which the text of a line begins: behind its first columns, or behind its blanks.
fn indent_of(line: &str) -> usize {
    let head: String = line.chars().take(MOST_INDENT).collect();
    let behind = head
        .rmatch_indices("  ")
        .find(|(at, _)| head.get(at + 2..).is_some_and(|rest| !rest.starts_with(' ')));
    match behind {
        Some((at, gap)) => columns(head.get(..at + gap.len()).unwrap_or_default()),
        None => 2,
    }
}

/// The number of columns of a text; colours have none.
fn columns(text: &str) -> usize {
    let mut is_colour = false;
    let shown = text.trim_end_matches('\n').chars().filter(|c| match (is_colour, c) {
        (false, '\u{1b}') => {
            is_colour = true;
            false
        }
        (true, c) => {
            is_colour = !c.is_ascii_alphabetic();
            false
        }
        (false, _) => true,
    });
    shown.count()
}

/// A narrower terminal gets the lines unchanged.
const NARROWEST: usize = 20;
/// Continuation lines are not indented further than this.
const MOST_INDENT: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_keep_their_columns() {
        let line = "F1   high     one two three four five six seven\n";
        let made = broken(line, 30);
        assert_eq!(
            made,
            "F1   high     one two three\n              four five six\n              seven\n"
        );
        assert!(made.lines().all(|line| columns(line) <= 30));
        assert_eq!(
            broken("     Opened by a, and kept open\n", 20),
            "     Opened by a,\n     and kept open\n"
        );
        assert_eq!(broken("short\n", 20), "short\n");
        let long = "a".repeat(50);
        assert_eq!(broken(&format!("x {long}\n"), 20), format!("x {long}\n"));
        assert_eq!(broken("a b c d e f g h i j k l m\n", 10), "a b c d e f g h i j k l m\n");
    }

    #[test]
    fn colours_take_no_columns() {
        let line = "\u{1b}[31mred\u{1b}[0m words\n";
        assert_eq!(columns(line), 9);
        assert_eq!(broken(line, 20), line);
    }

    #[test]
    fn without_a_terminal_nothing_is_changed() {
        let mut wrapped = Wrapped { out: Vec::new(), width: None, line: Vec::new() };
        let line = "word ".repeat(100);
        wrapped.write_all(line.as_bytes()).unwrap();
        wrapped.flush().unwrap();
        assert_eq!(wrapped.out, line.into_bytes());
    }
}
