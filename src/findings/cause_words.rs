//! The sentences of causes: takes codes and values, returns sentences. No other file words them.

use super::measures::{length, number};
use super::state_words;
use crate::correlate::{
    Cause, ClockOffset, Closing, DeleteBasis, LogTie, PolicyRecord, StateSeen, TunnelSelectors,
    Wanted, Why,
};
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use crate::protection::unreachable::UnreachableWhy;
use crate::time::Span;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The sentence that explains a cause.
#[must_use]
pub fn why(cause: &Cause) -> String {
    sentence(&cause.why)
}

/// The sentence that says how a window ended.
#[must_use]
pub fn closing(closing: &Closing) -> String {
    sentence(&closing.why)
}

fn not_before(first: FrameRef, after: Span) -> String {
    format!(
        "the first negotiation began at frame {first}, {} after the first clear packet",
        length(after)
    )
}

fn sentence(why: &Why) -> String {
    match why {
        Why::ServiceStopped { host, service, before, was_found_down } => {
            let service = service.map_or(SOME_SERVICE, |service| service.as_str());
            let what = if *was_found_down { "was not running" } else { "stopped" };
            format!("{host}'s log records that {service} {what} {}", moment(*before))
        }
        Why::SoftSa { host } => format!(
            "{host}'s log records a security association without algorithms: its policy lets clear text through when the peer does not negotiate"
        ),
        Why::DriverBypass { host, before } => format!(
            "{host}'s log records that the IPsec driver let all traffic through {}",
            moment(*before)
        ),
        Why::FloodDefence { host } => format!(
            "{host}'s log records that it started its defence against a flood of negotiations, and one of these two hosts got no answer"
        ),
        Why::NothingSeen { state } => format!(
            "neither captures nor logs show any IKE or ESP between these two hosts{}",
            state.map_or_else(String::new, without_filter)
        ),
        Why::NotBefore { first, after } => not_before(*first, *after),
        Why::Unexplained { wanted, listed } => unexplained(wanted, listed),
        Why::ProtectedBeside { first, last, is_logged, sender, state } => {
            protected_beside((*first, *last), *is_logged, *sender, *state)
        }
        Why::TunnelBeside { gateways, first, last, selectors } => {
            tunnel_beside(*gateways, (*first, *last), *selectors)
        }
        Why::AuthenticatedOnly { connections } => format!(
            "{} began with exactly one ESP packet and continued in clear text: IPsec authenticated the connections without encapsulating them, which the policy may intend",
            super::counted(*connections, "connection")
        ),
        Why::OtherPath { path, first, last, state } => other_path(*path, (*first, *last), *state),
        Why::StatePermits { state, policy, own_only } => {
            state_words::permits(*state, policy, *own_only)
        }
        Why::IcmpErrors { to, first, last, count, what, was_alive } => {
            icmp_errors(*to, (*first, *last), *count == 1, (*what, *was_alive))
        }
        Why::LoggedEnd { rested } => logged_end(*rested),
        Why::Deleted { by, frame, basis, rested, is_logged, is_like } => {
            deleted(&by.to_string(), &frame.to_string(), *basis, *rested, (*is_logged, *is_like))
        }
        Why::RekeyGap { first, last, is_logged } => {
            let logged = if *is_logged { "; a log records their end" } else { "" };
            format!(
                "ESP ended before the window, and the same IKE SA ({first} to {last}) created new security associations only when the window closed{logged}"
            )
        }
        Why::PolicyChange { host, meaning, record, more, deleted } => {
            policy_change(host, meaning, *record, *more, *deleted)
        }
        Why::Failed { attempts, first, last, states, tie, clock, of } => {
            failed(*attempts, first.zip(*last), states, *tie, clock.as_deref(), *of)
        }
        Why::ChildRefused { attempts, first, last, succeeded } => {
            child_refused(*attempts, (*first, *last), *succeeded)
        }
        Why::LoggedFailures { events, of } => {
            let noun = if *events == 1 { "log event records" } else { "log events record" };
            format!("{} {noun} failed negotiations{} in this time", number(*events), whose(*of))
        }
        Why::Negotiated { protected, is_rekey, idle } => {
            let idle = idle.map(|idle| {
                format!(
                    "; the clear text had been over for {} when it began, so that nothing shows that it would have continued",
                    length(idle)
                )
            });
            negotiated(*protected, *is_rekey) + &idle.unwrap_or_default()
        }
        Why::ServiceStarted { host, service } => {
            let service = service.map_or(SOME_SERVICE, |service| service.as_str());
            format!("{host}'s log records that {service} started")
        }
        Why::TrafficEnded { silence, resumes } => traffic_ended(*silence, *resumes),
        Why::CaptureEnded => "the capture ends; the clear text may have continued".to_owned(),
    }
}

fn other_path(
    path: HostPair,
    (first, last): (FrameRef, FrameRef),
    state: Option<StateSeen>,
) -> String {
    let listed = state.map_or_else(String::new, |state| {
        let seen = state_words::seen(state);
        format!("; {seen} lists a security association between the other addresses")
    });
    format!(
        "the same two hosts used ESP between {} and {} ({first} to {last}); this traffic used other addresses of the same hosts{listed}",
        path.a(),
        path.b(),
    )
}

fn traffic_ended(silence: Span, resumes: bool) -> String {
    let silence = length(silence);
    if resumes {
        format!(
            "no clear packet for {silence}, until the next window of these hosts; nothing shows that a packet in between would have been protected"
        )
    } else {
        format!(
            "no more clear packets, although the capture continues for {silence}; nothing shows that the next packet would be protected"
        )
    }
}

/// Whose negotiations it was, where they are another pair's.
fn whose(of: Option<HostPair>) -> String {
    of.map_or_else(String::new, |pair| format!(" of {} and {}", pair.a(), pair.b()))
}

fn child_refused(
    attempts: usize,
    (first, last): (FrameRef, FrameRef),
    succeeded: Option<FrameRef>,
) -> String {
    let noun = if attempts == 1 { "second phase was" } else { "second phases were" };
    let after = succeeded.map_or_else(String::new, |frame| {
        format!("; the next one succeeded in the same IKE SA ({frame})")
    });
    format!("{} {noun} refused ({first} to {last}){after}", number(attempts))
}

fn negotiated(protected: FrameRef, is_rekey: bool) -> String {
    let how = if is_rekey {
        "the IKE SA created new security associations"
    } else {
        "a new negotiation succeeded"
    };
    format!("{how}; the first packet under them is {protected}")
}

fn protected_beside(
    (first, last): (FrameRef, FrameRef),
    is_logged: bool,
    sender: Option<IpAddr>,
    state: Option<StateSeen>,
) -> String {
    let whose = sender.map_or_else(String::new, |host| format!(" of {host}"));
    let logged =
        if is_logged { "; the filters in the logs name other ports or protocols" } else { "" };
    format!(
        "protected packets{whose} continued beside the clear ones ({first} to {last}): the filters do not cover this service{logged}{}",
        state.map_or_else(String::new, |state| format!(
            "; {} lists filters for these two hosts, and none of them holds this traffic",
            state_words::seen(state)
        ))
    )
}

fn tunnel_beside(
    gateways: HostPair,
    (first, last): (FrameRef, FrameRef),
    selectors: TunnelSelectors,
) -> String {
    let known = match selectors {
        TunnelSelectors::Unknown => "",
        TunnelSelectors::CarryOthers => {
            "; the tunnel carries other traffic of one of these hosts, which is in clear only while the gateways' ESP is down"
        }
        TunnelSelectors::Exclude => {
            "; the selectors that the gateways logged do not include these addresses"
        }
    };
    format!(
        "ESP between {} and {} was up ({first} to {last}) when this traffic passed in clear in the same capture: the tunnel's selectors do not cover it{known}",
        gateways.a(),
        gateways.b(),
    )
}

fn icmp_errors(
    to: IpAddr,
    (first, last): (FrameRef, FrameRef),
    is_one: bool,
    what: (UnreachableWhy, bool),
) -> String {
    let (errors, says) = if is_one { ("one ICMP error", "says") } else { ("ICMP errors", "say") };
    let what = match what {
        (UnreachableWhy::Port, true) => "its IKE port is closed, although it used IPsec before",
        (UnreachableWhy::Port, false) => "its IKE port is closed",
        (UnreachableWhy::Prohibited, _) => "a filter on the path blocks IKE",
        (UnreachableWhy::Host, _) => "the host or its network is unreachable",
    };
    format!("{errors} about IKE to {to} ({first} to {last}) {says} that {what}")
}

fn logged_end(rested: Option<Span>) -> String {
    match rested {
        Some(rested) => format!(
            "the log records the end of security associations that had been idle for {}, and no new ones followed",
            length(rested)
        ),
        None => "the log records the end of the security associations as the window opened, and no new ones followed"
            .to_owned(),
    }
}

fn policy_change(
    host: &str,
    meaning: &str,
    record: PolicyRecord,
    more: usize,
    deleted: Option<(IpAddr, Span)>,
) -> String {
    let what = match record {
        PolicyRecord::Changed | PolicyRecord::SetChanged => "a policy change",
        PolicyRecord::Applied => "that a policy was applied",
    };
    let meaning = meaning.trim_end_matches('.');
    let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
    let deleted = deleted.map_or_else(String::new, |(by, after)| {
        let when = if after <= Span::from_seconds(2) {
            "immediately".to_owned()
        } else {
            format!("{} later", length(after))
        };
        format!("; {by} deleted its security associations {when}")
    });
    format!("{host}'s log records {what}: {meaning}{more}{deleted}")
}

fn failed(
    attempts: usize,
    frames: Option<(FrameRef, FrameRef)>,
    states: &BTreeSet<&'static str>,
    tie: LogTie,
    clock: Option<&ClockOffset>,
    of: Option<HostPair>,
) -> String {
    let frames = frames.map_or_else(String::new, |(first, last)| format!(" ({first} to {last})"));
    let tie = match tie {
        LogTie::None => "",
        LogTie::Cookie => ", and the event log records the same negotiation",
        LogTie::Time => {
            ", and a log without cookies records a failure between these hosts at that time"
        }
    };
    let clock = clock.map_or_else(String::new, |clock| {
        format!(
            "; {}, so certificates and tickets may have appeared invalid",
            super::clock_words::clock(clock)
        )
    });
    let noun = if attempts == 1 { "negotiation" } else { "negotiations" };
    let of = whose(of);
    format!("{} {noun}{of} failed{frames}: {}{tie}{clock}", number(attempts), joined(states))
}

fn deleted(
    by: &str,
    frame: &str,
    basis: DeleteBasis,
    rested: Option<Span>,
    (is_logged, is_like): (bool, bool),
) -> String {
    let what = match basis {
        DeleteBasis::Readable => "deleted its security associations",
        DeleteBasis::Logged => "deleted its security associations, and a log records their end",
        DeleteBasis::Size => {
            "sent an encrypted message too large to be empty, and the SPIs were not used again"
        }
        DeleteBasis::Inferred => {
            if is_like {
                "sent an encrypted message with the size of a Delete; ESP then stopped, and clear text followed"
            } else {
                "sent an encrypted message with the size of a Delete, and ESP then stopped"
            }
        }
    };
    let logged = if is_logged && basis != DeleteBasis::Logged {
        "; a log records the end of security associations at that time"
    } else {
        ""
    };
    let rested = rested
        .filter(|rested| *rested > Span::from_seconds(2))
        .map_or_else(String::new, |rested| {
            format!("; no packet had used them for {}", length(rested))
        });
    format!("{by} {what} ({frame}){rested}{logged}")
}

/// What a state adds where nobody negotiated.
fn without_filter(state: StateSeen) -> String {
    format!(
        "; {} lists neither a filter that hands this traffic to IPsec nor a security association of the two",
        state_words::seen(state)
    )
}

fn unexplained(wanted: &[Wanted], listed: &[(StateSeen, bool)]) -> String {
    let wanted = wanted.iter().map(|wanted| match wanted {
        Wanted::Logs(address) => {
            format!("the Security and System logs of {address} for this time")
        }
        Wanted::AuditingLog(address) => format!("a log of {address} that audits negotiations"),
        Wanted::EarlierCapture => {
            "a capture of UDP 500 and 4500 between the two hosts that begins before the window"
                .to_owned()
        }
    });
    let wanted: Vec<String> = wanted.collect();
    let more = if wanted.is_empty() {
        String::new()
    } else {
        format!("; evidence that could show it: {}", wanted.join(", "))
    };
    let listed = listed.iter().map(|(state, has_sa)| state_words::listed(*state, *has_sa));
    let listed: String = listed.collect();
    format!("the evidence does not show why{listed}{more}")
}

fn joined(states: &BTreeSet<&'static str>) -> String {
    states.iter().copied().collect::<Vec<_>>().join("; ")
}

/// A point in time relative to the window's first packet.
fn moment(before: Span) -> String {
    // Log times compare to a millisecond at best.
    let rounded = Span::from_millis((before.0 / 1_000_000).abs());
    if before.0 >= 0 {
        format!("{} before the window opened", length(rounded))
    } else if rounded > AS_IT_OPENED {
        format!("{} after the window opened, by corrected clocks", length(rounded))
    } else {
        format!("as the window opened ({} later, by corrected clocks)", length(rounded))
    }
}

/// What is no later than that came as the window opened.
const AS_IT_OPENED: Span = Span::from_seconds(1);
/// The subject where a record names no service.
const SOME_SERVICE: &str = "a service that IPsec needs";
