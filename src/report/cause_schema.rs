//! What opened a window, kept it open or closed it, as report.json has it. How it is found: docs/causes.md.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a window opened, or how it closed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// The exchanges and events it rests on.
    pub refs: Vec<String>,
    /// The reason.
    pub reason: String,
    /// `high`, `medium` or `low`.
    pub confidence: String,
    /// 0 to 100.
    pub score: u8,
    /// The sentence that says why.
    pub why: String,
    /// What speaks against it.
    pub against: Vec<String>,
}

/// What kept a window open.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KeptOpen {
    /// The exchanges and events it rests on.
    pub refs: Vec<String>,
    /// The reason.
    pub reason: String,
    /// `high`, `medium` or `low`.
    pub confidence: String,
    /// 0 to 100.
    pub score: u8,
    /// The sentence that says why.
    pub why: String,
    /// What speaks against it.
    pub against: Vec<String>,
    /// From when, inside the window.
    pub start: String,
    /// Until when, inside the window.
    pub end: String,
}
