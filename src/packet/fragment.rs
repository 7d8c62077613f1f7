//! Later fragments inherit what the first one showed.
//!
//! A bounded memory of datagrams under way; keeps no packet bytes. Fragments that come before
//! their first one are held back by their outline alone.

use super::{Fragment, IpPacket};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;

/// What fragments of one datagram have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Datagram {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    protocol: u8,
    identification: u32,
}

/// What is known of a datagram.
#[derive(Debug)]
enum Known<V, P> {
    /// What its first fragment turned out to be.
    First(V),
    /// Later fragments that came before the first.
    Waiting(Vec<P>),
}

/// Datagrams that are under way at the end of a file.
#[derive(Debug)]
pub struct Open<V, P> {
    /// What first fragments turned out to be.
    pub first: Vec<(Datagram, V)>,
    /// Later fragments without their first.
    pub later: Vec<(Datagram, P)>,
}

/// Datagrams under way: `V` is a first fragment's verdict, `P` a waiting fragment's outline.
#[derive(Debug)]
pub struct Fragments<V, P> {
    known: HashMap<Datagram, Known<V, P>>,
    order: VecDeque<Datagram>,
    given_up: Vec<P>,
    /// Later fragments that wait, of all datagrams.
    waiting: usize,
    /// Those that found no room.
    beyond: u64,
}

impl<V, P> Default for Fragments<V, P> {
    fn default() -> Self {
        let (known, order, given_up) = (HashMap::new(), VecDeque::new(), Vec::new());
        Self { known, order, given_up, waiting: 0, beyond: 0 }
    }
}

impl<V: Copy, P> Fragments<V, P> {
    /// Remembers a first fragment's verdict; gives back the later ones that waited for it.
    pub fn first(&mut self, packet: &IpPacket<'_>, fragment: Fragment, verdict: V) -> Vec<P> {
        let datagram = Datagram::of(packet, fragment);
        match self.known.insert(datagram, Known::First(verdict)) {
            Some(Known::Waiting(waiting)) => {
                self.waiting -= waiting.len();
                waiting
            }
            Some(Known::First(_)) => Vec::new(),
            None => {
                self.admit(datagram);
                Vec::new()
            }
        }
    }

    /// A later fragment: the first one's verdict where it is known, else it waits and is given
    /// back by [`Self::first`] or [`Self::take_unmatched`].
    pub fn later(
        &mut self,
        packet: &IpPacket<'_>,
        fragment: Fragment,
        outline: P,
    ) -> Option<(V, P)> {
        let datagram = Datagram::of(packet, fragment);
        let is_room = self.waiting < MOST_WAITING;
        match self.known.get_mut(&datagram) {
            Some(Known::First(verdict)) => return Some((*verdict, outline)),
            Some(Known::Waiting(waiting)) if is_room && waiting.len() < MAX_WAITING => {
                waiting.push(outline);
                self.waiting += 1;
            }
            None if is_room => {
                self.known.insert(datagram, Known::Waiting(vec![outline]));
                self.waiting += 1;
                self.admit(datagram);
            }
            Some(Known::Waiting(_)) | None => {
                self.given_up.push(outline);
                self.beyond += 1;
            }
        }
        None
    }

    /// How many later fragments found no room to wait.
    #[must_use]
    pub const fn beyond(&self) -> u64 {
        self.beyond
    }

    /// Whether fragments that were given up wait to be taken.
    #[must_use]
    pub fn has_unmatched(&self) -> bool {
        !self.given_up.is_empty()
    }

    /// Later fragments whose datagram fell out of the memory.
    pub fn take_unmatched(&mut self) -> Vec<P> {
        std::mem::take(&mut self.given_up)
    }

    /// At the end of a file: the verdicts of the last first fragments, and every later fragment that never found
    /// its first, both in order of arrival. What was given up before is to be taken first.
    pub fn finish(mut self) -> Open<V, P> {
        let mut open = Open { first: Vec::new(), later: Vec::new() };
        for datagram in self.order {
            match self.known.remove(&datagram) {
                Some(Known::First(verdict)) => open.first.push((datagram, verdict)),
                Some(Known::Waiting(waiting)) => {
                    open.later.extend(waiting.into_iter().map(|waiting| (datagram, waiting)));
                }
                None => {}
            }
        }
        open
    }

    fn admit(&mut self, datagram: Datagram) {
        self.order.push_back(datagram);
        if self.order.len() > MAX_DATAGRAMS
            && let Some(oldest) = self.order.pop_front()
        {
            self.forget(oldest);
        }
    }

    fn forget(&mut self, datagram: Datagram) {
        if let Some(Known::Waiting(waiting)) = self.known.remove(&datagram) {
            self.waiting -= waiting.len();
            self.given_up.extend(waiting);
        }
    }
}

impl Datagram {
    pub(super) fn of(packet: &IpPacket<'_>, fragment: Fragment) -> Self {
        Self {
            source: packet.source(),
            destination: packet.destination(),
            protocol: packet.protocol,
            identification: fragment.identification,
        }
    }
}

/// A host has 65536 identifications under way at most; this many datagrams are distinguished at once.
const MAX_DATAGRAMS: usize = 16_384;
/// A datagram of 64 KiB in the smallest fragments of a common link.
const MAX_WAITING: usize = 128;
/// Later fragments of all datagrams that wait at once.
const MOST_WAITING: usize = 262_144;

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(identification: u32, offset: u16) -> (IpPacket<'static>, Fragment) {
        let [one, two] = ["10.0.0.1", "10.0.0.2"].map(|address| address.parse().unwrap());
        let packet = IpPacket::carrying(one, two, 17, &[]);
        (packet, Fragment { identification, offset, more: true })
    }

    #[test]
    fn a_later_fragment_takes_the_verdict_of_its_first() {
        let mut fragments = Fragments::default();
        let (first, at_0) = packet(7, 0);
        let (later, at_185) = packet(7, 185);
        assert!(fragments.first(&first, at_0, "ike").is_empty());
        assert_eq!(fragments.later(&later, at_185, 2), Some(("ike", 2)));
    }

    #[test]
    fn a_later_fragment_before_its_first_waits_for_it() {
        let mut fragments = Fragments::default();
        let (first, at_0) = packet(7, 0);
        let (later, at_185) = packet(7, 185);
        assert_eq!(fragments.later(&later, at_185, 1), None);
        assert_eq!(fragments.first(&first, at_0, "clear"), vec![1]);
        assert!(fragments.finish().later.is_empty());
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_lost() {
        let mut fragments: Fragments<(), u32> = Fragments::default();
        for identification in 0..40_000 {
            let (later, at_1) = packet(identification, 1);
            assert_eq!(fragments.later(&later, at_1, identification), None);
        }
        assert!(fragments.known.len() <= MAX_DATAGRAMS);
        let mut all = fragments.take_unmatched();
        all.extend(fragments.finish().later.into_iter().map(|(_, waiting)| waiting));
        assert_eq!(all, (0..40_000).collect::<Vec<_>>());
    }
}
