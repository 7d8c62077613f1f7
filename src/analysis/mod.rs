//! The one sentence: discover, read every file in parallel, merge, correlate, find.
//!
//! Its threads: one a core for files, whose .evtx chunks they share too; beside each of them, for a large
//! file, one that hashes and one that observes frames or reads ahead. Prints nothing and writes nothing.

mod activity;
mod again;
mod describing;
mod line;
mod members;
mod observing;
mod reading;
mod source;
mod trace;
mod unread;

mod years;

pub use activity::{Activities, Activity, SharedActivities};
pub use again::{AgainError, frames_again};

use crate::correlate::{Facts, GapRule, correlate};
use crate::evidence::{
    Content, Evidence, EvidenceId, FileProblem, HashedBy, LogProblem, Position, Problem,
    ProblemCode, discover, path_of,
};
use crate::findings::{Finding, find};
use crate::policy::Policy;
use crate::protection::NamedPorts;
use crate::summary::{Count, MOST_PAIRS, Part, Summary, Vantage};
use crate::time::{Span, Timestamp, Zone};
use members::{Item, opened};
use rayon::prelude::*;
use reading::{Context, Reading, read};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is to be analyzed, and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// Files and folders; `-` is standard input.
    pub paths: Vec<PathBuf>,
    /// A folder whose files are not evidence: the report's own.
    pub excluded: Option<PathBuf>,
    /// What ought to have been protected.
    pub policy: Policy,
    /// How windows are cut.
    pub gap: GapRule,
    /// Whether to take the SHA-256 of the evidence; without it duplicates are not reported.
    pub hash: bool,
    /// Pairs of one capture that are kept apart.
    pub max_pairs: usize,
    /// Nothing before this is judged.
    pub from: Option<Timestamp>,
    /// Nothing after this is judged.
    pub to: Option<Timestamp>,
    /// The zone of times in logs that no tool's convention decides.
    pub timezone: Option<Zone>,
    /// How far the clocks of logs were off (log time less capture time), by the paths of their files.
    pub clock_offsets: Vec<(PathBuf, Span)>,
    /// Where captures were taken, by the paths of their files.
    pub vantages: Vec<(PathBuf, Vantage)>,
    /// Files that are not read, because what they hold is known: by their paths as the report shows them.
    pub known: BTreeSet<String>,
    /// What is read may be judged later, beside captures that are not among these paths.
    pub for_later: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Analysis {
    /// Every file, in the order of its number.
    pub evidence: Vec<Evidence>,
    /// Frames left out by `from` and `to`.
    pub outside_span: Count,
    /// What is proven.
    pub facts: Facts,
    /// What it means.
    pub findings: Vec<Finding>,
}

/// What is asked of evidence that was read.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// What ought to have been protected.
    pub policy: &'q Policy,
    /// How windows are cut.
    pub gap: GapRule,
    /// How far the clocks of logs were off (log time less capture time), by the paths of their files.
    pub clock_offsets: &'q [(PathBuf, Span)],
    /// Where captures were taken, by the paths of their files.
    pub vantages: &'q [(PathBuf, Vantage)],
}

impl Request {
    /// All evidence of these paths, each file hashed, a copy distinguished from its original; windows end
    /// after a silence of thirty seconds.
    #[must_use]
    pub const fn of(paths: Vec<PathBuf>, policy: Policy) -> Self {
        Self {
            paths,
            excluded: None,
            policy,
            gap: GapRule::with_gap(Span::from_seconds(30)),
            hash: true,
            max_pairs: MOST_PAIRS,
            from: None,
            to: None,
            timezone: None,
            clock_offsets: Vec::new(),
            vantages: Vec::new(),
            known: BTreeSet::new(),
            for_later: false,
        }
    }

    /// What [`judge`] needs to know of the request.
    #[must_use]
    pub fn question(&self) -> Question<'_> {
        let Self { policy, gap, clock_offsets, vantages, .. } = self;
        Question { policy, gap: *gap, clock_offsets, vantages }
    }
}

impl Question<'_> {
    /// What the user says of a file's clock, by its path or the end of it.
    fn clock_offset_of(&self, path: &str) -> Option<Span> {
        let said = self.clock_offsets.iter().find(|(file, _)| is_named(path, file));
        said.map(|(_, offset)| *offset)
    }

    /// Where the user says that a file was captured, likewise.
    fn vantage_of(&self, path: &str) -> Option<Vantage> {
        let said = self.vantages.iter().find(|(file, _)| is_named(path, file));
        said.map(|(_, vantage)| *vantage)
    }
}

/// Whether a path of evidence is, or ends in, what the user typed.
fn is_named(path: &str, typed: &Path) -> bool {
    let whole = path_of(path);
    whole == typed || whole.ends_with(typed)
}

/// Someone who follows the work and may end it.
pub trait Watch: Sync {
    /// So many files are to be read, and so many bytes in all.
    fn expects(&self, files: usize, bytes: u64);
    /// The file of that path is read now.
    fn begins(&self, _path: &str) {}
    /// A file was read.
    fn ended(&self) {}
    /// Who wants to know how many packets came when.
    fn activities(&self) -> Option<&SharedActivities> {
        None
    }
    /// So many more bytes were read.
    fn advanced(&self, bytes: u64);
    /// Whether the work shall end.
    fn is_cancelled(&self) -> bool;
}

/// Nobody follows, nobody ends it.
pub struct Unwatched;

impl Analysis {
    /// Whether a file with such a path, or the end of one, is a log of this evidence.
    #[must_use]
    pub fn has_log(&self, typed: &Path) -> bool {
        let is_log = |file: &&Evidence| matches!(file.content, Content::Log { .. });
        let mut logs = self.evidence.iter().filter(is_log);
        logs.any(|file| is_named(&file.path, typed))
    }

    /// The same of captures.
    #[must_use]
    pub fn has_capture(&self, typed: &Path) -> bool {
        let is_capture = |file: &&Evidence| matches!(file.content, Content::Capture { .. });
        let mut captures = self.evidence.iter().filter(is_capture);
        captures.any(|file| is_named(&file.path, typed))
    }
}

impl Watch for Unwatched {
    fn expects(&self, _files: usize, _bytes: u64) {}
    fn advanced(&self, _bytes: u64) {}
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// The work was ended before it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted; nothing was written")]
pub struct Cancelled;

/// Analyses evidence on `threads` threads, on all cores where `None`. The result does not depend on
/// their number.
///
/// ```
/// use plainsight::analysis::{Request, Unwatched, analyze};
/// use plainsight::correlate::Verdict;
/// use plainsight::policy::Policy;
///
/// let request = Request::of(vec!["samples/psk_mismatch".into()], Policy::default());
/// let analysis = analyze(&request, Some(1), &Unwatched)?;
/// let pair = &analysis.facts.pairs[0];
/// assert_eq!(pair.verdict(), Verdict::PartiallyProtected);
/// assert_eq!(analysis.facts.windows[0].window.run.frames, 152);
/// # Ok::<(), plainsight::analysis::Cancelled>(())
/// ```
///
/// # Errors
/// When the watcher ends it.
pub fn analyze(
    request: &Request,
    threads: Option<usize>,
    watch: &dyn Watch,
) -> Result<Analysis, Cancelled> {
    let parts = read_parts(request, threads, watch)?;
    Ok(judge(parts, &request.question()))
}

/// Reads evidence without judging it: a part a file, in the order of their numbers. Of the policy
/// only the ports that it names count here.
///
/// ```
/// use plainsight::analysis::{Request, Unwatched, judge, read_parts};
/// use plainsight::policy::Policy;
///
/// let request = Request::of(vec!["samples/psk_mismatch/capture.pcap".into()], Policy::default());
/// let parts = read_parts(&request, Some(1), &Unwatched)?;
/// assert_eq!(parts[0].evidence.records, 297);
/// let analysis = judge(parts, &request.question());
/// assert_eq!(analysis.facts.total.frames, 297);
/// # Ok::<(), plainsight::analysis::Cancelled>(())
/// ```
///
/// # Errors
/// When the watcher ends it.
pub fn read_parts(
    request: &Request,
    threads: Option<usize>,
    watch: &dyn Watch,
) -> Result<Vec<Part>, Cancelled> {
    let read_all = |items: &[Item], named: &NamedPorts| -> Vec<Reading> {
        let helped = rayon::current_num_threads() > 1;
        let hashed_by = match (request.hash, helped) {
            (false, _) => HashedBy::Nobody,
            (true, false) => HashedBy::Reader,
            (true, true) => HashedBy::Another,
        };
        let compared = request.for_later || items.len() > 1;
        let context = Context { request, named, watch, hashed_by, helped, compared };
        let numbered = items.par_iter().enumerate();
        numbered.map(|(at, file)| read(file, EvidenceId::of_place(at), &context)).collect()
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build();
    match pool {
        Ok(pool) => pool.install(|| read_with(request, watch, read_all)),
        // A system that grants no threads still has the one that asks.
        Err(_) => read_sequentially(request, watch),
    }
}

/// The same on the calling thread alone.
///
/// # Errors
/// When the watcher ends it.
pub fn analyze_sequentially(request: &Request, watch: &dyn Watch) -> Result<Analysis, Cancelled> {
    let parts = read_sequentially(request, watch)?;
    Ok(judge(parts, &request.question()))
}

fn read_sequentially(request: &Request, watch: &dyn Watch) -> Result<Vec<Part>, Cancelled> {
    read_with(request, watch, |items, named| {
        let hashed_by = if request.hash { HashedBy::Reader } else { HashedBy::Nobody };
        let compared = request.for_later || items.len() > 1;
        let context = Context { request, named, watch, hashed_by, helped: false, compared };
        let numbered = items.iter().enumerate();
        numbered.map(|(at, file)| read(file, EvidenceId::of_place(at), &context)).collect()
    })
}

fn read_with(
    request: &Request,
    watch: &dyn Watch,
    read_all: impl Fn(&[Item], &NamedPorts) -> Vec<Reading>,
) -> Result<Vec<Part>, Cancelled> {
    let mut found = discover(&request.paths, request.excluded.as_deref());
    found.retain(|file| !request.known.contains(&file.shown));
    let items = opened(found);
    watch.expects(items.len(), items.iter().map(|item| item.found.size).sum());
    let named = NamedPorts(request.policy.named_ports());
    let mut readings = read_all(&items, &named);
    years::decide(&mut readings, request);
    if watch.is_cancelled() {
        return Err(Cancelled);
    }
    Ok(readings.into_iter().map(|reading| reading.part).collect())
}

/// Judges what was read, whenever and wherever that was.
#[must_use]
pub fn judge(mut parts: Vec<Part>, question: &Question<'_>) -> Analysis {
    set_duplicates_aside(&mut parts);
    let mut summary = Summary::default();
    let mut outside_span = Count::default();
    let mut evidence = Vec::with_capacity(parts.len());
    for mut part in parts {
        let asserted = question.clock_offset_of(&part.evidence.path);
        part.summary.logs.values_mut().for_each(|log| log.asserted_offset = asserted);
        let stated = question.vantage_of(&part.evidence.path);
        part.summary.captures.values_mut().for_each(|of| of.stated_vantage = stated);
        summary.join(part.summary);
        outside_span.join(part.outside_span);
        evidence.push(part.evidence);
    }
    summary.settle(&evidence);
    name_contradictions(&summary, &mut evidence);
    let mut facts = correlate(&summary, question.policy, question.gap);
    facts.note_withheld(&evidence);
    let findings = find(&facts, &evidence, question.policy);
    Analysis { evidence, outside_span, facts, findings }
}

/// Two records that should be one and are not: a problem of the file that was read later.
fn name_contradictions(summary: &Summary, evidence: &mut [Evidence]) {
    for (record, other) in &summary.contradictions {
        let Some(file) = evidence.iter_mut().find(|file| file.id == record.evidence) else {
            continue;
        };
        let (kind, position) = (LogProblem::RecordDiffers(*other), Position::Record(record.record));
        file.problems.push(Problem { kind: kind.into(), offset: None, position });
    }
}

/// The same bytes count once, under the first of their paths.
fn set_duplicates_aside(parts: &mut [Part]) {
    let mut known: BTreeMap<String, (EvidenceId, String)> = BTreeMap::new();
    for part in parts {
        let evidence = &part.evidence;
        // What is missing is known by name only.
        if evidence.problems.iter().any(|p| p.code() == ProblemCode::SummaryMissing) {
            continue;
        }
        // A capture beside its own compressed copy counts once as well.
        let digest = evidence.content_sha256().filter(|_| evidence.content_size() > 0);
        let Some(digest) = digest.map(str::to_owned) else { continue };
        let Some((id, path)) = known.get(&digest) else {
            known.insert(digest, (evidence.id, evidence.path.clone()));
            continue;
        };
        let kind = FileProblem::Duplicate { first: *id, path: path.clone() };
        part.set_aside("duplicate", kind);
    }
}
