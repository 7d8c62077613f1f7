//! What the other negotiations of the captures show about one of them: when they begin, and which of them created the
//! SAs whose SPIs appear.

use super::conversation::Conversation;
use super::esp_activity::{ESP_FOLLOWS, EspActivity};
use crate::hosts::HostPair;
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// All negotiations, each by its place in a list.
#[derive(Default)]
pub(super) struct Neighbours {
    /// When those of two hosts begin.
    starts: BTreeMap<HostPair, Vec<Timestamp>>,
    /// When one host asks another one from the same port at the same port. Several hosts behind an address
    /// translator have one address and different ports.
    tries: BTreeMap<(SocketAddr, SocketAddr), Vec<Timestamp>>,
    /// When second phases of two hosts completed by the form of their messages, and in which negotiation.
    made: BTreeMap<HostPair, Vec<(Timestamp, usize)>>,
    /// When a host begins a negotiation to which another gateway redirected it.
    redirected: BTreeMap<IpAddr, Vec<Timestamp>>,
}

impl Neighbours {
    /// Notes a negotiation, with the times at which its messages completed second phases.
    pub(super) fn add(&mut self, at: usize, talk: &Conversation<'_>, made: Vec<Timestamp>) {
        let Some(first) = talk.messages().next() else { return };
        let pair = HostPair::new(first.source.ip(), first.destination.ip());
        self.starts.entry(pair).or_default().push(first.time);
        let ends = (talk.initiator, talk.responder);
        self.tries.entry(ends).or_default().push(first.time);
        for pair in talk.pairs() {
            let of_pair = self.made.entry(*pair).or_default();
            of_pair.extend(made.iter().map(|time| (*time, at)));
        }
        if talk.is_redirected() {
            self.redirected.entry(talk.initiator.ip()).or_default().push(first.time);
        }
    }

    /// Puts everything in order of time.
    pub(super) fn sort(&mut self) {
        self.starts.values_mut().for_each(|times| times.sort_unstable());
        self.tries.values_mut().for_each(|times| times.sort_unstable());
        self.made.values_mut().for_each(|made| made.sort_unstable());
        self.redirected.values_mut().for_each(|times| times.sort_unstable());
    }

    /// When the next negotiation of two hosts begins.
    pub(super) fn next_after(&self, pair: HostPair, after: Timestamp) -> Option<Timestamp> {
        first_after(self.starts.get(&pair)?, after)
    }

    /// When the same host next asks the same other one.
    pub(super) fn next_try_after(
        &self,
        ends: (SocketAddr, SocketAddr),
        after: Timestamp,
    ) -> Option<Timestamp> {
        first_after(self.tries.get(&ends)?, after)
    }

    /// When a host next begins a negotiation to which it was redirected.
    pub(super) fn redirected_after(&self, host: IpAddr, after: Timestamp) -> Option<Timestamp> {
        first_after(self.redirected.get(&host)?, after)
    }

    /// Which negotiation created the SA of an SPI that appears at this time, and when: of those that completed a
    /// second phase before, the last one, where no other SPI had followed it already.
    pub(super) fn maker(
        &self,
        pair: HostPair,
        appears: Timestamp,
        esp: &EspActivity,
    ) -> Option<(usize, Timestamp)> {
        let made = self.made.get(&pair)?;
        let before = made.partition_point(|(time, _)| *time <= appears);
        let (time, at) = *made.get(before.checked_sub(1)?)?;
        let first = esp.begins(pair, time.shifted(Span(-1)))?;
        (appears <= first.shifted(ESP_FOLLOWS)).then_some((at, time))
    }
}

fn first_after(times: &[Timestamp], after: Timestamp) -> Option<Timestamp> {
    times.get(times.partition_point(|time| *time <= after)).copied()
}
