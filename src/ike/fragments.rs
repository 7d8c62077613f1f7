//! How much a message of IKEv2 holds that was sent in fragments (RFC 7383).

use super::digest::{Encrypted, MessageDigest};
use super::suite::Suite;
use std::collections::BTreeMap;

/// How many bytes of payloads the whole of an encrypted message can hold. `None` where nothing of it is encrypted, or
/// one of its fragments is not in the capture: number and total are in clear (RFC 7383 §2.5).
pub(super) fn room<'a>(
    suite: &Suite,
    message: &MessageDigest,
    all: impl Iterator<Item = &'a MessageDigest>,
) -> Option<u32> {
    let Encrypted { bytes, fragment } = message.encrypted?;
    let Some((_, total)) = fragment else { return Some(suite.most(bytes)) };
    let mut pieces: BTreeMap<u16, u32> = BTreeMap::new();
    for piece in all.filter(|other| is_same_message(other, message)) {
        if let Some(Encrypted { bytes, fragment: Some((number, of)) }) = piece.encrypted
            && of == total
            && (1..=total).contains(&number)
        {
            pieces.insert(number, suite.most(bytes));
        }
    }
    let is_whole = total > 0 && pieces.len() == usize::from(total);
    is_whole.then(|| pieces.values().copied().fold(0, u32::saturating_add))
}

/// Whether two datagrams carry one message, or parts of it.
pub(super) fn is_same_message(one: &MessageDigest, other: &MessageDigest) -> bool {
    one.header.exchange_type == other.header.exchange_type
        && one.message_id() == other.message_id()
        && one.is_response() == other.is_response()
        && one.is_from_original_initiator() == other.is_from_original_initiator()
}
