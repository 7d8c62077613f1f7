//! What counts as ESP or AH, and what only looks so.

use super::*;
use proptest::prelude::*;

/// The bytes of a cipher, as far as their spread matters (SplitMix64).
fn opaque(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31).to_be_bytes()[3]
    };
    (0..len).map(|_| next()).collect()
}

fn esp(number: u32, content: &[u8]) -> Vec<u8> {
    [&0xc0de_0001_u32.to_be_bytes()[..], &number.to_be_bytes(), content].concat()
}

fn observe(evidence: &mut SaEvidence, bytes: &[u8], millis: i64) {
    let time = Timestamp(millis * 1_000_000);
    evidence.observe_esp(SaPacket { bytes, length: Some(bytes.len()), time }, true);
}

fn numbered(numbers: impl IntoIterator<Item = (u32, u32)>) -> SaEvidence {
    let mut evidence = SaEvidence::default();
    for (millis, number) in numbers {
        observe(&mut evidence, &esp(number, &opaque(number.into(), 64)), millis.into());
    }
    evidence
}

#[test]
fn three_numbers_in_a_row_are_no_chance_and_two_may_be() {
    assert!(numbered([(0, 7), (10, 8), (20, 9)]).is_numbered());
    assert!(!numbered([(0, 7), (10, 8)]).is_numbered());
    assert!(!numbered([(0, 7)]).is_numbered());
}

#[test]
fn disorder_losses_wrap_jump_and_one_restart_are_those_of_a_counter() {
    let swapped = (0..40).map(|n| (n, n ^ 1));
    assert!(numbered(swapped).is_numbered(), "swapped in pairs");
    assert!(numbered((0..40).map(|n| (n * 100, n * 100_000))).is_numbered(), "sampled");
    let wrap = (0..9).map(|n| (n, (u32::MAX - 3).wrapping_add(n)));
    assert!(numbered(wrap).is_numbered(), "wrapped");
    let again = (0..40).map(|n| (n, if n < 20 { 90_000 + n } else { n - 19 }));
    assert!(numbered(again).is_numbered(), "began again");
    let jump = (0..40).map(|n| (n, n + if n < 20 { 0 } else { 1 << 30 }));
    assert!(numbered(jump).is_numbered(), "a cluster's other node");
    let backwards = (0..40).rev().map(|n| (n, n));
    assert!(numbered(backwards).is_numbered(), "written backwards, with their times");
}

#[test]
fn numbers_that_fall_rest_or_run_away_are_not() {
    assert!(!numbered((0..40).map(|n| (n, 900 - n))).rises(), "falling");
    assert!(!numbered((0..40).map(|n| (n, 5))).rises(), "the same");
    assert!(!numbered((0..40).map(|n| (n, n * 0x0100_0000))).rises(), "too fast");
    assert!(!numbered((0..400).map(|n| (n, n % 10))).rises(), "going round");
}

#[test]
fn rising_numbers_in_letters_are_text() {
    let letters = (0..9).map(|n| (n, u32::from_be_bytes(*b"0000") + n));
    assert!(!numbered(letters).rises());
}

#[test]
fn one_length_that_esp_cannot_have_is_enough() {
    let mut evidence = numbered((0..40).map(|n| (n, n)));
    observe(&mut evidence, &esp(40, &opaque(1, 65)), 40);
    assert!(evidence.is_misshapen() && !evidence.is_numbered());
}

#[test]
fn openvpn_whose_packets_all_fit_is_recognized_by_its_first_bytes() {
    let mut evidence = SaEvidence::default();
    for n in 0..40_u32 {
        let packet = [&[0x48, 0, 0, 3][..], &n.to_be_bytes(), &opaque(n.into(), 64)].concat();
        observe(&mut evidence, &packet, n.into());
    }
    assert!(!evidence.is_numbered());
}

#[test]
fn text_behind_rising_numbers_has_a_pattern() {
    let mut evidence = SaEvidence::default();
    for n in 0..8 {
        observe(&mut evidence, &esp(n, b"a vector of 16 ..and then a line of text"), n.into());
    }
    assert_eq!(evidence.opacity(), Opacity::Patterned);
}

#[test]
fn what_was_cut_off_is_unseen() {
    let mut evidence = SaEvidence::default();
    for n in 0..40 {
        let cut = esp(n, &opaque(1, 10));
        let time = Timestamp(i64::from(n) * 1_000_000);
        evidence.observe_esp(SaPacket { bytes: &cut, length: Some(120), time }, false);
    }
    assert_eq!(evidence.opacity(), Opacity::Unseen);
    assert!(evidence.is_numbered());
}

#[test]
fn ah_is_recognized_by_its_form_and_numbers() {
    let packet = |number: u32, reserved: u8| {
        let head = [6, 4, reserved, 0, 0, 0, 16, 1];
        [&head[..], &number.to_be_bytes(), &[7; 40]].concat()
    };
    let mut evidence = SaEvidence::default();
    for n in 0..4 {
        let bytes = packet(n, 0);
        let time = Timestamp(i64::from(n));
        evidence.observe_ah(SaPacket { bytes: &bytes, length: Some(bytes.len()), time });
    }
    assert!(evidence.is_numbered());
    let bytes = packet(4, 1);
    let time = Timestamp(9);
    evidence.observe_ah(SaPacket { bytes: &bytes, length: Some(bytes.len()), time });
    assert!(!evidence.is_numbered());
}

proptest! {
    #[test]
    fn random_datagrams_are_not_numbered(packets in proptest::collection::vec(any::<[u8; 40]>(), 0..64)) {
        let mut evidence = SaEvidence::default();
        for (packet, millis) in packets.iter().zip(0..) {
            observe(&mut evidence, packet, millis);
        }
        prop_assert!(!evidence.is_numbered());
    }

    #[test]
    fn parts_joined_show_what_the_whole_shows(cut in 1_usize..39) {
        let numbers: Vec<(u32, u32)> = (0..40).map(|n| (n, 3 * n)).collect();
        let mut one = numbered(numbers[..cut].iter().copied());
        one.join(numbered(numbers[cut..].iter().copied()));
        let whole = numbered(numbers);
        prop_assert_eq!(one.is_numbered(), whole.is_numbered());
        prop_assert_eq!(one.opacity(), whole.opacity());
        prop_assert_eq!(one.packets(), whole.packets());
    }
}
