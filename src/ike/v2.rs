//! IKEv2: from messages to an outcome (RFC 7296).

use super::ExchangeType;
use super::exchange::MessageDigest;
use super::outcome::{Case, Certainty, Outcome, Verdict, readable_failure};
use super::payload::kind;
use crate::catalogue::Reason;
use crate::time::Timestamp;
use std::net::IpAddr;

/// Judges the messages of one IKE SA, in order of time.
pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let messages = case.messages;
    let of = |kind| messages.iter().copied().filter(move |m| m.exchange_type == kind);
    let init = of(ExchangeType::IKE_SA_INIT).chain(of(ExchangeType::SESSION_RESUME));
    let answered = init.clone().any(|m| m.is_response());
    let begun = init.clone().next().is_some();
    let accepted = init.clone().any(|m| m.is_response() && chooses(m));
    if begun && !accepted {
        let failure = init.filter(|m| m.is_response()).filter_map(readable_failure).next_back();
        return refused_at_init(answered, failure);
    }
    if let Some(auth) = of(ExchangeType::IKE_AUTH).next() {
        return judge_auth(case, auth.time);
    }
    if begun {
        return verdict(Outcome::Incomplete, None, "IKE_SA_INIT answered", Certainty::Read);
    }
    // CREATE_CHILD_SA and INFORMATIONAL run only inside an IKE SA that exists.
    established(case, "established before the capture or by a rekey", Certainty::Inferred)
}

fn chooses(response: &MessageDigest) -> bool {
    response.contents.kinds.contains(&kind::V2_SA)
        || response.exchange_type == ExchangeType::SESSION_RESUME
}

fn refused_at_init(answered: bool, failure: Option<Reason>) -> Verdict {
    let state = if answered { "IKE_SA_INIT refused" } else { "IKE_SA_INIT sent" };
    match failure {
        Some(Reason::NoProposalChosen) => verdict(
            Outcome::NoProposalChosen,
            Some(Reason::NoProposalChosen),
            state,
            Certainty::Read,
        ),
        Some(reason) => verdict(Outcome::Failed, Some(reason), state, Certainty::Read),
        None if answered => verdict(Outcome::Incomplete, None, state, Certainty::Read),
        None => verdict(Outcome::NoResponse, Some(Reason::NoResponse), state, Certainty::Read),
    }
}

/// From IKE_AUTH on everything is encrypted: sizes, directions and what follows have to tell.
fn judge_auth(case: &Case<'_>, begun: Timestamp) -> Verdict {
    let messages = case.messages;
    let responses =
        || messages.iter().filter(|m| m.exchange_type == ExchangeType::IKE_AUTH && m.is_response());
    let Some(last_response) = responses().next_back() else {
        return verdict(
            Outcome::NoResponse,
            Some(Reason::Timeout),
            "IKE_AUTH sent",
            Certainty::Inferred,
        );
    };
    let fruit = case.bears_fruit(begun, last_response.time);
    let is_fragmented = last_response.contents.kinds.contains(&kind::V2_FRAGMENT);
    let largest = responses().map(|m| m.length).max().unwrap_or_default();
    let size = if is_fragmented { largest } else { last_response.length };
    if size <= NOTIFY_ONLY {
        return verdict(
            Outcome::AuthenticationSuspected,
            Some(Reason::AuthenticationFailed),
            "IKE_AUTH refused",
            Certainty::Inferred,
        );
    }
    if size < WITH_CHILD && !fruit {
        let reason = Some(Reason::TsUnacceptable);
        return verdict(
            Outcome::Failed,
            reason,
            "authenticated, child SA refused",
            Certainty::Inferred,
        );
    }
    let after = messages.iter().find(|m| {
        m.exchange_type == ExchangeType::INFORMATIONAL
            && !m.is_response()
            && m.time >= last_response.time
    });
    let at_once = after.is_some_and(|m| {
        m.is_from_original_initiator() && m.time <= last_response.time.shifted(AT_ONCE)
    });
    if at_once && !fruit {
        // RFC 7296 §2.21.2: an initiator that refuses the responder's AUTH says so in a new exchange.
        return verdict(
            Outcome::AuthenticationSuspected,
            Some(Reason::AuthenticationFailed),
            "IKE_AUTH answered, then given up by the initiator",
            Certainty::Inferred,
        );
    }
    let certainty = if fruit { Certainty::Read } else { Certainty::Inferred };
    established(case, "IKE_AUTH completed", certainty)
}

/// An IKE SA that came up: did the capture see it end?
fn established(case: &Case<'_>, state: &'static str, certainty: Certainty) -> Verdict {
    let messages = case.messages;
    let last_request = messages
        .iter()
        .rfind(|m| m.exchange_type == ExchangeType::INFORMATIONAL && !m.is_response());
    let nothing_follows = |request: &&&MessageDigest| {
        messages
            .iter()
            .all(|m| m.time <= request.time || m.exchange_type == ExchangeType::INFORMATIONAL)
    };
    let last_request = last_request.filter(nothing_follows);
    if last_request.is_some_and(|request| is_given_up(messages, request)) {
        let state = "established, then the peer fell silent";
        return verdict(Outcome::NoResponse, Some(Reason::Timeout), state, Certainty::Read);
    }
    let deleted: Option<(IpAddr, Timestamp)> = last_request
        .filter(|m| m.contents.deletes || case.esp_stops_at(m))
        .map(|m| (m.source.ip(), m.time));
    let outcome = if deleted.is_some() { Outcome::Ended } else { Outcome::Established };
    Verdict { outcome, reason: None, state, certainty, deleted }
}

/// RFC 7296 §2.4: a request that is sent again and again and never answered; the peer is dead.
fn is_given_up(messages: &[&MessageDigest], request: &MessageDigest) -> bool {
    let of_exchange = || {
        messages.iter().filter(|m| {
            m.exchange_type == request.exchange_type && m.message_id == request.message_id
        })
    };
    let sent = of_exchange().filter(|m| m.source == request.source && !m.is_response()).count();
    let answered = of_exchange().any(|m| m.source != request.source && m.is_response());
    sent >= GIVEN_UP && !answered
}

fn verdict(
    outcome: Outcome,
    reason: Option<Reason>,
    state: &'static str,
    certainty: Certainty,
) -> Verdict {
    Verdict { outcome, reason, state, certainty, deleted: None }
}

/// Header 28, SK header 4, the longest IV 16, one notify (8 octets and a few of data) padded to
/// two blocks of 8 or one of 16, the longest check value 32: 96. The shortest answer that
/// authenticates (ID 12, AUTH 28, notify 8, under AES-GCM) takes 105.
const NOTIFY_ONLY: u32 = 100;
/// An answer with a child SA holds ID, AUTH, SA (at least 36) and two traffic selectors of 24:
/// 180 at the least. Without the child SA, the longest hash (64) and check value make 165.
const WITH_CHILD: u32 = 172;
/// Refusal follows the answer at once; deletion by an operator or a timer does not.
const AT_ONCE: crate::time::Span = crate::time::Span::from_seconds(1);
/// One lost answer is made up for by the second request.
const GIVEN_UP: usize = 3;
