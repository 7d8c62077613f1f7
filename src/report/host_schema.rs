//! The names of addresses, as report.json has them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A name of an address.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// The address.
    pub address: String,
    /// The host that has it, as the policy spells it, else as the log does.
    pub name: String,
    /// What says so: `policy`, `event` (an event of the host's log names the address as its own) or `connection`
    /// (the host opened connections from it).
    pub sources: Vec<String>,
    /// The logs that say so.
    pub evidence: Vec<String>,
    /// Another host has the address too; neither name is preferred.
    pub ambiguous: bool,
}
