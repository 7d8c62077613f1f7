//! Which pairs are nothing but the ends of tunnels, so that what they send themselves need not be protected.
//!
//! Two hosts may have security associations for the traffic of others and for their own side by side (RFC 4301 §4.1),
//! so a tunnel proves nothing of another association: every SPI that the captures show must be one of a tunnel.

use super::TimeSpan;
use crate::correlate::{SaFacts, cause};
use crate::eventlog::LogEvent;
use crate::hosts::{Direction, HostPair};
use crate::protection::{EspSpi, Stream};
use crate::summary::Summary;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// An SPI with the direction of its packets.
type Spi = (EspSpi, Direction);

/// The tunnels of two hosts.
#[derive(Default)]
struct Tunnels {
    /// The SPIs that carry the packets of others.
    spis: BTreeSet<Spi>,
    /// When logs record one.
    recorded: BTreeSet<Timestamp>,
}

/// The ends of tunnels.
#[derive(Default)]
pub(super) struct Gateways {
    tunnels: BTreeMap<HostPair, Tunnels>,
    /// Pairs whose security associations carry their own packets.
    transport: BTreeSet<HostPair>,
}

impl Gateways {
    /// What captures show decrypted of the packets that ESP carries.
    pub(super) fn of_captures(summary: &Summary) -> Self {
        let mut gateways = Self::default();
        let shown = summary.captures.values().flat_map(|capture| &capture.inside_esp);
        for ((outside, stream), inside) in shown {
            if outside == inside {
                gateways.transport.insert(*outside);
            } else if let Stream::Esp(spi, direction) = *stream {
                gateways.tunnels.entry(*outside).or_default().spis.insert((spi, direction));
            }
        }
        gateways
    }

    /// Takes a record that may name a tunnel, and its time where that is known.
    pub(super) fn event(&mut self, event: &LogEvent, time: Option<Timestamp>) {
        let (Some(pair), Some((local, peer))) = (cause::tunnel_of(event), event.esp_endpoints())
        else {
            return;
        };
        let of_pair = self.tunnels.entry(pair).or_default();
        of_pair.recorded.extend(time);
        for (spi, sender) in [(event.inbound_spi(), peer), (event.outbound_spi(), local)] {
            let direction = pair.direction_from(sender);
            // Windows does not document the byte order of the SPI.
            let spis = spi.into_iter().flat_map(|spi| [spi, spi.swap_bytes()]);
            of_pair.spis.extend(spis.map(|spi| (EspSpi(spi), direction)));
        }
    }

    /// A log shows a security association for the two hosts' own packets.
    pub(super) fn carries_its_own(&mut self, pair: HostPair) {
        self.transport.insert(pair);
    }

    /// Whether two hosts are the ends of a tunnel, and each of their SPIs is shown to be one of a tunnel; where captures show
    /// no ESP or AH of theirs, whether a record of the tunnel is of the time for which something is required.
    pub(super) fn are_only(&self, pair: HostPair, sas: &[SaFacts], in_force: &[TimeSpan]) -> bool {
        let Some(tunnels) = self.tunnels.get(&pair) else { return false };
        let mut proven = sas.iter().filter(|sa| sa.corroborated.is_some()).peekable();
        let is_shown = match proven.peek() {
            Some(_) => proven.all(|sa| tunnels.spis.contains(&(sa.spi, sa.direction))),
            None => in_force.iter().any(|(from, to)| {
                tunnels.recorded.range(from..).next().is_some_and(|time| time <= to)
            }),
        };
        is_shown && !self.transport.contains(&pair)
    }
}
