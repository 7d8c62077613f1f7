//! Ports and first bytes → the application of clear text, and whether it protects itself.
//!
//! A label for the reader, never a reason to call traffic protected.

use super::{Stream, signature};
use crate::packet::{IpPacket, protocol};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Protocol and port that name a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service {
    /// The IP protocol (IANA).
    pub protocol: u8,
    /// The port of the side that serves; `None` where neither port is registered, named by a
    /// policy or below 1024, or where the packet shows none.
    pub port: Option<u16>,
}

/// The ports of clear traffic that can name its service: those that are registered, below 1024, or
/// were asked to be kept apart. Which of them does is the policy's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServicePorts {
    /// The IP protocol (IANA).
    pub protocol: u8,
    /// The lower port; `None` where it names nothing, or where the packet shows none.
    pub lower: Option<u16>,
    /// The higher port, likewise.
    pub higher: Option<u16>,
}

impl ServicePorts {
    /// The service, where a policy names these ports.
    #[must_use]
    pub fn service(self, named: &NamedPorts) -> Service {
        let Self { protocol, lower, higher } = self;
        let named_port =
            [lower, higher].into_iter().flatten().find(|port| named.0.contains(&(protocol, *port)));
        let known = |port: &u16| by_port(protocol, *port).is_some();
        let port = named_port
            .or(lower.filter(known))
            .or(higher.filter(known))
            .or(lower.filter(|port| is_privileged(*port)));
        Service { protocol, port }
    }
}

impl ServicePorts {
    /// Whether a port may name the service.
    #[must_use]
    pub fn names(self, port: u16) -> bool {
        self.lower == Some(port) || self.higher == Some(port)
    }

    /// The application that the ports name.
    #[must_use]
    pub fn application(self) -> App {
        let named = [self.lower, self.higher].into_iter().flatten();
        named.filter_map(|port| by_port(self.protocol, port)).next().unwrap_or(App::Other)
    }

    /// The ports without one that is proven to name no service.
    #[must_use]
    pub fn without(self, port: u16) -> Self {
        let other = |named: &u16| *named != port;
        Self { lower: self.lower.filter(other), higher: self.higher.filter(other), ..self }
    }
}

/// Ports that a policy speaks of, so that their traffic is distinguished from the rest.
#[derive(Clone, Debug, Default)]
pub struct NamedPorts(pub BTreeSet<(u8, u16)>);

impl NamedPorts {
    /// Those that have to be named when evidence is read: all others are kept apart anyway.
    #[must_use]
    pub fn beyond_known(&self) -> BTreeSet<(u8, u16)> {
        let unknown = self.0.iter().filter(|(protocol, port)| !is_known(*protocol, *port));
        unknown.copied().collect()
    }
}

const fn is_privileged(port: u16) -> bool {
    port < FIRST_UNPRIVILEGED
}

fn is_known(protocol: u8, port: u16) -> bool {
    is_privileged(port) || by_port(protocol, port).is_some()
}

/// The application of clear text, as far as ports and first bytes show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "each variant is the protocol of that name; the table below has its ports"
)]
pub enum App {
    Capwap,
    Dns,
    Ftp,
    Geneve,
    Gre,
    Gtp,
    Gue,
    Http,
    Imap,
    IpInIp,
    Kerberos,
    L2tp,
    Ldap,
    Lisp,
    Mpls,
    Mysql,
    Netbios,
    Nfs,
    Ntp,
    Oracle,
    Pop3,
    Postgresql,
    Quic,
    Radius,
    Rdp,
    Rpc,
    Sip,
    Smb,
    Smtp,
    Snmp,
    Ssh,
    Syslog,
    Tds,
    Telnet,
    Teredo,
    Tls,
    Tzsp,
    Vnc,
    Vxlan,
    Winrm,
    Other,
}

impl App {
    /// The application as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capwap => "capwap",
            Self::Dns => "dns",
            Self::Ftp => "ftp",
            Self::Geneve => "geneve",
            Self::Gre => "gre",
            Self::Gtp => "gtp",
            Self::Gue => "gue",
            Self::Http => "http",
            Self::Imap => "imap",
            Self::IpInIp => "ip_in_ip",
            Self::Kerberos => "kerberos",
            Self::L2tp => "l2tp",
            Self::Ldap => "ldap",
            Self::Lisp => "lisp",
            Self::Mpls => "mpls",
            Self::Mysql => "mysql",
            Self::Netbios => "netbios",
            Self::Nfs => "nfs",
            Self::Ntp => "ntp",
            Self::Oracle => "oracle",
            Self::Pop3 => "pop3",
            Self::Postgresql => "postgresql",
            Self::Quic => "quic",
            Self::Radius => "radius",
            Self::Rdp => "rdp",
            Self::Rpc => "rpc",
            Self::Sip => "sip",
            Self::Smb => "smb",
            Self::Smtp => "smtp",
            Self::Snmp => "snmp",
            Self::Ssh => "ssh",
            Self::Syslog => "syslog",
            Self::Tds => "tds",
            Self::Telnet => "telnet",
            Self::Teredo => "teredo",
            Self::Tls => "tls",
            Self::Tzsp => "tzsp",
            Self::Vnc => "vnc",
            Self::Vxlan => "vxlan",
            Self::Winrm => "winrm",
            Self::Other => "other",
        }
    }
}

/// The stream of a clear packet.
pub(super) fn clear(ip: &IpPacket<'_>, named: &NamedPorts) -> Stream {
    let (ports, by_port) = service_ports(ip, named);
    let is_later = ip.fragment.is_some_and(|f| f.offset > 0);
    let (app, encrypted) = match signature::anywhere(ip) {
        Some(reported) if !is_later => reported,
        Some(_) | None => (by_port, false),
    };
    Stream::Clear { ports, app, encrypted }
}

fn service_ports(ip: &IpPacket<'_>, named: &NamedPorts) -> (ServicePorts, App) {
    let protocol = ip.protocol;
    let Some(ports) = ip.ports else {
        return (ServicePorts { protocol, lower: None, higher: None }, without_ports(protocol));
    };
    let lower = ports.source.min(ports.destination);
    let higher = ports.source.max(ports.destination);
    let app = by_port(protocol, lower).or_else(|| by_port(protocol, higher)).unwrap_or(App::Other);
    let names = |port: &u16| is_known(protocol, *port) || named.0.contains(&(protocol, *port));
    let [lower, higher] = [lower, higher].map(|port| Some(port).filter(names));
    (ServicePorts { protocol, lower, higher }, app)
}

/// Tunnels that are IP protocols of their own (IANA protocol numbers).
const fn without_ports(protocol: u8) -> App {
    match protocol {
        protocol::GRE => App::Gre,
        protocol::IPV4 | protocol::IPV6 => App::IpInIp,
        protocol::L2TP => App::L2tp,
        _ => App::Other,
    }
}

/// Asked of every clear packet: one look instead of a search.
fn by_port(protocol: u8, port: u16) -> Option<App> {
    let table = match protocol {
        protocol::TCP => TCP.as_slice(),
        protocol::UDP => UDP.as_slice(),
        _ => return None,
    };
    table.get(usize::from(port)).copied().flatten()
}

static TCP: [Option<App>; 8889] = table(Over::Tcp);
static UDP: [Option<App>; 37_009] = table(Over::Udp);

#[expect(clippy::indexing_slicing, reason = "a port beyond the table fails to compile")]
const fn table<const PORTS_OF: usize>(over: Over) -> [Option<App>; PORTS_OF] {
    let mut table = [None; PORTS_OF];
    let mut row = 0;
    while row < PORTS.len() {
        let (port, carrier, app) = PORTS[row];
        if matches!(
            (over, carrier),
            (_, Over::Both) | (Over::Tcp, Over::Tcp) | (Over::Udp, Over::Udp)
        ) {
            table[port as usize] = Some(app);
        }
        row += 1;
    }
    table
}

/// Which protocol's port names the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Tcp,
    Udp,
    Both,
}

const FIRST_UNPRIVILEGED: u16 = 1024;

/// Registered ports (IANA Service Name and Transport Protocol Port Number Registry), the common
/// alternates of HTTP over TCP, and two of tunnels that are used without a registration (VXLAN on 8472,
/// TZSP on 37008); sorted.
const PORTS: [(u16, Over, App); 65] = [
    (20, Over::Tcp, App::Ftp),
    (21, Over::Tcp, App::Ftp),
    (22, Over::Tcp, App::Ssh),
    (23, Over::Tcp, App::Telnet),
    (25, Over::Tcp, App::Smtp),
    (53, Over::Both, App::Dns),
    (80, Over::Tcp, App::Http),
    (88, Over::Both, App::Kerberos),
    (110, Over::Tcp, App::Pop3),
    (111, Over::Both, App::Rpc),
    (123, Over::Udp, App::Ntp),
    (135, Over::Both, App::Rpc),
    (137, Over::Both, App::Netbios),
    (138, Over::Udp, App::Netbios),
    (139, Over::Tcp, App::Smb),
    (143, Over::Tcp, App::Imap),
    (161, Over::Both, App::Snmp),
    (162, Over::Both, App::Snmp),
    (389, Over::Both, App::Ldap),
    (443, Over::Tcp, App::Tls),
    (443, Over::Udp, App::Quic),
    (445, Over::Tcp, App::Smb),
    (464, Over::Both, App::Kerberos),
    (465, Over::Tcp, App::Tls),
    (514, Over::Both, App::Syslog),
    (587, Over::Tcp, App::Smtp),
    (593, Over::Tcp, App::Rpc),
    (636, Over::Tcp, App::Tls),
    (853, Over::Both, App::Tls),
    (989, Over::Tcp, App::Tls),
    (990, Over::Tcp, App::Tls),
    (993, Over::Tcp, App::Tls),
    (995, Over::Tcp, App::Tls),
    (1433, Over::Tcp, App::Tds),
    (1434, Over::Both, App::Tds),
    (1521, Over::Tcp, App::Oracle),
    (1701, Over::Udp, App::L2tp),
    (1812, Over::Both, App::Radius),
    (1813, Over::Both, App::Radius),
    (2049, Over::Both, App::Nfs),
    (2152, Over::Udp, App::Gtp),
    (3268, Over::Tcp, App::Ldap),
    (3269, Over::Tcp, App::Tls),
    (3306, Over::Tcp, App::Mysql),
    (3389, Over::Both, App::Rdp),
    (3544, Over::Udp, App::Teredo),
    (4341, Over::Udp, App::Lisp),
    (4789, Over::Udp, App::Vxlan),
    (4790, Over::Udp, App::Vxlan),
    (5060, Over::Both, App::Sip),
    (5061, Over::Tcp, App::Tls),
    (5247, Over::Udp, App::Capwap),
    (5432, Over::Tcp, App::Postgresql),
    (5900, Over::Tcp, App::Vnc),
    (5985, Over::Tcp, App::Winrm),
    (5986, Over::Tcp, App::Tls),
    (6080, Over::Udp, App::Gue),
    (6081, Over::Udp, App::Geneve),
    (6635, Over::Udp, App::Mpls),
    (8000, Over::Tcp, App::Http),
    (8080, Over::Tcp, App::Http),
    (8443, Over::Tcp, App::Tls),
    (8472, Over::Udp, App::Vxlan),
    (8888, Over::Tcp, App::Http),
    (37008, Over::Udp, App::Tzsp),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Ports;

    fn packet(protocol: u8, ports: (u16, u16), payload: &[u8]) -> IpPacket<'_> {
        let [one, two] = ["10.0.0.1", "10.0.0.2"].map(|address| address.parse().unwrap());
        let ports = Some(Ports { source: ports.0, destination: ports.1 });
        IpPacket { ports, ..IpPacket::carrying(one, two, protocol, payload) }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(PORTS.is_sorted_by_key(|row| row.0));
    }

    #[test]
    fn a_port_names_an_application_of_its_own_protocol_only() {
        let app = |protocol, port| {
            let packet = packet(protocol, (50_000, port), &[]);
            service_ports(&packet, &NamedPorts::default()).1
        };
        assert_eq!(app(protocol::TCP, 8888), App::Http);
        for (protocol, port) in [
            (protocol::UDP, 8888),
            (protocol::UDP, 8080),
            (protocol::UDP, 1433),
            (protocol::TCP, 4789),
            (protocol::TCP, 123),
            (protocol::SCTP, 80),
            (protocol::UDP_LITE, 53),
        ] {
            assert_eq!(app(protocol, port), App::Other, "{protocol} {port}");
        }
        assert_eq!(app(protocol::UDP, 1701), App::L2tp);
        assert_eq!(app(protocol::UDP, 37_008), App::Tzsp);
        assert_eq!([app(protocol::TCP, 53), app(protocol::UDP, 53)], [App::Dns; 2]);
    }

    #[test]
    fn a_policy_port_names_the_service_in_either_direction() {
        let named = NamedPorts([(protocol::TCP, 9443)].into());
        for ports in [(9443, 1433), (1433, 9443)] {
            let (ports, _) = service_ports(&packet(protocol::TCP, ports, &[]), &named);
            assert_eq!(ports.service(&named).port, Some(9443));
            assert_eq!(ports.service(&NamedPorts::default()).port, Some(1433));
        }
    }

    #[test]
    fn two_unregistered_ports_name_no_service() {
        let none = NamedPorts::default();
        let (ports, app) = service_ports(&packet(protocol::UDP, (50000, 40000), &[]), &none);
        assert_eq!((ports.service(&none).port, app), (None, App::Other));
    }

    #[test]
    fn what_a_policy_names_later_was_kept_apart_unless_its_port_is_unknown() {
        let named =
            NamedPorts([(protocol::TCP, 445), (protocol::TCP, 1022), (protocol::TCP, 9443)].into());
        assert_eq!(named.beyond_known(), [(protocol::TCP, 9443)].into());
        for ports in [(80, 445), (1022, 2049), (600, 1022), (445, 50000), (700, 40000)] {
            let packet = packet(protocol::TCP, ports, &[]);
            let before = service_ports(&packet, &NamedPorts::default()).0;
            assert_eq!(before, service_ports(&packet, &named).0);
            let expected = named.0.iter().map(|n| n.1).find(|n| *n == ports.0 || *n == ports.1);
            let service = before.service(&named).port;
            assert_eq!(service, expected.or(Some(ports.0)), "{ports:?}");
        }
    }
}
