//! Ports and first octets → the application of clear text, and whether it protects itself.
//!
//! A label for the reader, never a reason to call traffic protected.

use super::{Stream, signature};
use crate::packet::IpPacket;
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
        let known = |port: &u16| port_row(*port).is_some();
        let port = named_port
            .or(lower.filter(known))
            .or(higher.filter(known))
            .or(lower.filter(|port| is_privileged(*port)));
        Service { protocol, port }
    }
}

/// Ports that a policy speaks of, so that their traffic is told apart from the rest.
#[derive(Clone, Debug, Default)]
pub struct NamedPorts(pub BTreeSet<(u8, u16)>);

impl NamedPorts {
    /// Those that have to be named when evidence is read: all others are kept apart anyway.
    #[must_use]
    pub fn beyond_known(&self) -> BTreeSet<(u8, u16)> {
        let unknown = self.0.iter().filter(|(_, port)| !is_known(*port));
        unknown.copied().collect()
    }
}

const fn is_privileged(port: u16) -> bool {
    port < FIRST_UNPRIVILEGED
}

fn is_known(port: u16) -> bool {
    is_privileged(port) || port_row(port).is_some()
}

/// The application of clear text, as far as ports and first octets tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "each variant is the protocol of that name; the table below tells its ports"
)]
pub enum App {
    Dns,
    Ftp,
    Http,
    Imap,
    Kerberos,
    Ldap,
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
    Tls,
    Vnc,
    Winrm,
    Other,
}

impl App {
    /// The application as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Ftp => "ftp",
            Self::Http => "http",
            Self::Imap => "imap",
            Self::Kerberos => "kerberos",
            Self::Ldap => "ldap",
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
            Self::Tls => "tls",
            Self::Vnc => "vnc",
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
        Some(told) if !is_later => told,
        Some(_) | None => (by_port, false),
    };
    Stream::Clear { ports, app, encrypted }
}

fn service_ports(ip: &IpPacket<'_>, named: &NamedPorts) -> (ServicePorts, App) {
    let protocol = ip.protocol;
    let Some(ports) = ip.ports else {
        return (ServicePorts { protocol, lower: None, higher: None }, App::Other);
    };
    let lower = ports.source.min(ports.destination);
    let higher = ports.source.max(ports.destination);
    let app = port_row(lower).or_else(|| port_row(higher)).unwrap_or(App::Other);
    let names = |port: &u16| is_known(*port) || named.0.contains(&(protocol, *port));
    let [lower, higher] = [lower, higher].map(|port| Some(port).filter(names));
    (ServicePorts { protocol, lower, higher }, app)
}

/// Asked of every clear packet: one look instead of a search.
fn port_row(port: u16) -> Option<App> {
    BY_PORT.get(usize::from(port)).copied().flatten()
}

#[expect(
    clippy::indexing_slicing,
    reason = "a port beyond the table is told when this is compiled"
)]
static BY_PORT: [Option<App>; 8889] = {
    let mut by_port = [None; 8889];
    let mut row = 0;
    while row < PORTS.len() {
        by_port[PORTS[row].0 as usize] = Some(PORTS[row].1);
        row += 1;
    }
    by_port
};

const FIRST_UNPRIVILEGED: u16 = 1024;

/// Registered ports (IANA Service Name and Transport Protocol Port Number Registry) and the
/// common alternates of HTTP, sorted.
const PORTS: [(u16, App); 52] = [
    (20, App::Ftp),
    (21, App::Ftp),
    (22, App::Ssh),
    (23, App::Telnet),
    (25, App::Smtp),
    (53, App::Dns),
    (80, App::Http),
    (88, App::Kerberos),
    (110, App::Pop3),
    (111, App::Rpc),
    (123, App::Ntp),
    (135, App::Rpc),
    (137, App::Netbios),
    (138, App::Netbios),
    (139, App::Smb),
    (143, App::Imap),
    (161, App::Snmp),
    (162, App::Snmp),
    (389, App::Ldap),
    (443, App::Tls),
    (445, App::Smb),
    (464, App::Kerberos),
    (465, App::Tls),
    (514, App::Syslog),
    (587, App::Smtp),
    (593, App::Rpc),
    (636, App::Tls),
    (853, App::Tls),
    (989, App::Tls),
    (990, App::Tls),
    (993, App::Tls),
    (995, App::Tls),
    (1433, App::Tds),
    (1434, App::Tds),
    (1521, App::Oracle),
    (1812, App::Radius),
    (1813, App::Radius),
    (2049, App::Nfs),
    (3268, App::Ldap),
    (3269, App::Tls),
    (3306, App::Mysql),
    (3389, App::Rdp),
    (5060, App::Sip),
    (5061, App::Tls),
    (5432, App::Postgresql),
    (5900, App::Vnc),
    (5985, App::Winrm),
    (5986, App::Tls),
    (8000, App::Http),
    (8080, App::Http),
    (8443, App::Tls),
    (8888, App::Http),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Ports, protocol};

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
