//! What exported states of hosts show about a window: takes codes and values, returns parts of sentences.

use super::measures::length;
use crate::correlate::{StatePlace, StateSeen};
use crate::time::Span;
use std::net::IpAddr;

/// The state, with its host and its moment.
pub(super) fn seen(state: StateSeen) -> String {
    let host = state.host;
    match state.place {
        StatePlace::Inside(after) if after.0 >= 0 => format!(
            "the state of {host}, exported {} after the window opened,",
            length(rounded(after))
        ),
        StatePlace::Inside(before) => format!(
            "the state of {host}, exported {} before the window opened,",
            length(rounded(before))
        ),
        StatePlace::OfConnection => {
            format!("the state of {host}, exported while a connection of this window existed,")
        }
        StatePlace::BeforeAndAfter => {
            format!("the state of {host}, exported before the window and again after it,")
        }
    }
}

/// A policy that lets connections go on in clear.
pub(super) fn permits(state: StateSeen, policy: &str, own_only: bool) -> String {
    let which = if own_only { "connections that the host opens" } else { "connections" };
    let name = if policy.is_empty() { String::new() } else { format!(" ({policy})") };
    format!(
        "{} has a policy{name} for this traffic that lets {which} go on in clear text where no security association is established, and a negotiation of the two failed",
        seen(state)
    )
}

/// A connection of the window under no security association.
pub(super) fn listed(state: StateSeen, has_sa: bool) -> String {
    let beside = if has_sa {
        ", and a security association of the two hosts beside it"
    } else {
        ", and no security association of the two hosts"
    };
    format!(
        "; {} lists a connection of this window under no security association{beside}",
        seen(state)
    )
}

/// A filter that contradicts a cause.
pub(super) fn in_force(state: StateSeen, filter: &str) -> String {
    let name = if filter.is_empty() { String::new() } else { format!(" ({filter})") };
    format!("{} lists a filter{name} that hands this traffic to IPsec", seen(state))
}

/// A state that shows nothing of the window.
pub(super) fn apart(host: IpAddr, distance: Span, by_capture: bool) -> String {
    if distance == Span::default() {
        return format!(
            "by its own clock the exported state of {host} is from the time of the window, but nothing ties that clock to the captures, and it lists no connection of this window"
        );
    }
    let when = if distance.0 >= 0 { "after the window" } else { "before the window" };
    let clock = if by_capture { "" } else { ", by its own clock" };
    format!(
        "the nearest exported state of {host} is from {} {when}{clock}: policies and filters may have been others in the window",
        length(rounded(distance))
    )
}

/// Times of states compare to a millisecond at best.
const fn rounded(span: Span) -> Span {
    Span::from_millis((span.0 / 1_000_000).abs())
}
