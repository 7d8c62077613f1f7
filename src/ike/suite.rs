//! How much the encrypted part of an IKEv2 message can hold (RFC 7296 §3.14).
//!
//! Sizes only: nothing is decrypted.

use super::proposal::{Proposal, TransformKind};

/// What a set of algorithms adds around the payloads it encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suite {
    /// Initialization vector, in octets.
    vector: u32,
    /// Integrity check value, in octets.
    check: u32,
    /// Output of the pseudorandom function, in octets: the least an AUTH payload carries.
    prf: u32,
}

impl Suite {
    /// Of what was chosen; the leanest of each where it is not known, so that a message is never
    /// thought to hold less than it can.
    pub(super) fn of(chosen: Option<&Proposal>) -> Self {
        let id = |kind| chosen.and_then(|p| p.first(kind)).map(|t: &super::Transform| t.id);
        let find = |table: &[(u16, u32)], id: Option<u16>| {
            table.iter().find(|row| Some(row.0) == id).map(|row| row.1)
        };
        let encryption = id(TransformKind::Encryption);
        let row = ENCRYPTION.iter().find(|row| Some(row.0) == encryption);
        let (vector, own_check) = row.map_or((8, None), |row| (row.1, row.2));
        let check = own_check.or(find(CHECKS, id(TransformKind::Integrity))).unwrap_or(8);
        let prf = find(PRFS, id(TransformKind::Prf)).unwrap_or(16);
        Self { vector, check, prf }
    }

    /// How many octets of payloads an encrypted part of this size can hold at most: all but the
    /// vector, the pad length octet and the check value.
    pub(super) const fn most(&self, octets: u32) -> u32 {
        octets.saturating_sub(self.vector + self.check + 1)
    }

    /// What an answer that authenticates holds at the least: an identity of one octet (§3.5) and
    /// an AUTH payload (§3.8), of which a signature is no shorter than 40 octets.
    pub(super) fn least_authentication(&self) -> u32 {
        (4 + 4 + 1) + (4 + 4 + self.prf.min(SHORTEST_SIGNATURE))
    }

    /// What it holds with a child SA: also an SA payload with one proposal, an SPI and two
    /// transforms (§3.3), and two traffic selectors of IPv4 (§3.13).
    pub(super) fn least_with_child(&self) -> u32 {
        self.least_authentication() + (4 + 8 + 4 + 8 + 8) + 2 * (4 + 4 + 16)
    }
}

/// Encryption, its vector, its own check value (RFC 3602, 2451, 3686, 5282, 5529, 7634).
const ENCRYPTION: &[(u16, u32, Option<u32>)] = &[
    (2, 8, None),
    (3, 8, None),
    (4, 8, None),
    (5, 8, None),
    (6, 8, None),
    (7, 8, None),
    (12, 16, None),
    (13, 8, None),
    (14, 8, Some(8)),
    (15, 8, Some(12)),
    (16, 8, Some(16)),
    (18, 8, Some(8)),
    (19, 8, Some(12)),
    (20, 8, Some(16)),
    (23, 16, None),
    (24, 8, None),
    (25, 8, Some(8)),
    (26, 8, Some(12)),
    (27, 8, Some(16)),
    (28, 8, Some(16)),
];

/// Integrity protection and its check value (RFC 2403, 2404, 3566, 4494, 4595, 4868).
const CHECKS: &[(u16, u32)] =
    &[(1, 12), (2, 12), (5, 12), (6, 16), (7, 20), (8, 12), (12, 16), (13, 24), (14, 32)];

/// Pseudorandom function and its output (RFC 7296 §2.13, RFC 4434, 4615, 4868).
const PRFS: &[(u16, u32)] = &[(1, 16), (2, 20), (4, 16), (5, 32), (6, 48), (7, 64), (8, 16)];
/// DSS over SHA-1 (RFC 7296 §3.8); RSA, ECDSA and EdDSA are longer.
const SHORTEST_SIGNATURE: u32 = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ike::{IkeVersion, Transform};

    fn suite(encryption: u16, integrity: Option<u16>, prf: u16) -> Suite {
        let transform = |kind, id| Transform { kind, id, key_bits: None };
        let mut transforms = vec![
            transform(TransformKind::Encryption, encryption),
            transform(TransformKind::Prf, prf),
        ];
        transforms.extend(integrity.map(|id| transform(TransformKind::Integrity, id)));
        Suite::of(Some(&Proposal { version: IkeVersion::V2, transforms, lifetime: None }))
    }

    #[test]
    fn gcm_tells_the_size_to_the_octet() {
        // Vector 8, one notify of 8 octets, pad length 1, check value 16.
        assert_eq!(suite(20, None, 5).most(33), 8);
    }

    #[test]
    fn a_lone_notify_cannot_authenticate_under_any_suite() {
        for (encryption, ..) in ENCRYPTION {
            for (integrity, _) in CHECKS {
                for (prf, _) in PRFS {
                    let suite = suite(*encryption, Some(*integrity), *prf);
                    // A notify without data, padded to a block of sixteen.
                    let octets = suite.vector + 16 + suite.check;
                    assert!(suite.most(octets) < suite.least_authentication());
                }
            }
        }
    }

    #[test]
    fn an_unknown_suite_is_never_thought_to_hold_less_than_it_can() {
        let unknown = Suite::of(None);
        for (encryption, ..) in ENCRYPTION {
            let known = suite(*encryption, Some(12), 5);
            assert!(unknown.most(100) >= known.most(100));
            assert!(unknown.least_with_child() <= known.least_with_child());
        }
    }
}
