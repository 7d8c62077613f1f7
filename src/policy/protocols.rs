//! The IP protocols that policies name, and which of them have ports.

/// The number of a protocol's name in a policy.
pub(super) fn protocol_named(name: &str) -> Option<u8> {
    PROTOCOLS.iter().find(|row| row.0 == name).map(|row| row.1)
}

/// The number of a protocol as people write it: a name in any case, or a number.
pub(super) fn protocol_numbered_or_named(text: &str) -> Option<u8> {
    protocol_named(&text.to_ascii_lowercase()).or_else(|| text.parse().ok())
}

/// A protocol in words.
pub(super) fn protocol_name(number: u8) -> String {
    let row = PROTOCOLS.iter().find(|row| row.1 == number);
    row.map_or_else(|| format!("IP protocol {number}"), |row| row.0.to_ascii_uppercase())
}

/// TCP, UDP and SCTP.
pub(super) const fn has_ports(protocol: u8) -> bool {
    matches!(protocol, 6 | 17 | 132)
}

/// Names of IP protocols (IANA).
const PROTOCOLS: [(&str, u8); 10] = [
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("udp", 17),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmpv6", 58),
    ("sctp", 132),
];
