//! How an IKEv1 or AuthIP negotiation ended (RFC 2408, RFC 2409, \[MS-AIPS\]).
//!
//! Each rule and its reason is in docs/ike-outcomes.md.

use super::conversation::{Conversation, Turn};
use super::ended::with_end;
use super::method_v1::{is_user_authentication, refusal_of};
use super::notify::readable_failure;
use super::outcome::{ONE_WAY, Outcome, Verdict};
use super::quick_mode::{is_answer, is_third_message, quick_modes};
use super::{ExchangeType, IkeVersion};
use crate::catalogue::{Confidence, Reason};
use crate::evidence::FrameRef;
use crate::time::{Span, Timestamp};

/// Judges the messages under one cookie pair.
pub(super) fn judge(talk: &Conversation<'_>) -> Verdict {
    let phase_1 = Phase1::gather(talk);
    if let Some(verdict) = judge_quick_mode(talk) {
        return verdict;
    }
    if phase_1.is_empty() {
        return judge_upkeep(talk);
    }
    if talk.is_one_way() {
        return Verdict::incomplete(ONE_WAY, first_frames(talk));
    }
    if let Some(verdict) = refused_in_clear(talk, &phase_1) {
        return verdict;
    }
    if let Some(verdict) = judge_transactions(talk) {
        return verdict;
    }
    match phase_1.mode {
        Mode::Main => judge_main_mode(talk, &phase_1),
        Mode::Aggressive => judge_aggressive_mode(talk, &phase_1),
        Mode::AuthIp => judge_authip(talk, &phase_1),
    }
}

/// Only messages inside an ISAKMP SA: encrypted informational messages of both sides show that it is alive (RFC
/// 3706).
fn judge_upkeep(talk: &Conversation<'_>) -> Verdict {
    let encrypted = |from_initiator: bool| {
        informational(talk)
            .find(|turn| turn.from_initiator == from_initiator && turn.message.encrypted.is_some())
    };
    let (Some(one), Some(other)) = (encrypted(true), encrypted(false)) else {
        return Verdict::incomplete("beginning not in the capture", first_frames(talk));
    };
    let frames = vec![one.frame(), other.frame()];
    let state = "established before the capture";
    with_end(talk, Verdict::inferred(Outcome::Established, None, state, frames))
}

/// The modes of phase 1.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// RFC 2409 §5: six messages, the last two encrypted.
    Main,
    /// Three messages; the responder authenticates in the second, the initiator in the third.
    Aggressive,
    /// Any number of round trips.
    AuthIp,
}

/// The messages of phase 1 by who sent them and whether they are encrypted, without repetitions.
struct Phase1<'a> {
    mode: Mode,
    asked: Vec<Turn<'a>>,
    asked_encrypted: Vec<Turn<'a>>,
    answered: Vec<Turn<'a>>,
    answered_encrypted: Vec<Turn<'a>>,
}

impl<'a> Phase1<'a> {
    fn gather(talk: &Conversation<'a>) -> Self {
        let mode = talk.messages().find_map(|message| match message.header.exchange_type {
            ExchangeType::MAIN_MODE => Some(Mode::Main),
            ExchangeType::AGGRESSIVE => Some(Mode::Aggressive),
            ExchangeType::AUTHIP_MAIN_MODE => Some(Mode::AuthIp),
            _ => None,
        });
        let is_phase_1 = |turn: &Turn<'_>| {
            matches!(
                turn.message.header.exchange_type,
                ExchangeType::MAIN_MODE | ExchangeType::AGGRESSIVE | ExchangeType::AUTHIP_MAIN_MODE
            ) && !turn.is_repeated
        };
        let pick = |from_initiator: bool, encrypted: bool| {
            let turns = talk.turns.iter().filter(|turn| {
                is_phase_1(turn)
                    && turn.from_initiator == from_initiator
                    && turn.message.encrypted.is_some() == encrypted
            });
            turns.copied().collect()
        };
        Self {
            mode: mode.unwrap_or(Mode::Main),
            asked: pick(true, false),
            asked_encrypted: pick(true, true),
            answered: pick(false, false),
            answered_encrypted: pick(false, true),
        }
    }

    fn is_empty(&self) -> bool {
        let all = [&self.asked, &self.asked_encrypted, &self.answered, &self.answered_encrypted];
        all.iter().all(|turns| turns.is_empty())
    }

    /// How far it came.
    fn state(&self) -> &'static str {
        if !self.answered_encrypted.is_empty() {
            "phase 1 authentication answered"
        } else if !self.asked_encrypted.is_empty() {
            "phase 1 authentication sent"
        } else if self.mode == Mode::Main && self.answered.len() > 1 {
            "keys exchanged"
        } else if !self.answered.is_empty() {
            "first message answered"
        } else {
            "first message sent"
        }
    }
}

/// Quick mode is based on a phase 1 that succeeded (RFC 2409 §5.5).
fn judge_quick_mode(talk: &Conversation<'_>) -> Option<Verdict> {
    let quick = quick_modes(talk);
    let first = *quick.first()?;
    let answer = quick.iter().copied().find(|turn| is_answer(&quick, turn));
    let Some(answer) = answer else { return Some(judge_unanswered_quick_mode(talk, first)) };
    let last = quick.last().copied().unwrap_or(answer);
    let creates_esp = talk.creates_esp(first.time(), last.time());
    // RFC 2409 §5.5: the SAs are not used before the third message.
    let is_confirmed = quick.iter().any(|turn| is_third_message(&quick, turn));
    if !creates_esp && !is_confirmed && talk.version == IkeVersion::V1 {
        let state = "quick mode answered, not confirmed in the capture";
        return Some(Verdict::incomplete(state, vec![first.frame(), answer.frame()]));
    }
    let verdict = if creates_esp { Verdict::proven } else { Verdict::inferred };
    let frames = vec![first.frame(), answer.frame()];
    let verdict = verdict(Outcome::Established, None, "quick mode completed", frames);
    Some(with_end(talk, verdict))
}

/// RFC 2409 §5.5 has no refusal inside quick mode: it comes as an encrypted informational exchange. Silence is
/// not a refusal.
fn judge_unanswered_quick_mode(talk: &Conversation<'_>, first: Turn<'_>) -> Verdict {
    let state = "quick mode not answered";
    let mut frames = vec![first.frame()];
    let reply = informational(talk).find(|turn| refuses_quick_mode(talk, first, *turn));
    frames.extend(reply.iter().map(Turn::frame));
    if talk.is_one_way() {
        return Verdict::incomplete(ONE_WAY, frames);
    }
    // New SPIs show that the answer came and the capture missed it.
    if talk.creates_esp(first.time(), first.time()) {
        let (state, frames) = ("quick mode, ESP follows", vec![first.frame()]);
        return Verdict::inferred(Outcome::Established, None, state, frames);
    }
    if reply.is_some() {
        let state = "quick mode refused";
        return Verdict::inferred(Outcome::Failed, Reason::ChildRefused, state, frames);
    }
    let Some(last) = talk.sendings_of(first.message).last() else {
        return Verdict::incomplete(state, frames);
    };
    frames.extend(Some(last.frame).filter(|last| *last != first.frame()));
    let sent = talk.sendings_of(first.message).count();
    if sent < INSISTENT || !talk.hears_after(first.message, last.time) {
        return Verdict::incomplete(state, frames);
    }
    Verdict::proven(Outcome::NoResponse, Reason::Timeout, state, frames)
}

/// Whether an informational message answers a quick mode: the other side's, within a round trip of a sending, and
/// nothing else was asked in between that it may answer (RFC 3706 §5.2).
fn refuses_quick_mode(talk: &Conversation<'_>, asked: Turn<'_>, reply: Turn<'_>) -> bool {
    let sent = talk.sendings_of(asked.message).filter(|sent| sent.time <= reply.time()).last();
    sent.is_some_and(|sent| {
        let mut between = informational(talk).filter(|turn| {
            turn.from_initiator == asked.from_initiator
                && turn.time() >= sent.time
                && turn.time() <= reply.time()
        });
        reply.from_initiator != asked.from_initiator
            && reply.follows(sent.time, OBJECTION)
            && between.next().is_none()
    })
}

fn informational<'a>(talk: &Conversation<'a>) -> impl DoubleEndedIterator<Item = Turn<'a>> {
    talk.turns.iter().copied().filter(|turn| {
        let message = turn.message;
        !turn.is_repeated
            && (message.is(ExchangeType::V1_INFORMATIONAL)
                || message.is(ExchangeType::AUTHIP_NOTIFY))
    })
}

/// An error notify in clear after which phase 1 did not continue. Anybody can send one: where both sides have
/// authenticated, where ESP follows, or where both sides continue under the keys, it refused nothing.
fn refused_in_clear(talk: &Conversation<'_>, phase_1: &Phase1<'_>) -> Option<Verdict> {
    let refusal = talk.turns.iter().find(|turn| readable_failure(turn.message).is_some())?;
    let reason = readable_failure(refusal.message)?;
    let goes_on = talk.turns.iter().any(|turn| {
        let message = turn.message;
        turn.time() > refusal.time()
            && !turn.is_repeated
            && !message.is(ExchangeType::V1_INFORMATIONAL)
    });
    // Message 6 of main mode, and later messages under the keys, show that both have authenticated.
    let is_done = (phase_1.mode == Mode::Main && !phase_1.answered_encrypted.is_empty())
        || talk.turns_of(ExchangeType::TRANSACTION).next().is_some();
    let begun = talk.turns.first().map_or(refusal.time(), Turn::time);
    if goes_on
        || is_done
        || is_kept_alive(talk, refusal.time())
        || talk.creates_esp(begun, refusal.time())
    {
        return None;
    }
    let (state, frames) = ("phase 1 refused", vec![refusal.frame()]);
    // Before anything was encrypted or proven, no key had been used.
    let has_used_key = !phase_1.asked_encrypted.is_empty()
        || (phase_1.mode == Mode::Aggressive && !phase_1.answered.is_empty());
    // An initiator with another key complains in place of aggressive mode's third message (RFC 2409 §5.4).
    let has_third = phase_1.mode == Mode::Aggressive
        && (!phase_1.asked_encrypted.is_empty() || phase_1.asked.len() > 1);
    // Decrypted under another key, message 5 is noise: the peer finds no known payload.
    let is_noise =
        refusal.message.notifies().any(|kind| matches!(kind, 1 | 16)) && has_used_key && !has_third;
    Some(match reason {
        Reason::NoProposalChosen => {
            Verdict::proven(Outcome::NoProposalChosen, reason, state, frames)
        }
        Reason::AuthenticationFailed | Reason::PskMismatchSuspected => {
            let of_key = refusal_of(talk);
            let outcome = Outcome::AuthenticationSuspected;
            match (has_used_key, of_key) {
                (true, Reason::PskMismatchSuspected) if has_third => {
                    Verdict::inferred(outcome, Reason::AuthenticationFailed, state, frames)
                }
                // A refused identity looks the same, and anybody can send this.
                (true, Reason::PskMismatchSuspected) => {
                    Verdict::inferred(outcome, of_key, state, frames)
                }
                (true, of_key) => Verdict::proven(outcome, of_key, state, frames),
                (false, _) => Verdict::proven(outcome, Reason::AuthenticationFailed, state, frames),
            }
        }
        _ if is_noise => {
            Verdict::inferred(Outcome::AuthenticationSuspected, refusal_of(talk), state, frames)
        }
        _ => Verdict::proven(Outcome::Failed, reason, state, frames),
    })
}

/// Transactions under the keys of phase 1, and no quick mode after them: phase 1 succeeded. Where the responder
/// asked for a user and then ends it, the user was refused (draft-beaulieu-ike-xauth-02 §2.1).
fn judge_transactions(talk: &Conversation<'_>) -> Option<Verdict> {
    let transactions: Vec<Turn<'_>> = talk.turns_of(ExchangeType::TRANSACTION).collect();
    let (first, last) = (*transactions.first()?, *transactions.last()?);
    let mut frames = vec![first.frame(), last.frame()];
    let id = last.message.message_id();
    let began = transactions.iter().find(|turn| turn.message.message_id() == id);
    // A user's authentication and its result come from the responder; addresses are asked for by the
    // initiator (draft-dukes-ike-mode-cfg-02 §3.2).
    let is_user = is_user_authentication(talk) && began.is_some_and(|turn| !turn.from_initiator);
    let end = informational(talk)
        .find(|turn| !turn.from_initiator && turn.follows(last.time(), OBJECTION));
    let Some(end) = end.filter(|_| is_user) else {
        return Some(phase_1_completed(talk, first, last, frames));
    };
    // A refused user has no SA in which both sides continue.
    if talk.creates_esp(first.time(), last.time()) || is_kept_alive(talk, last.time()) {
        return Some(phase_1_completed(talk, first, last, frames));
    }
    frames.push(end.frame());
    let (outcome, reason) = (Outcome::AuthenticationSuspected, Reason::AuthenticationFailed);
    Some(Verdict::inferred(outcome, reason, "user authentication (XAUTH) refused", frames))
}

/// Main mode without a quick mode after it.
fn judge_main_mode(talk: &Conversation<'_>, phase_1: &Phase1<'_>) -> Verdict {
    let state = phase_1.state();
    match (phase_1.asked_encrypted.first(), phase_1.answered_encrypted.first()) {
        (Some(sent), Some(answer)) => judge_phase_1_alone(talk, *sent, *answer),
        (Some(sent), None) => judge_unanswered_authentication(talk, *sent, state),
        (None, _) => judge_unfinished(talk, phase_1, state),
    }
}

/// Message 5 without message 6. Under another pre-shared key the responder cannot decrypt it (RFC 2409 §5:
/// SKEYID comes from the key): it stays silent, repeats message 4, or complains. An encrypted complaint may
/// have the size of message 6, but has another exchange type.
fn judge_unanswered_authentication(
    talk: &Conversation<'_>,
    sent: Turn<'_>,
    state: &'static str,
) -> Verdict {
    let mut frames = vec![sent.frame()];
    let after = |turn: &Turn<'_>| !turn.from_initiator && turn.time() >= sent.time();
    let complaint = informational(talk).find(after);
    let repeated =
        talk.turns.iter().copied().find(|turn| {
            after(turn) && turn.is_repeated && turn.message.is(ExchangeType::MAIN_MODE)
        });
    frames.extend(complaint.or(repeated).iter().map(Turn::frame));
    let last = talk.sendings_of(sent.message).last().filter(|last| last.frame != sent.frame());
    let until = last.map_or(sent.time(), |last| last.time);
    // Later messages of both sides under the keys show that message 6 came.
    if is_kept_alive(talk, until) || talk.creates_esp(sent.time(), until) {
        return phase_1_completed(talk, sent, sent, vec![sent.frame()]);
    }
    frames.extend(last.map(|last| last.frame));
    let is_supported = complaint.is_some() || repeated.is_some();
    let is_silence =
        talk.would_show_an_answer_to(sent.message) && talk.hears_after(sent.message, until);
    if !is_supported && !is_silence {
        return Verdict::incomplete(state, frames);
    }
    // A filter, or lost fragments of a message 5 with certificates, may also explain silence.
    let confidence = if is_supported { Confidence::Medium } else { Confidence::Low };
    Verdict::inferred(Outcome::AuthenticationSuspected, refusal_of(talk), state, frames)
        .with(confidence)
}

/// Both sides sent their authentication, and no quick mode followed. Message 6 comes only from a responder that
/// could read message 5, so the keys match; an initiator that refuses the responder's certificate reports it at
/// once, but INITIAL-CONTACT (RFC 2407 §4.6.3.3) looks the same.
fn judge_phase_1_alone(talk: &Conversation<'_>, sent: Turn<'_>, answer: Turn<'_>) -> Verdict {
    let mut frames = vec![sent.frame(), answer.frame()];
    let by_certificate = refusal_of(talk) == Reason::AuthenticationFailed;
    let objection = informational(talk)
        .find(|turn| turn.from_initiator && turn.follows(answer.time(), OBJECTION));
    let is_last = |objection: &Turn<'_>| {
        talk.would_show_an_answer_to(objection.message)
            && talk.turns.iter().all(|turn| turn.time() <= objection.time())
    };
    if let Some(objection) = objection.filter(|turn| by_certificate && is_last(turn)) {
        frames.push(objection.frame());
        let state = "phase 1 stopped at authentication";
        let (outcome, reason) = (Outcome::AuthenticationSuspected, Reason::AuthenticationFailed);
        return Verdict::inferred(outcome, reason, state, frames).with(Confidence::Low);
    }
    phase_1_completed(talk, sent, answer, frames)
}

/// Phase 1 completed as far as can be seen. ESP shows whether a child SA followed, and messages of both sides
/// inside the ISAKMP SA show whether it is alive.
fn phase_1_completed(
    talk: &Conversation<'_>,
    from: Turn<'_>,
    to: Turn<'_>,
    frames: Vec<FrameRef>,
) -> Verdict {
    if talk.creates_esp(from.time(), to.time()) {
        let state = "phase 1 answered, ESP follows";
        return with_end(talk, Verdict::inferred(Outcome::Established, None, state, frames));
    }
    if is_kept_alive(talk, to.time()) {
        let state = "phase 1 completed and kept alive, no quick mode in the capture";
        return with_end(talk, Verdict::inferred(Outcome::Established, None, state, frames));
    }
    Verdict::incomplete("phase 1 completed, no quick mode in the capture", frames)
}

/// Both sides send encrypted messages well after the last message of phase 1 that was sent by then: the ISAKMP
/// SA is alive. A refusal comes sooner.
fn is_kept_alive(talk: &Conversation<'_>, by: Timestamp) -> bool {
    let phase_1 = talk.turns.iter().filter(|turn| !is_upkeep(turn));
    let last = phase_1.map(Turn::time).max().unwrap_or(by).max(by);
    let lives = |from_initiator: bool| {
        informational(talk).any(|turn| {
            turn.from_initiator == from_initiator
                && turn.message.encrypted.is_some()
                && turn.time() > last.shifted(OBJECTION)
        })
    };
    lives(true) && lives(false)
}

fn is_upkeep(turn: &Turn<'_>) -> bool {
    turn.message.is(ExchangeType::V1_INFORMATIONAL) || turn.message.is(ExchangeType::AUTHIP_NOTIFY)
}

/// Aggressive mode without a quick mode after it. The responder's hash is in the second message (RFC 2409
/// §5.4): an initiator with another key detects it there, and complains instead of sending the third. A refusal
/// after the third message concerns an identity or a signature.
fn judge_aggressive_mode(talk: &Conversation<'_>, phase_1: &Phase1<'_>) -> Verdict {
    let Some(answer) = phase_1.answered.first().copied() else {
        return judge_unfinished(talk, phase_1, phase_1.state());
    };
    let third = phase_1.asked_encrypted.first().or_else(|| phase_1.asked.get(1)).copied();
    let mut frames = vec![answer.frame()];
    frames.extend(third.iter().map(Turn::frame));
    let from = third.unwrap_or(answer);
    let complaint = informational(talk).find(|turn| {
        turn.from_initiator != third.is_some() && turn.follows(from.time(), COMPLAINT)
    });
    // What was sent within a round trip of the third message may have crossed it.
    let asked = phase_1.asked.first().copied().unwrap_or(answer);
    let crosses =
        if third.is_some() { answer.time().since(asked.time()).max(CROSSING) } else { Span(0) };
    let sent_again = talk
        .sendings_of(answer.message)
        .filter(|message| message.time > from.time().shifted(crosses));
    let again = sent_again.last();
    frames.extend(complaint.iter().map(Turn::frame));
    frames.extend(again.map(|message| message.frame));
    let state = "phase 1 stopped at authentication";
    let suspected = |reason, frames, confidence| {
        Verdict::inferred(Outcome::AuthenticationSuspected, reason, state, frames).with(confidence)
    };
    // What both sides send later, and a new SPI, exclude a refusal, also where the third message is missing in the
    // capture.
    if is_kept_alive(talk, from.time()) || talk.creates_esp(answer.time(), from.time()) {
        let shown = [Some(answer), third].into_iter().flatten().map(|turn| turn.frame()).collect();
        return phase_1_completed(talk, answer, from, shown);
    }
    match (third, refusal_of(talk)) {
        (Some(third), Reason::PskMismatchSuspected) => {
            phase_1_completed(talk, answer, third, frames)
        }
        (Some(third), reason) => match (complaint, again) {
            (Some(_), Some(_)) => suspected(reason, frames, Confidence::Medium),
            (Some(_), None) | (None, Some(_)) => suspected(reason, frames, Confidence::Low),
            (None, None) => phase_1_completed(talk, answer, third, frames),
        },
        (None, reason) if complaint.is_some() => suspected(reason, frames, Confidence::Medium),
        (None, reason) => {
            // The initiator may have left, or its third message may have been filtered.
            let until = again.map_or(answer.time(), |again| again.time);
            let is_silence = talk.would_show_an_answer_to(answer.message)
                && talk.hears_after(answer.message, until);
            if is_silence && again.is_some() {
                suspected(reason, frames, Confidence::Low)
            } else {
                Verdict::incomplete(phase_1.state(), frames)
            }
        }
    }
}

/// Phase 1 that stopped before anything was encrypted: silence, if the last message was the initiator's and the
/// capture continues.
fn judge_unfinished(talk: &Conversation<'_>, phase_1: &Phase1<'_>, state: &'static str) -> Verdict {
    let was_asked = phase_1.asked.len() > phase_1.answered.len();
    let Some(request) = phase_1.asked.last().copied().filter(|_| was_asked) else {
        return Verdict::incomplete(state, first_frames(talk));
    };
    let mut frames = vec![request.frame()];
    let last = talk.sendings_of(request.message).last().filter(|m| m.frame != request.frame());
    frames.extend(last.map(|last| last.frame));
    // A notify that refused nothing is an answer all the same.
    let is_answered = talk
        .turns
        .iter()
        .any(|turn| !turn.from_initiator && readable_failure(turn.message).is_some());
    if is_answered || !talk.would_show_an_answer_to(request.message) {
        return Verdict::incomplete(state, frames);
    }
    let confidence = talk.confidence_of_silence(request.message);
    if phase_1.mode == Mode::Main && !phase_1.answered.is_empty() {
        // A responder without a key for this peer stops here, and so does one whose answer is dropped.
        let state = "third message not answered: no key for this peer, or dropped";
        let verdict = Verdict::inferred(Outcome::NoResponse, Reason::NoResponse, state, frames);
        return verdict.with(confidence.min(Confidence::Medium));
    }
    Verdict::proven(Outcome::NoResponse, Reason::NoResponse, state, frames).with(confidence)
}

/// AuthIP without a quick mode: only the order decides (\[MS-AIPS\] 1.3).
fn judge_authip(talk: &Conversation<'_>, phase_1: &Phase1<'_>) -> Verdict {
    if phase_1.answered.is_empty() && phase_1.answered_encrypted.is_empty() {
        return judge_unfinished(talk, phase_1, phase_1.state());
    }
    let (Some(first), Some(last)) = (talk.turns.first(), talk.turns.last()) else {
        return Verdict::incomplete(phase_1.state(), Vec::new());
    };
    phase_1_completed(talk, *first, *last, vec![first.frame(), last.frame()])
}

fn first_frames(talk: &Conversation<'_>) -> Vec<FrameRef> {
    talk.turns.first().map(Turn::frame).into_iter().collect()
}

/// How soon a side objects to the other's authentication.
const OBJECTION: Span = Span::from_seconds(2);
/// The time within which a responder complains about the third message of aggressive mode, or repeats the
/// second: longer than a retransmission timer.
const COMPLAINT: Span = Span::from_seconds(10);
/// A fast round trip and the peer's computation.
const CROSSING: Span = Span::from_millis(100);
/// If one answer is lost, the second request makes up for it.
const INSISTENT: usize = 3;
