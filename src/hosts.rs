//! Who talks to whom: addresses without a direction.
//!
//! Names of hosts are the policy's and the logs' business, not this module's.

use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// An unordered pair of addresses; the key of everything. `a` is the lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "(IpAddr, IpAddr)", into = "(IpAddr, IpAddr)")]
pub struct HostPair {
    a: IpAddr,
    b: IpAddr,
}

impl HostPair {
    /// The pair of two addresses in either order. IPv4-mapped IPv6 addresses are kept as written.
    #[must_use]
    pub fn new(one: IpAddr, other: IpAddr) -> Self {
        let in_order = match (one, other) {
            // What nearly every packet asks, in one comparison.
            (IpAddr::V4(one), IpAddr::V4(other)) => one.to_bits() <= other.to_bits(),
            (one, other) => one <= other,
        };
        if in_order { Self { a: one, b: other } } else { Self { a: other, b: one } }
    }

    /// The lower address.
    #[must_use]
    pub const fn a(self) -> IpAddr {
        self.a
    }

    /// The higher address.
    #[must_use]
    pub const fn b(self) -> IpAddr {
        self.b
    }

    /// Whether both are the same: a host that talks to itself.
    #[must_use]
    pub fn is_one_address(self) -> bool {
        self.a == self.b
    }

    /// Whether the address is one of the two.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        self.a == address || self.b == address
    }
}

impl From<(IpAddr, IpAddr)> for HostPair {
    fn from((one, other): (IpAddr, IpAddr)) -> Self {
        Self::new(one, other)
    }
}

impl From<HostPair> for (IpAddr, IpAddr) {
    fn from(pair: HostPair) -> Self {
        (pair.a, pair.b)
    }
}

impl HostPair {
    /// A word that few other pairs share, and none of IPv4.
    #[must_use]
    pub fn word(self) -> u64 {
        let folded = |address: IpAddr| match address {
            IpAddr::V4(v4) => u64::from(v4.to_bits()),
            IpAddr::V6(v6) => {
                let halves = v6.octets();
                let halves = halves.as_chunks::<8>().0.iter();
                halves.fold(0, |sum: u64, half| sum.rotate_left(17) ^ u64::from_be_bytes(*half))
            }
        };
        folded(self.a) << 32 ^ folded(self.b)
    }
}

/// Every packet is looked up by its pair: one or two words instead of the addresses' many parts.
impl Hash for HostPair {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match (self.a, self.b) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                state.write_u64(u64::from(a.to_bits()) << 32 | u64::from(b.to_bits()));
            }
            (a, b) => [a, b].into_iter().for_each(|address| match address {
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
    /// The other way.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::AToB => Self::BToA,
            Self::BToA => Self::AToB,
        }
    }
}

impl HostPair {
    /// The direction of a packet that `source` sent.
    #[must_use]
    pub fn direction_from(self, source: IpAddr) -> Direction {
        if source == self.a { Direction::AToB } else { Direction::BToA }
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
}
