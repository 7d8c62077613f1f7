//! A line for each of the worst pairs: when it talked in clear, and when under protection.
//!
//! Drawn from the report's windows, so it is as exact as their edges.

use super::glyphs::Glyphs;
use crate::report::schema::{Pair, Report};
use crate::time::{Resolution, Timestamp};
use anstyle::{AnsiColor, Style};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Prints the lines of pairs that talked in clear, or under IPsec that was readable or shown by its header
/// alone; `worst` lists pairs, the worst first.
pub(super) fn print_timelines(
    out: &mut impl Write,
    report: &Report,
    worst: &[&Pair],
    glyphs: Glyphs,
) -> io::Result<()> {
    let with_windows: BTreeSet<(&str, &str)> =
        report.windows.iter().map(|window| (window.a.as_str(), window.b.as_str())).collect();
    let is_listed = |pair: &&&Pair| {
        with_windows.contains(&(pair.a.as_str(), pair.b.as_str()))
            || pair.readable_first_time.is_some()
            || has_doubt(pair)
    };
    let shown: Vec<&Pair> = worst.iter().filter(is_listed).take(MOST_LINES).copied().collect();
    let all = shown.iter().flat_map(|pair| stretches(report, pair));
    let all: Vec<Stretch> = all.collect();
    let first = all.iter().map(|stretch| stretch.start).min();
    let last = all.iter().map(|stretch| stretch.end).max();
    let (Some(first), Some(last)) = (first, last) else { return Ok(()) };
    let Glyphs { clear, protected, both, readable, doubtful, nothing, .. } = glyphs;
    let [from, to] = [first, last].map(|time| time.rfc3339(Resolution::MILLISECONDS));
    writeln!(out, "\nOver time, {from} to {to}")?;
    write!(out, "{clear} clear, {protected} protected, {both} both, ")?;
    let has = |is: fn(Of) -> bool| all.iter().any(|stretch| is(stretch.of));
    if has(|of| of == Of::Readable) {
        write!(out, "{readable} readable (NULL encryption or AH), ")?;
    }
    if has(|of| of == Of::Doubtful) {
        write!(out, "{doubtful} ESP or AH, not corroborated, ")?;
    }
    writeln!(out, "{nothing} neither")?;
    for pair in shown {
        write!(out, "{:<33}  ", format!("{} - {}", pair.a, pair.b))?;
        for cell in cells(&stretches(report, pair), first, last) {
            let (glyph, colour) = match cell.shown() {
                Shown::Both => (both, Some(AnsiColor::Yellow)),
                Shown::Clear => (clear, Some(AnsiColor::Red)),
                Shown::Readable => (readable, Some(AnsiColor::Yellow)),
                Shown::Doubtful => (doubtful, Some(AnsiColor::Yellow)),
                Shown::Protected => (protected, Some(AnsiColor::Green)),
                Shown::Nothing => (nothing, None),
            };
            let style = Style::new().fg_color(colour.map(Into::into));
            write!(out, "{style}{glyph}{style:#}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// A stretch of time in which a pair sent packets of a kind.
#[derive(Clone, Copy)]
struct Stretch {
    start: Timestamp,
    end: Timestamp,
    of: Of,
}

/// The kind of a stretch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Clear,
    /// Clear text among protected packets.
    Mixed,
    /// Under ESP.
    Protected,
    /// ESP of an SA that more than its header shows.
    Sure,
    /// From the first to the last packet of readable ESP or AH.
    Readable,
    /// ESP or AH of an SA that only its header shows.
    Doubtful,
}

/// The kinds of packets in a part of the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is one kind of packet")]
struct Cell {
    clear: bool,
    protected: bool,
    sure: bool,
    readable: bool,
    doubtful: bool,
}

/// What is drawn for it: the worst kind takes precedence.
enum Shown {
    Both,
    Clear,
    Readable,
    Doubtful,
    Protected,
    Nothing,
}

impl Cell {
    const fn shown(self) -> Shown {
        let is_under_ipsec = self.protected || self.readable || self.doubtful || self.sure;
        match (self.clear, is_under_ipsec) {
            (true, true) => Shown::Both,
            (true, false) => Shown::Clear,
            (false, false) => Shown::Nothing,
            (false, true) if self.readable => Shown::Readable,
            (false, true) if self.doubtful && !self.sure => Shown::Doubtful,
            (false, true) => Shown::Protected,
        }
    }

    const fn add(&mut self, of: Of) {
        match of {
            Of::Clear => self.clear = true,
            Of::Mixed => (self.clear, self.protected) = (true, true),
            Of::Protected => self.protected = true,
            Of::Sure => self.sure = true,
            Of::Readable => self.readable = true,
            Of::Doubtful => self.doubtful = true,
        }
    }
}

fn has_doubt(pair: &Pair) -> bool {
    pair.sas.iter().any(|sa| !sa.corroborated)
}

fn stretches(report: &Report, pair: &Pair) -> Vec<Stretch> {
    let is_its = |a: &str, b: &str| a == pair.a && b == pair.b;
    let stretch = |start: &str, end: &str, of: Of| {
        let (start, end) = (Timestamp::from_rfc3339(start)?, Timestamp::from_rfc3339(end)?);
        Some(Stretch { start, end, of })
    };
    let windows = report
        .windows
        .iter()
        .filter(|w| is_its(&w.a, &w.b))
        .filter_map(|w| stretch(&w.start, &w.end, if w.mixed { Of::Mixed } else { Of::Clear }));
    let protected = report.protected.iter().filter(|p| is_its(&p.a, &p.b));
    let protected = protected.filter_map(|p| stretch(&p.start, &p.end, Of::Protected));
    let sas = pair.sas.iter().filter_map(|sa| {
        let of = if sa.corroborated { Of::Sure } else { Of::Doubtful };
        stretch(&sa.first_time, &sa.last_time, of)
    });
    let readable = pair.readable_first_time.as_deref().zip(pair.readable_last_time.as_deref());
    let readable = readable.and_then(|(start, end)| stretch(start, end, Of::Readable));
    // An SA may be idle for hours: where nothing is doubtful, the runs of its packets show it better.
    let sas: Vec<Stretch> = if has_doubt(pair) { sas.collect() } else { Vec::new() };
    windows.chain(protected).chain(sas).chain(readable).collect()
}

/// The kinds of packets in each part of the time.
fn cells(stretches: &[Stretch], first: Timestamp, last: Timestamp) -> [Cell; COLUMNS] {
    let mut cells = [Cell::default(); COLUMNS];
    let whole = i128::from(last.0) - i128::from(first.0) + 1;
    let column = |time: Timestamp| {
        let since = (i128::from(time.0) - i128::from(first.0)).max(0);
        usize::try_from(since * COLUMNS as i128 / whole).unwrap_or_default().min(COLUMNS - 1)
    };
    for stretch in stretches {
        let (from, to) = (column(stretch.start), column(stretch.end));
        cells.iter_mut().take(to + 1).skip(from).for_each(|cell| cell.add(stretch.of));
    }
    cells
}

const COLUMNS: usize = 60;
const MOST_LINES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(start: i64, end: i64, of: Of) -> Stretch {
        Stretch { start: Timestamp(start), end: Timestamp(end), of }
    }

    #[test]
    fn a_stretch_fills_its_part_of_the_line() {
        let some = [stretch(0, 29, Of::Protected), stretch(29, 59, Of::Clear)];
        let cells = cells(&some, Timestamp(0), Timestamp(59));
        assert!(cells[..29].iter().all(|cell| cell.protected && !cell.clear));
        assert!(cells[29].protected && cells[29].clear);
        assert!(cells[30..].iter().all(|cell| cell.clear && !cell.protected));
        let all = super::cells(
            &[stretch(i64::MIN, i64::MAX, Of::Clear)],
            Timestamp(i64::MIN),
            Timestamp(i64::MAX),
        );
        assert!(all.iter().all(|cell| cell.clear));
    }

    #[test]
    fn readable_and_doubtful_esp_look_unlike_protection() {
        let cell = |of: &[Of]| {
            let mut cell = Cell::default();
            of.iter().for_each(|of| cell.add(*of));
            cell.shown()
        };
        assert!(matches!(cell(&[Of::Protected, Of::Readable]), Shown::Readable));
        assert!(matches!(cell(&[Of::Protected, Of::Doubtful]), Shown::Doubtful));
        assert!(matches!(cell(&[Of::Protected, Of::Doubtful, Of::Sure]), Shown::Protected));
        assert!(matches!(cell(&[Of::Clear, Of::Doubtful]), Shown::Both));
        assert!(matches!(cell(&[Of::Mixed]), Shown::Both));
        assert!(matches!(cell(&[]), Shown::Nothing));
    }
}
