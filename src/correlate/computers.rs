//! Which logs belong to one computer.
//!
//! Logs in one folder whose records bear the same name do; a name without a domain means the only full
//! name in the folder that begins with it. Logs of a renamed computer do too: its log continues under the new
//! name, or event 6011 gives both names. Two computers that had the same name one after the other are kept
//! apart. The state of a host (`netsh wfp show state`) names no computer: its own addresses tell whose it is.

use crate::catalogue::SA_STATE;
use crate::eventlog::{LogEvent, StateFact};
use crate::summary::{LogId, LogPart, Summary};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The computers behind the logs.
pub(super) struct Computers {
    numbers: BTreeMap<LogId, usize>,
    names: Vec<String>,
    assumed: BTreeMap<LogId, AssumedName>,
}

/// The full name assumed for a log whose records name their computer without a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssumedName {
    /// The only name with a domain in the same folder that begins with it, in lower case. A host outside every
    /// domain may have the same first name.
    pub full: String,
    /// The addresses that events of this log itself name as the host's own.
    pub own_addresses: BTreeSet<IpAddr>,
}

impl Computers {
    pub(super) fn identify(summary: &Summary) -> Self {
        let mut sets = Sets { parent: (0..summary.logs.len()).collect() };
        let logs: Vec<(&LogId, &LogPart)> = summary.logs.iter().collect();
        let mut full_names: BTreeMap<(&str, String), BTreeSet<String>> = BTreeMap::new();
        let mut by_short: BTreeMap<(&str, String), Vec<usize>> = BTreeMap::new();
        let mut renames: BTreeMap<(&str, String), Rename> = BTreeMap::new();
        let mut assumed = BTreeMap::new();
        for (at, (_, log)) in logs.iter().enumerate() {
            let key = (log.folder.as_str(), short_name(&log.log.host));
            by_short.entry(key.clone()).or_default().push(at);
            if log.log.host.contains('.') {
                full_names.entry(key).or_default().insert(log.log.host.to_lowercase());
            }
            for rename in renames_of(log) {
                renames.entry((&log.folder, rename.from.clone())).or_insert(rename);
            }
        }
        for ((folder, short), same) in &by_short {
            let given_up = renames.get(&(*folder, short.clone())).map(|rename| rename.time);
            let mut known: BTreeMap<(String, bool), usize> = BTreeMap::new();
            for at in same {
                // Records without a computer name belong to no other computer.
                let named = logs.get(*at).filter(|(_, log)| !log.log.host.is_empty());
                let Some((id, log)) = named else { continue };
                let longer = full_names.get(&(*folder, short.clone()));
                let only = longer.filter(|all| all.len() == 1).and_then(|all| all.first());
                if let Some(full) = only.filter(|_| !log.log.host.contains('.')) {
                    let own_addresses = log.events.iter().filter_map(LogEvent::local).collect();
                    assumed.insert(**id, AssumedName { full: full.clone(), own_addresses });
                }
                let name = only.cloned().unwrap_or_else(|| log.log.host.to_lowercase());
                // A computer with the name after it was given up is another computer.
                let goes_on = given_up.zip(log.log.last_time).is_some_and(|(at, last)| last > at);
                sets.join(*at, *known.entry((name, goes_on)).or_insert(*at));
            }
        }
        let reaches = |at: &usize, time: Timestamp| {
            let last = logs.get(*at).and_then(|(_, log)| log.log.last_time);
            last.is_some_and(|last| last > time)
        };
        for ((folder, from), rename) in &renames {
            let before = by_short.get(&(*folder, from.clone())).into_iter().flatten();
            let before = before.copied().find(|at| !reaches(at, rename.time));
            let after = by_short.get(&(*folder, rename.to.clone())).and_then(|all| all.first());
            if let Some((one, other)) = before.zip(after) {
                sets.join(one, *other);
            }
        }
        join_names_of_files(&logs, &mut sets);
        join_states(&logs, &mut sets);
        let numbers: BTreeMap<LogId, usize> =
            logs.iter().enumerate().map(|(at, (id, _))| (**id, sets.root(at))).collect();
        let mut latest: BTreeMap<usize, (Option<Timestamp>, &str)> = BTreeMap::new();
        for (at, (_, log)) in logs.iter().enumerate().filter(|(_, (_, l))| !l.log.host.is_empty()) {
            let name = (log.log.last_time, log.log.host.as_str());
            let known = latest.entry(sets.root(at)).or_insert(name);
            *known = (*known).max(name);
        }
        let name = |at| latest.get(&at).map_or("", |(_, name)| *name).to_owned();
        Self { numbers, names: (0..logs.len()).map(name).collect(), assumed }
    }

    /// The number of a log's computer: equal for logs of one computer.
    pub(super) fn number(&self, log: LogId) -> usize {
        self.numbers.get(&log).copied().unwrap_or(usize::MAX)
    }

    /// The logs whose records name their computer without its domain.
    pub(super) const fn assumed(&self) -> &BTreeMap<LogId, AssumedName> {
        &self.assumed
    }

    /// The last name that a computer had; empty where no record names it.
    pub(super) fn name(&self, number: usize) -> &str {
        self.names.get(number).map_or("", String::as_str)
    }
}

/// A computer that took another name, by short names.
struct Rename {
    from: String,
    to: String,
    time: Timestamp,
}

/// Event 6011 gives the NetBIOS name before and after; a log that continues under another name shows it by its
/// record numbers.
fn renames_of(log: &LogPart) -> Vec<Rename> {
    let to = short_name(&log.log.host);
    let by_numbers = log.log.renamed_from.as_ref().zip(log.log.first_time);
    let by_numbers = by_numbers.map(|(from, time)| Rename { from: short_name(from), to, time });
    let by_events =
        log.events.iter().filter(|event| event.event_id == RENAMED && is_eventlog(event));
    let by_events = by_events.filter_map(|event| {
        let [(_, from), (_, to), ..] = &event.fields[..] else { return None };
        let (from, to) = (short_name(from.trim()), short_name(to.trim()));
        Some(Rename { from, to, time: event.time? })
    });
    by_events
        .chain(by_numbers)
        .filter(|rename| rename.from != rename.to)
        .take(MOST_RENAMES)
        .collect()
}

/// A log file that goes on under another name shows all its names to be of one computer, also a name that was
/// taken back.
fn join_names_of_files(logs: &[(&LogId, &LogPart)], sets: &mut Sets) {
    let by_name = |host: &str, id: &LogId| (id.evidence, host.to_lowercase());
    let own = logs.iter().enumerate().filter(|(_, (_, log))| !log.log.trust.is_selection);
    let places: BTreeMap<_, usize> =
        own.map(|(at, (id, log))| (by_name(&log.log.host, id), at)).collect();
    for (at, (id, log)) in logs.iter().enumerate() {
        let before = log.log.renamed_from.as_ref().and_then(|from| places.get(&by_name(from, id)));
        before.into_iter().for_each(|before| sets.join(at, *before));
    }
}

/// The state of a host names no computer. It is of the one computer of its folder whose records name one of its own
/// addresses as theirs; where none does, or several do, it stays nobody's.
fn join_states(logs: &[(&LogId, &LogPart)], sets: &mut Sets) {
    let mut named: BTreeMap<(&str, IpAddr), BTreeSet<usize>> = BTreeMap::new();
    for (at, (_, log)) in logs.iter().enumerate().filter(|(_, (_, log))| !log.log.host.is_empty()) {
        for own in log.events.iter().filter_map(LogEvent::local) {
            named.entry((&log.folder, own)).or_default().insert(at);
        }
    }
    for (at, (_, log)) in logs.iter().enumerate() {
        if !log.log.host.is_empty() || log.log.channel != SA_STATE {
            continue;
        }
        let own: BTreeSet<IpAddr> = log.events.iter().filter_map(own_address).collect();
        let theirs = own.iter().filter_map(|own| named.get(&(log.folder.as_str(), *own)));
        let computers: BTreeSet<usize> = theirs.flatten().map(|log| sets.root(*log)).collect();
        if let Some(computer) = computers.first().filter(|_| computers.len() == 1) {
            sets.join(at, *computer);
        }
    }
}

/// The host's own address in a record of its state.
fn own_address(event: &LogEvent) -> Option<IpAddr> {
    match event.state_fact() {
        Some(StateFact::Connection(listed)) => Some(listed.local),
        Some(StateFact::Filter(_) | StateFact::Policy(_) | StateFact::Counters(_)) => None,
        None => event.local(),
    }
}

fn is_eventlog(event: &LogEvent) -> bool {
    event.provider.eq_ignore_ascii_case("EventLog")
}

/// A computer's name without its domain, in lower case: logs write it either way.
pub(crate) fn short_name(host: &str) -> String {
    host.split('.').next().unwrap_or_default().to_lowercase()
}

/// Sets that grow together.
struct Sets {
    parent: Vec<usize>,
}

impl Sets {
    fn root(&self, of: usize) -> usize {
        let mut at = of;
        while let Some(above) = self.parent.get(at).filter(|above| **above != at) {
            at = *above;
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (low, high) =
            (self.root(one).min(self.root(other)), self.root(one).max(self.root(other)));
        if let Some(parent) = self.parent.get_mut(high) {
            *parent = low;
        }
    }
}

/// The event log service on a changed name (winevt-kb, EventLog).
const RENAMED: u16 = 6011;
/// Renames that are taken from one log.
const MOST_RENAMES: usize = 16;
