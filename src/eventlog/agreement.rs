//! Whether two records can be one: where their contents contradict each other, and where both have the same
//! values that identify an event.
//!
//! A value that one of the two does not give contradicts nothing: exports leave values out, and words are in the
//! language of the system that wrote the export. Only values without a language are compared.

use super::interpret::whole_number;
use super::{
    AuditChange, AuditOutcome, Detail, LogEvent, LoggedNegotiation, LoggedPackets, Selector,
};
use crate::time::Span;
use std::net::IpAddr;

impl LogEvent {
    /// Whether both give a value in which they differ, so that they cannot be copies of one record.
    #[must_use]
    pub fn contradicts(&self, other: &Self) -> bool {
        let is_audit = |event: &Self| event.audit != AuditOutcome::NotAudit;
        let by_audit = is_audit(self) && is_audit(other) && self.audit != other.audit;
        let code = |event: &Self| event.error.map(|error| error.code);
        self.event_id != other.event_id
            || by_audit
            || differ(code(self), code(other))
            || details(&self.detail, &other.detail) == Agreement::Contradiction
            || self.named_values_differ(other)
    }

    /// Whether they contradict each other in nothing, and agree in a value that identifies the event: an end, a
    /// cookie, an SPI, a service, what is audited; in an event without such a value, in the text of all fields.
    #[must_use]
    pub fn has_content_of(&self, other: &Self) -> bool {
        !self.contradicts(other)
            && match details(&self.detail, &other.detail) {
                Agreement::Same => true,
                Agreement::Contradiction => false,
                Agreement::Nothing => self.has_fields_of(other),
            }
    }

    /// Fields of one name whose values are addresses or numbers and differ. Values without a name have no place
    /// that all exports keep.
    fn named_values_differ(&self, other: &Self) -> bool {
        let is_place = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
        self.compared_fields().filter(|(name, _)| !is_place(name)).any(|(name, value)| {
            let same = other.compared_fields().find(|(other, _)| other == name);
            same.is_some_and(|(_, other)| {
                differ(address(value), address(other))
                    || differ(whole_number(value), whole_number(other))
            })
        })
    }

    fn has_fields_of(&self, other: &Self) -> bool {
        let mut shared = 0;
        let agrees = |(name, value): &(String, String)| {
            let same = other.compared_fields().find(|(other, _)| other == name);
            shared += usize::from(same.is_some());
            same.is_none_or(|(_, other)| other.trim() == value.trim())
        };
        self.compared_fields().all(agrees) && shared > 0
    }

    fn compared_fields(&self) -> impl Iterator<Item = &(String, String)> {
        self.fields.iter().take(MOST_FIELDS)
    }
}

/// How the typed values of two records compare.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Agreement {
    /// A value that identifies an event is the same, and none differs.
    Same,
    /// Neither is known.
    Nothing,
    Contradiction,
}

impl Agreement {
    /// By the values that identify an event, each the same, another or unknown, and by whether another value differs.
    fn of(identifying: &[Option<bool>], differs: bool) -> Self {
        if differs || identifying.contains(&Some(false)) {
            Self::Contradiction
        } else if identifying.contains(&Some(true)) {
            Self::Same
        } else {
            Self::Nothing
        }
    }
}

fn details(one: &Detail, other: &Detail) -> Agreement {
    match (one, other) {
        (Detail::Negotiation(one), Detail::Negotiation(other)) => negotiations(one, other),
        (Detail::Packets(one), Detail::Packets(other)) => packets(*one, *other),
        (Detail::Service(one), Detail::Service(other)) => {
            Agreement::of(&[Some(one == other)], false)
        }
        (Detail::AuditChange(one), Detail::AuditChange(other)) => audit_changes(*one, *other),
        (Detail::ClockSet(one), Detail::ClockSet(other)) => {
            let apart = one.zip(*other).map(|(one, other)| one.0.abs_diff(other.0));
            // Exports round the times from which the step is computed.
            Agreement::of(&[apart.map(|apart| apart <= ROUNDED.0.unsigned_abs())], false)
        }
        (
            Detail::Plain
            | Detail::Negotiation(_)
            | Detail::Packets(_)
            | Detail::Service(_)
            | Detail::AuditChange(_)
            | Detail::ClockSet(_),
            _,
        ) => Agreement::Nothing,
    }
}

fn negotiations(one: &LoggedNegotiation, other: &LoggedNegotiation) -> Agreement {
    let identifying = [
        compared(one.peer, other.peer),
        compared(one.initiator_cookie, other.initiator_cookie),
        compared(one.responder_cookie, other.responder_cookie),
        compared(one.inbound_spi, other.inbound_spi),
        compared(one.outbound_spi, other.outbound_spi),
    ];
    // A cookie belongs to one negotiation, whatever an export calls its protocol.
    let has_same_cookie = compared(one.initiator_cookie, other.initiator_cookie) == Some(true);
    let differs = differ(one.local, other.local)
        || differ(one.main_mode_sa, other.main_mode_sa)
        || differ(one.quick_mode_sa, other.quick_mode_sa)
        || differ(one.mode, other.mode)
        || differ(one.message_id, other.message_id)
        || differ(one.role, other.role)
        || differ(one.failure_point, other.failure_point)
        || differ(one.keying, other.keying) && !has_same_cookie
        || differ(one.service, other.service)
        || one
            .selector
            .zip(other.selector)
            .is_some_and(|(one, other)| selectors_differ(one, other));
    Agreement::of(&identifying, differs)
}

fn selectors_differ(one: Selector, other: Selector) -> bool {
    differ(one.local_mask, other.local_mask)
        || differ(one.peer_mask, other.peer_mask)
        || differ(one.local_port, other.local_port)
        || differ(one.peer_port, other.peer_port)
        || differ(one.protocol, other.protocol)
        || differ(one.local_tunnel, other.local_tunnel)
        || differ(one.peer_tunnel, other.peer_tunnel)
        || differ(one.peer_private, other.peer_private)
}

fn packets(one: LoggedPackets, other: LoggedPackets) -> Agreement {
    let identifying = [
        compared(one.peer, other.peer),
        compared(one.inbound_spi, other.inbound_spi),
        compared(one.outbound_spi, other.outbound_spi),
        compared(one.count, other.count),
    ];
    Agreement::of(&identifying, differ(one.local, other.local))
}

fn audit_changes(one: AuditChange, other: AuditChange) -> Agreement {
    if one.is_unreadable() || other.is_unreadable() {
        return Agreement::Nothing;
    }
    let is_one = differ(one.subcategory, other.subcategory);
    let settings = (one.success, one.failure) != (other.success, other.failure);
    // An unknown subcategory may be one whose name is in another language.
    let is_known = one.subcategory.is_some() && other.subcategory.is_some();
    let differs = is_one || is_known && settings;
    Agreement::of(&[(one == other).then_some(true)], differs)
}

/// Whether two values are the same; `None` where one of them is missing.
fn compared<T: PartialEq>(one: Option<T>, other: Option<T>) -> Option<bool> {
    one.zip(other).map(|(one, other)| one == other)
}

fn differ<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    compared(one, other) == Some(false)
}

fn address(text: &str) -> Option<IpAddr> {
    text.trim().parse().ok()
}

/// Every event of the catalogue has fewer.
const MOST_FIELDS: usize = 64;
const ROUNDED: Span = Span::from_seconds(2);
