//! What a frame has around its own packet: other packets, each traffic of the two hosts that its tunnel joins,
//! and a link layer that is not always the one the capture says.

use super::CaptureObserver;
use crate::capture::RawFrame;
use crate::evidence::{CaptureProblem, Position, Problem};
use crate::packet::{IpPacket, MOST_NESTED, layer};
use crate::protection::decrypted_copy::{Candidate, PlainLengths};
use crate::protection::{FirstFragment, ProtectionClass, Stream, classify};
use crate::summary::dissected::flow_of;
use crate::summary::timeline::PacketRecord;
use crate::summary::tunnels::{Key, Layer};

impl CaptureObserver<'_> {
    /// Takes the packets around a frame's own one, which is of stream `own` and which `nested` others
    /// are around. Gives whose decrypted copy the frame may be: ESP carried all that the frame
    /// shows, so its outermost packet is compared.
    #[cold]
    pub(super) fn observe_around(
        &mut self,
        frame: &RawFrame<'_>,
        own: Option<Layer>,
        (nested, class): (u8, ProtectionClass),
        seen: PacketRecord,
    ) -> Option<Candidate> {
        let mut around: [Option<(IpPacket<'_>, Stream)>; MOST_NESTED as usize] = Default::default();
        for (place, depth) in around.iter_mut().zip(0..nested) {
            let Some(ip) = layer(frame, depth) else { break };
            *place = Some((ip, classify(&ip, self.named)));
        }
        let (outermost, stream) = around[0].as_ref()?;
        let decrypted_copy = self.decrypted_copy_of_tunnel(outermost, *stream, seen);
        for (depth, (ip, stream)) in around.iter().flatten().enumerate() {
            let seen = PacketRecord {
                flow: flow_of(ip),
                direction: ip.direction,
                unfinished: false,
                ..seen
            };
            match stream {
                Stream::Clear { .. } => {
                    self.streams.of((ip.pair, *stream)).1.clear(&seen, &mut self.room)
                }
                Stream::Exempt(_) => {}
                // Tunnels are not entered where the packet around may be one of these.
                Stream::Esp(..)
                | Stream::WespIntegrityOnly(..)
                | Stream::Ah(..)
                | Stream::Ike
                | Stream::NattKeepalive
                | Stream::Undecodable(_) => continue,
            }
            if let Some(fragment) = ip.fragment.filter(|fragment| fragment.offset == 0) {
                let first = FirstFragment::of(ip, *stream);
                for later in self.fragments.first(ip, fragment, first) {
                    self.place_fragment(later, first);
                }
            }
            let mut inside = [None; MOST_NESTED as usize];
            let deeper = around.iter().flatten().skip(depth + 1).map(|(ip, s)| (ip.pair, *s));
            inside.iter_mut().zip(deeper.chain(own)).for_each(|(place, of)| *place = Some(of));
            let key = Key { layer: (ip.pair, *stream), inside, class };
            self.tunnels.observe(key, decrypted_copy, seen, &mut self.room);
        }
        decrypted_copy
    }

    fn decrypted_copy_of_tunnel(
        &mut self,
        ip: &IpPacket<'_>,
        stream: Stream,
        seen: PacketRecord,
    ) -> Option<Candidate> {
        let lengths = PlainLengths { packet: ip.packet_len, segment: ip.segment_len };
        let candidate = self.decrypted_copies.plain(ip.pair, seen.time, lengths);
        candidate.filter(|_| stream.class() == ProtectionClass::Clear)
    }
}

/// The problem of frames that the capture calls Ethernet: the first one, where it begins, and how many.
pub(super) fn wrong_linktype((first, offset, frames): (u64, u64, u64)) -> Problem {
    let position = Position::Frame(first);
    Problem { kind: CaptureProblem::WrongLinktype(frames).into(), offset: Some(offset), position }
}
