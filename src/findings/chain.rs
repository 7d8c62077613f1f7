//! One sentence for a window: what opened it, what kept it open, what closed it.

use super::cause_words;
use super::measures::{length, number};
use crate::catalogue::Reason;
use crate::correlate::{Cause, ClosedBy, Confidence, ExplainedWindow, KeptOpen, Why};

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
    let is_after_failures = kept.is_some_and(|kept| {
        matches!(kept.cause.why, Why::Failed { .. } | Why::ChildRefused { .. })
    });
    parts.extend(
        window
            .closed_by
            .first()
            .map(|closing| ended(closing.code, &closing.why, is_after_failures)),
    );
    let sentence = parts.join("; ");
    let mut letters = sentence.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

/// The confidence of a part, where it is not certain.
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

/// `is_after_failures`: the sentence has named negotiations that failed.
fn ended(code: ClosedBy, why: &Why, is_after_failures: bool) -> String {
    match (code, why) {
        (ClosedBy::Negotiated, Why::Negotiated { protected, is_rekey, .. }) => {
            let how = match (*is_rekey, is_after_failures) {
                (true, _) => "the IKE SA created new security associations",
                (false, true) => "the next one succeeded",
                (false, false) => "a new negotiation succeeded",
            };
            format!("{how} (frame {protected})")
        }
        (ClosedBy::ServiceStarted, Why::ServiceStarted { host, .. }) => {
            format!("a service started again on {host}")
        }
        (ClosedBy::PolicyChanged, Why::PolicyChange { host, .. }) => {
            format!("the policy of {host} changed")
        }
        (ClosedBy::TrafficEnded, Why::TrafficEnded { silence, resumes: true }) => {
            format!("then the two hosts sent no clear text for {}", length(*silence))
        }
        (ClosedBy::TrafficEnded, _) => "then the two hosts sent no more clear text".to_owned(),
        (ClosedBy::CaptureEnded, _) => "then the capture ended".to_owned(),
        (ClosedBy::Negotiated | ClosedBy::ServiceStarted | ClosedBy::PolicyChanged, _) => {
            code.as_str().replace('_', " ")
        }
    }
}
