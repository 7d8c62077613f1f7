//! What the events of a category prove, and what they do not.
//!
//! The rules for reading a Windows log about IPsec, in plain words; docs/event-logs.md has them with
//! their sources. What one record's fields add is for the event log's reader.

use super::Category;

/// How to read the events of a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guide {
    /// What such a record proves.
    pub proves: &'static str,
    /// What it does not prove.
    pub does_not: &'static str,
}

impl Category {
    /// What the events of this category prove, and what they do not.
    #[must_use]
    pub const fn guide(self) -> Guide {
        match self {
            Self::IkeFailure => guide(
                "this host took part in a negotiation that did not succeed, or saw a message of one that was not valid",
                "that traffic passed in clear: a strict policy drops it",
            ),
            Self::DriverAnomaly => guide(
                "IPsec on this host dropped packets",
                "an attack: a rekey, a restart of the peer or packets out of order look the same",
            ),
            Self::CleartextObserved => guide(
                "the peer sent clear text that this host's policy wants protected",
                "that it was delivered: this host dropped it. A peer that may fall back to clear text sends such packets while it negotiates",
            ),
            Self::CleartextPermitted => guide(
                "the policy let traffic with this peer pass in clear from here on",
                "that any passed; only the capture shows that",
            ),
            Self::SaEstablished => guide(
                "the two hosts agreed on keys at this time, and successes were audited",
                "that all traffic of the two was protected by them: the selectors define which is",
            ),
            Self::SaEnded => guide(
                "the keys were deleted at this time",
                "that protection ended: a rekey ends the old SA beside the new one",
            ),
            Self::ServiceState => guide(
                "a service or the driver that IPsec needs changed its state at this time",
                "that traffic passed in clear; existing security associations may outlive the service for a while",
            ),
            Self::PolicyChange => guide(
                "the IPsec configuration was changed, applied, or could not be applied",
                "that the change let anything out",
            ),
            Self::HostState => {
                guide("the system was down before, or went down", "anything about the time between")
            }
            Self::ClockChange => guide(
                "the clock was set or was found wrong: times before and after it are from two clocks",
                "which of the two was right",
            ),
            Self::EvidenceIntegrity => guide(
                "the log is incomplete: cleared, full, stopped, or configured to record something else",
                "what is missing",
            ),
            Self::Context => guide("what it says", "anything about IPsec"),
        }
    }
}

const fn guide(proves: &'static str, does_not: &'static str) -> Guide {
    Guide { proves, does_not }
}
