//! Problems of the evidence in words: what was found, what was expected, and what to do.
//!
//! The readers of evidence give codes and values; every sentence about them is made here.

mod file;

mod capture;

mod trace;

mod log;

mod export;

mod summary;

use crate::evidence::{Position, Problem, ProblemKind};

/// What is wrong, in words without a full stop. They may quote evidence, so they are escaped on output.
///
/// ```
/// use plainsight::evidence::{FileProblem, Problem};
///
/// let empty = Problem::of_file(FileProblem::Empty, None);
/// assert_eq!(empty.code().as_str(), "empty");
/// assert_eq!(plainsight::findings::problem(&empty), "the file is empty");
/// ```
#[must_use]
pub fn problem(problem: &Problem) -> String {
    match &problem.kind {
        ProblemKind::File(of_file) => file::file(of_file),
        ProblemKind::Format(of_format) => file::format(of_format),
        ProblemKind::Collection(of_archive) => file::collection(of_archive),
        ProblemKind::Capture(of_capture) => capture::capture(of_capture, problem),
        ProblemKind::Trace(of_trace) => trace::trace(of_trace),
        ProblemKind::Ike(of_ike) => capture::ike(of_ike, problem),
        ProblemKind::Log(of_log) => log::log(of_log, problem),
        ProblemKind::LogTime(of_times) => log::times(of_times),
        ProblemKind::Export(of_export) => export::export(of_export),
        ProblemKind::Summary(of_summary) => summary::summary(of_summary),
    }
}

/// The frame or record that a problem is about, as the subject of a sentence.
fn subject(problem: &Problem) -> String {
    match problem.position {
        Position::File => "the file".to_owned(),
        Position::Frame(number) => format!("frame {number}"),
        Position::Record(number) => format!("record {number}"),
    }
}

/// The byte at which a problem begins.
fn byte(problem: &Problem) -> u64 {
    problem.offset.unwrap_or_default()
}
