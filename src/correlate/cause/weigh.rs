//! What speaks against causes that the rules found: whose negotiations they were, who had the address, which clock, and
//! what went on beside.

use super::case::Case;
use super::roles::{MOST_LOW, MOST_MEDIUM};
use super::{Against, Candidate, Cause, FactRef, Opening};
use crate::catalogue::Reason;
use crate::evidence::FrameRef;
use std::collections::BTreeSet;

impl Case<'_> {
    /// Negotiations among other hosts are at most `low` where nothing ties them to the pair.
    pub(super) fn weigh_ties(&self, found: &mut [Candidate]) {
        let Some(other) = self.untied() else { return };
        let is_own = |reason| {
            // These rest on the pair's own packets, or already account for the certainty of the gateways.
            matches!(reason, Reason::AlternatePath | Reason::FilterNotCovering)
        };
        for candidate in found.iter_mut().filter(|candidate| !is_own(candidate.cause.reason)) {
            candidate.cause.score = candidate.cause.score.min(MOST_LOW);
            candidate.cause.against.push(Against::OtherPair(other));
        }
    }

    /// What contradicts other causes where filters do not cover the window's services, so that filters come first: the
    /// senders of clear text continue to send protected packets under the same SPIs, before the window and inside;
    /// or all services were in clear before beside such packets, and what ended or failed later did not put them in
    /// clear.
    pub(super) fn weigh_filters(&self, found: &mut [Candidate]) {
        let living = self.is_own.then(|| self.sender_under_both()).flatten();
        let living = living.map(Against::EspGoesOn);
        let Some(against) = living.or_else(|| self.first_uncovered().map(Against::ClearBesideEsp))
        else {
            return;
        };
        for candidate in found {
            if let Some(most) = self.most_beside_filters(&candidate.cause) {
                candidate.cause.score = candidate.cause.score.min(most);
                candidate.cause.against.push(against.clone());
            }
        }
    }

    /// The first packet of the earlier windows in which all services of this one were in clear beside living ESP.
    fn first_uncovered(&self) -> Option<FrameRef> {
        let window = self.window;
        let before = window.services.iter().map(|service| {
            let first = self.index.uncovered.get(&(window.pair, *service));
            first.filter(|(start, _)| *start < window.run.start).map(|(_, frame)| *frame)
        });
        before.collect::<Option<BTreeSet<FrameRef>>>()?.into_iter().next()
    }

    /// The score that a cause has at the most where filters do not cover the service; `None` where that does not matter.
    fn most_beside_filters(&self, cause: &Cause) -> Option<u8> {
        match cause.reason {
            Reason::ServiceStopped
            | Reason::NothingListens
            | Reason::PeerUnreachable
            | Reason::Udp500Blocked
            | Reason::NoResponse
            | Reason::Timeout
            | Reason::NoProposalChosen
            | Reason::AuthenticationFailed
            | Reason::PskMismatchSuspected
            | Reason::CertificateInvalid
            | Reason::KerberosFailed
            | Reason::InvalidKe
            | Reason::DosProtection
            | Reason::PeerDeleted
            | Reason::SaDeleted
            | Reason::SaExpiredIdle
            | Reason::RekeyGap => Some(BESIDE_FILTERS),
            // These are of single filters; another filter may still be in force.
            Reason::TsUnacceptable
            | Reason::ChildRefused
            | Reason::PolicyMismatch
            | Reason::PolicyChanged
            | Reason::IntegrityFailed
            | Reason::Replay
            | Reason::Other => Some(MOST_MEDIUM),
            // A driver in bypass encrypts nothing.
            Reason::DriverBypass => Some(BESIDE_FILTERS),
            // The filter of a soft SA may name this service alone.
            Reason::FallbackToClear if self.names_the_service(cause) => None,
            Reason::FallbackToClear => Some(BESIDE_FILTERS),
            Reason::NoIkeAttempted
            | Reason::ExemptByPolicy
            | Reason::FilterNotCovering
            | Reason::AlternatePath
            | Reason::AuthWithoutEncapsulation
            | Reason::Unknown => None,
        }
    }

    /// Whether the filters that a cause's records name are of ports or a protocol, and of this service.
    fn names_the_service(&self, cause: &Cause) -> bool {
        cause.refs.iter().any(|fact| match fact {
            FactRef::Event(at) => self.index.names(*at, &self.window.services),
            FactRef::Exchange(_) => false,
        })
    }

    /// A host's log applies only while that host held the address: where another station took the address over
    /// between the record and the window's end, the cause is at most `low`.
    pub(super) fn weigh_stations(&self, found: &mut [Candidate]) {
        let changes = self.index.taken_over(self.window.pair, self.window.run.end);
        for change in changes {
            for candidate in found.iter_mut() {
                let is_earlier = |fact: &FactRef| match fact {
                    FactRef::Event(at) => self.index.facts.events.get(*at).is_some_and(|e| {
                        let own = self.index.facts.addresses.get(&e.log);
                        own.is_some_and(|own| own.contains(&change.address))
                            && e.corrected < Some(change.first.time)
                    }),
                    FactRef::Exchange(_) => false,
                };
                if candidate.cause.refs.iter().any(is_earlier) {
                    candidate.cause.score = candidate.cause.score.min(MOST_LOW);
                    let (address, frame) = (change.address, change.first.frame);
                    candidate.cause.against.push(Against::OtherStation { address, frame });
                }
            }
        }
    }

    /// Where a host's log later names another network's address as its own, and nothing shows that it kept the first
    /// one, what it records of itself may be of another place.
    pub(super) fn weigh_addresses(&self, found: &mut [Candidate]) {
        let hosts = self.hosts();
        for candidate in found {
            let since = candidate.cause.refs.iter().find_map(|fact| match fact {
                FactRef::Event(at) => {
                    hosts.iter().find_map(|host| self.index.other_since(*at, *host))
                }
                FactRef::Exchange(_) => None,
            });
            if let Some(address) = since {
                candidate.cause.score = candidate.cause.score.min(MOST_MEDIUM);
                candidate.cause.against.push(Against::OtherAddressSince(address));
            }
        }
    }

    /// What other hosts of the same addresses did explains nothing of these.
    pub(super) fn weigh_senders(&self, found: &mut [Candidate]) {
        let key = (self.window.pair, self.window.run.start);
        let Some(other) = self.index.facts.other_senders.get(&key) else { return };
        for candidate in found {
            candidate.cause.score = candidate.cause.score.min(MOST_LOW);
            candidate.cause.against.push(Against::OtherSender(other.address));
        }
    }

    /// Clear text that was under way as the capture began, with nothing protected before it, was opened by nothing that the
    /// evidence ties to its beginning; a negotiation that the capture shows before it is.
    pub(super) fn weigh_beginning(&self, found: &mut [Candidate]) {
        let key = (self.window.pair, self.window.run.start);
        if !self.index.facts.midway.contains(&key) || self.silent_since().is_some() {
            return;
        }
        let is_before = |fact: &FactRef| match fact {
            FactRef::Exchange(at) => self.index.facts.exchanges.get(*at).is_some_and(|exchange| {
                exchange.first.evidence == self.window.run.first.evidence
                    && exchange.start < self.window.run.start
            }),
            FactRef::Event(_) => false,
        };
        // Nobody negotiated is said of the whole window, and of what came before it.
        for candidate in found.iter_mut().filter(|c| {
            c.cause.reason != Reason::NoIkeAttempted && !c.cause.refs.iter().any(is_before)
        }) {
            if candidate.opening != Opening::None {
                candidate.opening = Opening::None;
                candidate.cause.against.push(Against::BeganBefore);
            }
        }
    }

    /// Times of two captures are one clock's only where common packets or joins prove it.
    pub(super) fn weigh_captures(&self, found: &mut [Candidate]) {
        let capture = self.window.run.first.evidence;
        for candidate in found {
            let exchanges = candidate.cause.refs.iter().filter_map(|fact| match fact {
                FactRef::Exchange(at) => self.index.facts.exchanges.get(*at),
                FactRef::Event(_) => None,
            });
            let clocks = &self.index.facts.capture_clocks;
            let agree = exchanges.map(|exchange| clocks.agree(capture, exchange.first.evidence));
            // What is certainly apart comes first, then what nobody knows.
            let most = match agree.min_by_key(|agree| agree.map_or(1, |agree| u8::from(agree) * 2))
            {
                Some(Some(false)) => MOST_LOW,
                Some(None) => MOST_MEDIUM,
                Some(Some(true)) | None => continue,
            };
            candidate.cause.score = candidate.cause.score.min(most);
            candidate.cause.against.push(Against::OtherClock);
        }
    }

    /// A log that names its computer without a domain may be from another computer. Where its own events name
    /// no address of the pair, its causes are at most `medium`.
    pub(super) fn weigh_names(&self, found: &mut [Candidate]) {
        for candidate in found {
            let assumed = candidate.cause.refs.iter().find_map(|fact| match fact {
                FactRef::Event(at) => self.assumed_name(*at),
                FactRef::Exchange(_) => None,
            });
            if let Some((host, full)) = assumed {
                candidate.cause.score = candidate.cause.score.min(MOST_MEDIUM);
                let (host, full) = (host.to_owned(), full.to_owned());
                candidate.cause.against.push(Against::AssumedName { host, full });
            }
        }
    }

    /// The short name of the computer of an event's log, and the full name that was assumed for it.
    fn assumed_name(&self, event: usize) -> Option<(&str, &str)> {
        let placed = self.index.facts.events.get(event)?;
        let assumed = self.index.facts.assumed_names.get(&placed.log)?;
        let pair = [self.window.pair.a(), self.window.pair.b()];
        let names_itself = pair.iter().any(|host| assumed.own_addresses.contains(host));
        (!names_itself).then_some((placed.event.host.as_str(), assumed.full.as_str()))
    }
}

/// Below the score of a filter that no log proves.
const BESIDE_FILTERS: u8 = 58;
