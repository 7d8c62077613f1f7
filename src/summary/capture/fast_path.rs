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
mod tests {
    use super::*;
    use crate::capture::{Linktype, RawFrame, SeenAt};
    use crate::evidence::{EvidenceId, FrameNumber};
    use crate::protection::NamedPorts;
    use crate::summary::dissected::Content;
    use crate::time::Timestamp;
    use proptest::prelude::*;

    /// What a frame is made of.
    #[derive(Clone, Debug)]
    struct Made {
        /// The same frame again.
        repeats: bool,
        apart: i64,
        hosts: (u8, u8),
        station: u8,
        hops: u8,
        tag: bool,
        carries: Carries,
        captured: usize,
    }

    #[derive(Clone, Debug)]
    enum Carries {
        Segment {
            ports: (u16, u16),
            step: i32,
            heard: bool,
            flags: u8,
            unfinished: bool,
            payload: Vec<u8>,
        },
        Esp {
            spi: u8,
            step: u32,
            payload: Vec<u8>,
        },
        Datagram {
            ports: (u16, u16),
            payload: Vec<u8>,
        },
    }

    fn payload() -> impl Strategy<Value = Vec<u8>> {
        let text = |text: &str| Just(text.as_bytes().to_vec());
        prop_oneof![
            3 => Just(Vec::new()),
            4 => proptest::collection::vec(any::<u8>(), 0..60),
            1 => Just(vec![0]),
            1 => Just(vec![23, 3, 3, 0, 40, 1, 2, 3, 4, 5, 6, 7, 8]),
            1 => Just([&[22, 3, 3, 0, 50, 2, 0, 0, 46, 3, 3][..], &[7; 32], &[0, 0x13, 1, 0]].concat()),
            1 => Just(vec![0, 0, 0, 8, 0xfe, b'S', b'M', b'B', 1, 2, 3, 4]),
            1 => text("SSH-2.0-OpenSSH"),
            1 => text("GET / HTTP/1.1\r\nAuthorization: Basic dXNlcjpwYXNzd29yZA==\r\n\r\n"),
            1 => text("PASS secret\r\n"),
            1 => text("IKETCP"),
            1 => Just([&[0, 14, 0, 0, 16, 9, 0, 0, 0, 5][..], &[9; 4]].concat()),
            1 => text("nothing but text, and more of it than any header has"),
        ]
    }

    fn ports() -> impl Strategy<Value = (u16, u16)> {
        let server =
            prop_oneof![Just(80u16), Just(443), Just(445), Just(21), Just(88), Just(4500), Just(9)];
        (49_152u16..49_154, server, any::<bool>()).prop_map(|(client, server, back)| {
            if back { (server, client) } else { (client, server) }
        })
    }

    fn made() -> impl Strategy<Value = Made> {
        let flags = prop_oneof![12 => Just(0x10u8), 4 => Just(0x18), 1 => Just(2), 1 => Just(0x12), 1 => Just(0x11), 1 => Just(4), 1 => Just(0)];
        let step = prop_oneof![6 => Just(0i32), 1 => -100i32..100, 1 => any::<i32>()];
        let carries = prop_oneof![
            8 => (ports(), step, any::<bool>(), flags, proptest::bool::weighted(0.1), payload()).prop_map(
                |(ports, step, heard, flags, unfinished, payload)| Carries::Segment { ports, step, heard, flags, unfinished, payload }
            ),
            4 => (0u8..3, prop_oneof![5 => Just(1u32), 1 => 0u32..9], payload())
                .prop_map(|(spi, step, payload)| Carries::Esp { spi, step, payload }),
            1 => (ports(), payload()).prop_map(|(ports, payload)| Carries::Datagram { ports, payload }),
        ];
        (
            proptest::bool::weighted(0.1),
            prop_oneof![8 => 0i64..2_000_000, 1 => 0i64..3_000_000_000, 1 => -5_000_000i64..0],
            prop_oneof![8 => Just((1u8, 2u8)), 4 => Just((2, 1)), 1 => (1u8..4, 1u8..5), 1 => Just((1, 230))],
            prop_oneof![9 => Just(0u8), 1 => 0u8..3],
            prop_oneof![9 => Just(64u8), 1 => Just(61)],
            proptest::bool::weighted(0.1),
            carries,
            prop_oneof![9 => Just(2000usize), 1 => 30usize..100],
        )
            .prop_map(|(repeats, apart, hosts, station, hops, tag, carries, captured)| Made {
                repeats,
                apart,
                hosts,
                station,
                hops,
                tag,
                carries,
                captured,
            })
    }

    /// The frames, with their times.
    fn frames(all: &[Made]) -> Vec<(i64, Vec<u8>, usize)> {
        let (mut time, mut next, mut numbers) = (1_000_000_000_000, [[1000u32; 4]; 2], [100u32; 3]);
        let mut frames: Vec<(i64, Vec<u8>, usize)> = Vec::new();
        for made in all {
            time += made.apart;
            if let Some((_, last, length)) = frames.last().cloned().filter(|_| made.repeats) {
                frames.push((time, last, length));
                continue;
            }
            let is_back = usize::from(made.hosts.0 > made.hosts.1);
            let (protocol, segment) = match &made.carries {
                Carries::Segment { ports, step, heard, flags, unfinished, payload } => {
                    let at = usize::from(ports.0.min(ports.1)) % 4;
                    let number = next[is_back][at].wrapping_add_signed(*step);
                    next[is_back][at] = number.wrapping_add(u32::try_from(payload.len()).unwrap());
                    let heard = if *heard { next[1 - is_back][at] } else { 1 };
                    let length = u16::try_from(20 + payload.len()).unwrap();
                    let sum =
                        0x0a00 + u16::from(made.hosts.0) + 0x0a00 + u16::from(made.hosts.1) + 6;
                    let sum = if *unfinished { sum + length } else { 0 };
                    let ends = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
                    let numbers = [number.to_be_bytes(), heard.to_be_bytes()].concat();
                    let rest = [&[0x50, *flags, 4, 0][..], &sum.to_be_bytes(), &[0, 0]].concat();
                    (6, [ends, numbers, rest, payload.clone()].concat())
                }
                Carries::Esp { spi, step, payload } => {
                    let number = &mut numbers[usize::from(*spi)];
                    *number += step;
                    let head = [[0, 0, 16, *spi], number.to_be_bytes()].concat();
                    (50, [head, payload.clone()].concat())
                }
                Carries::Datagram { ports, payload } => {
                    let length = u16::try_from(8 + payload.len()).unwrap().to_be_bytes();
                    let ends = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
                    (17, [ends, length.to_vec(), vec![0, 0], payload.clone()].concat())
                }
            };
            let length = u16::try_from(20 + segment.len()).unwrap().to_be_bytes();
            let mut frame = vec![2, 0, 0, 0, 0, 9, 2, 0, 0, 0, made.station, made.hosts.0];
            if made.tag {
                frame.extend([0x81, 0, 0, 7]);
            }
            frame.extend([
                8, 0, 0x45, 0, length[0], length[1], 0, 0, 0, 0, made.hops, protocol, 0, 0,
            ]);
            let to = if made.hosts.1 == 230 { [230, 0, 0, 1] } else { [10, 0, 0, made.hosts.1] };
            frame.extend([10, 0, 0, made.hosts.0]);
            frame.extend(to);
            frame.extend(segment);
            let length = frame.len();
            frame.truncate(made.captured);
            frames.push((time, frame, length));
        }
        frames
    }

    fn raw(at: usize, (time, data, length): &(i64, Vec<u8>, usize)) -> RawFrame<'_> {
        RawFrame {
            number: FrameNumber(at as u64 + 1),
            time: Timestamp(*time),
            linktype: Linktype::ETHERNET,
            original_len: u32::try_from(*length).unwrap(),
            interface: 0,
            description: 0,
            offset: at as u64 * 100,
            seen_at: SeenAt::Wire,
            data,
        }
    }

    proptest! {
        /// Whatever comes before and behind a packet.
        #[test]
        fn the_fast_path_comes_to_what_the_general_way_comes_to(
            all in proptest::collection::vec(made(), 1..250),
            most_pairs in prop_oneof![4 => Just(100_000usize), 1 => 1usize..3],
            has_prints in any::<bool>(),
        ) {
            let named = NamedPorts::default();
            let begin = || {
                let observer = CaptureObserver::new(EvidenceId(1), &named).with_most_pairs(most_pairs);
                if has_prints { observer.with_fingerprints() } else { observer }
            };
            let (mut fast, mut general) = (begin(), begin());
            for (at, frame) in frames(&all).iter().enumerate() {
                let frame = raw(at, frame);
                fast.observe(&frame);
                general.observe_dissected(&Dissected::of_any(&frame, &named));
            }
            prop_assert_eq!(format!("{:?}", fast.finish_open()), format!("{:?}", general.finish_open()));
        }
    }

    /// A connection that is known, and its next segment.
    #[test]
    fn what_shows_nothing_new_is_taken_and_what_may_show_something_is_not() {
        let named = NamedPorts::default();
        let segment = |payload: &[u8], flags: u8, server: u16| Made {
            repeats: false,
            apart: 1000,
            hosts: (1, 2),
            station: 0,
            hops: 64,
            tag: false,
            carries: Carries::Segment {
                ports: (49_152, server),
                step: 0,
                heard: true,
                flags,
                unfinished: false,
                payload: payload.to_vec(),
            },
            captured: 2000,
        };
        let opaque = [9, 0, 1, 0xfe, 0xa5, 3];
        for (server, last, is_taken) in [
            (445, segment(&opaque, 0x18, 445), true),
            (445, segment(&[], 0x10, 445), true),
            (445, segment(&[7], 0x18, 445), false),
            (445, segment(b"SSH-2.0-x", 0x18, 445), false),
            (445, segment(&[22, 3, 3, 0, 9, 1, 0, 0, 5], 0x18, 445), false),
            (21, segment(b"PASS secret\r\n", 0x18, 21), false),
            (88, segment(&opaque, 0x18, 88), false),
            (445, segment(b"IKETCP", 0x18, 445), false),
        ] {
            let mut observer = CaptureObserver::new(EvidenceId(1), &named);
            let all = frames(&[segment(&opaque, 0x18, server), last]);
            observer.observe(&raw(0, &all[0]));
            let last = raw(1, &all[1]);
            let dissected = Dissected::of(&last, &named);
            let Content::Segment(ip) = &dissected.content else { panic!("not plain") };
            let outcome = observer.observe_segment(&dissected, ip);
            assert_eq!(matches!(outcome, Outcome::Done), is_taken, "{server} {:?}", last.data);
        }
    }
}
