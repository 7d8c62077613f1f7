//! The types of report.json, and nothing else; those of negotiations are in
//! `negotiation_schema`, those of logs in `log_schema`, those of manifest.json in `manifest_schema`,
//! those of timeline.jsonl in `timesketch` and those of ecs.jsonl in `ecs`.
//!
//! A promise to those who script against it: fields are added and never renamed. Field by field
//! described in docs/report.md. Times are RFC 3339 in UTC with the evidence's own digits.

pub use super::activity_schema::{Activity, ActivityBucket, Inspection};
pub use super::case_schema::Case;
pub use super::cause_schema::{Cause, KeptOpen};
pub use super::clock_schema::{ClockOffset, ClockStep};
pub use super::compare_schema::{Comparison, PairChange, PairState, Side};
pub use super::ecs::schema::EcsEvent;
pub use super::finding_schema::{Finding, Proof};
pub use super::host_schema::Host;
pub use super::log_schema::{Audit, BypassSpan, HostAudit, Join, LogCoverage, LogEvent};
pub use super::manifest_schema::{Input, Manifest, Output, Pseudonyms, SummaryInput};
pub use super::negotiation_schema::{IkeExchange, Step};
pub use super::sa_schema::{EspAlgorithms, Sa};
pub use super::timesketch::TimelineEvent;
pub use super::totals_schema::{ByClass, FoldedPairs, TlsServer, Totals};
pub use super::verdict_schema::{DirectedExpectation, ExpectationSpan, VerdictLimit, Way};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// report.json.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The version of this layout.
    pub schema_version: String,
    /// Who wrote it.
    pub tool: Tool,
    /// What was asked, defaults filled in.
    pub options: Options,
    /// Addresses, names, SPIs, cookies and file names are pseudonyms: `plainsight pseudonyms` wrote it.
    #[serde(default)]
    pub pseudonymous: bool,
    /// What `--case` says; null without it.
    #[serde(default)]
    pub case: Option<Case>,
    /// The one word.
    pub verdict: String,
    /// What limits it.
    pub verdict_limits: Vec<VerdictLimit>,
    /// Every file that was given or found.
    pub evidence: Vec<Evidence>,
    /// Sums over all captures.
    pub totals: Totals,
    /// Names of addresses, by address.
    #[serde(default)]
    pub hosts: Vec<Host>,
    /// Every pair of hosts.
    pub pairs: Vec<Pair>,
    /// The cleartext windows, by time.
    pub windows: Vec<Window>,
    /// The windows under ESP, by time.
    pub protected: Vec<Protected>,
    /// Every IKE negotiation, by time.
    pub ike_exchanges: Vec<IkeExchange>,
    /// Every log record that the catalogue knows.
    pub log_events: Vec<LogEvent>,
    /// How wrong each log's clock was.
    pub clock_offsets: Vec<ClockOffset>,
    /// Spans in which a driver says that it applied no IPsec.
    pub bypass_spans: Vec<BypassSpan>,
    /// What it means, the worst first.
    pub findings: Vec<Finding>,
}

/// The program.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What was asked.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct Options {
    /// Paths as they were given, sorted.
    pub paths: Vec<String>,
    /// The policy file's path.
    pub policy: Option<String>,
    /// The policy file's SHA-256.
    pub policy_sha256: Option<String>,
    /// `--protect`, as given.
    pub protect: Vec<String>,
    /// `--gap` in seconds.
    pub gap_seconds: String,
    /// The files that were asked for.
    pub formats: Vec<String>,
    /// Whether evidence was hashed.
    pub hash: bool,
    /// `--max-pairs`.
    #[serde(default)]
    pub max_pairs: u64,
    /// `--from`.
    pub from: Option<String>,
    /// `--to`.
    pub to: Option<String>,
    /// `--timezone`: an offset or a name of the IANA database; null without it.
    #[serde(default)]
    pub timezone: Option<String>,
    /// `--clock-offset`, as typed.
    #[serde(default)]
    pub clock_offsets: Vec<String>,
    /// `--vantage`, as typed.
    #[serde(default)]
    pub vantages: Vec<String>,
    /// `--carve`: `edges` or `full`; null without it.
    #[serde(default)]
    pub carve: Option<String>,
    /// The path of the file of case data.
    #[serde(default)]
    pub case: Option<String>,
    /// Its SHA-256.
    #[serde(default)]
    pub case_sha256: Option<String>,
    /// The zone whose time is beside UTC: of `--display-zone`, else of the case data.
    #[serde(default)]
    pub display_zone: Option<String>,
}

impl Options {
    /// What `inspect` asks for: no policy, no files, no digests.
    #[must_use]
    pub fn of_inspection(paths: &[std::path::PathBuf]) -> Self {
        let shown = paths.iter().map(|path| crate::evidence::shown_path(path));
        Self {
            paths: shown.collect(),
            policy: None,
            policy_sha256: None,
            protect: Vec::new(),
            gap_seconds: "30.0".to_owned(),
            formats: Vec::new(),
            hash: false,
            max_pairs: crate::summary::MOST_PAIRS as u64,
            from: None,
            to: None,
            timezone: None,
            clock_offsets: Vec::new(),
            vantages: Vec::new(),
            ..Self::default()
        }
    }
}

/// Frames and bytes.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct Count {
    /// Frames.
    pub frames: u64,
    /// Bytes on the wire.
    pub bytes: u64,
}

/// A share of a file.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct Extent {
    /// Bytes of the file.
    pub bytes: u64,
    /// Items in them.
    pub records: u64,
}

/// A frame of a capture.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct FrameRef {
    /// The capture's id.
    pub evidence: String,
    /// The frame's number, from 1.
    pub frame: u64,
}

/// One input file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// `E1`, `E2`, …
    pub id: String,
    /// Sixteen hexadecimal digits of its SHA-256, of a compressed file of what it holds: the same for the same
    /// evidence, whatever else is analysed and whether or not it is packed. Null without a digest.
    #[serde(default)]
    pub key: Option<String>,
    /// Its path as it was found.
    pub path: String,
    /// Of a file of a collection: its path on the host, as the collector keeps it.
    #[serde(default)]
    pub original_path: Option<String>,
    /// Of a collection and its files: the host that it is from, as the collector says it.
    #[serde(default)]
    pub collected_from: Option<String>,
    /// `capture`, `log` or `unknown`.
    pub kind: String,
    /// What its first bytes say; of a compressed file, those of what it holds.
    pub format: String,
    /// Of a compressed file: what it unpacked to.
    pub packed: Option<Packed>,
    /// Its length.
    pub size_bytes: u64,
    /// Its identity.
    pub sha256: Option<String>,
    /// Frames or records read.
    pub records: u64,
    /// Time of the earliest.
    pub first_time: Option<String>,
    /// Time of the latest.
    pub last_time: Option<String>,
    /// Where it ended too early.
    pub truncated_at: Option<u64>,
    /// Frames lost by the capturer.
    pub dropped_by_capturer: Option<u64>,
    /// Of a capture: its interfaces.
    pub interfaces: Vec<Interface>,
    /// What a capture says of itself in words.
    pub notes: Vec<Note>,
    /// Of a log: the computers it names.
    pub hosts: Vec<String>,
    /// Where the capture was taken: `lan`, `wan`, `host` or `mirror` as `--vantage` says, `host` where
    /// the capture proves it, or null.
    pub vantage: Option<String>,
    /// Where its bytes went; they add up to its size, of a compressed file to the unpacked size.
    pub coverage: BTreeMap<String, Extent>,
    /// Of a log: what it shows of its own reliability.
    pub log_coverage: Option<LogCoverage>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// What a compressed file holds.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Packed {
    /// `gzip`, `zstd`, `xz`, `lz4` or `bzip2`.
    pub packing: String,
    /// Its length when unpacked.
    pub unpacked_bytes: u64,
    /// The identity of what was unpacked.
    pub unpacked_sha256: Option<String>,
}

/// What a capture says of itself.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// `section 1`, `interface 0`, `frame 12`.
    pub place: String,
    /// `comment`, `hardware`, `operating_system`, `application`, `description` or `filter`.
    pub kind: String,
    /// The words, as they are there.
    pub text: String,
}

/// An interface of a capture.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Interface {
    /// Its name.
    pub name: Option<String>,
    /// A number of the tcpdump.org LINKTYPE registry; 65535 where it has none.
    pub linktype: u16,
    /// The most bytes kept of a frame; 0 is no limit.
    pub snaplen: u32,
    /// Decimal digits of a second that its times show.
    pub time_digits: u8,
}

/// A defect of a file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Its code.
    pub code: String,
    /// Its words.
    pub text: String,
    /// The byte where it begins.
    pub offset: Option<u64>,
    /// The frame it belongs to.
    pub frame: Option<u64>,
    /// The record it belongs to.
    pub record: Option<u64>,
}

/// Two hosts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Pair {
    /// The lower address.
    pub a: String,
    /// The higher one.
    pub b: String,
    /// Names of the lower address.
    #[serde(default)]
    pub a_names: Vec<String>,
    /// Names of the higher one.
    #[serde(default)]
    pub b_names: Vec<String>,
    /// `required`, `attempted`, `exempt` or `none`.
    pub expectation: String,
    /// Where that comes from.
    pub expectation_source: String,
    /// Where a policy's rules differ by who opens a connection: first what `a` opens, then what `b` opens; else empty.
    #[serde(default)]
    pub expectation_by_direction: Vec<DirectedExpectation>,
    /// Where no policy speaks of the pair, for which time each source shows a requirement.
    pub expectation_spans: Vec<ExpectationSpan>,
    /// The one word for the pair.
    pub verdict: String,
    /// What limits it.
    pub verdict_limits: Vec<VerdictLimit>,
    /// Its frames.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// By protection class.
    pub by_class: ByClass,
    /// Time of its first frame.
    pub first_time: String,
    /// Time of its last frame.
    pub last_time: String,
    /// Time of its first packet of readable ESP (NULL encryption) or AH; null where there is none.
    #[serde(default)]
    pub readable_first_time: Option<String>,
    /// Time of its last one.
    #[serde(default)]
    pub readable_last_time: Option<String>,
    /// SPIs of ESP and AH.
    pub spis: Vec<String>,
    /// The same by direction, and what says that they are more than a header.
    pub sas: Vec<Sa>,
    /// The algorithms of its security associations, as far as logs show them.
    pub esp_algorithms: Vec<EspAlgorithms>,
    /// What readable ESP carried.
    pub readable: Vec<App>,
    /// TLS servers whose handshakes were seen in clear.
    pub tls: Vec<TlsServer>,
    /// The pairs whose plain tunnels its packets passed, as `A - B`.
    #[serde(default)]
    pub inside_of: Vec<String>,
    /// Its frames that are plain tunnels around another packet; totals count them by that packet.
    #[serde(default)]
    pub tunnel_frames: u64,
}

/// What one application sent inside a window.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct App {
    /// The application.
    pub app: String,
    /// Its frames.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether it encrypts by itself.
    pub encrypted: bool,
}

/// A cleartext window.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// `W1`, `W2`, …
    pub id: String,
    /// The same for the same window of the same files: of its pair, and the digests and numbers of its first and
    /// last frame.
    #[serde(default)]
    pub key: String,
    /// The lower address.
    pub a: String,
    /// The higher one.
    pub b: String,
    /// Names of the lower address.
    #[serde(default)]
    pub a_names: Vec<String>,
    /// Names of the higher one.
    #[serde(default)]
    pub b_names: Vec<String>,
    /// Community IDs of the busiest flows.
    pub community_ids: Vec<String>,
    /// Time of its first packet.
    pub start: String,
    /// Time of its last packet.
    pub end: String,
    /// Clear packets.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Protected packets of the pair travel inside it.
    pub mixed: bool,
    /// `required`, or `attempted` where nothing proves that protection was required.
    pub expectation: String,
    /// From its first packet to its last.
    #[schemars(with = "f64")]
    pub duration_seconds: Box<serde_json::value::RawValue>,
    /// What the lower address sent.
    pub a_to_b: Way,
    /// What the higher one sent.
    pub b_to_a: Way,
    /// By application.
    pub apps: Vec<App>,
    /// The first clear packet.
    pub first: FrameRef,
    /// The last one.
    pub last: FrameRef,
    /// Wireshark's display filter for the pair's packets in it.
    #[serde(default)]
    pub filter: String,
    /// What happened at its beginning, the best explanation first.
    #[serde(default)]
    pub opened_by: Vec<Cause>,
    /// What kept it open, the best explanation first.
    #[serde(default)]
    pub kept_open_by: Vec<KeptOpen>,
    /// What closed it, the best explanation first; the reason is one of `negotiated`, `policy_changed`,
    /// `service_started`, `traffic_ended`, `capture_ended`.
    #[serde(default)]
    pub closed_by: Vec<Cause>,
    /// The three in one sentence.
    #[serde(default)]
    pub chain: String,
    /// All causes: what kept it open over at least half of its time, what opened it, the rest.
    pub causes: Vec<Cause>,
    /// Whether its two hosts would have logged a negotiation in that time.
    pub audits: Vec<HostAudit>,
    /// Windows of the pairs around or inside, by id, that are of the same frames.
    #[serde(default)]
    pub same_frames_as: Vec<String>,
    /// Frames of it that are in a window of a pair inside too; a sum over windows counts them there.
    #[serde(default)]
    pub shared_frames: u64,
}

/// A window under ESP.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Protected {
    /// The lower address.
    pub a: String,
    /// The higher one.
    pub b: String,
    /// Time of its first packet.
    pub start: String,
    /// Time of its last packet.
    pub end: String,
    /// ESP packets.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their SPIs.
    pub spis: Vec<String>,
}

/// The JSON Schema of report.json.
#[must_use]
pub fn report_schema() -> schemars::Schema {
    as_written::<Report>()
}

/// The JSON Schema of what `compare --json` prints.
#[must_use]
pub fn comparison_schema() -> schemars::Schema {
    schemars::schema_for!(Comparison)
}

/// The JSON Schema of manifest.json.
#[must_use]
pub fn manifest_schema() -> schemars::Schema {
    as_written::<Manifest>()
}

/// The JSON Schema of a line of timeline.jsonl.
#[must_use]
pub fn timeline_schema() -> schemars::Schema {
    as_written::<TimelineEvent>()
}

/// The JSON Schema of a line of ecs.jsonl.
#[must_use]
pub fn ecs_schema() -> schemars::Schema {
    as_written::<EcsEvent>()
}

/// What is always written is required, also where it may be null.
fn as_written<T: JsonSchema>() -> schemars::Schema {
    let settings = schemars::generate::SchemaSettings::default().for_serialize();
    settings.into_generator().into_root_schema_for::<T>()
}
