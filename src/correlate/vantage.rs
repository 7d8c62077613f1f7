//! Where captures were taken, as far as the user states it or their content proves it.

use crate::evidence::EvidenceId;
use crate::summary::{Summary, Vantage};
use std::collections::BTreeMap;

/// The vantage of every capture for which it is known.
pub(super) fn of_captures(summary: &Summary) -> BTreeMap<EvidenceId, Vantage> {
    let captures = summary.captures.iter();
    captures.filter_map(|(evidence, capture)| Some((*evidence, capture.vantage()?))).collect()
}
