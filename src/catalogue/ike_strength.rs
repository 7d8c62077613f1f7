//! Algorithms of IKE that are not to be used, and who says so.
//!
//! By the names of `ike_numbers`; what follows for a negotiation is the findings' business.

/// Why an algorithm is not to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
const MD5: &str = "MD5 is broken as a hash, and nothing requires it any more";
const SHORT_BLOCK: &str = "its block of 64 bits is too short";
const SHA1: &str = "inside HMAC, SHA-1 is not known to be broken, but its use ends: NIST withdraws it by the end of 2030";
const OBSOLETE: &str = "it is obsolete: rarely implemented, and no longer analyzed for weaknesses";
const SHORT_PRIME: &str = "a prime this short can be broken in advance, for everyone who uses it";

static WEAKNESSES: &[Weakness] = &[
    broken("DES-CBC", DES, "RFC 8247 §2.1 MUST NOT, SP 800-77r1"),
    broken("DES-IV64", DES, "RFC 8221 §5 MUST NOT, IANA: deprecated by RFC 9395"),
    broken("DES-IV32", DES, "RFC 8221 §5 MUST NOT, IANA: deprecated by RFC 9395"),
    broken(
        "3DES-CBC",
        "its block of 64 bits reveals content after some gigabytes under one key",
        "SP 800-77r1 not approved, RFC 8221 §5 SHOULD NOT",
    ),
    broken("RC5", OBSOLETE, "IANA: deprecated by RFC 9395"),
    broken("RC5-CBC", OBSOLETE, "RFC 9395 deprecates it"),
    broken("IDEA", OBSOLETE, "IANA: deprecated by RFC 9395"),
    broken("IDEA-CBC", OBSOLETE, "RFC 9395 deprecates it"),
    broken("3IDEA", OBSOLETE, "IANA: deprecated by RFC 9395"),
    broken("CAST", OBSOLETE, "IANA: deprecated by RFC 9395"),
    broken("CAST-CBC", OBSOLETE, "RFC 9395 deprecates it"),
    broken("BLOWFISH-CBC", SHORT_BLOCK, "RFC 8221 §5 MUST NOT, RFC 9395 deprecates it"),
    broken("BLOWFISH", SHORT_BLOCK, "RFC 8221 §5 MUST NOT, IANA: deprecated by RFC 9395"),
    broken("NULL", "it does not encrypt", "RFC 2410, defined for ESP"),
    broken("MD5", MD5, "RFC 8247 §2.2 MUST NOT"),
    broken("PRF-HMAC-MD5", MD5, "RFC 8247 §2.2 MUST NOT"),
    broken("PRF-HMAC-TIGER", OBSOLETE, "IANA: deprecated by RFC 9395"),
    broken("TIGER", OBSOLETE, "RFC 9395 deprecates it"),
    broken("HMAC-MD5-128", MD5, "IANA: deprecated by RFC 9395"),
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

const SMALL_GROUPS: &str = "its small subgroups reveal the keys of a peer that does not check for them, and the origin of its prime is not published";
