//! What `plainsight compare` shows: two reports, pair by pair.

use super::schema::Tool;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Two reports beside each other.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// The version of this layout.
    pub schema_version: String,
    /// What wrote it.
    pub tool: Tool,
    /// What was given first.
    pub before: Side,
    /// What was given second.
    pub after: Side,
    /// Every pair that requires protection in one of them, the worst change first.
    pub pairs: Vec<PairChange>,
}

/// One of the two.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    /// The paths that its report is about.
    pub paths: Vec<String>,
    /// Its verdict.
    pub verdict: String,
    /// Frames judged.
    pub frames: u64,
    /// Time of its first frame.
    pub first_time: Option<String>,
    /// Time of its last.
    pub last_time: Option<String>,
}

/// What became of a pair.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PairChange {
    /// The lower address.
    pub a: String,
    /// The higher address.
    pub b: String,
    /// `opened`, `still_open`, `clear_unjudged`, `not_seen_after`, `closed`, `newly_protected` or
    /// `still_protected`.
    pub change: String,
    /// What it means, and what it does not.
    pub meaning: String,
    /// Before; null where the pair was not seen.
    pub before: Option<PairState>,
    /// After; null where the pair was not seen.
    pub after: Option<PairState>,
}

/// A pair in one report.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PairState {
    /// Its verdict.
    pub verdict: String,
    /// Its cleartext windows.
    pub windows: u64,
    /// Packets in them.
    pub leaked: u64,
    /// Packets under ESP or AH.
    pub protected: u64,
    /// All clear packets, whether they required protection or not.
    pub clear: u64,
    /// What opened its windows: the leading reason of each, every reason once.
    pub opened_by: Vec<String>,
    /// What kept its windows open, likewise.
    pub kept_open_by: Vec<String>,
    /// What closed its windows, likewise.
    pub closed_by: Vec<String>,
}
