//! strongSwan's messages, with the IKE SA that each is about.
//!
//! An IKE SA is known by its number, which is in front of a message or in it. Where it is in neither, the
//! message is about the packet that the same thread received or sent last.
//!
//! Source: the messages in strongSwan's src/libcharon (sa/ikev1, sa/ikev2, sa/ike_sa.c, sa/child_sa.c), level
//! 1.

use super::line::Line;
use super::statement::{Remembered, Sa, Statement, between, refusal, spi};
use crate::catalogue::GatewayEvent as Event;
use crate::eventlog::{KeyingModule, Role};
use std::net::IpAddr;

/// What is known of the SAs of one log.
#[derive(Debug, Default)]
pub(super) struct Charon {
    /// By host, and the number of the SA or the thread.
    sas: Remembered<(String, Of), Sa>,
    /// Child SAs by host and number.
    children: Remembered<(String, String), Sa>,
    /// The same by host and the SPI under which the peer receives.
    by_outbound: Remembered<(String, u32), Sa>,
}

/// The key of an SA.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Number(String),
    Thread(String),
}

impl Charon {
    /// Forgets the SAs of a host: a daemon that starts counts them anew.
    fn forget(&mut self, host: &str) {
        let begin = || host.to_owned();
        self.sas.forget(&(begin(), Of::Number(String::new())), |(of, _)| of == host);
        self.children.forget(&(begin(), String::new()), |(of, _)| of == host);
        self.by_outbound.forget(&(begin(), 0), |(of, _)| of == host);
    }

    /// The statement of a line; `None` where it is not about an SA.
    pub(super) fn state(&mut self, line: &Line<'_>, number: u64) -> Option<Statement> {
        let message = line.message;
        let named =
            ike_sa(message).map(|(number, _)| number).or(Some(line.sa).filter(|sa| !sa.is_empty()));
        let of = match named {
            Some(number) => Of::Number(number.to_owned()),
            None => Of::Thread(line.thread.to_owned()),
        };
        let host = line.host.to_owned();
        if message.starts_with(STARTS) {
            self.forget(&host);
        }
        let sa = self.sas.entry((host.clone(), of));
        if let Some((role, peer, keying)) = begins(message) {
            let local = sa.local.filter(|_| role == Role::Responder);
            *sa = Sa {
                local,
                peer: Some(peer),
                role: Some(role),
                keying: Some(keying),
                begun: Some(number),
                ..Sa::default()
            };
            return None;
        }
        if let Some((local, peer)) = packet(message) {
            (sa.local, sa.peer) = (Some(local), Some(peer));
            return None;
        }
        if ANEW.iter().any(|start| message.starts_with(start)) {
            sa.has_failed = false;
            return None;
        }
        if let Some(event) = failure(message) {
            return Statement::failure(event, sa);
        }
        if message.starts_with("IKE_SA ") && message.contains(" established between ") {
            (sa.local, sa.peer) = ends(message).unwrap_or((sa.local, sa.peer));
            sa.has_failed = false;
            return Some(Statement { event: Event::IkeUp, sa: sa.clone() });
        }
        if message.starts_with("received DELETE for IKE_SA ") {
            sa.is_deleted_by_peer = true;
            return Some(Statement { event: Event::IkeDeletedByPeer, sa: sa.clone() });
        }
        if message.starts_with("deleting IKE_SA ") {
            (sa.local, sa.peer) = ends(message).unwrap_or((sa.local, sa.peer));
            let sa = sa.clone();
            let is_reported = sa.is_deleted_by_peer;
            return (!is_reported).then_some(Statement { event: Event::IkeDown, sa });
        }
        let sa = sa.clone();
        self.child(message, host, sa)
    }

    /// The statement of a message about a child SA of this IKE SA.
    fn child(&mut self, message: &str, host: String, ike: Sa) -> Option<Statement> {
        if let Some(outbound) = message.strip_prefix("received DELETE for ESP CHILD_SA with SPI ") {
            let outbound = spi(outbound.trim())?;
            let child = self.by_outbound.entry((host, outbound));
            if child.outbound.is_none() {
                *child = Sa { outbound: Some(outbound), ..ike };
            }
            child.is_deleted_by_peer = true;
            return Some(Statement { event: Event::ChildDeletedByPeer, sa: child.clone() });
        }
        let (_, rest) = message.split_once("CHILD_SA ")?;
        let number = between(rest, "{", "}")?.to_owned();
        let key = (host, number);
        let inbound = between(message, "with SPIs ", "_i").and_then(spi);
        let outbound = message.split("_o").next().and_then(|text| text.split(' ').next_back());
        let outbound = outbound.and_then(spi).filter(|_| inbound.is_some());
        let selectors = between(message, " and TS ", "\n").unwrap_or_default().trim().to_owned();
        let sa = Sa { inbound, outbound, selectors, ..ike };
        if message.starts_with("closing CHILD_SA ") {
            let known = self.children.remove(&key);
            let is_reported = outbound
                .and_then(|outbound| self.by_outbound.remove(&(key.0, outbound)))
                .is_some_and(|child| child.is_deleted_by_peer);
            // The packet that a thread handled last may belong to another SA.
            let (local, peer) =
                known.map_or((sa.local, sa.peer), |known| (known.local, known.peer));
            let sa = Sa { local, peer, ..sa };
            return (!is_reported).then_some(Statement { event: Event::ChildDown, sa });
        }
        if !message.contains(" established with SPIs ") {
            return None;
        }
        // A child SA may be established in two steps, with a message for each.
        let is_reported = self.children.get(&key).is_some_and(|known| known.inbound == inbound);
        if let Some(outbound) = outbound {
            self.by_outbound.entry((key.0.clone(), outbound)).clone_from(&sa);
        }
        self.children.entry(key).clone_from(&sa);
        (!is_reported).then_some(Statement { event: Event::ChildUp, sa })
    }
}

/// The number of the IKE SA that a message names, `IKE_SA tun[3]`, and what follows it.
fn ike_sa(message: &str) -> Option<(&str, &str)> {
    let (_, rest) = message.split_once("IKE_SA ")?;
    let (name, rest) = rest.split_once('[')?;
    let (number, rest) = rest.split_once(']')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && !name.contains(' ') && !name.ends_with("CHILD_")).then_some((number, rest))
}

/// Whether a negotiation begins: this host's part, the peer, the protocol.
fn begins(message: &str) -> Option<(Role, IpAddr, KeyingModule)> {
    let is_v1 = message.contains("Main Mode") || message.contains("Aggressive Mode");
    let keying = if is_v1 { KeyingModule::IkeV1 } else { KeyingModule::IkeV2 };
    if let Some(rest) = message.strip_prefix("initiating ") {
        let peer = rest.contains("IKE_SA ").then(|| rest.rsplit(" to ").next())??;
        return Some((Role::Initiator, peer.trim().parse().ok()?, keying));
    }
    let (peer, rest) = message.split_once(" is initiating ")?;
    let peer = peer.trim().parse().ok()?;
    rest.contains("IKE_SA").then_some((Role::Responder, peer, keying))
}

/// The host's own address and the peer's, of a packet that was sent or received.
fn packet(message: &str) -> Option<(IpAddr, IpAddr)> {
    let (is_sent, rest) = match message.strip_prefix("sending packet: from ") {
        Some(rest) => (true, rest),
        None => (false, message.strip_prefix("received packet: from ")?),
    };
    let (from, to) = rest.split_once(" to ")?;
    let address = |text: &str| text.split('[').next()?.trim().parse::<IpAddr>().ok();
    let (from, to) = (address(from)?, address(to)?);
    Some(if is_sent { (from, to) } else { (to, from) })
}

/// The two ends of `… between A[id]...B[id]`.
fn ends(message: &str) -> Option<(Option<IpAddr>, Option<IpAddr>)> {
    let (one, other) = message.split_once(" between ")?.1.split_once("...")?;
    let address = |text: &str| text.split('[').next()?.trim().parse::<IpAddr>().ok();
    Some((Some(address(one)?), Some(address(other)?)))
}

/// Why a negotiation failed, where the message says so.
fn failure(message: &str) -> Option<Event> {
    if let Some(rest) = message.strip_prefix("received ") {
        let (name, rest) = rest.split_once(' ')?;
        return match rest {
            "notify error" | "error notify" => Some(refusal(name, Event::OtherFailure)),
            "notify, no CHILD_SA built" => Some(refusal(name, Event::ChildRefused)),
            _ => None,
        };
    }
    if message.starts_with("tried ") && message.contains(", but MAC mismatched") {
        return Some(Event::SharedKey);
    }
    if message.starts_with("traffic selectors ") && message.contains(" unacceptable") {
        return Some(Event::Selectors);
    }
    FAILURES.iter().find(|row| message.starts_with(row.0)).map(|row| row.1)
}

const FAILURES: &[(&str, Event)] = &[
    ("giving up after ", Event::NoResponse),
    ("establishing IKE_SA failed, peer not responding", Event::NoResponse),
    ("no shared key found for ", Event::Authentication),
    ("no acceptable proposal found", Event::NoProposal),
    ("no proposal found", Event::NoProposal),
    ("no matching proposal found, sending ", Event::NoProposal),
    ("no acceptable traffic selectors found", Event::Selectors),
    ("no matching CHILD_SA config found for ", Event::Selectors),
    ("no IKE config found for ", Event::NoConfiguration),
    ("no peer config found", Event::NoConfiguration),
    ("no alternative config found", Event::NoConfiguration),
];

/// The first message of a daemon that starts (src/charon, src/charon-systemd).
const STARTS: &str = "Starting IKE";
/// The messages that begin the negotiation of another child SA.
const ANEW: &[&str] =
    &["establishing CHILD_SA ", "parsed CREATE_CHILD_SA request ", "parsed QUICK_MODE request "];
