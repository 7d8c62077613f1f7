//! Where a packet goes whose stream is known.

use super::{CaptureObserver, MOST_WAITING};
use crate::hosts::HostPair;
use crate::packet::IpPacket;
use crate::protection::decrypted_copy::{Candidate, PlainLengths};
use crate::protection::{ExemptKind, ProtectionClass, Stream};
use crate::summary::bound::Bound;
use crate::summary::timeline::PacketRecord;
use crate::time::Timestamp;

impl CaptureObserver<'_> {
    /// Places a packet in its stream.
    pub(super) fn place(&mut self, pair: HostPair, stream: Stream, seen: &PacketRecord) {
        let (slot, of_pair) = self.streams.of((pair, stream));
        match stream.class() {
            ProtectionClass::Clear => {
                of_pair.clear(seen, &mut self.room);
                if seen.unfinished && of_pair.may_hand_over(seen.direction) {
                    if self.ipsec_offload.len() < MOST_WAITING {
                        let waiting = self.ipsec_offload.entry((pair, seen.direction, stream));
                        return waiting.or_default().observe(seen, &mut self.room);
                    }
                    self.summary.reached(Bound::IpsecOffload, 1);
                }
                self.clear_packets.keep(&mut slot.clear, || *seen);
                if seen.conversation.is_some()
                    && self.conversations.keep((pair, stream), seen, &mut self.room)
                {
                    return;
                }
            }
            ProtectionClass::Esp | ProtectionClass::EspNull | ProtectionClass::Ah => {
                of_pair.protected(seen.direction);
            }
            ProtectionClass::Ike => of_pair.negotiates = true,
            ProtectionClass::NattKeepalive
            | ProtectionClass::Exempt
            | ProtectionClass::NonIp
            | ProtectionClass::Undecodable => {}
        }
        slot.runs.observe(seen, &mut self.room);
    }

    /// Keeps a clear packet that is not placed yet.
    pub(super) fn keep_clear(&mut self, pair: HostPair, stream: Stream, seen: PacketRecord) {
        let (slot, _) = self.streams.of((pair, stream));
        self.clear_packets.keep(&mut slot.clear, || seen);
    }

    /// Whether a whole packet, not of ESP, may be the decrypted copy of an ESP packet before it.
    pub(super) fn likely_copy(
        &mut self,
        ip: &IpPacket<'_>,
        pair: HostPair,
        stream: Stream,
        time: Timestamp,
    ) -> Option<Candidate> {
        match stream {
            Stream::Clear { .. } | Stream::Exempt(ExemptKind::Icmp | ExemptKind::Echo) => {
                let lengths = PlainLengths { packet: ip.packet_len, segment: ip.segment_len };
                let candidate = self.decrypted_copies.plain(pair, time, lengths);
                candidate.filter(|_| stream.class() == ProtectionClass::Clear)
            }
            Stream::Esp(..)
            | Stream::WespIntegrityOnly(..)
            | Stream::Ah(..)
            | Stream::Ike
            | Stream::NattKeepalive
            | Stream::Exempt(_)
            | Stream::Undecodable(_) => None,
        }
    }
}
