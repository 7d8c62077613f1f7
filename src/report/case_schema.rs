//! The types of case data, and nothing else.
//!
//! A promise like the rest of report.json's: fields are added and never renamed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What `--case` says; null where a value was not given.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct Case {
    /// The number of the case or order.
    pub number: Option<String>,
    /// The organisation that is examined or that gave the order.
    pub organisation: Option<String>,
    /// Who makes the examination.
    pub examiner: Option<String>,
    /// What it is made for.
    pub purpose: Option<String>,
    /// Anything else, in one or more lines.
    pub notes: Option<String>,
    /// The time zone for display: an offset from UTC, or a name of the IANA database.
    pub time_zone: Option<String>,
}
