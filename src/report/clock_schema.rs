//! What report.json shows of a log's clock.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How wrong a log's clock was.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ClockOffset {
    /// The computer.
    pub host: String,
    /// The log's id.
    pub evidence: String,
    /// Log time less capture time.
    #[schemars(with = "Option<f64>")]
    pub seconds: Option<Box<RawValue>>,
    /// How it was found.
    pub method: String,
    /// Exact joins it rests on.
    pub matches: u64,
    /// The largest less the smallest of them.
    #[schemars(with = "f64")]
    pub spread_seconds: Box<RawValue>,
    /// Joins that disagree with the others and were left out.
    #[serde(default)]
    pub rejected: u64,
    /// No time of the log, as corrected, is off by more; null without an offset.
    #[schemars(with = "Option<f64>")]
    #[serde(default)]
    pub error_seconds: Option<Box<RawValue>>,
    /// How much faster than the captures' clock it ran, in parts of a million; null where the joins
    /// are too few or too close together.
    #[schemars(with = "Option<f64>")]
    #[serde(default)]
    pub drift_ppm: Option<Box<RawValue>>,
    /// When it was set, in the log's order.
    #[serde(default)]
    pub steps: Vec<ClockStep>,
}

/// A setting of a log's clock.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ClockStep {
    /// The record that says so, or the first one after it.
    pub record: u64,
    /// By how much, forward is positive; null where nothing shows.
    #[schemars(with = "Option<f64>")]
    pub seconds: Option<Box<RawValue>>,
    /// `record` where one says so, `joins` where only they show it.
    pub told_by: String,
}
