//! Any bytes as segments of a stream that carries IKE: in order, again, ahead, or never.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::ike::{Encapsulated, EncapsulatedStream};

fuzz_target!(|data: &[u8]| {
    let Some((&[start, step, size], bytes)) = data.split_first_chunk() else { return };
    let next = u32::from_be_bytes([start, 0xff, 0xff, 0xf0]);
    check_in_order(next, usize::from(size) + 1, bytes);
    let mut stream = EncapsulatedStream::new(next);
    let (mut given, mut sent) = (0, 0);
    let mut rest = bytes;
    while let Some((&[high, low, length], behind)) = rest.split_first_chunk() {
        // Places in steps, so that segments meet at their ends.
        let place = i32::from(i16::from_be_bytes([high, low])) * i32::from(step);
        let (payload, behind) = behind.split_at(usize::from(length).min(behind.len()));
        rest = behind;
        sent += payload.len() as u64;
        given += count(&stream.segment(next.wrapping_add_signed(place), payload));
        assert!(stream.held() <= MOST_HELD, "{} bytes are held", stream.held());
    }
    given += count(&stream.finish());
    assert_eq!(stream.held(), 0);
    assert!(given <= sent, "no byte is given twice");
});

/// However the bytes are cut, they say the same, and each of them is given or lost.
fn check_in_order(next: u32, size: usize, bytes: &[u8]) {
    let mut whole = EncapsulatedStream::new(next);
    let mut messages = whole.segment(next, bytes);
    // Behind a length that cannot be, it depends on the segments where the step is found again.
    let is_broken = whole.lost() > 0;
    messages.extend(whole.finish());
    assert_eq!(count(&messages) + whole.lost(), bytes.len() as u64);
    let (mut cut, mut given, mut place) = (EncapsulatedStream::new(next), Vec::new(), next);
    for payload in bytes.chunks(size) {
        given.extend(cut.segment(place, payload));
        place = place.wrapping_add(u32::try_from(payload.len()).expect("a chunk is short"));
    }
    given.extend(cut.finish());
    assert_eq!(count(&given) + cut.lost(), bytes.len() as u64);
    assert!(is_broken || given == messages);
}

/// The bytes of messages with what is before them.
fn count(messages: &[Encapsulated]) -> u64 {
    let bytes = messages.iter().map(|message| match message {
        Encapsulated::Ike(bytes) => bytes.len() + 6,
        Encapsulated::Esp { body, .. } => body.len() + 2,
        Encapsulated::Keepalive => 3,
    });
    bytes.sum::<usize>() as u64
}

/// A message under way and the segments ahead.
const MOST_HELD: usize = (64 + 256) * 1024;
