//! A selection as a display filter of Wireshark.
//!
//! It shows what `Reach::Full` carves, as far as Wireshark takes the packets apart as this program does.

use super::selection::{Kind, Selection, Stretch};
use crate::evidence::{Evidence, FrameRef, ProblemCode};
use crate::hosts::HostPair;
use crate::time::Timestamp;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The filter that shows a finding's packets in one capture. Every frame that the finding cites is
/// in it by its number.
#[must_use]
pub fn filter(selection: &Selection, capture: &Evidence) -> String {
    let mut parts = Vec::new();
    if let Some(numbers) = selection.frames.get(&capture.id).filter(|numbers| !numbers.is_empty()) {
        parts.push(format!("frame.number in {{{}}}", listed(numbers)));
    }
    for ((pair, kind), stretches) in &selection.stretches {
        let here = stretches.iter().filter(|stretch| touches(**stretch, capture));
        let here: Vec<Stretch> = here.copied().collect();
        let (Some(first), Some(last)) = (here.first(), here.last()) else { continue };
        let whom = whom(*pair, *kind);
        if !has_same_times(capture) {
            parts.push(format!("({whom})"));
        } else if here.len() > MOST_STRETCHES {
            parts.push(format!("({whom} && {})", when((first.0, last.1))));
        } else {
            parts.extend(here.iter().map(|stretch| format!("({whom} && {})", when(*stretch))));
        }
    }
    parts.join(" || ")
}

/// The filter that shows what a pair sent from a first frame to a last one: by number where both are in
/// one capture, else by time.
#[must_use]
pub fn stretch_filter(
    pair: HostPair,
    frames: (FrameRef, FrameRef),
    times: (Timestamp, Timestamp),
) -> String {
    let whom = whom(pair, Kind::All);
    if frames.0.evidence == frames.1.evidence {
        let (first, last) = (frames.0.frame.0, frames.1.frame.0);
        format!("{whom} && frame.number>={} && frame.number<={}", first.min(last), first.max(last))
    } else {
        format!("{whom} && {}", when(times))
    }
}

/// `1,4..7,9`.
fn listed(numbers: &BTreeSet<u64>) -> String {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            Some(_) | None => spans.push((*number, *number)),
        }
    }
    let reported = spans.into_iter().map(|(first, last)| {
        if first == last { first.to_string() } else { format!("{first}..{last}") }
    });
    reported.collect::<Vec<_>>().join(",")
}

fn whom(pair: HostPair, kind: Kind) -> String {
    let field = |address: IpAddr| match address {
        IpAddr::V4(v4) => format!("ip.addr=={v4}"),
        IpAddr::V6(v6) => format!("ipv6.addr=={v6}"),
    };
    let two = format!("{} && {}", field(pair.a()), field(pair.b()));
    match (kind, pair.a()) {
        (Kind::All, _) => two,
        (Kind::Fragments, IpAddr::V4(_)) => {
            format!("{two} && (ip.flags.mf==1 || ip.frag_offset>0)")
        }
        (Kind::Fragments, IpAddr::V6(_)) => format!("{two} && ipv6.fraghdr"),
    }
}

fn when((start, end): Stretch) -> String {
    format!("frame.time_epoch>={} && frame.time_epoch<={}", epoch(start), epoch(end))
}

/// Seconds since 1970 with all digits.
fn epoch(time: Timestamp) -> String {
    let sign = if time.0 < 0 { "-" } else { "" };
    let nanos = time.0.unsigned_abs();
    format!("{sign}{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

fn touches((start, end): Stretch, capture: &Evidence) -> bool {
    capture.span.is_some_and(|(first, last)| start <= last && end >= first)
}

/// Whether Wireshark shows the same times for its frames as this program.
fn has_same_times(capture: &Evidence) -> bool {
    let is_other = |code| matches!(code, ProblemCode::LocalTime | ProblemCode::BadTime);
    !capture.problems.iter().any(|problem| is_other(problem.code()))
}

/// Beyond that one stretch from the first to the last is shown: a command line has an end.
const MOST_STRETCHES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_a_span() {
        assert_eq!(listed(&[1, 4, 5, 6, 9, 10].into()), "1,4..6,9..10");
    }

    #[test]
    fn times_have_nine_digits() {
        assert_eq!(epoch(Timestamp(1_500_000_000)), "1.500000000");
        assert_eq!(epoch(Timestamp(-1_500_000_000)), "-1.500000000");
    }

    #[test]
    fn fragments_are_asked_for_as_each_version_of_ip_has_them() {
        let pair = |a: &str, b: &str| HostPair::new(a.parse().unwrap(), b.parse().unwrap());
        assert_eq!(
            whom(pair("10.0.0.5", "10.0.0.1"), Kind::Fragments),
            "ip.addr==10.0.0.1 && ip.addr==10.0.0.5 && (ip.flags.mf==1 || ip.frag_offset>0)"
        );
        assert_eq!(
            whom(pair("fd00::1", "fd00::2"), Kind::Fragments),
            "ipv6.addr==fd00::1 && ipv6.addr==fd00::2 && ipv6.fraghdr"
        );
    }
}
