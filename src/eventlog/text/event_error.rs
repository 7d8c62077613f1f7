//! Why a part of an export is no event.

use crate::xml::XmlError;

/// Why a part of an export is no event; the export adds where it is.
#[derive(Debug, thiserror::Error)]
pub(super) enum EventError {
    /// It is not well formed.
    #[error("{0}")]
    Xml(#[from] XmlError),
    /// It is not well formed.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// The event schema demands the element `System`.
    #[error("it has no System part")]
    NoSystem,
    /// The event schema demands the element `EventID`.
    #[error("it has no EventID")]
    NoEventId,
    /// An event of `netsh wfp` has an element `header`.
    #[error("it has no header")]
    NoHeader,
    /// An event of `netsh wfp` has an element `type`.
    #[error("it has no type")]
    NoType,
    /// The line of the event's number holds none.
    #[error("it has no event number")]
    NoNumber,
    /// No known tool writes such names.
    #[error("it has no event number under a known name (Id, EventID, EventId)")]
    UnknownNames,
}
