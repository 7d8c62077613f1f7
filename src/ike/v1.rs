//! IKEv1 and AuthIP: from messages to an outcome (RFC 2408, RFC 2409, MS-AIPS).

use super::outcome::{Case, Certainty, Outcome, Verdict, readable_failure};
use super::payload::kind;
use super::{ExchangeType, IkeVersion};
use crate::catalogue::Reason;

/// Judges the messages under one cookie pair, in order of time.
pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let messages = case.messages;
    let seen = |kind| messages.iter().any(|m| m.exchange_type == kind);
    let quick = seen(ExchangeType::QUICK_MODE) || seen(ExchangeType::AUTHIP_QUICK_MODE);
    let phase_1 = seen(ExchangeType::MAIN_MODE)
        || seen(ExchangeType::AGGRESSIVE)
        || seen(ExchangeType::AUTHIP_MAIN_MODE);
    if quick {
        return judge_quick_mode(case);
    }
    if !phase_1 {
        return verdict(Outcome::Incomplete, None, "beginning not in the capture", Certainty::Read);
    }
    if let Some(reason) = messages.iter().filter_map(|m| readable_failure(m)).next_back() {
        let outcome = match reason {
            Reason::NoProposalChosen => Outcome::NoProposalChosen,
            Reason::AuthenticationFailed | Reason::PskMismatchSuspected => {
                Outcome::AuthenticationSuspected
            }
            _ => Outcome::Failed,
        };
        return verdict(outcome, Some(reason), "phase 1 refused", Certainty::Read);
    }
    let asked = messages.first().map(|m| m.source.ip());
    if messages.iter().all(|m| Some(m.source.ip()) == asked) {
        return verdict(
            Outcome::NoResponse,
            Some(Reason::NoResponse),
            "first message sent",
            Certainty::Read,
        );
    }
    judge_phase_1(case)
}

/// Phase 1 was answered, no quick mode followed and nothing readable says why.
fn judge_phase_1(case: &Case<'_>) -> Verdict {
    let messages = case.messages;
    let is_psk = messages
        .iter()
        .flat_map(|m| &m.contents.proposals)
        .any(|proposal| proposal.contains("pre-shared key"));
    let refused = if is_psk { Reason::PskMismatchSuspected } else { Reason::AuthenticationFailed };
    // RFC 2409 §5.1: in main mode only messages five and six are encrypted, and a wrong key or
    // signature shows first there. In aggressive mode the second message carries the hash.
    let encrypted = messages.iter().any(|m| m.contents.encrypted);
    let hash_shown = messages.iter().any(|m| {
        m.exchange_type == ExchangeType::AGGRESSIVE && m.contents.kinds.contains(&kind::V1_HASH)
    });
    let span = messages.first().zip(messages.last());
    let fruit = span.is_some_and(|(first, last)| case.bears_fruit(first.time, last.time));
    if fruit {
        return verdict(
            Outcome::Established,
            None,
            "phase 1 answered, ESP follows",
            Certainty::Inferred,
        );
    }
    let is_authip = messages.first().is_some_and(|m| m.version == IkeVersion::AuthIp);
    if (encrypted || hash_shown) && !is_authip {
        return verdict(
            Outcome::AuthenticationSuspected,
            Some(refused),
            "phase 1 stopped at authentication",
            Certainty::Inferred,
        );
    }
    verdict(Outcome::Incomplete, None, "phase 1 answered", Certainty::Read)
}

fn judge_quick_mode(case: &Case<'_>) -> Verdict {
    let messages = case.messages;
    let quick: Vec<_> = messages
        .iter()
        .filter(|m| {
            matches!(m.exchange_type, ExchangeType::QUICK_MODE | ExchangeType::AUTHIP_QUICK_MODE)
        })
        .collect();
    let asker = quick.first().map(|m| m.source.ip());
    let answered = quick.iter().any(|m| Some(m.source.ip()) != asker);
    if !answered {
        // The peer keeps silent or answers in an encrypted informational exchange.
        let refused = Some(Reason::PolicyMismatch);
        return verdict(Outcome::Failed, refused, "quick mode not answered", Certainty::Inferred);
    }
    let span = quick.first().zip(quick.last());
    let fruit = span.is_some_and(|(first, last)| case.bears_fruit(first.time, last.time));
    let certainty = if fruit { Certainty::Read } else { Certainty::Inferred };
    let last_quick = quick.last().map(|m| m.time);
    let deleted = messages
        .iter()
        .rfind(|m| m.exchange_type == ExchangeType::V1_INFORMATIONAL)
        .filter(|m| Some(m.time) > last_quick)
        .filter(|m| m.contents.deletes || case.esp_stops_at(m))
        .map(|m| (m.source.ip(), m.time));
    let outcome = if deleted.is_some() { Outcome::Ended } else { Outcome::Established };
    Verdict { outcome, reason: None, state: "quick mode completed", certainty, deleted }
}

fn verdict(
    outcome: Outcome,
    reason: Option<Reason>,
    state: &'static str,
    certainty: Certainty,
) -> Verdict {
    Verdict { outcome, reason, state, certainty, deleted: None }
}
