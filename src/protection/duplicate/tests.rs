//! Which packets repeat another, and which only look so.

use super::*;

fn at(milliseconds: i64) -> Timestamp {
    Timestamp(1_767_261_600_000_000_000 + milliseconds * 1_000_000)
}

fn seen(all: &mut Duplicates, identity: Identity, milliseconds: i64) -> Option<DuplicateKind> {
    all.observe(identity, b"the same", at(milliseconds), Place::default()).map(|again| again.kind)
}

#[test]
fn what_is_remembered_is_the_last_packets_whatever_their_identities() {
    // At places of their own, at few places, and as the secret falls.
    let made: [fn(u64) -> u64; 3] = [|k| k << 32, |k| (k % 64) << 32 | k, |k| SECRET.hash_one(k)];
    for identity in made {
        let mut known = Duplicates::default();
        let count = 2 * RING as u64 + 3;
        for k in 0..count {
            assert_eq!(seen(&mut known, Identity(identity(k)), 0), None, "{k}");
        }
        let same = Some(DuplicateKind::SameInterface);
        assert_eq!(seen(&mut known, Identity(identity(count - 1)), 0), same);
        assert_eq!(seen(&mut known, Identity(identity(count - 1)), 11), None);
        let oldest = count + 2 - RING as u64;
        assert_eq!(seen(&mut known, Identity(identity(oldest)), 0), same);
        assert_eq!(seen(&mut known, Identity(identity(oldest - 1)), 0), None);
    }
}

#[test]
fn another_interface_is_reported() {
    let mut known = Duplicates::default();
    let _ = known.observe(Identity(7), b"", at(0), Place::default());
    let other = known.observe(Identity(7), b"", at(5), Place::of(1, None)).map(|again| again.kind);
    assert_eq!(other, Some(DuplicateKind::OtherInterface));
}

#[test]
fn nearly_all_packets_must_have_a_copy() {
    assert!(is_rule(8, 10) && is_rule(30, 10));
    assert!(!is_rule(7, 7) && !is_rule(79, 100));
    assert!(is_rule(300, 100) && !is_rule(545, 55), "a sender that repeats itself");
}

fn of<'a>(source: &str, destination: &str, bytes: &'a [u8]) -> IpPacket<'a> {
    let [source, destination] = [source, destination].map(|text| text.parse().unwrap());
    IpPacket::carrying(source, destination, 6, bytes)
}

#[test]
fn whatever_changes_in_a_packet_changes_its_identity() {
    let bytes: Vec<u8> = (0..60).collect();
    for (a, b, c) in [("10.0.0.1", "10.0.0.2", "10.0.0.3"), ("fe80::1", "fe80::2", "fe80::3")] {
        let packet = of(a, b, &bytes);
        let mut all = vec![identity(&packet), identity(&of(b, a, &bytes))];
        all.extend([identity(&of(a, c, &bytes)), identity(&of(c, b, &bytes))]);
        all.push(identity(&IpPacket { protocol: 17, ..packet }));
        all.push(identity(&IpPacket { identification: 1, ..packet }));
        all.push(identity(&IpPacket { packet_len: 99, ..packet }));
        for at in 0..COMPARED {
            let mut changed = bytes.clone();
            changed[at] ^= 0x80;
            all.push(identity(&of(a, b, &changed)));
            // Zeros that are there, and bytes that are not.
            all.push(identity(&IpPacket { segment: &bytes[..at], ..packet }));
        }
        let distinct: std::collections::BTreeSet<u64> = all.iter().map(|it| it.0).collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(identity(&packet), identity(&IpPacket { segment: &bytes[..50], ..packet }));
    }
}

const HEAD: Identity = Identity(0x0123_4567_89ab_cdef);

fn shown(all: &mut Duplicates, bytes: &[u8], micros: i64) -> Option<DuplicateKind> {
    all.observe(HEAD, bytes, Timestamp(micros * 1000), Place::default()).map(|again| again.kind)
}

#[test]
fn a_copy_is_equal_to_its_last_byte() {
    let mut all = Duplicates::default();
    let mut packet = vec![7; 1400];
    assert_eq!(shown(&mut all, &packet, 0), None);
    packet[1399] = 8;
    assert_eq!(shown(&mut all, &packet, 10), None, "equal heads");
    assert_eq!(shown(&mut all, &packet, 20), Some(DuplicateKind::SameInterface));
    assert_eq!(shown(&mut all, &packet[..60], 30), Some(DuplicateKind::SameInterface), "cut");
    assert_eq!(shown(&mut all, &packet, 20_000), None, "later");
}

#[test]
fn what_was_noted_of_a_packet_holds_for_its_copy() {
    let mut all = Duplicates::default();
    assert_eq!(all.observe(HEAD, b"one", Timestamp(0), Place::default()), None);
    all.note(NonZeroU32::MIN);
    let again = all.observe(HEAD, b"one", Timestamp(1), Place::of(1, None));
    let (kind, note) = (DuplicateKind::OtherInterface, Some(NonZeroU32::MIN));
    assert_eq!(again, Some(Repetition { kind, note, is_forwarded: false }));
}

#[test]
fn the_ring_comes_round_and_forgets() {
    let mut recent = Recent::default();
    let first = recent.keep(b"the first packet");
    assert!(recent.are(first, b"the first packet"));
    let large = vec![1; 60_000];
    for _ in 0..OCTETS / large.len() + 1 {
        let kept = recent.keep(&large);
        assert!(recent.are(kept, &large));
    }
    assert!(!recent.are(first, b"the first packet"));
}
