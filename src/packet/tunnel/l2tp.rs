//! L2TP: version 2 over UDP with PPP, version 3 over IP and UDP with what both ends agreed on.
//!
//! Control messages are the outer packet's business.

use crate::packet::Packet;
use crate::packet::carried::Carried;
use crate::packet::link::{enter, ethernet, u16_at};
use crate::packet::serial;

/// What UDP 1701 carries.
pub(super) fn over_udp(datagram: Carried<'_>) -> Option<Packet<'_>> {
    let flags = u16_at(datagram.bytes, 0)?;
    match flags & (CONTROL | VERSION) {
        2 => version_2(datagram, flags),
        // RFC 3931 §4.1.2.1: flags without meaning, two reserved bytes, the session.
        3 if datagram.bytes.starts_with(&[0, 3, 0, 0]) => version_3(datagram.behind(4)?),
        _ => None,
    }
}

/// IP protocol 115 (RFC 3931 §4.1.1): a session, of which zero is the control connection.
pub(super) fn over_ip(carried: Carried<'_>) -> Option<Packet<'_>> {
    version_3(carried)
}

/// RFC 2661 §3.1: flags, perhaps a length, tunnel and session, perhaps sequence numbers and an
/// offset; then PPP.
fn version_2(datagram: Carried<'_>, flags: u16) -> Option<Packet<'_>> {
    if flags & RESERVED != 0 {
        return None;
    }
    let (datagram, at) = if flags & LENGTH == 0 {
        (datagram, 2)
    } else {
        (datagram.within(usize::from(u16_at(datagram.bytes, 2)?))?, 4)
    };
    // Tunnel and session zero are not given to any.
    if u16_at(datagram.bytes, at)? == 0 || u16_at(datagram.bytes, at + 2)? == 0 {
        return None;
    }
    let mut header_len = at + 4;
    if flags & SEQUENCE != 0 {
        header_len += 4;
    }
    if flags & OFFSET != 0 {
        header_len += 2 + usize::from(u16_at(datagram.bytes, header_len)?);
    }
    let frame = datagram.behind(header_len)?;
    Some(enter(serial::ppp, frame.bytes, frame.context))
}

/// A session's data. Cookie and sublayer are agreed on beforehand (RFC 3931 §4.1 and §4.6), so that
/// the one reading is taken under which an IP packet of the right length comes out.
fn version_3(session: Carried<'_>) -> Option<Packet<'_>> {
    if session.bytes.first_chunk::<4>()? == &[0; 4] {
        return None;
    }
    let mut reported = None;
    // A cookie of 0, 4 or 8 bytes, a sublayer of 0 or 4.
    for header_len in [4, 8, 12, 16] {
        let Some(carried) = session.behind(header_len) else { break };
        let packet = if carried.is_ethernet() {
            enter(ethernet, carried.bytes, carried.context)
        } else if is_ppp(carried) {
            enter(serial::ppp, carried.bytes, carried.context)
        } else {
            continue;
        };
        if reported.replace(packet).is_some() {
            return None;
        }
    }
    reported
}

/// PPP with its address and control, and IPv4 or IPv6 of a fitting length.
fn is_ppp(carried: Carried<'_>) -> bool {
    matches!(
        carried.bytes,
        [0xff, 3, 0, 0x21, 0x40..=0x4f, ..] | [0xff, 3, 0, 0x57, 0x60..=0x6f, ..]
    ) && carried.behind(4).is_some_and(|packet| packet.is_ip())
}

const CONTROL: u16 = 0x8000;
const LENGTH: u16 = 0x4000;
const SEQUENCE: u16 = 0x0800;
const OFFSET: u16 = 0x0200;
const RESERVED: u16 = 0x34f0;
const VERSION: u16 = 0x000f;
