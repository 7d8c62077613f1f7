//! Where in Windows' network stack a packet was seen: at the driver of a network card, or above IPsec.
//!
//! A packet that an adapter of a tunnel shows is inside that tunnel, and clear only there. Taken for a packet on
//! the wire it would be a false accusation.

use crate::capture::fields::{u16_at, u32_at};
use std::collections::BTreeMap;

/// A component of the stack or an adapter, as a trace describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Component {
    /// pktmon's number for what it is: 2 is a miniport, the driver of an adapter.
    pub(super) kind: u16,
    /// Name of its driver, or of the interface.
    pub(super) name: String,
    /// The adapter in words.
    pub(super) description: String,
    /// Its medium (NDIS_MEDIUM of ndis.h).
    pub(super) medium: Option<u32>,
}

impl Component {
    /// Of pktmon's event 20: number, kind, name, description.
    pub(super) fn of_pktmon(data: &[u8]) -> Option<(u16, Self)> {
        let (name, behind) = text(data.get(4..)?);
        let (description, _) = text(behind);
        let kind = u16_at(data, 2)?;
        Some((u16_at(data, 0)?, Self { kind, name, description, medium: None }))
    }

    /// Of NDIS-PacketCapture's event 5101: source, name, number of the interface.
    pub(super) fn of_ndis(data: &[u8]) -> Option<(u32, String)> {
        let (name, behind) = text(data.get(1..)?);
        Some((u32_at(behind, 0)?, name))
    }

    /// Whether it is the driver of an adapter.
    pub(super) const fn is_miniport(&self) -> bool {
        self.kind == MINIPORT
    }

    /// Whether its packets are inside a tunnel, before it protects them: adapters of remote access and of virtual
    /// private networks.
    pub(super) fn is_inside_tunnel(&self) -> bool {
        let [name, description] = [&self.name, &self.description].map(|text| text.to_lowercase());
        let is_tunnel = self.medium.is_some_and(|medium| TUNNEL_MEDIA.contains(&medium));
        // "WAN Miniport (IKEv2)"; the order of the words depends on the language.
        let is_wan = description.contains("miniport")
            && description.split(|c: char| !c.is_alphanumeric()).any(|word| word == "wan");
        is_tunnel
            || is_wan
            || TUNNEL_DRIVERS.iter().any(|driver| name.starts_with(driver))
            || TUNNEL_WORDS.iter().any(|word| description.contains(word) || name.contains(word))
    }

    /// The name to show.
    pub(super) fn shown(&self) -> Option<String> {
        let texts = [&self.description, &self.name];
        texts.into_iter().find(|text| !text.is_empty()).cloned()
    }
}

/// Where a packet was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Adapter {
    /// At an adapter, by the number of its interface.
    Ndis(u32),
    /// At a virtual switch, likewise.
    Switch(u32),
    /// At a component of pktmon.
    PktMon(u16),
}

/// What a trace says of components and adapters.
#[derive(Clone, Debug, Default)]
pub(super) struct Stack {
    pub(super) pktmon: BTreeMap<u16, Component>,
    pub(super) ndis: BTreeMap<u32, Component>,
}

impl Stack {
    pub(super) fn add_pktmon(&mut self, id: u16, data: &[u8]) -> Option<()> {
        match id {
            20 => {
                let (number, component) = Component::of_pktmon(data)?;
                let known = self.pktmon.entry(number).or_default();
                *known = Component { medium: known.medium, ..component };
            }
            // Properties of 32 bits: component, property, value.
            30 if u16_at(data, 2)? == MEDIUM => {
                let of = self.pktmon.entry(u16_at(data, 0)?).or_default();
                of.medium = u32_at(data, 4);
            }
            _ => {}
        }
        Some(())
    }

    pub(super) fn add_ndis(&mut self, id: u16, data: &[u8]) -> Option<()> {
        match id {
            1014 if self.has_room() => {
                let of = self.ndis.entry(u32_at(data, 0)?).or_default();
                of.medium = u32_at(data, 8);
            }
            5101 if self.has_room() => {
                let (number, name) = Component::of_ndis(data)?;
                self.ndis.entry(number).or_default().name = name;
            }
            _ => {}
        }
        Some(())
    }

    /// Packets of the adapter are marked as a tunnel's.
    pub(super) fn mark_tunnel(&mut self, number: u32) {
        if self.has_room() {
            self.ndis.entry(number).or_default().medium = Some(TUNNEL_MEDIA[1]);
        }
    }

    pub(super) fn is_miniport(&self, component: u16) -> bool {
        self.pktmon.get(&component).is_some_and(Component::is_miniport)
    }

    pub(super) fn has_miniports(&self) -> bool {
        self.pktmon.values().any(Component::is_miniport)
    }

    fn of(&self, adapter: Adapter) -> Option<&Component> {
        match adapter {
            Adapter::Ndis(number) | Adapter::Switch(number) => self.ndis.get(&number),
            Adapter::PktMon(number) => self.pktmon.get(&number),
        }
    }

    /// Whether packets seen there are inside a tunnel, before it protects them.
    pub(super) fn is_inside_tunnel(&self, adapter: Adapter) -> bool {
        self.of(adapter).is_some_and(Component::is_inside_tunnel)
    }

    /// The name of the place.
    pub(super) fn name_of(&self, adapter: Adapter) -> String {
        let described = self.of(adapter).and_then(Component::shown);
        described.unwrap_or_else(|| match adapter {
            Adapter::Ndis(number) => format!("interface {number}"),
            Adapter::Switch(number) => format!("virtual switch at interface {number}"),
            Adapter::PktMon(number) => format!("component {number}"),
        })
    }

    fn has_room(&self) -> bool {
        self.ndis.len() < MOST_ADAPTERS
    }
}

/// UTF-16 up to its NUL, cut at a length that no name has, and what is behind it.
pub(super) fn text(octets: &[u8]) -> (String, &[u8]) {
    let (units, _) = octets.as_chunks::<2>();
    let length = units.iter().position(|unit| *unit == [0, 0]).unwrap_or(units.len());
    let shown = units.iter().take(length.min(LONGEST_NAME)).map(|unit| u16::from_le_bytes(*unit));
    let text =
        char::decode_utf16(shown).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    (text, octets.get((length + 1) * 2..).unwrap_or_default())
}

/// A provider's GUID as the report spells it.
pub(super) fn guid(octets: [u8; 16]) -> String {
    let [a, b, c, d, e, f, g, h, rest @ ..] = octets;
    let first = u32::from_le_bytes([a, b, c, d]);
    let (second, third) = (u16::from_le_bytes([e, f]), u16::from_le_bytes([g, h]));
    let [i, j, node @ ..] = rest;
    let node: String = node.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("{first:08x}-{second:04x}-{third:04x}-{i:02x}{j:02x}-{node}")
}

const MINIPORT: u16 = 2;
const MEDIUM: u16 = 5;
/// NdisMediumWan, NdisMediumTunnel, NdisMediumLoopback.
const TUNNEL_MEDIA: [u32; 3] = [3, 15, 17];
/// Drivers of tunnels, whatever the language: Windows' remote access, OpenVPN, Wintun, WireGuard, GlobalProtect,
/// AnyConnect, FortiClient, Juniper, SonicWall, ZeroTier, Tailscale.
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
const TUNNEL_WORDS: [&str; 16] = [
    "tap-windows",
    "tap-win32",
    "tap-nordvpn",
    "wintun",
    "wireguard",
    "openvpn",
    "pangp",
    "globalprotect",
    "anyconnect",
    "vpn adapter",
    "vpn virtual",
    "fortinet virtual",
    "juniper networks virtual",
    "zerotier",
    "tailscale",
    "teredo",
];
const LONGEST_NAME: usize = 256;
/// Numbers of interfaces are evidence's own: it may name as many as it likes.
const MOST_ADAPTERS: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn component(name: &str, description: &str) -> Component {
        Component { kind: 2, name: name.into(), description: description.into(), medium: None }
    }

    #[test]
    fn adapters_of_tunnels_are_known_in_any_language() {
        for (name, description) in [
            ("rasagilevpn.sys", "WAN Miniport (IKEv2)"),
            ("x.sys", "WAN-Miniport (L2TP)"),
            ("x.sys", "Miniport réseau étendu WAN (IP)"),
            ("tap0901.sys", "TAP-Windows Adapter V9"),
            ("wintun.sys", "Wintun Userspace Tunnel"),
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
    }

    #[test]
    fn guids_are_spelled_as_windows_spells_them() {
        let octets = [
            0xd9, 0x80, 0x4f, 0x4d, 0xbd, 0xc8, 0x73, 0x4d, 0xbb, 0x5b, 0x19, 0xc9, 0x04, 0x02,
            0xc5, 0xac,
        ];
        assert_eq!(guid(octets), "4d4f80d9-c8bd-4d73-bb5b-19c90402c5ac");
    }
}
