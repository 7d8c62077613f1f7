//! What reading one file came to: the file as it was found, and its share of the summary.

use super::{Count, Summary};
use crate::evidence::{
    Content, Evidence, EvidenceId, Extent, Format, Problem, ProblemKind, SummaryProblem,
};
use crate::time::Resolution;
use serde::{Deserialize, Serialize};

/// One file that was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    /// The file.
    pub evidence: Evidence,
    /// Its share of the summary; empty where nothing could be read.
    pub summary: Summary,
    /// Frames left out because they lie outside the span that was asked for.
    pub outside_span: Count,
}

impl Part {
    /// Puts a name before its path, so that files of several machines with the same path stay apart.
    pub fn label(&mut self, label: &str) {
        self.evidence.path = labelled(label, &self.evidence.path);
        for log in self.summary.logs.values_mut() {
            log.folder = labelled(label, &log.folder);
        }
    }

    /// Leaves nothing of it but that it is there: its bytes are counted in one bucket, and a problem says
    /// why.
    pub fn set_aside(&mut self, bucket: &'static str, kind: impl Into<ProblemKind>) {
        let evidence = &mut self.evidence;
        evidence.problems = vec![Problem::of_file(kind, None)];
        evidence.content = Content::Nothing;
        evidence.records = 0;
        evidence.span = None;
        evidence.truncated_at = None;
        let all = Extent { bytes: evidence.content_size(), records: 0 };
        evidence.coverage = [(bucket.into(), all)].into();
        self.summary = Summary::default();
        self.outside_span = Count::default();
    }
}

/// A path behind the name of the machine that it is of.
#[must_use]
pub fn labelled(label: &str, path: &str) -> String {
    format!("{label}/{}", path.trim_start_matches('/'))
}

/// A file that was read elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Member {
    /// Its path as it was found, with `/` between the parts.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its identity, where it was taken.
    pub sha256: Option<String>,
}

impl Member {
    /// The file of a part.
    #[must_use]
    pub fn of(evidence: &Evidence) -> Self {
        let Evidence { path, size, sha256, .. } = evidence;
        Self { path: path.clone(), size: *size, sha256: sha256.clone() }
    }

    /// The file as far as it is known without its summary; `kind` says why that is.
    #[must_use]
    pub(super) fn without_summary(self, id: EvidenceId, kind: SummaryProblem) -> Part {
        let Self { path, size, sha256 } = self;
        let evidence = Evidence {
            id,
            path,
            format: Format::Unknown,
            origin: None,
            packed: None,
            content: Content::Nothing,
            size,
            sha256,
            records: 0,
            span: None,
            resolution: Resolution::NANOSECONDS,
            truncated_at: None,
            coverage: [].into(),
            problems: Vec::new(),
        };
        let mut part =
            Part { evidence, summary: Summary::default(), outside_span: Count::default() };
        part.set_aside(kind.code().as_str(), kind);
        part
    }
}
