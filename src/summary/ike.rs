//! The IKE messages of one capture: put together, gathered, and their defects named.
//!
//! What a negotiation came to is `ike`'s business.

use super::timeline::PacketRecord;
use crate::capture::RawFrame;
use crate::evidence::{EvidenceId, FrameRef, IkeProblem, Position, Problem};
use crate::hosts::{Direction, HostPair};
use crate::ike::{Defect, MessageDigest, NATT_PORT, Negotiations, Probe, SentBy, probe};
use crate::packet::origin::Origin;
use crate::packet::reassembly::{Part, Reassembly};
use crate::packet::{Fragment, IpPacket, Ports};
use crate::time::Timestamp;
use std::net::SocketAddr;

/// Takes the IKE messages of one capture.
#[derive(Debug, Default)]
pub(super) struct IkeObserver {
    negotiations: Negotiations,
    reassembly: Reassembly<Place>,
    problems: Vec<Problem>,
    malformed: u64,
}

/// Where and when bytes were seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    frame: FrameRef,
    time: Timestamp,
    /// Where in the file they begin; `None` for what was put together.
    offset: Option<u64>,
    origin: Origin,
}

impl Place {
    /// The place of bytes inside a frame.
    pub(super) fn of(evidence: EvidenceId, frame: &RawFrame<'_>, bytes: &[u8]) -> Self {
        let into = bytes.as_ptr().addr().wrapping_sub(frame.data.as_ptr().addr());
        let into = if into <= frame.data.len() { into as u64 } else { 0 };
        let reference = FrameRef { evidence, frame: frame.number };
        let origin = Origin::of(frame);
        Self { frame: reference, time: frame.time, offset: Some(frame.offset + into), origin }
    }

    /// The place of bytes that were put together from several frames, the last of which was seen.
    pub(super) const fn put_together(seen: &PacketRecord) -> Self {
        Self { frame: seen.frame, time: seen.time, offset: None, origin: seen.origin }
    }
}

impl IkeObserver {
    /// A datagram with an IKE message; false where its negotiation is beyond the bounds.
    /// `is_whole` says that the capture did not cut it.
    pub(super) fn datagram(
        &mut self,
        ip: &IpPacket<'_>,
        place: Place,
        body: &[u8],
        is_whole: bool,
    ) -> bool {
        let Some((ports, ends)) = ip.ports.zip(ends_of(ip)) else { return true };
        let message = without_marker(body, ports).unwrap_or(body);
        let marker = body.len() - message.len();
        let place = Place { offset: place.offset.map(|at| at + marker as u64), ..place };
        self.message(ends, (place, Some(ip.hops)), message, is_whole)
    }

    /// A fragment of a UDP datagram; of a first one it is known whether it begins an IKE message.
    pub(super) fn fragment(
        &mut self,
        ip: &IpPacket<'_>,
        fragment: Fragment,
        is_ike: bool,
        place: Place,
    ) {
        let wanted = (fragment.offset == 0).then_some(is_ike);
        if let Some(whole) = self.reassembly.observe(ip, fragment, wanted, place.time, place) {
            let ends = (
                SocketAddr::new(ip.source(), whole.ports.source),
                SocketAddr::new(ip.destination(), whole.ports.destination),
            );
            let place = Place { offset: None, ..whole.seen };
            let message = without_marker(&whole.bytes, whole.ports).unwrap_or(&whole.bytes);
            self.message(ends, (place, None), message, true);
        }
        if self.reassembly.has_given_up() {
            let parts = self.reassembly.take_given_up();
            self.parts(parts);
        }
    }

    /// A message out of a TCP stream.
    pub(super) fn stream_message(
        &mut self,
        ends: (SocketAddr, SocketAddr),
        place: Place,
        message: &[u8],
    ) {
        self.message(ends, (Place { offset: None, ..place }, None), message, true);
    }

    /// Messages of which later fragments are missing: their beginning still shows something.
    fn parts(&mut self, parts: Vec<Part<Place>>) {
        for part in parts {
            let ends = (
                SocketAddr::new(part.source, part.ports.source),
                SocketAddr::new(part.destination, part.ports.destination),
            );
            let message = without_marker(&part.bytes, part.ports).unwrap_or(&part.bytes);
            self.message(ends, (part.seen, None), message, false);
        }
    }

    /// A datagram on a port of IKE that does not begin with a header of IKE.
    pub(super) fn not_ike(&mut self, ip: &IpPacket<'_>, place: Place, body: &[u8]) {
        let Some((ports, ends)) = ip.ports.zip(ends_of(ip)) else { return };
        let Some(message) = without_marker(body, ports) else { return };
        let defect = match MessageDigest::new(place.frame, place.time, ends, message) {
            Err(defect) => Some(defect),
            Ok((digest, _)) if digest.spis().0.is_zero() => Some(Defect::Unexpected {
                field: "initiator SPI",
                offset: 0,
                value: 0,
                // RFC 2408 §2.5.3, RFC 7296 §3.1.
                expected: "a number other than zero",
            }),
            Ok((_, defect)) => defect,
        };
        if let Some(defect) = defect {
            self.malformed(place, defect);
        }
    }

    fn message(
        &mut self,
        ends: (SocketAddr, SocketAddr),
        (place, hops): (Place, Option<u8>),
        message: &[u8],
        is_whole: bool,
    ) -> bool {
        match MessageDigest::new(place.frame, place.time, ends, message) {
            Ok((digest, defect)) => {
                if let Some(defect) = defect.filter(|_| is_whole) {
                    self.malformed(place, defect);
                }
                let station = place.origin.station();
                self.negotiations.observe(digest.from_station(SentBy { station, hops }))
            }
            Err(defect) => {
                if is_whole {
                    self.malformed(place, defect);
                }
                true
            }
        }
    }

    fn malformed(&mut self, place: Place, defect: Defect) {
        self.malformed += 1;
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem {
                kind: IkeProblem::from(defect).into(),
                offset: place.offset.map(|at| at + defect.offset() as u64),
                position: Position::Frame(place.frame.frame.0),
            });
        }
    }

    /// The negotiations, and what was wrong with their messages.
    pub(super) fn finish(mut self) -> (Negotiations, Vec<Problem>) {
        let parts = std::mem::take(&mut self.reassembly).finish();
        self.parts(parts);
        let listed = self.problems.len() as u64;
        if self.malformed > listed {
            let more = IkeProblem::More(self.malformed - listed);
            self.problems.push(Problem::of_file(more, None));
        }
        (self.negotiations, self.problems)
    }
}

/// Who sent a packet, and to whom; `None` where it shows no ports.
pub(super) fn ends_of(ip: &IpPacket<'_>) -> Option<(SocketAddr, SocketAddr)> {
    let ports = ip.ports?;
    let source = SocketAddr::new(ip.source(), ports.source);
    Some((source, SocketAddr::new(ip.destination(), ports.destination)))
}

/// The same of a packet between two hosts and their ports, the lower address's first.
pub(super) fn ends_between(
    pair: HostPair,
    direction: Direction,
    (a_port, b_port): (u16, u16),
) -> (SocketAddr, SocketAddr) {
    let (a, b) = (SocketAddr::new(pair.a(), a_port), SocketAddr::new(pair.b(), b_port));
    match direction {
        Direction::AToB => (a, b),
        Direction::BToA => (b, a),
    }
}

/// The bytes behind the non-ESP marker (RFC 3948 §2.2); `None` where it is missing on UDP 4500. On other
/// ports only an IKE header behind four zero bytes makes them one.
fn without_marker(body: &[u8], ports: Ports) -> Option<&[u8]> {
    let behind = body.strip_prefix(&[0; 4]);
    if ports.source == NATT_PORT || ports.destination == NATT_PORT {
        behind
    } else {
        let is_marker = |message: &&[u8]| probe(message, Some(message.len())) == Probe::Certain;
        behind.filter(is_marker).or(Some(body))
    }
}

/// Enough to see what is wrong; the rest is counted.
const MAX_PROBLEMS: usize = 16;
