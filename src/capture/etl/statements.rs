//! What a trace shows beside packets, for the log of the host: events of IKE and IPsec, and packets that IPsec dropped.

use super::drops::{ipsec_drop, windows_error};
use super::packets::{Appearance, without_protected_bit};
use super::record::Event;
use super::survey::Survey;
use crate::capture::{Linktype, RawFrame, SeenAt};
use crate::evidence::FrameNumber;
use crate::time::Timestamp;

/// One event of a trace that is no packet on its way.
#[derive(Clone, Debug)]
pub struct TraceEvent<'b> {
    /// The place of its record among all records of the file, from 1.
    pub record: u64,
    /// Where in the file the record, or the buffer that it is packed in, begins.
    pub offset: u64,
    /// When, by the clock that the packets have; `None` where it cannot be determined.
    pub time: Option<Timestamp>,
    /// What it says.
    pub fact: TraceFact<'b>,
}

/// What an event of a trace says.
#[derive(Clone, Debug)]
pub enum TraceFact<'b> {
    /// An event of Microsoft-Windows-WFP, whose fields are packed in the order of its manifest.
    Platform {
        /// Its number.
        id: u16,
        /// The version of its layout.
        version: u8,
        /// Its fields.
        data: &'b [u8],
    },
    /// A packet that IPsec dropped.
    Dropped(DroppedPacket<'b>),
}

/// A packet that IPsec dropped, as PktMon reports it.
#[derive(Clone, Debug)]
pub struct DroppedPacket<'b> {
    /// PktMon's number for why.
    pub reason: u32,
    /// The reason in words.
    pub reason_name: &'static str,
    /// The error of Windows that says the same.
    pub error: Option<u32>,
    /// Where in the code of the driver.
    pub location: u32,
    /// It was on its way out.
    pub is_sent: bool,
    /// The component that dropped it.
    pub component: String,
    /// The packet; its number is that of the record.
    pub frame: RawFrame<'b>,
}

/// Reports events in the order of their records.
pub(super) struct Reporter<'s> {
    survey: &'s Survey,
    records: u64,
    reported: usize,
    /// Events beyond the number that is reported.
    pub(super) left_out: u64,
}

impl<'s> Reporter<'s> {
    pub(super) const fn of(survey: &'s Survey) -> Self {
        Self { survey, records: 0, reported: 0, left_out: 0 }
    }

    /// The next record begins.
    pub(super) const fn record(&mut self) {
        self.records += 1;
    }

    /// Reports an event of the filtering platform.
    pub(super) fn platform(
        &mut self,
        event: &Event<'_>,
        offset: usize,
        visit: &mut impl FnMut(TraceEvent<'_>),
    ) {
        let Event { id, version, data, .. } = *event;
        self.report(event, offset, TraceFact::Platform { id, version, data }, visit);
    }

    /// Reports a packet that was dropped, where IPsec is the reason.
    pub(super) fn dropped(
        &mut self,
        event: &Event<'_>,
        seen: &Appearance<'_>,
        offset: usize,
        visit: &mut impl FnMut(TraceEvent<'_>),
    ) {
        let Some(reason_name) = ipsec_drop(seen.drop_reason) else { return };
        let is_wireless = seen.linktype == Linktype::IEEE802_11;
        let readable = is_wireless.then(|| without_protected_bit(seen.bytes));
        let frame = RawFrame {
            number: FrameNumber(self.records),
            time: self.survey.moment(event.time).unwrap_or(Timestamp(0)),
            linktype: seen.linktype,
            original_len: seen.original_len,
            interface: 0,
            description: 0,
            offset: offset as u64,
            seen_at: SeenAt::Unknown,
            data: readable.as_deref().unwrap_or(seen.bytes),
        };
        let packet = DroppedPacket {
            reason: seen.drop_reason,
            reason_name,
            error: windows_error(seen.drop_reason),
            location: seen.drop_location,
            is_sent: seen.is_sent,
            component: self.survey.stack.component(seen.component),
            frame,
        };
        self.report(event, offset, TraceFact::Dropped(packet), visit);
    }

    fn report(
        &mut self,
        event: &Event<'_>,
        offset: usize,
        fact: TraceFact<'_>,
        visit: &mut impl FnMut(TraceEvent<'_>),
    ) {
        if self.reported >= MOST_REPORTED {
            self.left_out += 1;
            return;
        }
        self.reported += 1;
        let (record, offset) = (self.records, offset as u64);
        visit(TraceEvent { record, offset, time: self.survey.moment(event.time), fact });
    }
}

/// Events that are reported; a host that is flooded drops more packets than anybody reads.
const MOST_REPORTED: usize = 65_536;
