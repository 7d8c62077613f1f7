//! Traffic that is disguised as exempt traffic.

use super::{Finding, FindingCode, Severity, When, counted, proof_of};
use crate::correlate::{Confidence, ExemptionAbuse, Facts};
use crate::protection::exemption_abuse::AbusedExemption;

/// One finding for each pair and kind, the busiest pairs.
pub(super) fn abuses(facts: &Facts) -> Vec<Finding> {
    let enough = |abuse: &&ExemptionAbuse| abuse.packets >= least(abuse.what);
    let mut abuses: Vec<&ExemptionAbuse> = facts.exemption_abuses.iter().filter(enough).collect();
    abuses.sort_by_key(|abuse| (std::cmp::Reverse(abuse.packets), abuse.pair, abuse.what));
    abuses.into_iter().take(MOST_PAIRS).map(abuse_finding).collect()
}

/// Administrators send a few large echoes to find the path MTU; a service that is not there causes a few errors.
const fn least(what: AbusedExemption) -> u64 {
    match what {
        AbusedExemption::KerberosPort | AbusedExemption::IkePort | AbusedExemption::EchoTunnel => 1,
        AbusedExemption::Unread => 8,
        AbusedExemption::LargeEcho | AbusedExemption::QuotedText => 32,
    }
}

fn abuse_finding(abuse: &ExemptionAbuse) -> Finding {
    let first = abuse.ends.iter().min_by_key(|seen| (seen.time, seen.frame));
    let last = abuse.ends.iter().max_by_key(|seen| (seen.time, seen.frame));
    let when = |seen: &crate::summary::PacketRecord| When {
        time: seen.time,
        evidence: seen.frame.evidence,
    };
    let (severity, confidence, why) = match abuse.what {
        AbusedExemption::KerberosPort | AbusedExemption::IkePort => (
            Severity::Medium,
            Confidence::High,
            "Systems that exempt this port let any content pass; the packets show that this is not the protocol the port is assigned to.",
        ),
        AbusedExemption::EchoTunnel => (
            Severity::Medium,
            Confidence::High,
            "A host returns the data of an echo request unmodified (RFC 792). Replies with other data carry traffic of their own, as ICMP tunnels do.",
        ),
        AbusedExemption::Unread => (
            Severity::Medium,
            Confidence::High,
            "No receiver reads these bytes, and IPsec does not protect them. They were readable on the wire. They may be a covert channel, or memory that a driver or device did not clear.",
        ),
        AbusedExemption::LargeEcho => (
            Severity::Low,
            Confidence::Low,
            "ICMP is always exempt, so it can carry other data; ordinary echo messages hold 32 or 56 bytes. A network test looks the same.",
        ),
        AbusedExemption::QuotedText => (
            Severity::Low,
            Confidence::Low,
            "ICMP errors are exempt and quote the packet that they are about: this text passed in clear, even where that packet was protected. Ordinary requests to a service that does not exist look the same, and so does a program that hides data in ICMP errors.",
        ),
    };
    let title = format!(
        "{} and {}: {} ({})",
        abuse.pair.a(),
        abuse.pair.b(),
        abuse.what.as_str(),
        counted(abuse.packets, "packet")
    );
    let whole = Finding::new(FindingCode::ExemptionAbuse, severity, title, why.to_owned());
    let advice = match abuse.what {
        AbusedExemption::KerberosPort | AbusedExemption::IkePort => whole.advice.clone(),
        // No setting of IPsec removes this exemption from old systems, and none of Kerberos concerns it.
        AbusedExemption::LargeEcho | AbusedExemption::QuotedText | AbusedExemption::EchoTunnel => {
            vec![LIMIT_ICMP.to_owned()]
        }
        AbusedExemption::Unread => vec![FIND_WRITER.to_owned()],
    };
    Finding {
        confidence,
        advice,
        pair: Some(abuse.pair),
        span: first.zip(last).map(|(first, last)| (when(first), when(last))),
        proof: proof_of(abuse.ends.iter().map(|seen| seen.frame)),
        ..whole
    }
}

/// What to do about ICMP.
const LIMIT_ICMP: &str = "Find the program that sends it, and let a firewall pass only the ICMP messages that the two hosts need.";
/// What to do about bytes that no receiver reads.
const FIND_WRITER: &str = "Read the bytes in the frames that are named, and find the program, driver or device that writes them.";
/// Pairs and kinds with a finding each.
const MOST_PAIRS: usize = 50;
