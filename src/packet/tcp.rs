//! The position of a segment in a TCP stream.

use super::{IpPacket, protocol};

/// The position of a segment in a TCP stream (RFC 9293 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpSegment {
    /// The sequence number of its first byte.
    pub sequence: u32,
    /// The number that its sender expects next of the other side, where it says one.
    pub acknowledged: Option<u32>,
    /// It opens a connection.
    pub syn: bool,
    /// Its sender has no more to send.
    pub fin: bool,
    /// It breaks a connection off.
    pub reset: bool,
}

impl IpPacket<'_> {
    /// Its place in a TCP stream; `None` for other protocols, for later fragments, and where the capture
    /// cut its header.
    #[must_use]
    #[inline]
    pub fn tcp(&self) -> Option<TcpSegment> {
        if self.protocol != protocol::TCP || self.fragment.is_some_and(|f| f.offset > 0) {
            return None;
        }
        let header: &[u8; 14] = self.segment.first_chunk()?;
        let number = |at: usize| Some(u32::from_be_bytes(*self.segment.get(at..)?.first_chunk()?));
        let [.., flags] = *header;
        Some(TcpSegment {
            sequence: number(4)?,
            acknowledged: if flags & ACK == 0 { None } else { number(8) },
            syn: flags & SYN != 0,
            fin: flags & FIN != 0,
            reset: flags & RST != 0,
        })
    }

    /// The port from which a TCP connection is opened, as its first two segments say. FTP opens its data
    /// connections from the port of the service (RFC 959 §3.2).
    #[must_use]
    pub fn opened_from(&self) -> Option<u16> {
        let (segment, ports) = (self.tcp().filter(|segment| segment.syn)?, self.ports?);
        let client = if segment.acknowledged.is_none() { ports.source } else { ports.destination };
        Some(client).filter(|port| *port != FTP_DATA && ports.source != ports.destination)
    }
}

const FTP_DATA: u16 = 20;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
