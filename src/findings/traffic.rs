//! What the packets themselves show: clear text, weak protection, rules without traffic.

use super::attempted::attempt;
use super::{
    Finding, FindingCode, MOST_ITEMS, Proof, Severity, When, counted, frames, proof_of, span_of,
    with_separators,
};
use crate::catalogue::Reason;
use crate::correlate::{Confidence, ExplainedWindow, Exposure, Facts, PairFacts, Verdict};
use crate::evidence::{EvidenceId, RecordRef};
use crate::hosts::HostPair;
use crate::policy::{Action, Expectation, ExpectationSource, Policy};
use crate::protection::ProtectionClass;
use crate::protection::secret::Secret;
use crate::summary::{ClassRun, PacketRecord, SetAside};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// One finding for each pair and leading cause.
pub(super) fn cleartext_windows(facts: &Facts) -> Vec<Finding> {
    let mut groups: BTreeMap<(HostPair, Expectation, Reason), Vec<usize>> = BTreeMap::new();
    for (index, explained) in facts.windows.iter().enumerate() {
        let leading = explained.causes.first().map_or(Reason::Unknown, |cause| cause.reason);
        let key = (explained.window.pair, explained.window.expectation, leading);
        groups.entry(key).or_default().push(index);
    }
    let translated = super::station::translated(facts);
    groups
        .into_iter()
        .map(|((pair, _, reason), windows)| {
            let shared = [pair.a(), pair.b()].into_iter().find(|host| translated.contains(host));
            cleartext_window(facts, (pair, shared), reason, windows)
        })
        .collect()
}

/// `shared` is the address of the two that several hosts may have.
#[expect(clippy::too_many_lines, reason = "the parts of one text")]
fn cleartext_window(
    facts: &Facts,
    (pair, shared): (HostPair, Option<IpAddr>),
    reason: Reason,
    windows: Vec<usize>,
) -> Finding {
    let members: Vec<&ExplainedWindow> =
        windows.iter().filter_map(|index| facts.windows.get(*index)).collect();
    let runs = || members.iter().map(|w| &w.window.run);
    let packets: u64 = runs().map(|run| run.frames).sum();
    let readable: u64 = members
        .iter()
        .flat_map(|w| &w.window.apps)
        .filter(|((_, encrypted), _)| !encrypted)
        .map(|(_, count)| count.frames)
        .sum();
    let source = facts.pair(pair).map(|p| &p.source);
    let is_stated = matches!(
        source,
        Some(ExpectationSource::PolicyFile { .. } | ExpectationSource::ProtectOption(_))
    );
    let payload: u64 = runs().map(ClassRun::payload_bytes).sum();
    let attempted = members.iter().any(|w| w.window.expectation == Expectation::Attempted);
    let hidden: u64 = members.iter().map(|w| w.window.protected_inside).sum();
    let discovery: u64 = members.iter().map(|w| w.window.discovery).sum();
    let severity = match (is_stated, readable > 0) {
        // Protected inside, or without payload.
        _ if hidden + discovery == packets || payload == 0 => Severity::Low,
        (true, true) => Severity::Critical,
        (false, _) if attempted || is_extent_unknown(source, &members) => Severity::Medium,
        (true, false) | (false, true) => Severity::High,
        (false, false) => Severity::Medium,
    };
    let leading = members.first();
    let why = leading.map_or_else(String::new, |explained| {
        let sure = explained.causes.first().map_or("low", |cause| cause.confidence().as_str());
        let reason = reason.as_str().replace('_', " ");
        format!(" {} Leading cause: {reason} ({sure}).", super::chain(explained))
    });
    let itself = match readable {
        _ if payload == 0 => " None of them carried payload.".to_owned(),
        0 => " The application encrypted all of it itself.".to_owned(),
        _ if readable < packets => {
            let own = with_separators(packets - readable);
            format!(" The application itself encrypted {own} of them.")
        }
        _ => String::new(),
    };
    let mut causes: Vec<Reason> = Vec::new();
    for cause in members.iter().flat_map(|w| &w.causes) {
        if !causes.contains(&cause.reason) {
            causes.push(cause.reason);
        }
    }
    let what = match hidden == packets {
        true => "used a tunnel in clear that carried only protected packets",
        false => "exchanged clear text",
    };
    let (packets, window_count) =
        (counted(packets, "packet"), counted(members.len() as u64, "window"));
    let title = if payload == 0 {
        let (a, b) = (pair.a(), pair.b());
        format!("{packets} without payload passed in clear between {a} and {b}, in {window_count}")
    } else {
        format!("{} and {} {what}: {packets} in {window_count}", pair.a(), pair.b())
    };
    let demand = if attempted { attempt(&members) } else { demand(source) };
    let sent = sent(pair, &members);
    let frames_of = same_frames(facts, &members);
    let place = super::place::notes(facts, &members);
    let hosts = shared.map_or_else(String::new, |address| {
        format!(" IKE's NAT detection hashes do not match {address}: the address was translated, or UDP encapsulation is forced. Several hosts may share a translated address, so the host that sent clear text may not be the protected one.")
    });
    let (severity, confidence, stations) =
        super::station::weigh(facts, &members, severity, is_stated);
    let confidence = match super::place::is_in_doubt(facts, &members) {
        true => confidence.min(Confidence::Medium),
        false => confidence,
    };
    let counters = super::counters::around_windows(facts, pair, runs());
    let detail =
        format!("{demand}{why}{itself}{sent}{frames_of}{place}{hosts}{stations}{counters}");
    let mut finding = Finding::new(FindingCode::CleartextWindow, severity, title, detail);
    let first = reason.advice().what_to_do;
    finding.advice.insert(0, format!("{} {first}", super::PRESERVE));
    Finding {
        confidence,
        pair: Some(pair),
        span: span_of(runs()),
        proof: frames(runs()),
        windows,
        causes,
        ..finding
    }
}

/// The other pairs whose windows are of the same frames.
fn same_frames(facts: &Facts, members: &[&ExplainedWindow]) -> String {
    let others = members.iter().flat_map(|w| &w.same_frames_as);
    let others = others.filter_map(|at| facts.windows.get(*at)).map(|w| w.window.pair);
    let others: BTreeSet<HostPair> = others.collect();
    let named = others.iter().take(BUSIEST).map(|pair| format!("{} and {}", pair.a(), pair.b()));
    let named: Vec<String> = named.collect();
    let more = match others.len().saturating_sub(BUSIEST) {
        0 => String::new(),
        more => format!(" and {}", counted(more as u64, "more pair")),
    };
    if named.is_empty() {
        return String::new();
    }
    format!(
        " A tunnel connects them: windows of {}{more} contain the same frames.",
        named.join(", ")
    )
}

/// Where the extent of a requirement is unknown: it was inferred from requests alone, or from IPsec whose
/// selectors are encrypted, and either IPsec continued beside the clear text or nothing ties its end to it.
fn is_extent_unknown(source: Option<&ExpectationSource>, windows: &[&ExplainedWindow]) -> bool {
    let Some(ExpectationSource::Inferred(from)) = source else { return false };
    let only_asked = !from.iter().any(|source| source.is_in_force());
    let is_tied = |w: &ExplainedWindow| {
        !w.window.mixed && w.causes.iter().any(|cause| cause.confidence() >= Confidence::Medium)
    };
    only_asked || !windows.iter().any(|w| is_tied(w))
}

/// How much each side sent, and whether the other side answered.
fn sent(pair: HostPair, windows: &[&ExplainedWindow]) -> String {
    let (mut bytes, mut packets) = ([0u64; 2], [0u64; 2]);
    for run in windows.iter().map(|w| &w.window.run) {
        for (sum, more) in bytes.iter_mut().zip(run.payload) {
            *sum = sum.saturating_add(more);
        }
        for (sum, more) in packets.iter_mut().zip([run.from_a, run.frames - run.from_a]) {
            *sum = sum.saturating_add(more);
        }
    }
    let [from_a, from_b] = bytes.map(with_separators);
    let silent = match packets {
        [_, 0] => format!(" No clear packet from {} was captured.", pair.b()),
        [0, _] => format!(" No clear packet from {} was captured.", pair.a()),
        [_, _] => String::new(),
    };
    format!(
        " Payload sent: {from_a} bytes by {}, {from_b} bytes by {}.{silent}",
        pair.a(),
        pair.b()
    )
}

/// Clear packets that had to be protected and have no usable time, by pair.
pub(super) fn without_time(facts: &Facts) -> Vec<Finding> {
    let untimed = facts.pairs.iter().filter_map(|pair| Some((pair.pair, **pair.untimed.as_ref()?)));
    untimed
        .map(|(pair, run)| {
            let title = format!(
                "{} in clear between {} and {} have no usable time",
                counted(run.frames, "packet"),
                pair.a(),
                pair.b()
            );
            let detail = format!(
                "From frame {} to frame {}: their time is zero, or more than ten years from the rest of the capture. They are counted but are in no window.",
                run.first, run.last
            );
            let code = FindingCode::FramesWithoutTime;
            Finding {
                pair: Some(pair),
                proof: frames([&run]),
                ..Finding::new(code, Severity::Medium, title, detail)
            }
        })
        .collect()
}

/// The source of the requirement on a pair's traffic.
fn demand(source: Option<&ExpectationSource>) -> String {
    match source {
        Some(ExpectationSource::PolicyFile { line }) => {
            format!("The policy requires protection (line {line}).")
        }
        Some(ExpectationSource::ProtectOption(typed)) => {
            format!("--protect {typed} requires protection.")
        }
        Some(inferred @ ExpectationSource::Inferred(_)) => {
            format!(
                "No policy was given. The requirement is {inferred} between the two hosts; use --policy to state it explicitly."
            )
        }
        Some(ExpectationSource::None | ExpectationSource::DefaultExemption(_)) | None => {
            String::new()
        }
    }
}

/// Pairs beyond the bound.
pub(super) fn pairs_folded(facts: &Facts) -> Option<Finding> {
    let (pairs, packets) = facts.folded;
    let title = format!(
        "The captures show more pairs than the limit: folded pairs with {} were not judged individually",
        counted(packets.frames, "packet"),
    );
    let mut detail = format!(
        "Folded: {}. Each time the limit was exceeded, the half of the pairs with the fewest packets so far was folded. A pair that sent traffic again was counted again, so the number of different pairs may be lower, and a pair with many packets may be among them.",
        counted(pairs, "pair")
    );
    if facts.uncounted_tunnels > 0 {
        let packets = counted(facts.uncounted_tunnels, "tunnel packet");
        detail += &format!(
            " {packets} are counted for the inner pair only: there were too many kinds of tunnels."
        );
    }
    (pairs > 0 || facts.uncounted_tunnels > 0)
        .then(|| Finding::new(FindingCode::PairsFolded, Severity::Medium, title, detail))
}

/// ESP with NULL encryption and AH: authenticated, but not confidential.
pub(super) fn weaker_than_encryption(facts: &Facts) -> Vec<Finding> {
    let kinds = [
        (
            ProtectionClass::EspNull,
            FindingCode::ReadableEsp,
            Severity::High,
            "readable data under ESP",
        ),
        (
            ProtectionClass::Ah,
            FindingCode::AuthenticationOnly,
            Severity::Medium,
            "packets under AH alone",
        ),
    ];
    let mut found = Vec::new();
    for pair in &facts.pairs {
        for (class, code, severity, what) in kinds {
            let Some(run) = pair.by_class.get(&class) else { continue };
            // A policy that requires only integrity is met.
            let wanted = pair.verdict() == Verdict::Protected;
            let is_readable = code == FindingCode::ReadableEsp;
            let offload = is_readable && pair.may_be_offloaded();
            let severity = if offload { Severity::Medium } else { severity };
            let severity = if wanted { Severity::Info } else { severity };
            let title = format!("{} and {} exchanged {what}", pair.pair.a(), pair.pair.b());
            let packets = counted(run.frames, "packet");
            let mut more = if is_readable { readable(pair) } else { String::new() };
            if offload {
                more += OFFLOAD;
            }
            let detail = format!(
                "{packets} from frame {} to frame {}: authenticated, not confidential.{more}",
                run.first, run.last,
            );
            let mut proof = frames([run]);
            proof.extend(records_of(pair.integrity_only.iter().filter(|_| is_readable)));
            found.push(Finding {
                pair: Some(pair.pair),
                span: span_of([run]),
                proof,
                ..Finding::new(code, severity, title, detail)
            });
        }
    }
    found
}

const OFFLOAD: &str = " All of it went in one direction, and the replies are encrypted. A capture on the sender shows packets before its network card encrypts them; only a capture on the path shows whether they left the host readable.";

fn records_of<'a>(records: impl Iterator<Item = &'a RecordRef>) -> BTreeMap<EvidenceId, Proof> {
    let mut by_log: BTreeMap<EvidenceId, BTreeSet<u64>> = BTreeMap::new();
    for record in records.take(MOST_ITEMS) {
        by_log.entry(record.evidence).or_default().insert(record.record);
    }
    by_log.into_iter().map(|(log, records)| (log, Proof::Records(records))).collect()
}

/// What besides the packets shows that it is readable, and what could be read.
fn readable(pair: &PairFacts) -> String {
    let mut words = String::new();
    if !pair.integrity_only.is_empty() {
        words += " A log records that its SA does not encrypt.";
    }
    let apps = pair.readable.iter().map(|((app, encrypted), count)| {
        let own = if *encrypted { " (encrypted by the application)" } else { "" };
        format!("{} {}{own}", app.as_str(), with_separators(count.frames))
    });
    let apps: Vec<String> = apps.collect();
    if !apps.is_empty() {
        words += &format!(" Readable: {}.", apps.join(", "));
    }
    words
}

/// Packets that appear inside ESP and in clear: in one capture, or in one on either side of a gateway.
pub(super) fn decrypted_copies(facts: &Facts) -> Vec<Finding> {
    const ONE: &str = "for each of them, the capture shows an ESP packet within ten milliseconds that can hold exactly a packet of this length. The same is true of nearly every packet of that SPI. They are copies of protected packets, not a leak.";
    const OTHER: &str = "for each of them, another capture shows an ESP packet within ten milliseconds that can hold exactly a packet of this length, and shows none of them in clear. The same is true of nearly every packet of that SPI. They are not a leak at the place of that capture.";
    let with = |why, shown, ground| {
        let of =
            move |pair: &PairFacts| Some((pair.pair, *pair.set_aside.get(&why)?, shown, ground));
        facts.pairs.iter().filter_map(of)
    };
    with(SetAside::DecryptedCopy, "appear both inside ESP and in clear", ONE)
        .chain(with(SetAside::InsideOtherCapture, "are inside ESP in another capture", OTHER))
        .map(|(pair, run, shown, ground)| {
            let packets = counted(run.frames, "packet");
            let title = format!("{packets} of {} and {} {shown}", pair.a(), pair.b());
            let detail = format!("From frame {} to frame {}: {ground}", run.first, run.last);
            Finding {
                pair: Some(pair),
                span: span_of([&run]),
                proof: frames([&run]),
                ..Finding::new(FindingCode::DecryptedCopies, Severity::Info, title, detail)
            }
        })
        .collect()
}

/// Packets that were captured before a network card encrypted them.
pub(super) fn before_encryption(facts: &Facts) -> Vec<Finding> {
    let ipsec_offload = facts
        .pairs
        .iter()
        .filter_map(|pair| Some((pair.pair, *pair.set_aside.get(&SetAside::IpsecOffload)?)));
    ipsec_offload
        .map(|(pair, run)| {
            let packets = counted(run.frames, "packet");
            let title = format!(
                "{packets} between {} and {} were captured before the network card encrypts",
                pair.a(),
                pair.b()
            );
            let detail = format!(
                "From frame {} to frame {}: their checksums were not yet computed, because the network card computes them later, and all answers used ESP. The capture does not show what left the card.",
                run.first, run.last,
            );
            Finding {
                pair: Some(pair),
                span: span_of([&run]),
                proof: frames([&run]),
                confidence: Confidence::Medium,
                ..Finding::new(FindingCode::BeforeEncryption, Severity::Low, title, detail)
            }
        })
        .collect()
}

/// Credentials in clear text: a finding for each pair and form, one for the rest where there are very many.
pub(super) fn credentials(facts: &Facts) -> Vec<Finding> {
    let mut by_form: BTreeMap<(HostPair, Secret), Vec<&Exposure>> = BTreeMap::new();
    for exposure in &facts.exposures {
        by_form.entry((exposure.pair, exposure.secret)).or_default().push(exposure);
    }
    let more = by_form.len().saturating_sub(MOST_EXPOSURES);
    let listed = by_form.iter().take(MOST_EXPOSURES).map(|((pair, secret), exposures)| {
        let packets: u64 = exposures.iter().map(|exposure| exposure.packets).sum();
        let is_known = facts.pair(*pair).is_some_and(|p| {
            matches!(p.expectation, Expectation::Required(_) | Expectation::Exempt)
        });
        let ends = exposures.iter().flat_map(|exposure| [exposure.first, exposure.last]);
        let when = |seen: PacketRecord| When { time: seen.time, evidence: seen.frame.evidence };
        let first = ends.clone().min_by_key(|seen| (seen.time, seen.frame));
        let last = ends.clone().max_by_key(|seen| (seen.time, seen.frame));
        let title = format!(
            "{} in clear text between {} and {}: {}",
            secret.as_str(),
            pair.a(),
            pair.b(),
            counted(packets, "packet")
        );
        let detail = "The first and the last packet are named; their content is not repeated here.";
        let severity = if is_known { Severity::High } else { Severity::Medium };
        Finding {
            pair: Some(*pair),
            span: first.zip(last).map(|(first, last)| (when(first), when(last))),
            proof: proof_of(ends.map(|seen| seen.frame)),
            ..Finding::new(FindingCode::CredentialsInClear, severity, title, detail.to_owned())
        }
    });
    let mut found: Vec<Finding> = listed.collect();
    if more > 0 {
        let title = format!("credentials in clear text of {} more", counted(more as u64, "pair"));
        let detail = "Analyze a part of the evidence, or a shorter span, to list each of them.";
        let (code, severity) = (FindingCode::CredentialsInClear, Severity::Medium);
        found.push(Finding::new(code, severity, title, detail.to_owned()));
    }
    found
}

/// Pairs and forms with a finding each.
const MOST_EXPOSURES: usize = 50;

/// Clear packets that nothing requires to be protected: one finding for all pairs. Decrypted copies of packets
/// inside ESP are not counted; gateways' packets beside their own tunnel are.
pub(super) fn clear_without_expectation(facts: &Facts) -> Option<Finding> {
    let is_asked = |pair: &&PairFacts| match (pair.expectation, &pair.source) {
        (Expectation::None, _) | (Expectation::Required(_), ExpectationSource::Inferred(_)) => true,
        (Expectation::Required(_) | Expectation::Attempted | Expectation::Exempt, _) => false,
    };
    let free = |pair: &PairFacts| pair.in_clear.frames.saturating_sub(pair.unprotected.frames);
    let asked = facts.pairs.iter().filter(is_asked).map(|pair| (pair, free(pair)));
    let mut silent: Vec<(&PairFacts, u64)> = asked.filter(|(_, packets)| *packets > 0).collect();
    silent.sort_by_key(|(facts, packets)| (std::cmp::Reverse(*packets), facts.pair));
    let packets: u64 = silent.iter().map(|(_, packets)| packets).sum();
    let named: Vec<String> = silent
        .iter()
        .take(BUSIEST)
        .map(|(PairFacts { pair, .. }, packets)| {
            format!("{} and {} ({})", pair.a(), pair.b(), counted(*packets, "packet"))
        })
        .collect();
    silent.first()?;
    // Where the pair also has clear packets of another kind, the first and the last packet may be of those.
    let runs = || {
        let whole = silent.iter().filter(|(pair, packets)| {
            pair.set_aside.is_empty() && pair.in_clear.frames == *packets
        });
        whole.filter_map(|(pair, _)| pair.by_class.get(&ProtectionClass::Clear))
    };
    let pairs = counted(silent.len() as u64, "pair");
    let title = format!("{pairs} exchanged clear text that nothing requires to be protected");
    let (packets, busiest) = (counted(packets, "clear packet"), named.join(", "));
    let detail = format!("{packets} in total; the busiest: {busiest}.");
    Some(Finding {
        span: span_of(runs()),
        proof: frames(runs().take(BUSIEST)),
        ..Finding::new(FindingCode::NoExpectation, Severity::Info, title, detail)
    })
}

/// Rules that require protection and matched no packet.
pub(super) fn rules_without_traffic(facts: &Facts, policy: &Policy) -> Vec<Finding> {
    // Where much of the evidence could not be decoded, the traffic may be in there.
    if facts.may_hide_required() {
        return Vec::new();
    }
    let seen: BTreeSet<usize> =
        facts.pairs.iter().flat_map(|pair| policy.covering(pair.pair)).collect();
    (policy.rules.iter().enumerate())
        .filter(|(_, rule)| matches!(rule.action, Action::Protect(_)))
        .filter(|(at, _)| !seen.contains(at))
        .map(|(_, rule)| {
            let title = format!("{} matched no packet", rule.source);
            let detail = "No capture shows a packet between the hosts that the rule names; the evidence proves nothing about them.";
            Finding::new(FindingCode::RuleWithoutTraffic, Severity::Low, title, detail.to_owned())
        })
        .collect()
}

/// Pairs that one finding about many pairs names.
const BUSIEST: usize = 5;
