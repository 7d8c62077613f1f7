//! A negotiation as report.json has it.

use super::build::{Clock, decimal, frame};
use super::schema;
use crate::correlate::Facts;
use crate::ike::{IkeExchange, IkeVersion, Proposal};

pub(super) fn exchange(
    number: usize,
    x: &IkeExchange,
    facts: &Facts,
    clock: &Clock,
) -> schema::IkeExchange {
    let version = match x.version {
        IkeVersion::V1 => "1",
        IkeVersion::V2 => "2",
        IkeVersion::AuthIp => "authip",
    };
    let numbered = |at: Option<usize>| at.map(|at| format!("X{}", at + 1));
    let icmp_errors = facts.icmp_errors(x).into_iter();
    schema::IkeExchange {
        id: format!("X{number}"),
        version: version.to_owned(),
        kind: x.kind.clone(),
        initiator: x.initiator.to_string(),
        responder: x.responder.to_string(),
        initiator_spi: x.initiator_spi.to_string(),
        responder_spi: x.responder_spi.to_string(),
        start: clock.show(x.start, x.first.evidence),
        end: clock.show(x.end, x.last.evidence),
        messages: x.messages,
        retransmissions: x.retransmissions,
        state: x.state.to_owned(),
        outcome: x.outcome.as_str().to_owned(),
        reason: x.reason.map(|reason| reason.as_str().to_owned()),
        inferred: x.inferred,
        confidence: x.confidence.as_str().to_owned(),
        proof: x.proof.iter().copied().map(frame).collect(),
        start_seen: x.start_seen,
        one_way: x.one_way,
        resent_after_seconds: x.resent_after.iter().copied().filter_map(decimal).collect(),
        icmp_errors: icmp_errors.map(|(why, n)| (why.as_str().to_owned(), n)).collect(),
        proposals: x.offered.iter().map(Proposal::text).collect(),
        chosen: x.chosen.as_ref().map(Proposal::text),
        mismatch: x.mismatch.clone(),
        weak: x.weaknesses().iter().map(|weakness| weakness.name.to_owned()).collect(),
        identities: x.identities.clone(),
        notifies: x.notifies.clone(),
        vendor_ids: x.vendor_ids.clone(),
        nat_initiator: x.nat.initiator,
        nat_responder: x.nat.responder,
        moved_to_4500: x.nat.moved_to_4500,
        replaces: numbered(x.replaces),
        replaced_by: numbered(x.replaced_by),
        simultaneous: numbered(x.simultaneous),
        first: frame(x.first),
        last: frame(x.last),
        ladder: ladder(x, clock),
    }
}

fn ladder(x: &IkeExchange, clock: &Clock) -> Vec<schema::Step> {
    let steps = x.message_sequence().into_iter().map(|step| schema::Step {
        time: clock.show(step.time, step.frame.evidence),
        frame: frame(step.frame),
        from: if step.from_initiator { "initiator" } else { "responder" }.to_owned(),
        repeated: step.is_repeated,
        what: step.what,
    });
    steps.collect()
}
