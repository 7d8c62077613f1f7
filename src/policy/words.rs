//! Rules in words; which of them matches a packet, and why the others do not.
//!
//! Describes what [`Policy::of_traffic`] decides; decides nothing itself.

use super::protocols::{has_ports, protocol_name, protocol_numbered_or_named};
use super::{Action, Expectation, ExpectationSource, Level, Policy, Rule, Side, SideOf};
use crate::hosts::HostPair;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A packet in a user's question: `10.0.0.1:1025>10.0.0.5:445/tcp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedPacket {
    /// As it was typed.
    pub typed: String,
    /// Who sends it.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// The IP protocol.
    pub protocol: u8,
    /// Source and destination port; `None` where none were given.
    pub ports: Option<(u16, u16)>,
}

impl FromStr for AskedPacket {
    type Err = PacketError;

    fn from_str(typed: &str) -> Result<Self, PacketError> {
        let (ends, protocol) = typed.rsplit_once('/').ok_or(PacketError::Form)?;
        let (source, destination) = ends.split_once('>').ok_or(PacketError::Form)?;
        let (source, source_port) = end(source).ok_or(PacketError::Form)?;
        let (destination, destination_port) = end(destination).ok_or(PacketError::Form)?;
        let protocol = protocol_numbered_or_named(protocol.trim())
            .ok_or_else(|| PacketError::Protocol(protocol.trim().to_owned()))?;
        let ports = match (source_port, destination_port) {
            (None, None) => None,
            (Some(source), Some(destination)) if has_ports(protocol) => Some((source, destination)),
            (Some(_), Some(_)) => return Err(PacketError::NoPorts(protocol)),
            (Some(_), None) | (None, Some(_)) => return Err(PacketError::Form),
        };
        if ports.is_none() && has_ports(protocol) {
            return Err(PacketError::NeedsPorts(protocol));
        }
        Ok(Self { typed: typed.to_owned(), source, destination, protocol, ports })
    }
}

/// What is wrong with a packet as it was typed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// It has another form.
    #[error("{FORM}")]
    Form,
    /// This is no protocol.
    #[error("`{0}` is not a protocol: {FORM}")]
    Protocol(String),
    /// Ports were given for this protocol, which has none.
    #[error("{} has no ports", protocol_name(*.0))]
    NoPorts(u8),
    /// No ports were given for this protocol.
    #[error("{} needs a port on both sides", protocol_name(*.0))]
    NeedsPorts(u8),
}

const FORM: &str = "expected SRC:PORT>DST:PORT/PROTOCOL, as in 10.0.0.1:1025>10.0.0.5:445/tcp, \
                    [fd00::1]:1025>[fd00::5]:445/tcp or 10.0.0.1>10.0.0.5/47";

/// An address with or without a port.
fn end(text: &str) -> Option<(IpAddr, Option<u16>)> {
    let text = text.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some((address, None));
    }
    let (address, port) = text.rsplit_once(':')?;
    let address = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
    Some((address.parse().ok()?, Some(port.parse().ok()?)))
}

/// Why a rule decides a packet, or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is the first rule that matches the packet.
    Takes,
    /// It matches the packet, but an earlier rule has taken it.
    ComesTooLate,
    /// Its sides are other hosts.
    OtherHosts,
    /// It names this other protocol.
    OtherProtocol(u8),
    /// It names this other port.
    OtherPort(u16),
    /// It is for connections that the other host opens.
    OtherOpener,
}

/// How a policy decides one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// What the packet requires.
    pub expectation: Expectation,
    /// The rule or exemption that decides.
    pub source: ExpectationSource,
    /// How each rule fits, in their order.
    pub fits: Vec<Fit>,
}

impl Policy {
    /// The rule that decides a kind of a pair's traffic, and why the others do not.
    #[must_use]
    pub fn trace(
        &self,
        (pair, opener): (HostPair, Option<IpAddr>),
        protocol: u8,
        port: Option<u16>,
    ) -> Trace {
        let (expectation, source) = self.of_traffic((pair, opener), protocol, port);
        let fits = self.rules.iter().map(|rule| {
            if !rule.covers(pair) {
                return Fit::OtherHosts;
            }
            match (rule.protocol, rule.port) {
                (Some(wanted), _) if wanted != protocol => Fit::OtherProtocol(wanted),
                (_, Some(wanted)) if Some(wanted) != port => Fit::OtherPort(wanted),
                (_, _) if !rule.takes_opened_by(pair, opener) => Fit::OtherOpener,
                (_, _) if rule.source == source => Fit::Takes,
                (_, _) => Fit::ComesTooLate,
            }
        });
        Trace { expectation, fits: fits.collect(), source }
    }
}

impl Fit {
    /// In words; `port` is the packet's.
    #[must_use]
    pub fn words(&self, port: Option<u16>) -> String {
        match self {
            Self::Takes => "takes it".to_owned(),
            Self::ComesTooLate => "also matches, but an earlier rule applies".to_owned(),
            Self::OtherHosts => "names other hosts".to_owned(),
            Self::OtherOpener => "applies to connections that the other host opens".to_owned(),
            Self::OtherProtocol(wanted) => format!("applies to {}", protocol_name(*wanted)),
            Self::OtherPort(wanted) => match port {
                Some(port) => format!("applies to port {wanted}, this is port {port}"),
                None => format!("applies to port {wanted}, this is not a known service"),
            },
        }
    }
}

/// The meaning of a rule, in words.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.protocol, self.port) {
            (None, _) => f.write_str("all traffic")?,
            (Some(protocol), None) => write!(f, "{}", protocol_name(protocol))?,
            (Some(protocol), Some(port)) => {
                write!(f, "{} with port {port} served on either side", protocol_name(protocol))?;
            }
        }
        let [one, other] = &self.between;
        write!(f, " between {one} and {other} ")?;
        match self.opened_by {
            None => {}
            Some(SideOf::First) => write!(f, "in connections that {one} opens ")?,
            Some(SideOf::Second) => write!(f, "in connections that {other} opens ")?,
        }
        f.write_str(match self.action {
            Action::Protect(Level::Encrypt) => "must be encrypted by ESP",
            Action::Protect(Level::Authenticate) => {
                "must be protected; AH and ESP without encryption are enough"
            }
            Action::Exempt => "may be unprotected",
        })
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nets = match self {
            Self::Any => return f.write_str("any host"),
            Self::Nets(nets) if nets.is_empty() => {
                return f.write_str("nobody (a name of [hosts] without addresses)");
            }
            Self::Nets(nets) => nets,
        };
        for (at, net) in nets.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { ", " })?;
            if net.prefix_len() == net.max_prefix_len() {
                write!(f, "{}", net.addr())?;
            } else {
                write!(f, "{net}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn packets_are_asked_about_in_one_form() {
        let packet: AskedPacket = "10.0.0.1:1025>10.0.0.5:445/tcp".parse().unwrap();
        assert_eq!((packet.protocol, packet.ports), (6, Some((1025, 445))));
        let packet: AskedPacket = "[fd00::1]:1025 > [fd00::5]:53/17".parse().unwrap();
        assert_eq!((packet.protocol, packet.destination), (17, "fd00::5".parse().unwrap()));
        assert!("10.0.0.1>10.0.0.5/47".parse::<AskedPacket>().is_ok());
        for bad in [
            "",
            "10.0.0.1>10.0.0.5",
            "10.0.0.1>10.0.0.5/tcp",
            "10.0.0.1:5>10.0.0.5/tcp",
            "10.0.0.1:5>10.0.0.5:6/icmp",
            "10.0.0.1:99999>10.0.0.5:6/tcp",
            "10.0.0.1:1>10.0.0.5:6/xyz",
        ] {
            assert!(bad.parse::<AskedPacket>().is_err(), "{bad}");
        }
    }

    #[test]
    fn each_rule_says_why() {
        let policy = parse(
            "[[protect]]\nbetween = [\"10.9.0.0/16\", \"any\"]\n\
             [[exempt]]\nbetween = [\"any\", \"10.0.0.5\"]\nprotocol = \"udp\"\n\
             [[exempt]]\nbetween = [\"any\", \"10.0.0.5\"]\nprotocol = \"tcp\"\nport = 80\n\
             [[protect]]\nbetween = [\"any\", \"any\"]\n\
             [[protect]]\nbetween = [\"any\", \"10.0.0.5\"]\n",
        )
        .unwrap();
        let pair = HostPair::new("10.0.0.1".parse().unwrap(), "10.0.0.5".parse().unwrap());
        let trace = policy.trace((pair, None), 6, Some(445));
        assert_eq!(
            trace.fits,
            [
                Fit::OtherHosts,
                Fit::OtherProtocol(17),
                Fit::OtherPort(80),
                Fit::Takes,
                Fit::ComesTooLate
            ]
        );
        assert_eq!(trace.source, ExpectationSource::PolicyFile { line: 10 });
        assert_eq!(
            policy.rules[2].to_string(),
            "TCP with port 80 served on either side between any host and 10.0.0.5 may be unprotected"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_packet_makes_it_panic(text: String) {
            let _ = text.parse::<AskedPacket>();
        }
    }
}
