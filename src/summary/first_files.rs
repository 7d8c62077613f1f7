//! Which files are one capture: those that continue each other, as a capture program writes them.

use super::{CaptureSummary, Summary};
use crate::evidence::EvidenceId;
use crate::hosts::HostPair;
use std::collections::{BTreeMap, BTreeSet};

/// The first file of the capture that each file belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstFiles(BTreeMap<EvidenceId, EvidenceId>);

impl FirstFiles {
    /// The first file of those that a file continues; itself where it continues none.
    #[must_use]
    pub fn of(&self, file: EvidenceId) -> EvidenceId {
        self.0.get(&file).copied().unwrap_or(file)
    }

    /// How many captures there are.
    #[must_use]
    pub fn captures(&self) -> usize {
        self.0.values().collect::<BTreeSet<_>>().len()
    }
}

impl Summary {
    /// The first files of all captures.
    #[must_use]
    pub fn first_files(&self) -> FirstFiles {
        let first = |files: &Vec<EvidenceId>| files.first().copied();
        let each = self.sequences.iter().filter_map(|files| Some((first(files)?, files)));
        FirstFiles(
            each.flat_map(|(first, files)| files.iter().map(move |id| (*id, first))).collect(),
        )
    }

    /// The files of each capture by its first one, in the order of their numbers.
    #[must_use]
    pub fn files_of_captures(&self) -> BTreeMap<EvidenceId, Vec<&CaptureSummary>> {
        let first_files = self.first_files();
        let mut captures: BTreeMap<EvidenceId, Vec<&CaptureSummary>> = BTreeMap::new();
        for (file, capture) in &self.captures {
            captures.entry(first_files.of(*file)).or_default().push(capture);
        }
        captures
    }

    /// By the first file of a capture, the pairs whose packets it shows a second time, before or after IPsec, in
    /// whichever of its files.
    #[must_use]
    pub fn shown_again(&self) -> BTreeSet<(EvidenceId, HostPair)> {
        let first_files = self.first_files();
        let of_file = |(file, capture): (&EvidenceId, &CaptureSummary)| {
            let first = first_files.of(*file);
            let pairs: Vec<HostPair> = capture.shown_again().collect();
            pairs.into_iter().map(move |pair| (first, pair))
        };
        self.captures.iter().flat_map(of_file).collect()
    }
}
