//! Messages are sent in segments of every shape and taken out again.

use super::*;
use proptest::prelude::*;

fn framed(message: &Encapsulated) -> Vec<u8> {
    let body = match message {
        Encapsulated::Ike(bytes) => [&[0; 4], bytes.as_slice()].concat(),
        Encapsulated::Esp { body, .. } => body.clone(),
        Encapsulated::Keepalive => vec![0xff],
    };
    let length = u16::try_from(body.len() + 2).unwrap();
    [&length.to_be_bytes(), body.as_slice()].concat()
}

fn three() -> [Encapsulated; 3] {
    [Encapsulated::Ike(vec![9; 28]), Encapsulated::Keepalive, esp(7, 40)]
}

fn esp(spi: u32, bytes: usize) -> Encapsulated {
    let mut body = spi.to_be_bytes().to_vec();
    body.resize(bytes, 0xee);
    Encapsulated::Esp { spi, number: 0xeeee_eeee, body }
}

#[test]
fn messages_are_separated() {
    let bytes: Vec<u8> = three().iter().flat_map(framed).collect();
    let mut stream = EncapsulatedStream::new(u32::MAX);
    assert_eq!(stream.segment(u32::MAX, &bytes), three());
    assert_eq!(stream.segment(u32::MAX, &bytes), [], "it was sent again");
    assert_eq!((stream.finish(), stream.lost()), (vec![], 0));
}

#[test]
fn a_message_is_cut_anywhere_and_the_prefix_is_passed_over() {
    let sent = [EncapsulatedStream::PREFIX.to_vec(), framed(&three()[0])].concat();
    for cut in 6..sent.len() {
        let mut stream = EncapsulatedStream::new(6);
        assert_eq!(stream.segment(0, &sent[..cut]), []);
        let start = u32::try_from(cut).unwrap();
        assert_eq!(stream.segment(start, &sent[cut..]), three()[..1]);
    }
}

#[test]
fn behind_a_gap_that_stays_it_finds_its_step_again() {
    let message = framed(&three()[0]);
    let length = u32::try_from(message.len()).unwrap();
    let mut stream = EncapsulatedStream::new(0);
    assert_eq!(stream.segment(0, &message[..10]), [], "the rest of it is lost");
    for index in 1..=64 {
        assert_eq!(stream.segment(index * length, &message), []);
    }
    assert_eq!(stream.segment(65 * length, &message).len(), 65);
    assert_eq!(stream.lost(), u64::from(length));
    assert_eq!(stream.segment(67 * length, &message[3..]), []);
    assert_eq!(stream.segment(68 * length - 3, &message), []);
    assert_eq!(stream.finish(), three()[..1], "the end of the capture leaves the gap open");
    assert_eq!(stream.lost(), u64::from(3 * length - 3));
}

#[test]
fn what_cannot_be_understood_is_lost() {
    let mut stream = EncapsulatedStream::new(0);
    assert_eq!(stream.segment(0, &[0, 2, 0, 5, 1, 2, 3]), []);
    assert_eq!(stream.lost(), 7, "an empty message and one without room for an SPI");
    assert_eq!(stream.segment(7, &[0, 3, 0xff, 0, 1, 9, 9]), [Encapsulated::Keepalive]);
    assert_eq!(stream.lost(), 11, "a length of 1 ends the step");
    assert_eq!(stream.segment(14, &[0, 3, 0xff, 0]), []);
    assert_eq!(stream.segment(18, &[0, 3, 0xff]), [Encapsulated::Keepalive]);
    assert_eq!(stream.segment(1 << 31, &[1; 5]), [], "no window is so great");
    assert_eq!((stream.lost(), stream.held()), (20, 0));
}

fn message() -> impl Strategy<Value = Encapsulated> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..3000).prop_map(Encapsulated::Ike),
        (1_u32.., 8..3000_usize).prop_map(|(spi, bytes)| esp(spi, bytes)),
        Just(Encapsulated::Keepalive),
    ]
}

proptest! {
    #[test]
    fn any_segments_in_any_order_give_the_same_messages(
        messages in proptest::collection::vec(message(), 0..20),
        next in any::<u32>(),
        cuts in proptest::collection::vec((0..60_000_usize, any::<u32>(), any::<bool>()), 1..30),
    ) {
        let bytes: Vec<u8> = messages.iter().flat_map(framed).collect();
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.0.min(bytes.len())).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        let mut segments: Vec<_> = places.windows(2).map(|ends| ends[0]..ends[1]).collect();
        // Some come twice, and one of the copies reaches farther.
        segments.extend(cuts.iter().filter(|cut| cut.2).map(|cut| {
            cut.0.min(bytes.len())..(cut.0 + 2000).min(bytes.len())
        }));
        let orders = cuts.iter().map(|cut| cut.1).cycle();
        let mut segments: Vec<_> = orders.zip(segments).collect();
        segments.sort_by_key(|(order, _)| *order);
        let mut stream = EncapsulatedStream::new(next);
        let mut given = Vec::new();
        for (_, segment) in segments {
            let sequence = next.wrapping_add(u32::try_from(segment.start).unwrap());
            given.extend(stream.segment(sequence, &bytes[segment]));
        }
        prop_assert_eq!(given, messages);
        prop_assert_eq!((stream.lost(), stream.held()), (0, 0));
    }

    #[test]
    fn any_bytes_stay_within_the_bounds(
        bytes in proptest::collection::vec(0..4_u8, 9000),
        segments in proptest::collection::vec((0..400_000_u32, 0..9000_usize), 0..120),
    ) {
        let mut stream = EncapsulatedStream::new(1000);
        for (sequence, start) in segments {
            stream.segment(sequence, &bytes[start..]);
            prop_assert!(stream.ahead.len() <= MAX_AHEAD && stream.held <= MAX_HELD);
            prop_assert!(stream.partial.len() <= usize::from(u16::MAX));
            prop_assert_eq!(stream.held, stream.ahead.values().map(Vec::len).sum::<usize>());
        }
        stream.finish();
        prop_assert_eq!(stream.held(), 0);
    }
}
