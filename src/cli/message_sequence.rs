//! Negotiations as message sequences on a terminal: time, direction, what, frame.

use super::glyphs::Glyphs;
use super::terminal;
use crate::report::schema::{FrameRef, IkeExchange, Step};
use std::io::{self, Write};

/// Prints every negotiation, by time.
pub(super) fn print_message_sequences(
    out: &mut impl Write,
    exchanges: &[IkeExchange],
) -> io::Result<()> {
    if exchanges.is_empty() {
        return writeln!(out, "No IKE message.");
    }
    for (at, exchange) in exchanges.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        negotiation(out, exchange)?;
    }
    Ok(())
}

fn negotiation(out: &mut impl Write, x: &IkeExchange) -> io::Result<()> {
    let version = match x.version.as_str() {
        "1" => "IKEv1",
        "2" => "IKEv2",
        _ => "AuthIP",
    };
    writeln!(out, "{} {version}, {} asks {}, begun {}", x.id, x.initiator, x.responder, x.start)?;
    writeln!(out, "   SPIs {} {}", x.initiator_spi, x.responder_spi)?;
    let mut last = None;
    for (at, step) in x.ladder.iter().enumerate() {
        // The middle of very long negotiations is not kept.
        if at == x.ladder.len().saturating_sub(KEPT_LAST) && x.messages > x.ladder.len() as u64 {
            let dots = Glyphs::of_locale().more;
            let left_out = x.messages - x.ladder.len() as u64;
            writeln!(out, "   {dots} {left_out} messages not kept")?;
        }
        step_line(out, step, last)?;
        last = Some(&step.frame.evidence);
    }
    ending(out, x)
}

fn step_line(out: &mut impl Write, step: &Step, last_evidence: Option<&String>) -> io::Result<()> {
    let [from_initiator, from_responder] = Glyphs::of_locale().arrows;
    let arrow = if step.from == "initiator" { from_initiator } else { from_responder };
    let again = if step.repeated { " (sent again)" } else { "" };
    let frame = if last_evidence.is_none_or(|last| *last == step.frame.evidence) {
        format!("frame {}", step.frame.frame)
    } else {
        place(&step.frame)
    };
    // The text of a step is built from tables and numbers, but is treated as evidence all the same.
    writeln!(out, "   {}  {arrow}  {}{again}  [{frame}]", step.time, terminal::escape(&step.what))
}

fn ending(out: &mut impl Write, x: &IkeExchange) -> io::Result<()> {
    let reason = x.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let sure =
        if x.inferred { format!(", inferred, confidence {}", x.confidence) } else { String::new() };
    let proof: Vec<String> = x.proof.iter().map(place).collect();
    writeln!(
        out,
        "   = {}{reason}: {}{sure}; shown by {}",
        x.outcome.replace('_', " "),
        x.state,
        proof.join(", ")
    )?;
    if let Some(chosen) = &x.chosen {
        writeln!(out, "     chosen: {}", terminal::escape(chosen))?;
    } else if !x.proposals.is_empty() {
        writeln!(out, "     offered: {}", terminal::escape(&x.proposals.join(", ")))?;
    }
    let lists = [
        ("not in common", x.mismatch.iter().cloned().collect()),
        ("weak algorithms", x.weak.clone()),
        ("identities", x.identities.clone()),
        ("vendors", x.vendor_ids.clone()),
        ("address translation", translated(x)),
        ("sent again after", seconds(x)),
        ("ICMP", x.icmp_errors.iter().map(|(why, n)| format!("{n} {why}")).collect()),
        ("replaces", x.replaces.iter().cloned().collect()),
        ("replaced by", x.replaced_by.iter().cloned().collect()),
        ("begun at the same time as", x.simultaneous.iter().cloned().collect()),
    ];
    for (name, items) in lists.iter().filter(|(_, items)| !items.is_empty()) {
        writeln!(out, "     {name}: {}", terminal::escape(&items.join(", ")))?;
    }
    Ok(())
}

fn translated(x: &IkeExchange) -> Vec<String> {
    let sides = [("of the initiator", x.nat_initiator), ("of the responder", x.nat_responder)];
    let mut shown: Vec<String> = sides
        .iter()
        .filter(|(_, is)| *is == Some(true))
        .map(|(side, _)| (*side).to_owned())
        .collect();
    if x.moved_to_4500 {
        shown.push("moved to UDP 4500".to_owned());
    }
    shown
}

fn seconds(x: &IkeExchange) -> Vec<String> {
    x.resent_after_seconds.iter().map(|seconds| format!("{seconds} s")).collect()
}

fn place(frame: &FrameRef) -> String {
    format!("{} frame {}", frame.evidence, frame.frame)
}

/// The number of last messages that are kept of a very long negotiation.
const KEPT_LAST: usize = 16;
