//! Datagrams are cut, mixed and put together again.

use super::*;
use crate::hosts::HostPair;
use crate::packet::protocol;
use proptest::prelude::*;

/// A fragment: identification, its range of the datagram in bytes, whether more follow.
#[derive(Clone, Copy, Debug)]
struct Cut {
    identification: u32,
    start: usize,
    end: usize,
    more: bool,
}

const fn cut(start: usize, end: usize, more: bool) -> Cut {
    Cut { identification: 7, start, end, more }
}

const PORTS: Ports = Ports { source: 500, destination: 500 };
const V4: [&str; 2] = ["10.0.0.1", "10.0.0.2"];
const V6: [&str; 2] = ["2001:db8::1", "2001:db8::2"];
/// A datagram of 40 bytes behind the UDP header, in three.
const CUTS: [Cut; 3] = [cut(0, 16, true), cut(16, 40, true), cut(40, 48, false)];

fn datagram(length: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(length).collect()
}

/// What `decode` makes of a fragment of `datagram`, of which the capture holds `captured` bytes.
fn packet<'a>(
    hosts: [&str; 2],
    datagram: &'a [u8],
    cut: Cut,
    captured: usize,
) -> (IpPacket<'a>, Fragment) {
    let header = if cut.start == 0 { 8 } else { 0 };
    let bytes = &datagram[cut.start + header..cut.end];
    let fragment = Fragment {
        identification: cut.identification,
        offset: u16::try_from(cut.start / 8).unwrap(),
        more: cut.more,
    };
    let (pair, direction) = HostPair::between(hosts[0].parse().unwrap(), hosts[1].parse().unwrap());
    let packet = IpPacket {
        pair,
        direction,
        protocol: protocol::UDP,
        fragment: Some(fragment),
        ports: (cut.start == 0).then_some(PORTS),
        identification: 0,
        segment: &[],
        payload: &bytes[..captured.min(bytes.len())],
        payload_len: bytes.len(),
        packet_len: 20 + cut.end - cut.start,
        segment_len: cut.end - cut.start,
        link_broadcast: false,
        nested: 0,
        hops: 64,
        mislabelled: false,
    };
    (packet, fragment)
}

fn observe(
    reassembly: &mut Reassembly<usize>,
    datagram: &[u8],
    cut: Cut,
    seconds: i64,
) -> Option<Whole<usize>> {
    let (packet, fragment) = packet(V4, datagram, cut, usize::MAX);
    let time = Timestamp(0).shifted(Span::from_seconds(seconds));
    reassembly.observe(&packet, fragment, (cut.start == 0).then_some(true), time, cut.start)
}

#[test]
fn any_order_gives_the_datagram_once() {
    let datagram = datagram(48);
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (hosts, order) in [V4, V6].into_iter().flat_map(|hosts| orders.map(|o| (hosts, o))) {
        let mut reassembly = Reassembly::default();
        let mut wholes = order.into_iter().map(|index| {
            let (packet, fragment) = packet(hosts, &datagram, CUTS[index], usize::MAX);
            let wanted = (index == 0).then_some(true);
            reassembly.observe(&packet, fragment, wanted, Timestamp(0), index)
        });
        assert_eq!((wholes.next().unwrap(), wholes.next().unwrap()), (None, None));
        let bytes = datagram[8..].to_vec();
        let whole = Whole { ports: PORTS, bytes, seen: order[2], first: 0 };
        assert_eq!(wholes.next().unwrap(), Some(whole));
        drop(wholes);
        assert_eq!(reassembly.held(), 0);
        assert!(reassembly.finish().is_empty());
    }
}

#[test]
fn a_fragment_seen_twice_changes_nothing() {
    let (mut reassembly, datagram) = (Reassembly::default(), datagram(48));
    for cut in [CUTS[0], CUTS[0], CUTS[1], CUTS[1]] {
        assert_eq!(observe(&mut reassembly, &datagram, cut, 0), None);
    }
    assert!(observe(&mut reassembly, &datagram, CUTS[2], 0).is_some());
    assert_eq!(observe(&mut reassembly, &datagram, CUTS[2], 0), None, "it is not wanted alone");
    assert!(reassembly.finish().is_empty());
}

#[test]
fn overlapping_fragments_end_the_datagram() {
    let (mut reassembly, datagram, forged) = (Reassembly::default(), datagram(48), [0; 48]);
    assert_eq!(observe(&mut reassembly, &datagram, CUTS[0], 0), None);
    assert_eq!(observe(&mut reassembly, &datagram, CUTS[1], 0), None);
    assert_eq!(observe(&mut reassembly, &forged, CUTS[1], 0), None);
    let parts = reassembly.take_given_up();
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].bytes, datagram[8..40], "what was there before the overlap");
    assert_eq!(observe(&mut reassembly, &datagram, CUTS[2], 0), None);
    assert_eq!(reassembly.held(), 0, "the rest of it is passed over");
    for cut in CUTS {
        let whole = observe(&mut reassembly, &datagram, cut, 1);
        assert_eq!(whole.is_some(), cut.start == 40, "the identification is used again");
    }
}

#[test]
fn two_first_fragments_that_differ_both_come_back() {
    let (mut reassembly, datagram, forged) = (Reassembly::default(), datagram(48), [0; 48]);
    observe(&mut reassembly, &datagram, CUTS[0], 0);
    observe(&mut reassembly, &forged, CUTS[0], 0);
    let bytes: Vec<_> = reassembly.take_given_up().into_iter().map(|part| part.bytes).collect();
    assert_eq!(bytes, [datagram[8..16].to_vec(), forged[8..16].to_vec()]);
}

#[test]
fn what_comes_after_60_seconds_is_of_another_datagram() {
    for (seconds, is_whole) in [(60, true), (-60, true), (61, false), (-61, false)] {
        let (mut reassembly, datagram) = (Reassembly::default(), datagram(48));
        observe(&mut reassembly, &datagram, CUTS[0], 0);
        observe(&mut reassembly, &datagram, CUTS[1], 0);
        let whole = observe(&mut reassembly, &datagram, CUTS[2], seconds);
        assert_eq!((whole.is_some(), reassembly.has_given_up()), (is_whole, !is_whole));
        assert_eq!(reassembly.take_given_up().len(), usize::from(!is_whole));
    }
}

#[test]
fn a_cut_fragment_never_makes_a_whole() {
    let (mut reassembly, datagram) = (Reassembly::default(), datagram(48));
    for (cut, captured) in CUTS.into_iter().zip([8, 5, 8]) {
        let (packet, fragment) = packet(V4, &datagram, cut, captured);
        assert_eq!(reassembly.observe(&packet, fragment, None, Timestamp(0), cut.start), None);
    }
    let parts = reassembly.finish();
    let hosts = V4.map(|host| host.parse().unwrap());
    let bytes = datagram[8..21].to_vec();
    let part = Part { source: hosts[0], destination: hosts[1], ports: PORTS, bytes, seen: 0 };
    assert_eq!(parts, [part]);
}

#[test]
fn nothing_is_held_of_an_unwanted_datagram() {
    let (mut reassembly, datagram) = (Reassembly::default(), datagram(48));
    observe(&mut reassembly, &datagram, CUTS[1], 0);
    assert!(reassembly.held() > 0, "it may be wanted");
    let (packet, fragment) = packet(V4, &datagram, CUTS[0], usize::MAX);
    assert_eq!(reassembly.observe(&packet, fragment, Some(false), Timestamp(0), 0), None);
    observe(&mut reassembly, &datagram, CUTS[2], 0);
    assert_eq!(reassembly.held(), 0);
    assert!(reassembly.finish().is_empty());
}

#[test]
fn the_oldest_are_given_up_where_there_are_too_many() {
    let (mut reassembly, datagram) = (Reassembly::default(), datagram(48));
    for identification in 0..5_000 {
        observe(&mut reassembly, &datagram, Cut { identification, ..CUTS[0] }, 0);
        assert!(reassembly.under_way.len() <= MAX_DATAGRAMS && reassembly.held <= MAX_HELD);
    }
    assert_eq!(reassembly.take_given_up().len(), 5_000 - MAX_DATAGRAMS);
    assert_eq!(reassembly.finish().len(), MAX_DATAGRAMS, "none is lost");
}

#[test]
fn the_oldest_are_given_up_where_they_are_too_great() {
    let (mut reassembly, datagram) = (Reassembly::default(), datagram(65_008));
    for identification in 0..200 {
        let cut = Cut { identification, ..cut(0, 65_000, true) };
        observe(&mut reassembly, &datagram, cut, 0);
        assert!(reassembly.held() <= MAX_HELD);
    }
    assert_eq!(reassembly.take_given_up().len(), 72);
    assert_eq!(reassembly.finish().len(), 128);
}

#[test]
fn the_memory_of_unwanted_datagrams_is_bounded() {
    let datagram = datagram(48);
    let (mut unwanted, key) = (Unwanted::default(), |identification| {
        let (packet, fragment) = packet(V4, &datagram, Cut { identification, ..CUTS[0] }, 0);
        Key::of(&packet, fragment)
    });
    (0..20_000).for_each(|identification| unwanted.insert(key(identification), Timestamp(0)));
    assert_eq!((unwanted.since.len(), unwanted.order.len()), (MAX_UNWANTED, MAX_UNWANTED));
}

/// Datagrams of up to 64 KiB and their fragments in any order.
fn cuts() -> impl Strategy<Value = (Vec<u8>, Vec<Cut>)> {
    (9_usize..=65_535).prop_flat_map(|length| {
        let places = proptest::collection::btree_set(1..=(length - 1) / 8, 1..40);
        places.prop_flat_map(move |places| {
            let starts = std::iter::once(0).chain(places.iter().map(|place| place * 8));
            let ends = places.iter().map(|place| place * 8).chain([length]);
            let cuts: Vec<_> = starts.zip(ends).map(|(a, b)| cut(a, b, b < length)).collect();
            (Just(datagram(length)), Just(cuts).prop_shuffle())
        })
    })
}

proptest! {
    #[test]
    fn any_cut_in_any_order_comes_back_the_same((datagram, cuts) in cuts()) {
        let mut reassembly = Reassembly::default();
        let mut wholes = Vec::new();
        for cut in cuts {
            prop_assert!(wholes.is_empty());
            wholes.extend(observe(&mut reassembly, &datagram, cut, 0));
        }
        prop_assert_eq!(wholes.len(), 1);
        prop_assert_eq!(&wholes[0].bytes, &datagram[8..]);
        prop_assert_eq!(reassembly.held(), 0);
    }

    #[test]
    fn any_fragments_stay_within_the_bounds(
        fragments in proptest::collection::vec(
            (0..5_u32, 0..=0x1fff_u16, 0..66_000_usize, any::<(bool, Option<bool>, bool)>()),
            0..400,
        )
    ) {
        let (bytes, mut reassembly) = (vec![0; 66_000], Reassembly::default());
        for (identification, offset, length, (more, wanted, is_first)) in fragments {
            let offset = if is_first { 0 } else { offset };
            let fragment = Fragment { identification, offset, more };
            let (packet, _) = packet(V6, &bytes, cut(0, 8, true), 0);
            let payload = &bytes[..length];
            let packet = IpPacket { payload, payload_len: length, segment_len: length, ..packet };
            if let Some(whole) = reassembly.observe(&packet, fragment, wanted, Timestamp(0), ()) {
                prop_assert!(whole.bytes.len() <= 65_535);
            }
            prop_assert!(reassembly.held() <= MAX_HELD);
            let held: usize = reassembly.under_way.values().map(|datagram| datagram.held).sum();
            prop_assert_eq!(reassembly.held(), held);
            prop_assert_eq!(reassembly.arrivals.len(), reassembly.under_way.len());
        }
    }
}
