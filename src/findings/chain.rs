//! One sentence from what opened a window over what kept it open to what closed it, and the words for
//! numbers and lengths of time.

use super::{cause_words, with_separators};
use crate::catalogue::Reason;
use crate::correlate::{Cause, ClosedBy, Confidence, ExplainedWindow, KeptOpen, Why};
use crate::time::Span;

/// The chain of a window: what happened, what lasted, how it ended.
#[must_use]
pub fn chain(window: &ExplainedWindow) -> String {
    let mut parts = Vec::new();
    let opened = window.opened_by.first();
    let kept = window.kept_open_by.first();
    match (opened, kept) {
        (Some(opened), Some(kept)) if opened.reason == kept.cause.reason => {
            parts.push(lasted(kept));
        }
        (opened, kept) => {
            parts.extend(opened.map(happened));
            parts.extend(kept.map(lasted));
        }
    }
    if parts.is_empty() {
        parts.extend(window.causes.first().map(happened));
    }
    parts.extend(window.closed_by.first().map(|closing| ended(closing.code, &closing.why)));
    let sentence = parts.join("; ");
    let mut letters = sentence.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

/// How sure a part is, where it is not.
fn how_sure(cause: &Cause) -> &'static str {
    match (cause.reason, cause.confidence()) {
        (Reason::Unknown, _) | (_, Confidence::High) => "",
        (_, Confidence::Medium) => " (medium confidence)",
        (_, Confidence::Low) => " (low confidence)",
    }
}

fn happened(cause: &Cause) -> String {
    let words = match &cause.why {
        Why::Deleted { by, frame, .. } if cause.reason == Reason::SaDeleted => {
            format!("{by} deleted its SA (frame {frame})")
        }
        Why::Deleted { by, frame, rested: Some(rested), .. } => {
            format!("{by} deleted an SA that had been idle for {} (frame {frame})", length(*rested))
        }
        _ => cause_words::why(cause),
    };
    format!("{words}{}", how_sure(cause))
}

fn lasted(kept: &KeptOpen) -> String {
    let reason = kept.cause.reason.as_str().replace('_', " ");
    match &kept.cause.why {
        Why::Failed { attempts, first, last, of, .. } => {
            let of =
                of.map_or_else(String::new, |pair| format!(" of {} and {}", pair.a(), pair.b()));
            let frames = first
                .zip(*last)
                .map_or_else(String::new, |(first, last)| format!(" (frames {first} to {last})"));
            let noun = if *attempts == 1 { "negotiation" } else { "negotiations" };
            let sure = how_sure(&kept.cause);
            format!("{} {noun}{of} failed, {reason}{frames}{sure}", number(*attempts))
        }
        Why::ChildRefused { attempts, first, last, .. } => {
            let verb = if *attempts == 1 { "second phase was" } else { "second phases were" };
            format!("{} {verb} refused (frames {first} to {last})", number(*attempts))
        }
        _ => happened(&kept.cause),
    }
}

fn ended(code: ClosedBy, why: &Why) -> String {
    match (code, why) {
        (ClosedBy::Negotiated, Why::Negotiated { protected, is_rekey }) => {
            let how =
                if *is_rekey { "the IKE SA created a new SA" } else { "the next one succeeded" };
            format!("{how} (frame {protected})")
        }
        (ClosedBy::ServiceStarted, Why::ServiceStarted { host, .. }) => {
            format!("a service started again on {host}")
        }
        (ClosedBy::PolicyChanged, Why::PolicyChange { host, .. }) => {
            format!("the policy of {host} changed")
        }
        (ClosedBy::TrafficEnded, _) => "then the two hosts sent no more clear text".to_owned(),
        (ClosedBy::CaptureEnded, _) => "then the capture ended".to_owned(),
        (ClosedBy::Negotiated | ClosedBy::ServiceStarted | ClosedBy::PolicyChanged, _) => {
            code.as_str().replace('_', " ")
        }
    }
}

/// Small numbers in words, as prose has them.
pub(super) fn number(number: usize) -> String {
    const WORDS: [&str; 10] =
        ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    WORDS.get(number).map_or_else(|| with_separators(number as u64), |word| (*word).to_owned())
}

/// A length of time: `2 h 0 min`, `3 min 10 s`, `12.5 s`; nothing finer than a millisecond.
pub(super) fn length(span: Span) -> String {
    let millis = span.0.unsigned_abs() / 1_000_000;
    let seconds = millis / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{} s", Span::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_as_people_say_them() {
        let of = |millis| length(Span::from_millis(millis));
        assert_eq!(of(160), "0.16 s");
        assert_eq!(of(190_400), "3 min 10 s");
        assert_eq!(of(-7_200_000), "2 h 0 min");
        assert_eq!(of(86_405_000), "1 d 0 h");
    }

    #[test]
    fn small_numbers_are_words() {
        assert_eq!((number(3), number(14)), ("three".to_owned(), "14".to_owned()));
    }
}
