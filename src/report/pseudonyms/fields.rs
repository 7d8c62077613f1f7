//! Which text of report.json is treated how: one row a field.

/// What is done with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    /// It is one of a closed list, or an id: it stays.
    Code,
    /// It stays.
    Time,
    /// The digest of a file, or a part of it: it stays.
    Digest,
    /// A host, a user or an identity.
    Name,
    /// An address, or a pair of them.
    Address,
    /// An SPI or a cookie.
    Spi,
    /// A path of a file or folder.
    Path,
    /// The same, with `=` and a value behind it.
    GivenPath,
    /// A display filter.
    Filter,
    /// A command line with a path and a filter.
    Command,
    /// A reference that was made from addresses.
    Reference,
    /// Sentences of plainsight's, with names and addresses in them.
    Prose,
    /// A text of evidence: it is replaced whole.
    Evidence,
    /// It may quote evidence, and a code beside it says the same.
    LeftOut,
}

/// The treatment of a field inside another one; `None` where it is not known, and it is read as a sentence.
pub(super) fn treatment(around: &str, field: &str) -> Option<Treatment> {
    let row =
        |row: &&(&str, &str, Treatment)| row.1 == field && (row.0.is_empty() || row.0 == around);
    FIELDS.iter().find(row).map(|row| row.2)
}

/// Whether a field of a record names somebody, by its own name.
pub(super) fn is_name_of_field(name: &str) -> bool {
    let name = name.to_lowercase();
    NAMING.iter().any(|part| name.contains(part))
        && !NOT_NAMING.iter().any(|part| name.contains(part))
}

use Treatment::{
    Address, Code, Command, Digest, Evidence, Filter, GivenPath, LeftOut, Name, Path, Prose,
    Reference, Spi, Time,
};

/// The field around (empty: any), the field, and the treatment; the first row that fits counts.
const FIELDS: &[(&str, &str, Treatment)] = &[
    ("", "schema_version", Code),
    ("tool", "name", Code),
    ("tool", "version", Code),
    // options
    ("options", "paths", Path),
    ("options", "policy", Path),
    ("options", "policy_sha256", LeftOut),
    ("options", "case", LeftOut),
    ("options", "case_sha256", LeftOut),
    ("options", "display_zone", LeftOut),
    ("options", "timezone", Code),
    ("options", "protect", Prose),
    ("options", "gap_seconds", Code),
    ("options", "formats", Code),
    ("options", "from", Time),
    ("options", "to", Time),
    ("options", "clock_offsets", GivenPath),
    ("options", "vantages", GivenPath),
    ("options", "carve", Code),
    ("case", "number", LeftOut),
    ("case", "organisation", LeftOut),
    ("case", "examiner", LeftOut),
    ("case", "purpose", LeftOut),
    ("case", "notes", LeftOut),
    ("case", "time_zone", LeftOut),
    // evidence
    ("evidence", "path", Path),
    ("evidence", "original_path", Path),
    ("evidence", "collected_from", Name),
    ("evidence", "key", Digest),
    ("", "sha256", Digest),
    ("", "unpacked_sha256", Digest),
    ("", "format", Code),
    ("", "packing", Code),
    ("", "vantage", Code),
    ("interfaces", "name", Evidence),
    ("notes", "place", Code),
    ("notes", "text", Evidence),
    ("problems", "text", LeftOut),
    ("evidence", "hosts", Name),
    ("", "channels", Prose),
    ("", "continues", Code),
    ("", "renamed_from", Name),
    ("", "claimed_by", Name),
    ("", "subcategory", Code),
    ("", "success", Code),
    ("", "failure", Code),
    ("silences", "from", Time),
    ("silences", "to", Time),
    ("setbacks", "from", Time),
    ("setbacks", "to", Time),
    ("gaps", "after", Time),
    ("gaps", "before", Time),
    ("addresses", "sources", Code),
    ("hosts", "sources", Code),
    ("hosts", "name", Name),
    ("audits", "hosts", Name),
    ("", "address", Address),
    // pairs and windows
    ("", "a", Address),
    ("", "b", Address),
    ("", "a_names", Name),
    ("", "b_names", Name),
    ("", "opened_by", Address),
    ("expectation_by_direction", "source", Prose),
    ("expectation_spans", "source", Code),
    ("sas", "source", Address),
    ("sas", "destination", Address),
    ("", "expectation", Code),
    ("", "expectation_source", Prose),
    ("", "verdict", Code),
    ("verdict_limits", "text", Prose),
    ("", "spi", Spi),
    ("", "spis", Spi),
    ("", "inbound_spi", Spi),
    ("", "outbound_spi", Spi),
    ("", "algorithms", Code),
    ("", "app", Code),
    ("", "server_name", Name),
    ("", "versions", Code),
    ("", "inside_of", Address),
    ("windows", "key", Reference),
    ("", "community_ids", LeftOut),
    ("", "filter", Filter),
    ("", "same_frames_as", Code),
    ("", "chain", Prose),
    ("", "why", Prose),
    ("", "against", Prose),
    ("", "refs", Code),
    // negotiations
    ("", "initiator", Address),
    ("", "responder", Address),
    ("", "initiator_spi", Spi),
    ("", "responder_spi", Spi),
    ("", "initiator_cookie", Spi),
    ("", "responder_cookie", Spi),
    ("ladder", "from", Code),
    ("ladder", "what", Prose),
    ("", "proposals", Code),
    ("", "chosen", Code),
    ("", "mismatch", Prose),
    ("", "weak", Code),
    ("", "identities", Name),
    ("", "notifies", Code),
    ("", "vendor_ids", Prose),
    ("", "replaces", Code),
    ("", "replaced_by", Code),
    ("", "simultaneous", Code),
    // log events
    ("", "host", Name),
    ("", "channel", Prose),
    ("", "provider", Prose),
    ("", "category", Code),
    ("", "audit", Code),
    ("", "local", Address),
    ("", "peer", Address),
    ("", "mode", Code),
    ("", "keying", Code),
    ("", "role", Code),
    ("log_events", "state", Prose),
    ("", "failure_point", Code),
    ("", "service", Prose),
    ("", "service_state", Code),
    ("", "exchange", Code),
    ("", "by", Code),
    ("", "method", Code),
    ("", "told_by", Code),
    // findings
    ("", "title", Prose),
    ("", "detail", Prose),
    ("", "pair", Address),
    ("", "advice", Prose),
    ("", "controls", Code),
    ("", "stable_id", Reference),
    ("", "tshark", Command),
    ("", "arkime", Filter),
    ("", "causes", Code),
    ("", "windows", Code),
    // everywhere
    ("", "id", Code),
    ("", "kind", Code),
    ("", "code", Code),
    ("", "reason", Code),
    ("", "outcome", Code),
    ("", "confidence", Code),
    ("", "severity", Code),
    ("", "state", Code),
    ("", "version", Code),
    ("", "evidence", Code),
    ("", "time", Time),
    ("", "time_corrected", Time),
    ("", "start", Time),
    ("", "end", Time),
    ("", "start_corrected", Time),
    ("", "first_time", Time),
    ("", "last_time", Time),
    ("", "readable_first_time", Time),
    ("", "readable_last_time", Time),
];

/// Parts of the names of fields that name somebody, as Windows and its tools spell them.
const NAMING: &[&str] = &[
    "user",
    "account",
    "computer",
    "host",
    "workstation",
    "domain",
    "principal",
    "sid",
    "subject",
    "issuer",
    "identity",
    "server",
    "peername",
    "machine",
    "realm",
    "owner",
    "caller",
    "member",
    "target",
    "logon",
    "client",
];
/// Parts of those that do not, although one of the others is in them.
const NOT_NAMING: &[&str] =
    &["side", "logonid", "logontype", "logonguid", "authentication", "state"];
