//! Relations between negotiations of the same two hosts: one replaces another, both sides began at once, two
//! offers share no algorithm.

use super::digest::MessageDigest;
use super::esp_activity::EspActivity;
use super::exchange::IkeExchange;
use super::outcome::Outcome;
use super::proposal::{Proposal, Transform, TransformKind};
use super::{ExchangeType, IkeVersion};
use crate::catalogue::{Confidence, Reason};
use crate::hosts::HostPair;
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// Links the negotiations of a list in order of time.
pub(super) fn link(exchanges: &mut [IkeExchange], esp: &EspActivity) {
    let mut by_pair: BTreeMap<HostPair, Vec<usize>> = BTreeMap::new();
    for (at, exchange) in exchanges.iter().enumerate() {
        by_pair.entry(exchange.pair()).or_default().push(at);
    }
    for of_pair in by_pair.into_values().filter(|of_pair| of_pair.len() > 1) {
        for neighbours in of_pair.windows(2) {
            if let [earlier, later] = *neighbours {
                link_neighbours(exchanges, (earlier, later), esp);
            }
        }
        compare_offers(exchanges, &of_pair);
    }
}

fn link_neighbours(
    exchanges: &mut [IkeExchange],
    (earlier, later): (usize, usize),
    esp: &EspActivity,
) {
    let (Some(old), Some(new)) = (exchanges.get(earlier), exchanges.get(later)) else { return };
    let at_once = began_at_once(old, new);
    let replaced = replaces(old, new, esp);
    let last = last_request(old).map(|last| last.frame);
    if let Some(old) = exchanges.get_mut(earlier) {
        old.simultaneous = at_once.then_some(later).or(old.simultaneous);
        if replaced {
            old.replaced_by = Some(later);
            if old.outcome != Outcome::Ended {
                // By the size of a message and what follows it.
                (old.outcome, old.inferred) = (Outcome::Ended, true);
                old.confidence = old.confidence.min(Confidence::Medium);
                old.proof.extend(last.filter(|last| !old.proof.contains(last)));
            }
        }
    }
    if let Some(new) = exchanges.get_mut(later) {
        new.simultaneous = at_once.then_some(earlier).or(new.simultaneous);
        new.replaces = replaced.then_some(earlier);
    }
}

/// Both sides sent a first message before either had seen the other's answered.
fn began_at_once(one: &IkeExchange, other: &IkeExchange) -> bool {
    let answered = one.kept.iter().find(|m| m.source.ip() == one.responder.ip());
    one.start_seen
        && other.start_seen
        && one.initiator.ip() == other.responder.ip()
        && one.responder.ip() == other.initiator.ip()
        && answered.map_or(one.end, |m| m.time) >= other.start
}

/// Whether an established IKE SA gave way to the next one. Two hosts may have any number of them (RFC 7296 §2.8): the old
/// one's last message can be a Delete by its size, its ports are those of the new one, and, unless the new one took its
/// child SAs over, none of its SPIs remains in use.
fn replaces(old: &IkeExchange, new: &IkeExchange, esp: &EspActivity) -> bool {
    let was_established = matches!(old.outcome, Outcome::Established | Outcome::Ended);
    let is_established = matches!(new.outcome, Outcome::Established | Outcome::Ended);
    if !was_established || !is_established || old.version != new.version {
        return false;
    }
    let Some(last) = last_request(old) else { return false };
    if !is_farewell(last) || !old.may_delete(last) {
        return false;
    }
    if new.start_seen {
        // Negotiated again, and the old one deleted afterwards.
        let done = new.completions.first().copied().unwrap_or(new.end);
        return has_ends((old.initiator, old.responder), (new.initiator, new.responder))
            && last.time >= new.start
            && last.time <= done.shifted(CLEARING_AWAY)
            && !esp.outlasts(old.pair(), new.start, last.time);
    }
    let first = new.kept.first();
    let is_between_same = first.is_some_and(|first| {
        has_ends((first.source, first.destination), (last.source, last.destination))
    });
    if !is_between_same {
        return false;
    }
    // RFC 7296 §2.18: the old SPIs are deleted after CREATE_CHILD_SA created new ones, which then appear
    // without a negotiation of their own.
    let rekeyed = old.kept.iter().rfind(|m| m.is(ExchangeType::CREATE_CHILD_SA));
    new.version == IkeVersion::V2
        && rekeyed.is_some_and(|r| last.time.since(r.time) <= CLEARING_AWAY)
        && new.start >= rekeyed.map_or(Timestamp(i64::MAX), |r| r.time)
}

/// Whether two addresses with ports are the same, in either order.
fn has_ends(one: (SocketAddr, SocketAddr), other: (SocketAddr, SocketAddr)) -> bool {
    one == other || one == (other.1, other.0)
}

/// The last message that is no answer and no repetition of an earlier one.
fn last_request(exchange: &IkeExchange) -> Option<&MessageDigest> {
    exchange.kept.iter().rfind(|message| !message.is_response())
}

fn is_farewell(message: &MessageDigest) -> bool {
    message.is(ExchangeType::INFORMATIONAL)
        || message.is(ExchangeType::V1_INFORMATIONAL)
        || message.is(ExchangeType::AUTHIP_NOTIFY)
}

/// Where one side refused the other's proposals and made proposals of its own at another time, names what the
/// two do not share.
fn compare_offers(exchanges: &mut [IkeExchange], of_pair: &[usize]) {
    let offers: Vec<(std::net::IpAddr, IkeVersion, Vec<Proposal>)> = of_pair
        .iter()
        .filter_map(|at| exchanges.get(*at))
        .filter(|x| !x.offered.is_empty())
        .take(MOST_OFFERS)
        .map(|x| (x.initiator.ip(), x.version, x.offered.clone()))
        .collect();
    for at in of_pair {
        let Some(refused) = exchanges.get_mut(*at) else { continue };
        if refused.reason != Some(Reason::NoProposalChosen) || refused.mismatch.is_some() {
            continue;
        }
        let other = offers
            .iter()
            .find(|(by, version, _)| *by == refused.responder.ip() && *version == refused.version);
        refused.mismatch = other.map(|(_, _, theirs)| difference(&refused.offered, theirs));
    }
}

/// The kinds of algorithm of which two offers share none, in words.
fn difference(ours: &[Proposal], theirs: &[Proposal]) -> String {
    let of_kind = |offer: &[Proposal]| {
        let mut kinds: BTreeMap<TransformKind, BTreeSet<Transform>> = BTreeMap::new();
        for transform in offer.iter().flat_map(|proposal| &proposal.transforms) {
            kinds.entry(transform.kind).or_default().insert(*transform);
        }
        kinds
    };
    let (ours_by_kind, theirs_by_kind) = (of_kind(ours), of_kind(theirs));
    let version = ours.first().map_or(IkeVersion::V2, |proposal| proposal.version);
    let names = |set: &BTreeSet<Transform>| {
        set.iter().map(|transform| transform.name(version)).collect::<Vec<_>>().join("|")
    };
    let differing: Vec<String> = ours_by_kind
        .iter()
        .filter_map(|(kind, mine)| {
            let other = theirs_by_kind.get(kind)?;
            mine.is_disjoint(other)
                .then(|| format!("{}: {} against {}", kind.word(), names(mine), names(other)))
        })
        .collect();
    if differing.is_empty() {
        return "each kind of algorithm has a common value, but no complete set does".to_owned();
    }
    differing.join("; ")
}

/// How soon after a new SA is created the old one is deleted (RFC 7296 §2.8 leaves it to the peers).
const CLEARING_AWAY: Span = Span::from_seconds(10);
/// Offers of one pair that are compared; hosts repeat the same offer.
const MOST_OFFERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(encryption: u16, group: u16) -> Vec<Proposal> {
        let transform = |kind, id| Transform { kind, id, key_bits: None };
        let transforms = vec![
            transform(TransformKind::Encryption, encryption),
            transform(TransformKind::KeyExchange, group),
        ];
        vec![Proposal { version: IkeVersion::V2, transforms, lifetime: None }]
    }

    #[test]
    fn the_attribute_that_is_not_shared_is_named() {
        assert_eq!(difference(&offer(12, 14), &offer(12, 2)), "group: MODP-2048 against MODP-1024");
        let both = difference(&offer(12, 14), &offer(3, 2));
        assert_eq!(
            both,
            "encryption: AES-CBC against 3DES-CBC; group: MODP-2048 against MODP-1024"
        );
    }

    #[test]
    fn kinds_that_are_shared_one_by_one_need_not_make_a_set() {
        let ours = [offer(12, 14), offer(3, 2)].concat();
        let theirs = [offer(12, 2), offer(3, 14)].concat();
        assert!(difference(&ours, &theirs).starts_with("each kind"));
    }
}
