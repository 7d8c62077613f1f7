//! Where in Windows' network stack a packet was seen: at the driver of a network card, inside a tunnel, at a virtual
//! switch, or above IPsec.
//!
//! A packet that an adapter of a tunnel shows is inside that tunnel, and clear only there. Taken for a packet on
//! the wire it would be a false accusation, so what the trace does not describe is not taken for one either.

use super::component::{Component, Kind};
use crate::capture::fields::{u16_at, u32_at};
use crate::capture::{Linktype, SeenAt};
use std::collections::{BTreeMap, BTreeSet};

/// Where a packet was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Adapter {
    /// At an adapter, by the number of its interface, and that of the layer below which it was seen.
    Ndis(u32, u32),
    /// At a virtual switch, by the number of its interface.
    Switch(u32),
    /// At a component of pktmon.
    PktMon(u16),
    /// At the driver of remote access, inside its tunnel.
    RemoteAccess,
    /// At the transport layer of the filtering platform, above IPsec.
    Transport,
}

/// What a trace says of components and adapters.
#[derive(Clone, Debug, Default)]
pub(super) struct Stack {
    pktmon: BTreeMap<u16, Component>,
    ndis: BTreeMap<u32, Component>,
    /// Components of pktmon that showed packets of IPsec between stations: they are below IPsec.
    shows_ipsec: BTreeSet<u16>,
}

impl Stack {
    pub(super) fn add_pktmon(&mut self, id: u16, data: &[u8]) -> Option<()> {
        let number = u16_at(data, 0)?;
        match id {
            20 => self.pktmon.entry(number).or_default().describe(data)?,
            // Properties: component, property, value of 32 bits, 16 bits, or so many bytes.
            30 | 50 => {
                let (property, value) = (u16_at(data, 2)?, u32_at(data, 4)?);
                self.pktmon.entry(number).or_default().property(property, value);
            }
            60 | 75 => {
                let (property, value) = (u16_at(data, 2)?, u16_at(data, 4)?);
                self.pktmon.entry(number).or_default().property(property, value.into());
            }
            70 if u16_at(data, 2)? == MAC => {
                let size = u32_at(data, 4)? as usize;
                let address = data.get(8..)?.get(..size)?;
                self.pktmon.entry(number).or_default().mac = address.first_chunk().copied();
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

    /// Packets of the adapter are marked as a tunnel's, or have its driver's addresses.
    pub(super) fn mark_tunnel(&mut self, number: u32) {
        if self.has_room() {
            self.ndis.entry(number).or_default().is_marked_tunnel = true;
        }
    }

    /// Whether nothing of the component is known yet that would show it to be below IPsec.
    pub(super) fn wants_proof(&self, component: u16) -> bool {
        !self.shows_ipsec.contains(&component)
    }

    /// A packet of IPsec was seen there.
    pub(super) fn showed_ipsec(&mut self, component: u16) {
        self.shows_ipsec.insert(component);
    }

    pub(super) fn is_miniport(&self, component: u16) -> bool {
        self.pktmon.get(&component).is_some_and(Component::is_miniport)
    }

    pub(super) fn has_miniports(&self) -> bool {
        self.pktmon.values().any(Component::is_miniport)
    }

    fn of(&self, adapter: Adapter) -> Option<&Component> {
        match adapter {
            Adapter::Ndis(number, _) | Adapter::Switch(number) => self.ndis.get(&number),
            Adapter::PktMon(number) => self.pktmon.get(&number),
            Adapter::RemoteAccess | Adapter::Transport => None,
        }
    }

    /// Where packets of that link layer are seen there.
    pub(super) fn seen_at(&self, adapter: Adapter, linktype: Linktype) -> SeenAt {
        match adapter {
            Adapter::Ndis(..) if self.of(adapter).is_some_and(Component::is_inside_tunnel) => {
                SeenAt::InsideTunnel
            }
            Adapter::Ndis(..) => SeenAt::Wire,
            Adapter::Switch(_) => SeenAt::Switch,
            Adapter::PktMon(number) => self.of_component(number, linktype),
            Adapter::RemoteAccess => SeenAt::InsideTunnel,
            Adapter::Transport => SeenAt::AboveIpsec,
        }
    }

    fn of_component(&self, number: u16, linktype: Linktype) -> SeenAt {
        let unknown =
            || if self.shows_ipsec.contains(&number) { SeenAt::Wire } else { SeenAt::Unknown };
        // No tunnel's adapter has frames of a wireless network.
        let is_wireless = linktype == Linktype::IEEE802_11;
        let undescribed = || if is_wireless { SeenAt::Wire } else { unknown() };
        let Some(component) = self.pktmon.get(&number) else { return undescribed() };
        match component.kind {
            Kind::Miniport => self.of_miniport(component).unwrap_or_else(unknown),
            Kind::Switch => SeenAt::Switch,
            Kind::Upper => SeenAt::AboveIpsec,
            // A driver above an adapter is where that adapter is.
            Kind::Between => {
                let below = component.adapter.and_then(|below| {
                    let mut miniports = self.pktmon.values().filter(|of| of.is_miniport());
                    miniports.find(|of| of.interface == Some(below))
                });
                below.and_then(|below| self.of_miniport(below)).unwrap_or_else(unknown)
            }
            Kind::Unknown => undescribed(),
        }
    }

    /// `None` where nothing shows that it is no tunnel's.
    fn of_miniport(&self, miniport: &Component) -> Option<SeenAt> {
        if miniport.is_inside_tunnel() {
            return Some(SeenAt::InsideTunnel);
        }
        if miniport.is_switch() {
            return Some(SeenAt::Switch);
        }
        // Adapters without a card have no address of one, where the trace gives those of others.
        let others_have_macs = || self.pktmon.values().any(|of| of.mac.is_some());
        let is_without = miniport.mac.is_none() && !miniport.is_mobile() && others_have_macs();
        (!is_without).then_some(SeenAt::Wire)
    }

    /// The name of the place.
    pub(super) fn name_of(&self, adapter: Adapter) -> String {
        let described = self.of(adapter).and_then(Component::shown);
        match (adapter, described) {
            (Adapter::Ndis(number, lower), Some(name)) if number != lower => {
                format!("{name}, above layer {lower}")
            }
            (_, Some(name)) => name,
            (Adapter::Ndis(number, lower), None) if number != lower => {
                format!("interface {number}, above layer {lower}")
            }
            (Adapter::Ndis(number, _), None) => format!("interface {number}"),
            (Adapter::Switch(number), None) => format!("virtual switch at interface {number}"),
            (Adapter::PktMon(number), None) => format!("component {number}"),
            (Adapter::RemoteAccess, None) => "remote access, inside the tunnel".to_owned(),
            (Adapter::Transport, None) => "filtering platform, above IPsec".to_owned(),
        }
    }

    /// The name of a component of pktmon.
    pub(super) fn component(&self, number: u16) -> String {
        self.name_of(Adapter::PktMon(number))
    }

    fn has_room(&self) -> bool {
        self.ndis.len() < MOST_ADAPTERS
    }
}

/// pktmon's property for the address of the card.
const MAC: u16 = 6;
/// Numbers of interfaces are evidence's own: it may name as many as it likes.
const MOST_ADAPTERS: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn name(words: &str) -> Vec<u8> {
        words.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    }

    fn stack(components: &[(u16, u16, &str, &str)], properties: &[(u16, u16, u32)]) -> Stack {
        let mut stack = Stack::default();
        for (number, kind, driver, words) in components {
            let head = [number.to_le_bytes(), kind.to_le_bytes()].concat();
            stack.add_pktmon(20, &[head, name(driver), name(words)].concat()).unwrap();
        }
        for (number, property, value) in properties {
            let head = [number.to_le_bytes(), property.to_le_bytes()].concat();
            stack.add_pktmon(30, &[head, value.to_le_bytes().to_vec()].concat()).unwrap();
        }
        stack
    }

    #[test]
    fn a_driver_above_an_adapter_is_where_that_adapter_is() {
        let stack = stack(
            &[
                (1, 2, "tap0901.sys", "TAP-Windows Adapter V9"),
                (2, 2, "rt640x64.sys", "Realtek PCIe FE Family Controller"),
                (3, 3, "pacer.sys", "QoS Packet Scheduler"),
                (4, 3, "pacer.sys", "QoS Packet Scheduler"),
                (5, 3, "pacer.sys", "QoS Packet Scheduler"),
                (6, 10, "http.sys", "HTTP"),
                (7, 6, "vmswitch.sys", "a switch"),
                (8, 2, "vmswitch.sys", "Hyper-V Virtual Switch Extension Adapter"),
            ],
            &[(1, 1, 8), (2, 1, 18), (3, 2, 8), (4, 2, 18), (5, 2, 99)],
        );
        let places = (1..=9).map(|it| stack.seen_at(Adapter::PktMon(it), Linktype::ETHERNET));
        use SeenAt::{AboveIpsec, InsideTunnel, Switch, Unknown, Wire};
        let expected =
            [InsideTunnel, Wire, InsideTunnel, Wire, Unknown, AboveIpsec, Switch, Switch, Unknown];
        assert_eq!(places.collect::<Vec<_>>(), expected);
        assert_eq!(stack.seen_at(Adapter::PktMon(9), Linktype::IEEE802_11), Wire);
    }

    #[test]
    fn what_shows_ipsec_is_below_it_and_what_has_no_card_is_not_known() {
        let mut stack = stack(&[(1, 2, "a.sys", "An adapter"), (2, 2, "b.sys", "Another")], &[]);
        let at = |stack: &Stack, it| stack.seen_at(Adapter::PktMon(it), Linktype::ETHERNET);
        assert_eq!(at(&stack, 1), SeenAt::Wire);
        let mac = [&[2u8, 0, 6, 0, 6, 0, 0, 0][..], &[0x54, 0x8c, 0xa0, 1, 2, 3]].concat();
        stack.add_pktmon(70, &mac).unwrap();
        assert_eq!((at(&stack, 1), at(&stack, 2)), (SeenAt::Unknown, SeenAt::Wire));
        stack.showed_ipsec(1);
        stack.showed_ipsec(9);
        assert_eq!((at(&stack, 1), at(&stack, 9)), (SeenAt::Wire, SeenAt::Wire));
    }
}
