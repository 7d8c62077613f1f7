//! What IKE peers show each other in notify payloads: number, name, meaning and the reason it means.
//!
//! Sources: IANA "IKEv2 Notify Message Error Types" and "Status Types", RFC 2408 §3.14.1, RFC 2407
//! §4.6.3, RFC 3706. Types without a row are shown by their number.

use super::Reason;

/// Which of the two number spaces a notify message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotifySpace {
    /// RFC 2408 and the IPsec DOI.
    V1,
    /// RFC 7296 and its extensions.
    V2,
}

impl NotifySpace {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V1, Self::V2];
}

/// One notify message type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotifyEntry {
    /// Its number.
    pub number: u16,
    /// Its name in IANA's registry, or in the RFC where no registry lists it.
    pub name: &'static str,
    /// What it says.
    pub meaning: &'static str,
    /// The failure it shows; `None` for a status.
    pub reason: Option<Reason>,
    /// Where it is defined.
    pub source: &'static str,
}

/// The entry of a notify number.
#[must_use]
pub fn notify(space: NotifySpace, number: u16) -> Option<&'static NotifyEntry> {
    let table = notifies(space);
    table.binary_search_by_key(&number, |row| row.number).ok().and_then(|at| table.get(at))
}

/// Every notify message known of a number space, by number.
#[must_use]
pub const fn notifies(space: NotifySpace) -> &'static [NotifyEntry] {
    match space {
        NotifySpace::V1 => IKEV1_NOTIFIES,
        NotifySpace::V2 => IKEV2_NOTIFIES,
    }
}

const fn error(
    number: u16,
    name: &'static str,
    reason: Reason,
    meaning: &'static str,
    source: &'static str,
) -> NotifyEntry {
    NotifyEntry { number, name, meaning, reason: Some(reason), source }
}

const fn status(
    number: u16,
    name: &'static str,
    meaning: &'static str,
    source: &'static str,
) -> NotifyEntry {
    NotifyEntry { number, name, meaning, reason: None, source }
}

/// RFC 2408 §3.14.1, the IPsec DOI's own types (RFC 2407 §4.6.3) and dead peer detection
/// (RFC 3706 §5.3), by number.
static IKEV1_NOTIFIES: &[NotifyEntry] = &[
    error(
        1,
        "INVALID-PAYLOAD-TYPE",
        Reason::Other,
        "a payload of a type the peer does not know, or that decryption with another key turned into noise",
        "RFC 2408 §3.14.1",
    ),
    error(
        2,
        "DOI-NOT-SUPPORTED",
        Reason::PolicyMismatch,
        "the peer does not know the domain of interpretation",
        "RFC 2408 §3.14.1",
    ),
    error(
        3,
        "SITUATION-NOT-SUPPORTED",
        Reason::PolicyMismatch,
        "the peer does not accept the situation of the proposal",
        "RFC 2408 §3.14.1",
    ),
    error(
        4,
        "INVALID-COOKIE",
        Reason::Other,
        "the peer knows no negotiation with these cookies, for example because it was restarted",
        "RFC 2408 §3.14.1",
    ),
    error(
        5,
        "INVALID-MAJOR-VERSION",
        Reason::PolicyMismatch,
        "the peer does not speak this major version",
        "RFC 2408 §3.14.1",
    ),
    error(
        6,
        "INVALID-MINOR-VERSION",
        Reason::PolicyMismatch,
        "the peer does not speak this minor version",
        "RFC 2408 §3.14.1",
    ),
    error(
        7,
        "INVALID-EXCHANGE-TYPE",
        Reason::PolicyMismatch,
        "the peer does not support this kind of exchange",
        "RFC 2408 §3.14.1",
    ),
    error(
        8,
        "INVALID-FLAGS",
        Reason::Other,
        "the header's flags make no sense to the peer",
        "RFC 2408 §3.14.1",
    ),
    error(
        9,
        "INVALID-MESSAGE-ID",
        Reason::Other,
        "the message ID belongs to no exchange the peer knows",
        "RFC 2408 §3.14.1",
    ),
    error(
        10,
        "INVALID-PROTOCOL-ID",
        Reason::PolicyMismatch,
        "a proposal names a protocol the peer does not know",
        "RFC 2408 §3.14.1",
    ),
    error(
        11,
        "INVALID-SPI",
        Reason::Other,
        "the peer has no security association with this SPI",
        "RFC 2408 §3.14.1",
    ),
    error(
        12,
        "INVALID-TRANSFORM-ID",
        Reason::NoProposalChosen,
        "a proposal names a transform the peer does not know",
        "RFC 2408 §3.14.1",
    ),
    error(
        13,
        "ATTRIBUTES-NOT-SUPPORTED",
        Reason::NoProposalChosen,
        "a proposal carries attributes the peer does not accept",
        "RFC 2408 §3.14.1",
    ),
    error(
        14,
        "NO-PROPOSAL-CHOSEN",
        Reason::NoProposalChosen,
        "the peer accepts none of the proposals",
        "RFC 2408 §3.14.1",
    ),
    error(
        15,
        "BAD-PROPOSAL-SYNTAX",
        Reason::Other,
        "the peer cannot read a proposal",
        "RFC 2408 §3.14.1",
    ),
    error(
        16,
        "PAYLOAD-MALFORMED",
        Reason::Other,
        "the peer cannot read a payload; after the first encrypted message the usual sign of different keys",
        "RFC 2408 §3.14.1",
    ),
    error(
        17,
        "INVALID-KEY-INFORMATION",
        Reason::InvalidKe,
        "the peer does not accept the key exchange data",
        "RFC 2408 §3.14.1",
    ),
    error(
        18,
        "INVALID-ID-INFORMATION",
        Reason::TsUnacceptable,
        "the peer does not accept the identity or the networks that were named",
        "RFC 2408 §3.14.1",
    ),
    error(
        19,
        "INVALID-CERT-ENCODING",
        Reason::CertificateInvalid,
        "the peer cannot read the certificate's encoding",
        "RFC 2408 §3.14.1",
    ),
    error(
        20,
        "INVALID-CERTIFICATE",
        Reason::CertificateInvalid,
        "the peer does not accept the certificate",
        "RFC 2408 §3.14.1",
    ),
    error(
        21,
        "CERT-TYPE-UNSUPPORTED",
        Reason::CertificateInvalid,
        "the peer does not support this type of certificate",
        "RFC 2408 §3.14.1",
    ),
    error(
        22,
        "INVALID-CERT-AUTHORITY",
        Reason::CertificateInvalid,
        "the peer does not know the certificate authority",
        "RFC 2408 §3.14.1",
    ),
    error(
        23,
        "INVALID-HASH-INFORMATION",
        Reason::AuthenticationFailed,
        "the hash that proves the key is wrong",
        "RFC 2408 §3.14.1",
    ),
    error(
        24,
        "AUTHENTICATION-FAILED",
        Reason::AuthenticationFailed,
        "the peer refused the authentication",
        "RFC 2408 §3.14.1",
    ),
    error(
        25,
        "INVALID-SIGNATURE",
        Reason::AuthenticationFailed,
        "the signature is wrong",
        "RFC 2408 §3.14.1",
    ),
    error(
        26,
        "ADDRESS-NOTIFICATION",
        Reason::Other,
        "a message about addresses",
        "RFC 2408 §3.14.1",
    ),
    error(
        27,
        "NOTIFY-SA-LIFETIME",
        Reason::Other,
        "a message about the lifetime",
        "RFC 2408 §3.14.1",
    ),
    error(
        28,
        "CERTIFICATE-UNAVAILABLE",
        Reason::CertificateInvalid,
        "the peer has no certificate of the kind asked for",
        "RFC 2408 §3.14.1",
    ),
    error(
        29,
        "UNSUPPORTED-EXCHANGE-TYPE",
        Reason::PolicyMismatch,
        "the peer does not support this kind of exchange",
        "RFC 2408 §3.14.1",
    ),
    error(
        30,
        "UNEQUAL-PAYLOAD-LENGTHS",
        Reason::Other,
        "the lengths in the message contradict each other",
        "RFC 2408 §3.14.1",
    ),
    status(
        16384,
        "CONNECTED",
        "the responder confirms that the exchange is complete",
        "RFC 2408 §3.14.1",
    ),
    status(24576, "RESPONDER-LIFETIME", "the lifetime the responder will use", "RFC 2407 §4.6.3.1"),
    status(
        24577,
        "REPLAY-STATUS",
        "whether the responder checks for replayed packets",
        "RFC 2407 §4.6.3.2",
    ),
    status(
        24578,
        "INITIAL-CONTACT",
        "the sender holds no older security association with this peer",
        "RFC 2407 §4.6.3.3",
    ),
    status(
        36136,
        "R-U-THERE",
        "a request to show whether the peer is still alive",
        "RFC 3706 §5.3",
    ),
    status(36137, "R-U-THERE-ACK", "the answer of a live peer", "RFC 3706 §5.3"),
];

/// IANA "IKEv2 Notify Message Error Types" and "Status Types", by number.
static IKEV2_NOTIFIES: &[NotifyEntry] = &[
    error(
        1,
        "UNSUPPORTED_CRITICAL_PAYLOAD",
        Reason::Other,
        "a payload marked critical that the peer does not know",
        "RFC 7296 §3.10.1",
    ),
    error(
        4,
        "INVALID_IKE_SPI",
        Reason::Other,
        "the peer knows no IKE SA with these SPIs, for example because it was restarted",
        "RFC 7296 §3.10.1",
    ),
    error(
        5,
        "INVALID_MAJOR_VERSION",
        Reason::PolicyMismatch,
        "the peer does not speak this major version",
        "RFC 7296 §3.10.1",
    ),
    error(
        7,
        "INVALID_SYNTAX",
        Reason::Other,
        "the peer cannot read the message",
        "RFC 7296 §3.10.1",
    ),
    error(
        9,
        "INVALID_MESSAGE_ID",
        Reason::Other,
        "the message ID lies outside the peer's window",
        "RFC 7296 §3.10.1",
    ),
    error(
        11,
        "INVALID_SPI",
        Reason::Other,
        "the peer has no child SA with this SPI",
        "RFC 7296 §3.10.1",
    ),
    error(
        14,
        "NO_PROPOSAL_CHOSEN",
        Reason::NoProposalChosen,
        "the peer accepts none of the proposals",
        "RFC 7296 §3.10.1",
    ),
    error(
        17,
        "INVALID_KE_PAYLOAD",
        Reason::InvalidKe,
        "the peer wants another key exchange group and names it; the initiator is to try again",
        "RFC 7296 §3.10.1",
    ),
    error(
        24,
        "AUTHENTICATION_FAILED",
        Reason::AuthenticationFailed,
        "the peer refused the authentication",
        "RFC 7296 §3.10.1",
    ),
    error(
        34,
        "SINGLE_PAIR_REQUIRED",
        Reason::TsUnacceptable,
        "the peer wants one pair of addresses in the traffic selectors",
        "RFC 7296 §3.10.1",
    ),
    error(
        35,
        "NO_ADDITIONAL_SAS",
        Reason::PolicyMismatch,
        "the peer sets up no further SA on this IKE SA",
        "RFC 7296 §3.10.1",
    ),
    error(
        36,
        "INTERNAL_ADDRESS_FAILURE",
        Reason::Other,
        "the peer has no internal address to give",
        "RFC 7296 §3.10.1",
    ),
    error(
        37,
        "FAILED_CP_REQUIRED",
        Reason::PolicyMismatch,
        "the peer wants to be asked for its configuration",
        "RFC 7296 §3.10.1",
    ),
    error(
        38,
        "TS_UNACCEPTABLE",
        Reason::TsUnacceptable,
        "the peer accepts none of the traffic selectors",
        "RFC 7296 §3.10.1",
    ),
    error(
        39,
        "INVALID_SELECTORS",
        Reason::TsUnacceptable,
        "a packet came through an SA whose selectors do not cover it",
        "RFC 7296 §3.10.1",
    ),
    error(
        40,
        "UNACCEPTABLE_ADDRESSES",
        Reason::Other,
        "the peer does not accept the move to these addresses",
        "RFC 4555 §4.1",
    ),
    error(
        41,
        "UNEXPECTED_NAT_DETECTED",
        Reason::Other,
        "there is an address translation that the sender ruled out",
        "RFC 4555 §4.1",
    ),
    error(
        42,
        "USE_ASSIGNED_HoA",
        Reason::Other,
        "the mobile node is to use the home address it was given",
        "RFC 5026",
    ),
    error(
        43,
        "TEMPORARY_FAILURE",
        Reason::Other,
        "the peer cannot do it now, for example because both rekey at once",
        "RFC 7296 §3.10.1",
    ),
    error(
        44,
        "CHILD_SA_NOT_FOUND",
        Reason::Other,
        "the child SA to be rekeyed does not exist at the peer",
        "RFC 7296 §3.10.1",
    ),
    error(
        45,
        "INVALID_GROUP_ID",
        Reason::PolicyMismatch,
        "the key server does not know the group",
        "IANA ikev2-parameters",
    ),
    error(
        46,
        "AUTHORIZATION_FAILED",
        Reason::AuthenticationFailed,
        "the key server does not admit the member",
        "IANA ikev2-parameters",
    ),
    error(
        47,
        "STATE_NOT_FOUND",
        Reason::Other,
        "the peer lost the state of a key exchange in several steps",
        "RFC 9370 §3",
    ),
    error(
        48,
        "TS_MAX_QUEUE",
        Reason::PolicyMismatch,
        "the peer sets up no more child SAs for these selectors",
        "RFC 9611",
    ),
    status(
        16384,
        "INITIAL_CONTACT",
        "the sender holds no older IKE SA with this peer",
        "RFC 7296 §3.10.1",
    ),
    status(
        16385,
        "SET_WINDOW_SIZE",
        "how many requests the sender takes at once",
        "RFC 7296 §3.10.1",
    ),
    status(
        16386,
        "ADDITIONAL_TS_POSSIBLE",
        "further traffic selectors would be accepted in an SA of their own",
        "RFC 7296 §3.10.1",
    ),
    status(16387, "IPCOMP_SUPPORTED", "the sender can compress", "RFC 7296 §3.10.1"),
    status(
        16388,
        "NAT_DETECTION_SOURCE_IP",
        "a hash over the sender's address and port; a mismatch shows a NAT on its side",
        "RFC 7296 §2.23",
    ),
    status(
        16389,
        "NAT_DETECTION_DESTINATION_IP",
        "a hash over the receiver's address and port; a mismatch shows a NAT on its side",
        "RFC 7296 §2.23",
    ),
    status(
        16390,
        "COOKIE",
        "a responder under load wants to see that the initiator's address is real",
        "RFC 7296 §2.6",
    ),
    status(
        16391,
        "USE_TRANSPORT_MODE",
        "the child SA is to work in transport mode",
        "RFC 7296 §3.10.1",
    ),
    status(
        16392,
        "HTTP_CERT_LOOKUP_SUPPORTED",
        "the sender can fetch certificates by URL",
        "RFC 7296 §3.10.1",
    ),
    status(16393, "REKEY_SA", "names the child SA that the new one replaces", "RFC 7296 §3.10.1"),
    status(
        16394,
        "ESP_TFC_PADDING_NOT_SUPPORTED",
        "the sender accepts no padding that hides lengths",
        "RFC 7296 §3.10.1",
    ),
    status(
        16395,
        "NON_FIRST_FRAGMENTS_ALSO",
        "the SA also carries later fragments",
        "RFC 7296 §3.10.1",
    ),
    status(16396, "MOBIKE_SUPPORTED", "the sender can change its addresses", "RFC 4555"),
    status(16397, "ADDITIONAL_IP4_ADDRESS", "another IPv4 address of the sender", "RFC 4555"),
    status(16398, "ADDITIONAL_IP6_ADDRESS", "another IPv6 address of the sender", "RFC 4555"),
    status(16399, "NO_ADDITIONAL_ADDRESSES", "the sender has no further address", "RFC 4555"),
    status(
        16400,
        "UPDATE_SA_ADDRESSES",
        "the SAs move to the addresses of this message",
        "RFC 4555",
    ),
    status(16401, "COOKIE2", "a check that the peer is reachable at its new address", "RFC 4555"),
    status(16402, "NO_NATS_ALLOWED", "the sender rules out address translation", "RFC 4555"),
    status(16403, "AUTH_LIFETIME", "how long the authentication holds", "RFC 4478"),
    status(
        16404,
        "MULTIPLE_AUTH_SUPPORTED",
        "the sender can authenticate more than once",
        "RFC 4739",
    ),
    status(16405, "ANOTHER_AUTH_FOLLOWS", "another authentication follows", "RFC 4739"),
    status(16406, "REDIRECT_SUPPORTED", "the initiator may be sent to another gateway", "RFC 5685"),
    status(16407, "REDIRECT", "the initiator is to go to another gateway", "RFC 5685"),
    status(16408, "REDIRECTED_FROM", "which gateway sent the initiator here", "RFC 5685"),
    status(16409, "TICKET_LT_OPAQUE", "a ticket for resumption and its lifetime", "RFC 5723"),
    status(16410, "TICKET_REQUEST", "the initiator asks for a ticket", "RFC 5723"),
    status(16411, "TICKET_ACK", "a ticket will be given", "RFC 5723"),
    status(16412, "TICKET_NACK", "no ticket will be given, or it is not accepted", "RFC 5723"),
    status(16413, "TICKET_OPAQUE", "the ticket of a session to resume", "RFC 5723"),
    status(16414, "LINK_ID", "the link identifier of a virtual interface", "RFC 5739"),
    status(
        16415,
        "USE_WESP_MODE",
        "ESP is to be wrapped so that middleboxes see whether it is encrypted",
        "RFC 5840",
    ),
    status(16416, "ROHC_SUPPORTED", "the sender can compress headers", "RFC 5857"),
    status(
        16417,
        "EAP_ONLY_AUTHENTICATION",
        "the initiator accepts EAP for both sides",
        "RFC 5998",
    ),
    status(
        16418,
        "CHILDLESS_IKEV2_SUPPORTED",
        "an IKE SA without a child SA is accepted",
        "RFC 6023",
    ),
    status(16419, "QUICK_CRASH_DETECTION", "a token that proves a restart later", "RFC 6290"),
    status(
        16420,
        "IKEV2_MESSAGE_ID_SYNC_SUPPORTED",
        "a cluster can synchronize its message IDs",
        "RFC 6311",
    ),
    status(
        16421,
        "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED",
        "a cluster can synchronize its replay counters",
        "RFC 6311",
    ),
    status(16422, "IKEV2_MESSAGE_ID_SYNC", "the message IDs to continue from", "RFC 6311"),
    status(16423, "IPSEC_REPLAY_COUNTER_SYNC", "the replay counters to continue from", "RFC 6311"),
    status(16424, "SECURE_PASSWORD_METHODS", "the password methods the sender knows", "RFC 6467"),
    status(16425, "PSK_PERSIST", "the password is to be replaced by a lasting key", "RFC 6631"),
    status(16426, "PSK_CONFIRM", "the lasting key is accepted", "RFC 6631"),
    status(16427, "ERX_SUPPORTED", "the sender can reauthenticate by ERP", "RFC 6867"),
    status(
        16428,
        "IFOM_CAPABILITY",
        "the sender can move flows between interfaces",
        "IANA ikev2-parameters",
    ),
    status(
        16429,
        "SENDER_REQUEST_ID",
        "a member asks for sender IDs in its group",
        "IANA ikev2-parameters",
    ),
    status(
        16430,
        "IKEV2_FRAGMENTATION_SUPPORTED",
        "the sender accepts messages in IKE fragments",
        "RFC 7383",
    ),
    status(
        16431,
        "SIGNATURE_HASH_ALGORITHMS",
        "the hashes the sender accepts in signatures",
        "RFC 7427",
    ),
    status(16432, "CLONE_IKE_SA_SUPPORTED", "the sender can clone an IKE SA", "RFC 7791"),
    status(16433, "CLONE_IKE_SA", "the new IKE SA is a clone of the old one", "RFC 7791"),
    status(16434, "PUZZLE", "a responder under load sends the initiator a puzzle", "RFC 8019"),
    status(16435, "USE_PPK", "the sender can mix in a post-quantum pre-shared key", "RFC 8784"),
    status(16436, "PPK_IDENTITY", "which post-quantum pre-shared key is used", "RFC 8784"),
    status(
        16437,
        "NO_PPK_AUTH",
        "the authentication that holds without the post-quantum pre-shared key",
        "RFC 8784",
    ),
    status(
        16438,
        "INTERMEDIATE_EXCHANGE_SUPPORTED",
        "the sender can do IKE_INTERMEDIATE exchanges",
        "RFC 9242",
    ),
    status(16439, "IP4_ALLOWED", "the peer may ask for an IPv4 address", "RFC 8983"),
    status(16440, "IP6_ALLOWED", "the peer may ask for an IPv6 address", "RFC 8983"),
    status(
        16441,
        "ADDITIONAL_KEY_EXCHANGE",
        "links the steps of a key exchange in several parts",
        "RFC 9370",
    ),
    status(
        16442,
        "USE_AGGFRAG",
        "packets are to be aggregated and fragmented inside ESP",
        "RFC 9347",
    ),
    status(
        16443,
        "SUPPORTED_AUTH_METHODS",
        "the authentication methods the sender accepts",
        "RFC 9593",
    ),
    status(16444, "SA_RESOURCE_INFO", "which resource a child SA is meant for", "RFC 9611"),
    status(
        16445,
        "USE_PPK_INT",
        "the sender can mix in a post-quantum pre-shared key in IKE_INTERMEDIATE and CREATE_CHILD_SA",
        "RFC 9867",
    ),
    status(
        16446,
        "PPK_IDENTITY_KEY",
        "which post-quantum pre-shared key is used, and a proof that the sender has it",
        "RFC 9867",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_by_number_without_repetition() {
        for table in [IKEV1_NOTIFIES, IKEV2_NOTIFIES] {
            assert!(table.is_sorted_by(|one, next| one.number < next.number));
        }
    }

    #[test]
    fn errors_have_a_reason_and_statuses_have_none() {
        // RFC 7296 §3.10.1 and RFC 2408 §3.14.1: types below 16384 report errors.
        for row in IKEV1_NOTIFIES.iter().chain(IKEV2_NOTIFIES) {
            assert_eq!(row.reason.is_some(), row.number < 16384, "{}", row.name);
        }
    }

    #[test]
    fn a_number_without_a_row_is_none() {
        assert_eq!(notify(NotifySpace::V2, 3), None);
        assert_eq!(notify(NotifySpace::V2, 14).map(|row| row.name), Some("NO_PROPOSAL_CHOSEN"));
        assert_eq!(notify(NotifySpace::V1, 14).map(|row| row.name), Some("NO-PROPOSAL-CHOSEN"));
    }
}
