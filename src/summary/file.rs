//! Summaries on disk: what reading came to, to be judged later, elsewhere, or again.
//!
//! A magic number, the version of the layout, the length, the content, and the SHA-256 over all of
//! that. The content is a head and one part a file, each part written and read by itself. Opens no
//! file; bytes that are no summary of ours are an error that says what to do.

use super::part::{Member, Part};
use super::sound;
use crate::evidence::{EvidenceId, SUMMARY_MAGIC, part_of, sha256_digest};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;

/// How evidence was read: what decides what a summary holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadWith {
    /// The evidence has a SHA-256.
    pub hash: bool,
    /// Pairs of one capture that are kept apart.
    pub max_pairs: u64,
    /// Nothing before this was summed up.
    pub from: Option<Timestamp>,
    /// Nothing after this was.
    pub to: Option<Timestamp>,
    /// The zone of times in logs that no tool's convention decides, as an offset or by name.
    pub timezone: Option<String>,
    /// Protocols and ports that are kept apart beside those that always are.
    pub ports: BTreeSet<(u8, u16)>,
}

/// What one run read, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummarySet {
    /// The version of the program.
    pub version: String,
    /// How it read.
    pub read_with: ReadWith,
    /// The paths that it was given, sorted.
    pub paths: Vec<String>,
    /// Every file that it read, whichever summary holds it.
    pub members: Vec<Member>,
}

/// A file of summaries.
#[derive(Clone, Debug)]
pub struct SummaryFile {
    /// Its path, for words.
    pub name: String,
    /// The run that wrote it.
    pub set: SummarySet,
    parts: Vec<SavedPart>,
    bytes: Vec<u8>,
}

/// Where the part of a member lies.
#[derive(Clone, Debug)]
struct SavedPart {
    member: usize,
    place: Range<usize>,
}

/// Why bytes are no summary that can be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SummaryError {
    /// Another kind of file.
    #[error("`{0}` is not a summary: it does not begin as `plainsight summarize` writes it")]
    Foreign(String),
    /// Another version of the layout.
    #[error("`{name}` has summary layout {found}; this version reads {FORMAT}")]
    OtherLayout {
        /// The file.
        name: String,
        /// The layout it says it has.
        found: u32,
    },
    /// It ends too early, or goes on behind its end.
    #[error("`{name}` has {found} bytes, but its header says {expected}")]
    Length {
        /// The file.
        name: String,
        /// Its length.
        found: u64,
        /// What it should be.
        expected: u64,
    },
    /// Its content is not what was written.
    #[error("`{0}` is damaged: its content does not have the SHA-256 at its end")]
    Damaged(String),
    /// The digest holds, and yet it is nothing that was written by this program.
    #[error("`{name}` cannot be read at byte {at}: {what}")]
    Content {
        /// The file.
        name: String,
        /// Where the piece begins that cannot be read.
        at: usize,
        /// What is wrong.
        what: String,
    },
}

impl SummaryError {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Foreign(_) => {
                "captures and logs are read by `plainsight analyze` and `plainsight summarize`"
            }
            Self::OtherLayout { .. } => {
                "use the version of plainsight that wrote it, or summarize the evidence again"
            }
            Self::Length { .. } | Self::Damaged(_) => {
                "copy it again, or judge the others without it (--skip-damaged)"
            }
            Self::Content { .. } => {
                "summarize the evidence again, or judge the others without it (--skip-damaged)"
            }
        }
    }
}

/// The parts could not be written: a fault of this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a summary cannot be written: {0}")]
pub struct Unwritable(#[from] postcard::Error);

/// The bytes of a file with some parts of a set, each with its place among the set's members.
///
/// # Errors
/// Where a part holds what no summary can.
pub fn write_summary(set: &SummarySet, parts: &[(usize, &Part)]) -> Result<Vec<u8>, Unwritable> {
    let mut content = Vec::new();
    put(&mut content, &postcard::to_allocvec(set)?);
    for (member, part) in parts {
        content.extend((*member as u64).to_le_bytes());
        put(&mut content, &part_of(part.evidence.id, || postcard::to_allocvec(part))?);
    }
    let mut bytes = Vec::with_capacity(HEAD + content.len() + DIGEST);
    bytes.extend(SUMMARY_MAGIC);
    bytes.extend(FORMAT.to_le_bytes());
    bytes.extend(((HEAD + content.len() + DIGEST) as u64).to_le_bytes());
    bytes.append(&mut content);
    bytes.extend(sha256_digest(&bytes));
    Ok(bytes)
}

/// A length and so many bytes.
fn put(content: &mut Vec<u8>, piece: &[u8]) {
    content.extend((piece.len() as u64).to_le_bytes());
    content.extend(piece);
}

impl SummaryFile {
    /// Reads what [`write_summary`] wrote.
    ///
    /// # Errors
    /// Where it is anything else, or is damaged.
    pub fn read(name: &str, bytes: Vec<u8>) -> Result<Self, SummaryError> {
        let name = name.to_owned();
        check_frame(&name, &bytes)?;
        let end = bytes.len() - DIGEST;
        let mut reader = Pieces { bytes: bytes.get(..end).unwrap_or_default(), at: HEAD };
        let (set, parts) = reader.all().map_err(|(at, what)| SummaryError::Content {
            name: name.clone(),
            at,
            what,
        })?;
        Ok(Self { name, set, parts, bytes })
    }

    /// The files that it holds.
    pub fn held(&self) -> impl Iterator<Item = &Member> {
        self.members().map(|(member, ..)| member)
    }

    /// The files that it holds, each with the bytes of its part and the place of these.
    pub(super) fn members(&self) -> impl Iterator<Item = (&Member, &[u8], usize)> {
        self.parts.iter().filter_map(|part| {
            let member = self.set.members.get(part.member)?;
            Some((member, self.bytes.get(part.place.clone())?, part.place.start))
        })
    }

    /// The part that these bytes of it are, as the file with this number, and all that it counts.
    pub(super) fn part(
        &self,
        (member, bytes, at): (&Member, &[u8], usize),
        id: EvidenceId,
    ) -> Result<(Part, u64), SummaryError> {
        let read = part_of(id, || postcard::take_from_bytes::<Part>(bytes));
        let whole = match read {
            Ok((part, [])) if Member::of(&part.evidence) == *member => {
                sound::check(&part).map(|counted| (part, counted)).map_err(str::to_owned)
            }
            Ok((_, [])) => Err("it is of another file than its header says".to_owned()),
            Ok(_) => Err("it continues after its end".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        whole.map_err(|what| self.fault((member, at), &what))
    }

    /// What is wrong with the part of a member.
    pub(super) fn fault(&self, (member, at): (&Member, usize), what: &str) -> SummaryError {
        let what = format!("the part of `{}`: {what}", member.path);
        SummaryError::Content { name: self.name.clone(), at, what }
    }
}

/// Magic number, layout, length and digest.
fn check_frame(name: &str, bytes: &[u8]) -> Result<(), SummaryError> {
    let Some(rest) = bytes.strip_prefix(SUMMARY_MAGIC) else {
        return Err(SummaryError::Foreign(name.to_owned()));
    };
    let found = bytes.len() as u64;
    let length = |expected| SummaryError::Length { name: name.to_owned(), found, expected };
    let Some((format, rest)) = rest.split_first_chunk() else {
        return Err(length((HEAD + DIGEST) as u64));
    };
    let format = u32::from_le_bytes(*format);
    if format != FORMAT {
        return Err(SummaryError::OtherLayout { name: name.to_owned(), found: format });
    }
    let expected = rest.first_chunk().map_or(0, |reported| u64::from_le_bytes(*reported));
    let expected = expected.max((HEAD + DIGEST) as u64);
    if found != expected {
        return Err(length(expected));
    }
    match bytes.split_last_chunk::<DIGEST>() {
        Some((before, digest)) if sha256_digest(before) == *digest => Ok(()),
        Some(_) | None => Err(SummaryError::Damaged(name.to_owned())),
    }
}

/// The pieces of a content, one behind the other.
struct Pieces<'o> {
    bytes: &'o [u8],
    at: usize,
}

/// Where something is wrong, and what.
type Fault = (usize, String);

impl<'o> Pieces<'o> {
    fn all(&mut self) -> Result<(SummarySet, Vec<SavedPart>), Fault> {
        let (at, head) = self.piece()?;
        let head = self.bytes.get(head).unwrap_or_default();
        let set = match postcard::take_from_bytes::<SummarySet>(head) {
            Ok((set, [])) => set,
            Ok(_) => return Err((at, "the header continues after its end".to_owned())),
            Err(error) => return Err((at, format!("the header: {error}"))),
        };
        let mut parts = Vec::new();
        while self.at < self.bytes.len() {
            let at = self.at;
            let member = usize::try_from(self.number()?).unwrap_or(usize::MAX);
            if member >= set.members.len() {
                return Err((at, "it names a file that is not in the set".to_owned()));
            }
            parts.push(SavedPart { member, place: self.piece()?.1 });
        }
        Ok((set, parts))
    }

    fn number(&mut self) -> Result<u64, Fault> {
        let rest = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk);
        let number = rest.ok_or_else(|| (self.at, "it ends inside a number".to_owned()))?;
        self.at += size_of::<u64>();
        Ok(u64::from_le_bytes(*number))
    }

    fn piece(&mut self) -> Result<(usize, Range<usize>), Fault> {
        let reported = self.at;
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        let place = self.at..self.at.saturating_add(length);
        if self.bytes.get(place.clone()).is_none() {
            return Err((reported, "a part is longer than the file".to_owned()));
        }
        self.at = place.end;
        Ok((place.start, place))
    }
}

/// The version of the layout: counts up whenever a type that is saved changes.
const FORMAT: u32 = 3;
/// Magic number, layout and length.
const HEAD: usize = 16 + 4 + 8;
const DIGEST: usize = 32;
