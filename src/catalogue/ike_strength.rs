//! Algorithms of IKE that are not to be used, and who says so.
//!
//! By the names of `ike_numbers`; what follows for a negotiation is the findings' business.

/// Why an algorithm is not to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weakness {
    /// The algorithm.
    pub name: &'static str,
    /// Whether nothing speaks for it any more; else it is on its way out.
    pub is_unacceptable: bool,
    /// Why.
    pub why: &'static str,
    /// Who says so.
    pub source: &'static str,
}

/// What is wrong with an algorithm; `None` where nothing is.
#[must_use]
pub fn weakness(name: &str) -> Option<&'static Weakness> {
    WEAKNESSES.iter().find(|row| row.name == name)
}

const fn broken(name: &'static str, why: &'static str, source: &'static str) -> Weakness {
    Weakness { name, is_unacceptable: true, why, source }
}

const fn outdated(name: &'static str, why: &'static str, source: &'static str) -> Weakness {
    Weakness { name, is_unacceptable: false, why, source }
}

const DES: &str = "its key of 56 bits is found in hours";
const MD5: &str = "MD5 is broken as a hash, and nothing needs it any more";
const SHORT_BLOCK: &str = "its block of 64 bits is too short";
const SHA1: &str = "inside HMAC SHA-1 is not known to be broken, but its use ends: NIST withdraws it by the end of 2030";
const OBSOLETE: &str = "it is obsolete: hardly implemented, and no longer looked at by anybody who would find its faults";
const SHORT_PRIME: &str = "a prime this short can be broken in advance, for all who share it";

static WEAKNESSES: &[Weakness] = &[
    broken("DES-CBC", DES, "RFC 8247 §2.1 MUST NOT, SP 800-77r1"),
    broken("DES-IV64", DES, "RFC 8221 §5 MUST NOT, RFC 9395 §4 deprecated"),
    broken("DES-IV32", DES, "RFC 8221 §5 MUST NOT, RFC 9395 §4 deprecated"),
    broken(
        "3DES-CBC",
        "its block of 64 bits gives content away after some gigabytes under one key",
        "SP 800-77r1 not approved, RFC 8221 §5 SHOULD NOT",
    ),
    broken("RC5", OBSOLETE, "RFC 9395 §4 deprecated"),
    broken("RC5-CBC", OBSOLETE, "RFC 9395 §4 deprecated"),
    broken("IDEA", OBSOLETE, "RFC 9395 §4 deprecated"),
    broken("IDEA-CBC", OBSOLETE, "RFC 9395 §4 deprecated"),
    broken("3IDEA", OBSOLETE, "RFC 9395 §4 deprecated"),
    broken("CAST", OBSOLETE, "RFC 9395 §4 deprecated"),
    broken("CAST-CBC", OBSOLETE, "RFC 9395 §4 deprecated"),
    broken("BLOWFISH-CBC", SHORT_BLOCK, "RFC 8221 §5 MUST NOT, RFC 9395 §4 deprecated"),
    broken("BLOWFISH", SHORT_BLOCK, "RFC 8221 §5 MUST NOT, RFC 9395 §4 deprecated"),
    broken("NULL", "it does not encrypt", "RFC 2410, defined for ESP"),
    broken("MD5", MD5, "RFC 8247 §2.2 MUST NOT"),
    broken("PRF-HMAC-MD5", MD5, "RFC 8247 §2.2 MUST NOT"),
    broken("PRF-HMAC-TIGER", OBSOLETE, "RFC 9395 §4 deprecated"),
    broken("TIGER", OBSOLETE, "RFC 9395 §4 deprecated"),
    broken("HMAC-MD5-128", MD5, "RFC 9395 §4 deprecated"),
    outdated("HMAC-SHA1-160", SHA1, "IANA: deprecated by RFC 9395"),
    broken("HMAC-MD5-96", MD5, "RFC 8247 §2.3 MUST NOT"),
    broken("KPDK-MD5", MD5, "RFC 8247 §2.3 MUST NOT"),
    broken("DES-MAC", DES, "RFC 8247 §2.3 MUST NOT"),
    outdated("SHA1", SHA1, "RFC 8247 §2.2 MUST-, SP 800-131Ar2"),
    outdated("PRF-HMAC-SHA1", SHA1, "RFC 8247 §2.2 MUST-, SP 800-131Ar2"),
    outdated("HMAC-SHA1-96", SHA1, "RFC 8247 §2.3 MUST-, SP 800-131Ar2"),
    broken("MODP-768", SHORT_PRIME, "RFC 8247 §2.4 MUST NOT"),
    broken("MODP-1024", SHORT_PRIME, "RFC 8247 §2.4 SHOULD NOT, SP 800-77r1 not approved"),
    broken("MODP-1536", SHORT_PRIME, "RFC 8247 §2.4 SHOULD NOT, SP 800-77r1 not approved"),
    broken("MODP-1024-160", SHORT_PRIME, "RFC 8247 §2.4 MUST NOT"),
    outdated("MODP-2048-224", SMALL_GROUPS, "RFC 8247 §2.4 SHOULD NOT"),
    outdated("MODP-2048-256", SMALL_GROUPS, "RFC 8247 §2.4 SHOULD NOT"),
];

const SMALL_GROUPS: &str = "its small subgroups give keys away to whoever does not check, and where its prime comes from is not told";
