//! Summaries of several files and runs put together: every file once, numbered as if all had been read
//! in one run, and those that were to be there and are not named.

use super::file::{ReadWith, SummaryError, SummaryFile};
use super::part::{Member, Part};
use crate::evidence::{EvidenceId, Position, Problem, ProblemCode};
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

/// Joins summaries, in any order; `asked` are the ports that have to be kept apart.
///
/// # Errors
/// Where one of them cannot be read or answers another question.
pub fn join_summaries(
    files: &[SummaryFile],
    asked: &BTreeSet<(u8, u16)>,
) -> Result<Joined, JoinError> {
    let read_with = read_alike(files)?;
    for file in files {
        let together: Vec<String> =
            asked.difference(&file.set.read_with.ports).map(|port| in_words(*port)).collect();
        if !together.is_empty() {
            let (name, ports) = (file.name.clone(), together.join(", "));
            return Err(JoinError::PortsTogether { name, ports });
        }
    }
    let paths: BTreeSet<&String> = files.iter().flat_map(|file| &file.set.paths).collect();
    Ok(Joined { read_with, paths: paths.into_iter().cloned().collect(), parts: numbered(files)? })
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

/// What is known of a file: its part and the place of that in a file of summaries, and how many hold
/// it; where it is missing, nothing.
type Share<'s> = Option<(&'s [u8], usize, &'s SummaryFile, usize)>;

/// Every file by path, identity and content.
fn shares(files: &[SummaryFile]) -> Vec<(&Member, Share<'_>)> {
    let mut given: BTreeMap<(&Member, &[u8]), (usize, &SummaryFile, usize)> = BTreeMap::new();
    for file in files {
        for (member, octets, at) in file.members() {
            given.entry((member, octets)).or_insert((at, file, 0)).2 += 1;
        }
    }
    let here: BTreeSet<&Member> = given.keys().map(|(member, _)| *member).collect();
    let expected: BTreeSet<&Member> = files.iter().flat_map(|file| &file.set.members).collect();
    let missing: Vec<&Member> = expected.difference(&here).copied().collect();
    let given = given
        .into_iter()
        .map(|((member, octets), (at, file, count))| (member, Some((octets, at, file, count))));
    let mut all: Vec<_> = given.chain(missing.into_iter().map(|member| (member, None))).collect();
    // Stable: what has one path keeps the order of its content.
    all.sort_by_key(|(member, ..)| *member);
    all
}

fn numbered(files: &[SummaryFile]) -> Result<Vec<Part>, JoinError> {
    let mut parts = Vec::new();
    let mut counted: u64 = 0;
    for (number, (member, share)) in shares(files).into_iter().enumerate() {
        let id = EvidenceId::of_place(number);
        let Some((octets, at, file, count)) = share else {
            parts.push(member.clone().without_summary(id));
            continue;
        };
        let (mut part, more) = file.part((member, octets, at), id)?;
        counted = counted.saturating_add(more);
        if counted > MOST_COUNTED {
            return Err(file.fault((member, at), "a count is larger than possible").into());
        }
        let mut say = |code, text| {
            let problem = Problem { code, text, offset: None, position: Position::File };
            part.evidence.problems.push(problem);
        };
        if count > 1 {
            let text = format!("{count} of the summaries hold it; it counts once");
            say(ProblemCode::SummarizedTwice, text);
        }
        if file.set.version != VERSION {
            let text = format!(
                "read by version {}, judged by {VERSION}; one of them may recognize more in it",
                file.set.version
            );
            say(ProblemCode::OtherVersion, text);
        }
        parts.push(part);
    }
    Ok(parts)
}

/// All packets, octets and whatever else is counted: sums of it, taken twice or thrice, do not overflow.
const MOST_COUNTED: u64 = 1 << 62;
/// The version that judges.
const VERSION: &str = env!("CARGO_PKG_VERSION");
