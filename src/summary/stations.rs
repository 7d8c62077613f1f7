//! Which station each IP address was sent from on Ethernet, and where another one took over.
//!
//! An address is no host: DHCP gives it to another computer (RFC 2131). Bounded: so many addresses, and a
//! few changes each. Routers send for many addresses and are no stations of theirs.

use super::index::{Index, Place, Recent};
use super::timeline::{Flow, PacketRecord};
use crate::capture::{Linktype, RawFrame};
use crate::evidence::FrameRef;
use crate::hosts::{Direction, are_passed_on};
use crate::packet::IpPacket;
use crate::packet::origin::Origin;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A station's address on Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mac(pub [u8; 6]);

/// `02:00:00:00:00:99`.
impl std::fmt::Display for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Another station began to use an IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationChange {
    /// The IP address.
    pub address: IpAddr,
    /// The station that had sent from it.
    pub before: Mac,
    /// Its last packet before the change.
    pub last: PacketRecord,
    /// The station that sends from it now.
    pub after: Mac,
    /// Its first packet.
    pub first: PacketRecord,
}

/// The stations of a capture.
#[derive(Debug, Default)]
pub(super) struct Stations {
    index: Index,
    recent: Recent,
    known: Vec<Station>,
}

#[derive(Debug)]
struct Station {
    address: IpAddr,
    mac: Mac,
    last: LastPacket,
    /// Of few.
    change: Option<Box<StationChange>>,
    /// It went back and forth: two cards or two routers, no other computer.
    alternates: bool,
    /// A router has passed a packet of it on.
    is_routed: bool,
}

/// What a record of a packet is made of again.
#[derive(Clone, Copy, Debug)]
struct LastPacket {
    frame: FrameRef,
    time: Timestamp,
    bytes: u32,
    captured: u32,
    packet_len: u32,
    payload: u32,
    flow: Option<Flow>,
    direction: Direction,
    unfinished: bool,
    origin: Origin,
}

impl Station {
    /// Whether it is the station of that address, as far as is known.
    #[inline]
    fn is(&self, address: IpAddr, mac: Mac) -> bool {
        let is_address = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => own.to_bits() == other.to_bits(),
            (own, other) => own == other,
        };
        is_address && self.mac == mac
    }
}

impl LastPacket {
    /// Nothing was decided of the packet yet.
    #[inline]
    fn of(seen: &PacketRecord) -> Self {
        let short = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            frame: seen.frame,
            time: seen.time,
            bytes: short(seen.bytes),
            captured: short(seen.captured),
            packet_len: seen.packet_len,
            payload: seen.payload,
            flow: seen.flow,
            direction: seen.direction,
            unfinished: seen.unfinished,
            origin: seen.origin,
        }
    }

    fn record(self) -> PacketRecord {
        PacketRecord {
            frame: self.frame,
            time: self.time,
            bytes: self.bytes.into(),
            captured: self.captured.into(),
            packet_len: self.packet_len,
            flow: self.flow,
            direction: self.direction,
            opener: None,
            unfinished: self.unfinished,
            payload: self.payload,
            fingerprint: None,
            origin: self.origin,
            is_decrypted_copy: false,
            repeats: false,
            likely_copy: None,
            conversation: None,
        }
    }
}

impl Stations {
    /// Takes a packet; it counts where the outermost header has its source.
    /// `hint` is where its station probably is.
    #[inline(always)]
    pub(super) fn observe(
        &mut self,
        frame: &RawFrame<'_>,
        ip: &IpPacket<'_>,
        (seen, hint): (&PacketRecord, u32),
    ) {
        let source = ip.source();
        let Some(mac) = sender(frame, ip, source) else { return };
        let guesses = [hint, self.recent.guess(word(source).1)];
        let known = &self.known;
        let is = |at: &u32| known.get(*at as usize).is_some_and(|known| known.is(source, mac));
        let found = guesses.into_iter().find(is);
        // Nearly every packet.
        if let Some(known) = found.and_then(|at| self.known.get_mut(at as usize)) {
            known.last = LastPacket::of(seen);
            known.is_routed |= are_passed_on(ip.hops);
            return;
        }
        self.observe_any((source, mac), are_passed_on(ip.hops), seen);
    }

    #[inline(never)]
    fn observe_any(&mut self, (source, mac): (IpAddr, Mac), is_routed: bool, seen: &PacketRecord) {
        let known = &self.known;
        let is = |at: u32| known.get(at as usize).is_some_and(|station| station.address == source);
        let found = self.index.find(self.index.place(&word(source)), is);
        if let Some(at) = found {
            self.recent.remember(word(source).1, at);
        }
        let has_room = self.known.len() < MOST_ADDRESSES;
        match found.and_then(|at| self.known.get_mut(at as usize)) {
            Some(known) if known.mac == mac => {
                known.last = LastPacket::of(seen);
                known.is_routed |= is_routed;
            }
            Some(known) => {
                known.alternates |= known.change.is_some();
                let (before, last) = (known.mac, known.last.record());
                let change =
                    StationChange { address: source, before, last, after: mac, first: *seen };
                known.change = Some(Box::new(change));
                (known.mac, known.last) = (mac, LastPacket::of(seen));
                known.is_routed |= is_routed;
            }
            None if has_room => {
                let number = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
                let (address, change, alternates) = (source, None, false);
                let last = LastPacket::of(seen);
                let station = Station { address, mac, last, change, alternates, is_routed };
                self.known.push(station);
                let place = self.place(source);
                let (known, seed) = (&self.known, self.index.seed());
                self.index
                    .insert(place, number, |at| seed.place(&word(known[at as usize].address)));
            }
            None => {}
        }
    }

    /// Where a station is looked for.
    pub(super) fn place(&self, source: IpAddr) -> Place {
        self.index.place(&word(source))
    }

    /// The number of the station that is probably at that place.
    pub(super) fn guess(&self, place: Place) -> u32 {
        self.index.guess(place)
    }

    /// Reads a station's record.
    pub(super) fn expect(&self, at: u32, sum: &mut u64) {
        if let Some(station) = self.known.get(at as usize) {
            *sum ^= u64::from(station.last.bytes)
                ^ u64::from(station.mac.0[0])
                ^ u64::from(station.is_routed);
        }
    }

    /// Where another station took over, by address, and the addresses of stations that have several.
    pub(super) fn finish(self) -> (Vec<StationChange>, BTreeMap<Mac, BTreeSet<IpAddr>>) {
        let mut sends_for: BTreeMap<Mac, usize> = BTreeMap::new();
        let stations = self.known.iter();
        let before = |it: &Station| it.change.as_ref().map(|change| change.before);
        let senders = stations.flat_map(|it| [Some(it.mac), before(it)]);
        senders.flatten().for_each(|mac| *sends_for.entry(mac).or_default() += 1);
        let is_router = |mac: &Mac| sends_for.get(mac).is_some_and(|many| *many > MOST_OF_A_HOST);
        let mut several: BTreeMap<Mac, BTreeSet<IpAddr>> = BTreeMap::new();
        for station in &self.known {
            if station.change.is_none() && !station.is_routed && !is_router(&station.mac) {
                several.entry(station.mac).or_default().insert(station.address);
            }
        }
        several.retain(|_, addresses| addresses.len() > 1);
        while several.len() > MOST_CHANGES {
            several.pop_last();
        }
        // The addresses of packets that were passed on are those of routers.
        let is_own = |station: &Station| !station.alternates && !station.is_routed;
        let changes = self.known.into_iter().filter(is_own);
        let changes = changes.filter_map(|station| station.change.map(|change| *change));
        let mut changes: Vec<StationChange> =
            changes.filter(|c| !is_router(&c.before) && !is_router(&c.after)).collect();
        changes.sort_by_key(|change| (change.address, change.first.frame));
        changes.truncate(MOST_CHANGES);
        (changes, several)
    }
}

/// What an address is looked for by: one word where it is of IPv4.
#[inline]
fn word(address: IpAddr) -> (u64, u64) {
    match address {
        IpAddr::V4(v4) => (0, u64::from(v4.to_bits())),
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default();
            (half(bits >> 64), half(bits))
        }
    }
}

/// The sender's address of an Ethernet frame whose outermost IP header has this source (IEEE 802.3, with
/// VLAN tags or without).
#[inline]
fn sender(frame: &RawFrame<'_>, ip: &IpPacket<'_>, source: IpAddr) -> Option<Mac> {
    if frame.linktype != Linktype::ETHERNET {
        return None;
    }
    let [_, _, _, _, _, _, mac @ .., high, low] = frame.data.first_chunk::<14>()?;
    // Nearly every frame: the packet is the frame's outermost one, and was read behind these bytes.
    if [*high, *low] == [0x08, 0x00] && ip.nested == 0 && !ip.mislabelled {
        return Some(Mac(*mac));
    }
    let mut at = 12;
    let mut kind = *frame.data.get(at..)?.first_chunk::<2>()?;
    while matches!(kind, [0x81, 0x00] | [0x88, 0xa8]) && at < 20 {
        at += 4;
        kind = *frame.data.get(at..)?.first_chunk::<2>()?;
    }
    let header = frame.data.get(at + 2..)?;
    let own = match (kind, source) {
        ([0x08, 0x00], IpAddr::V4(address)) => header.get(12..16)? == address.octets(),
        ([0x86, 0xdd], IpAddr::V6(address)) => header.get(8..24)? == address.octets(),
        _ => false,
    };
    own.then_some(Mac(*mac))
}

/// More addresses of a capture have no station.
const MOST_ADDRESSES: usize = 1 << 14;
/// A host has an address or two of either family; what sends for more is a router.
pub const MOST_OF_A_HOST: usize = 4;
/// Changes that are kept.
const MOST_CHANGES: usize = 1 << 10;
