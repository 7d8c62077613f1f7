//! How an IKEv1 or AuthIP negotiation ended (RFC 2408, RFC 2409, \[MS-AIPS\]).
//!
//! Each rule and its reason is in docs/ike-outcomes.md.

use super::conversation::{Conversation, Turn};
use super::exchange::readable_failure;
use super::judge_v2::ONE_WAY;
use super::outcome::{Outcome, Verdict};
use super::proposal::TransformKind;
use super::{ExchangeType, IkeVersion};
use crate::catalogue::{Confidence, Reason, ike_vendor};
use crate::evidence::FrameRef;
use crate::time::Span;

/// Judges the messages under one cookie pair.
pub(super) fn judge(talk: &Conversation<'_>) -> Verdict {
    let phase_1 = Phase1::of(talk);
    if let Some(verdict) = judge_quick_mode(talk) {
        return verdict;
    }
    if phase_1.is_empty() {
        return Verdict::incomplete("beginning not in the capture", first_frames(talk));
    }
    if talk.is_one_way() {
        return Verdict::incomplete(ONE_WAY, first_frames(talk));
    }
    if let Some(verdict) = refused_in_clear(talk, &phase_1) {
        return verdict;
    }
    match phase_1.mode {
        Mode::Main => judge_main_mode(talk, &phase_1),
        Mode::Aggressive => judge_aggressive_mode(talk, &phase_1),
        Mode::AuthIp => judge_authip(talk, &phase_1),
    }
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
    fn of(talk: &Conversation<'a>) -> Self {
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

/// Quick mode stands on a phase 1 that succeeded (RFC 2409 §5.5).
fn judge_quick_mode(talk: &Conversation<'_>) -> Option<Verdict> {
    let of = |kind| talk.of(kind);
    let quick: Vec<Turn<'_>> =
        of(ExchangeType::QUICK_MODE).chain(of(ExchangeType::AUTHIP_QUICK_MODE)).collect();
    let first = *quick.first()?;
    let answer = quick.iter().copied().find(|turn| {
        let asked = quick.iter().find(|q| q.message.message_id() == turn.message.message_id());
        asked.is_some_and(|asked| asked.from_initiator != turn.from_initiator)
    });
    let Some(answer) = answer else { return Some(judge_unanswered_quick_mode(talk, first)) };
    let last = quick.last().copied().unwrap_or(answer);
    let fruit = talk.bears_fruit(first.time(), last.time());
    let verdict = if fruit { Verdict::read } else { Verdict::inferred };
    let frames = vec![first.frame(), answer.frame()];
    let verdict = verdict(Outcome::Established, None, "quick mode completed", frames);
    Some(with_end(talk, last, verdict))
}

/// RFC 2409 §5.5 knows no refusal inside quick mode: it comes as an encrypted informational
/// exchange, or as silence.
fn judge_unanswered_quick_mode(talk: &Conversation<'_>, first: Turn<'_>) -> Verdict {
    let state = "quick mode not answered";
    let mut frames = vec![first.frame()];
    let reply = informational(talk)
        .find(|turn| turn.from_initiator != first.from_initiator && turn.time() >= first.time());
    frames.extend(reply.iter().map(Turn::frame));
    if talk.is_one_way() {
        return Verdict::incomplete(ONE_WAY, frames);
    }
    // New SPIs show that the answer came and the capture missed it.
    if talk.bears_fruit(first.time(), first.time()) {
        let (state, frames) = ("quick mode, ESP follows", vec![first.frame()]);
        return Verdict::inferred(Outcome::Established, None, state, frames);
    }
    if reply.is_none() && !talk.would_show_an_answer_to(first.message) {
        return Verdict::incomplete(state, frames);
    }
    let confidence = if reply.is_some() { Confidence::Medium } else { Confidence::Low };
    Verdict::inferred(Outcome::Failed, Reason::PolicyMismatch, state, frames).with(confidence)
}

/// RFC 2408 §3.15: a Delete payload in an informational exchange, behind which the ESP stops.
fn with_end(talk: &Conversation<'_>, last_quick: Turn<'_>, verdict: Verdict) -> Verdict {
    let last = informational(talk).next_back().filter(|turn| turn.time() > last_quick.time());
    let ends = last.filter(|turn| {
        let in_clear = turn.message.clear().is_some_and(|clear| clear.deletes);
        talk.esp_stops_at(turn.message) || (in_clear && !is_ignored(talk, *turn))
    });
    let Some(turn) = ends else { return verdict };
    let mut frames = verdict.frames.clone();
    frames.push(turn.frame());
    let deleted = Some((turn.message.source.ip(), turn.time()));
    Verdict { outcome: Outcome::Ended, deleted, frames, ..verdict }
}

/// Anybody can send a Delete in clear; messages under the same cookies that go on show that
/// nobody obeyed it.
fn is_ignored(talk: &Conversation<'_>, delete: Turn<'_>) -> bool {
    talk.turns.iter().any(|turn| turn.time() > delete.time() && turn.message.encrypted.is_some())
}

fn informational<'a>(talk: &Conversation<'a>) -> impl DoubleEndedIterator<Item = Turn<'a>> {
    talk.turns.iter().copied().filter(|turn| {
        let message = turn.message;
        !turn.is_repeated
            && (message.is(ExchangeType::V1_INFORMATIONAL)
                || message.is(ExchangeType::AUTHIP_NOTIFY))
    })
}

/// An error notify in clear behind which phase 1 did not go on.
fn refused_in_clear(talk: &Conversation<'_>, phase_1: &Phase1<'_>) -> Option<Verdict> {
    let refusal = talk.turns.iter().find(|turn| readable_failure(turn.message).is_some())?;
    let reason = readable_failure(refusal.message)?;
    let goes_on = talk.turns.iter().any(|turn| {
        let message = turn.message;
        turn.time() > refusal.time()
            && !turn.is_repeated
            && !message.is(ExchangeType::V1_INFORMATIONAL)
    });
    if goes_on {
        return None;
    }
    let (state, frames) = ("phase 1 refused", vec![refusal.frame()]);
    // Decrypted under another key, message 5 is noise: the peer finds no payload that it knows.
    let is_noise = refusal.message.notifies().any(|kind| matches!(kind, 1 | 16))
        && !phase_1.asked_encrypted.is_empty();
    Some(match reason {
        Reason::NoProposalChosen => Verdict::read(Outcome::NoProposalChosen, reason, state, frames),
        Reason::AuthenticationFailed | Reason::PskMismatchSuspected => {
            Verdict::read(Outcome::AuthenticationSuspected, refusal_of(talk), state, frames)
        }
        _ if is_noise => {
            Verdict::inferred(Outcome::AuthenticationSuspected, refusal_of(talk), state, frames)
        }
        _ => Verdict::read(Outcome::Failed, reason, state, frames),
    })
}

/// Main mode without a quick mode behind it.
fn judge_main_mode(talk: &Conversation<'_>, phase_1: &Phase1<'_>) -> Verdict {
    let state = phase_1.state();
    match (phase_1.asked_encrypted.first(), phase_1.answered_encrypted.first()) {
        (Some(sent), Some(answer)) => judge_phase_1_alone(talk, *sent, *answer),
        (Some(sent), None) => judge_unanswered_authentication(talk, *sent, state),
        (None, _) => judge_unfinished(talk, phase_1, state),
    }
}

/// Message 5 and no message 6. Under another pre-shared key the responder cannot decrypt it
/// (RFC 2409 §5: SKEYID comes from the key): it stays silent or complains.
fn judge_unanswered_authentication(
    talk: &Conversation<'_>,
    sent: Turn<'_>,
    state: &'static str,
) -> Verdict {
    let mut frames = vec![sent.frame()];
    let complaint =
        informational(talk).find(|turn| !turn.from_initiator && turn.time() >= sent.time());
    frames.extend(complaint.iter().map(Turn::frame));
    let last = talk.sendings_of(sent.message).last().filter(|last| last.frame != sent.frame());
    frames.extend(last.map(|last| last.frame));
    let is_silent = last.is_some() || talk.would_show_an_answer_to(sent.message);
    if complaint.is_none() && !is_silent {
        return Verdict::incomplete(state, frames);
    }
    let reason = refusal_of(talk);
    // A message 5 with certificates is large; its fragments may have been lost instead.
    let by_key = reason == Reason::PskMismatchSuspected;
    let sure = complaint.is_some() || (by_key && last.is_some());
    let confidence = if sure { Confidence::Medium } else { Confidence::Low };
    Verdict::inferred(Outcome::AuthenticationSuspected, reason, state, frames).with(confidence)
}

/// Both sides sent their authentication, and no quick mode followed. A side that complains at
/// once did not accept the other's.
fn judge_phase_1_alone(talk: &Conversation<'_>, sent: Turn<'_>, answer: Turn<'_>) -> Verdict {
    let mut frames = vec![sent.frame(), answer.frame()];
    let objection = informational(talk).find(|turn| turn.follows(answer.time(), OBJECTION));
    if let Some(objection) = objection {
        frames.push(objection.frame());
        let state = "phase 1 stopped at authentication";
        return Verdict::inferred(
            Outcome::AuthenticationSuspected,
            refusal_of(talk),
            state,
            frames,
        );
    }
    phase_1_completed(talk, sent, answer, frames)
}

/// Phase 1 came through as far as can be seen; whether a child SA followed, the ESP tells.
fn phase_1_completed(
    talk: &Conversation<'_>,
    from: Turn<'_>,
    to: Turn<'_>,
    frames: Vec<FrameRef>,
) -> Verdict {
    if talk.bears_fruit(from.time(), to.time()) {
        let state = "phase 1 answered, ESP follows";
        return Verdict::inferred(Outcome::Established, None, state, frames);
    }
    Verdict::incomplete("phase 1 completed, no quick mode in the capture", frames)
}

/// Aggressive mode without a quick mode behind it.
fn judge_aggressive_mode(talk: &Conversation<'_>, phase_1: &Phase1<'_>) -> Verdict {
    let Some(answer) = phase_1.answered.first().copied() else {
        return judge_unfinished(talk, phase_1, phase_1.state());
    };
    let third = phase_1.asked_encrypted.first().or_else(|| phase_1.asked.get(1)).copied();
    let mut frames = vec![answer.frame()];
    frames.extend(third.iter().map(Turn::frame));
    // Instead of the third message the initiator complains, behind it the responder does; either
    // may also fall silent, and the responder then repeats the second.
    let from = third.unwrap_or(answer).time();
    let complaint = informational(talk)
        .find(|turn| turn.from_initiator != third.is_some() && turn.follows(from, COMPLAINT));
    let sent_again = talk.sendings_of(answer.message).filter(|message| message.time > from);
    let again = sent_again.last().map(|message| message.frame);
    frames.extend(complaint.iter().map(Turn::frame));
    frames.extend(again);
    let is_silent = third.is_none() && talk.would_show_an_answer_to(answer.message);
    let confidence = match (complaint, again) {
        (Some(_), _) | (None, Some(_)) => Confidence::Medium,
        (None, None) if is_silent => Confidence::Low,
        (None, None) => {
            return match third {
                Some(third) => phase_1_completed(talk, answer, third, frames),
                None => Verdict::incomplete(phase_1.state(), frames),
            };
        }
    };
    let state = "phase 1 stopped at authentication";
    Verdict::inferred(Outcome::AuthenticationSuspected, refusal_of(talk), state, frames)
        .with(confidence)
}

/// Phase 1 that stopped before anything was encrypted: silence, if the last word was the
/// initiator's and the capture goes on.
fn judge_unfinished(talk: &Conversation<'_>, phase_1: &Phase1<'_>, state: &'static str) -> Verdict {
    let was_asked = phase_1.asked.len() > phase_1.answered.len();
    let Some(request) = phase_1.asked.last().copied().filter(|_| was_asked) else {
        return Verdict::incomplete(state, first_frames(talk));
    };
    let mut frames = vec![request.frame()];
    let last = talk.sendings_of(request.message).last().filter(|m| m.frame != request.frame());
    frames.extend(last.map(|last| last.frame));
    if !talk.would_show_an_answer_to(request.message) {
        return Verdict::incomplete(state, frames);
    }
    let confidence = if last.is_some() { Confidence::High } else { Confidence::Medium };
    Verdict::read(Outcome::NoResponse, Reason::NoResponse, state, frames).with(confidence)
}

/// AuthIP without a quick mode: order alone tells (\[MS-AIPS\] 1.3).
fn judge_authip(talk: &Conversation<'_>, phase_1: &Phase1<'_>) -> Verdict {
    if phase_1.answered.is_empty() && phase_1.answered_encrypted.is_empty() {
        return judge_unfinished(talk, phase_1, phase_1.state());
    }
    let (Some(first), Some(last)) = (talk.turns.first(), talk.turns.last()) else {
        return Verdict::incomplete(phase_1.state(), Vec::new());
    };
    phase_1_completed(talk, *first, *last, vec![first.frame(), last.frame()])
}

/// What a refused authentication means under the method that was agreed on, read in clear.
fn refusal_of(talk: &Conversation<'_>) -> Reason {
    let set = talk.chosen().or_else(|| talk.offered().first());
    match set.and_then(|p| p.first(TransformKind::Authentication)).map(|t| t.id) {
        // RFC 2409 appendix A; XAUTH with pre-shared keys.
        Some(1 | 65002) => Reason::PskMismatchSuspected,
        // The same private number means Kerberos on Windows and XAUTH with a key elsewhere.
        Some(65001) if is_windows(talk) => Reason::KerberosFailed,
        Some(65001) => Reason::PskMismatchSuspected,
        _ => Reason::AuthenticationFailed,
    }
}

fn is_windows(talk: &Conversation<'_>) -> bool {
    let ids = talk.messages().filter_map(|m| m.clear()).flat_map(|clear| &clear.vendor_ids);
    talk.version == IkeVersion::AuthIp
        || ids.filter_map(|id| ike_vendor(id.octets())).any(|v| v.name.starts_with("Windows"))
}

fn first_frames(talk: &Conversation<'_>) -> Vec<FrameRef> {
    talk.turns.first().map(Turn::frame).into_iter().collect()
}

/// How soon a side objects to the other's authentication.
const OBJECTION: Span = Span::from_seconds(2);
/// Within what time a responder complains about the third message of aggressive mode, or repeats
/// the second: longer than a retransmission timer.
const COMPLAINT: Span = Span::from_seconds(10);
