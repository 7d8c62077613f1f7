//! Two hosts' ESP, IKE and clear text as a capture, and what is said of it.

use super::ike_builder::{Message, clear, init, key_exchange, nonce, on_500, report_of, sa_v2};
use etherparse::PacketBuilder;
use plainsight::report::schema::{Cause, Report, Window};

/// ESP from one host to the other, numbered.
pub(crate) fn esp(from: u8, to: u8, spi: u32, number: u32) -> Vec<u8> {
    let mut frame = Vec::new();
    let opaque: Vec<u8> =
        (0..64u32).map(|at| (at * 37 + number * 101 + spi).to_le_bytes()[0]).collect();
    let body = [&spi.to_be_bytes()[..], &number.to_be_bytes(), &opaque].concat();
    PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, from], [10, 0, 0, to], 64)
        .write(&mut frame, etherparse::IpNumber(50), &body)
        .unwrap();
    frame
}

/// Frames with their times in milliseconds.
pub(crate) type Frames = Vec<(u32, Vec<u8>)>;

/// ESP both ways every 100 ms.
pub(crate) fn flow(from: u32, to: u32, spis: (u32, u32)) -> Frames {
    let steps = (from..to).step_by(100).zip(1..);
    steps
        .flat_map(|(ms, number)| {
            [(ms, esp(1, 2, spis.0, number)), (ms + 20, esp(2, 1, spis.1, number))]
        })
        .collect()
}

/// Clear text both ways every 100 ms.
pub(crate) fn talk(from: u32, to: u32) -> Frames {
    let steps = (from..to).step_by(100);
    steps.flat_map(|ms| [(ms, clear(1, 2)), (ms + 10, clear(2, 1))]).collect()
}

/// Encryption and integrity as IKEv2 numbers them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Suite {
    /// AES-CBC-256 with HMAC-SHA2-256-128: an empty message has 48 bytes, and so has a Delete.
    Cbc,
    /// AES-GCM with a check value of 16 bytes: an empty message has 25, a Delete of one SPI 37.
    Gcm,
}

/// IKE_SA_INIT and IKE_AUTH that succeed, in the first 100 ms.
pub(crate) fn established(suite: Suite) -> Frames {
    let chosen = match suite {
        Suite::Cbc => sa_v2(&[(1, 12, 256), (3, 12, 0), (2, 5, 0), (4, 14, 0)]),
        Suite::Gcm => sa_v2(&[(1, 20, 256), (2, 5, 0), (4, 14, 0)]),
    };
    let init = Message::v2(34, 0, &[chosen, key_exchange(14), nonce()]);
    vec![
        (0, on_500(true, &init)),
        (20, on_500(false, &init.clone().answer())),
        (50, on_500(true, &Message::v2_encrypted(35, 1, 240))),
        (80, on_500(false, &Message::v2_encrypted(35, 1, 208).answer())),
    ]
}

/// An INFORMATIONAL exchange of two messages of one size.
pub(crate) fn informational(ms: u32, id: u32, bytes: usize) -> Frames {
    let message = Message::v2_encrypted(37, id, bytes);
    vec![(ms, on_500(true, &message)), (ms + 5, on_500(false, &message.answer()))]
}

/// What is said of a capture of all these frames.
pub(crate) fn report(parts: &[Frames]) -> Report {
    let mut frames = parts.concat();
    frames.sort_by_key(|(ms, _)| *ms);
    report_of(&frames)
}

/// The window of a report with one.
pub(crate) fn only_window(report: &Report) -> &Window {
    let [window] = report.windows.as_slice() else { panic!("{} windows", report.windows.len()) };
    window
}

/// The reasons of causes.
pub(crate) fn reasons(causes: &[Cause]) -> Vec<&str> {
    causes.iter().map(|cause| cause.reason.as_str()).collect()
}

/// The reasons of what kept a window open.
pub(crate) fn kept(window: &Window) -> Vec<&str> {
    window.kept_open_by.iter().map(|kept| kept.reason.as_str()).collect()
}

/// The answer of a host on which nothing listens, or of a filter, to a message from the first host.
pub(crate) fn icmp_error(code: u8, about: &[u8]) -> Vec<u8> {
    let mut error = Vec::new();
    PacketBuilder::ethernet2([4; 6], [2; 6])
        .ipv4([10, 0, 0, 2], [10, 0, 0, 1], 64)
        .icmpv4_raw(3, code, [0; 4])
        .write(&mut error, &about[14..14 + 28 + 28])
        .unwrap();
    error
}

/// A negotiation that is refused in clear.
pub(crate) fn refused(ms: u32, spi: u64) -> Frames {
    let asked = init().spis(spi, 0);
    let no = Message::v2(34, 0, &[(41, vec![0, 0, 0, 14])]).spis(spi, 0).answer();
    vec![(ms, on_500(true, &asked)), (ms + 20, on_500(false, &no))]
}
