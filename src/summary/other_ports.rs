//! ESP on UDP ports other than 4500.
//!
//! Two hosts may agree on any port for IKE and ESP (RFC 7296 §2.23 names 4500, implementations let
//! it be set), and clients from before RFC 3948 put ESP on UDP 10000. A port alone proves nothing: on the
//! first kind both hosts were seen to speak IKE behind the non-ESP marker; the second counts only as far as
//! its packets corroborate themselves.

use super::conversations::{ConversationKey, conversation_of};
use crate::hosts::HostPair;
use crate::packet::{IpPacket, Ports, protocol};
use crate::protection::{ProtectionClass, Stream, behind_marker, inside_udp_on_other_port};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Which ports carry ESP.
#[derive(Debug, Default)]
pub(super) struct OtherPorts {
    /// Whether the lower and the higher address were seen to speak IKE there.
    negotiating: HashMap<Key, [bool; 2], foldhash::fast::RandomState>,
    /// Streams on port 10000.
    unproven: HashSet<(HostPair, Stream), foldhash::fast::RandomState>,
}

/// The two hosts and their ports, the lower address's first.
type Key = (HostPair, u16, u16);

impl OtherPorts {
    /// Takes a whole packet and its stream; gives what it is instead.
    pub(super) fn observe(&mut self, ip: &IpPacket<'_>, stream: Stream) -> Option<Stream> {
        let ports = ip.ports.filter(|_| ip.protocol == protocol::UDP && ip.fragment.is_none())?;
        match stream.class() {
            ProtectionClass::Ike => {
                self.negotiates(ip, ports);
                None
            }
            ProtectionClass::Clear => {
                let is_old = ports.source == OLD_PORT || ports.destination == OLD_PORT;
                if self.negotiating.is_empty() && !is_old {
                    return None;
                }
                let both = self.negotiating.get(&key(ip, ports)) == Some(&[true, true]);
                let stream = inside_udp_on_other_port(ip).filter(|_| both || is_old)?;
                let is_new = !both && !self.unproven.contains(&(ip.pair, stream));
                if is_new && self.unproven.len() >= MOST_UNPROVEN {
                    return None;
                }
                if is_new {
                    self.unproven.insert((ip.pair, stream));
                }
                Some(stream)
            }
            ProtectionClass::Esp
            | ProtectionClass::EspNull
            | ProtectionClass::Ah
            | ProtectionClass::NattKeepalive
            | ProtectionClass::Exempt
            | ProtectionClass::NonIp
            | ProtectionClass::Undecodable => None,
        }
    }

    /// Whether nothing but its own packets can show that a stream is ESP.
    pub(super) fn is_unproven(&self, pair: HostPair, stream: Stream) -> bool {
        self.unproven.contains(&(pair, stream))
    }

    /// Which hosts of which conversations were seen to speak IKE.
    pub(super) fn negotiating(&self) -> BTreeMap<ConversationKey, [bool; 2]> {
        let all = self.negotiating.iter();
        all.map(|((pair, a, b), who)| (conversation_of(*pair, protocol::UDP, (*a, *b)), *who))
            .collect()
    }

    /// A host speaks IKE; behind the marker its port may carry ESP too.
    fn negotiates(&mut self, ip: &IpPacket<'_>, ports: Ports) {
        let key = key(ip, ports);
        let is_known = self.negotiating.contains_key(&key);
        if (is_known || self.negotiating.len() < MOST_PORTS) && behind_marker(ip).is_some() {
            let [a, b] = self.negotiating.entry(key).or_default();
            *if ip.source() == ip.pair.a() { a } else { b } = true;
        }
    }
}

fn key(ip: &IpPacket<'_>, ports: Ports) -> Key {
    if ip.source() == ip.pair.a() {
        (ip.pair, ports.source, ports.destination)
    } else {
        (ip.pair, ports.destination, ports.source)
    }
}

/// Cisco's IPsec over UDP, before NAT traversal had a standard.
const OLD_PORT: u16 = 10_000;
/// Hosts and ports that are remembered; a flood of made-up ones cannot fill the memory.
const MOST_PORTS: usize = 16_384;
/// Likewise of SPIs that only their packets can prove.
const MOST_UNPROVEN: usize = 4096;
