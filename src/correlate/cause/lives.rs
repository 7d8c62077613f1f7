//! How long a record ties things together: a filter, a tunnel, an address of a host, an SPI that moved.
//!
//! A record is true at its time. One that lies weeks from a window ties nothing to it.

use crate::correlate::addresses::{gave_up, named_since};
use crate::correlate::{Facts, PlacedEvent};
use crate::hosts::Direction;
use crate::summary::{ClassRun, LogId};
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// From the first to the last record with the same content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// `None` where a record has no time, or the time of an unknown clock: it may be of any time.
    span: Option<TimeSpan>,
}

impl Life {
    pub(super) fn from_event(placed: &PlacedEvent) -> Self {
        Self { span: placed.corrected.map(|time| (time, time)) }
    }

    pub(super) fn add(&mut self, placed: &PlacedEvent) {
        let other = Self::from_event(placed);
        self.span = self
            .span
            .zip(other.span)
            .map(|((first, last), (one, other))| (first.min(one), last.max(other)));
    }

    /// Whether the records' content may hold during a window.
    pub(super) fn touches(&self, run: &ClassRun) -> bool {
        self.span.is_none_or(|(first, last)| {
            first <= run.end.shifted(IN_FORCE) && last >= run.start.shifted(IN_FORCE.negated())
        })
    }
}

/// Who names an address as its own, and when.
pub(super) struct Holders<'a> {
    facts: &'a Facts,
    /// By address and computer, from the first to the last record.
    claims: BTreeMap<IpAddr, BTreeMap<&'a str, TimeSpan>>,
    /// The same by computer and address.
    own: BTreeMap<&'a str, BTreeMap<IpAddr, TimeSpan>>,
    /// What the captures cover.
    captured: Option<TimeSpan>,
}

impl<'a> Holders<'a> {
    pub(super) fn gather(facts: &'a Facts) -> Self {
        let mut claims: BTreeMap<IpAddr, BTreeMap<&str, TimeSpan>> = BTreeMap::new();
        let mut by_host: BTreeMap<&str, BTreeMap<IpAddr, TimeSpan>> = BTreeMap::new();
        for placed in &facts.events {
            let event = &placed.event;
            let own = event.selector().and_then(|s| s.local_tunnel).or(event.local());
            let Some((own, time)) = own.zip(placed.corrected) else { continue };
            let host = short(&event.host);
            let by_address = claims.entry(own).or_default().entry(host).or_insert((time, time));
            let by_host = by_host.entry(host).or_default().entry(own).or_insert((time, time));
            // An SA of the record that is in use shows that the address is.
            let last = last_use(facts, placed, own).map_or(time, |last| last.max(time));
            for span in [by_address, by_host] {
                *span = (span.0.min(time), span.1.max(last));
            }
        }
        let runs = || facts.pairs.iter().flat_map(|pair| pair.by_class.values());
        let first = runs().map(|run| run.start).min();
        let captured = first.zip(runs().map(|run| run.end).max());
        Self { facts, claims, own: by_host, captured }
    }

    /// Whether an address is not that of a log's computer at a time: the computer has named a later one since,
    /// or another computer names this one as its own, much closer to the time.
    pub(super) fn is_anothers(&self, log: LogId, address: IpAddr, at: TimeSpan) -> bool {
        let own_name = self.facts.logs.get(&log).map_or("", |log| short(&log.host));
        let mut own = self.own.iter().filter(|(name, _)| name.eq_ignore_ascii_case(own_name));
        if !self.is_kept(address) && own.any(|(_, claims)| gave_up(claims, address, at.0)) {
            return true;
        }
        let Some(claims) = self.claims.get(&address).filter(|claims| claims.len() > 1) else {
            return false;
        };
        let Some(own) = claims.iter().find(|(name, _)| name.eq_ignore_ascii_case(own_name)) else {
            return false;
        };
        let own = apart(*own.1, at);
        let others = claims.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(own_name));
        others.map(|(_, span)| apart(*span, at)).any(|other| own.0.saturating_sub(other.0) > DAY.0)
    }

    /// Whether the policy or a common station keeps an address, which outweighs what records leave open.
    fn is_kept(&self, address: IpAddr) -> bool {
        let mut sets = self.facts.named_hosts.iter().chain(&self.facts.station_hosts);
        sets.any(|set| set.contains(&address))
    }

    /// The address that the computer of a log names as its own up to a point in time, and only behind the last record
    /// of another one, where nothing keeps that.
    pub(super) fn other_since(&self, log: LogId, address: IpAddr, at: Timestamp) -> Option<IpAddr> {
        let own_name = self.facts.logs.get(&log).map_or("", |log| short(&log.host));
        let mut own = self.own.iter().filter(|(name, _)| name.eq_ignore_ascii_case(own_name));
        let other = own.find_map(|(_, claims)| named_since(claims, address, at).next());
        other.filter(|_| !self.is_kept(address))
    }

    /// Whether the computer of a log has an address while the captures run, as far as the logs show.
    pub(super) fn holds(&self, log: LogId, address: IpAddr) -> bool {
        let Some(at) = self.captured else { return true };
        let own_name = self.facts.logs.get(&log).map_or("", |log| short(&log.host));
        let claims = self.claims.get(&address).into_iter().flatten();
        let mut own = claims.filter(|(name, _)| name.eq_ignore_ascii_case(own_name)).peekable();
        // Connections name addresses too; they have no time here, nor have records of an unknown clock.
        let is_near = own.peek().is_none() || own.any(|(_, span)| apart(*span, at) <= LEASE);
        is_near && !self.is_anothers(log, address, at)
    }
}

/// The last packet under the SA of a record whose own end has this address.
fn last_use(facts: &Facts, placed: &PlacedEvent, own: IpAddr) -> Option<Timestamp> {
    let (pair, spi) = placed.join?.sa.filter(|(pair, _)| [pair.a(), pair.b()].contains(&own))?;
    let uses = &facts.pair(pair)?.spi_uses;
    let ways = [Direction::AToB, Direction::BToA];
    ways.iter().filter_map(|way| uses.get(&(spi, *way))).map(|run| run.end).max()
}

/// The distance between two spans.
fn apart(one: TimeSpan, other: TimeSpan) -> Span {
    Span(other.0.since(one.1).0.max(one.0.since(other.1).0).max(0))
}

fn short(host: &str) -> &str {
    host.split('.').next().unwrap_or_default()
}

type TimeSpan = (Timestamp, Timestamp);

/// Windows' main-mode lifetime, 480 minutes: SAs of that time may be in force.
const IN_FORCE: Span = Span::from_seconds(8 * 60 * 60);
const DAY: Span = Span::from_seconds(24 * 60 * 60);
/// Microsoft's DHCP server leases an address for eight days by default.
const LEASE: Span = Span::from_seconds(8 * 24 * 60 * 60);
