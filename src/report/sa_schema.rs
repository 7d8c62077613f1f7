//! The types of report.json for security associations.

use super::schema::Proof;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An SPI of ESP or AH in one direction.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Sa {
    /// The SPI.
    pub spi: String,
    /// Who sent its packets.
    pub source: String,
    /// Who received them.
    pub destination: String,
    /// How many.
    pub frames: u64,
    /// Time of the first.
    #[serde(default)]
    pub first_time: String,
    /// Time of the last.
    #[serde(default)]
    pub last_time: String,
    /// Whether more than the header says that they are ESP or AH.
    pub corroborated: bool,
    /// What does: `log`, `packets`, `ike_sa` or `other_spi`.
    pub by: Option<String>,
}

/// Security associations that use the same algorithms.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EspAlgorithms {
    /// Their names, parted by `/`; `unknown` where nothing shows them.
    pub algorithms: String,
    /// The SPIs that use them, as the captures show them.
    pub spis: Vec<String>,
    /// The records that name them.
    pub evidence: Vec<Proof>,
}
