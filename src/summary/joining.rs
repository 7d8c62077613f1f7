//! Summaries of several files and runs put together: every file once, numbered as if all had been read
//! in one run, and those that were to be there and are not named.

use super::file::{ReadWith, SummaryError, SummaryFile};
use super::listed::Listed;
use super::part::{Member, Part};
use crate::evidence::{EvidenceId, Problem, SummaryProblem};
use std::collections::{BTreeMap, BTreeSet};

/// What some files of summaries hold together.
#[derive(Clone, Debug)]
pub struct Joined {
    /// How their evidence was read; of the ports those that all of them keep apart.
    pub read_with: ReadWith,
    /// The paths that were given when it was read, sorted.
    pub paths: Vec<String>,
    /// Every file, in the order of its number.
    pub parts: Vec<Part>,
}

/// Why summaries cannot be judged together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// There is none.
    #[error("there is no summary")]
    None,
    /// One of them cannot be read.
    #[error(transparent)]
    Unreadable(#[from] SummaryError),
    /// Two were read with other options.
    #[error("`{one}` and `{other}` were read with different options: {option} differs")]
    Unlike {
        /// The first.
        one: String,
        /// The other.
        other: String,
        /// The option that differs.
        option: &'static str,
    },
    /// The policy names ports whose traffic lies together with that of others.
    #[error("the policy names {ports}, which `{name}` does not keep apart from other ports")]
    PortsTogether {
        /// The summary.
        name: String,
        /// The ports, in words.
        ports: String,
    },
}

impl JoinError {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::None => "name files that `plainsight summarize` wrote, or their folder",
            Self::Unreadable(error) => error.remedy(),
            Self::Unlike { .. } => "summarize all evidence with the same options",
            Self::PortsTogether { .. } => "summarize again with this policy (--policy)",
        }
    }
}

/// Summaries that are to be judged together, and what is known beside them.
#[derive(Clone, Copy, Debug)]
pub struct Joining<'s> {
    /// The summaries, in any order.
    pub files: &'s [SummaryFile],
    /// Protocols and ports that have to be kept apart.
    pub ports: &'s BTreeSet<(u8, u16)>,
    /// Files that have to be there.
    pub expected: &'s [Listed],
    /// Summaries that cannot be read.
    pub damaged: &'s [Damaged],
    /// A part that cannot be read is passed over, and its file has a problem.
    pub skips_damaged: bool,
}

/// A summary that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The summary itself.
    pub file: Member,
    /// What is wrong with it, in words.
    pub what: String,
}

/// Joins summaries, in any order; `asked` are the ports that have to be kept apart.
///
/// # Errors
/// Where one of them cannot be read or answers another question.
pub fn join_summaries(
    files: &[SummaryFile],
    asked: &BTreeSet<(u8, u16)>,
) -> Result<Joined, JoinError> {
    Joining { files, ports: asked, expected: &[], damaged: &[], skips_damaged: false }.join()
}

impl<'s> Joining<'s> {
    /// Joins them.
    ///
    /// # Errors
    /// Where one of them answers another question, or cannot be read and is not to be passed over.
    pub fn join(self) -> Result<Joined, JoinError> {
        let files = self.files;
        let read_with = read_alike(files)?;
        for file in files {
            let together: Vec<String> = self
                .ports
                .difference(&file.set.read_with.ports)
                .map(|port| in_words(*port))
                .collect();
            if !together.is_empty() {
                let (name, ports) = (file.name.clone(), together.join(", "));
                return Err(JoinError::PortsTogether { name, ports });
            }
        }
        let paths: BTreeSet<&String> = files.iter().flat_map(|file| &file.set.paths).collect();
        let paths = paths.into_iter().cloned().collect();
        Ok(Joined { read_with, paths, parts: self.numbered()? })
    }

    /// Every file by path, identity and content, with what is known of it.
    fn shares(self) -> Vec<(Member, Share<'s>)> {
        let mut given: BTreeMap<(&Member, &[u8]), (usize, &SummaryFile, usize)> = BTreeMap::new();
        for file in self.files {
            for (member, bytes, at) in file.members() {
                given.entry((member, bytes)).or_insert((at, file, 0)).2 += 1;
            }
        }
        let here: BTreeSet<&Member> = given.keys().map(|(member, _)| *member).collect();
        let of_runs: BTreeSet<&Member> =
            self.files.iter().flat_map(|file| &file.set.members).collect();
        let missing: BTreeSet<&Member> = of_runs.difference(&here).copied().collect();
        let listed = Listed::missing(self.expected, of_runs.iter().copied());
        let held = given.into_iter().map(|((member, bytes), (at, file, copies))| {
            (member.clone(), Share::Held { bytes, at, file, copies })
        });
        let missing = missing.into_iter().map(|member| (member.clone(), Share::Missing));
        let listed = listed.map(|listed| (listed.member(), Share::Listed));
        let damaged = self.damaged.iter().map(|it| (it.file.clone(), Share::Damaged(&it.what)));
        let mut all: Vec<_> = held.chain(missing).chain(listed).chain(damaged).collect();
        // Stable: what has one path keeps the order of its content.
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all
    }

    fn numbered(self) -> Result<Vec<Part>, JoinError> {
        let mut parts = Vec::new();
        let mut counted: u64 = 0;
        for (number, (member, share)) in self.shares().into_iter().enumerate() {
            let id = EvidenceId::of_place(number);
            let part = match share {
                Share::Missing => member.without_summary(id, SummaryProblem::NotGiven),
                Share::Listed => member.without_summary(id, SummaryProblem::OnlyListed),
                Share::Damaged(what) => {
                    member.without_summary(id, SummaryProblem::Unreadable(what.to_owned()))
                }
                Share::Held { bytes, at, file, copies } => {
                    let read = file.part((&member, bytes, at), id).and_then(|(part, more)| {
                        let sum = counted.saturating_add(more);
                        let fault = "a count is larger than possible";
                        let is_possible = sum <= MOST_COUNTED;
                        let part = is_possible.then_some((part, sum));
                        part.ok_or_else(|| file.fault((&member, at), fault))
                    });
                    match read {
                        Ok((part, sum)) => {
                            counted = sum;
                            remarked(part, file, copies)
                        }
                        Err(error) if self.skips_damaged => {
                            let kind = SummaryProblem::PartUnreadable(error.to_string());
                            member.without_summary(id, kind)
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
            };
            parts.push(part);
        }
        name_same_paths(&mut parts);
        Ok(parts)
    }
}

fn read_alike(files: &[SummaryFile]) -> Result<ReadWith, JoinError> {
    let Some((first, others)) = files.split_first() else { return Err(JoinError::None) };
    let mut all = first.set.read_with.clone();
    for other in others {
        let theirs = &other.set.read_with;
        let differs = [
            (all.hash != theirs.hash, "--no-hash"),
            (all.max_pairs != theirs.max_pairs, "--max-pairs"),
            (all.from != theirs.from, "--from"),
            (all.to != theirs.to, "--to"),
            (all.timezone != theirs.timezone, "--timezone"),
        ];
        if let Some((_, option)) = differs.into_iter().find(|(differs, _)| *differs) {
            let (one, other) = (first.name.clone(), other.name.clone());
            return Err(JoinError::Unlike { one, other, option });
        }
        all.ports.retain(|port| theirs.ports.contains(port));
    }
    Ok(all)
}

fn in_words((protocol, port): (u8, u16)) -> String {
    match protocol {
        6 => format!("TCP port {port}"),
        17 => format!("UDP port {port}"),
        other => format!("port {port} of protocol {other}"),
    }
}

/// What is known of a file.
enum Share<'s> {
    /// Its part, the place of that in a file of summaries, and how many hold it.
    Held { bytes: &'s [u8], at: usize, file: &'s SummaryFile, copies: usize },
    /// Another file's summary names it.
    Missing,
    /// A list names it.
    Listed,
    /// It is a summary that cannot be read, for this reason.
    Damaged(&'s str),
}

/// What is to be said of a part beside what it holds.
fn remarked(mut part: Part, file: &SummaryFile, copies: usize) -> Part {
    if copies > 1 {
        add_problem(&mut part, SummaryProblem::HeldBy(copies as u64));
    }
    if file.set.version != VERSION {
        let (read, judges) = (file.set.version.clone(), VERSION.to_owned());
        add_problem(&mut part, SummaryProblem::OtherVersion { read, judges });
    }
    part
}

/// Parts are sorted by path, so those that share one are neighbours.
fn name_same_paths(parts: &mut [Part]) {
    for same in parts.chunk_by_mut(|one, other| one.evidence.path == other.evidence.path) {
        let ids = same.iter().map(|part| part.evidence.id);
        let first: Vec<EvidenceId> = ids.take(MOST_NAMED).collect();
        let more = (same.len() - first.len()) as u64;
        let contents: BTreeSet<(u64, &str)> = same
            .iter()
            .map(|part| (part.evidence.size, part.evidence.sha256.as_deref().unwrap_or_default()))
            .collect();
        if contents.len() < 2 {
            continue;
        }
        for part in same {
            add_problem(part, SummaryProblem::SamePath { first: first.clone(), more });
        }
    }
}

fn add_problem(part: &mut Part, kind: SummaryProblem) {
    part.evidence.problems.push(Problem::of_file(kind, None));
}

/// Files of one path that are named.
const MOST_NAMED: usize = 8;
/// All packets, bytes and whatever else is counted: sums of it, taken twice or thrice, do not overflow.
const MOST_COUNTED: u64 = 1 << 62;
/// The version that judges.
const VERSION: &str = env!("CARGO_PKG_VERSION");
