//! A component of the network stack, or an adapter, as a trace describes it.
//!
//! Sources: manifests of both providers; microsoft/etl2pcapng; the components of real pktmon traces.

use super::text::text;
use crate::capture::fields::{u16_at, u32_at};

/// A component of the stack or an adapter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Component {
    /// What it is.
    pub(super) kind: Kind,
    /// Name of its driver, or of the interface.
    pub(super) name: String,
    /// The adapter in words.
    pub(super) description: String,
    /// Its medium (NDIS_MEDIUM of ndis.h).
    pub(super) medium: Option<u32>,
    /// The number of its own interface.
    pub(super) interface: Option<u32>,
    /// The number of the interface of the adapter below it.
    pub(super) adapter: Option<u32>,
    /// The address of its card.
    pub(super) mac: Option<[u8; 6]>,
    /// Its packets are marked as a tunnel's.
    pub(super) is_marked_tunnel: bool,
}

/// What a component is, as far as its place shows what its packets are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Not described, or of a kind that is not known.
    #[default]
    Unknown,
    /// The driver of an adapter.
    Miniport,
    /// A driver between an adapter and the protocols: a filter, or the lower edge of a protocol.
    Between,
    /// A port of a virtual switch, or the switch.
    Switch,
    /// Above IPsec.
    Upper,
}

impl Kind {
    /// pktmon's number for it.
    const fn of(number: u16) -> Self {
        match number {
            // A miniport; that of a guest of Hyper-V.
            2 | 9 => Self::Miniport,
            // NDIS, a filter, a protocol.
            1 | 3 | 4 => Self::Between,
            // The card of a guest; a switch, its ports and extensions.
            5..=8 => Self::Switch,
            // Sockets; TCP and IP.
            10 | 11 => Self::Upper,
            _ => Self::Unknown,
        }
    }
}

impl Component {
    /// Takes pktmon's event 20: number, kind, name, description.
    pub(super) fn describe(&mut self, data: &[u8]) -> Option<()> {
        let (name, behind) = text(data.get(4..)?);
        let (description, _) = text(behind);
        self.kind = Kind::of(u16_at(data, 2)?);
        (self.name, self.description) = (name, description);
        Some(())
    }

    /// Takes a property of pktmon.
    pub(super) const fn property(&mut self, property: u16, value: u32) {
        match property {
            1 => self.interface = Some(value),
            2 => self.adapter = Some(value),
            5 => self.medium = Some(value),
            _ => {}
        }
    }

    /// Of NDIS-PacketCapture's event 5101: source, name, number of the interface.
    pub(super) fn of_ndis(data: &[u8]) -> Option<(u32, String)> {
        let (name, behind) = text(data.get(1..)?);
        Some((u32_at(behind, 0)?, name))
    }

    /// Whether it is the driver of an adapter.
    pub(super) fn is_miniport(&self) -> bool {
        self.kind == Kind::Miniport
    }

    /// Whether it is an adapter of mobile broadband, which has no address of a card.
    pub(super) fn is_mobile(&self) -> bool {
        self.medium == Some(MOBILE)
    }

    /// Whether it is the adapter of a virtual switch itself.
    pub(super) fn is_switch(&self) -> bool {
        self.description.to_lowercase().contains("virtual switch")
    }

    /// Whether its packets are inside a tunnel, before it protects them: adapters of remote access and of virtual
    /// private networks.
    pub(super) fn is_inside_tunnel(&self) -> bool {
        let [name, description] = [&self.name, &self.description].map(|text| text.to_lowercase());
        let is_tunnel = self.medium.is_some_and(|medium| TUNNEL_MEDIA.contains(&medium));
        // "WAN Miniport (IKEv2)"; the order of the words depends on the language.
        let is_wan = description.contains("miniport")
            && description.split(|c: char| !c.is_alphanumeric()).any(|word| word == "wan");
        self.is_marked_tunnel
            || is_tunnel
            || is_wan
            || self.mac.is_some_and(|mac| mac.starts_with(&TAP))
            || TUNNEL_DRIVERS.iter().any(|driver| name.starts_with(driver))
            || TUNNEL_WORDS.iter().any(|word| description.contains(word) || name.contains(word))
    }

    /// The name to show.
    pub(super) fn shown(&self) -> Option<String> {
        let texts = [&self.description, &self.name];
        texts.into_iter().find(|text| !text.is_empty()).cloned()
    }
}

/// How the addresses begin that TAP-Windows makes up for its adapters (tap-windows6, macinfo.c); no maker of cards
/// has them.
pub(super) const TAP: [u8; 2] = [0x00, 0xff];
/// NdisMediumWirelessWan.
const MOBILE: u32 = 9;
/// NdisMediumWan, NdisMediumCoWan, NdisMediumTunnel, NdisMediumLoopback.
const TUNNEL_MEDIA: [u32; 4] = [3, 12, 15, 17];
/// Drivers of tunnels, whatever the language: Windows' remote access, OpenVPN, Wintun, WireGuard, GlobalProtect,
/// AnyConnect, FortiClient, Juniper, ZeroTier.
const TUNNEL_DRIVERS: [&str; 19] = [
    "agilevpn",
    "ndiswan",
    "rasagilevpn",
    "rasl2tp",
    "raspptp",
    "raspppoe",
    "rassstp",
    "tap0901",
    "tapwindows",
    "tap-",
    "ovpn-dco",
    "wintun",
    "wireguard",
    "pangp",
    "vpnva",
    "acsock",
    "ftvnic",
    "jnprva",
    "ztprt",
];
const TUNNEL_WORDS: [&str; 18] = [
    "vpn",
    "tunnel",
    "loopback",
    "tap-windows",
    "tap-win32",
    "wintun",
    "wireguard",
    "pangp",
    "globalprotect",
    "anyconnect",
    "fortinet virtual",
    "juniper networks virtual",
    "check point virtual",
    "zerotier",
    "tailscale",
    "teredo",
    "isatap",
    "ip-https",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn component(name: &str, description: &str) -> Component {
        let (name, description) = (name.into(), description.into());
        Component { kind: Kind::Miniport, name, description, ..Component::default() }
    }

    #[test]
    fn adapters_of_tunnels_are_known_in_any_language() {
        for (name, description) in [
            ("rasagilevpn.sys", "WAN Miniport (IKEv2)"),
            ("x.sys", "WAN-Miniport (L2TP)"),
            ("x.sys", "Miniport réseau étendu WAN (IP)"),
            ("tap0901.sys", "TAP-Windows Adapter V9"),
            ("wintun.sys", "Wintun Userspace Tunnel"),
            ("x.sys", "SonicWall VPN Adapter"),
            ("x.sys", "Microsoft IP-HTTPS Platform Adapter"),
        ] {
            assert!(component(name, description).is_inside_tunnel(), "{description}");
        }
        for (name, description) in [
            ("e1i65x64.sys", "Intel(R) 82574L Gigabit Network Connection"),
            ("rtwlane02.sys", "Realtek RTL8822BE 802.11ac PCIe Adapter"),
            ("netvsc.sys", "Microsoft Hyper-V Network Adapter"),
            ("vmxnet3.sys", "Taiwan Networks Miniport"),
        ] {
            assert!(!component(name, description).is_inside_tunnel(), "{description}");
        }
        let tunnel = Component { medium: Some(15), ..component("x.sys", "x") };
        assert!(tunnel.is_inside_tunnel());
        let tap = Component { mac: Some([0, 0xff, 0x3c, 1, 2, 3]), ..component("x.sys", "x") };
        assert!(tap.is_inside_tunnel());
    }
}
