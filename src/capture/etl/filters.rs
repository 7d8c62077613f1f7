//! What a session was set to capture, and what of its drivers did not start: what does not match was not captured.
//!
//! Source: manifests of both providers.

use super::text::text;
use crate::capture::fields::{field, u16_at, u32_at};
use crate::evidence::TraceFailure;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Filters and failures in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Filters {
    shown: Vec<String>,
    more: u64,
    has_rules: bool,
    failures: Vec<(TraceFailure, u32)>,
}

impl Filters {
    /// Takes an event of NDIS-PacketCapture that holds no packet.
    pub(super) fn of_ndis(&mut self, id: u16, data: &[u8]) {
        match id {
            1011 => self.has_rules |= u32_at(data, 0) != Some(0),
            1016 => {
                self.has_rules = true;
                self.shown.extend(rule(data).filter(|_| self.shown.len() < MOST));
            }
            2001 => self.fails(TraceFailure::Driver, data),
            2002 => self.fails(TraceFailure::Layer, data),
            2003 => self.fails(TraceFailure::Rule, data),
            _ => {}
        }
    }

    /// Takes an event of PktMon that holds no packet.
    pub(super) fn of_pktmon(&mut self, id: u16, data: &[u8]) {
        if !matches!(id, 100 | 110) {
            return;
        }
        self.has_rules = true;
        if self.shown.len() < MOST {
            self.shown.push(filter(id, data).unwrap_or_else(|| "a filter".to_owned()));
        } else {
            self.more += 1;
        }
    }

    fn fails(&mut self, failure: TraceFailure, data: &[u8]) {
        if self.failures.len() < MOST {
            self.failures.push((failure, u32_at(data, 0).unwrap_or_default()));
        }
    }

    /// What was set, in words.
    pub(super) fn shown(&self) -> impl Iterator<Item = String> {
        let general = "filters were set; traffic that they do not match was not captured";
        let more = (self.more > 0).then(|| format!("{} more filters", self.more));
        let first = self.has_rules.then(|| general.to_owned());
        first.into_iter().chain(self.shown.iter().cloned()).chain(more)
    }

    /// What did not start, and the error codes.
    pub(super) fn failures(&self) -> impl Iterator<Item = (TraceFailure, u32)> {
        self.failures.iter().copied()
    }
}

/// A rule of NDIS-PacketCapture: number, directive, length, value.
fn rule(data: &[u8]) -> Option<String> {
    let (number, directive) = (data.first()?, data.get(1)?);
    let length = usize::from(u16_at(data, 2)?);
    let value = data.get(4..)?.get(..length)?;
    if *number == TRUNCATION {
        let bytes = u32_at(value, 0).or_else(|| u16_at(value, 0).map(u32::from))?;
        return Some(format!("only the first {bytes} bytes of a packet are kept"));
    }
    let value: String = value.iter().take(32).map(|byte| format!("{byte:02x}")).collect();
    Some(format!("rule 0x{number:02x}, directive {directive}, value {value}"))
}

/// A filter of PktMon: number, name, two addresses of cards, EtherType, VLAN, two addresses, protocol, two ports, flags of
/// TCP. What is zero is not asked for.
fn filter(id: u16, data: &[u8]) -> Option<String> {
    let (name, behind) = text(data.get(2..)?);
    let address = |at: usize| -> Option<String> {
        if id == 100 {
            let address = Ipv4Addr::from(*field::<4>(behind, at)?);
            return Some(address).filter(|of| !of.is_unspecified()).map(|of| of.to_string());
        }
        let address = Ipv6Addr::from(*field::<16>(behind, at)?);
        Some(address).filter(|of| !of.is_unspecified()).map(|of| of.to_string())
    };
    let width = if id == 100 { 4 } else { 16 };
    let after = 16 + 2 * width;
    let mut words = vec![format!("filter \"{name}\":")];
    words.extend((u16_at(behind, 12)? != 0).then(|| format!("EtherType {}", hex(behind, 12))));
    words.extend((u16_at(behind, 14)? != 0).then(|| format!("VLAN {}", hex(behind, 14))));
    words.extend([16, 16 + width].into_iter().filter_map(address));
    let protocol = *behind.get(after)?;
    words.extend((protocol != 0).then(|| format!("protocol {protocol}")));
    let ports = [after + 1, after + 3].into_iter().filter_map(|at| u16_at(behind, at));
    words.extend(ports.filter(|port| *port != 0).map(|port| format!("port {port}")));
    Some(words.join(" "))
}

fn hex(bytes: &[u8], at: usize) -> String {
    u16_at(bytes, at).map(|value| format!("0x{value:04x}")).unwrap_or_default()
}

/// The rule that cuts packets.
const TRUNCATION: u8 = 0x11;
/// Filters that are shown each by itself.
const MOST: usize = 32;
