//! How much the encrypted part of a message can hold (RFC 7296 §3.14, RFC 2409 appendix B).
//!
//! Sizes only: nothing is decrypted. `ended`, `judge_v1` and `judge_v2` draw the conclusions.

use super::IkeVersion;
use super::proposal::{Proposal, TransformKind};
use std::ops::RangeInclusive;

/// What a set of algorithms adds around the payloads it encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suite {
    version: IkeVersion,
    /// Initialization vector, in bytes; IKEv1 sends none (RFC 2409 appendix B).
    vector: u32,
    /// Integrity check value, in bytes; IKEv1 has a hash payload instead.
    check: u32,
    /// Plaintext is padded to a multiple of this, in bytes; 1 for counter modes.
    block: u32,
    /// Output of the pseudorandom function or IKEv1's hash, in bytes.
    prf: u32,
}

/// What an INFORMATIONAL message can be by its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeleteSize {
    /// No Delete payload fits.
    Impossible,
    /// A Delete fits, and so does a message that deletes nothing.
    Ambiguous,
    /// A Delete of the IKE SA fits, or a notify message without data; no empty message does.
    IkeSa,
    /// A Delete fits, and so does another message with a payload; no empty message does.
    NotEmpty,
    /// A Delete with one SPI fits, answered by the same (RFC 7296 §1.4.1), or a question for the peer's
    /// version (§3.15.4); no empty message does.
    OneSpi,
}

impl Suite {
    /// The suite of a chosen proposal; where an algorithm is not known, the one with the least overhead, so
    /// that the capacity of a message is never underestimated.
    pub(super) fn for_chosen(chosen: Option<&Proposal>) -> Self {
        Self::under(chosen.map_or(IkeVersion::V2, |chosen| chosen.version), chosen)
    }

    /// The same for messages whose version is known, though the choice may not be.
    pub(super) fn under(version: IkeVersion, chosen: Option<&Proposal>) -> Self {
        let id = |kind| chosen.and_then(|p| p.first(kind)).map(|t: &super::Transform| t.id);
        let find = |table: &[(u16, u32)], id: Option<u16>| {
            table.iter().find(|row| Some(row.0) == id).map(|row| row.1)
        };
        let encryption = id(TransformKind::Encryption);
        match version {
            IkeVersion::V1 | IkeVersion::AuthIp => {
                let block = find(V1_BLOCKS, encryption).unwrap_or(8);
                let prf = find(V1_HASHES, id(TransformKind::Hash)).unwrap_or(16);
                Self { version, vector: 0, check: 0, block, prf }
            }
            IkeVersion::V2 => {
                let row = ENCRYPTION.iter().find(|row| Some(row.id) == encryption);
                let (vector, own_check) = row.map_or((8, None), |row| (row.vector, row.check));
                let integrity = id(TransformKind::Integrity);
                let check = own_check.or(find(CHECKS, integrity)).unwrap_or(8);
                let prf = find(PRFS, id(TransformKind::Prf)).unwrap_or(16);
                // An unknown cipher is assumed to have large blocks: then fewer sizes are certain.
                let block = row.map_or(16, |row| row.block);
                Self { version, vector, check, block, prf }
            }
        }
    }

    /// How many bytes of payloads an encrypted part of this size can hold at most: all but the
    /// vector, the pad length byte and the check value.
    pub(super) const fn most(&self, bytes: u32) -> u32 {
        let pad_length = match self.version {
            IkeVersion::V2 => 1,
            // RFC 2409 appendix B: padding with zeros, and no length of it.
            IkeVersion::V1 | IkeVersion::AuthIp => 0,
        };
        bytes.saturating_sub(self.vector + self.check + pad_length)
    }

    /// How many bytes of payloads an encrypted part of this size can hold. The minimum: RFC 7296 §3.14 asks for
    /// no more padding than the cipher needs; some implementations pad counter modes to four bytes.
    fn holds(&self, bytes: u32) -> RangeInclusive<u32> {
        let most = self.most(bytes);
        most.saturating_sub(self.block.max(4) - 1)..=most
    }

    /// The same with one block of padding more than is needed, which RFC 2409 and RFC 7296 allow.
    fn may_hold(&self, bytes: u32) -> RangeInclusive<u32> {
        let (least, most) = self.holds(bytes).into_inner();
        least.saturating_sub(self.block)..=most
    }

    /// Whether an INFORMATIONAL request of this size, with an answer of that size if there is one, can
    /// be a Delete, and whether it can be anything else.
    pub(super) fn delete_size(&self, request: u32, answer: Option<u32>) -> DeleteSize {
        match self.version {
            IkeVersion::V2 => self.delete_size_v2(request, answer),
            IkeVersion::V1 | IkeVersion::AuthIp => self.delete_size_v1(request),
        }
    }

    /// Whether a request of this size can hold a notify without data, alone or with a Delete of the IKE SA,
    /// and the answer, if there is one, nothing.
    pub(super) fn can_object(&self, request: u32, answer: Option<u32>) -> bool {
        let held = self.may_hold(request);
        let is_request = *held.end() >= DELETE_IKE_SA && *held.start() <= 2 * DELETE_IKE_SA;
        is_request && answer.is_none_or(|bytes| *self.may_hold(bytes).start() == 0)
    }

    /// Whether a message of this size can be empty.
    pub(super) fn can_be_empty(&self, bytes: u32) -> bool {
        *self.holds(bytes).start() == 0
    }

    fn delete_size_v2(&self, request: u32, answer: Option<u32>) -> DeleteSize {
        let (held, widest) = (self.holds(request), self.may_hold(request));
        if *held.end() < DELETE_IKE_SA || *widest.start() > LARGEST_DELETE {
            return DeleteSize::Impossible;
        }
        if *held.start() == 0 {
            return DeleteSize::Ambiguous;
        }
        // RFC 7296 §1.4.1: a Delete of child SAs is answered by a Delete, one of the IKE SA by an
        // empty message. An empty request for the version of the peer's software (§3.15.4) is answered in
        // kind too, and as short.
        let is_one_spi = held.contains(&DELETE_ONE_SPI) && *held.end() < SHORTEST_COOKIE2;
        let is_ike_sa = held.contains(&DELETE_IKE_SA);
        match answer.map(|bytes| *self.holds(bytes).start() == 0) {
            Some(false) if is_one_spi && answer == Some(request) => DeleteSize::OneSpi,
            Some(true) | None if is_ike_sa => DeleteSize::IkeSa,
            Some(true) | None => DeleteSize::NotEmpty,
            Some(false) => DeleteSize::Ambiguous,
        }
    }

    /// IKEv1's notify messages have every size that a Delete can have (RFC 2408 §3.14, §3.15).
    fn delete_size_v1(&self, request: u32) -> DeleteSize {
        let widest = self.may_hold(request);
        // The hash payload, and a Delete with one SPI of ESP; Windows adds a nonce.
        let hash = 4 + self.prf;
        let fits =
            *widest.end() >= hash + V1_DELETE_ONE_SPI && *widest.start() <= hash + LARGEST_DELETE;
        if fits { DeleteSize::Ambiguous } else { DeleteSize::Impossible }
    }

    /// The least that an answer with authentication holds: an identity of one byte (§3.5) and an AUTH payload
    /// (§3.8), whose signature has at least 40 bytes.
    pub(super) fn least_authentication(&self) -> u32 {
        (4 + 4 + 1) + (4 + 4 + self.prf.min(SHORTEST_SIGNATURE))
    }

    /// The most that it holds where the answer proves a shared key and has no certificate: a name, the AUTH
    /// payload, a child SA, an address and notify messages. A larger answer may hold certificates, so its size
    /// does not show whether it holds a child SA.
    pub(super) fn most_without_certificate(&self) -> u32 {
        self.least_with_child() + LONGEST_REST
    }

    /// What it holds with a child SA: also an SA payload with one proposal, an SPI and two
    /// transforms (§3.3), and two traffic selectors of IPv4 (§3.13).
    pub(super) fn least_with_child(&self) -> u32 {
        self.least_authentication() + LEAST_CHILD
    }
}

/// What an answer holds at the least that leaves the authentication to EAP: an identity of one byte and a question of
/// five (RFC 5998 §4, RFC 7296 §3.16).
pub(super) const LEAST_EAP_ONLY: u32 = (4 + 4 + 1) + (4 + 5);
/// The least that a child SA takes in an answer: an SA payload with one proposal, an SPI and two
/// transforms (RFC 7296 §3.3), and two traffic selectors of IPv4 (§3.13).
const LEAST_CHILD: u32 = (4 + 8 + 4 + 8 + 8) + 2 * (4 + 4 + 16);
/// The least that a successful answer to CREATE_CHILD_SA holds: a child SA and a nonce of 16 bytes (§3.9), or
/// an IKE SA, a nonce and key exchange data, which are longer.
pub(super) const LEAST_CHILD_ANSWER: u32 = LEAST_CHILD + 4 + 16;
/// A Delete payload for the IKE SA, and one with a single SPI of ESP or AH (RFC 7296 §3.11).
const DELETE_IKE_SA: u32 = 8;
const DELETE_ONE_SPI: u32 = 12;
/// IKEv1's Delete payload with a single SPI of ESP or AH (RFC 2408 §3.15).
const V1_DELETE_ONE_SPI: u32 = 16;
/// Larger ones, with more than twenty SPIs, are not recognized.
const LARGEST_DELETE: u32 = 96;
const SHORTEST_COOKIE2: u32 = 16;
/// A name of 255 bytes (RFC 1035), several selectors, configuration and notify messages.
const LONGEST_REST: u32 = 512;

/// A cipher of IKEv2.
struct Cipher {
    id: u16,
    vector: u32,
    block: u32,
    /// Its own check value.
    check: Option<u32>,
}

const fn cipher(id: u16, vector: u32, block: u32, check: Option<u32>) -> Cipher {
    Cipher { id, vector, block, check }
}

/// RFC 2451 §2.4 (64-bit blocks), RFC 3602, 3686, 5282, 5529, 7634, 8750, 9227. Those with implicit vectors
/// (29 to 31) and those that do not encrypt (34, 35) are for ESP.
const ENCRYPTION: &[Cipher] = &[
    cipher(1, 8, 8, None),
    cipher(2, 8, 8, None),
    cipher(3, 8, 8, None),
    cipher(4, 8, 8, None),
    cipher(5, 8, 8, None),
    cipher(6, 8, 8, None),
    cipher(7, 8, 8, None),
    cipher(8, 8, 8, None),
    cipher(9, 8, 8, None),
    cipher(11, 0, 1, None),
    cipher(12, 16, 16, None),
    cipher(13, 8, 1, None),
    cipher(14, 8, 1, Some(8)),
    cipher(15, 8, 1, Some(12)),
    cipher(16, 8, 1, Some(16)),
    cipher(18, 8, 1, Some(8)),
    cipher(19, 8, 1, Some(12)),
    cipher(20, 8, 1, Some(16)),
    cipher(23, 16, 16, None),
    cipher(24, 8, 1, None),
    cipher(25, 8, 1, Some(8)),
    cipher(26, 8, 1, Some(12)),
    cipher(27, 8, 1, Some(16)),
    cipher(28, 8, 1, Some(16)),
    cipher(29, 0, 1, Some(8)),
    cipher(30, 0, 1, Some(16)),
    cipher(31, 0, 1, Some(16)),
    cipher(32, 8, 1, Some(12)),
    cipher(33, 8, 1, Some(8)),
    cipher(34, 8, 1, Some(12)),
    cipher(35, 8, 1, Some(8)),
];

/// Integrity protection and its check value (RFC 2403, 2404, 3566, 4494, 4595, 4868).
const CHECKS: &[(u16, u32)] =
    &[(1, 12), (2, 12), (5, 12), (6, 16), (7, 20), (8, 12), (12, 16), (13, 24), (14, 32)];

/// Pseudorandom function and its output (RFC 7296 §2.13, RFC 4434, 4615, 4868, 9385).
const PRFS: &[(u16, u32)] =
    &[(1, 16), (2, 20), (4, 16), (5, 32), (6, 48), (7, 64), (8, 16), (9, 64)];

/// IKEv1's ciphers and their blocks (RFC 2409 appendix A, RFC 3602, RFC 4312).
const V1_BLOCKS: &[(u16, u32)] =
    &[(1, 8), (2, 8), (3, 8), (4, 8), (5, 8), (6, 8), (7, 16), (8, 16)];

/// IKEv1's hashes and their output (RFC 2409 appendix A, RFC 4868).
const V1_HASHES: &[(u16, u32)] = &[(1, 16), (2, 20), (3, 24), (4, 32), (5, 48), (6, 64)];

/// DSS over SHA-1 (RFC 7296 §3.8); RSA, ECDSA and EdDSA are longer.
const SHORTEST_SIGNATURE: u32 = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ike::Transform;
    use proptest::prelude::*;

    fn transform(kind: TransformKind, id: u16) -> Transform {
        Transform { kind, id, key_bits: None }
    }

    fn suite(encryption: u16, integrity: Option<u16>, prf: u16) -> Suite {
        let mut transforms = vec![
            transform(TransformKind::Encryption, encryption),
            transform(TransformKind::Prf, prf),
        ];
        transforms.extend(integrity.map(|id| transform(TransformKind::Integrity, id)));
        Suite::for_chosen(Some(&Proposal { version: IkeVersion::V2, transforms, lifetime: None }))
    }

    fn suite_v1(encryption: u16, hash: u16) -> Suite {
        let transforms = vec![
            transform(TransformKind::Encryption, encryption),
            transform(TransformKind::Hash, hash),
        ];
        Suite::for_chosen(Some(&Proposal { version: IkeVersion::V1, transforms, lifetime: None }))
    }

    /// From a whole message of IKEv2 to what its encrypted payload has behind its generic header.
    const V2_HEADERS: u32 = 28 + 4;
    const V1_HEADER: u32 = 28;

    /// Measured on strongSwan 5.9.8.
    #[test]
    fn sizes_of_strongswan_are_understood() {
        let cbc = suite(12, Some(12), 5);
        let bytes = 80 - V2_HEADERS;
        assert_eq!(*cbc.holds(bytes).start(), 0);
        assert_eq!(cbc.delete_size(bytes, Some(bytes)), DeleteSize::Ambiguous);
        let (refused, with_child) = (144 - V2_HEADERS, 240 - V2_HEADERS);
        assert!(cbc.most(bytes) < cbc.least_authentication());
        assert!(cbc.most(refused) >= cbc.least_authentication());
        assert!(cbc.most(refused) < cbc.least_with_child());
        assert!(cbc.most(with_child) >= cbc.least_with_child());
        assert!(cbc.most(bytes) < LEAST_CHILD_ANSWER, "a refused CREATE_CHILD_SA");

        let gcm = suite(20, None, 5);
        let (empty, delete) = (57 - V2_HEADERS, 65 - V2_HEADERS);
        assert_eq!((*gcm.holds(empty).start(), *gcm.holds(delete).end()), (0, 8));
        assert_eq!(gcm.delete_size(empty, Some(empty)), DeleteSize::Impossible);
        assert_eq!(gcm.delete_size(delete, Some(empty)), DeleteSize::IkeSa);
        assert_eq!(gcm.delete_size(delete + 4, Some(delete + 4)), DeleteSize::OneSpi);

        // A block more than an empty message takes.
        assert_eq!(cbc.delete_size(bytes + 16, Some(bytes)), DeleteSize::NotEmpty);

        let v1 = suite_v1(7, 2);
        for bytes in [76 - V1_HEADER, 92 - V1_HEADER] {
            assert_eq!(v1.delete_size(bytes, None), DeleteSize::Ambiguous);
        }
        // R-U-THERE under SHA-256 (68 bytes, RFC 3706 §5.3), and an ISAKMP Delete of 64 with a block more.
        assert_eq!(suite_v1(7, 4).delete_size(108 - V1_HEADER, None), DeleteSize::Ambiguous);
    }

    #[test]
    fn three_des_shows_a_delete_by_its_size() {
        let des = suite(3, Some(2), 2);
        let (empty, delete) = (60 - V2_HEADERS, 68 - V2_HEADERS);
        assert_eq!(des.delete_size(empty, Some(empty)), DeleteSize::Impossible);
        assert_eq!(des.delete_size(delete, Some(empty)), DeleteSize::IkeSa);
        assert_eq!(des.delete_size(delete, Some(delete)), DeleteSize::OneSpi);
    }

    #[test]
    fn gcm_shows_the_size_to_the_byte() {
        // Vector 8, one notify of 8 bytes, pad length 1, check value 16.
        assert_eq!(suite(20, None, 5).most(33), 8);
    }

    #[test]
    fn a_lone_notify_cannot_authenticate_under_any_suite() {
        for row in ENCRYPTION {
            for (integrity, _) in CHECKS {
                for (prf, _) in PRFS {
                    let suite = suite(row.id, Some(*integrity), *prf);
                    // A notify without data, padded to a block of sixteen.
                    let bytes = suite.vector + 16 + suite.check;
                    assert!(suite.most(bytes) < suite.least_authentication());
                }
            }
        }
    }

    #[test]
    fn an_unknown_suite_is_never_thought_to_hold_less_than_it_can() {
        let unknown = Suite::for_chosen(None);
        for row in ENCRYPTION.iter().filter(|row| row.vector >= 8) {
            let known = suite(row.id, Some(12), 5);
            assert!(unknown.most(100) >= known.most(100));
            assert!(unknown.least_with_child() <= known.least_with_child());
        }
    }

    /// The encrypted bytes of a message with that many bytes of payloads.
    fn sealed(suite: &Suite, payloads: u32, more_blocks: u32) -> u32 {
        let pad_length = u32::from(suite.version == IkeVersion::V2);
        let plain = (payloads + pad_length).div_ceil(suite.block) + more_blocks;
        suite.vector + plain * suite.block + suite.check
    }

    proptest! {
        /// No suite takes an empty message, minimally padded, for what can only be a Delete.
        #[test]
        fn an_empty_message_is_never_only_a_delete(
            cipher in 0..ENCRYPTION.len(), integrity in 0..CHECKS.len(), answered: bool,
        ) {
            let suite = suite(ENCRYPTION[cipher].id, Some(CHECKS[integrity].0), 5);
            let bytes = sealed(&suite, 0, 0);
            let size = suite.delete_size(bytes, answered.then_some(bytes));
            prop_assert!(matches!(size, DeleteSize::Impossible | DeleteSize::Ambiguous));
        }

        /// Every Delete is possible at its size, minimally padded or with a block more.
        #[test]
        fn a_delete_is_possible_at_its_size(
            cipher in 0..ENCRYPTION.len(), integrity in 0..CHECKS.len(), spis in 0u32..20,
            more in 0u32..2,
        ) {
            let suite = suite(ENCRYPTION[cipher].id, Some(CHECKS[integrity].0), 5);
            let bytes = sealed(&suite, 8 + 4 * spis, more);
            prop_assert_ne!(suite.delete_size(bytes, None), DeleteSize::Impossible);
        }

        #[test]
        fn a_delete_of_ikev1_is_possible_and_never_certain(
            cipher in 0..V1_BLOCKS.len(), hash in 0..V1_HASHES.len(), spis in 1u32..20, more in 0u32..2,
        ) {
            let suite = suite_v1(V1_BLOCKS[cipher].0, V1_HASHES[hash].0);
            let bytes = sealed(&suite, 4 + suite.prf + 12 + 4 * spis, more);
            prop_assert_eq!(suite.delete_size(bytes, None), DeleteSize::Ambiguous);
        }
    }
}
