//! Files inside archives: each is unpacked and compared by itself.

use super::Outcome;
use crate::evidence::{Collection, HashedBy, Hashing, Member};
use crate::report::schema::Input;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// The files of an archive by their names in it, or why it cannot be read.
type Listed = Result<BTreeMap<String, Member>, String>;

/// Archives that were opened, the last one held.
#[derive(Default)]
pub(super) struct Members {
    opened: Option<(PathBuf, Listed)>,
}

impl Members {
    /// Compares a member of the archive at a place.
    pub(super) fn check(&mut self, input: &Input, place: &Path) -> Outcome {
        let is_open = self.opened.as_ref().is_some_and(|(path, _)| path == place);
        if !is_open {
            self.opened = Some((place.to_owned(), listed(place)));
        }
        let Some((_, listed)) = &self.opened else { return Outcome::Missing };
        let members = match listed {
            Ok(members) => members,
            Err(why) => return Outcome::Unchecked(format!("its archive cannot be read: {why}")),
        };
        let mut ends =
            input.path.match_indices("!/").take(MOST_LAYERS).map(|(at, mark)| at + mark.len());
        let member = ends.find_map(|at| members.get(input.path.get(at..)?));
        let Some(member) = member else { return Outcome::Missing };
        let Some(sha256) = &input.sha256 else {
            return Outcome::Unchecked("its SHA-256 was not recorded".to_owned());
        };
        match digest(member) {
            Ok(found) if found.eq_ignore_ascii_case(sha256) => Outcome::Unchanged,
            Ok(found) => {
                Outcome::Different(format!("has SHA-256 {found}, the manifest says {sha256}"))
            }
            Err(error) => Outcome::Unchecked(format!("it cannot be read: {error}")),
        }
    }
}

/// The path of the archive that a path leads into, of those that are known.
pub(super) fn collection_of<'p>(path: &'p str, known: &BTreeSet<&str>) -> Option<&'p str> {
    let mut outer = path.match_indices("!/").take(MOST_LAYERS).filter_map(|(at, _)| path.get(..at));
    outer.find(|outer| known.contains(outer))
}

fn listed(place: &Path) -> Listed {
    match Collection::open(place) {
        Ok(Some(collection)) => {
            let named = collection.members.into_iter().map(|member| (member.name.clone(), member));
            Ok(named.collect())
        }
        Ok(None) => Err("it is no longer an archive".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn digest(member: &Member) -> io::Result<String> {
    let mut bytes = Hashing::new(member.open()?, HashedBy::Reader);
    bytes.drain()?;
    bytes.finish().ok_or_else(|| io::Error::other("no digest was taken"))
}

/// Marks `!/` of a path that may end the name of an archive; a forged path may hold millions.
const MOST_LAYERS: usize = 8;
