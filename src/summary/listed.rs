//! A list of files that have to be there, as `sha256sum` writes it.

use super::part::Member;
use std::collections::BTreeSet;

/// A file of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its SHA-256, in lower case.
    pub sha256: String,
    /// Its path where the list was made.
    pub path: String,
}

/// A line of a list that names no file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not `SHA-256  PATH`, as sha256sum writes it")]
pub struct NoList {
    /// The line, from 1.
    pub line: usize,
}

impl Listed {
    /// Reads a list: a line a file, its SHA-256 and its path with two spaces, or a space and `*`, between them.
    /// Empty lines and those that begin with `#` say nothing.
    ///
    /// # Errors
    /// Where a line is something else.
    pub fn read(list: &str) -> Result<Vec<Self>, NoList> {
        let lines = list.lines().enumerate().filter(|(_, line)| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#')
        });
        lines.map(|(at, line)| Self::of_line(line).ok_or(NoList { line: at + 1 })).collect()
    }

    /// A name with a line feed, a carriage return or a backslash has a backslash before its line (GNU coreutils, md5sum).
    fn of_line(line: &str) -> Option<Self> {
        let (is_escaped, line) = line.strip_prefix('\\').map_or((false, line), |line| (true, line));
        let (sha256, path) = line.split_at_checked(DIGITS)?;
        let path = path.strip_prefix("  ").or_else(|| path.strip_prefix(" *"))?;
        let is_digest = sha256.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !is_digest || path.is_empty() {
            return None;
        }
        let path = if is_escaped { unescaped(path) } else { path.to_owned() };
        Some(Self { sha256: sha256.to_ascii_lowercase(), path })
    }

    /// Those that none of these files is: each once, whatever its path.
    pub(super) fn missing<'l, 'm>(
        list: &'l [Self],
        there: impl Iterator<Item = &'m Member>,
    ) -> impl Iterator<Item = &'l Self> {
        let mut known: BTreeSet<String> = BTreeSet::new();
        // Of what was read without a digest the path has to do.
        let mut unhashed: BTreeSet<String> = BTreeSet::new();
        for member in there {
            match &member.sha256 {
                Some(sha256) => known.insert(sha256.to_ascii_lowercase()),
                None => unhashed.insert(member.path.clone()),
            };
        }
        list.iter().filter(move |listed| {
            !unhashed.contains(&listed.path) && known.insert(listed.sha256.clone())
        })
    }

    pub(super) fn member(&self) -> Member {
        Member { path: self.path.clone(), size: 0, sha256: Some(self.sha256.clone()) }
    }
}

fn unescaped(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (_, true) => match letters.next() {
                Some('n') => plain.push('\n'),
                Some('r') => plain.push('\r'),
                Some(other) => plain.push(other),
                None => plain.push('\\'),
            },
            (letter, false) => plain.push(letter),
        }
    }
    plain
}

/// Hexadecimal digits of a SHA-256.
const DIGITS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sha256sum_writes_is_read() {
        let digest = "A".repeat(64);
        let list = format!("{digest}  a b.pcap\n\n# note\r\n{digest} *b\n\\{digest}  c\\nd\\\\e\n");
        let paths: Vec<String> =
            Listed::read(&list).unwrap().into_iter().map(|listed| listed.path).collect();
        assert_eq!(paths, ["a b.pcap", "b", "c\nd\\e"]);
        for bad in ["x", "a  b", &digest, &format!("{digest}  "), &format!("{digest}\tb")] {
            assert_eq!(Listed::read(&format!("\n{bad}")), Err(NoList { line: 2 }), "{bad}");
        }
    }
}
