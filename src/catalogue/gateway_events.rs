//! What the logs of IKE daemons on gateways show, as events: strongSwan's charon and libreswan's pluto.
//!
//! These daemons write sentences and number nothing. The numbers are plainsight's own, one a kind of statement;
//! both daemons have the same. Sources: `C` the messages in strongSwan's source (src/libcharon), `L` the recorded
//! logs of libreswan's tests (testing/pluto) and its issues.

use super::events::{Category, EventEntry};
use super::reason::Reason;

/// The log of strongSwan's daemon, and its source.
pub const CHARON: &str = "charon";
/// The log of libreswan's daemon, and its source.
pub const PLUTO: &str = "pluto";

/// A kind of statement of an IKE daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum GatewayEvent {
    /// An IKE SA came up.
    IkeUp = 60_001,
    /// An IKE SA ended.
    IkeDown = 60_002,
    /// The peer deleted an IKE SA.
    IkeDeletedByPeer = 60_003,
    /// A child SA (IPsec) came up.
    ChildUp = 60_011,
    /// A child SA ended.
    ChildDown = 60_012,
    /// The peer deleted a child SA.
    ChildDeletedByPeer = 60_013,
    /// The peer did not answer.
    NoResponse = 60_021,
    /// No proposal was chosen.
    NoProposal = 60_022,
    /// Authentication failed.
    Authentication = 60_023,
    /// The proof of the shared key was wrong.
    SharedKey = 60_024,
    /// A certificate was not accepted.
    Certificate = 60_025,
    /// The traffic selectors were not accepted.
    Selectors = 60_026,
    /// The key exchange data or group was not accepted.
    KeyExchange = 60_027,
    /// Nothing is configured for this peer.
    NoConfiguration = 60_028,
    /// A child SA was refused.
    ChildRefused = 60_029,
    /// It failed for another reason.
    OtherFailure = 60_030,
}

impl GatewayEvent {
    /// The event's number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }
}

const fn row(
    daemon: &'static str,
    event: GatewayEvent,
    category: Category,
    reason: Option<Reason>,
    meaning: &'static str,
) -> EventEntry {
    let (channel, provider, id) = (daemon, daemon, event.number());
    let (subcategory, source) = ("", "C L");
    EventEntry { channel, provider, id, category, subcategory, reason, meaning, source }
}

use Category::{IkeFailure, SaEnded, SaEstablished};
use GatewayEvent as Of;

/// By number, then by daemon.
#[rustfmt::skip]
pub(super) const GATEWAY_EVENTS: [EventEntry; 32] = [
    row(CHARON, Of::IkeUp, SaEstablished, None, "An IKE SA came up."),
    row(PLUTO,  Of::IkeUp, SaEstablished, None, "An IKE SA came up."),
    row(CHARON, Of::IkeDown, SaEnded, None, "An IKE SA ended."),
    row(PLUTO,  Of::IkeDown, SaEnded, None, "An IKE SA ended."),
    row(CHARON, Of::IkeDeletedByPeer, SaEnded, Some(Reason::PeerDeleted), "The peer deleted an IKE SA."),
    row(PLUTO,  Of::IkeDeletedByPeer, SaEnded, Some(Reason::PeerDeleted), "The peer deleted an IKE SA."),
    row(CHARON, Of::ChildUp, SaEstablished, None, "A child (IPsec) SA came up."),
    row(PLUTO,  Of::ChildUp, SaEstablished, None, "A child (IPsec) SA came up."),
    row(CHARON, Of::ChildDown, SaEnded, None, "A child (IPsec) SA ended."),
    row(PLUTO,  Of::ChildDown, SaEnded, None, "A child (IPsec) SA ended."),
    row(CHARON, Of::ChildDeletedByPeer, SaEnded, Some(Reason::PeerDeleted), "The peer deleted a child (IPsec) SA."),
    row(PLUTO,  Of::ChildDeletedByPeer, SaEnded, Some(Reason::PeerDeleted), "The peer deleted a child (IPsec) SA."),
    row(CHARON, Of::NoResponse, IkeFailure, Some(Reason::NoResponse), "The peer did not answer."),
    row(PLUTO,  Of::NoResponse, IkeFailure, Some(Reason::NoResponse), "The peer did not answer."),
    row(CHARON, Of::NoProposal, IkeFailure, Some(Reason::NoProposalChosen), "One side accepted none of the other's proposals."),
    row(PLUTO,  Of::NoProposal, IkeFailure, Some(Reason::NoProposalChosen), "One side accepted none of the other's proposals."),
    row(CHARON, Of::Authentication, IkeFailure, Some(Reason::AuthenticationFailed), "Authentication failed."),
    row(PLUTO,  Of::Authentication, IkeFailure, Some(Reason::AuthenticationFailed), "Authentication failed."),
    row(CHARON, Of::SharedKey, IkeFailure, Some(Reason::PskMismatchSuspected), "The peer's proof of the pre-shared key was wrong: the keys differ."),
    row(PLUTO,  Of::SharedKey, IkeFailure, Some(Reason::PskMismatchSuspected), "The peer's proof of the pre-shared key was wrong: the keys differ."),
    row(CHARON, Of::Certificate, IkeFailure, Some(Reason::CertificateInvalid), "A certificate was not accepted."),
    row(PLUTO,  Of::Certificate, IkeFailure, Some(Reason::CertificateInvalid), "A certificate was not accepted."),
    row(CHARON, Of::Selectors, IkeFailure, Some(Reason::TsUnacceptable), "The traffic selectors were not accepted."),
    row(PLUTO,  Of::Selectors, IkeFailure, Some(Reason::TsUnacceptable), "The traffic selectors were not accepted."),
    row(CHARON, Of::KeyExchange, IkeFailure, Some(Reason::InvalidKe), "The key exchange data or group was not accepted."),
    row(PLUTO,  Of::KeyExchange, IkeFailure, Some(Reason::InvalidKe), "The key exchange data or group was not accepted."),
    row(CHARON, Of::NoConfiguration, IkeFailure, Some(Reason::PolicyMismatch), "Nothing is configured on this host for this peer or identity."),
    row(PLUTO,  Of::NoConfiguration, IkeFailure, Some(Reason::PolicyMismatch), "Nothing is configured on this host for this peer or identity."),
    row(CHARON, Of::ChildRefused, IkeFailure, Some(Reason::ChildRefused), "The peer refused a child (IPsec) SA."),
    row(PLUTO,  Of::ChildRefused, IkeFailure, Some(Reason::ChildRefused), "The peer refused a child (IPsec) SA."),
    row(CHARON, Of::OtherFailure, IkeFailure, Some(Reason::Other), "A negotiation failed; the message says why."),
    row(PLUTO,  Of::OtherFailure, IkeFailure, Some(Reason::Other), "A negotiation failed; the message says why."),
];
