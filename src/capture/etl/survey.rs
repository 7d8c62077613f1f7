//! What a trace says beside its packets: who wrote it, what was lost, filtered and dropped.

use super::clock::TraceHeader;
use super::packets::{
    Appearance, Fragment, NDIS, PEF, PKTMON, RAS, ipsec_drop, is_appearance, is_fragment,
};
use super::record::{Event, Kind, Records};
use super::stack::{Stack, guid};
use crate::capture::CaptureOutline;
use crate::evidence::{Note, NoteKind, NotePlace, Position, ProblemCode};
use crate::time::Timestamp;
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
    /// Packets at layers whose layout is not read; all are above IPsec.
    above_ipsec: u64,
    has_filters: bool,
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
            above_ipsec: 0,
            has_filters: false,
        })
    }

    /// Takes the next buffer; gives the place of what is no record, if there is any.
    pub(super) fn buffer(&mut self, buffer: &[u8]) -> Option<usize> {
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

    fn event(&mut self, event: &Event<'_>) {
        match event.provider {
            NDIS if is_fragment(event.id) => {
                self.packets += 1;
                if let Some(part) = Fragment::of(event)
                    && Fragment::is_of_tunnel(event)
                {
                    self.stack.mark_tunnel(part.adapter.0);
                }
            }
            NDIS => {
                self.has_filters |= matches!(event.id, 1011 | 1016);
                let _ = self.stack.add_ndis(event.id, event.data);
            }
            PKTMON if is_appearance(event.id) => {
                match Appearance::of(event)
                    .map(|seen| seen.drop_reason)
                    .filter(|reason| *reason != 0)
                {
                    Some(reason)
                        if self.drops.len() < MOST_REASONS || self.drops.contains_key(&reason) =>
                    {
                        *self.drops.entry(reason).or_default() += 1;
                    }
                    Some(_) => {}
                    None => self.packets += 1,
                }
            }
            PKTMON => {
                self.has_filters |= matches!(event.id, 100 | 110);
                let _ = self.stack.add_pktmon(event.id, event.data);
            }
            RAS if matches!(event.id, 5001 | 5002) => self.above_ipsec += 1,
            PEF if matches!(event.id, 60011 | 60012 | 60021 | 60022 | 2000) => {
                self.above_ipsec += 1
            }
            _ => {}
        }
    }

    pub(super) const fn has_packets(&self) -> bool {
        self.packets > 0
    }

    /// The moment of a record's time.
    pub(super) fn moment(&self, time: i64) -> Option<Timestamp> {
        self.header.moment(time)
    }

    /// Notes and problems.
    pub(super) fn report(&self, outline: &mut CaptureOutline) {
        let mut notes =
            vec![(NoteKind::OperatingSystem, format!("Windows build {}", self.header.build))];
        for (provider, count) in &self.providers {
            notes.push((NoteKind::Description, format!("{}: {count} records", provider.shown())));
        }
        if self.other_providers > 0 {
            notes.push((
                NoteKind::Description,
                format!("other providers: {} records", self.other_providers),
            ));
        }
        if self.has_filters {
            let text = "filters were set; traffic that they do not match was not captured";
            notes.push((NoteKind::Filter, text.to_owned()));
        }
        for (reason, count) in &self.drops {
            let name = ipsec_drop(*reason).map_or_else(String::new, |name| format!(" ({name})"));
            let text = format!(
                "{count} packets dropped by the host, reason {reason}{name}; they are not counted as traffic"
            );
            notes.push((NoteKind::Description, text));
        }
        if self.above_ipsec > 0 {
            let text = format!(
                "{} packets of layers above IPsec (RAS, Windows Filtering Platform); they are not counted as traffic",
                self.above_ipsec
            );
            notes.push((NoteKind::Description, text));
        }
        let notes = notes.into_iter();
        outline.note(notes.map(|(kind, text)| Note { place: NotePlace::Section(1), kind, text }));
        self.losses(outline);
    }

    fn losses(&self, outline: &mut CaptureOutline) {
        let (events, buffers) = (self.header.events_lost, self.header.buffers_lost);
        if events > 0 || buffers > 0 {
            outline.dropped_by_capturer = Some(u64::from(events).max(u64::from(buffers)));
        }
        let only_wpp =
            self.providers.keys().all(|of| matches!(of, Provider::Wpp | Provider::System));
        if !self.has_packets() && only_wpp && self.providers.contains_key(&Provider::Wpp) {
            let text = "the trace holds only WPP messages, whose text needs the symbols of the program that wrote them; ask Microsoft's support, or trace with `netsh trace start capture=yes`".to_owned();
            outline.problem(ProblemCode::UnsupportedFormat, 0, Position::File, text);
        }
    }
}

impl Provider {
    fn shown(self) -> String {
        match self {
            Self::Manifest(NDIS) => "Microsoft-Windows-NDIS-PacketCapture".to_owned(),
            Self::Manifest(PKTMON) => "Microsoft-Windows-PktMon".to_owned(),
            Self::Manifest(RAS) => "Microsoft-Windows-Ras-NdisWanPacketCapture".to_owned(),
            Self::Manifest(PEF) => "Microsoft-Pef-WFP-MessageProvider".to_owned(),
            Self::Manifest(other) | Self::Classic(other) => guid(other),
            Self::System => "system".to_owned(),
            Self::Wpp => "WPP messages".to_owned(),
            Self::Other => "other records".to_owned(),
        }
    }
}

/// Providers that are counted apart.
const MOST_PROVIDERS: usize = 256;
const MOST_REASONS: usize = 256;
