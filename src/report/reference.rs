//! References that do not depend on what else was analysed: made from digests of the evidence, never from `E3`
//! or `W7`, which shift when a file is added.

use crate::correlate::CleartextWindow;
use crate::evidence::{Evidence, EvidenceId, FrameRef, sha256};

/// What a file is known by: the digest of what it holds, so that packing it changes nothing; where it has none, its
/// name.
pub(super) fn identity(file: &Evidence) -> String {
    let unpacked = file.packed.as_ref().and_then(|packed| packed.unpacked_sha256.as_ref());
    unpacked.or(file.sha256.as_ref()).cloned().unwrap_or_else(|| name(file))
}

/// The identity of a file by its number.
pub(super) fn identity_of(id: EvidenceId, evidence: &[Evidence]) -> String {
    crate::evidence::file_of(id, evidence).map_or_else(String::new, identity)
}

/// The reference of a file; `None` where it has no digest.
pub(super) fn evidence_key(file: &Evidence) -> Option<String> {
    let unpacked = file.packed.as_ref().and_then(|packed| packed.unpacked_sha256.as_ref());
    unpacked.or(file.sha256.as_ref()).and_then(|digest| digest.get(..DIGITS)).map(str::to_owned)
}

/// The reference of a window: its pair, its first frame and its last one.
pub(super) fn window_key(window: &CleartextWindow, evidence: &[Evidence]) -> String {
    let pair = format!("{} {}", window.pair.a(), window.pair.b());
    let frame = |at: FrameRef| format!("{} {}", identity_of(at.evidence, evidence), at.frame.0);
    short(&["window".to_owned(), pair, frame(window.run.first), frame(window.run.last)])
}

/// Sixteen hexadecimal digits of the digest of these lines.
pub(super) fn short(lines: &[String]) -> String {
    let mut digest = sha256(lines.join("\n").as_bytes());
    digest.truncate(DIGITS);
    digest
}

fn name(file: &Evidence) -> String {
    file.path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// 64 bits: no two entries of a report will share them by chance.
const DIGITS: usize = 16;
