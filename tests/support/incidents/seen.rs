//! What the evidence of an incident can prove: windows by the rule of the domain, causes by what of the
//! story is left.

use super::host::{Kept, Value, Written};
use super::scene::{Label, Role, Scene};
use super::setting::shows;
use super::wire::{Nanos, SECOND, Sent, Under, What};
use plainsight::catalogue::Reason;
use plainsight::correlate::ClosedBy;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// First and last frame of each, as their files number them, and what may come first of what closed it.
pub(crate) type Windows = BTreeMap<(u64, u64), BTreeSet<ClosedBy>>;

/// A window that is open.
#[derive(Clone, Copy)]
struct Open {
    frames: (u64, u64),
    from: Nanos,
    to: Nanos,
    /// Protected packets of the pair came behind its last clear one.
    between: bool,
}

/// A maximal run of clear packets that require protection: packets more than thirty seconds apart are of
/// two windows, and so are those more than five apart with protected packets of the pair between.
pub(super) fn windows(captured: &[Sent], numbers: &[u64], scene: &Scene) -> Windows {
    let pair = |ends: (IpAddr, IpAddr)| (ends.0.min(ends.1), ends.0.max(ends.1));
    let protected: BTreeSet<_> =
        captured.iter().filter(|s| s.what == What::Protected).map(|s| pair(s.ends)).collect();
    let negotiating: BTreeSet<_> = captured
        .iter()
        .filter(|s| matches!(s.under, Under::Cookie(_)))
        .map(|s| pair(s.ends))
        .collect();
    let mut open: BTreeMap<(IpAddr, IpAddr), Open> = BTreeMap::new();
    let mut windows = Windows::new();
    let mut close = |pair, window: Open| {
        windows.insert(window.frames, closed(scene, captured, pair, window));
    };
    for (sent, frame) in captured.iter().zip(numbers.iter().copied()) {
        let pair = pair(sent.ends);
        // Without a policy a pair requires what it was seen to do, or what a log shows of it.
        let is_known = protected.contains(&pair) || negotiating.contains(&pair);
        let is_required = scene.policy.is_some() || is_known || names(scene, pair);
        match (sent.what, open.get_mut(&pair)) {
            (What::Required, Some(window))
                if sent.at - window.to <= if window.between { 5 * SECOND } else { 30 * SECOND } =>
            {
                (window.frames.1, window.to, window.between) = (frame, sent.at, false);
            }
            (What::Required, _) if is_required => {
                let (frames, from) = ((frame, frame), sent.at);
                let next = Open { frames, from, to: from, between: false };
                if let Some(before) = open.insert(pair, next) {
                    close(pair, before);
                }
            }
            (What::Protected, Some(window)) => window.between = true,
            _ => {}
        }
    }
    open.into_iter().for_each(|(pair, window)| close(pair, window));
    windows
}

/// What may come first of what closed a window: a negotiation that made an SA whose packets the capture
/// shows, a service that a log says started, else that there was no more.
fn closed(
    scene: &Scene,
    captured: &[Sent],
    pair: (IpAddr, IpAddr),
    window: Open,
) -> BTreeSet<ClosedBy> {
    let is_of_pair = |sent: &&Sent| sent.ends == pair || (sent.ends.1, sent.ends.0) == pair;
    let mut allowed = BTreeSet::new();
    let begins = |sent: &[Sent]| {
        let mut first: BTreeMap<Under, Nanos> = BTreeMap::new();
        for sent in sent.iter().filter(is_of_pair).filter(|sent| sent.what == What::Protected) {
            first.entry(sent.under).or_insert(sent.at);
        }
        let is_at_end = |at: &Nanos| window.from < *at && *at <= window.to + 60 * SECOND;
        first.into_values().filter(is_at_end).min()
    };
    let negotiated = |until: Nanos| {
        let mut messages = captured.iter().filter(is_of_pair);
        messages.any(|sent| {
            matches!(sent.under, Under::Cookie(_)) && window.from < sent.at && sent.at <= until
        })
    };
    // What is left in the scene was not captured.
    let shown = begins(captured);
    let truly = shown.or_else(|| begins(&scene.sent));
    let is_shown = shown.is_some_and(negotiated);
    allowed.extend(truly.map(|_| ClosedBy::Negotiated));
    let near = window.to - 60 * SECOND..=window.to + 3 * SECOND;
    let mut records = scene.hosts.iter().flat_map(|host| host.log(true));
    if records.any(|written| near.contains(&written.at) && says_running(written)) {
        allowed.insert(ClosedBy::ServiceStarted);
    }
    if truly.is_none() || !is_shown {
        let last = captured.last().map_or(0, |sent| sent.at);
        let goes_on = last - window.to > 10 * SECOND;
        allowed.insert(if goes_on { ClosedBy::TrafficEnded } else { ClosedBy::CaptureEnded });
    }
    allowed
}

/// Whether a record says that a service runs.
fn says_running(written: &Written) -> bool {
    let mut fields = written.fields.iter();
    written.id & 0xffff == 7036
        && fields.any(|(_, value)| matches!(value, Value::Text(text) if text == "running"))
}

/// Whether a log that was handed over names the two as partners under IPsec.
fn names(scene: &Scene, pair: (IpAddr, IpAddr)) -> bool {
    scene.hosts.iter().enumerate().any(|(at, host)| {
        let peer = scene.hosts[1 - at.min(1)].outside;
        let is_pair = (host.own.min(peer), host.own.max(peer)) == pair;
        is_pair && host.log(false).iter().any(|w| NAMING.contains(&(w.id & 0xffff)))
    })
}

/// Events that name both hosts.
const NAMING: [u32; 13] = [541, 542, 543, 547, 4650, 4651, 4652, 4653, 4654, 4655, 5451, 5452, 0];

/// What may be said of the windows.
#[derive(Debug)]
pub(crate) struct Allowed {
    /// First in the list of all causes.
    pub(crate) first: BTreeSet<Reason>,
    /// First of what opened it.
    pub(crate) opened: BTreeSet<Reason>,
    /// First of what kept it open.
    pub(crate) kept: BTreeSet<Reason>,
    /// Anywhere, and with high confidence.
    pub(crate) beside: BTreeSet<Reason>,
}

pub(super) fn allowed(scene: &Scene, label: &Label, captured: &[Sent]) -> Allowed {
    let of = |role: Option<&Role>| {
        let (truth, by_wire) =
            role.map_or((label.truth, &label.by_wire), |r| (r.truth, &r.by_wire));
        in_role(scene, label, (truth, by_wire), captured)
    };
    let (first, mut opened) = (of(None), of(label.opened.as_ref()));
    let kept = of(label.kept.as_ref());
    // What opened a connection that was there as the capture began is older than the capture, unless it shows a
    // negotiation before.
    if is_under_way(captured) {
        opened.insert(Reason::Unknown);
        opened.extend(&label.by_wire);
    }
    // An SA that had run out made a negotiation necessary: both happened as the window opened.
    if scene.happened.contains(&Reason::SaExpiredIdle) {
        opened.insert(Reason::SaExpiredIdle);
    }
    let happened = scene.happened.iter().chain(&label.beside).copied().chain([label.truth]);
    let beside = happened.chain([&first, &opened, &kept].into_iter().flatten().copied()).collect();
    Allowed { first, opened, kept, beside }
}

/// What may come first in a role.
fn in_role(
    scene: &Scene,
    label: &Label,
    (truth, by_wire): (Reason, &[Reason]),
    captured: &[Sent],
) -> BTreeSet<Reason> {
    let mut allowed = BTreeSet::new();
    let lost_key = scene.sent.iter().any(|sent| sent.is_key);
    let reported = shown_by_logs(scene, captured);
    if reported == Logged::Surely {
        allowed.insert(truth);
        // A role that no record shows, though the cause is reported.
        allowed.extend((by_wire == [Reason::Unknown]).then_some(Reason::Unknown));
    } else {
        allowed.extend(by_wire);
        if reported == Logged::Perhaps {
            allowed.insert(truth);
        }
        if lost_key {
            allowed.extend([truth, Reason::Unknown, Reason::NoIkeAttempted]);
            allowed.extend(&label.by_loss);
        }
    }
    let any_failure = scene.hosts.iter().any(|host| !host.log(false).is_empty());
    if any_failure {
        allowed.extend(&label.by_log);
    }
    // Under AES-CBC a Delete has the size of a liveness check: where the traffic it interrupted does not go on
    // in clear within two seconds, or the same host sent such checks before, only a log can show them apart.
    let is_certain = scene.gcm && scene.keying.version == 2;
    let is_ambiguous = !is_certain && (scene.checks || rested(captured));
    if allowed.contains(&Reason::SaDeleted) && is_ambiguous && !has_logged_end(scene, captured) {
        allowed.insert(Reason::Unknown);
    }
    allowed
}

/// Whether the first clear packet is of a TCP connection that has no beginning, in the first five seconds of the capture
/// and with nothing protected before it.
fn is_under_way(captured: &[Sent]) -> bool {
    let begun = captured.first().map_or(0, |sent| sent.at);
    let Some(first) = captured.iter().find(|sent| sent.what == What::Required) else {
        return false;
    };
    let mut before = captured.iter().take_while(|sent| sent.at <= first.at);
    let was_protected = before.any(|sent| sent.what == What::Protected && sent.ends_as(first));
    first.is_tcp() && first.at - begun <= 5 * SECOND && !was_protected
}

/// Whether the first clear packet came later than two seconds behind protected ones.
fn rested(captured: &[Sent]) -> bool {
    let Some(first) = captured.iter().find(|sent| sent.what == What::Required) else {
        return false;
    };
    let mut protected = captured.iter().filter(|s| s.what == What::Protected && s.ends_as(first));
    let last = protected.rfind(|sent| sent.at <= first.at);
    last.is_none_or(|last| first.at - last.at > 2 * SECOND)
}

/// Whether a log whose clock is known has the end of security associations.
fn has_logged_end(scene: &Scene, captured: &[Sent]) -> bool {
    scene.hosts.iter().any(|host| {
        let has_clock = host.kept().iter().any(|kept| shows(captured, kept.about));
        let is_end = |written: &&Written| matches!(written.id & 0xffff, 542 | 543 | 4655 | 5452);
        has_clock && host.clock.step.is_none() && host.log(false).iter().any(is_end)
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Logged {
    /// A record shows the cause, and its time by the capture's clock can be known.
    Surely,
    /// A record shows it, but whether it belongs to this window cannot be known.
    Perhaps,
    Not,
}

/// What the logs that were handed over show of the cause.
fn shown_by_logs(scene: &Scene, captured: &[Sent]) -> Logged {
    let mut best = Logged::Not;
    for host in &scene.hosts {
        let kept = host.kept();
        let decisive: Vec<&Kept> = kept.iter().filter(|kept| kept.is_decisive).collect();
        if decisive.is_empty() {
            continue;
        }
        let by_number = decisive.iter().any(|kept| shows(captured, kept.about));
        // An exact join of any record gives the clock, which all logs of a host share; a step of the
        // clock, an address that the wire does not show, whole seconds leave a doubt.
        let has_clock = kept.iter().any(|kept| shows(captured, kept.about));
        let is_steady = host.clock.step.is_none() && !host.is_behind_nat();
        if by_number || (has_clock && is_steady) {
            return Logged::Surely;
        }
        best = Logged::Perhaps;
    }
    best
}
