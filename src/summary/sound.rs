//! Whether a part that was read back holds together: what the reading of evidence makes sure of, and
//! what the judging of it rests on. What is only unlikely is none of its business.

use super::{CaptureSummary, ClassRun, Count, Part};

/// Gives all that is counted in a part, so that nobody has to fear for a sum.
///
/// # Errors
/// With what is wrong.
pub(super) fn check(part: &Part) -> Result<u64, &'static str> {
    let Part { evidence, summary, outside_span } = part;
    // The logs that one file holds of several computers are read as of that file.
    if summary.captures.len() + usize::from(!summary.logs.is_empty()) > 1 {
        return Err("it holds more than one file");
    }
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !evidence.coverage.keys().all(|bucket| bucket.chars().all(is_plain)) {
        return Err("a bucket with an unknown name");
    }
    let captures = summary.captures.values().map(check_capture);
    let captures = captures.sum::<Result<Saturating, _>>()?;
    let coverage = evidence.coverage.values().flat_map(|extent| [extent.bytes, extent.records]);
    let own = [evidence.size, evidence.content_size(), evidence.records, of(outside_span)];
    Ok(coverage.chain(own).chain([captures.0]).map(Saturating).sum::<Saturating>().0)
}

fn check_capture(capture: &CaptureSummary) -> Result<Saturating, &'static str> {
    let decrypted_copies =
        [&capture.decrypted_copies, &capture.ipsec_offload, &capture.inside_others];
    let aside = decrypted_copies.into_iter().chain(capture.off_wire.values());
    let streams = [&capture.streams].into_iter().chain(aside);
    let of_streams = streams.flat_map(|all| all.values()).flat_map(|all| all.values());
    let of_pairs = capture.duplicates.values().flat_map(|kinds| kinds.values());
    let of_tunnels = capture.tunnels.values().flat_map(|tunnels| tunnels.values());
    let of_pairs = of_pairs.chain(of_tunnels);
    let apart = || capture.edges.runs();
    let all = || {
        let of_captures = of_streams.clone().chain(of_pairs.clone());
        of_captures.chain(capture.interleaved.values()).chain(apart())
    };
    for runs in all() {
        if runs.iter().any(|run| !run.is_sound()) {
            return Err("a run that ends before it begins");
        }
        if !runs.is_sorted_by_key(|run: &ClassRun| run.start) {
            return Err("runs out of order");
        }
    }
    if capture.span.is_some_and(|(first, last)| last < first) {
        return Err("a capture that ends before it begins");
    }
    let runs = all().map(|runs| of(&Count::of(runs)));
    let counts = capture.unpaired.values().chain(capture.unpaired_duplicates.values());
    let counts = counts.chain(capture.readable.values().flat_map(|apps| apps.values()));
    let gaps = capture.tcp_gaps.values().flat_map(|gap| [gap.bytes, gap.connections]);
    let lost = capture.esp_gaps.values().flat_map(|esp| [esp.missing(), esp.packets()]);
    let reported = capture.secrets.values().map(|secret| secret.2);
    let reported = reported.chain(capture.abused_exemptions.values().map(|reported| reported.2));
    let reported = reported.chain(capture.unreachable.values().map(|reported| reported.2));
    let prints = capture.prints.values().flatten();
    let prints = prints.flat_map(|print| [1, print.seen.bytes, print.seen.captured]);
    let hellos = capture.tls.values().map(|tls| tls.hellos);
    let counted = [capture.folded_pairs, capture.uncounted_tunnels];
    let own = [of(&capture.total), capture.negotiations.counted()].into_iter().chain(counted);
    let all = runs
        .chain(counts.map(of))
        .chain(gaps)
        .chain(lost)
        .chain(reported)
        .chain(hellos)
        .chain(prints)
        .chain(capture.edges.counted());
    Ok(all.chain(own).map(Saturating).sum())
}

fn of(count: &Count) -> u64 {
    let Count { frames, bytes, captured } = *count;
    frames.saturating_add(bytes).saturating_add(captured)
}

/// A sum that stays at the top.
struct Saturating(u64);

impl std::iter::Sum for Saturating {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        Self(all.fold(0, |sum, one| sum.saturating_add(one.0)))
    }
}
