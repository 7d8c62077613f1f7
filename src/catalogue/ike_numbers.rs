//! Names for the numbers of IKE: exchanges, payloads, algorithms, groups, authentication methods.
//!
//! Short forms for people; the strength of an algorithm is not judged here.

/// One number and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct IkeNumber {
    /// The number on the wire.
    number: u16,
    /// The name a reader knows it by.
    name: &'static str,
}

/// One exchange type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeEntry {
    /// The number on the wire.
    pub number: u8,
    /// The name a reader knows it by.
    pub name: &'static str,
    /// What it is for.
    pub meaning: &'static str,
    /// Where it is defined.
    pub source: &'static str,
}

/// The entry of an exchange type; `None` where no row has it.
#[must_use]
pub fn exchange_type(number: u8) -> Option<&'static ExchangeEntry> {
    let at = EXCHANGE_TYPES.binary_search_by_key(&number, |row| row.number).ok()?;
    EXCHANGE_TYPES.get(at)
}

/// Every exchange type known, by number.
#[must_use]
pub const fn exchange_types() -> &'static [ExchangeEntry] {
    EXCHANGE_TYPES
}

/// The name of a payload type of either version; `None` where no row has it.
#[must_use]
pub fn ike_payload_type(number: u8) -> Option<&'static str> {
    find(PAYLOAD_TYPES, u16::from(number))
}

/// The name of a security protocol identifier (RFC 7296 §3.3.1, RFC 2407 §4.4.1).
#[must_use]
pub fn ike_protocol(number: u8) -> Option<&'static str> {
    find(PROTOCOLS, u16::from(number))
}

/// The name of an IKEv2 transform, by transform type and transform ID.
#[must_use]
pub fn ikev2_transform(transform_type: u8, id: u16) -> Option<&'static str> {
    let table = match transform_type {
        1 => V2_ENCRYPTION,
        2 => V2_PRF,
        3 => V2_INTEGRITY,
        // RFC 9370 §2.2.1: types 6 to 12 are additional key exchanges with the same registry.
        4 | 6..=12 => GROUPS,
        5 => V2_SEQUENCE_NUMBERS,
        _ => return None,
    };
    find(table, id)
}

/// The name of an IKEv1 phase 1 encryption algorithm (RFC 2409 appendix A).
#[must_use]
pub fn ikev1_encryption(number: u16) -> Option<&'static str> {
    find(V1_ENCRYPTION, number)
}

/// The name of an IKEv1 phase 1 hash algorithm (RFC 2409 appendix A).
#[must_use]
pub fn ikev1_hash(number: u16) -> Option<&'static str> {
    find(V1_HASH, number)
}

/// The name of an IKEv1 authentication method (RFC 2409 appendix A).
#[must_use]
pub fn ikev1_authentication(number: u16) -> Option<&'static str> {
    find(V1_AUTHENTICATION, number)
}

/// The name of a key exchange group, the same numbers in both versions.
#[must_use]
pub fn ike_group(number: u16) -> Option<&'static str> {
    find(GROUPS, number)
}

fn find(table: &'static [IkeNumber], number: u16) -> Option<&'static str> {
    let at = table.binary_search_by_key(&number, |row| row.number).ok()?;
    table.get(at).map(|row| row.name)
}

const fn row(number: u16, name: &'static str) -> IkeNumber {
    IkeNumber { number, name }
}

const fn exchange(
    number: u8,
    name: &'static str,
    meaning: &'static str,
    source: &'static str,
) -> ExchangeEntry {
    ExchangeEntry { number, name, meaning, source }
}

/// RFC 2408 §3.1, RFC 2409, IANA "IKEv2 Exchange Types", \[MS-AIPS\] 2.2.1.
static EXCHANGE_TYPES: &[ExchangeEntry] = &[
    exchange(
        1,
        "base",
        "IKEv1: keys and authentication in fewer messages than main mode; hardly used",
        "RFC 2408 §4.4",
    ),
    exchange(
        2,
        "main mode",
        "IKEv1 phase 1 in six messages: proposals, keys, and identities, which are encrypted",
        "RFC 2409 §5",
    ),
    exchange(
        3,
        "authentication only",
        "IKEv1: authentication without keys; hardly used",
        "RFC 2408 §4.6",
    ),
    exchange(
        4,
        "aggressive mode",
        "IKEv1 phase 1 in three messages: the identities are in clear and, with a pre-shared key, so is a hash that allows guessing the key offline",
        "RFC 2409 §5",
    ),
    exchange(
        5,
        "informational",
        "IKEv1: notify and Delete messages, one way and mostly encrypted",
        "RFC 2409 §5.7",
    ),
    exchange(
        6,
        "transaction",
        "IKEv1: user authentication (XAUTH) and configuration between the two phases",
        "draft-ietf-ipsec-isakmp-mode-cfg-05",
    ),
    exchange(
        32,
        "quick mode",
        "IKEv1 phase 2: makes the security associations that carry traffic; encrypted",
        "RFC 2409 §5.5",
    ),
    exchange(
        33,
        "new group mode",
        "IKEv1: agrees on a private group for key exchanges; encrypted",
        "RFC 2409 §5.6",
    ),
    exchange(
        34,
        "IKE_SA_INIT",
        "IKEv2's first round: proposals, keys, NAT detection, in clear",
        "RFC 7296 §1.2",
    ),
    exchange(
        35,
        "IKE_AUTH",
        "IKEv2's second round: identities, authentication and the first child SA; encrypted",
        "RFC 7296 §1.2",
    ),
    exchange(
        36,
        "CREATE_CHILD_SA",
        "IKEv2: makes another child SA or rekeys one, or the IKE SA itself; encrypted",
        "RFC 7296 §1.3",
    ),
    exchange(
        37,
        "INFORMATIONAL",
        "IKEv2: deletes, notifies, and asks whether the peer is alive; encrypted",
        "RFC 7296 §1.4",
    ),
    exchange(
        38,
        "IKE_SESSION_RESUME",
        "IKEv2: takes up an earlier session by a ticket instead of IKE_SA_INIT",
        "RFC 5723",
    ),
    exchange(39, "GSA_AUTH", "group key management: a member registers", "RFC 9838"),
    exchange(
        40,
        "GSA_REGISTRATION",
        "group key management: a member registers within an IKE SA",
        "RFC 9838",
    ),
    exchange(41, "GSA_REKEY", "group key management: the server sends new keys", "RFC 9838"),
    exchange(42, "GSA_INBAND_REKEY", "group key management: new keys within an IKE SA", "RFC 9838"),
    exchange(
        43,
        "IKE_INTERMEDIATE",
        "IKEv2: carries what is too large for IKE_SA_INIT, post-quantum keys above all; encrypted",
        "RFC 9242",
    ),
    exchange(
        44,
        "IKE_FOLLOWUP_KE",
        "IKEv2: further key exchanges after CREATE_CHILD_SA; encrypted",
        "RFC 9370",
    ),
    exchange(
        243,
        "AuthIP main mode",
        "Microsoft's AuthIP: keys and the computers' authentication",
        "[MS-AIPS] 2.2.1",
    ),
    exchange(
        244,
        "AuthIP quick mode",
        "Microsoft's AuthIP: makes the security associations that carry traffic",
        "[MS-AIPS] 2.2.1",
    ),
    exchange(
        245,
        "AuthIP extended mode",
        "Microsoft's AuthIP: the users' authentication",
        "[MS-AIPS] 2.2.1",
    ),
    exchange(246, "AuthIP notify", "Microsoft's AuthIP: errors and deletions", "[MS-AIPS] 2.2.1"),
];

/// RFC 2408 §3.1, RFC 3947, IANA "IKEv2 Payload Types", \[MS-AIPS\] 2.2.3.
static PAYLOAD_TYPES: &[IkeNumber] = &[
    row(0, "none"),
    row(1, "SA"),
    row(2, "Proposal"),
    row(3, "Transform"),
    row(4, "KE"),
    row(5, "ID"),
    row(6, "CERT"),
    row(7, "CERTREQ"),
    row(8, "HASH"),
    row(9, "SIG"),
    row(10, "NONCE"),
    row(11, "N"),
    row(12, "D"),
    row(13, "VID"),
    row(14, "ATTR"),
    row(15, "SAK or NAT-D (draft)"),
    row(16, "SAT or NAT-OA (draft)"),
    row(17, "KD"),
    row(18, "SEQ"),
    row(19, "POP"),
    row(20, "NAT-D"),
    row(21, "NAT-OA"),
    row(22, "GAP"),
    row(33, "SA"),
    row(34, "KE"),
    row(35, "IDi"),
    row(36, "IDr"),
    row(37, "CERT"),
    row(38, "CERTREQ"),
    row(39, "AUTH"),
    row(40, "Nonce"),
    row(41, "N"),
    row(42, "D"),
    row(43, "V"),
    row(44, "TSi"),
    row(45, "TSr"),
    row(46, "SK"),
    row(47, "CP"),
    row(48, "EAP"),
    row(49, "GSPM"),
    row(50, "IDg"),
    row(51, "GSA"),
    row(52, "KD"),
    row(53, "SKF"),
    row(54, "PS"),
    row(129, "GSS-API"),
    row(130, "NAT-D (draft)"),
    row(131, "NAT-OA (draft)"),
    row(132, "fragment"),
    row(133, "Crypto"),
    row(134, "GSS-ID"),
    row(135, "Auth"),
];

static PROTOCOLS: &[IkeNumber] = &[
    row(1, "IKE"),
    row(2, "AH"),
    row(3, "ESP"),
    row(4, "FC_ESP_HEADER"),
    row(5, "FC_CT_AUTHENTICATION"),
];

/// IANA "Transform Type 1 - Encryption Algorithm Transform IDs"; 29 to 31 RFC 8750, 32 to 35 RFC 9227.
static V2_ENCRYPTION: &[IkeNumber] = &[
    row(1, "DES-IV64"),
    row(2, "DES-CBC"),
    row(3, "3DES-CBC"),
    row(4, "RC5"),
    row(5, "IDEA"),
    row(6, "CAST"),
    row(7, "BLOWFISH"),
    row(8, "3IDEA"),
    row(9, "DES-IV32"),
    row(11, "NULL"),
    row(12, "AES-CBC"),
    row(13, "AES-CTR"),
    row(14, "AES-CCM-8"),
    row(15, "AES-CCM-12"),
    row(16, "AES-CCM-16"),
    row(18, "AES-GCM-8"),
    row(19, "AES-GCM-12"),
    row(20, "AES-GCM-16"),
    row(21, "NULL-AUTH-AES-GMAC"),
    row(23, "CAMELLIA-CBC"),
    row(24, "CAMELLIA-CTR"),
    row(25, "CAMELLIA-CCM-8"),
    row(26, "CAMELLIA-CCM-12"),
    row(27, "CAMELLIA-CCM-16"),
    row(28, "CHACHA20-POLY1305"),
    row(29, "AES-CCM-8-IIV"),
    row(30, "AES-GCM-16-IIV"),
    row(31, "CHACHA20-POLY1305-IIV"),
    row(32, "KUZNYECHIK-MGM-KTREE"),
    row(33, "MAGMA-MGM-KTREE"),
    row(34, "KUZNYECHIK-MGM-MAC-KTREE"),
    row(35, "MAGMA-MGM-MAC-KTREE"),
];

/// IANA "Transform Type 2 - Pseudorandom Function Transform IDs"; 9 RFC 9385.
static V2_PRF: &[IkeNumber] = &[
    row(1, "PRF-HMAC-MD5"),
    row(2, "PRF-HMAC-SHA1"),
    row(3, "PRF-HMAC-TIGER"),
    row(4, "PRF-AES128-XCBC"),
    row(5, "PRF-HMAC-SHA2-256"),
    row(6, "PRF-HMAC-SHA2-384"),
    row(7, "PRF-HMAC-SHA2-512"),
    row(8, "PRF-AES128-CMAC"),
    row(9, "PRF-HMAC-STREEBOG-512"),
];

/// IANA "Transform Type 3 - Integrity Algorithm Transform IDs".
static V2_INTEGRITY: &[IkeNumber] = &[
    row(0, "NONE"),
    row(1, "HMAC-MD5-96"),
    row(2, "HMAC-SHA1-96"),
    row(3, "DES-MAC"),
    row(4, "KPDK-MD5"),
    row(5, "AES-XCBC-96"),
    row(6, "HMAC-MD5-128"),
    row(7, "HMAC-SHA1-160"),
    row(8, "AES-CMAC-96"),
    row(9, "AES-128-GMAC"),
    row(10, "AES-192-GMAC"),
    row(11, "AES-256-GMAC"),
    row(12, "HMAC-SHA2-256-128"),
    row(13, "HMAC-SHA2-384-192"),
    row(14, "HMAC-SHA2-512-256"),
];

/// IANA "Transform Type 5 - Sequence Numbers".
static V2_SEQUENCE_NUMBERS: &[IkeNumber] = &[row(0, "NO-ESN"), row(1, "ESN")];

/// IANA "Transform Type 4 - Key Exchange Method Transform IDs" and "Group Description" of IKEv1, which
/// alone has 3, 4 and 6 to 13 (curves over GF(2^n)). The registry "Internet Key Exchange (IKE) Attributes" has
/// the sizes of 6 to 13; that the even ones are random and the odd ones Koblitz curves is in the expired
/// draft-ietf-ipsec-ike-ecc-groups.
static GROUPS: &[IkeNumber] = &[
    row(0, "no group"),
    row(1, "MODP-768"),
    row(2, "MODP-1024"),
    row(3, "EC2N-155"),
    row(4, "EC2N-185"),
    row(5, "MODP-1536"),
    row(6, "EC2N-163R"),
    row(7, "EC2N-163K"),
    row(8, "EC2N-283R"),
    row(9, "EC2N-283K"),
    row(10, "EC2N-409R"),
    row(11, "EC2N-409K"),
    row(12, "EC2N-571R"),
    row(13, "EC2N-571K"),
    row(14, "MODP-2048"),
    row(15, "MODP-3072"),
    row(16, "MODP-4096"),
    row(17, "MODP-6144"),
    row(18, "MODP-8192"),
    row(19, "ECP-256"),
    row(20, "ECP-384"),
    row(21, "ECP-521"),
    row(22, "MODP-1024-160"),
    row(23, "MODP-2048-224"),
    row(24, "MODP-2048-256"),
    row(25, "ECP-192"),
    row(26, "ECP-224"),
    row(27, "BRAINPOOL-224"),
    row(28, "BRAINPOOL-256"),
    row(29, "BRAINPOOL-384"),
    row(30, "BRAINPOOL-512"),
    row(31, "CURVE25519"),
    row(32, "CURVE448"),
    row(33, "GOST3410-256"),
    row(34, "GOST3410-512"),
    row(35, "ML-KEM-512"),
    row(36, "ML-KEM-768"),
    row(37, "ML-KEM-1024"),
];

/// RFC 2409 appendix A, RFC 3602, RFC 4312.
static V1_ENCRYPTION: &[IkeNumber] = &[
    row(1, "DES-CBC"),
    row(2, "IDEA-CBC"),
    row(3, "BLOWFISH-CBC"),
    row(4, "RC5-CBC"),
    row(5, "3DES-CBC"),
    row(6, "CAST-CBC"),
    row(7, "AES-CBC"),
    row(8, "CAMELLIA-CBC"),
];

/// RFC 2409 appendix A, RFC 4868.
static V1_HASH: &[IkeNumber] = &[
    row(1, "MD5"),
    row(2, "SHA1"),
    row(3, "TIGER"),
    row(4, "SHA2-256"),
    row(5, "SHA2-384"),
    row(6, "SHA2-512"),
];

/// RFC 2409 appendix A, IANA "IPSEC Authentication Methods" (6 to 8 reserved there), RFC 4754; private
/// numbers of draft-ietf-ipsec-isakmp-hybrid-auth-05 §3.2.1 and draft-ietf-ipsec-isakmp-xauth-06 §7.2, the
/// odd numbers where the initiator is the user, the even ones where the responder is. Windows uses 65001 for Kerberos (\[MS-IKEE\] 2.2.3.1).
static V1_AUTHENTICATION: &[IkeNumber] = &[
    row(1, "PSK"),
    row(2, "DSS"),
    row(3, "RSA-SIG"),
    row(4, "RSA-ENC"),
    row(5, "RSA-REV-ENC"),
    row(6, "ELGAMAL-ENC"),
    row(7, "ELGAMAL-REV-ENC"),
    row(8, "ECDSA-SIG"),
    row(9, "ECDSA-256"),
    row(10, "ECDSA-384"),
    row(11, "ECDSA-521"),
    row(64221, "HYBRID-RSA"),
    row(64222, "HYBRID-RSA-RESPONDER"),
    row(64223, "HYBRID-DSS"),
    row(64224, "HYBRID-DSS-RESPONDER"),
    row(65001, "XAUTH-PSK or Kerberos"),
    row(65002, "XAUTH-PSK-RESPONDER"),
    row(65003, "XAUTH-DSS"),
    row(65004, "XAUTH-DSS-RESPONDER"),
    row(65005, "XAUTH-RSA"),
    row(65006, "XAUTH-RSA-RESPONDER"),
    row(65007, "XAUTH-RSA-ENC"),
    row(65008, "XAUTH-RSA-ENC-RESPONDER"),
    row(65009, "XAUTH-RSA-REV-ENC"),
    row(65010, "XAUTH-RSA-REV-ENC-RESPONDER"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_by_number_without_repetition() {
        for table in [
            PAYLOAD_TYPES,
            PROTOCOLS,
            V2_ENCRYPTION,
            V2_PRF,
            V2_INTEGRITY,
            V2_SEQUENCE_NUMBERS,
            GROUPS,
            V1_ENCRYPTION,
            V1_HASH,
            V1_AUTHENTICATION,
        ] {
            assert!(table.is_sorted_by(|one, next| one.number < next.number));
        }
    }

    #[test]
    fn unknown_numbers_have_no_name() {
        assert!(exchange_type(99).is_none());
        assert!(EXCHANGE_TYPES.is_sorted_by(|one, next| one.number < next.number));
        assert_eq!(ikev2_transform(1, 12), Some("AES-CBC"));
        assert_eq!(ikev2_transform(77, 12), None);
    }
}
