//! Packets that nearly all packets of a busy network are: segments of open connections that show nothing new, and whole
//! packets of ESP.
//!
//! They change the same records as on the way that all packets can go (`observe_packet`), and nothing else. A segment
//! goes this way only where that way would come to the stream of the connection's last segment, and neither to a
//! finding nor to anything that waits for other packets. Whether that is so is asked before anything is changed.

use super::{CaptureObserver, LARGEST_ON_ETHERNET};
use crate::hosts::HostPair;
use crate::packet::IpPacket;
use crate::protection::checksum::is_unfinished;
use crate::protection::decrypted_copy::PlainLengths;
use crate::protection::duplicate::{Place, Repetition};
use crate::protection::exemption_abuse::KERBEROS_PORT;
use crate::protection::secret::secret;
use crate::protection::{EspSpi, Stream, esp_bytes};
use crate::summary::dissected::{Dissected, flow_of, record_of};
use crate::summary::esp_mark::EspMark;
use crate::summary::timeline::PacketRecord;

/// What became of a packet.
pub(super) enum Outcome {
    /// It was taken.
    Done,
    /// It repeats another; nothing was changed but what is kept of packets for their copies.
    Repeats(Repetition),
    /// It may show something; nothing was changed.
    Unknown,
}

impl CaptureObserver<'_> {
    /// Takes a segment of an open connection, if it shows nothing new.
    pub(super) fn observe_segment(
        &mut self,
        dissected: &Dissected<'_>,
        ip: &IpPacket<'_>,
    ) -> Outcome {
        let (Some(segment), Some(ports), Some(flow)) = (ip.tcp(), ip.ports, flow_of(ip)) else {
            return Outcome::Unknown;
        };
        let established = self.conversations.established(ip, flow, self.hint.conversation);
        let Some(of) = established else { return Outcome::Unknown };
        let found = self.streams.at(of.stream_at, ip.pair, of.stream_word);
        let Some((slot, of_pair)) = found else { return Outcome::Unknown };
        let Stream::Clear { app, encrypted, .. } = slot.key.1 else { return Outcome::Unknown };
        let unfinished = is_unfinished(ip);
        if ports.source == KERBEROS_PORT
            || ports.destination == KERBEROS_PORT
            || !self.connections.is_of_none(ip, ports)
            || (unfinished && of_pair.may_hand_over(ip.direction))
            || (self.prints_left > 0 && of_pair.wants_fingerprints())
            || (!encrypted && secret(app, ip).is_some())
        {
            return Outcome::Unknown;
        }
        let frame = &dissected.frame;
        let place = Place::of(frame.interface, Some(ip));
        let again = self.duplicates.observe(dissected.identity, ip.segment, frame.time, place);
        if let Some(again) = again {
            return Outcome::Repeats(again);
        }
        let mut seen = record_of(frame, ip, (self.evidence, unfinished));
        self.stations.observe(frame, ip, (&seen, self.hint.station));
        self.conversations.advance(of, segment, ip.payload_len);
        (seen.opener, seen.conversation) = (of.opener, of.orphan);
        self.summary.has_unsegmented |= ip.packet_len > LARGEST_ON_ETHERNET;
        let lengths = PlainLengths { packet: ip.packet_len, segment: ip.segment_len };
        let candidate = self.decrypted_copies.plain(ip.pair, seen.time, lengths);
        let key = slot.key;
        if let Some(candidate) = candidate
            && let Some(kind) =
                self.likely_copies.add((key.0, key.1, candidate), seen, &mut self.room)
        {
            self.duplicates.note(kind);
            let seen = PacketRecord { likely_copy: Some(kind), ..seen };
            self.clear_packets.keep(&mut slot.clear, || seen);
            return Outcome::Done;
        }
        of_pair.clear(&seen, &mut self.room);
        self.clear_packets.keep(&mut slot.clear, || seen);
        let is_apart =
            seen.conversation.is_some() && self.conversations.keep(key, &seen, &mut self.room);
        if !is_apart {
            slot.runs.observe(&seen, &mut self.room);
        }
        Outcome::Done
    }

    /// Takes a whole packet of ESP that is not in UDP and repeats no other; false, and nothing was changed, where its
    /// stream is not known.
    #[inline]
    pub(super) fn observe_plain_esp(
        &mut self,
        dissected: &Dissected<'_>,
        (ip, spi): (&IpPacket<'_>, EspSpi),
    ) -> bool {
        let key = (ip.pair, Stream::Esp(spi, ip.direction));
        if !self.streams.find_known(key, self.hint.stream) {
            return false;
        }
        let seen = record_of(&dissected.frame, ip, (self.evidence, false));
        self.stations.observe(&dissected.frame, ip, (&seen, self.hint.station));
        self.summary.has_unsegmented |= ip.packet_len > LARGEST_ON_ETHERNET;
        self.observe_found_esp(ip, key, &seen);
        true
    }

    /// Takes a whole ESP packet.
    pub(super) fn observe_esp(
        &mut self,
        ip: &IpPacket<'_>,
        key: (HostPair, Stream),
        seen: &PacketRecord,
    ) {
        if !self.streams.find_known(key, self.hint.stream) {
            self.streams.of(key);
        }
        self.observe_found_esp(ip, key, seen);
    }

    /// The same, of the stream that was looked up last.
    #[inline]
    fn observe_found_esp(
        &mut self,
        ip: &IpPacket<'_>,
        key: (HostPair, Stream),
        seen: &PacketRecord,
    ) {
        let Some((slot, of_pair)) = self.streams.found() else { return };
        let esp = slot.esp.get_or_insert_default();
        esp.observe(ip, seen, self.named);
        let (bytes, length) = esp_bytes(ip);
        self.esp_packets.keep(&mut esp.packets, || EspMark::of(seen, bytes, length));
        self.decrypted_copies.encapsulated(key, &mut esp.watched, seen.time, length);
        of_pair.protected(seen.direction);
        slot.runs.observe(seen, &mut self.room);
    }
}

#[cfg(test)]
mod tests;
