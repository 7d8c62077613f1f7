//! Collections opened: each file of an archive is read as one of a folder.

use crate::evidence::{Collection, CollectionProblem, Found, Member, Origin, Problem};
use std::io;

/// A file that is to be read: of a folder, or of a collection.
pub(super) struct Item {
    pub(super) found: Found,
    /// What it is in its collection.
    pub(super) member: Option<Member>,
    /// It is a collection itself: what could not be read of it.
    pub(super) collection: Option<Remarks>,
    /// Where it is from.
    pub(super) origin: Option<Origin>,
}

/// What is to be said of a collection beside its members.
pub(super) struct Remarks {
    pub(super) problems: Vec<Problem>,
    /// How many files it holds, read or not.
    pub(super) files: u64,
}

/// The files, each collection followed by its members; all in order of the paths shown.
pub(super) fn opened(found: Vec<Found>) -> Vec<Item> {
    let mut items = Vec::with_capacity(found.len());
    for file in found {
        let is_readable = file.problem.is_none() && file.own.is_none() && !file.is_stream;
        // Where it cannot be looked into, reading it says why.
        let collection =
            if is_readable { Collection::open(&file.path).ok().flatten() } else { None };
        let Some(collection) = collection else {
            items.push(Item { found: file, member: None, collection: None, origin: None });
            continue;
        };
        let Collection { members, mut problems, others, tables, host, .. } = collection;
        let files = members.len() as u64 + others.0 + tables.0;
        if let (count, Some(first)) = tables {
            let kind = CollectionProblem::CollectorTables { count, first };
            problems.push(Problem::of_file(kind, Some(0)));
        }
        if let (count, Some(first)) = others {
            let kind = CollectionProblem::OtherFormats { count, first };
            problems.push(Problem::of_file(kind, Some(0)));
        }
        let within = members.into_iter().map(|member| {
            let shown = format!("{}!/{}", file.shown, member.name);
            let found = Found { shown, explicit: false, size: member.size, ..file.clone() };
            let origin = member.origin(host.as_deref());
            Item { found, member: Some(member), collection: None, origin }
        });
        let within: Vec<Item> = within.collect();
        items.push(Item {
            found: file,
            member: None,
            collection: Some(Remarks { problems, files }),
            origin: host.map(|host| Origin { path: None, host: Some(host) }),
        });
        items.extend(within);
    }
    items.sort_by(|one, other| one.found.shown.cmp(&other.found.shown));
    items
}

/// The member of a collection with this path, as [`opened`] shows it, where there is one.
pub(super) fn member(path: &std::path::Path, shown: &str) -> io::Result<Option<Member>> {
    let Some(collection) = Collection::open(path)? else { return Ok(None) };
    let mut members = collection.members.into_iter();
    Ok(members.find(|member| shown.ends_with(&format!("!/{}", member.name))))
}
