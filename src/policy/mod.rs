//! What should have been protected: rules, and what they require of a pair.
//!
//! Looks at addresses, protocols and ports; never at packets. What is inferred without a policy is gathered
//! elsewhere and only named here.

mod exemptions;

mod index;

mod parse;

mod protocols;

mod words;

mod write;

mod import;

pub use exemptions::{DefaultExemptions, NoDefaultExempt};
pub use import::{ImportError, ImportNote, Imported, SourceFormat, import};
pub use parse::{PolicyError, parse};
pub use words::{AskedPacket, Fit, PacketError, Trace};
pub use write::{PolicyText, WrittenRule};

use crate::hosts::HostPair;
use index::Index;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

/// How strong protection has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// AH and ESP with NULL encryption are enough.
    Authenticate,
    /// Only ESP that encrypts.
    Encrypt,
}

/// What had to be protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expectation {
    /// Nothing is known to be required.
    None,
    /// One host asked for IPsec and did not get it; nothing proves that it was required.
    Attempted,
    /// It may be unprotected.
    Exempt,
    /// It must be protected.
    Required(Level),
}

impl Expectation {
    /// The expectation as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Attempted => "attempted",
            Self::Exempt => "exempt",
            Self::Required(_) => "required",
        }
    }
}

/// What an expectation was inferred from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InferredFrom {
    /// ESP between the two.
    Esp,
    /// AH between the two.
    Ah,
    /// A negotiation on the wire that came to a security association for traffic.
    Ike,
    /// A log's record of such a security association, or of clear text that the host's policy dropped.
    Log,
    /// Each of the two hosts asked the other for IPsec.
    BothInitiate,
    /// Negotiations on the wire that failed.
    Attempt,
    /// Log records of such negotiations.
    LoggedAttempt,
    /// Packets with the header of ESP, without other evidence that they are ESP.
    UncorroboratedEsp,
}

impl InferredFrom {
    /// Whether it shows IPsec that was in force, and not only a request for it.
    #[must_use]
    pub const fn is_in_force(self) -> bool {
        match self {
            Self::Esp | Self::Ah | Self::Ike | Self::Log => true,
            Self::BothInitiate | Self::Attempt | Self::LoggedAttempt | Self::UncorroboratedEsp => {
                false
            }
        }
    }

    /// The source as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Esp => "esp",
            Self::Ah => "ah",
            Self::Ike => "ike",
            Self::Log => "log",
            Self::BothInitiate => "both_initiate",
            Self::Attempt => "ike_attempt",
            Self::LoggedAttempt => "logged_attempt",
            Self::UncorroboratedEsp => "uncorroborated_esp",
        }
    }
}

/// Where an expectation comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExpectationSource {
    /// No rule names it and nothing was inferred.
    None,
    /// A rule of the policy file, by its line.
    PolicyFile {
        /// The line at which the rule begins, from 1.
        line: usize,
    },
    /// `--protect`, as it was typed.
    ProtectOption(String),
    /// The system exempts it by default.
    DefaultExemption(&'static str),
    /// The evidence shows IPsec between the two.
    Inferred(BTreeSet<InferredFrom>),
}

/// In words, for the report.
impl fmt::Display for ExpectationSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::PolicyFile { line } => write!(f, "policy line {line}"),
            Self::ProtectOption(text) => write!(f, "--protect {text}"),
            Self::DefaultExemption(system) => write!(f, "default exemption of {system}"),
            Self::Inferred(from) => {
                let from: Vec<_> = from.iter().map(|f| f.as_str()).collect();
                write!(f, "inferred from {}", from.join(", "))
            }
        }
    }
}

/// One side of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// Any address.
    Any,
    /// Any of these networks; a single host is a network of one.
    Nets(Vec<IpNet>),
}

impl Side {
    fn contains(&self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Nets(nets) => nets.iter().any(|net| net.contains(&address)),
        }
    }
}

/// The action of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The traffic must be protected.
    Protect(Level),
    /// The traffic may be unprotected.
    Exempt,
}

/// One of the two sides of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SideOf {
    /// The one that is named first.
    First,
    /// The other.
    Second,
}

/// One rule; the sides have no order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its action.
    pub action: Action,
    /// Its two sides.
    pub between: [Side; 2],
    /// The IP protocol that it names; `None` for all.
    pub protocol: Option<u8>,
    /// The port that it names; `None` for all.
    pub port: Option<u16>,
    /// Who opens the connections that it matches; `None` for all.
    pub opened_by: Option<SideOf>,
    /// Where it is.
    pub source: ExpectationSource,
}

impl Rule {
    /// Whether the rule matches any of the pair's traffic.
    #[must_use]
    pub fn covers(&self, pair: HostPair) -> bool {
        let [one, other] = &self.between;
        (one.contains(pair.a()) && other.contains(pair.b()))
            || (one.contains(pair.b()) && other.contains(pair.a()))
    }

    /// Whether it matches such traffic of the hosts that it covers.
    fn takes(&self, protocol: u8, port: Option<u16>) -> bool {
        self.protocol.is_none_or(|p| p == protocol) && self.port.is_none_or(|p| Some(p) == port)
    }

    /// Whether it matches the connections of a pair that `opener` opened. Where the opener is unknown, a rule
    /// for one direction requires nothing, but it may exempt the connection.
    fn takes_opened_by(&self, pair: HostPair, opener: Option<IpAddr>) -> bool {
        let [one, other] = &self.between;
        let (from, to) = match self.opened_by {
            None => return true,
            Some(SideOf::First) => (one, other),
            Some(SideOf::Second) => (other, one),
        };
        match opener {
            None => self.action == Action::Exempt,
            Some(opener) if opener == pair.a() => from.contains(pair.a()) && to.contains(pair.b()),
            Some(_) => from.contains(pair.b()) && to.contains(pair.a()),
        }
    }

    const fn expectation(&self) -> Expectation {
        match self.action {
            Action::Protect(level) => Expectation::Required(level),
            Action::Exempt => Expectation::Exempt,
        }
    }
}

/// A host's name and its addresses.
pub type NamedHost = (String, Vec<IpAddr>);

/// A policy: the first rule that matches decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// What the system exempts by default.
    pub exemptions: DefaultExemptions,
    /// Names for addresses.
    pub hosts: Vec<NamedHost>,
    /// In order.
    pub rules: Vec<Rule>,
    /// It was given as a file, so that traffic it leaves out needs no protection.
    pub from_file: bool,
    index: Index,
}

impl Policy {
    /// Adds a rule of `--protect`.
    pub fn protect(&mut self, one: IpNet, other: IpNet, typed: &str) {
        self.rules.push(Rule {
            action: Action::Protect(Level::Encrypt),
            between: [Side::Nets(vec![one]), Side::Nets(vec![other])],
            protocol: None,
            port: None,
            opened_by: None,
            source: ExpectationSource::ProtectOption(typed.to_owned()),
        });
        self.index = Index::default();
    }

    /// The indices of the rules that match any of a pair's traffic, in order.
    #[must_use]
    pub fn covering(&self, pair: HostPair) -> Vec<usize> {
        self.index.covering(&self.rules, pair)
    }

    fn rules_of(&self, pair: HostPair) -> impl Iterator<Item = &Rule> {
        self.covering(pair).into_iter().filter_map(|at| self.rules.get(at))
    }

    /// Whether expectations are inferred for pairs that no rule names.
    #[must_use]
    pub const fn infers(&self) -> bool {
        !self.from_file
    }

    /// Whether a rule for the pair matches only connections that one of the two opens.
    #[must_use]
    pub fn is_directed(&self, pair: HostPair) -> bool {
        self.rules_of(pair).any(|rule| rule.opened_by.is_some())
    }

    /// What one kind of a pair's traffic requires, where `opener` is known to have opened its connection.
    #[must_use]
    pub fn of_traffic(
        &self,
        (pair, opener): (HostPair, Option<IpAddr>),
        protocol: u8,
        port: Option<u16>,
    ) -> (Expectation, ExpectationSource) {
        // A default exemption yields only to a rule that names the traffic.
        if self.exemptions.let_through(protocol, port) {
            let named = self.by_name((pair, opener), protocol, port);
            return match named.1 {
                ExpectationSource::None => {
                    let system = ExpectationSource::DefaultExemption(self.exemptions.label());
                    (Expectation::Exempt, system)
                }
                _ => named,
            };
        }
        let mut rules = self.rules_of(pair).filter(|rule| rule.takes_opened_by(pair, opener));
        decided(rules.find(|rule| rule.takes(protocol, port)))
    }

    /// The requirement of a rule that names an exempted kind of traffic: its protocol, and its port where the
    /// kind has one. A rule for all traffic, and `--protect`, do not change what is exempt.
    #[must_use]
    pub fn by_name(
        &self,
        (pair, opener): (HostPair, Option<IpAddr>),
        protocol: u8,
        port: Option<u16>,
    ) -> (Expectation, ExpectationSource) {
        let names =
            |rule: &&Rule| rule.protocol.is_some() && (port.is_none() || rule.port.is_some());
        let rules = self.rules_of(pair).filter(|rule| rule.takes_opened_by(pair, opener));
        let mut rules = rules.filter(names);
        decided(rules.find(|rule| rule.takes(protocol, port)))
    }

    /// Whether the rule that decides a service names its protocol, and not all traffic.
    #[must_use]
    pub fn names(&self, pair: HostPair, protocol: u8, port: Option<u16>) -> bool {
        let rule = self.rules_of(pair).find(|rule| rule.takes(protocol, port));
        rule.is_some_and(|rule| rule.protocol.is_some())
    }

    /// The strictest requirement on any of a pair's traffic.
    #[must_use]
    pub fn of_pair(&self, pair: HostPair) -> (Expectation, ExpectationSource) {
        strictest(self.rules_of(pair))
    }

    /// The same for the connections that each of the two opens, the lower address first; `None` where no rule
    /// distinguishes them.
    #[must_use]
    pub fn by_direction(&self, pair: HostPair) -> Option<[(Expectation, ExpectationSource); 2]> {
        let of = |opener| {
            let rules = self.rules_of(pair);
            strictest(rules.filter(|rule| rule.takes_opened_by(pair, Some(opener))))
        };
        let both = [of(pair.a()), of(pair.b())];
        (self.is_directed(pair) && both[0].0 != both[1].0).then_some(both)
    }

    /// The last address of every IPv4 network that a rule names: its broadcast address (RFC 919). Networks of
    /// two addresses (RFC 3021) and of one have none.
    #[must_use]
    pub fn last_addresses(&self) -> BTreeSet<IpAddr> {
        let nets = self.rules.iter().flat_map(|rule| &rule.between).flat_map(|side| match side {
            Side::Any => &[],
            Side::Nets(nets) => nets.as_slice(),
        });
        let last = nets.filter_map(|net| match net {
            IpNet::V4(net) if net.prefix_len() <= 30 => Some(IpAddr::V4(net.broadcast())),
            IpNet::V4(_) | IpNet::V6(_) => None,
        });
        last.collect()
    }

    /// Every port the rules or the default exemptions name, by protocol.
    #[must_use]
    pub fn named_ports(&self) -> BTreeSet<(u8, u16)> {
        let of_rules = self.rules.iter().filter_map(|rule| rule.protocol.zip(rule.port));
        of_rules.chain(self.exemptions.ports()).collect()
    }
}

/// The strictest requirement on any traffic under these rules.
fn strictest<'r>(rules: impl Iterator<Item = &'r Rule>) -> (Expectation, ExpectationSource) {
    let mut strictest = (Expectation::None, ExpectationSource::None);
    for rule in rules {
        if rule.expectation() > strictest.0 {
            strictest = (rule.expectation(), rule.source.clone());
        }
        // No rule applies after one for all of the pair's traffic. A rule for one direction decides only that
        // direction, so where both are considered later rules apply too.
        if rule.protocol.is_none() && rule.port.is_none() && rule.opened_by.is_none() {
            break;
        }
    }
    strictest
}

fn decided(rule: Option<&Rule>) -> (Expectation, ExpectationSource) {
    rule.map_or((Expectation::None, ExpectationSource::None), |rule| {
        (rule.expectation(), rule.source.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(a: &str, b: &str) -> HostPair {
        HostPair::new(a.parse().unwrap(), b.parse().unwrap())
    }

    const POLICY: &str = r#"
[[exempt]]
between = ["any", "10.0.0.53"]
protocol = "udp"
port = 53

[[protect]]
between = ["10.0.0.0/24", "10.0.1.0/24"]
level = "encrypt"

[[protect]]
between = ["10.0.0.5", "10.0.9.9"]
protocol = "tcp"
port = 445
"#;

    #[test]
    fn the_first_rule_that_matches_decides() {
        let policy = parse(POLICY).unwrap();
        let dns = policy.of_traffic((pair("10.0.1.1", "10.0.0.53"), None), 17, Some(53));
        assert_eq!(dns.0, Expectation::Exempt);
        let smb = policy.of_traffic((pair("10.0.1.1", "10.0.0.53"), None), 6, Some(445));
        assert_eq!(smb.0, Expectation::Required(Level::Encrypt));
        assert_eq!(smb.1, ExpectationSource::PolicyFile { line: 7 });
    }

    #[test]
    fn a_rule_for_a_port_leaves_the_other_ports_alone() {
        let policy = parse(POLICY).unwrap();
        let pair = pair("10.0.9.9", "10.0.0.5");
        assert_eq!(policy.of_traffic((pair, None), 6, Some(80)).0, Expectation::None);
        assert_eq!(policy.of_pair(pair).0, Expectation::Required(Level::Encrypt));
        assert!(policy.named_ports().contains(&(6, 445)));
    }

    #[test]
    fn windows_2000_lets_kerberos_through() {
        let policy = parse("default_exemptions = \"windows-2000\"\n").unwrap();
        let kerberos = policy.of_traffic((pair("10.0.0.1", "10.0.0.2"), None), 6, Some(88));
        assert_eq!(kerberos.0, Expectation::Exempt);
        assert_eq!(kerberos.1.to_string(), "default exemption of windows-2000");
    }
}
