//! Whether a part that was read back holds together: what the reading of evidence makes sure of, and
//! what the judging of it rests on.

use super::{CaptureSummary, ClassRun, Part};

/// # Errors
/// With what is wrong.
pub(super) fn check(part: &Part) -> Result<(), &'static str> {
    let summary = &part.summary;
    if summary.captures.len() + summary.logs.len() > 1 {
        return Err("it holds more than one file");
    }
    summary.captures.values().try_for_each(check_capture)
}

fn check_capture(capture: &CaptureSummary) -> Result<(), &'static str> {
    let streams = [&capture.streams, &capture.decrypted_twins, &capture.handed_over];
    let of_streams = streams.into_iter().flat_map(|all| all.values()).flat_map(|all| all.values());
    let of_pairs = capture.duplicates.values().flat_map(|kinds| kinds.values());
    let all = of_streams.chain(of_pairs).chain(capture.interleaved.values());
    for runs in all {
        if runs.iter().any(|run| !run.is_sound()) {
            return Err("a run that ends before it begins");
        }
        if !runs.is_sorted_by_key(|run: &ClassRun| run.start) {
            return Err("runs out of order");
        }
    }
    match capture.span {
        Some((first, last)) if last < first => Err("a capture that ends before it begins"),
        Some(_) | None => Ok(()),
    }
}
