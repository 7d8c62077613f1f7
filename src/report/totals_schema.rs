//! What report.json says in sums: totals over all captures, by class, and TLS servers by name.

use super::schema::{Count, FrameRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Sums over all captures.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Frames judged.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// By protection class.
    pub by_class: ByClass,
    /// Clear frames by application.
    pub by_app: BTreeMap<String, Count>,
    /// Frames that show a packet again.
    pub artefacts: BTreeMap<String, Count>,
    /// Why frames could not be decoded.
    pub undecodable_reasons: BTreeMap<String, u64>,
    /// Frames that `from` and `to` left out.
    pub outside_span: Count,
    /// Pairs that were folded because there were too many.
    #[serde(default)]
    pub folded_pairs: FoldedPairs,
}

/// Pairs that are reported in one sum.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct FoldedPairs {
    /// How often a pair was folded; one that talked again counts again.
    pub pairs: u64,
    /// Their frames.
    pub frames: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
}

/// Frames by protection class; every class is named.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the classes of `ProtectionClass`")]
pub struct ByClass {
    pub esp: Count,
    pub esp_null: Count,
    pub ah: Count,
    pub ike: Count,
    pub natt_keepalive: Count,
    pub exempt: Count,
    pub clear: Count,
    pub non_ip: Count,
    pub undecodable: Count,
}

/// A TLS server by the name that clients asked for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TlsServer {
    /// The name; null where clients said none.
    pub server_name: Option<String>,
    /// The versions that it chose: `TLS 1.2`, `TLS 1.3`, …
    pub versions: Vec<String>,
    /// Greetings of clients and servers.
    pub hellos: u64,
    /// The first of them.
    pub first: FrameRef,
}
