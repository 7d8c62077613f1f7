//! An event trace as a log: what it shows of IPsec beside packets, as events of the host.

use crate::capture::{DroppedPacket, TraceEvent, TraceFact};
use crate::eventlog::trace::{EventPosition, TraceLog};
use crate::packet::{IpPacket, Packet, decode};

/// Gives the log one event of its trace.
pub(super) fn add_event(log: &mut TraceLog<'_>, event: &TraceEvent<'_>) {
    let TraceEvent { record, offset, time, fact } = event;
    let place = EventPosition { record: *record, offset: *offset, time: *time };
    match fact {
        TraceFact::Platform { id, version, data } => log.platform(place, *id, *version, data),
        TraceFact::Dropped(packet) => log.dropped(place, fields(packet)),
    }
}

/// What is known of a packet that was dropped, with its bytes.
fn fields(packet: &DroppedPacket<'_>) -> Vec<(String, String)> {
    let mut named = Vec::new();
    let mut add = |name: &str, value: String| named.push((name.to_owned(), value));
    if let Packet::Ip(ip) = decode(&packet.frame) {
        let IpPacket { protocol, ports, .. } = ip;
        let source = (ip.source(), ports.map(|ports| ports.source));
        let destination = (ip.destination(), ports.map(|ports| ports.destination));
        let ends = if packet.is_sent { [source, destination] } else { [destination, source] };
        for (name, (address, port)) in ["Local", "Remote"].into_iter().zip(ends) {
            add(&format!("{name}Address"), address.to_string());
            if let Some(port) = port {
                add(&format!("{name}Port"), port.to_string());
            }
        }
        add("Protocol", protocol.to_string());
        let spi = (protocol == ESP).then(|| ip.segment.first_chunk()).flatten();
        if let Some(spi) = spi {
            let name = if packet.is_sent { "OutboundSpi" } else { "InboundSpi" };
            add(name, format!("0x{:08x}", u32::from_be_bytes(*spi)));
        }
    }
    add("Direction", if packet.is_sent { "outbound" } else { "inbound" }.to_owned());
    if let Some(error) = packet.error {
        add("FailureReason", error.to_string());
    }
    add("DropReason", format!("{} ({})", packet.reason, packet.reason_name));
    add("DropLocation", format!("0x{:08x}", packet.location));
    add("Component", packet.component.clone());
    add("PacketLength", packet.frame.original_len.to_string());
    let bytes = packet.frame.data.iter().take(MOST_OCTETS);
    add("Packet", bytes.map(|byte| format!("{byte:02x}")).collect());
    named
}

const ESP: u8 = 50;
/// Of a packet's bytes; as many as pktmon keeps unless set otherwise.
const MOST_OCTETS: usize = 128;
