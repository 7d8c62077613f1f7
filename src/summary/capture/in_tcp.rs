//! Segments of TCP connections that carry IKE and ESP (RFC 9329), and the messages that they complete.

use super::{CaptureObserver, Later};
use crate::hosts::HostPair;
use crate::packet::IpPacket;
use crate::protection::Stream;
use crate::summary::connections::{Message, Released};
use crate::summary::ike::{Place, ends_between, ends_of};
use crate::summary::timeline::PacketRecord;
use std::net::SocketAddr;

impl CaptureObserver<'_> {
    /// Takes a segment of a connection that carries IKE and ESP, or may do so.
    pub(super) fn observe_encapsulated(
        &mut self,
        ip: &IpPacket<'_>,
        (pair, alone): (HostPair, Stream),
        (seen, place): (&PacketRecord, Place),
        (stream, messages): (Stream, Vec<Message>),
    ) {
        if self.connections.is_only_likely(ip) {
            let later = Later { pair, seen: *seen, alone, readable: None, again: None };
            self.connections.hold_likely(ip, later, (stream, messages));
        } else {
            if let Some(ends) = ends_of(ip) {
                self.observe_messages((pair, alone), (ends, place), seen, messages);
            }
            self.place(pair, stream, seen);
        }
        self.place_released();
    }

    /// Places the segments of connections that turned out to be one thing or another.
    pub(super) fn place_released(&mut self) {
        for released in self.connections.take_released() {
            let Released { segment: later, stream, messages, ports } = released;
            let ends = ends_between(later.pair, later.seen.direction, ports);
            let place = (ends, Place::put_together(&later.seen));
            self.observe_messages((later.pair, later.alone), place, &later.seen, messages);
            self.place_later(later, stream.unwrap_or(later.alone));
        }
    }

    /// Shows the messages of a segment to what reads them; `alone` is what the segment is if they are none.
    fn observe_messages(
        &mut self,
        (pair, alone): (HostPair, Stream),
        (ends, place): ((SocketAddr, SocketAddr), Place),
        seen: &PacketRecord,
        messages: Vec<Message>,
    ) {
        for message in messages {
            match message {
                Message::Ike(bytes) => self.ike.stream_message(ends, place, &bytes),
                Message::Esp { stream, bytes, length } => {
                    let stream = self.within_bound(pair, stream);
                    let evidence = self.streams.of((pair, stream)).0.esp.get_or_insert_default();
                    evidence.observe_in_tcp((&bytes, length), seen, alone);
                }
            }
        }
    }
}
