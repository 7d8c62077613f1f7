//! What ipsec.conf and swanctl.conf have in common: hosts, traffic selectors, modes, algorithms.
//!
//! Knows neither file's syntax.

use super::draft::{Draft, DraftRule, Party, Ports, Selector, addresses};
use super::rule_fault::RuleFault;
use crate::policy::protocols::protocol_numbered_or_named;
use crate::policy::{Action, Level};

/// A connection of two sides, local first.
pub(super) struct Connection {
    pub(super) line: usize,
    /// With its kind: `conn "a"`.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) level: Level,
    /// Its kernel policy exists before a negotiation begins.
    pub(super) traps: bool,
    pub(super) ends: [End; 2],
    pub(super) remarks: Vec<String>,
    /// Why no protection is required although it protects.
    pub(super) lets_pass: Option<String>,
}

/// What happens to its traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tunnel,
    Transport,
    Pass,
    Drop,
}

/// One side.
pub(super) struct End {
    pub(super) host: Host,
    /// Traffic selectors as written; none for the host itself.
    pub(super) selectors: Vec<String>,
    /// `protocol/port` for all of them.
    pub(super) protoport: Option<String>,
}

/// The host of a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// The computer the file is from.
    Me,
    /// Any address that connects.
    AnyPeer,
    /// These.
    Known(Vec<Party>),
    /// A name, or anything else that is no address.
    Named(String),
}

impl Host {
    /// A list of addresses, networks and ranges; `any` is used where no address is given.
    pub(super) fn parse(text: &str, any: Self) -> Self {
        let mut parties = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if matches!(part, "%any" | "%any4" | "%any6" | "0.0.0.0" | "::" | "0.0.0.0/0" | "::/0")
            {
                return any;
            }
            if part.starts_with("%default") {
                return Self::Me;
            }
            match addresses(part.trim_start_matches('%')) {
                Some(found) => parties.extend(found),
                None => return Self::Named(part.to_owned()),
            }
        }
        if parties.is_empty() { any } else { Self::Known(parties) }
    }
}

/// Addresses, a protocol and ports of one side.
struct Traffic {
    parties: Vec<Party>,
    protocol: Option<u8>,
    ports: Ports,
}

/// Hands a connection's rules on, or reports why there are none.
pub(super) fn push(connection: Connection, draft: &mut Draft<'_>) {
    let Connection { line, name, kind, level, ends: [local, remote], .. } = &connection;
    let line = Some(*line);
    let mut remarks = connection.remarks.clone();
    let action = match (kind, &connection.lets_pass) {
        (Kind::Drop, _) => {
            let why = "it blocks its traffic, which a policy cannot express; other rules judge it";
            return draft.note(line, format!("{name}: not translated: {why}"));
        }
        (Kind::Pass, _) => Action::Exempt,
        (Kind::Tunnel | Kind::Transport, Some(why)) => {
            remarks.push(why.clone());
            Action::Exempt
        }
        (Kind::Tunnel | Kind::Transport, None) => Action::Protect(*level),
    };
    let is_gateway = !(local.selectors.is_empty() && remote.selectors.is_empty());
    if *kind == Kind::Tunnel && is_gateway {
        remarks.push("a tunnel: behind its ends, clear packets are not a leak".to_owned());
    }
    let both = traffic(local, &connection)
        .and_then(|local| traffic(remote, &connection).map(|remote| (local, remote)));
    let (locals, remotes) = match both {
        Ok(both) => both,
        Err(why) => return draft.lost(line, name, action, &why),
    };
    if locals.len().saturating_mul(remotes.len()) > MOST_PAIRS {
        return draft.lost(line, name, action, &RuleFault::TooManySelectors);
    }
    for (local, remote) in locals.iter().flat_map(|l| remotes.iter().map(move |r| (l, r))) {
        let protocol = match (local.protocol, remote.protocol) {
            (Some(one), Some(other)) if one != other => {
                // The two never match the same packet.
                draft.lost(line, name, action, &RuleFault::DifferentProtocols);
                continue;
            }
            (one, other) => one.or(other),
        };
        draft.rule(DraftRule {
            line,
            name: name.clone(),
            action,
            goes_first: *kind == Kind::Pass,
            selector: Selector {
                sides: [local.parties.clone(), remote.parties.clone()],
                protocol,
                ports: [local.ports, remote.ports],
            },
            opened_by: None,
            remarks: remarks.clone(),
        });
    }
}

fn traffic(end: &End, connection: &Connection) -> Result<Vec<Traffic>, RuleFault> {
    let (protocol, ports) = match &end.protoport {
        None => (None, Ports::Any),
        Some(text) => protoport(text)?,
    };
    let own = || -> Result<Traffic, RuleFault> {
        let parties = match &end.host {
            Host::Me => vec![Party::Me],
            Host::Known(parties) => parties.clone(),
            Host::AnyPeer => match connection.kind {
                Kind::Pass => vec![Party::Any],
                Kind::Transport if connection.traps => vec![Party::Any],
                Kind::Transport | Kind::Tunnel | Kind::Drop => {
                    return Err(RuleFault::AnyPeer);
                }
            },
            Host::Named(name) => return Err(RuleFault::NotAnAddress(name.clone())),
        };
        Ok(Traffic { parties, protocol, ports })
    };
    if end.selectors.is_empty() {
        return Ok(vec![own()?]);
    }
    let each = end.selectors.iter().map(|selector| {
        let (address, special) = match selector.split_once('[') {
            Some((address, rest)) => (address.trim(), Some(rest.trim_end_matches(']'))),
            None => (selector.trim(), None),
        };
        let (protocol, ports) = match special {
            Some(text) => protoport(text)?,
            None => (protocol, ports),
        };
        if matches!(address, "dynamic" | "%dynamic") {
            return own().map(|own| Traffic { parties: own.parties, protocol, ports });
        }
        let parties =
            addresses(address).ok_or_else(|| RuleFault::SelectorNotANetwork(address.to_owned()))?;
        let is_all = |party: &Party| match party {
            Party::Any => true,
            Party::Me => false,
            Party::Net(net) => net.prefix_len() == 0,
        };
        if end.host == Host::AnyPeer && connection.kind != Kind::Pass && parties.iter().any(is_all)
        {
            return Err(RuleFault::AnyPeer);
        }
        Ok(Traffic { parties, protocol, ports })
    });
    each.collect()
}

/// `tcp/445`, `17/1701`, `udp`, `6/%any`, `tcp/1024-65535`.
fn protoport(text: &str) -> Result<(Option<u8>, Ports), RuleFault> {
    let (protocol, port) = match text.split_once('/') {
        Some((protocol, port)) => (protocol.trim(), port.trim()),
        None => (text.trim(), "%any"),
    };
    let protocol = match protocol {
        "" | "%any" | "any" | "0" => None,
        name => {
            let number = protocol_numbered_or_named(name);
            Some(number.ok_or_else(|| RuleFault::UnknownProtocol(name.to_owned()))?)
        }
    };
    let number = |text: &str| text.trim().parse::<u16>();
    let ports = match port {
        "" | "%any" | "any" | "0" => Ports::Any,
        range => {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (Ok(first), Ok(last)) = (number(first), number(last)) else {
                return Err(RuleFault::PortNotANumber(range.to_owned()));
            };
            Ports::Range(first, last)
        }
    };
    Ok((protocol, ports))
}

/// The level that the proposals of ESP and AH give; strongSwan encrypts where none are written.
pub(super) fn level(esp: Option<&str>, ah: Option<&str>) -> Level {
    let names_null = esp.is_some_and(|esp| esp.to_ascii_lowercase().contains("null"));
    if names_null || (ah.is_some() && esp.is_none()) { Level::Authenticate } else { Level::Encrypt }
}

/// Pairs of traffic selectors that one connection may have.
const MOST_PAIRS: usize = 256;
