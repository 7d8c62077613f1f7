//! Two reports beside each other: what closed, what stayed, what is new.
//!
//! The restart test of the old method: capture, restart, capture again. A pair that is not seen any more
//! is not fixed, and clear text that nobody judged is not allowed: both have words of their own.

use super::compare_schema::{Comparison, PairChange, PairState, Side};
use super::schema::{Pair, Report, Window};
use std::collections::{BTreeMap, BTreeSet};

/// What became of a pair, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Opened,
    StillOpen,
    ClearUnjudged,
    NotSeenAfter,
    Closed,
    NewlyProtected,
    StillProtected,
}

impl Change {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::StillOpen => "still_open",
            Self::ClearUnjudged => "clear_unjudged",
            Self::NotSeenAfter => "not_seen_after",
            Self::Closed => "closed",
            Self::NewlyProtected => "newly_protected",
            Self::StillProtected => "still_protected",
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Opened => "traffic that must be protected passed in clear after, and not before",
            Self::StillOpen => "traffic that must be protected passed in clear before and after",
            Self::ClearUnjudged => {
                "one report requires protection for the pair; the other shows clear text and did not judge it: analyze that evidence with --protect"
            }
            Self::NotSeenAfter => {
                "after: no traffic that must be protected was seen, or too little could be judged; that proves nothing"
            }
            Self::Closed => {
                "traffic that must be protected passed in clear before; after, all traffic seen was protected"
            }
            Self::NewlyProtected => {
                "protected after; before, no traffic that must be protected was seen"
            }
            Self::StillProtected => "protected before and after, as far as seen",
        }
    }
}

/// The leading reasons of a pair's windows in words, a role each; nothing where there is no window.
#[must_use]
pub fn roles(state: &PairState) -> Vec<String> {
    let roles = [
        ("opened by", &state.opened_by),
        ("kept open by", &state.kept_open_by),
        ("closed by", &state.closed_by),
    ];
    let named = roles.into_iter().filter(|(_, reasons)| !reasons.is_empty());
    named
        .map(|(role, reasons)| format!("{role} {}", reasons.join(", ").replace('_', " ")))
        .collect()
}

/// Holds two reports against each other.
#[must_use]
pub fn compare(before: &Report, after: &Report) -> Comparison {
    let (old, new) = (states(before), states(after));
    let mut pairs: Vec<(Change, PairChange)> = Vec::new();
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in names {
        let (old, new) = (old.get(name), new.get(name));
        let is_required = |known: Option<&Known>| known.is_some_and(|known| known.is_required);
        if !is_required(old) && !is_required(new) {
            continue;
        }
        let change = change(old, new);
        let reported = PairChange {
            a: name.0.clone(),
            b: name.1.clone(),
            change: change.as_str().to_owned(),
            meaning: change.meaning().to_owned(),
            before: old.map(|known| known.state.clone()),
            after: new.map(|known| known.state.clone()),
        };
        pairs.push((change, reported));
    }
    pairs.sort_by(|one, other| (one.0, &one.1.a, &one.1.b).cmp(&(other.0, &other.1.a, &other.1.b)));
    Comparison {
        schema_version: super::build::SCHEMA_VERSION.to_owned(),
        tool: super::build::tool(),
        before: side(before),
        after: side(after),
        pairs: pairs.into_iter().map(|(_, reported)| reported).collect(),
    }
}

struct Known {
    is_required: bool,
    state: PairState,
}

impl Known {
    fn leaks(&self) -> bool {
        matches!(self.state.verdict.as_str(), "unprotected" | "partially_protected")
    }

    fn is_protected(&self) -> bool {
        self.state.verdict == "protected"
    }

    /// It talked in clear and its report demanded nothing of it.
    fn is_unjudged(&self) -> bool {
        !self.is_required && self.state.clear > 0
    }
}

fn change(before: Option<&Known>, after: Option<&Known>) -> Change {
    let leaked = before.is_some_and(Known::leaks);
    let unjudged = |known: Option<&Known>| known.is_some_and(Known::is_unjudged);
    match after {
        Some(after) if after.leaks() && leaked => Change::StillOpen,
        // Where the first report judged nothing, the leak may be an old one.
        Some(after) if after.leaks() && unjudged(before) => Change::ClearUnjudged,
        Some(after) if after.leaks() => Change::Opened,
        Some(after) if after.is_unjudged() => Change::ClearUnjudged,
        Some(after) if after.is_protected() && leaked => Change::Closed,
        Some(after) if after.is_protected() && unjudged(before) => Change::ClearUnjudged,
        Some(after) if after.is_protected() && before.is_some_and(Known::is_protected) => {
            Change::StillProtected
        }
        Some(after) if after.is_protected() => Change::NewlyProtected,
        Some(_) | None => Change::NotSeenAfter,
    }
}

fn states(report: &Report) -> BTreeMap<(String, String), Known> {
    let mut windows: BTreeMap<(&str, &str), Windows<'_>> = BTreeMap::new();
    for window in &report.windows {
        windows.entry((&window.a, &window.b)).or_default().add(window);
    }
    let state = |pair: &Pair| {
        let of_pair = windows.get(&(pair.a.as_str(), pair.b.as_str())).cloned().unwrap_or_default();
        let listed = |reasons: &BTreeSet<&str>| reasons.iter().map(|r| (*r).to_owned()).collect();
        let classes = &pair.by_class;
        PairState {
            verdict: pair.verdict.clone(),
            windows: of_pair.number,
            leaked: of_pair.packets,
            protected: classes.esp.frames + classes.ah.frames,
            clear: classes.clear.frames,
            opened_by: listed(&of_pair.opened_by),
            kept_open_by: listed(&of_pair.kept_open_by),
            closed_by: listed(&of_pair.closed_by),
        }
    };
    let known =
        |pair: &Pair| Known { is_required: pair.expectation == "required", state: state(pair) };
    report.pairs.iter().map(|pair| ((pair.a.clone(), pair.b.clone()), known(pair))).collect()
}

/// The windows of a pair: how many, their packets, and the leading reason of each role.
#[derive(Clone, Default)]
struct Windows<'a> {
    number: u64,
    packets: u64,
    opened_by: BTreeSet<&'a str>,
    kept_open_by: BTreeSet<&'a str>,
    closed_by: BTreeSet<&'a str>,
}

impl<'a> Windows<'a> {
    fn add(&mut self, window: &'a Window) {
        self.number += 1;
        self.packets += window.frames;
        self.opened_by.extend(window.opened_by.first().map(|cause| cause.reason.as_str()));
        self.kept_open_by.extend(window.kept_open_by.first().map(|kept| kept.reason.as_str()));
        self.closed_by.extend(window.closed_by.first().map(|cause| cause.reason.as_str()));
    }
}

fn side(report: &Report) -> Side {
    let captures = || report.evidence.iter().filter(|file| file.kind == "capture");
    Side {
        paths: report.options.paths.clone(),
        verdict: report.verdict.clone(),
        frames: report.totals.frames,
        first_time: captures().filter_map(|file| file.first_time.clone()).min(),
        last_time: captures().filter_map(|file| file.last_time.clone()).max(),
    }
}
