//! A window with its causes, and the meaning of the logs' silence about it.

use super::{
    Against, AuditState, Cause, CleartextWindow, Closing, HostAudit, KeptOpen, Wanted, Why,
};
use crate::catalogue::Reason;
use std::collections::BTreeSet;

/// A cleartext window and what opened it, kept it open and closed it.
#[derive(Clone, Debug)]
pub struct ExplainedWindow {
    /// The window.
    pub window: CleartextWindow,
    /// What happened at its beginning, the best explanation first.
    pub opened_by: Vec<Cause>,
    /// What lasted, the best explanation first.
    pub kept_open_by: Vec<KeptOpen>,
    /// How it ended, the best explanation first; never empty.
    pub closed_by: Vec<Closing>,
    /// All causes: what lasted over at least half of the window, what opened it, the rest; never empty.
    pub causes: Vec<Cause>,
    /// Whether its two hosts would have logged a negotiation in that time; the lower address first.
    pub audits: Vec<HostAudit>,
    /// Windows of pairs outside or inside the tunnel that consist of the same frames, by index.
    pub same_frames_as: BTreeSet<usize>,
    /// Frames of it that also belong to a window of a pair inside the tunnel: sums over windows count them there.
    pub shared_frames: u64,
}

impl ExplainedWindow {
    /// Where nothing explains the window, a log that would not have recorded the failure is no evidence against it.
    pub(super) fn weigh_silence(&mut self) {
        let wanted = self.wanted();
        let silent: Vec<Against> = self
            .audits
            .iter()
            .filter(|known| known.verdict.state != AuditState::Audited && !known.hosts.is_empty())
            .map(|known| Against::SilentLog {
                address: known.address,
                state: known.verdict.state,
                reason: known.verdict.why.clone(),
            })
            .collect();
        let kept = self.kept_open_by.iter_mut().map(|kept| &mut kept.cause);
        for cause in self.causes.iter_mut().chain(&mut self.opened_by).chain(kept) {
            if cause.reason == Reason::Unknown {
                if let Why::Unexplained { wanted: of_cause, .. } = &mut cause.why {
                    of_cause.clone_from(&wanted);
                }
            } else if cause.reason != Reason::NoIkeAttempted {
                continue;
            }
            cause.against.extend(silent.iter().cloned());
        }
    }

    /// What would settle an unknown cause: the logs that are missing, or do not cover it.
    fn wanted(&self) -> Vec<Wanted> {
        let of_host = |known: &HostAudit| match known.verdict.state {
            AuditState::Audited => None,
            AuditState::NotCovered => Some(Wanted::Logs(known.address)),
            AuditState::AuditingOff
            | AuditState::DisableIkeAuditsSuspected
            | AuditState::Unknown => Some(Wanted::AuditingLog(known.address)),
        };
        let wanted: Vec<Wanted> = self.audits.iter().filter_map(of_host).collect();
        if wanted.is_empty() { vec![Wanted::EarlierCapture] } else { wanted }
    }
}
