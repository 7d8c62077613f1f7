//! The timeline as a still picture, for paper and for readers without a script. Its template escapes the names.

use super::figures::moment;
use super::timeline::{FileLane, Lane, Timeline, file_name, mark};
use crate::report::moment::nanos;
use crate::time::{Resolution, Timestamp, Zone};
use std::fmt::Write as _;

/// The picture.
pub(super) struct Drawing {
    pub(super) height: usize,
    pub(super) rows: Vec<Row>,
    /// Pairs and files that are not in it.
    pub(super) left_out: usize,
    pub(super) start: String,
    pub(super) end: String,
}

/// A lane: its names and where its marks stand, as paths.
pub(super) struct Row {
    pub(super) y: usize,
    pub(super) name: String,
    pub(super) more: String,
    pub(super) shapes: Vec<(&'static str, String)>,
}

impl Drawing {
    /// `None` where no file shows a time.
    pub(super) fn of(timeline: &Timeline<'_>, zone: Option<&Zone>) -> Option<Self> {
        let scale = Scale::of(timeline.span?);
        let mut rows = Vec::new();
        for lane in timeline.lanes.iter().take(MOST_PAIRS) {
            rows.push(pair_row(lane, &scale, TOP + rows.len() * LANE));
        }
        for file in timeline.files.iter().take(MOST_FILES) {
            rows.push(file_row(file, &scale, TOP + rows.len() * LANE));
        }
        let all = timeline.lanes.len() + timeline.files.len() + timeline.left_out;
        let shown = |at| moment(&Timestamp(at).rfc3339(Resolution::MICROSECONDS), zone);
        Some(Self {
            height: TOP + rows.len() * LANE,
            left_out: all - rows.len(),
            rows,
            start: shown(scale.start),
            end: shown(scale.end),
        })
    }
}

/// Time to tenths of a unit of the drawing.
struct Scale {
    start: i64,
    end: i64,
}

impl Scale {
    fn of((start, end): (i64, i64)) -> Self {
        Self { start, end: end.max(start.saturating_add(1)) }
    }

    /// Where a time stands; outside of the drawing it is at its edge.
    fn x(&self, at: i64) -> i64 {
        let whole = i128::from(self.end) - i128::from(self.start);
        let into = i128::from(at.clamp(self.start, self.end)) - i128::from(self.start);
        // At most WIDTH, which fits.
        LEFT + i64::try_from(into * i128::from(WIDTH) / whole.max(1)).unwrap_or(WIDTH)
    }

    fn holds(&self, from: i64, to: i64) -> bool {
        from <= self.end && to >= self.start
    }
}

/// Bars of one kind as one path; those that share a tenth of a unit are one.
struct Bars {
    path: String,
    drawn: i64,
    y: usize,
    height: usize,
}

impl Bars {
    const fn at(y: usize, height: usize) -> Self {
        Self { path: String::new(), drawn: i64::MIN, y, height }
    }

    fn add(&mut self, scale: &Scale, from: Option<i64>, to: Option<i64>) {
        let (Some(from), Some(to)) = (from, to) else { return };
        if !scale.holds(from, to) {
            return;
        }
        let left = scale.x(from).max(self.drawn);
        let right = scale.x(to).max(scale.x(from) + THINNEST);
        if right - left < THINNEST {
            return;
        }
        self.drawn = right;
        let (width, height) = (tenths(right - left), self.height);
        // Writing to a text does not fail.
        let _ = write!(self.path, "M{} {}h{width}v{height}h-{width}z", tenths(left), self.y);
    }
}

fn pair_row(lane: &Lane<'_>, scale: &Scale, y: usize) -> Row {
    let (mut esp, mut clear) = (Bars::at(y + 8, 6), Bars::at(y + 4, 14));
    let (mut mixed, mut failed) = (Bars::at(y + 4, 14), Bars::at(y, 3));
    let mut seen = Bars::at(y + 10, 2);
    seen.add(scale, nanos(&lane.pair.first_time), nanos(&lane.pair.last_time));
    for run in &lane.protected {
        esp.add(scale, nanos(&run.start), nanos(&run.end));
    }
    let (mut readable, mut doubtful) = (Bars::at(y + 6, 10), Bars::at(y + 15, 3));
    let (first, last) = (&lane.pair.readable_first_time, &lane.pair.readable_last_time);
    let at = |time: &Option<String>| time.as_ref().and_then(|time| nanos(time));
    readable.add(scale, at(first), at(last));
    for sa in lane.doubtful() {
        doubtful.add(scale, nanos(&sa.first_time), nanos(&sa.last_time));
    }
    for window in &lane.windows {
        let bars = if window.mixed { &mut mixed } else { &mut clear };
        bars.add(scale, nanos(&window.start), nanos(&window.end));
    }
    for exchange in &lane.failed {
        failed.add(scale, nanos(&exchange.start), nanos(&exchange.end));
    }
    let shapes = [
        ("file", seen),
        ("readable", readable),
        ("esp", esp),
        ("doubtful", doubtful),
        ("mixed", mixed),
        ("clear", clear),
        ("failure", failed),
    ];
    let named = |address: &str, names: &[String]| {
        if names.is_empty() {
            address.to_owned()
        } else {
            format!("{address} {}", names.join(" or "))
        }
    };
    Row {
        y,
        name: named(&lane.pair.a, &lane.pair.a_names),
        more: named(&lane.pair.b, &lane.pair.b_names),
        shapes: shapes.map(|(kind, bars)| (kind, bars.path)).into(),
    }
}

fn file_row(lane: &FileLane<'_>, scale: &Scale, y: usize) -> Row {
    let mut file = Bars::at(y + 9, 4);
    let extent = lane.extent();
    file.add(scale, extent.map(|e| e.0), extent.map(|e| e.1));
    let mut missing = Bars::at(y + 9, 4);
    for gap in lane.file.log_coverage.iter().flat_map(|log| &log.gaps) {
        let at = |time: &Option<String>| time.as_ref().and_then(|time| lane.corrected(time));
        missing.add(scale, at(&gap.after), at(&gap.before));
    }
    let marks = ["service", "policy", "log", "failure"].map(|kind| {
        let mut marks = Bars::at(y + 2, 6);
        for event in lane.events.iter().filter(|event| mark(event) == Some(kind)) {
            let own = || event.time.as_ref().and_then(|time| lane.corrected(time));
            let at = event.time_corrected.as_ref().map_or_else(own, |time| nanos(time));
            marks.add(scale, at, at);
        }
        (kind, marks.path)
    });
    let mut shapes = vec![("file", file.path), ("missing", missing.path)];
    shapes.extend(marks);
    let name = format!("{} {}", lane.file.id, lane.file.kind);
    Row { y, name, more: file_name(lane.file), shapes }
}

fn tenths(value: i64) -> String {
    format!("{}.{}", value / 10, value % 10)
}

/// Lanes that a page of paper holds.
const MOST_PAIRS: usize = 30;
const MOST_FILES: usize = 12;
const TOP: usize = 18;
const LANE: usize = 24;
/// In tenths of a unit: where lanes begin, how long they are, and the thinnest bar.
const LEFT: i64 = 2_500;
const WIDTH: i64 = 7_480;
const THINNEST: i64 = 15;
