//! By what a conversation is found.

use crate::hosts::{Direction, HostPair};
use crate::summary::timeline::Flow;

/// The two hosts, and a word of the protocol and the ports, the lower address's first.
pub(in crate::summary) type ConversationKey = (HostPair, u64);

/// The conversation that a packet belongs to, and which side sent it. Between ports of one and the same
/// address the lower port is first.
#[inline]
pub(in crate::summary) fn side(
    pair: HostPair,
    flow: Flow,
    direction: Direction,
) -> (ConversationKey, usize) {
    let Flow { protocol, a_port, b_port } = flow;
    let ports =
        |a: u16, b: u16| (pair, u64::from(protocol) << 32 | u64::from(a) << 16 | u64::from(b));
    match direction {
        Direction::AToB if a_port > b_port && pair.is_one_address() => (ports(b_port, a_port), 1),
        Direction::AToB => (ports(a_port, b_port), 0),
        Direction::BToA => (ports(a_port, b_port), 1),
    }
}

/// The conversation between two ports of a protocol; that of the lower address comes first.
pub(in crate::summary) fn conversation_of(
    pair: HostPair,
    protocol: u8,
    (a_port, b_port): (u16, u16),
) -> ConversationKey {
    side(pair, Flow { protocol, a_port, b_port }, Direction::AToB).0
}
