//! Clear and protected packets over time, as two lines of the same scale.

use super::glyphs::Glyphs;
use crate::analysis::{Activities, Activity};
use crate::report::schema;
use crate::time::{Resolution, Span, Timestamp};
use std::io::{self, Write};

/// The two lines; nothing where there is no packet.
pub(super) fn print_activity(
    out: &mut impl Write,
    activities: &Activities,
    glyphs: Glyphs,
) -> io::Result<()> {
    let stretches: Vec<(Timestamp, Activity)> = activities.stretches().collect();
    let (Some((first, _)), Some((last, _))) = (stretches.first(), stretches.last()) else {
        return Ok(());
    };
    let width = activities.width();
    let place = |time: Timestamp| {
        usize::try_from(time.since(*first).0 / width.0.max(1)).unwrap_or_default()
    };
    let number = place(*last) + 1;
    let of_column = number.div_ceil(COLUMNS);
    let mut clear = vec![0; number.div_ceil(of_column)];
    let mut protected = clear.clone();
    for (start, counts) in &stretches {
        let at = place(*start) / of_column;
        if let (Some(clear), Some(protected)) = (clear.get_mut(at), protected.get_mut(at)) {
            *clear += counts.clear;
            *protected += counts.protected;
        }
    }
    let most = clear.iter().chain(&protected).copied().max().unwrap_or_default();
    let column = Span(width.0.saturating_mul(i64::try_from(of_column).unwrap_or(i64::MAX)));
    let start = first.rfc3339(Resolution::MILLISECONDS);
    writeln!(out, "\nPackets over time, from {start}, {column} s a column, at most {most} in one")?;
    writeln!(out, "{:<10} {}", "Clear", glyphs.line(&clear, most))?;
    writeln!(out, "{:<10} {}", "Protected", glyphs.line(&protected, most))
}

/// The same for the JSON output.
pub(super) fn as_written(activities: &Activities) -> schema::Activity {
    let buckets = activities.stretches().map(|(start, counts)| schema::ActivityBucket {
        start: start.rfc3339(Resolution::MILLISECONDS),
        clear: counts.clear,
        protected: counts.protected,
        other: counts.other,
    });
    schema::Activity {
        bucket_milliseconds: activities.width().0 / 1_000_000,
        buckets: buckets.collect(),
    }
}

const COLUMNS: usize = 60;
