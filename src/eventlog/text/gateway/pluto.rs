//! libreswan's messages: `"connection"[instance] peer #serial: message`. IKE SAs and child SAs have serial numbers
//! of one count.
//!
//! Source: the recorded logs of libreswan's tests (testing/pluto) and logs in its issues; both wordings of 4.x and 5.x.

use super::line::Line;
use super::statement::{Remembered, Sa, Statement, between, refusal, spi};
use crate::catalogue::GatewayEvent as Event;
use crate::eventlog::{KeyingModule, Role};
use std::net::IpAddr;

/// What is known of the SAs of one log, by host and serial number.
#[derive(Debug, Default)]
pub(super) struct Pluto {
    sas: Remembered<(String, String), Sa>,
}

impl Pluto {
    /// The statement of a line; `None` where it is not about an SA.
    pub(super) fn state(&mut self, line: &Line<'_>, number: u64) -> Option<Statement> {
        let (instance, serial, message) = parts(line.message)?;
        let key = |serial: &str| (line.host.to_owned(), serial.to_owned());
        // A child SA is between the hosts of the IKE SA that created it.
        let parent =
            between(message, " using #", ";").and_then(|of| self.sas.get(&key(of))).cloned();
        let sa = self.sas.entry(key(serial));
        sa.peer = sa.peer.or(instance);
        if let Some((role, keying, peer)) = begins(message) {
            let peer = peer.or(sa.peer);
            *sa = Sa {
                peer,
                role: Some(role),
                keying: Some(keying),
                begun: Some(number),
                ..Sa::default()
            };
            return None;
        }
        if let Some(rest) = message.strip_prefix("sent IKE_SA_INIT request to ") {
            sa.peer = endpoint(rest).or(sa.peer);
            return None;
        }
        if let Some((inbound, outbound)) = spis(message) {
            let selectors = between(message, "[", "} ").unwrap_or_default();
            let selectors = selectors.rsplit_once("] {").map_or("", |(selectors, _)| selectors);
            let parent = parent.unwrap_or_default();
            *sa = Sa {
                peer: sa.peer.or(parent.peer),
                local: parent.local,
                role: role(message).or(parent.role),
                keying: parent.keying,
                inbound: Some(inbound),
                outbound: Some(outbound),
                selectors: selectors.replace("] -> [", " === "),
                ..Sa::default()
            };
            return Some(Statement { event: Event::ChildUp, sa: sa.clone() });
        }
        if message.contains("established IKE SA;") && role(message).is_some() {
            sa.has_failed = false;
            sa.role = role(message);
            return Some(Statement { event: Event::IkeUp, sa: sa.clone() });
        }
        if message.starts_with("ESP traffic information: ") {
            return sa
                .inbound
                .is_some()
                .then(|| Statement { event: Event::ChildDown, sa: sa.clone() });
        }
        if let Some(rest) = message.strip_prefix("deleting IKE SA (") {
            let was_up =
                rest.starts_with("established IKE SA") || rest.starts_with("ESTABLISHED_IKE_SA");
            let sa = self.sas.remove(&key(serial)).unwrap_or_default();
            return was_up.then_some(Statement { event: Event::IkeDown, sa });
        }
        Statement::failure(failure(message)?, sa)
    }
}

/// The peer of a connection's instance, the serial number, and the message.
fn parts(text: &str) -> Option<(Option<IpAddr>, &str, &str)> {
    let (_, rest) = text.strip_prefix('"')?.split_once('"')?;
    let (head, message) = rest.split_once(": ")?;
    let (instance, serial) = head.rsplit_once('#')?;
    let is_serial = !serial.is_empty() && serial.bytes().all(|byte| byte.is_ascii_digit());
    let peer = instance.split_whitespace().next_back();
    let peer = peer.and_then(|peer| peer.trim_start_matches("...").parse().ok());
    is_serial.then_some((peer, serial, message))
}

fn begins(message: &str) -> Option<(Role, KeyingModule, Option<IpAddr>)> {
    if let Some(rest) = message.strip_prefix("initiating IKEv") {
        let keying = if rest.starts_with('2') { KeyingModule::IkeV2 } else { KeyingModule::IkeV1 };
        let peer = between(rest, " to ", " ").and_then(|peer| peer.parse().ok());
        return Some((Role::Initiator, keying, peer));
    }
    let rest = message.strip_prefix("processed IKE_SA_INIT request from ")?;
    Some((Role::Responder, KeyingModule::IkeV2, endpoint(rest)))
}

/// The address of `192.0.2.1:UDP/500` or `[2001:db8::1]:UDP/500`.
fn endpoint(text: &str) -> Option<IpAddr> {
    let (address, _) = text.split_once(":UDP/").or_else(|| text.split_once(":TCP/"))?;
    address.trim_matches(['[', ']']).parse().ok()
}

fn role(message: &str) -> Option<Role> {
    match message.split(' ').next()? {
        "initiator" => Some(Role::Initiator),
        "responder" => Some(Role::Responder),
        _ => None,
    }
}

/// The SPIs of `{ESP/ESN=>0xaabbccdd <0xca622d51 …`: the one under which this host receives, and the one under
/// which it sends.
fn spis(message: &str) -> Option<(u32, u32)> {
    let is_up = message.contains("established Child SA ") || message.contains("rekeyed Child SA ");
    let (_, rest) = message.split_once('{').filter(|_| is_up)?;
    let outbound = between(rest, "=>0x", " ").and_then(spi)?;
    let inbound = rest.split_once("<0x")?.1.split([' ', '}']).next().and_then(spi)?;
    Some((inbound, outbound))
}

/// Why a negotiation failed, where the message says so.
fn failure(message: &str) -> Option<Event> {
    let refused = REFUSALS.iter().find_map(|(words, or_else)| {
        let (_, name) = message.split_once(words)?;
        Some(refusal(name.split([' ', ',', ';']).next()?, *or_else))
    });
    let by_words = || FAILURES.iter().find(|row| message.contains(row.0)).map(|row| row.1);
    refused.or_else(by_words)
}

/// Words followed by the name of a notification.
const REFUSALS: &[(&str, Event)] = &[
    ("request rejected by peer: ", Event::OtherFailure),
    ("response rejected Child SA with ", Event::ChildRefused),
    ("CREATE_CHILD_SA failed with error notification ", Event::ChildRefused),
    (" with encrypted notification ", Event::OtherFailure),
    (" with unencrypted notification ", Event::OtherFailure),
];

const FAILURES: &[(&str, Event)] = &[
    (" second timeout exceeded after ", Event::NoResponse),
    ("X509: authentication failed", Event::Certificate),
    ("no local proposal matches remote proposals", Event::NoProposal),
    ("No IKEv2 connection found with compatible Traffic Selectors", Event::Selectors),
];
