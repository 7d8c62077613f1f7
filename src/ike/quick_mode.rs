//! The messages of IKEv1's and AuthIP's quick modes, and which of them answers which (RFC 2409 §5.5).

use super::ExchangeType;
use super::conversation::{Conversation, Turn};

/// The messages of quick modes.
pub(super) fn quick_modes<'t>(talk: &'t Conversation<'_>) -> Vec<Turn<'t>> {
    let of = |kind| talk.turns_of(kind);
    of(ExchangeType::QUICK_MODE).chain(of(ExchangeType::AUTHIP_QUICK_MODE)).collect()
}

/// Whether a message of quick mode is the answer to its first one: the other side's, under the same message ID.
pub(super) fn is_answer(quick: &[Turn<'_>], turn: &Turn<'_>) -> bool {
    let asked = quick.iter().find(|q| q.message.message_id() == turn.message.message_id());
    asked.is_some_and(|asked| asked.from_initiator != turn.from_initiator)
}

/// Whether a message of quick mode is its sender's second one, behind the other side's answer.
pub(super) fn is_third_message(quick: &[Turn<'_>], turn: &Turn<'_>) -> bool {
    let same = || {
        quick.iter().filter(|other| {
            other.message.message_id() == turn.message.message_id() && other.time() <= turn.time()
        })
    };
    let own = same().filter(|other| other.from_initiator == turn.from_initiator).count();
    own > 1 && same().any(|other| other.from_initiator != turn.from_initiator)
}

/// Whether a message is the last one of a quick mode of which the capture has no answer.
pub(super) fn lacks_answer(quick: &[Turn<'_>], turn: &Turn<'_>) -> bool {
    let same = || quick.iter().filter(|q| q.message.message_id() == turn.message.message_id());
    let is_last = same().map(Turn::time).max() == Some(turn.time());
    is_last && same().all(|other| other.from_initiator == turn.from_initiator)
}
