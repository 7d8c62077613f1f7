//! A window with its causes, and what the logs' silence about it is worth.

use super::{AuditState, Cause, CleartextWindow, HostAudit};
use crate::catalogue::Reason;
use std::collections::BTreeSet;

/// A cleartext window and why it opened.
#[derive(Clone, Debug)]
pub struct ExplainedWindow {
    /// The window.
    pub window: CleartextWindow,
    /// Its causes, the best first; never empty.
    pub causes: Vec<Cause>,
    /// Whether its two hosts would have logged a negotiation in that time; the lower address first.
    pub audits: Vec<HostAudit>,
    /// Windows of pairs around or inside whose frames are the same, by their place.
    pub same_frames_as: BTreeSet<usize>,
    /// Frames of it that stand in a window of a pair inside too: sums over windows count them there.
    pub shared_frames: u64,
}

impl ExplainedWindow {
    /// Where nothing explains the window, a log that would not have told is no word against it.
    pub(super) fn weigh_silence(&mut self) {
        self.name_what_is_missing();
        let is_silent =
            |cause: &&mut Cause| matches!(cause.reason, Reason::Unknown | Reason::NoIkeAttempted);
        for cause in self.causes.iter_mut().filter(is_silent) {
            let worthless = self.audits.iter().filter(|known| {
                known.verdict.state != AuditState::Audited && !known.hosts.is_empty()
            });
            cause.against.extend(worthless.map(|known| {
                let (address, state) = (known.address, known.verdict.state.as_str());
                format!(
                    "the log of {address} may be silent for another reason ({state}): {}",
                    known.verdict.why
                )
            }));
        }
    }

    /// What would settle an unknown cause: the logs that are not there, or do not tell.
    fn name_what_is_missing(&mut self) {
        let of_host = |known: &HostAudit| match known.verdict.state {
            AuditState::Audited => None,
            AuditState::NotCovered => {
                Some(format!("the Security and System logs of {} for this time", known.address))
            }
            AuditState::AuditingOff
            | AuditState::DisableIkeAuditsSuspected
            | AuditState::Unknown => {
                Some(format!("a log of {} that audits negotiations", known.address))
            }
        };
        let mut wanted: Vec<String> = self.audits.iter().filter_map(of_host).collect();
        if wanted.is_empty() {
            wanted.push(
                "a capture of UDP 500 and 4500 between the two from before the window".to_owned(),
            );
        }
        let is_unknown = |cause: &&mut Cause| cause.reason == Reason::Unknown;
        for cause in self.causes.iter_mut().filter(is_unknown) {
            cause.why = format!("{}; what would settle it: {}", cause.why, wanted.join(", "));
        }
    }
}
