//! Address translation, as shown by the hashes of NAT detection (RFC 3947 §3.2, RFC 7296 §2.23).
//!
//! A hash that does not match the address in the capture means a translation between its sender and the
//! capture, or a sender that forces UDP encapsulation by hashing a false address.

use super::conversation::{Conversation, Turn};
use super::digest::{MessageDigest, NatHash, NatSide};
use super::proposal::TransformKind;
use super::{IkeVersion, NATT_PORT};
use sha1::Digest;
use std::net::{IpAddr, SocketAddr};

/// Whether the hosts' addresses were changed on their way to the capture; `None` where no hash
/// was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressTranslation {
    /// The initiator's.
    pub initiator: Option<bool>,
    /// The responder's.
    pub responder: Option<bool>,
    /// The negotiation moved from port 500 to 4500.
    pub moved_to_4500: bool,
}

/// What the hashes of a negotiation show.
pub(super) fn detect(conversation: &Conversation<'_>) -> AddressTranslation {
    let chosen = conversation.chosen().and_then(|p| p.first(TransformKind::Hash)).map(|t| t.id);
    let mut found = AddressTranslation::default();
    for turn in &conversation.turns {
        let Some(clear) = turn.message.clear().filter(|clear| !clear.nat.is_empty()) else {
            continue;
        };
        let (own, other) = fitting(turn.message, &clear.nat, chosen);
        let (initiator, responder) = if turn.from_initiator { (own, other) } else { (other, own) };
        found.initiator = worse(found.initiator, initiator);
        found.responder = worse(found.responder, responder);
    }
    let on_4500 = |turn: &&Turn<'_>| turn.message.destination.port() == NATT_PORT;
    let begun_elsewhere = conversation.turns.first().filter(|turn| !on_4500(turn)).is_some();
    found.moved_to_4500 = begun_elsewhere && conversation.turns.iter().any(|turn| on_4500(&turn));
    found
}

/// One observed translation is enough; a matching hash is evidence only for its own message.
fn worse(known: Option<bool>, new: Option<bool>) -> Option<bool> {
    match (known, new) {
        (Some(one), Some(other)) => Some(one || other),
        (one, other) => one.or(other),
    }
}

/// Whether the sender's and the receiver's address were changed, by the hashes of one message.
fn fitting(
    message: &MessageDigest,
    hashes: &[NatHash],
    chosen_hash: Option<u16>,
) -> (Option<bool>, Option<bool>) {
    let changed = |of: NatSide, address: SocketAddr| {
        let mut of_side = hashes
            .iter()
            .enumerate()
            .filter(|(at, hash)| side(*at, hash.of) == of)
            .map(|(_, hash)| hash)
            .peekable();
        of_side.peek()?;
        let expected = expected(message, address, chosen_hash)?;
        // RFC 7296 §2.23: a sender with several addresses gives a hash for each.
        Some(!of_side.any(|hash| (hash.head, hash.bytes) == expected))
    };
    (changed(NatSide::Source, message.source), changed(NatSide::Destination, message.destination))
}

/// RFC 3947 §3.2: the first hash is about the receiver, the others are about the sender.
const fn side(at: usize, of: NatSide) -> NatSide {
    match (of, at) {
        (NatSide::ByOrder, 0) => NatSide::Destination,
        (NatSide::ByOrder, _) => NatSide::Source,
        (stated, _) => stated,
    }
}

/// The hash over both SPIs, address and port: its first bytes and its length.
fn expected(
    message: &MessageDigest,
    address: SocketAddr,
    chosen_hash: Option<u16>,
) -> Option<([u8; 8], usize)> {
    let (initiator_spi, responder_spi) = message.spis();
    let mut hashed = Vec::with_capacity(34);
    hashed.extend(initiator_spi.0);
    hashed.extend(responder_spi.0);
    match address.ip() {
        IpAddr::V4(v4) => hashed.extend(v4.octets()),
        IpAddr::V6(v6) => hashed.extend(v6.octets()),
    }
    hashed.extend(address.port().to_be_bytes());
    let digest: Vec<u8> = match (message.version(), chosen_hash) {
        (IkeVersion::V2, _) | (IkeVersion::V1 | IkeVersion::AuthIp, Some(2)) => {
            sha1::Sha1::digest(&hashed).to_vec()
        }
        // The negotiated hash (RFC 2409 appendix A, RFC 4868).
        (IkeVersion::V1 | IkeVersion::AuthIp, Some(1)) => md5::Md5::digest(&hashed).to_vec(),
        (IkeVersion::V1 | IkeVersion::AuthIp, Some(4)) => sha2::Sha256::digest(&hashed).to_vec(),
        (IkeVersion::V1 | IkeVersion::AuthIp, Some(5)) => sha2::Sha384::digest(&hashed).to_vec(),
        (IkeVersion::V1 | IkeVersion::AuthIp, Some(6)) => sha2::Sha512::digest(&hashed).to_vec(),
        (IkeVersion::V1 | IkeVersion::AuthIp, _) => return None,
    };
    Some((*digest.first_chunk()?, digest.len()))
}
