//! Finds the rules that match two hosts by their networks, without checking every rule.
//!
//! Built at the first look-up, and again after rules were added. Knows nothing of what rules require.

use super::{Rule, Side};
use crate::hosts::HostPair;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::OnceLock;

/// The index of a policy's rules. Policies are compared by their rules alone.
#[derive(Debug, Default)]
pub(super) struct Index(OnceLock<Built>);

impl Clone for Index {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Index {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Index {}

#[derive(Debug, Default)]
struct Built {
    /// The number of rules it was built from.
    rules: usize,
    /// Rules for any two hosts.
    any: Vec<usize>,
    /// Networks of rules with any host on the other side.
    half: Nets,
    /// Networks of rules with networks on both sides.
    full: Nets,
}

/// Networks and the rules, and sides of them, that name them.
#[derive(Debug, Default)]
struct Nets {
    named: BTreeMap<IpNet, BTreeSet<(usize, usize)>>,
    /// Lengths of prefixes that occur, of IPv4 and of IPv6.
    lengths: [BTreeSet<u8>; 2],
}

impl Index {
    /// The indices of the rules that match the pair, in order.
    pub(super) fn covering(&self, rules: &[Rule], pair: HostPair) -> Vec<usize> {
        let built = self.0.get_or_init(|| Built::build(rules));
        if built.rules != rules.len() {
            let all = rules.iter().enumerate().filter(|(_, rule)| rule.covers(pair));
            return all.map(|(at, _)| at).collect();
        }
        built.covering(pair)
    }
}

impl Built {
    fn build(rules: &[Rule]) -> Self {
        let mut built = Self { rules: rules.len(), ..Self::default() };
        for (at, rule) in rules.iter().enumerate() {
            match &rule.between {
                [Side::Any, Side::Any] => built.any.push(at),
                [Side::Nets(nets), Side::Any] | [Side::Any, Side::Nets(nets)] => {
                    built.half.add(nets, (at, 0));
                }
                [Side::Nets(one), Side::Nets(other)] => {
                    built.full.add(one, (at, 0));
                    built.full.add(other, (at, 1));
                }
            }
        }
        built
    }

    fn covering(&self, pair: HostPair) -> Vec<usize> {
        let (a, b) = (pair.a(), pair.b());
        let mut all: BTreeSet<usize> = self.any.iter().copied().collect();
        for address in [a, b] {
            all.extend(self.half.naming(address).flatten().map(|(rule, _)| rule));
        }
        // As many rules name a server as it has clients; few name a client.
        let count = |address| self.full.naming(address).map(BTreeSet::len).sum::<usize>();
        let (few, other) = if count(a) <= count(b) { (a, b) } else { (b, a) };
        for (rule, side) in self.full.naming(few).flatten() {
            let opposite = (*rule, 1 - side);
            if self.full.naming(other).any(|named| named.contains(&opposite)) {
                all.insert(*rule);
            }
        }
        all.into_iter().collect()
    }
}

impl Nets {
    fn add(&mut self, nets: &[IpNet], place: (usize, usize)) {
        for net in nets {
            let [v4, v6] = &mut self.lengths;
            let lengths = if matches!(net, IpNet::V4(_)) { v4 } else { v6 };
            lengths.insert(net.prefix_len());
            self.named.entry(net.trunc()).or_default().insert(place);
        }
    }

    /// What names an address: for each network that contains it, the rules and their sides.
    fn naming(&self, address: IpAddr) -> impl Iterator<Item = &BTreeSet<(usize, usize)>> {
        let [v4, v6] = &self.lengths;
        let lengths = if address.is_ipv4() { v4 } else { v6 };
        let nets = lengths.iter().filter_map(move |length| IpNet::new(address, *length).ok());
        nets.filter_map(|net| self.named.get(&net.trunc()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Action, ExpectationSource, Level};
    use proptest::prelude::*;

    fn rule(between: [Side; 2]) -> Rule {
        let action = Action::Protect(Level::Encrypt);
        let (protocol, port, opened_by) = (None, None, None);
        Rule { action, between, protocol, port, opened_by, source: ExpectationSource::None }
    }

    fn address() -> impl Strategy<Value = IpAddr> {
        let v6 = |low: u128| IpAddr::from((0xfd00_u128 << 112 | low).to_be_bytes());
        prop_oneof![
            (0..4_u8, 0..4_u8).prop_map(|(c, d)| IpAddr::from([10, 0, c, d])),
            (0..8_u128).prop_map(v6)
        ]
    }

    fn side() -> impl Strategy<Value = Side> {
        let net = (address(), prop::sample::select(vec![0_u8, 8, 24, 30, 32])).prop_map(
            |(at, length)| IpNet::new(at, if at.is_ipv4() { length } else { length * 4 }).unwrap(),
        );
        prop_oneof![
            1 => Just(Side::Any),
            4 => prop::collection::vec(net, 0..4).prop_map(Side::Nets)
        ]
    }

    proptest! {
        #[test]
        fn the_index_finds_what_asking_every_rule_finds(
            sides in prop::collection::vec((side(), side()), 0..12),
            pairs in prop::collection::vec((address(), address()), 1..20),
        ) {
            let rules: Vec<Rule> = sides.into_iter().map(|(a, b)| rule([a, b])).collect();
            let index = Index::default();
            for (a, b) in pairs {
                let pair = HostPair::new(a, b);
                let asked = rules.iter().enumerate().filter(|(_, rule)| rule.covers(pair));
                let asked: Vec<usize> = asked.map(|(at, _)| at).collect();
                prop_assert_eq!(index.covering(&rules, pair), asked);
            }
        }
    }

    /// A server with a rule for each client, as `compare` makes them.
    #[test]
    fn a_pair_is_not_asked_of_every_rule_of_its_server() {
        let server = IpNet::from(IpAddr::from([10, 0, 0, 1]));
        let client = |n: u32| IpAddr::from((0x0b00_0000 + n).to_be_bytes());
        let between = |n| [Side::Nets(vec![server]), Side::Nets(vec![client(n).into()])];
        let rules: Vec<Rule> = (0..20_000).map(|n| rule(between(n))).collect();
        let built = Built::build(&rules);
        for n in [0, 7, 19_999] {
            assert_eq!(built.full.naming(client(n)).map(BTreeSet::len).sum::<usize>(), 1);
            let pair = HostPair::new(server.addr(), client(n));
            assert_eq!(built.covering(pair), [n as usize]);
        }
    }
}
