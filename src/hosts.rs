//! Who talks to whom: addresses without a direction.
//!
//! Names of hosts are the policy's and the logs' business, not this module's.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr};

/// A station of a link, as its frames name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Station {
    /// Its link-layer address.
    pub address: [u8; 6],
    /// The identifiers of its VLANs, the outer one first; 0 is none (IEEE 802.1Q).
    pub vlans: [u16; 2],
}

/// Whether a packet with this hop count was passed on by a router: no system begins with it (RFC 1812 §5.3.1).
#[must_use]
pub fn are_passed_on(hops: u8) -> bool {
    !FIRST_HOPS.contains(&hops)
}

/// Hop counts that systems send with; a router takes one away.
const FIRST_HOPS: [u8; 4] = [32, 64, 128, 255];

/// An unordered pair of addresses; the key of everything. `a` is the lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(IpAddr, IpAddr)", into = "(IpAddr, IpAddr)")]
pub struct HostPair(Addresses);

/// Nearly every packet asks for two of IPv4: they are compared as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Addresses {
    /// Both of IPv4.
    V4(u32, u32),
    /// At least the higher one of IPv6.
    Other(IpAddr, IpAddr),
}

impl HostPair {
    /// The pair of two addresses in either order. IPv4-mapped IPv6 addresses are kept as written.
    #[must_use]
    #[inline]
    pub fn new(one: IpAddr, other: IpAddr) -> Self {
        Self(match (one, other) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                let (one, other) = (one.to_bits(), other.to_bits());
                Addresses::V4(one.min(other), one.max(other))
            }
            (one, other) => Addresses::Other(one.min(other), one.max(other)),
        })
    }

    /// The pair of a packet's addresses, and which way it went.
    #[must_use]
    #[inline]
    pub fn between(source: IpAddr, destination: IpAddr) -> (Self, Direction) {
        let pair = Self::new(source, destination);
        (pair, pair.direction_from(source))
    }

    /// As [`Self::between`], of IPv4.
    #[must_use]
    #[inline]
    pub fn between_v4(source: Ipv4Addr, destination: Ipv4Addr) -> (Self, Direction) {
        let (one, other) = (source.to_bits(), destination.to_bits());
        let direction = if one <= other { Direction::AToB } else { Direction::BToA };
        (Self(Addresses::V4(one.min(other), one.max(other))), direction)
    }

    /// Whether one of the two is no single host: a group, all stations of a link, or a host without an address yet.
    #[must_use]
    pub fn is_with_a_group(self) -> bool {
        let is_group = |address: IpAddr| {
            let is_broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
            address.is_multicast() || address.is_unspecified() || is_broadcast
        };
        is_group(self.a()) || is_group(self.b())
    }

    /// The lower address.
    #[must_use]
    pub const fn a(self) -> IpAddr {
        match self.0 {
            Addresses::V4(a, _) => IpAddr::V4(Ipv4Addr::from_bits(a)),
            Addresses::Other(a, _) => a,
        }
    }

    /// The higher address.
    #[must_use]
    pub const fn b(self) -> IpAddr {
        match self.0 {
            Addresses::V4(_, b) => IpAddr::V4(Ipv4Addr::from_bits(b)),
            Addresses::Other(_, b) => b,
        }
    }

    /// The two addresses where both are of IPv4, the lower one first.
    #[must_use]
    #[inline]
    pub const fn of_v4(self) -> Option<(Ipv4Addr, Ipv4Addr)> {
        match self.0 {
            Addresses::V4(a, b) => Some((Ipv4Addr::from_bits(a), Ipv4Addr::from_bits(b))),
            Addresses::Other(..) => None,
        }
    }

    /// Whether both are the same: a host that talks to itself.
    #[must_use]
    pub fn is_one_address(self) -> bool {
        match self.0 {
            Addresses::V4(a, b) => a == b,
            Addresses::Other(a, b) => a == b,
        }
    }

    /// Whether the address is one of the two.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        self.a() == address || self.b() == address
    }

    /// The direction of a packet that `source` sent.
    #[must_use]
    #[inline]
    pub fn direction_from(self, source: IpAddr) -> Direction {
        let from_a = match (self.0, source) {
            (Addresses::V4(a, _), IpAddr::V4(source)) => a == source.to_bits(),
            _ => self.a() == source,
        };
        if from_a { Direction::AToB } else { Direction::BToA }
    }

    /// A word that few other pairs share, and none of IPv4.
    #[must_use]
    #[inline]
    pub fn word(self) -> u64 {
        let folded = |address: IpAddr| match address {
            IpAddr::V4(v4) => u64::from(v4.to_bits()),
            IpAddr::V6(v6) => {
                let halves = v6.octets();
                let halves = halves.as_chunks::<8>().0.iter();
                halves.fold(0, |sum: u64, half| sum.rotate_left(17) ^ u64::from_be_bytes(*half))
            }
        };
        match self.0 {
            Addresses::V4(a, b) => u64::from(a) << 32 | u64::from(b),
            Addresses::Other(a, b) => folded(a) << 32 ^ folded(b),
        }
    }
}

impl Ord for HostPair {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.0, other.0) {
            (Addresses::V4(a, b), Addresses::V4(c, d)) => (a, b).cmp(&(c, d)),
            _ => (self.a(), self.b()).cmp(&(other.a(), other.b())),
        }
    }
}

impl PartialOrd for HostPair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<(IpAddr, IpAddr)> for HostPair {
    fn from((one, other): (IpAddr, IpAddr)) -> Self {
        Self::new(one, other)
    }
}

impl From<HostPair> for (IpAddr, IpAddr) {
    fn from(pair: HostPair) -> Self {
        (pair.a(), pair.b())
    }
}

/// Every packet is looked up by its pair: one or two words instead of the addresses' many parts.
impl Hash for HostPair {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.0 {
            Addresses::V4(..) => state.write_u64(self.word()),
            Addresses::Other(a, b) => [a, b].into_iter().for_each(|address| match address {
                IpAddr::V4(v4) => state.write_u32(v4.to_bits()),
                IpAddr::V6(v6) => state.write_u128(v6.to_bits()),
            }),
        }
    }
}

/// Which way a packet of a pair went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// From the lower address to the higher one.
    AToB,
    /// From the higher address to the lower one.
    BToA,
}

impl Direction {
    /// From the lower address, then from the higher one.
    pub const BOTH: [Self; 2] = [Self::AToB, Self::BToA];

    /// The other way.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::AToB => Self::BToA,
            Self::BToA => Self::AToB,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter() {
        let (x, y) = ("10.0.0.2".parse().unwrap(), "10.0.0.1".parse().unwrap());
        assert_eq!(HostPair::new(x, y), HostPair::new(y, x));
        assert_eq!(HostPair::new(x, y).a(), y);
        assert_eq!(HostPair::new(x, y).direction_from(x), Direction::BToA);
    }

    #[test]
    fn pairs_of_ipv4_are_pairs() {
        let hosts = [[0; 4], [10, 0, 0, 1], [10, 0, 0, 2], [255; 4]].map(Ipv4Addr::from);
        for (a, b) in hosts.iter().flat_map(|a| hosts.iter().map(move |b| (*a, *b))) {
            assert_eq!(HostPair::between_v4(a, b), HostPair::between(a.into(), b.into()));
        }
    }

    #[test]
    fn pairs_are_ordered_as_their_addresses() {
        let addresses: [IpAddr; 7] =
            ["10.0.0.1", "10.0.0.9", "255.0.0.1", "::", "::1", "::ffff:10.0.0.1", "fe80::9"]
                .map(|text| text.parse().unwrap());
        let all = addresses.iter().flat_map(|a| addresses.iter().map(|b| HostPair::new(*a, *b)));
        let mut pairs: Vec<HostPair> = all.collect();
        pairs.sort_unstable();
        assert!(pairs.iter().all(|pair| pair.a() <= pair.b()));
        assert!(pairs.is_sorted_by_key(|pair| (pair.a(), pair.b())));
        pairs.dedup();
        assert_eq!(pairs.len(), 7 * 8 / 2);
    }
}
