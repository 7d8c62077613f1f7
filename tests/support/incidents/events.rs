//! What a host writes of a negotiation, an SA, a service, its driver, its clock.

use super::host::{Audit, Era, Of, Value, Written, text};
use super::wire::{Nanos, Under};
use std::net::IpAddr;

/// An SA as one host sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub(crate) era: Era,
    pub(crate) local: IpAddr,
    pub(crate) peer: IpAddr,
    pub(crate) is_initiator: bool,
    pub(crate) version: u8,
    /// `%%8193` pre-shared key, `%%8194` certificate, `%%8195` Kerberos.
    pub(crate) method: &'static str,
    pub(crate) main_mode: u64,
    pub(crate) quick_mode: u64,
    /// As this build of Windows writes them.
    pub(crate) spis: (u32, u32),
    /// The protected protocol and the server's port, where the filter names one.
    pub(crate) filter: Option<(u8, u16, bool)>,
    /// Networks behind the two, each with its mask: the SA is a tunnel's.
    pub(crate) networks: Option<[(IpAddr, IpAddr); 2]>,
    /// What it truly is.
    pub(crate) of: Of,
}

pub(crate) fn written(id: u32, audit: Audit, fields: Vec<(&'static str, Value)>) -> Written {
    Written {
        at: 0,
        is_system: false,
        source: "Security",
        id,
        audit,
        fields,
        binary: None,
        is_decisive: false,
        about: Under::Nothing,
        of: Of::default(),
    }
}

impl View {
    fn written(&self, id: u32, audit: Audit, fields: Vec<(&'static str, Value)>) -> Written {
        Written { of: self.of, ..written(id, audit, fields) }
    }

    fn module(&self) -> Value {
        text(if self.version == 2 { "%%8244" } else { "%%8222" })
    }

    fn role(&self) -> Value {
        text(if self.is_initiator { "%%8205" } else { "%%8206" })
    }

    /// 4650 or 4651, or 541.
    pub(crate) fn main_mode_up(&self) -> Written {
        if self.era == Era::Legacy {
            let parameters = "3DES\r\nSHA1\r\nLifetime 28800\r\n";
            return self.written(
                541,
                Audit::Success,
                vec![
                    ("1", text("Key Exchange Mode (Main Mode)")),
                    ("2", text("Peer")),
                    ("3", self.legacy_filter()),
                    ("4", text(parameters)),
                ],
            );
        }
        let id = if self.method == "%%8194" { 4651 } else { 4650 };
        self.written(
            id,
            Audit::Success,
            vec![
                ("LocalMMPrincipalName", text("-")),
                ("RemoteMMPrincipalName", text("-")),
                ("LocalAddress", text(self.local)),
                ("LocalKeyModPort", Value::Number(500)),
                ("RemoteAddress", text(self.peer)),
                ("RemoteKeyModPort", Value::Number(500)),
                ("KeyModName", self.module()),
                ("MMAuthMethod", text(self.method)),
                ("Role", self.role()),
                ("MMSAID", Value::Number(self.main_mode)),
            ],
        )
    }

    /// 4655 or 543.
    pub(crate) fn main_mode_down(&self) -> Written {
        if self.era == Era::Legacy {
            return self.written(543, Audit::Success, vec![("1", self.legacy_filter())]);
        }
        self.written(
            4655,
            Audit::Success,
            vec![
                ("LocalAddress", text(self.local)),
                ("RemoteAddress", text(self.peer)),
                ("KeyModName", self.module()),
                ("MMSAID", Value::Number(self.main_mode)),
            ],
        )
    }

    /// 5451 or 541.
    pub(crate) fn quick_mode_up(&self) -> Written {
        let algorithms = ["Triple DES CBC", "HMAC-SHA1", "None"];
        if self.era == Era::Legacy {
            return self.legacy_quick_mode(&algorithms);
        }
        let mut fields = self.selector();
        fields.extend([
            ("KeyingModuleName", self.module()),
            ("AhAuthType", text("-")),
            ("EspAuthType", text("SHA1")),
            ("CipherType", text("AES-CBC-128")),
            ("Mode", text("%%8210")),
            ("Role", self.role()),
            ("MainModeSaId", Value::Number(self.main_mode)),
            ("QuickModeSaId", Value::Number(self.quick_mode)),
            ("InboundSpi", Value::Number(self.spis.0.into())),
            ("OutboundSpi", Value::Number(self.spis.1.into())),
        ]);
        self.written(5451, Audit::Success, fields)
    }

    /// 5452 or 542.
    pub(crate) fn quick_mode_down(&self) -> Written {
        if self.era == Era::Legacy {
            return self.written(
                542,
                Audit::Success,
                vec![
                    ("1", self.legacy_filter()),
                    ("2", text(self.spis.0)),
                    ("3", text(self.spis.1)),
                ],
            );
        }
        let mut fields = self.selector();
        fields.push(("QuickModeSaId", Value::Number(self.quick_mode)));
        self.written(5452, Audit::Success, fields)
    }

    /// 541 of a quick mode SA without algorithms: Windows 2000 to Server 2003 fall back.
    pub(crate) fn soft_sa(&self) -> Written {
        self.legacy_quick_mode(&["None", "None", "None"])
    }

    fn legacy_quick_mode(&self, [cipher, digest, header]: &[&str; 3]) -> Written {
        let (inbound, outbound) = self.spis;
        let parameters = format!(
            "ESP Algorithm {cipher}\r\nHMAC Algorithm {digest}\r\nAH Algorithm {header}\r\nEncapsulation Transport Mode\r\nInboundSpi {inbound} (0x{inbound:08x})\r\nOutBoundSpi {outbound} (0x{outbound:08x})\r\nLifetime (sec) 3600\r\nLifetime (kb) 100000\r\n"
        );
        self.written(
            541,
            Audit::Success,
            vec![
                ("1", text("Data Protection Mode (Quick Mode)")),
                ("2", text("")),
                ("3", self.legacy_filter()),
                ("4", text(parameters)),
            ],
        )
    }

    /// 4652 or 4653 with the cookies of the wire, or 547.
    pub(crate) fn main_mode_failed(
        &self,
        cookies: (u64, u64),
        reason: &str,
        is_local: bool,
    ) -> Written {
        if self.era == Era::Legacy {
            return self.legacy_failure("Key Exchange Mode (Main Mode)", reason, is_local);
        }
        let id = if self.method == "%%8194" { 4652 } else { 4653 };
        let point = if is_local { "%%8199" } else { "%%8200" };
        let mut failed = self.written(
            id,
            Audit::Failure,
            vec![
                ("LocalAddress", text(self.local)),
                ("LocalKeyModPort", Value::Number(500)),
                ("RemoteAddress", text(self.peer)),
                ("RemoteKeyModPort", Value::Number(500)),
                ("KeyModName", self.module()),
                ("FailurePoint", text(point)),
                ("FailureReason", text(format!("{reason}\r\n"))),
                ("MMAuthMethod", text(self.method)),
                ("State", text("%%8202")),
                ("Role", self.role()),
                ("InitiatorCookie", text(format!("{:016x}", cookies.0))),
                ("ResponderCookie", text(format!("{:016x}", cookies.1))),
            ],
        );
        failed.about = Under::Cookie(cookies.0);
        failed
    }

    /// 4654 with the message's number, or 547.
    pub(crate) fn quick_mode_failed(&self, message: u32, reason: &str, is_local: bool) -> Written {
        if self.era == Era::Legacy {
            return self.legacy_failure("Data Protection Mode (Quick Mode)", reason, is_local);
        }
        let point = if is_local { "%%8199" } else { "%%8200" };
        let mut fields = self.selector();
        fields.extend([
            ("KeyModName", self.module()),
            ("FailurePoint", text(point)),
            ("FailureReason", text(format!("{reason}\r\n"))),
            ("Mode", text("%%8210")),
            ("Role", self.role()),
            ("MessageID", Value::Number(message.into())),
            ("MMSAID", Value::Number(self.main_mode)),
        ]);
        self.written(4654, Audit::Failure, fields)
    }

    fn legacy_failure(&self, mode: &str, reason: &str, is_local: bool) -> Written {
        self.written(
            547,
            Audit::Failure,
            vec![
                ("1", text(mode)),
                ("2", self.legacy_filter()),
                ("3", text(format!("Peer IP Address: {}", self.peer))),
                ("4", text(if is_local { "Me" } else { "Peer" })),
                ("5", text(format!("{reason}\r\n"))),
                ("6", text("Processed first (SA) payload")),
            ],
        )
    }

    fn selector(&self) -> Vec<(&'static str, Value)> {
        let host: IpAddr = if self.local.is_ipv4() { [255; 4].into() } else { [0xff; 16].into() };
        let hosts = [(self.local, host), (self.peer, host)];
        let [here, there] = self.networks.unwrap_or(hosts);
        let end = |address| self.networks.map_or_else(|| text("-"), |_| text(address));
        let (protocol, local, peer) = match self.filter {
            Some((protocol, port, true)) => (protocol, port, 0),
            Some((protocol, port, false)) => (protocol, 0, port),
            None => (0, 0, 0),
        };
        vec![
            ("LocalAddress", text(here.0)),
            ("LocalAddressMask", text(here.1)),
            ("LocalPort", Value::Number(local.into())),
            ("LocalTunnelEndpoint", end(self.local)),
            ("RemoteAddress", text(there.0)),
            ("RemoteAddressMask", text(there.1)),
            ("RemotePort", Value::Number(peer.into())),
            ("RemoteTunnelEndpoint", end(self.peer)),
            ("IpProtocol", Value::Number(protocol.into())),
        ]
    }

    fn legacy_filter(&self) -> Value {
        let (local, peer) = (self.local, self.peer);
        let (protocol, here, there) = match self.filter {
            Some((protocol, port, true)) => (protocol, port, 0),
            Some((protocol, port, false)) => (protocol, 0, port),
            None => (0, 0, 0),
        };
        text(format!(
            "Source IP Address {local}\r\nSource IP Address Mask 255.255.255.255\r\nDestination IP Address {peer}\r\nDestination IP Address Mask 255.255.255.255\r\nProtocol {protocol}\r\nSource Port {here}\r\nDestination Port {there}\r\nIKE Local Addr {local}\r\nIKE Peer Addr {peer}\r\nIKE Source Port 500\r\nIKE Destination Port 500\r\nPeer Private Addr\r\n"
        ))
    }
}

/// 7036, and on later systems the key name behind it.
pub(crate) fn service(era: Era, runs: bool, name: (&'static str, &'static str)) -> Written {
    let state = if runs { "running" } else { "stopped" };
    let digit = if runs { 4 } else { 1 };
    Written {
        is_system: true,
        source: "Service Control Manager",
        binary: (era == Era::Modern).then(|| format!("{}/{digit}", name.0)),
        ..written(
            0x4000_1b7c,
            Audit::Always,
            vec![("param1", text(name.1)), ("param2", text(state))],
        )
    }
}

/// 7034: a service ended unexpectedly.
pub(crate) fn crashed(name: (&'static str, &'static str)) -> Written {
    Written {
        is_system: true,
        source: "Service Control Manager",
        ..written(0xc000_1b7a, Audit::Always, vec![("param1", text(name.1)), ("param2", text("1"))])
    }
}

/// The driver's mode: 4292 to 4297.
pub(crate) fn driver(id: u32) -> Written {
    Written {
        is_system: true,
        source: "IPSec",
        ..written(0x4000_0000 | id, Audit::Always, vec![("1", text(""))])
    }
}

/// 4616 or 520.
pub(crate) fn clock_set(era: Era, before: Nanos, after: Nanos) -> Written {
    let fields = match era {
        Era::Modern => vec![
            ("SubjectUserName", text("LOCAL SERVICE")),
            ("PreviousTime", Value::Time(before)),
            ("NewTime", Value::Time(after)),
        ],
        Era::Legacy => vec![("1", text("4"))],
    };
    written(if era == Era::Modern { 4616 } else { 520 }, Audit::Always, fields)
}

/// A logon of somebody: every log is full of them.
pub(crate) fn logon(era: Era) -> Written {
    let id = if era == Era::Modern { 4624 } else { 540 };
    written(
        id,
        Audit::Always,
        vec![("TargetUserName", text("user")), ("LogonType", Value::Number(3))],
    )
}

/// Another service of no interest.
pub(crate) fn other_service(era: Era) -> Written {
    service(era, false, ("wuauserv", "Windows Update"))
}
