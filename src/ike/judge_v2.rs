//! How an IKEv2 negotiation ended (RFC 7296). Each rule and its reason is in docs/ike-outcomes.md.
//!
//! Sizes are judged by the algorithms that were chosen in clear, never by samples.

use super::ExchangeType;
use super::conversation::{Conversation, Turn};
use super::digest::MessageDigest;
use super::ended::{with_end, with_silence};
use super::notify::readable_failure;
use super::outcome::{ONE_WAY, Outcome, Verdict};
use super::suite::{LEAST_CHILD_ANSWER, LEAST_EAP_ONLY, Suite};
use crate::catalogue::{Confidence, Reason};
use crate::evidence::FrameRef;
use crate::time::{Span, Timestamp};

/// Judges the messages of one IKE SA.
pub(super) fn judge(talk: &Conversation<'_>) -> Verdict {
    if let Some(verdict) = judge_init(talk) {
        return verdict;
    }
    if let Some(verdict) = judge_auth(talk) {
        return verdict;
    }
    if init(talk).next().is_some() {
        return judge_between(talk);
    }
    judge_upkeep(talk)
}

/// IKE_SA_INIT was answered and IKE_AUTH did not begin: RFC 9242 puts IKE_INTERMEDIATE between.
fn judge_between(talk: &Conversation<'_>) -> Verdict {
    let of = || talk.turns_of(ExchangeType::IKE_INTERMEDIATE);
    let request = of().rfind(|turn| !turn.message.is_response());
    let unanswered = request.filter(|request| {
        let id = request.message.message_id();
        !of().any(|turn| turn.message.is_response() && turn.message.message_id() == id)
    });
    match unanswered {
        Some(request) => silence(talk, request, "IKE_INTERMEDIATE sent"),
        None => Verdict::incomplete("IKE_SA_INIT answered", frames(init(talk))),
    }
}

/// CREATE_CHILD_SA and INFORMATIONAL run only inside an existing IKE SA: an encrypted answer proves it. An
/// answer in clear reports that the peer does not know the IKE SA (RFC 7296 §2.21.4), and a request alone shows
/// nothing about the peer.
fn judge_upkeep(talk: &Conversation<'_>) -> Verdict {
    let upkeep = || {
        let is_upkeep = |m: &MessageDigest| {
            m.is(ExchangeType::CREATE_CHILD_SA) || m.is(ExchangeType::INFORMATIONAL)
        };
        talk.turns.iter().filter(move |turn| is_upkeep(turn.message))
    };
    let is_answer =
        |turn: &&Turn<'_>| turn.message.is_response() && turn.message.encrypted.is_some();
    let answer = upkeep().find(is_answer);
    let shown: Vec<FrameRef> =
        talk.turns.first().into_iter().chain(answer).map(Turn::frame).collect();
    if answer.is_none() {
        let incomplete = Verdict::incomplete("beginning not in the capture", shown);
        return with_silence(talk, incomplete);
    }
    let state = "established before the capture or by a rekey";
    with_end(talk, Verdict::inferred(Outcome::Established, None, state, shown))
}

/// IKE_SA_INIT, or its short form for a session that is resumed (RFC 5723).
fn init<'a>(talk: &Conversation<'a>) -> impl DoubleEndedIterator<Item = Turn<'a>> {
    talk.turns.iter().copied().filter(|turn| {
        let message = turn.message;
        !turn.is_repeated
            && (message.is(ExchangeType::IKE_SA_INIT) || message.is(ExchangeType::SESSION_RESUME))
    })
}

/// The outcome of the first round; `None` where it went on from there.
fn judge_init(talk: &Conversation<'_>) -> Option<Verdict> {
    let request = init(talk).rfind(|turn| !turn.message.is_response());
    let answers = || init(talk).filter(|turn| turn.message.is_response());
    let goes_on = talk.messages().any(|m| !m.is_opening());
    if talk.is_one_way() && request.is_some() {
        let seen = talk.turns.iter().map(Turn::frame).take(2).collect();
        return Some(Verdict::incomplete(ONE_WAY, seen));
    }
    if goes_on || answers().any(|turn| accepts(turn.message)) {
        return None;
    }
    // RFC 7296 §1.2, §2.6: after COOKIE or INVALID_KE_PAYLOAD a new request follows, and the answer to the last
    // one counts.
    let last = answers().next_back();
    let last = last.filter(|answer| request.is_none_or(|r| answer.time() >= r.time()));
    match (request, last) {
        (_, Some(answer)) => Some(refused(talk, answer)),
        (Some(request), None) => Some(silence(talk, request, "IKE_SA_INIT sent")),
        (None, None) => None,
    }
}

fn accepts(answer: &MessageDigest) -> bool {
    answer.has_proposals()
        || (answer.is(ExchangeType::SESSION_RESUME) && readable_failure(answer).is_none())
}

/// The answer to IKE_SA_INIT is a refusal, in clear.
fn refused(talk: &Conversation<'_>, answer: Turn<'_>) -> Verdict {
    let state = "IKE_SA_INIT refused";
    let frames = vec![answer.frame()];
    match readable_failure(answer.message) {
        Some(Reason::NoProposalChosen) => {
            Verdict::proven(Outcome::NoProposalChosen, Reason::NoProposalChosen, state, frames)
        }
        Some(reason) => Verdict::proven(Outcome::Failed, reason, state, frames),
        None if answer.message.notifies().any(|kind| kind == COOKIE) => {
            // The responder is under load, and the initiator did not retry although it could.
            let state = "asked for a cookie";
            let verdict = Verdict::incomplete(state, frames);
            Verdict { reason: Some(Reason::DosProtection), inferred: true, ..verdict }.with(
                if talk.would_show_an_answer_to(answer.message) {
                    Confidence::Medium
                } else {
                    Confidence::Low
                },
            )
        }
        None if answer.message.notifies().any(|kind| kind == REDIRECT) => {
            Verdict::incomplete("redirected to another gateway", frames)
        }
        None => Verdict::incomplete(state, frames),
    }
}

/// A request without an answer.
fn silence(talk: &Conversation<'_>, request: Turn<'_>, state: &'static str) -> Verdict {
    let frames = edges(talk, request);
    if !talk.would_show_an_answer_to(request.message) {
        return Verdict::incomplete(state, frames);
    }
    let confidence = talk.confidence_of_silence(request.message);
    Verdict::proven(Outcome::NoResponse, Reason::NoResponse, state, frames).with(confidence)
}

/// From IKE_AUTH on everything is encrypted: sizes, directions and what follows have to decide.
fn judge_auth(talk: &Conversation<'_>) -> Option<Verdict> {
    let requests = || talk.turns_of(ExchangeType::IKE_AUTH).filter(|t| !t.message.is_response());
    let all_answers = || talk.turns_of(ExchangeType::IKE_AUTH).filter(|t| t.message.is_response());
    // RFC 7296 §2.21.2: anybody can send an answer in clear. One beside an encrypted answer, or before anything
    // else that the responder encrypts, is not from the responder.
    let is_real = talk.turns.iter().any(|turn| {
        !turn.from_initiator && turn.message.encrypted.is_some() && !turn.message.is_opening()
    });
    let answers = || all_answers().filter(|turn| !is_real || turn.message.encrypted.is_some());
    let first = talk.turns_of(ExchangeType::IKE_AUTH).next()?;
    let id = |turn: &Turn<'_>| turn.message.message_id();
    let request = requests().max_by_key(id);
    let answer = answers().max_by_key(id);
    // With EAP the authentication takes several rounds, and the last one counts.
    let Some(answer) = answer.filter(|a| request.is_none_or(|r| id(&r) <= id(a))) else {
        let request = request?;
        // New SPIs show that the answer came and the capture missed it.
        if talk.creates_esp(first.time(), request.time()) {
            let (state, shown) = ("IKE_AUTH sent, ESP follows", vec![request.frame()]);
            let verdict = Verdict::inferred(Outcome::Established, None, state, shown);
            return Some(with_end(talk, verdict));
        }
        let verdict = silence(talk, request, "IKE_AUTH sent");
        let is_silent = verdict.outcome == Outcome::NoResponse;
        let reason = is_silent.then_some(Reason::Timeout);
        return Some(Verdict { reason, inferred: is_silent, ..verdict });
    };
    let shown: Vec<FrameRef> =
        request.map(|r| r.frame()).into_iter().chain([answer.frame()]).collect();
    // RFC 7296 §2.21.2 allows no error in clear here; one that is sent anyway is read, unless what follows
    // shows that the negotiation succeeded.
    if let Some(reason) = readable_failure(answer.message) {
        if talk.creates_esp(first.time(), answer.time()) {
            let state = "IKE_AUTH sent, ESP follows";
            return Some(Verdict::inferred(Outcome::Established, None, state, shown));
        }
        let outcome = match reason {
            Reason::NoProposalChosen => Outcome::NoProposalChosen,
            Reason::AuthenticationFailed => Outcome::AuthenticationSuspected,
            _ => Outcome::Failed,
        };
        return Some(Verdict::proven(outcome, reason, "IKE_AUTH refused", shown));
    }
    let suite = talk.suite();
    let Some(most) = talk.room(answer.message) else {
        // RFC 7383 §2.5: a part of the answer is missing, so its size is not known.
        if talk.begins_protection(first.time(), answer.time()) {
            let state = "IKE_AUTH, ESP follows";
            return Some(with_end(
                talk,
                Verdict::inferred(Outcome::Established, None, state, shown),
            ));
        }
        let state = "a part of the answer to IKE_AUTH is not in the capture";
        return Some(Verdict::incomplete(state, shown));
    };
    if first.message.message_id() != answer.message.message_id()
        && most < suite.least_authentication()
    {
        return Some(judge_last_round(talk, first.time(), answer, shown));
    }
    Some(judge_answer(talk, first.time(), answer, &suite, most, shown))
}

/// A small answer of a later round (EAP, RFC 7296 §2.16; RFC 4739): success, failure and the next question have
/// the same size. After success the initiator authenticates at once; after a question, when its user has
/// answered. An initiator that did neither and began again was refused.
fn judge_last_round(
    talk: &Conversation<'_>,
    begun: Timestamp,
    answer: Turn<'_>,
    shown: Vec<FrameRef>,
) -> Verdict {
    let state = "IKE_AUTH not completed in the capture";
    if talk.begins_protection(begun, answer.time()) {
        let state = "IKE_AUTH, ESP follows";
        return with_end(talk, Verdict::inferred(Outcome::Established, None, state, shown));
    }
    // Another host behind the same translator is no new try.
    let again = talk.next_try_after(answer.time());
    let is_again = again.is_some_and(|next| next.since(answer.time()) <= NEXT_TRY);
    if !is_again || !talk.would_show_an_answer_to(answer.message) {
        return Verdict::incomplete(state, shown);
    }
    let (outcome, reason) = (Outcome::AuthenticationSuspected, Reason::AuthenticationFailed);
    Verdict::inferred(outcome, reason, "IKE_AUTH refused", shown)
}

/// An answer to IKE_AUTH that can hold at most `most` bytes of payloads.
fn judge_answer(
    talk: &Conversation<'_>,
    begun: Timestamp,
    answer: Turn<'_>,
    suite: &Suite,
    most: u32,
    mut shown: Vec<FrameRef>,
) -> Verdict {
    let creates_esp = talk.creates_esp(begun, answer.time());
    // RFC 5998 §4: a responder may leave its authentication to EAP, whose question is the answer then.
    if (LEAST_EAP_ONLY..suite.least_authentication()).contains(&most) && !creates_esp {
        return judge_last_round(talk, begun, answer, shown);
    }
    if most < suite.least_authentication() {
        let (outcome, reason) = (Outcome::AuthenticationSuspected, Reason::AuthenticationFailed);
        let verdict = Verdict::inferred(outcome, reason, "IKE_AUTH refused", shown);
        // New SPIs all the same: another negotiation of the pair created them.
        return if creates_esp { verdict.with(Confidence::Low) } else { verdict };
    }
    if most < suite.least_with_child() && !creates_esp {
        return judge_without_child(talk, answer, shown);
    }
    let is_refused = |_: &Turn<'_>| !creates_esp && !talk.begins_protection(begun, answer.time());
    if let Some(objection) = objection(talk, answer).filter(is_refused) {
        shown.push(objection.frame());
        // A liveness check has the same size as an objection where an empty message has.
        let can_be_empty = objection.message.encrypted.is_some_and(|e| suite.can_be_empty(e.bytes));
        let confidence = if can_be_empty { Confidence::Low } else { Confidence::Medium };
        let state = "IKE_AUTH answered, then given up by the initiator";
        let (outcome, reason) = (Outcome::AuthenticationSuspected, Reason::AuthenticationFailed);
        return Verdict::inferred(outcome, reason, state, shown).with(confidence);
    }
    let verdict = if creates_esp { Verdict::proven } else { Verdict::inferred };
    with_end(talk, verdict(Outcome::Established, None, "IKE_AUTH completed", shown))
}

/// Authenticated, but the answer is too small for a child SA: it was refused (RFC 7296 §1.2), or not requested,
/// which only a responder with support for that allows (RFC 6023 §3). What CREATE_CHILD_SA creates later counts
/// where an SPI follows.
fn judge_without_child(
    talk: &Conversation<'_>,
    authenticated: Turn<'_>,
    mut shown: Vec<FrameRef>,
) -> Verdict {
    let answers =
        || talk.turns_of(ExchangeType::CREATE_CHILD_SA).filter(|t| t.message.is_response());
    let made = answers().find(|answer| {
        let asked = talk.turns_of(ExchangeType::CREATE_CHILD_SA).find(|turn| {
            !turn.message.is_response() && turn.message.message_id() == answer.message.message_id()
        });
        talk.creates_esp(asked.map_or(answer.time(), |asked| asked.time()), answer.time())
    });
    if let Some(made) = made {
        shown.push(made.frame());
        let state = "CREATE_CHILD_SA completed";
        return with_end(talk, Verdict::proven(Outcome::Established, None, state, shown));
    }
    let has_no_room =
        |turn: &Turn<'_>| talk.room(turn.message).is_some_and(|room| room < LEAST_CHILD_ANSWER);
    let refused = answers().next_back().filter(has_no_room);
    let may_be_childless = talk.turns_of(ExchangeType::IKE_SA_INIT).any(|turn| {
        turn.message.is_response() && turn.message.notifies().any(|kind| kind == CHILDLESS)
    });
    match refused {
        None if may_be_childless => {
            let state = "IKE_AUTH completed without a child SA";
            with_end(talk, Verdict::inferred(Outcome::Established, None, state, shown))
        }
        None if may_be_redirected(talk, authenticated) => {
            let state = "authenticated, child SA refused or redirected to another gateway";
            Verdict::incomplete(state, shown)
        }
        None => {
            let state = "authenticated, child SA refused";
            Verdict::inferred(Outcome::Failed, Reason::ChildRefused, state, shown)
        }
        Some(refused) => {
            shown.push(refused.frame());
            let state = "authenticated, CREATE_CHILD_SA refused";
            Verdict::inferred(Outcome::Failed, Reason::ChildRefused, state, shown)
        }
    }
}

/// Whether the answer to IKE_AUTH may hold REDIRECT in place of a child SA (RFC 5685 §6): the initiator can be
/// redirected, and leaves at once or goes to another gateway.
fn may_be_redirected(talk: &Conversation<'_>, answer: Turn<'_>) -> bool {
    let supports = init(talk).any(|turn| {
        !turn.message.is_response() && turn.message.notifies().any(|n| n == REDIRECT_SUPPORTED)
    });
    let leaves = talk.turns_of(ExchangeType::INFORMATIONAL).any(|turn| {
        turn.from_initiator && !turn.message.is_response() && turn.follows(answer.time(), AT_ONCE)
    });
    let next = talk.redirected_after(answer.time());
    supports && (leaves || next.is_some_and(|next| next.since(answer.time()) <= NEXT_GATEWAY))
}

/// RFC 7296 §2.21.2: an initiator that refuses the responder's authentication reports it in an INFORMATIONAL
/// exchange of its own, at once.
fn objection<'a>(talk: &Conversation<'a>, answer: Turn<'_>) -> Option<Turn<'a>> {
    let mut requests = talk.turns.iter().copied().filter(|turn| {
        turn.time() >= answer.time() && !turn.message.is_response() && !turn.is_repeated
    });
    let next = requests.next()?;
    let is_alone = requests.next().is_none();
    let size_of =
        |turn: Turn<'_>| turn.message.encrypted.filter(|e| e.fragment.is_none()).map(|e| e.bytes);
    let refusal = talk
        .turns_of(ExchangeType::INFORMATIONAL)
        .find(|turn| {
            turn.message.is_response() && turn.message.message_id() == next.message.message_id()
        })
        .and_then(size_of);
    // A notify without data, alone or with a Delete, is answered by an empty message; UPDATE_SA_ADDRESSES
    // with its hashes (RFC 4555 §3.5) is larger.
    let suite = talk.suite();
    let is_small = size_of(next).is_some_and(|bytes| suite.can_object(bytes, refusal));
    let at_once = next.from_initiator
        && is_small
        && next.message.is(ExchangeType::INFORMATIONAL)
        && next.follows(answer.time(), AT_ONCE);
    (at_once && is_alone).then_some(next)
}

/// The first and the last sending of a request.
fn edges(talk: &Conversation<'_>, request: Turn<'_>) -> Vec<FrameRef> {
    let mut frames = vec![request.frame()];
    let last = talk.sendings_of(request.message).last().map(|message| message.frame);
    frames.extend(last.filter(|frame| *frame != request.frame()));
    frames
}

fn frames<'a>(turns: impl Iterator<Item = Turn<'a>>) -> Vec<FrameRef> {
    turns.map(|turn| turn.frame()).take(2).collect()
}

/// RFC 7296 §3.10.1.
const COOKIE: u16 = 16390;
/// RFC 5685.
const REDIRECT_SUPPORTED: u16 = 16406;
const REDIRECT: u16 = 16407;
/// An initiator that is redirected goes on at once (RFC 5685 §6), but for looking up the gateway's name.
const NEXT_GATEWAY: Span = Span::from_seconds(10);
/// Refusal follows the answer at once; deletion by an operator or a timer does not.
const AT_ONCE: Span = Span::from_seconds(1);
/// A refused initiator, or its user, tries again within this time.
const NEXT_TRY: Span = Span::from_seconds(60);
/// CHILDLESS_IKEV2_SUPPORTED (RFC 6023 §3).
const CHILDLESS: u16 = 16418;
