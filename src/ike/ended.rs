//! Whether the end of an established negotiation was seen: deleted, or no longer answered.
//!
//! Encrypted messages are judged by their size and by the traffic that stops and follows. The rules and their
//! limits are in docs/ike-outcomes.md, "Ends".

use super::conversation::{Conversation, Turn};
use super::esp_activity::{EspAt, UNDER_WAY};
use super::outcome::{Outcome, Verdict};
use super::suite::DeleteSize;
use super::{ExchangeType, IkeVersion};
use crate::catalogue::{Confidence, Reason};
use crate::time::{Span, Timestamp};

/// The verdict on a negotiation, or that its last request was not answered, where that is shown.
pub(super) fn with_silence(talk: &Conversation<'_>, verdict: Verdict) -> Verdict {
    let Some((first, last, is_peer_seen)) = given_up(talk) else { return verdict };
    let state = match verdict.outcome {
        Outcome::Incomplete => "a request inside an IKE SA was not answered",
        Outcome::Established
        | Outcome::Ended
        | Outcome::NoResponse
        | Outcome::NoProposalChosen
        | Outcome::AuthenticationSuspected
        | Outcome::Failed => "established, then a request was not answered",
    };
    let mut frames = vec![first.frame()];
    frames.extend(Some(last.frame()).filter(|last| *last != first.frame()));
    let (outcome, reason) = (Outcome::NoResponse, Reason::Timeout);
    if is_peer_seen {
        return Verdict::proven(outcome, reason, state, frames);
    }
    // What other hosts send to the requester may take another path than the peer's answers.
    Verdict::inferred(outcome, reason, state, frames)
}

/// The verdict on an established negotiation, with its end where one was seen.
pub(super) fn with_end(talk: &Conversation<'_>, verdict: Verdict) -> Verdict {
    let verdict = with_silence(talk, verdict);
    if verdict.outcome == Outcome::NoResponse {
        return verdict;
    }
    let Some((delete, proof)) = candidates(talk).find_map(|turn| {
        let proof = proof_of(talk, turn)?;
        Some((turn, proof))
    }) else {
        return verdict;
    };
    let mut frames = verdict.frames.clone();
    frames.push(delete.frame());
    let deleted = Some((delete.message.source.ip(), delete.time()));
    let (inferred, confidence) = match proof {
        // RFC 2409 §5.7: under an ISAKMP SA a Delete is protected; in clear anybody can have sent it.
        Proof::Read => (true, verdict.confidence.min(Confidence::Medium)),
        Proof::Size(confidence) => (true, confidence.min(verdict.confidence)),
    };
    Verdict { outcome: Outcome::Ended, deleted, frames, inferred, confidence, ..verdict }
}

/// Why a message is considered a Delete.
enum Proof {
    /// The payload is readable.
    Read,
    /// By its size, and by the traffic that stopped and followed.
    Size(Confidence),
}

/// Requests that can delete what the negotiation created: informational ones after the last message that
/// created something, the earliest first.
fn candidates<'a>(talk: &Conversation<'a>) -> impl Iterator<Item = Turn<'a>> {
    let is_request = |turn: &Turn<'_>| !turn.is_repeated && !turn.message.is_response();
    let made = talk.turns.iter().filter(|turn| !turn.is_repeated && !is_informational(turn));
    let made = made.map(Turn::time).max();
    let turns = talk.turns.iter().copied();
    let after = turns.filter(move |turn| made.is_none_or(|made| turn.time() > made));
    after
        .filter(move |turn| is_request(turn) && is_informational(turn))
        .collect::<Vec<_>>()
        .into_iter()
}

fn is_informational(turn: &Turn<'_>) -> bool {
    let message = turn.message;
    message.is(ExchangeType::INFORMATIONAL)
        || message.is(ExchangeType::V1_INFORMATIONAL)
        || message.is(ExchangeType::AUTHIP_NOTIFY)
}

/// Whether what the negotiation created ended at this message, and the proof.
fn proof_of(talk: &Conversation<'_>, turn: Turn<'_>) -> Option<Proof> {
    let esp = talk.esp_at(turn.time());
    if esp == EspAt::GoesOn {
        return None;
    }
    if turn.message.encrypted.is_none() {
        let is_own = turn.message.reads_delete(talk.spis_at(turn.time()));
        return (is_own && !is_ignored(talk, turn)).then_some(Proof::Read);
    }
    // In a sample of the packets, missing packets prove nothing.
    if clears_away(talk, turn) || talk.is_sampled(turn.message) {
        return None;
    }
    let bytes = turn.message.encrypted.filter(|e| e.fragment.is_none())?.bytes;
    let answer = answer_to(talk, turn);
    let size_of = |turn: Turn<'_>| turn.message.encrypted.map(|e| e.bytes);
    let stopped = match esp {
        EspAt::Stopped(last) => Some(last),
        EspAt::Unseen | EspAt::GoesOn => None,
    };
    let flowed = stopped.is_some_and(|last| last >= turn.time().shifted(FLOWING.negated()));
    match talk.suite().delete_size(bytes, answer.and_then(size_of)) {
        DeleteSize::Impossible => None,
        // A message of that size in the same IKE SA ended nothing before.
        _ if is_habit(talk, turn) => None,
        // Other messages have those sizes too, so that size and silence together are an inference.
        DeleteSize::OneSpi => stopped.map(|_| Proof::Size(Confidence::Medium)),
        // A notify message without data has that size too; nothing follows a Delete.
        DeleteSize::IkeSa if goes_on(talk, turn) => None,
        DeleteSize::IkeSa => stopped.map(|_| Proof::Size(Confidence::Medium)),
        // What follows decides between a Delete and a notify message.
        DeleteSize::NotEmpty => {
            let ended =
                flowed && !goes_on(talk, turn) && is_interruption(talk, turn, stopped?, RENEWAL);
            ended.then_some(Proof::Size(Confidence::Medium))
        }
        DeleteSize::Ambiguous if flowed => is_interruption(talk, turn, stopped?, FLOWING)
            .then_some(Proof::Size(Confidence::Medium)),
        // Idle traffic is not interrupted. Hosts that at once create a new IKE SA, instead of a child SA in the
        // old one, no longer have the old one.
        DeleteSize::Ambiguous => {
            is_renewed(talk, turn, stopped?).then_some(Proof::Size(Confidence::Low))
        }
    }
}

/// Anybody can send a Delete in clear; encrypted messages that continue under the same SPIs show that it was
/// ignored.
fn is_ignored(talk: &Conversation<'_>, delete: Turn<'_>) -> bool {
    talk.turns.iter().any(|turn| turn.time() > delete.time() && turn.message.encrypted.is_some())
}

/// Whether a new request under the same SPIs follows, apart from those in flight.
fn goes_on(talk: &Conversation<'_>, delete: Turn<'_>) -> bool {
    let until = delete.time().shifted(UNDER_WAY);
    let mut later = talk.turns.iter().filter(|turn| turn.time() > until);
    later.any(|turn| !turn.is_repeated && !turn.message.is_response())
}

fn answer_to<'a>(talk: &Conversation<'a>, request: Turn<'_>) -> Option<Turn<'a>> {
    talk.turns_of(request.message.header.exchange_type).find(|turn| {
        turn.message.is_response()
            && turn.message.message_id() == request.message.message_id()
            && turn.from_initiator != request.from_initiator
    })
}

/// When the last exchange before a message that created something began and completed.
fn made_before(talk: &Conversation<'_>, turn: &Turn<'_>) -> Option<(Timestamp, Timestamp)> {
    let makes = |other: &&Turn<'_>| !other.is_repeated && !is_informational(other);
    let done = talk.turns.iter().filter(makes).rfind(|other| other.time() <= turn.time())?;
    let same = |other: &&Turn<'_>| {
        other.message.is(done.message.header.exchange_type)
            && other.message.message_id() == done.message.message_id()
    };
    let began = talk.turns.iter().filter(makes).find(same)?;
    Some((began.time(), done.time()))
}

/// Whether a message came directly after a rekey whose new SPI continues: it deleted what was replaced. The new
/// SPI is used when there is traffic for it, however late.
fn clears_away(talk: &Conversation<'_>, turn: Turn<'_>) -> bool {
    made_before(talk, &turn).is_some_and(|(began, done)| {
        // What begins later with nothing between that makes it was made before, however long ago.
        talk.esp_at(began) != EspAt::Unseen
            && (turn.follows(done, CLEARING_AWAY)
                && talk.creates_esp_before_the_next(turn.time(), done)
                || talk.begins_protection(turn.time(), turn.time()))
    })
}

/// A message of the same size was sent earlier by either side and ended nothing: then that is the size of
/// keepalives. One directly after a rekey may have deleted the old SAs.
fn is_habit(talk: &Conversation<'_>, delete: Turn<'_>) -> bool {
    let size = delete.message.encrypted.map(|e| e.bytes);
    let mut earlier = talk.turns.iter().filter(|turn| {
        turn.time() < delete.time()
            && !turn.is_repeated
            && is_informational(turn)
            && !turn.message.is_response()
            && turn.message.encrypted.map(|e| e.bytes) == size
    });
    earlier.any(|turn| {
        let made = made_before(talk, turn);
        made.is_none_or(|(began, done)| {
            !turn.follows(done, CLEARING_AWAY) || talk.is_first_phase(began)
        })
    })
}

/// Whether traffic ran up to the message and was interrupted by it: the traffic of the SA soon continues, in
/// clear or under new SPIs, or a new negotiation begins. A liveness check comes when traffic is idle, and idle
/// traffic may return at any time; traffic that returned before the message was not interrupted by it.
fn is_interruption(
    talk: &Conversation<'_>,
    delete: Turn<'_>,
    last: Timestamp,
    within: Span,
) -> bool {
    if comes_back_before(talk, delete, last) {
        return false;
    }
    let resumed = talk.resumes(last.min(delete.time()));
    resumed.is_some_and(|time| time.since(last) <= within) || is_renewed(talk, delete, last)
}

/// Whether a new negotiation of the two begins soon after the message, and no traffic before it.
fn is_renewed(talk: &Conversation<'_>, delete: Turn<'_>, last: Timestamp) -> bool {
    let renewed = talk.next_after(delete.time());
    !comes_back_before(talk, delete, last)
        && renewed.is_some_and(|time| time.since(delete.time()) <= RENEWAL)
}

/// Whether traffic returned in clear or under new SPIs between the last ESP packet and the message.
fn comes_back_before(talk: &Conversation<'_>, delete: Turn<'_>, last: Timestamp) -> bool {
    talk.resumes(last.min(delete.time())).is_some_and(|time| time <= delete.time())
}

/// The last request of an established SA, sent at least three times byte for byte and never answered, while the
/// captures show packets to its sender: its first and its last sending (RFC 7296 §2.4), and whether the
/// captures show packets of this peer in that time.
fn given_up<'a>(talk: &Conversation<'a>) -> Option<(Turn<'a>, Turn<'a>, bool)> {
    let last = talk.turns.iter().rfind(|turn| !turn.message.is_response()).copied()?;
    let mut sendings = talk.turns.iter().copied().filter(|turn| turn.message.repeats(last.message));
    let first = sendings.next()?;
    let again = sendings.count();
    let answered = match talk.version {
        IkeVersion::V2 => answer_to(talk, first).is_some(),
        // Informational exchanges of IKEv1 have no answer; any message of the other side counts as one here.
        IkeVersion::V1 | IkeVersion::AuthIp => {
            is_informational(&last)
                || talk.turns.iter().any(|turn| {
                    turn.from_initiator != first.from_initiator && turn.time() > first.time()
                })
        }
    };
    let is_given_up = again + 1 >= GIVEN_UP && !answered;
    let is_peer_seen = talk.hears_the_peer(first.message, last.time());
    (is_given_up && talk.hears_after(first.message, last.time())).then_some((
        first,
        last,
        is_peer_seen,
    ))
}

/// ESP whose last packet is longer ago was idle.
const FLOWING: Span = Span::from_seconds(2);
/// Blocked traffic begins a new negotiation within this time.
const RENEWAL: Span = Span::from_seconds(10);
/// How soon after new SAs are created the old ones are deleted (RFC 7296 §2.8 leaves it to the peers).
const CLEARING_AWAY: Span = Span::from_seconds(10);
/// If one answer is lost, the second request makes up for it.
const GIVEN_UP: usize = 3;
