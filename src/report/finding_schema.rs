//! Findings and what proves them, as report.json has them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Items of one file that prove something.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// The file's id.
    pub evidence: String,
    /// Frames of a capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<Vec<u64>>,
    /// Records of a log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<Vec<u64>>,
}

/// One statement.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `F1`, `F2`, …
    pub id: String,
    /// Which rule says it.
    pub code: String,
    /// `critical`, `high`, `medium`, `low` or `info`.
    pub severity: String,
    /// `high`, `medium` or `low`.
    pub confidence: String,
    /// The statement.
    pub title: String,
    /// What it rests on.
    pub detail: String,
    /// Whom it concerns, as `A - B`.
    pub pair: Option<String>,
    /// Its first moment.
    pub start: Option<String>,
    /// Its last moment.
    pub end: Option<String>,
    /// What proves it.
    pub evidence: Vec<Proof>,
    /// The windows it names.
    pub windows: Vec<String>,
    /// The causes it names.
    pub causes: Vec<String>,
    /// What to do.
    pub advice: Vec<String>,
    /// The controls of standards that it touches.
    #[serde(default)]
    pub controls: Vec<String>,
    /// The same for the same finding of the same files, whatever else is analysed beside them: of its code, its
    /// pair, and the digests and items of what proves it.
    #[serde(default)]
    pub stable_id: String,
    /// A command line for each capture that it cites: what shows its packets there, and as `-Y` the display
    /// filter for Wireshark's own window.
    #[serde(default)]
    pub tshark: Vec<String>,
    /// An expression that finds the sessions of its pair in Arkime; null where it concerns no pair.
    #[serde(default)]
    pub arkime: Option<String>,
}
