//! IKE's numbers by name: notify messages, exchanges, transforms, vendor ids.
//!
//! Sources: IANA "Internet Key Exchange Version 2 (IKEv2) Parameters" and "Internet Key Exchange
//! (IKE) Attributes", RFC 2408 §3.14.1, RFC 7296 §3.10.1, MS-AIPS for AuthIP.

use super::Reason;

/// Which of the two number spaces a notify message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotifySpace {
    /// RFC 2408 and the IPsec DOI.
    V1,
    /// RFC 7296 and its extensions.
    V2,
}

/// One notify message.
#[derive(Debug)]
pub struct NotifyEntry {
    /// Its number space.
    pub space: NotifySpace,
    /// Its number.
    pub number: u16,
    /// Its registered name.
    pub name: &'static str,
    /// The failure it tells; `None` for a status.
    pub reason: Option<Reason>,
}

/// The entry of a notify number.
#[must_use]
pub fn notify(space: NotifySpace, number: u16) -> Option<&'static NotifyEntry> {
    NOTIFIES.iter().find(|row| row.space == space && row.number == number)
}

/// Every notify message known.
#[must_use]
pub const fn notifies() -> &'static [NotifyEntry] {
    NOTIFIES
}

/// The name of an exchange type; `None` where it is not registered.
#[must_use]
pub fn exchange_name(number: u8) -> Option<&'static str> {
    EXCHANGES.iter().find(|row| row.0 == number).map(|row| row.1)
}

/// The name of a vendor id, by the beginning of its octets in hexadecimal.
#[must_use]
pub fn vendor_name(hex: &str) -> Option<&'static str> {
    VENDORS.iter().find(|row| hex.starts_with(row.0)).map(|row| row.1)
}

/// The name of a transform: its type (RFC 7296 §3.3.2) and its id.
#[must_use]
pub fn transform_name(kind: u8, id: u16) -> Option<&'static str> {
    TRANSFORMS.iter().find(|row| row.0 == kind && row.1 == id).map(|row| row.2)
}

/// The name of an IKEv1 phase 1 attribute value (RFC 2409 appendix A): attribute and value.
#[must_use]
pub fn v1_attribute_name(attribute: u16, value: u16) -> Option<&'static str> {
    V1_ATTRIBUTES.iter().find(|row| row.0 == attribute && row.1 == value).map(|row| row.2)
}

const fn v1(number: u16, name: &'static str, reason: Option<Reason>) -> NotifyEntry {
    NotifyEntry { space: NotifySpace::V1, number, name, reason }
}

const fn v2(number: u16, name: &'static str, reason: Option<Reason>) -> NotifyEntry {
    NotifyEntry { space: NotifySpace::V2, number, name, reason }
}

const NOTIFIES: &[NotifyEntry] = &[
    v1(1, "INVALID-PAYLOAD-TYPE", Some(Reason::Other)),
    v1(2, "DOI-NOT-SUPPORTED", Some(Reason::PolicyMismatch)),
    v1(3, "SITUATION-NOT-SUPPORTED", Some(Reason::PolicyMismatch)),
    v1(4, "INVALID-COOKIE", Some(Reason::Other)),
    v1(5, "INVALID-MAJOR-VERSION", Some(Reason::Other)),
    v1(6, "INVALID-MINOR-VERSION", Some(Reason::Other)),
    v1(7, "INVALID-EXCHANGE-TYPE", Some(Reason::PolicyMismatch)),
    v1(8, "INVALID-FLAGS", Some(Reason::Other)),
    v1(9, "INVALID-MESSAGE-ID", Some(Reason::Other)),
    v1(10, "INVALID-PROTOCOL-ID", Some(Reason::PolicyMismatch)),
    v1(11, "INVALID-SPI", Some(Reason::Other)),
    v1(12, "INVALID-TRANSFORM-ID", Some(Reason::NoProposalChosen)),
    v1(13, "ATTRIBUTES-NOT-SUPPORTED", Some(Reason::NoProposalChosen)),
    v1(14, "NO-PROPOSAL-CHOSEN", Some(Reason::NoProposalChosen)),
    v1(15, "BAD-PROPOSAL-SYNTAX", Some(Reason::Other)),
    v1(16, "PAYLOAD-MALFORMED", Some(Reason::PskMismatchSuspected)),
    v1(17, "INVALID-KEY-INFORMATION", Some(Reason::InvalidKe)),
    v1(18, "INVALID-ID-INFORMATION", Some(Reason::TsUnacceptable)),
    v1(19, "INVALID-CERT-ENCODING", Some(Reason::CertificateInvalid)),
    v1(20, "INVALID-CERTIFICATE", Some(Reason::CertificateInvalid)),
    v1(21, "CERT-TYPE-UNSUPPORTED", Some(Reason::CertificateInvalid)),
    v1(22, "INVALID-CERT-AUTHORITY", Some(Reason::CertificateInvalid)),
    v1(23, "INVALID-HASH-INFORMATION", Some(Reason::PskMismatchSuspected)),
    v1(24, "AUTHENTICATION-FAILED", Some(Reason::AuthenticationFailed)),
    v1(25, "INVALID-SIGNATURE", Some(Reason::AuthenticationFailed)),
    v1(26, "ADDRESS-NOTIFICATION", None),
    v1(27, "NOTIFY-SA-LIFETIME", None),
    v1(28, "CERTIFICATE-UNAVAILABLE", Some(Reason::CertificateInvalid)),
    v1(29, "UNSUPPORTED-EXCHANGE-TYPE", Some(Reason::PolicyMismatch)),
    v1(30, "UNEQUAL-PAYLOAD-LENGTHS", Some(Reason::Other)),
    v1(16384, "CONNECTED", None),
    v1(24576, "RESPONDER-LIFETIME", None),
    v1(24577, "REPLAY-STATUS", None),
    v1(24578, "INITIAL-CONTACT", None),
    v1(36136, "R-U-THERE", None),
    v1(36137, "R-U-THERE-ACK", None),
    v2(1, "UNSUPPORTED_CRITICAL_PAYLOAD", Some(Reason::Other)),
    v2(4, "INVALID_IKE_SPI", Some(Reason::Other)),
    v2(5, "INVALID_MAJOR_VERSION", Some(Reason::Other)),
    v2(7, "INVALID_SYNTAX", Some(Reason::Other)),
    v2(9, "INVALID_MESSAGE_ID", Some(Reason::Other)),
    v2(11, "INVALID_SPI", Some(Reason::Other)),
    v2(14, "NO_PROPOSAL_CHOSEN", Some(Reason::NoProposalChosen)),
    v2(17, "INVALID_KE_PAYLOAD", Some(Reason::InvalidKe)),
    v2(24, "AUTHENTICATION_FAILED", Some(Reason::AuthenticationFailed)),
    v2(34, "SINGLE_PAIR_REQUIRED", Some(Reason::TsUnacceptable)),
    v2(35, "NO_ADDITIONAL_SAS", Some(Reason::Other)),
    v2(36, "INTERNAL_ADDRESS_FAILURE", Some(Reason::Other)),
    v2(37, "FAILED_CP_REQUIRED", Some(Reason::PolicyMismatch)),
    v2(38, "TS_UNACCEPTABLE", Some(Reason::TsUnacceptable)),
    v2(39, "INVALID_SELECTORS", Some(Reason::TsUnacceptable)),
    v2(40, "UNACCEPTABLE_ADDRESSES", Some(Reason::Other)),
    v2(41, "UNEXPECTED_NAT_DETECTED", Some(Reason::Other)),
    v2(42, "USE_ASSIGNED_HoA", Some(Reason::Other)),
    v2(43, "TEMPORARY_FAILURE", Some(Reason::Other)),
    v2(44, "CHILD_SA_NOT_FOUND", Some(Reason::Other)),
    v2(45, "INVALID_GROUP_ID", Some(Reason::Other)),
    v2(46, "AUTHORIZATION_FAILED", Some(Reason::AuthenticationFailed)),
    v2(47, "STATE_NOT_FOUND", Some(Reason::Other)),
    v2(16384, "INITIAL_CONTACT", None),
    v2(16385, "SET_WINDOW_SIZE", None),
    v2(16386, "ADDITIONAL_TS_POSSIBLE", None),
    v2(16387, "IPCOMP_SUPPORTED", None),
    v2(16388, "NAT_DETECTION_SOURCE_IP", None),
    v2(16389, "NAT_DETECTION_DESTINATION_IP", None),
    v2(16390, "COOKIE", None),
    v2(16391, "USE_TRANSPORT_MODE", None),
    v2(16392, "HTTP_CERT_LOOKUP_SUPPORTED", None),
    v2(16393, "REKEY_SA", None),
    v2(16394, "ESP_TFC_PADDING_NOT_SUPPORTED", None),
    v2(16395, "NON_FIRST_FRAGMENTS_ALSO", None),
    v2(16396, "MOBIKE_SUPPORTED", None),
    v2(16403, "AUTH_LIFETIME", None),
    v2(16404, "MULTIPLE_AUTH_SUPPORTED", None),
    v2(16405, "ANOTHER_AUTH_FOLLOWS", None),
    v2(16406, "REDIRECT_SUPPORTED", None),
    v2(16407, "REDIRECT", None),
    v2(16408, "REDIRECTED_FROM", None),
    v2(16409, "TICKET_LT_OPAQUE", None),
    v2(16417, "EAP_ONLY_AUTHENTICATION", None),
    v2(16418, "CHILDLESS_IKEV2_SUPPORTED", None),
    v2(16430, "IKEV2_FRAGMENTATION_SUPPORTED", None),
    v2(16431, "SIGNATURE_HASH_ALGORITHMS", None),
    v2(16435, "USE_PPK", None),
    v2(16438, "INTERMEDIATE_EXCHANGE_SUPPORTED", None),
];

/// Exchange types: RFC 2408 §3.1, RFC 2409 §5, RFC 7296 §3.1, RFC 9242, RFC 5723; 243–246 are
/// AuthIP's (MS-AIPS §2.2.1).
const EXCHANGES: &[(u8, &str)] = &[
    (1, "base"),
    (2, "main mode"),
    (3, "authentication only"),
    (4, "aggressive mode"),
    (5, "informational"),
    (6, "transaction"),
    (32, "quick mode"),
    (33, "new group mode"),
    (34, "IKE_SA_INIT"),
    (35, "IKE_AUTH"),
    (36, "CREATE_CHILD_SA"),
    (37, "INFORMATIONAL"),
    (38, "IKE_SESSION_RESUME"),
    (39, "GSA_AUTH"),
    (40, "GSA_REGISTRATION"),
    (41, "GSA_REKEY"),
    (43, "IKE_INTERMEDIATE"),
    (44, "IKE_FOLLOWUP_KE"),
    (243, "AuthIP main mode"),
    (244, "AuthIP quick mode"),
    (245, "AuthIP extended mode"),
    (246, "AuthIP notify"),
];

/// Vendor ids whose meaning their owners or RFCs publish, by the first octets in hexadecimal.
const VENDORS: &[(&str, &str)] = &[
    ("1e2b516905991c7d7c96fcbfb587e461", "Microsoft Windows (MS NT5 ISAKMPOAKLEY)"),
    ("4a131c81070358455c5728f20e95452f", "NAT traversal (RFC 3947)"),
    ("90cb80913ebb696e086381b5ec427b1f", "NAT traversal (draft 02)"),
    ("cd60464335df21f87cfdb2fc68b6a448", "NAT traversal (draft 02, second form)"),
    ("4048b7d56ebce88525e7de7f00d6c2d3", "IKE fragmentation"),
    ("afcad71368a1f1c96b8696fc77570100", "dead peer detection (RFC 3706)"),
    ("09002689dfd6b712", "XAUTH"),
    ("882fe56d6fd20dbc2251613b2ebe5beb", "strongSwan"),
    ("12f5f28c457168a9702d9fe274cc0100", "Cisco Unity"),
];

/// IKEv2 transforms by type and id (IANA IKEv2 Parameters): 1 encryption, 2 PRF, 3 integrity,
/// 4 key exchange.
const TRANSFORMS: &[(u8, u16, &str)] = &[
    (1, 2, "DES"),
    (1, 3, "3DES"),
    (1, 11, "NULL"),
    (1, 12, "AES-CBC"),
    (1, 13, "AES-CTR"),
    (1, 14, "AES-CCM-8"),
    (1, 15, "AES-CCM-12"),
    (1, 16, "AES-CCM-16"),
    (1, 18, "AES-GCM-8"),
    (1, 19, "AES-GCM-12"),
    (1, 20, "AES-GCM-16"),
    (1, 21, "NULL-AES-GMAC"),
    (1, 23, "CAMELLIA-CBC"),
    (1, 28, "CHACHA20-POLY1305"),
    (2, 1, "PRF-HMAC-MD5"),
    (2, 2, "PRF-HMAC-SHA1"),
    (2, 4, "PRF-AES128-XCBC"),
    (2, 5, "PRF-HMAC-SHA2-256"),
    (2, 6, "PRF-HMAC-SHA2-384"),
    (2, 7, "PRF-HMAC-SHA2-512"),
    (2, 8, "PRF-AES128-CMAC"),
    (3, 1, "HMAC-MD5-96"),
    (3, 2, "HMAC-SHA1-96"),
    (3, 5, "AES-XCBC-96"),
    (3, 8, "AES-CMAC-96"),
    (3, 12, "HMAC-SHA2-256-128"),
    (3, 13, "HMAC-SHA2-384-192"),
    (3, 14, "HMAC-SHA2-512-256"),
    (4, 1, "MODP-768"),
    (4, 2, "MODP-1024"),
    (4, 5, "MODP-1536"),
    (4, 14, "MODP-2048"),
    (4, 15, "MODP-3072"),
    (4, 16, "MODP-4096"),
    (4, 17, "MODP-6144"),
    (4, 18, "MODP-8192"),
    (4, 19, "ECP-256"),
    (4, 20, "ECP-384"),
    (4, 21, "ECP-521"),
    (4, 24, "MODP-2048-256"),
    (4, 31, "CURVE25519"),
    (4, 32, "CURVE448"),
];

/// Phase 1 attributes of IKEv1: 1 encryption, 2 hash, 3 authentication method, 4 group.
const V1_ATTRIBUTES: &[(u16, u16, &str)] = &[
    (1, 1, "DES-CBC"),
    (1, 5, "3DES-CBC"),
    (1, 7, "AES-CBC"),
    (2, 1, "MD5"),
    (2, 2, "SHA1"),
    (2, 4, "SHA2-256"),
    (2, 5, "SHA2-384"),
    (2, 6, "SHA2-512"),
    (3, 1, "pre-shared key"),
    (3, 2, "DSS signature"),
    (3, 3, "RSA signature"),
    (3, 9, "ECDSA-256"),
    (3, 10, "ECDSA-384"),
    (3, 65001, "XAUTH pre-shared key"),
    (4, 1, "MODP-768"),
    (4, 2, "MODP-1024"),
    (4, 5, "MODP-1536"),
    (4, 14, "MODP-2048"),
    (4, 15, "MODP-3072"),
    (4, 16, "MODP-4096"),
    (4, 19, "ECP-256"),
    (4, 20, "ECP-384"),
];
