//! Archives as collections of evidence: the content of a zip, tar, 7z or cab is read like that of a folder.
//!
//! Nothing is written under a member's name. Content that has to be unpacked before it can be searched goes to
//! a temporary file without a name.

mod archive;
mod cab;
mod cab_bounds;
mod checked;
mod contents;
mod origin;
mod scratch;
mod section;
mod sevenz;
mod tar;
mod zip;

pub use archive::Archive;
pub use contents::Collection;

use super::recognize::PEEK;
use super::unpack::{ALWAYS_UNPACKED, MOST_EXPANSION};
use super::{
    CollectionProblem, FileProblem, Format, MemberFault, Origin, Packing, Problem, ProblemKind,
    Unpacking, open, peek, shown_path,
};
use checked::Checked;
use section::Section;
use std::collections::BTreeMap;
use std::io::{self, Read, Write as _};
use std::path::Path;

/// A file of a collection.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name in the collection, as the report shows it.
    pub name: String,
    /// Its length in bytes, unpacked, as stated by the collection.
    pub size: u64,
    data: MemberData,
}

/// A member as an archive lists it.
struct Entry {
    name: Vec<u8>,
    size: u64,
    /// Its data, or why it cannot be read.
    data: Result<MemberData, MemberFault>,
}

/// Where a member's bytes are.
#[derive(Clone, Debug)]
enum MemberData {
    Plain(Section),
    /// Of a zip archive, with its length and checksum.
    Checked {
        packed: Section,
        is_deflated: bool,
        size: u64,
        crc: u32,
    },
}

/// What is wrong with an archive, and where.
enum Trouble {
    NoDirectory(String),
    /// This many members share their name with another one.
    SameNames(u64),
    Truncated(u64),
    Corrupt(u64),
    /// It unpacks to more than evidence does, or holds too many files.
    Expansion,
    /// Members could not be unpacked.
    Unpacking(String),
    Unreadable(u64, io::Error),
}

impl Trouble {
    fn problem(self, archive: Archive) -> Problem {
        let (kind, at): (ProblemKind, u64) = match self {
            Self::NoDirectory(error) => (CollectionProblem::NoDirectory(archive, error).into(), 0),
            Self::SameNames(count) => (CollectionProblem::SameNames(count).into(), 0),
            Self::Truncated(at) => (CollectionProblem::Truncated(archive).into(), at),
            Self::Corrupt(at) => (CollectionProblem::Corrupt(archive).into(), at),
            Self::Expansion => (CollectionProblem::Expansion(archive).into(), 0),
            Self::Unpacking(error) => (CollectionProblem::CannotUnpack(archive, error).into(), 0),
            Self::Unreadable(at, error) => {
                (FileProblem::ReadingStopped(error.to_string()).into(), at)
            }
        };
        Problem::of_file(kind, Some(at))
    }
}

impl Collection {
    /// Looks into a file; `None` where it is no collection.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        let whole = Section::whole(open(path)?)?;
        let mut collection = Self::default();
        let first = peek(whole.clone())?;
        let found = match Format::recognize(&first) {
            Format::Collection(archive) => Some((archive, Some(whole))),
            Format::Packed(packing) => collection.unpacked(packing, &whole)?,
            _ => None,
        };
        let Some((archive, section)) = found else { return Ok(None) };
        if let Some(section) = section {
            collection.room = most_unpacked(&section);
            collection.list(archive, &section, "", 0);
        }
        if collection.unlisted > 0 {
            let kind = CollectionProblem::Unlisted(collection.unlisted);
            collection.problems.push(Problem::of_file(kind, Some(0)));
        }
        collection.members.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Some(collection))
    }

    /// A compressed archive, unpacked into a file without a name; its bytes are missing where no such file can be
    /// made.
    fn unpacked(
        &mut self,
        packing: Packing,
        packed: &Section,
    ) -> io::Result<Option<(Archive, Option<Section>)>> {
        let first = peek(Unpacking::new(packing, packed.clone()))?;
        let Format::Collection(archive) = Format::recognize(&first) else { return Ok(None) };
        let mut unpacking = Unpacking::new(packing, packed.clone());
        let mut file = match scratch::file() {
            Ok(file) => file,
            Err(error) => {
                let kind = FileProblem::ReadingStopped(error.to_string());
                self.problems.push(Problem::of_file(kind, Some(0)));
                return Ok(Some((archive, None)));
            }
        };
        io::copy(&mut unpacking, &mut file)?;
        file.flush()?;
        self.problems.extend(unpacking.into_failure());
        Ok(Some((archive, Some(Section::whole(file)?))))
    }

    fn list(&mut self, archive: Archive, section: &Section, within: &str, depth: usize) {
        let mut names: BTreeMap<String, u64> = BTreeMap::new();
        let mut visit = |entry: Entry| {
            let mut name = format!("{within}{}", shown_name(&entry.name));
            let count = names.entry(name.clone()).or_default();
            *count += 1;
            if *count > 1 {
                name = format!("{name} ({count})");
            }
            self.add(entry, name, depth);
            let is_full = self.members.len() >= MOST_MEMBERS;
            if is_full {
                let kind = CollectionProblem::TooManyMembers(MOST_MEMBERS as u64);
                self.problems.push(Problem::of_file(kind, Some(0)));
            }
            !is_full
        };
        let trouble = match archive {
            Archive::Zip => zip::list(section, &mut visit),
            Archive::Tar => tar::list(section, &mut visit),
            Archive::SevenZ => sevenz::list(section, most_unpacked(section), &mut visit),
            Archive::Cab => cab::list(section, most_unpacked(section), &mut visit),
        };
        if let Some(trouble) = trouble {
            self.note(trouble.problem(archive));
        }
    }

    fn lost(&mut self, name: String, fault: MemberFault) {
        let kind = CollectionProblem::Member { name, fault };
        self.note(Problem::of_file(kind, Some(0)));
    }

    /// Notes a problem; of very many only the number.
    fn note(&mut self, problem: Problem) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.unlisted += 1;
        }
    }

    fn add(&mut self, entry: Entry, name: String, depth: usize) {
        let data = match entry.data {
            Ok(data) => data,
            Err(fault) => return self.lost(name, fault),
        };
        let (first, error) = data.first_bytes();
        match Format::recognize(&first) {
            Format::Collection(archive) => match data.nested(depth, &mut self.room) {
                Ok(section) => self.list(archive, &section, &format!("{name}!/"), depth + 1),
                Err(fault) => self.lost(name, fault),
            },
            Format::Text | Format::Unknown | Format::Unread(_)
                if origin::is_of_collector(&name) =>
            {
                if name.ends_with("client_info.json") && self.host.is_none() {
                    self.host = data.start(MOST_OF_INFO).and_then(|info| origin::host_of(&info));
                }
                self.tables.0 += 1;
                self.tables.1.get_or_insert(name);
            }
            Format::Text | Format::Unknown | Format::Unread(_) if !is_named_as_evidence(&name) => {
                if let Some(error) = error {
                    return self.lost(name, MemberFault::CannotUnpack(error.to_string()));
                }
                self.others.0 += 1;
                self.others.1.get_or_insert(name);
            }
            _ => self.members.push(Member { name, size: entry.size, data }),
        }
    }
}

impl Member {
    /// Where it is from; `host` is that of its collection.
    #[must_use]
    pub fn origin(&self, host: Option<&str>) -> Option<Origin> {
        Origin::from_name(&self.name, host)
    }

    /// Opens it.
    ///
    /// # Errors
    /// Where the collection cannot be read.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        self.data.open()
    }
}

impl MemberData {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Plain(section) => Box::new(section.clone()),
            Self::Checked { packed, is_deflated: false, size, crc } => {
                Box::new(Checked::new(packed.clone(), *size, *crc))
            }
            Self::Checked { packed, is_deflated: true, size, crc } => {
                Box::new(Checked::inflating(packed.clone(), *size, *crc))
            }
        })
    }

    /// As many of the first bytes as show the format, and what stopped before that.
    fn first_bytes(&self) -> (Vec<u8>, Option<io::Error>) {
        let mut bytes = Vec::new();
        let read = self.open().and_then(|data| data.take(PEEK as u64).read_to_end(&mut bytes));
        (bytes, read.err())
    }

    /// The first bytes, at most this many.
    fn start(&self, most: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open().ok()?.take(most).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// The bytes of an archive inside an archive, where it can be searched; `room` is left for temporary files.
    fn nested(&self, depth: usize, room: &mut u64) -> Result<Section, MemberFault> {
        if depth > 0 {
            return Err(MemberFault::TooDeep);
        }
        match self {
            Self::Plain(section) => Ok(section.clone()),
            // Its own members have checksums, or are read whole.
            Self::Checked { packed, is_deflated: false, .. } => Ok(packed.clone()),
            Self::Checked { packed, is_deflated: true, size, .. } => {
                if is_too_much(packed.length(), *size) {
                    return Err(MemberFault::Expansion);
                }
                *room = room.checked_sub(*size).ok_or(MemberFault::NoRoom)?;
                let copied = scratch::file().and_then(|mut file| {
                    io::copy(&mut self.open()?, &mut file)?;
                    Section::whole(file)
                });
                copied.map_err(|error| MemberFault::CannotUnpack(error.to_string()))
            }
        }
    }
}

/// Whether a member unpacks to more than evidence does.
const fn is_too_much(packed: u64, unpacked: u64) -> bool {
    unpacked > ALWAYS_UNPACKED && unpacked > packed.saturating_mul(MOST_EXPANSION)
}

/// The most bytes that an archive that is unpacked in one go may unpack to.
fn most_unpacked(archive: &Section) -> u64 {
    ALWAYS_UNPACKED.max(archive.length().saturating_mul(MOST_EXPANSION))
}

/// A member's name: `/` between its parts, with hidden and control characters escaped. Names longer than any
/// system has are cut; names that become the same are distinguished by a number.
fn shown_name(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name).replace('\\', "/");
    let shown = shown_path(Path::new(text.trim_start_matches('/')));
    match shown.char_indices().nth(LONGEST_NAME) {
        Some((at, _)) => format!("{}…", shown.get(..at).unwrap_or_default()),
        None => shown,
    }
}

/// Whether the name of a file of unknown format suggests that it is evidence.
fn is_named_as_evidence(name: &str) -> bool {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
    matches!(end.as_str(), "evtx" | "evt" | "pcap" | "pcapng" | "cap" | "etl")
}

/// The limit for a collector's description of its host.
const MOST_OF_INFO: u64 = 1 << 16;
const MOST_MEMBERS: usize = 100_000;
const MOST_PROBLEMS: usize = 1000;
const LONGEST_NAME: usize = 1024;
