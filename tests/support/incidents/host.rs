//! A host with its addresses, its clock and what it writes into its logs.
//!
//! Layouts are Microsoft's (the catalogue's sources); what is written when follows from what the
//! host did, never from how a log is read.

use super::wire::{Nanos, SECOND, Under};
use std::net::IpAddr;

/// Which logs a host writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    /// Windows 2000 to Server 2003: .evt, whole seconds, events 541 to 547.
    Legacy,
    /// Vista and later: .evtx.
    Modern,
}

/// How far a clock is from the truth.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    pub(crate) offset: Nanos,
    /// Parts in a million since the scene began.
    pub(crate) drift: i64,
    /// From this moment on it is set by so much.
    pub(crate) step: Option<(Nanos, Nanos)>,
}

impl Clock {
    /// What it shows at a moment of a scene that began at `start`.
    pub(crate) fn shows(&self, at: Nanos, start: Nanos) -> Nanos {
        let stepped = self.step.filter(|(when, _)| at >= *when).map_or(0, |(_, by)| by);
        let drifted = (at - start) / 1_000_000 * self.drift;
        at + self.offset + drifted + stepped
    }
}

/// What an audit says of the act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audit {
    Success,
    Failure,
    /// Written whatever is audited.
    Always,
}

/// A value of an event.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Number(u64),
    Time(Nanos),
}

/// One record to be written.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) at: Nanos,
    pub(crate) is_system: bool,
    pub(crate) source: &'static str,
    pub(crate) id: u32,
    pub(crate) audit: Audit,
    /// Names and values; before Vista the values alone count.
    pub(crate) fields: Vec<(&'static str, Value)>,
    /// The bytes that the Service Control Manager adds.
    pub(crate) binary: Option<String>,
    /// With this record, and its time known, the log shows the cause.
    pub(crate) is_decisive: bool,
    /// The number on the wire that it is truly about.
    pub(crate) about: Under,
    /// The negotiation and the SAs that it belongs to.
    pub(crate) of: Of,
}

/// A negotiation by its initiator's cookie, and the SPIs that it made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Of {
    pub(crate) cookie: u64,
    pub(crate) spis: [u32; 2],
}

/// A host.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) name: &'static str,
    /// The address that it has.
    pub(crate) own: IpAddr,
    /// The address that the wire shows: another one behind a NAT.
    pub(crate) outside: IpAddr,
    pub(crate) clock: Clock,
    /// Which of its logs were handed over.
    pub(crate) gives_security: bool,
    pub(crate) gives_system: bool,
    /// Which outcomes of negotiations it audits.
    pub(crate) audits: (bool, bool),
    pub(crate) book: Vec<Written>,
}

/// A record as it is in a file that was handed over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) is_system: bool,
    pub(crate) record: u64,
    pub(crate) at: Nanos,
    pub(crate) is_decisive: bool,
    pub(crate) about: Under,
    of: Of,
}

impl Kept {
    /// Whether it is truly about a negotiation and an SA, as far as these are named.
    pub(crate) fn is_about(&self, cookie: Option<u64>, spi: Option<u32>) -> bool {
        cookie.is_none_or(|cookie| cookie == self.of.cookie)
            && spi.is_none_or(|spi| self.of.spis.contains(&spi))
    }
}

impl Host {
    pub(crate) fn new(name: &'static str, address: IpAddr) -> Self {
        Self {
            name,
            own: address,
            outside: address,
            clock: Clock::default(),
            gives_security: true,
            gives_system: true,
            audits: (true, true),
            book: Vec::new(),
        }
    }

    pub(crate) fn is_behind_nat(&self) -> bool {
        self.own != self.outside
    }

    /// The records of one log in order of time, those that were audited.
    pub(crate) fn log(&self, is_system: bool) -> Vec<&Written> {
        let gives = if is_system { self.gives_system } else { self.gives_security };
        let is_audited = |written: &&Written| match written.audit {
            Audit::Success => self.audits.0,
            Audit::Failure => self.audits.1,
            Audit::Always => true,
        };
        let of_log = self.book.iter().filter(|w| gives && w.is_system == is_system);
        let mut records: Vec<&Written> = of_log.filter(is_audited).collect();
        records.sort_by_key(|written| written.at);
        records
    }

    /// Every record that was handed over.
    pub(crate) fn kept(&self) -> Vec<Kept> {
        let of = |is_system| {
            self.log(is_system).into_iter().zip(FIRST_RECORD..).map(move |(written, record)| Kept {
                is_system,
                record,
                at: written.at,
                is_decisive: written.is_decisive,
                about: written.about,
                of: written.of,
            })
        };
        of(false).chain(of(true)).collect()
    }
}

/// The number of a log's first record: the log is older than the incident.
pub(crate) const FIRST_RECORD: u64 = 1;

pub(crate) fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

/// 100 ns since 1601 (FILETIME).
pub(crate) fn filetime(at: Nanos) -> u64 {
    u64::try_from(at / 100 + 11_644_473_600 * (SECOND / 100)).unwrap()
}
