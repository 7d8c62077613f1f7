//! What an export of a host's state shows at its moment, as typed facts: connections, filters, policies, counters.
//!
//! Made from the fields that the readers of states write (`text::state`), whose spelling is plainsight's own. SAs of a
//! state are negotiations like any other (`detail`). Judges nothing: whether a state bears on a window is decided where
//! captures and logs are compared.
//!
//! Source: FWPM_FILTER0, IPSEC_TRANSPORT_POLICY0 and IPSEC_AGGREGATE_DROP_PACKET_STATISTICS1 (Microsoft, Windows
//! Filtering Platform); for negotiation discovery "Negotiation Discovery Transport Mode" and "… in Boundary Mode" there.

use super::LogEvent;
use super::interpret::whole_number;
use crate::catalogue::{
    CONNECTION_UNDER_SA, CONNECTION_WITHOUT_SA, IPSEC_COUNTERS, IPSEC_FILTER_NOW, POLICY_NOW,
    SA_STATE,
};
use std::net::IpAddr;

/// A fact of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateFact {
    /// A TCP connection.
    Connection(StateConnection),
    /// A filter that hands packets to IPsec.
    Filter(StateFilter),
    /// A quick mode policy; those of main mode say nothing of clear text.
    Policy(StatePolicy),
    /// IPsec's counters since the start of the system.
    Counters(StateCounters),
}

/// A connection between two ports, seen from the host whose state it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateConnection {
    /// The host's own address.
    pub local: IpAddr,
    /// The address of the other side.
    pub peer: IpAddr,
    /// The host's own port.
    pub local_port: u16,
    /// The port of the other side.
    pub peer_port: u16,
    /// It was under a security association.
    pub is_under_sa: bool,
}

/// A filter in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFilter {
    /// Its name, as the file shows it.
    pub name: String,
    /// The key of the policy that it names; empty where it names none.
    pub policy: String,
    /// The version of IP of its layer: `None` where the callout does not say.
    is_v4: Option<bool>,
    conditions: Vec<Condition>,
    /// A condition could not be read, so that the filter may hold any traffic that the others do not exclude.
    is_partly_read: bool,
}

/// What a packet must have; conditions on one property are alternatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Address { is_local: bool, first: IpAddr, last: IpAddr },
    Port { is_local: bool, first: u16, last: u16 },
    Protocol(u8),
}

/// Two hosts and what they send, seen from the host whose state it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateTraffic {
    /// The host's own address.
    pub local: IpAddr,
    /// The other side's.
    pub peer: IpAddr,
    /// The IP protocol; `None` is any.
    pub protocol: Option<u8>,
    /// Both ports where they are known: the host's own, and the other side's.
    pub ports: Option<(u16, u16)>,
    /// The port that names the service, on either side, where only that is known.
    pub service: Option<u16>,
}

/// A quick mode policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatePolicy {
    /// The key under which filters name it.
    pub key: String,
    /// Its name, as the file shows it.
    pub name: String,
    /// Which connections may go on in clear where no security association comes up.
    pub clear: ClearText,
    /// One of the pair that every Windows has.
    pub is_built_in: bool,
}

/// Which connections a policy lets go on in clear where the peer does not negotiate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClearText {
    /// None: all matching traffic must be protected.
    Never,
    /// Those that the host opens itself (IPSEC_POLICY_FLAG_ND_SECURE).
    OwnConnections,
    /// All (IPSEC_POLICY_FLAG_ND_BOUNDARY).
    AllConnections,
}

/// Counters since the start of the system, over all peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateCounters {
    /// Packets that came in clear and had to be protected; they were dropped (`invalidClearTextInbound`).
    pub clear_text_dropped: Option<u64>,
    /// All filters of the state, of IPsec or not. A Windows in use has hundreds.
    pub filters_listed: u64,
    /// Parts of the state that could not be read.
    pub items_unread: u64,
}

impl LogEvent {
    /// What it shows of a host's state; `None` for records of logs, and for SAs.
    #[must_use]
    pub fn state_fact(&self) -> Option<StateFact> {
        if self.channel != SA_STATE {
            return None;
        }
        let text = |name: &str| {
            let found = self.fields.iter().find(|(known, _)| known == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        match self.event_id {
            CONNECTION_UNDER_SA | CONNECTION_WITHOUT_SA => {
                let port = |name| text(name).parse().ok();
                Some(StateFact::Connection(StateConnection {
                    local: text("LocalAddress").parse().ok()?,
                    peer: text("RemoteAddress").parse().ok()?,
                    local_port: port("LocalPort")?,
                    peer_port: port("RemotePort")?,
                    is_under_sa: self.event_id == CONNECTION_UNDER_SA,
                }))
            }
            IPSEC_FILTER_NOW => Some(StateFact::Filter(filter(&text))),
            POLICY_NOW if text("PolicyType").contains("_QM_") => {
                let clear = match (text("NdBoundary"), text("NdSecure")) {
                    ("true", _) => ClearText::AllConnections,
                    (_, "true") => ClearText::OwnConnections,
                    _ => ClearText::Never,
                };
                Some(StateFact::Policy(StatePolicy {
                    key: text("ProviderContextKey").to_owned(),
                    name: text("PolicyName").to_owned(),
                    clear,
                    is_built_in: text("IsBuiltIn") == "true",
                }))
            }
            IPSEC_COUNTERS => Some(StateFact::Counters(StateCounters {
                clear_text_dropped: whole_number(text("invalidClearTextInbound")),
                filters_listed: whole_number(text("FiltersListed")).unwrap_or(0),
                items_unread: whole_number(text("ItemsUnread")).unwrap_or(0),
            })),
            _ => None,
        }
    }
}

impl StateFilter {
    /// Whether it may hand this traffic to IPsec: what is not known of the filter, or of the traffic, excludes nothing.
    #[must_use]
    pub fn may_hold(&self, traffic: &StateTraffic) -> bool {
        self.is_of_version(traffic)
            && self.fits(|condition| match condition {
                Condition::Port { is_local, first, last } => match (traffic.ports, traffic.service)
                {
                    (Some(ports), _) => within(side(*is_local, ports), *first, *last),
                    // The service's port may be on this side; else the other one's is an unregistered port.
                    (None, Some(port)) => within(port, *first, *last) || *last > REGISTERED,
                    (None, None) => true,
                },
                Condition::Protocol(number) => {
                    traffic.protocol.is_none_or(|protocol| protocol == *number)
                }
                Condition::Address { .. } => holds_address(condition, traffic),
            })
    }

    /// Whether it certainly hands this traffic to IPsec: every condition was read, and all fit.
    #[must_use]
    pub fn holds(&self, traffic: &StateTraffic) -> bool {
        !self.is_partly_read
            && self.is_v4.is_some()
            && self.is_of_version(traffic)
            && self.fits(|condition| match condition {
                Condition::Port { is_local, first, last } => {
                    traffic.ports.is_some_and(|ports| within(side(*is_local, ports), *first, *last))
                }
                Condition::Protocol(number) => traffic.protocol == Some(*number),
                Condition::Address { .. } => holds_address(condition, traffic),
            })
    }

    /// Whether it names these two hosts, whatever they send: a filter for everybody is none of theirs.
    #[must_use]
    pub fn names_hosts(&self, traffic: &StateTraffic) -> bool {
        let is_peer =
            |known: &&Condition| matches!(known, Condition::Address { is_local: false, .. });
        let any = StateTraffic { protocol: None, ports: None, service: None, ..*traffic };
        !self.is_partly_read && self.conditions.iter().any(|c| is_peer(&c)) && self.may_hold(&any)
    }

    fn is_of_version(&self, traffic: &StateTraffic) -> bool {
        self.is_v4.is_none_or(|is_v4| is_v4 == traffic.local.is_ipv4())
    }

    /// Of each property that has conditions, one must fit.
    fn fits(&self, fit: impl Fn(&Condition) -> bool) -> bool {
        let property = |condition: &Condition| match condition {
            Condition::Address { is_local, .. } => (0, *is_local),
            Condition::Port { is_local, .. } => (1, *is_local),
            Condition::Protocol(_) => (2, false),
        };
        [(0, true), (0, false), (1, true), (1, false), (2, false)].iter().all(|of| {
            let mut alike =
                self.conditions.iter().filter(|known| property(known) == *of).peekable();
            alike.peek().is_none() || alike.any(&fit)
        })
    }
}

fn holds_address(condition: &Condition, traffic: &StateTraffic) -> bool {
    let Condition::Address { is_local, first, last } = condition else { return false };
    within(side(*is_local, (traffic.local, traffic.peer)), *first, *last)
}

fn side<T>(is_local: bool, (local, peer): (T, T)) -> T {
    if is_local { local } else { peer }
}

fn within<T: PartialOrd>(value: T, first: T, last: T) -> bool {
    first <= value && value <= last
}

fn filter<'t>(text: &impl Fn(&'static str) -> &'t str) -> StateFilter {
    let callout = text("IpsecCallout");
    let is_v4 = match (callout.ends_with("_V4"), callout.ends_with("_V6")) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        (false, false) => None,
    };
    let mut filter = StateFilter {
        name: text("FilterName").to_owned(),
        policy: text("ProviderContextKey").to_owned(),
        is_v4,
        conditions: Vec::new(),
        is_partly_read: false,
    };
    let spelled = text("Conditions");
    for one in spelled.split("; ").filter(|one| !one.is_empty()) {
        match condition(one) {
            Some(Some(known)) => filter.conditions.push(known),
            Some(None) => {}
            None => filter.is_partly_read = true,
        }
    }
    // The reader shows no more than this many.
    filter.is_partly_read |= spelled.matches("; ").count() + 1 >= MOST_CONDITIONS;
    filter
}

/// A condition; `Some(None)` where it is about packets of the host to itself, `None` where it could not be read.
#[expect(clippy::option_option, reason = "read, read and of no account, not read")]
fn condition(text: &str) -> Option<Option<Condition>> {
    let (field, value) = text.split_once(' ')?;
    let is_local = field.contains("LOCAL");
    Some(Some(match field {
        "FLAGS" => return Some(None),
        "IP_LOCAL_ADDRESS" | "IP_REMOTE_ADDRESS" => {
            let (first, last) = addresses(value)?;
            Condition::Address { is_local, first, last }
        }
        "IP_LOCAL_PORT" | "IP_REMOTE_PORT" => {
            let (first, last) = value.split_once('-').unwrap_or((value, value));
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            Condition::Port { is_local, first, last }
        }
        "IP_PROTOCOL" => Condition::Protocol(value.parse().ok()?),
        _ => return None,
    }))
}

/// An address, a range, or a network by its mask or length.
fn addresses(value: &str) -> Option<(IpAddr, IpAddr)> {
    if let Some((first, last)) = value.split_once('-') {
        let (first, last): (IpAddr, IpAddr) = (first.parse().ok()?, last.parse().ok()?);
        return (first.is_ipv4() == last.is_ipv4()).then_some((first, last));
    }
    let Some((address, mask)) = value.split_once('/') else {
        let address = value.parse().ok()?;
        return Some((address, address));
    };
    let length = match mask.parse() {
        Ok(length) => length,
        Err(_) => ipnet::ip_mask_to_prefix(mask.parse().ok()?).ok()?,
    };
    let net = ipnet::IpNet::new(address.parse().ok()?, length).ok()?;
    Some((net.network(), net.broadcast()))
}

/// The highest port that is registered for services of the system; higher ones may be of either side.
const REGISTERED: u16 = 1023;
/// The number of conditions that the reader of states shows of a filter.
const MOST_CONDITIONS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn made(conditions: &str) -> StateFilter {
        filter(&|name: &'static str| match name {
            "Conditions" => conditions,
            "IpsecCallout" => "OUTBOUND_TRANSPORT_V4",
            "FilterName" => "servers",
            _ => "",
        })
    }

    fn traffic(peer: &str, ports: Option<(u16, u16)>, service: Option<u16>) -> StateTraffic {
        let local = "10.0.0.1".parse().unwrap();
        StateTraffic { local, peer: peer.parse().unwrap(), protocol: Some(6), ports, service }
    }

    #[test]
    fn a_filter_holds_what_all_its_conditions_allow() {
        let known = made("IP_REMOTE_ADDRESS 10.1.0.0/255.255.0.0; IP_REMOTE_PORT 445");
        let (smb, http) = (Some((50_000, 445)), Some((50_000, 80)));
        assert!(known.holds(&traffic("10.1.2.3", smb, None)));
        assert!(!known.may_hold(&traffic("10.1.2.3", http, None)));
        assert!(!known.may_hold(&traffic("10.2.2.3", smb, None)));
        assert!(known.names_hosts(&traffic("10.1.2.3", http, None)));
        assert!(!known.names_hosts(&traffic("10.2.2.3", http, None)));
        // Without ports, nothing is certain.
        let by_service = |port| traffic("10.1.2.3", None, port);
        assert!(known.may_hold(&by_service(Some(445))) && !known.holds(&by_service(Some(445))));
        assert!(!known.may_hold(&by_service(Some(80))) && known.may_hold(&by_service(None)));
    }

    #[test]
    fn conditions_on_one_property_are_alternatives() {
        let known =
            made("IP_REMOTE_ADDRESS 10.1.0.1; IP_REMOTE_ADDRESS 10.3.0.0-10.3.0.9; FLAGS x");
        for (peer, holds) in [("10.1.0.1", true), ("10.3.0.9", true), ("10.3.0.10", false)] {
            assert_eq!(known.holds(&traffic(peer, Some((1, 2)), None)), holds, "{peer}");
        }
        assert!(!known.may_hold(&traffic("fe80::1", None, None)));
    }

    #[test]
    fn what_cannot_be_read_excludes_nothing_and_proves_nothing() {
        let known = made("ALE_APP_ID x; IP_REMOTE_ADDRESS 10.1.0.1");
        let held = traffic("10.1.0.1", Some((1, 2)), None);
        assert!(known.may_hold(&held) && !known.holds(&held) && !known.names_hosts(&held));
        assert!(!known.may_hold(&traffic("10.1.0.2", None, None)));
        let all = made("");
        assert!(all.holds(&held) && !all.names_hosts(&held));
    }
}
