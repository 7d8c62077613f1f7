//! What a trace says beside its packets: who wrote it, what was lost, filtered and dropped.

use super::clock::TraceHeader;
use super::drops::ipsec_drop;
use super::filters::Filters;
use super::packets::{Appearance, Fragment, carries_ipsec, is_appearance, is_fragment};
use super::providers::{NDIS, PEF, PKTMON, RAS, WFP, name_of};
use super::record::{Event, Kind, Records};
use super::stack::Stack;
use super::upper::{AddressOrder, Transport, is_remote_access, is_transport};
use crate::capture::CaptureOutline;
use crate::evidence::{Note, NoteKind, NotePlace, Position, TraceProblem};
use crate::time::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What was found in a first reading.
#[derive(Debug)]
pub(super) struct Survey {
    header: TraceHeader,
    pub(super) stack: Stack,
    /// Records by provider; of the system, of programs' messages.
    providers: BTreeMap<Provider, u64>,
    /// Events of providers beyond the number that are kept apart.
    other_providers: u64,
    packets: u64,
    drops: BTreeMap<u32, u64>,
    /// Events that are more than counted and no packets: drops by IPsec, events of IKE.
    facts: u64,
    /// Packets above IPsec whose checksums prove the order of their addresses: that of the wire, the other one.
    orders: (u64, u64),
    filters: Filters,
    buffers: Buffers,
}

/// The numbers of the buffers behind the first, which show what is missing between them.
#[derive(Debug, Default)]
struct Buffers {
    numbers: Option<(u64, u64)>,
    count: u64,
    after_loss: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Provider {
    Manifest([u8; 16]),
    Classic([u8; 16]),
    System,
    Wpp,
    Other,
}

impl Survey {
    /// Of the records of the first buffer, which begins with the one that describes the trace.
    pub(super) fn begin(records: &[u8]) -> Option<Self> {
        let first = Records::of(records).next()?;
        let Kind::System { group: 0, number: 0, time, data } = first.kind else { return None };
        Some(Self {
            header: TraceHeader::of(data, time)?,
            stack: Stack::default(),
            providers: BTreeMap::new(),
            other_providers: 0,
            packets: 0,
            drops: BTreeMap::new(),
            facts: 0,
            orders: (0, 0),
            filters: Filters::default(),
            buffers: Buffers::default(),
        })
    }

    /// Takes the next buffer's records; gives the place of what is no record, if there is any.
    pub(super) fn records(&mut self, buffer: &[u8]) -> Option<usize> {
        let mut records = Records::of(buffer);
        for record in records.by_ref() {
            let provider = match record.kind {
                Kind::Event(event) => {
                    self.event(&event);
                    Provider::Manifest(event.provider)
                }
                Kind::Classic(provider) => Provider::Classic(provider),
                Kind::System { .. } => Provider::System,
                Kind::Wpp => Provider::Wpp,
                Kind::Other => Provider::Other,
            };
            let is_full = self.providers.len() >= MOST_PROVIDERS;
            if is_full && !self.providers.contains_key(&provider) {
                self.other_providers += 1;
            } else {
                *self.providers.entry(provider).or_default() += 1;
            }
        }
        records.stopped_at
    }

    /// Takes the number of a buffer behind the first.
    pub(super) fn buffer(&mut self, sequence: u64, is_after_loss: bool) {
        let buffers = &mut self.buffers;
        let (lowest, highest) = buffers.numbers.unwrap_or((sequence, sequence));
        buffers.numbers = Some((lowest.min(sequence), highest.max(sequence)));
        buffers.count += 1;
        buffers.after_loss += u64::from(is_after_loss);
    }

    fn event(&mut self, event: &Event<'_>) {
        match event.provider {
            NDIS if is_fragment(event.id) => {
                self.packets += 1;
                if let Some(part) = Fragment::of(event)
                    && part.is_of_tunnel(event)
                {
                    self.stack.mark_tunnel(part.adapter.0);
                }
            }
            NDIS => {
                self.filters.of_ndis(event.id, event.data);
                let _ = self.stack.add_ndis(event.id, event.data);
            }
            PKTMON if is_appearance(event.id) => self.appearance(event),
            PKTMON => {
                self.filters.of_pktmon(event.id, event.data);
                let _ = self.stack.add_pktmon(event.id, event.data);
            }
            RAS if is_remote_access(event.id) => self.packets += 1,
            PEF if is_transport(event.id) => {
                self.packets += 1;
                match Transport::of(event).and_then(|packet| packet.proven_order()) {
                    Some(AddressOrder::Network) => self.orders.0 += 1,
                    Some(AddressOrder::Host) => self.orders.1 += 1,
                    None => {}
                }
            }
            WFP => self.facts += 1,
            _ => {}
        }
    }

    fn appearance(&mut self, event: &Event<'_>) {
        let Some(seen) = Appearance::of(event) else { return self.packets += 1 };
        let reason = seen.drop_reason;
        if reason == 0 {
            self.packets += 1;
            if self.stack.wants_proof(seen.component) && carries_ipsec(seen.bytes, seen.linktype) {
                self.stack.showed_ipsec(seen.component);
            }
        } else {
            self.facts += u64::from(ipsec_drop(reason).is_some());
            if self.drops.len() < MOST_REASONS || self.drops.contains_key(&reason) {
                *self.drops.entry(reason).or_default() += 1;
            }
        }
    }

    /// Whether a second reading finds anything.
    pub(super) const fn is_worth_more(&self) -> bool {
        self.packets > 0 || self.facts > 0
    }

    /// The order of addresses that packets above IPsec have: the one that some prove and none contradicts.
    pub(super) const fn address_order(&self) -> Option<AddressOrder> {
        match self.orders {
            (1.., 0) => Some(AddressOrder::Network),
            (0, 1..) => Some(AddressOrder::Host),
            _ => None,
        }
    }

    /// The moment of a record's time.
    pub(super) fn moment(&self, time: i64) -> Option<Timestamp> {
        self.header.moment(time)
    }

    /// Notes and problems; `is_damaged` where buffers could not be read.
    pub(super) fn report(&self, is_damaged: bool, outline: &mut CaptureOutline) {
        let mut notes =
            vec![(NoteKind::OperatingSystem, format!("Windows build {}", self.header.build))];
        let mut providers: Vec<_> = self.providers.iter().collect();
        providers.sort_by_key(|(_, count)| Reverse(**count));
        for (provider, count) in providers {
            notes.push((NoteKind::Description, format!("{}: {count} records", provider.shown())));
        }
        let mut note = |text: String| notes.push((NoteKind::Description, text));
        if self.other_providers > 0 {
            note(format!("other providers: {} records", self.other_providers));
        }
        let of_pktmon = Provider::Manifest(PKTMON);
        if !self.is_worth_more() && self.providers.contains_key(&of_pktmon) {
            note("no packets: the packet monitor kept its counters only (pktmon start without --capture)".to_owned());
        }
        if !self.header.has_ended {
            note("the session was not stopped when the file was copied: what it writes at its end, such as the description of adapters, may be missing".to_owned());
        }
        if self.header.is_circular {
            note("the newest events take the place of the oldest; how many were given up is not recorded".to_owned());
        }
        for (reason, count) in &self.drops {
            let name = ipsec_drop(*reason).map_or_else(String::new, |name| format!(" ({name})"));
            note(format!(
                "{count} packets dropped by the host, reason {reason}{name}; they are not counted as traffic"
            ));
        }
        notes.extend(self.filters.shown().map(|text| (NoteKind::Filter, text)));
        let notes = notes.into_iter();
        outline.note(notes.map(|(kind, text)| Note { place: NotePlace::Section(1), kind, text }));
        for (failure, code) in self.filters.failures() {
            outline.problem(TraceProblem::Failed(failure, code), 0, Position::File);
        }
        self.losses(is_damaged, outline);
    }

    fn losses(&self, is_damaged: bool, outline: &mut CaptureOutline) {
        let (events, buffers) = (self.header.events_lost, self.header.buffers_lost);
        let lost = u64::from(events).max(u64::from(buffers)).max(self.buffers.after_loss);
        if lost > 0 {
            outline.dropped_by_capturer = Some(lost);
        }
        let Buffers { numbers, count, .. } = self.buffers;
        let between = numbers.map_or(0, |(lowest, highest)| highest.saturating_sub(lowest));
        let missing = (between.saturating_add(u64::from(count > 0))).saturating_sub(count);
        // Files that were merged have the numbers of several sessions.
        if !is_damaged && (1..=count.saturating_mul(MOST_MISSING)).contains(&missing) {
            outline.problem(TraceProblem::BuffersMissing(missing), 0, Position::File);
        }
        let messages = self.providers.get(&Provider::Wpp).copied().unwrap_or(0);
        let all: u64 = self.providers.values().sum();
        if !self.is_worth_more() && messages > 0 && messages >= all.saturating_sub(messages) {
            outline.problem(TraceProblem::OnlyWppMessages, 0, Position::File);
        }
    }
}

impl Provider {
    fn shown(self) -> String {
        match self {
            Self::Manifest(provider) | Self::Classic(provider) => name_of(provider),
            Self::System => "system".to_owned(),
            Self::Wpp => "WPP messages".to_owned(),
            Self::Other => "other records".to_owned(),
        }
    }
}

/// Providers that are counted apart.
const MOST_PROVIDERS: usize = 256;
const MOST_REASONS: usize = 256;
/// More buffers missing than this many times those that are there are no loss, but numbers of another kind.
const MOST_MISSING: u64 = 16;
