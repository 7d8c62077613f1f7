//! Packets of conversations that began before the capture: they are kept apart, because an earlier file may show what
//! they are.

use super::may_be_esp::{Kind, MOST_SPIS};
use super::{Conversations, MOST_KINDS};
use crate::hosts::{Direction, HostPair};
use crate::packet::IpPacket;
use crate::protection::{NamedPorts, Stream};
use crate::summary::room::Room;
use crate::summary::timeline::{PacketRecord, Runs};

impl Conversations {
    /// Keeps a packet apart with those of its conversation; false where it needs not be.
    #[inline]
    pub(in crate::summary) fn keep(
        &mut self,
        (pair, stream): (HostPair, Stream),
        seen: &PacketRecord,
        room: &mut Room,
    ) -> bool {
        let at = seen.conversation.and_then(|at| usize::try_from(at).ok());
        let Some(held) = at.and_then(|at| self.held.get_mut(at)?.as_mut()) else { return false };
        let Some(orphan) = &mut held.conversation.orphan else { return false };
        if held.key.0 != pair || orphan.is_placed {
            return false;
        }
        let key = Kind { stream, direction: seen.direction, perhaps: orphan.esp.now };
        let most = if key.perhaps.is_some() { MOST_KINDS + MOST_SPIS } else { MOST_KINDS };
        let is_full = orphan.runs.len() >= most;
        match orphan.runs.iter_mut().find(|(known, _)| *known == key) {
            Some((_, runs)) => runs.observe(seen, room),
            None if !is_full => {
                let mut runs = Runs::default();
                runs.observe(seen, room);
                orphan.runs.push((key, runs));
            }
            None => return false,
        }
        true
    }

    /// Notes what a packet would be if its conversation turned out to be ESP; asked before it is kept.
    pub(in crate::summary) fn may_be_esp(
        &mut self,
        (ip, seen): (&IpPacket<'_>, &PacketRecord),
        named: &NamedPorts,
        keep: impl FnOnce() -> bool,
    ) {
        let at = seen.conversation.and_then(|at| usize::try_from(at).ok());
        let Some(held) = at.and_then(|at| self.held.get_mut(at)?.as_mut()) else { return };
        let orphan = held.conversation.orphan.as_mut().filter(|orphan| !orphan.is_placed);
        if let Some(orphan) = orphan.filter(|_| held.key.0 == ip.pair) {
            orphan.esp.observe(ip, seen, named, keep);
        }
    }

    /// Packets that repeat others of a conversation; given back where those are not kept apart.
    pub(in crate::summary) fn join_apart(
        &mut self,
        at: u32,
        pair: HostPair,
        key: (Stream, Direction),
        copies: Runs,
    ) -> Option<Runs> {
        let held = usize::try_from(at).ok().and_then(|at| self.held.get_mut(at)?.as_mut());
        let held = held.filter(|held| held.key.0 == pair);
        let orphan = held.and_then(|held| held.conversation.orphan.as_mut());
        let runs = orphan.and_then(|orphan| {
            orphan.runs.iter_mut().find(|(kind, _)| (kind.stream, kind.direction) == key)
        });
        let Some((_, runs)) = runs else { return Some(copies) };
        runs.join(copies);
        None
    }

    /// The packets that are kept apart, by their pairs.
    pub(in crate::summary) fn kept_apart(&self) -> impl Iterator<Item = (HostPair, Stream, &Runs)> {
        let held = self.held.iter().flatten();
        held.flat_map(|held| {
            let orphan = held.conversation.orphan.iter();
            let runs = orphan.flat_map(|orphan| &orphan.runs);
            runs.map(|(kind, runs)| (held.key.0, kind.stream, runs))
        })
    }

    /// Gives the packets that are kept apart back, and keeps no more.
    pub(in crate::summary) fn give_back(&mut self) -> Vec<((HostPair, Stream), Runs)> {
        self.orphans_left = 0;
        let mut all = Vec::new();
        for held in self.held.iter_mut().flatten() {
            let runs = held.conversation.orphan.take().map(|orphan| orphan.runs);
            let runs = runs.into_iter().flatten();
            all.extend(runs.map(|(kind, runs)| ((held.key.0, kind.stream), runs)));
        }
        all
    }
}
