//! ICMP errors that quote an IKE datagram: the peer's IKE port or the peer itself was not reached.
//!
//! The quoted datagram is evidence of unreachability, never an IKE message.

use super::{IKE_PORT, NATT_PORT};
use crate::ike::Spi;
use crate::packet::protocol;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What an ICMP error says of an IKE datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unreachable {
    /// Who had sent the quoted datagram.
    pub from: IpAddr,
    /// Whom it did not reach.
    pub to: IpAddr,
    /// Why.
    pub why: UnreachableWhy,
    /// The initiator's SPI of the quoted message; `None` where the error does not quote so far.
    pub initiator_spi: Option<Spi>,
}

/// The kinds of unreachability that matter (RFC 792, RFC 1812 §5.2.7.1, RFC 4443 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum UnreachableWhy {
    /// The host answers, but nobody listens on the port.
    Port,
    /// A filter on the way forbids it.
    Prohibited,
    /// The host or network is not there.
    Host,
}

impl UnreachableWhy {
    /// The kind as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Port => "port_unreachable",
            Self::Prohibited => "prohibited",
            Self::Host => "host_unreachable",
        }
    }
}

/// Reads an ICMP or ICMPv6 message; `None` where it is not an error about IKE.
#[must_use]
pub fn quoted_ike(message: &[u8], v6: bool) -> Option<Unreachable> {
    let why = match (v6, *message.first()?, *message.get(1)?) {
        (false, 3, 3) | (true, 1, 4) => UnreachableWhy::Port,
        (false, 3, 9 | 10 | 13) | (true, 1, 1 | 5 | 6) => UnreachableWhy::Prohibited,
        (false, 3, 4) => return None,
        (false, 3, _) | (true, 1, _) => UnreachableWhy::Host,
        _ => return None,
    };
    let quoted = message.get(8..)?;
    let (from, to, next, udp) = if v6 {
        let from: [u8; 16] = *quoted.get(8..)?.first_chunk()?;
        let to: [u8; 16] = *quoted.get(24..)?.first_chunk()?;
        (IpAddr::from(from), IpAddr::from(to), *quoted.get(6)?, quoted.get(40..)?)
    } else {
        let header_len = usize::from(quoted.first()? & 0x0f) * 4;
        let from: [u8; 4] = *quoted.get(12..)?.first_chunk()?;
        let to: [u8; 4] = *quoted.get(16..)?.first_chunk()?;
        (IpAddr::from(from), IpAddr::from(to), *quoted.get(9)?, quoted.get(header_len..)?)
    };
    let port: [u8; 2] = *udp.get(2..)?.first_chunk()?;
    let port = u16::from_be_bytes(port);
    let is_ike = matches!(port, IKE_PORT | NATT_PORT);
    let initiator_spi = quoted_spi(udp.get(8..).unwrap_or_default(), port);
    (next == protocol::UDP && is_ike).then_some(Unreachable { from, to, why, initiator_spi })
}

/// RFC 792 quotes eight bytes behind the IP header, RFC 1812 §4.3.2.3 and RFC 4443 §2.4 as many as
/// fit. On UDP 4500 the message is behind the non-ESP marker (RFC 3948 §2.2).
fn quoted_spi(datagram: &[u8], port: u16) -> Option<Spi> {
    let message = if port == NATT_PORT { datagram.strip_prefix(&[0; 4])? } else { datagram };
    let spi = Spi(*message.first_chunk()?);
    (!spi.is_zero()).then_some(spi)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_unreachable_that_quotes_udp_500_is_reported() {
        let mut message = vec![3, 3, 0, 0, 0, 0, 0, 0];
        etherparse::PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .udp(500, 500)
            .write(&mut message, &[7; 28])
            .unwrap();
        let reported = quoted_ike(&message, false).unwrap();
        assert_eq!(reported.to, IpAddr::from([10, 0, 0, 2]));
        assert_eq!(reported.why, UnreachableWhy::Port);
        assert_eq!(reported.initiator_spi, Some(Spi([7; 8])));
        assert_eq!(quoted_ike(&[8, 0, 0, 0], false), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(message: Vec<u8>, v6: bool) {
            let _ = quoted_ike(&message, v6);
        }
    }
}
