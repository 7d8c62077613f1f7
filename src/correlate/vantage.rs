//! Where captures were taken, as far as the user says it or what they show proves it.

use crate::evidence::EvidenceId;
use crate::summary::{Summary, Vantage};
use std::collections::BTreeMap;

/// The place of every capture of which it is known.
pub(super) fn of_captures(summary: &Summary) -> BTreeMap<EvidenceId, Vantage> {
    let captures = summary.captures.iter();
    captures.filter_map(|(evidence, capture)| Some((*evidence, capture.vantage()?))).collect()
}
