//! Findings by pair, and what to do: steps of one finding with it, steps of several once for all of them.

use crate::findings::PRESERVE;
use crate::report::schema::Finding;
use std::collections::{BTreeMap, BTreeSet};

/// The findings of one pair, or those that concern none.
pub(super) struct Group<'a> {
    /// `A - B`; `None` for those about the evidence as a whole.
    pub(super) pair: Option<&'a str>,
    pub(super) findings: Vec<Advised<'a>>,
}

/// A finding and the steps that are its own.
pub(super) struct Advised<'a> {
    pub(super) finding: &'a Finding,
    pub(super) steps: Vec<&'a str>,
}

/// A step that several findings ask for.
pub(super) struct SharedStep<'a> {
    pub(super) text: &'a str,
    /// The findings, by id.
    pub(super) findings: Vec<&'a str>,
}

/// Groups in the order of their worst finding, and the steps that several findings share.
pub(super) fn groups(findings: &[Finding]) -> (Vec<Group<'_>>, Vec<SharedStep<'_>>) {
    let mut asked: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for finding in findings {
        let steps: BTreeSet<&str> = finding.advice.iter().map(|step| own_words(step)).collect();
        for step in steps {
            asked.entry(step).or_default().push(&finding.id);
        }
    }
    let is_shared = |step: &str| asked.get(step).is_some_and(|findings| findings.len() > 1);
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    let (mut shared, mut reported) = (Vec::new(), BTreeSet::new());
    for finding in findings {
        let pair = finding.pair.as_deref();
        let place = *places.entry(pair).or_insert_with(|| {
            groups.push(Group { pair, findings: Vec::new() });
            groups.len() - 1
        });
        let steps = finding.advice.iter().map(|step| own_words(step));
        for step in steps.clone().filter(|step| is_shared(step)) {
            if reported.insert(step) {
                let findings = asked.get(step).cloned().unwrap_or_default();
                shared.push(SharedStep { text: step, findings });
            }
        }
        let own = steps.filter(|step| !is_shared(step)).collect();
        if let Some(group) = groups.get_mut(place) {
            group.findings.push(Advised { finding, steps: own });
        }
    }
    (groups, shared)
}

/// A step without the one that the page's own list begins with.
fn own_words(step: &str) -> &str {
    step.strip_prefix(PRESERVE).map_or(step, str::trim_start)
}
