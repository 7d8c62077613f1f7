//! Ports and first octets → the application of clear text, and whether it protects itself.
//!
//! A label for the reader, never a reason to call traffic protected.

use super::{Stream, signature};
use crate::packet::IpPacket;
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

/// Ports that a policy speaks of, so that their traffic is told apart from the rest.
#[derive(Clone, Debug, Default)]
pub struct NamedPorts(pub BTreeSet<(u8, u16)>);

/// The application of clear text, as far as ports and first octets tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    let (service, by_port) = service(ip, named);
    let is_later = ip.fragment.is_some_and(|f| f.offset > 0);
    let (app, encrypted) = match signature::anywhere(ip) {
        Some(told) if !is_later => told,
        Some(_) | None => (by_port, false),
    };
    Stream::Clear { service, app, encrypted }
}

fn service(ip: &IpPacket<'_>, named: &NamedPorts) -> (Service, App) {
    let protocol = ip.protocol;
    let Some(ports) = ip.ports else { return (Service { protocol, port: None }, App::Other) };
    let lower = ports.source.min(ports.destination);
    let higher = ports.source.max(ports.destination);
    let named_port = [lower, higher].into_iter().find(|port| named.0.contains(&(protocol, *port)));
    let known = |port| port_row(port).map(|app| (port, app));
    let registered = known(lower).or_else(|| known(higher));
    let app = registered.map_or(App::Other, |(_, app)| app);
    let port = named_port
        .or(registered.map(|(port, _)| port))
        .or((lower < FIRST_UNPRIVILEGED).then_some(lower));
    (Service { protocol, port }, app)
}

fn port_row(port: u16) -> Option<App> {
    PORTS.binary_search_by_key(&port, |row| row.0).ok().and_then(|at| PORTS.get(at)).map(|r| r.1)
}

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
        IpPacket {
            source: "10.0.0.1".parse().unwrap(),
            destination: "10.0.0.2".parse().unwrap(),
            protocol,
            fragment: None,
            ports: Some(Ports { source: ports.0, destination: ports.1 }),
            tcp: None,
            identification: 0,
            segment: &[],
            payload,
            payload_len: payload.len(),
            packet_len: 0,
            segment_len: 0,
            link_broadcast: false,
        }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(PORTS.is_sorted_by_key(|row| row.0));
    }

    #[test]
    fn a_policy_port_names_the_service_in_either_direction() {
        let named = NamedPorts([(protocol::TCP, 9443)].into());
        for ports in [(9443, 1433), (1433, 9443)] {
            let (service, _) = service(&packet(protocol::TCP, ports, &[]), &named);
            assert_eq!(service.port, Some(9443));
        }
    }

    #[test]
    fn two_unregistered_ports_name_no_service() {
        let (service, app) =
            service(&packet(protocol::UDP, (50000, 40000), &[]), &NamedPorts::default());
        assert_eq!((service.port, app), (None, App::Other));
    }
}
