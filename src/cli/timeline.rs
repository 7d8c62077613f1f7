//! A line for each of the worst pairs: when it talked in clear, when under protection.
//!
//! Drawn from the report's windows, so it says no more than their edges do.

use super::glyphs::Glyphs;
use crate::report::schema::{Pair, Report};
use crate::time::{Resolution, Timestamp};
use anstyle::{AnsiColor, Style};
use std::io::{self, Write};

/// The lines of those pairs that talked in clear; `worst` are pairs that must be protected, the worst first.
pub(super) fn tell(
    out: &mut impl Write,
    report: &Report,
    worst: &[&Pair],
    glyphs: Glyphs,
) -> io::Result<()> {
    let shown: Vec<&Pair> =
        worst.iter().filter(|pair| has_window(report, pair)).take(MOST_LINES).copied().collect();
    let all = shown.iter().flat_map(|pair| stretches(report, pair));
    let all: Vec<Stretch> = all.collect();
    let first = all.iter().map(|stretch| stretch.start).min();
    let last = all.iter().map(|stretch| stretch.end).max();
    let (Some(first), Some(last)) = (first, last) else { return Ok(()) };
    let Glyphs { clear, protected, both, nothing, .. } = glyphs;
    let [from, to] = [first, last].map(|time| time.rfc3339(Resolution::MILLISECONDS));
    writeln!(out, "\nOver time, {from} to {to}")?;
    writeln!(out, "{clear} clear, {protected} protected, {both} both, {nothing} neither")?;
    for pair in shown {
        write!(out, "{:<33}  ", format!("{} - {}", pair.a, pair.b))?;
        for cell in cells(&stretches(report, pair), first, last) {
            let (glyph, colour) = match cell {
                (true, true) => (both, Some(AnsiColor::Yellow)),
                (true, false) => (clear, Some(AnsiColor::Red)),
                (false, true) => (protected, Some(AnsiColor::Green)),
                (false, false) => (nothing, None),
            };
            let style = Style::new().fg_color(colour.map(Into::into));
            write!(out, "{style}{glyph}{style:#}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// A window, or a stretch under ESP.
#[derive(Clone, Copy)]
struct Stretch {
    start: Timestamp,
    end: Timestamp,
    is_clear: bool,
    is_protected: bool,
}

fn has_window(report: &Report, pair: &Pair) -> bool {
    report.windows.iter().any(|window| window.a == pair.a && window.b == pair.b)
}

fn stretches(report: &Report, pair: &Pair) -> Vec<Stretch> {
    let is_its = |a: &str, b: &str| a == pair.a && b == pair.b;
    let time = |text: &str| Timestamp::from_rfc3339(text);
    let windows = report.windows.iter().filter(|w| is_its(&w.a, &w.b)).filter_map(|w| {
        let (start, end) = (time(&w.start)?, time(&w.end)?);
        Some(Stretch { start, end, is_clear: true, is_protected: w.mixed })
    });
    let protected = report.protected.iter().filter(|p| is_its(&p.a, &p.b)).filter_map(|p| {
        let (start, end) = (time(&p.start)?, time(&p.end)?);
        Some(Stretch { start, end, is_clear: false, is_protected: true })
    });
    windows.chain(protected).collect()
}

/// Whether each part of the time has clear packets, and protected ones.
fn cells(stretches: &[Stretch], first: Timestamp, last: Timestamp) -> [(bool, bool); COLUMNS] {
    let mut cells = [(false, false); COLUMNS];
    let whole = i128::from(last.0) - i128::from(first.0) + 1;
    let column = |time: Timestamp| {
        let since = (i128::from(time.0) - i128::from(first.0)).max(0);
        usize::try_from(since * COLUMNS as i128 / whole).unwrap_or_default().min(COLUMNS - 1)
    };
    for stretch in stretches {
        let (from, to) = (column(stretch.start), column(stretch.end));
        for cell in cells.iter_mut().take(to + 1).skip(from) {
            cell.0 |= stretch.is_clear;
            cell.1 |= stretch.is_protected;
        }
    }
    cells
}

const COLUMNS: usize = 60;
const MOST_LINES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_fills_its_part_of_the_line() {
        let stretch = |start, end, is_clear, is_protected| Stretch {
            start: Timestamp(start),
            end: Timestamp(end),
            is_clear,
            is_protected,
        };
        let some = [stretch(0, 29, false, true), stretch(29, 59, true, false)];
        let cells = cells(&some, Timestamp(0), Timestamp(59));
        assert!(cells[..29].iter().all(|cell| *cell == (false, true)));
        assert_eq!(cells[29], (true, true));
        assert!(cells[30..].iter().all(|cell| *cell == (true, false)));
        let all = super::cells(
            &[stretch(i64::MIN, i64::MAX, true, false)],
            Timestamp(i64::MIN),
            Timestamp(i64::MAX),
        );
        assert!(all.iter().all(|cell| cell.0));
    }
}
