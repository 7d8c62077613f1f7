//! What report.json says beside a verdict: what limits it, since when protection was required, and what each
//! side of a window sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the evidence does not show, or does not prove.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct VerdictLimit {
    /// From the closed list in docs/report.md.
    pub code: String,
    /// The limit in a sentence.
    pub text: String,
    /// How much: frames, packets, pairs or rules, as the sentence says.
    pub count: u64,
    /// The files concerned.
    pub evidence: Vec<String>,
}

/// What had to be protected of the connections that one host opens.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct DirectedExpectation {
    /// The host that opens them.
    pub opened_by: String,
    /// `required`, `exempt` or `none`.
    pub expectation: String,
    /// Where that comes from, as in `expectation_source`.
    pub source: String,
}

/// The time for which a source shows that protection was required.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct ExpectationSpan {
    /// What shows it, as in `expectation_source`.
    pub source: String,
    /// Since when.
    pub start: String,
    /// Until when.
    pub end: String,
}

/// What one side of a window sent.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct Way {
    /// Its clear packets.
    pub packets: u64,
    /// Bytes of payload behind their transport headers.
    pub payload_bytes: u64,
    /// The other side sent in clear as well.
    pub answered: bool,
}
