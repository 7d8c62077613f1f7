//! What surrounds a story: address translation, other traffic, clocks, missing logs, lost packets.

use super::events::{clock_set, logon, other_service, written};
use super::host::{Audit, Clock, Era};
use super::negotiation::prepare as prepare_sa;
use super::scene::Scene;
use super::stories::Story;
use super::wire::{self, MS, Nanos, SECOND, Sent, Under, What};
use std::net::{IpAddr, SocketAddr};

/// Before the story: whether a NAT lies between, and whether the hosts have a past.
pub(super) fn prepare(scene: &mut Scene, story: &Story) {
    // Gateways, other addresses and firewalls' errors are played without translation.
    let is_plain = matches!(
        story.name,
        "peer_unreachable" | "filter_without_network" | "alternate_path" | "unknown"
    );
    if scene.era == Era::Modern && !is_plain && scene.dice.chance(15) {
        scene.hosts[0].own = IpAddr::from([192, 168, 1, 10]);
        scene.hosts[0].outside = IpAddr::from([198, 51, 100, 7]);
        if scene.dice.chance(50) {
            let port = scene.dice.between(20_000, 60_000);
            scene.mapped = Some(u16::try_from(port).unwrap());
        }
    }
    if scene.dice.chance(25) && story.name != "no_ike_attempted" {
        past(scene);
    }
}

/// Hours of protected traffic before: the SAs were made again and again.
fn past(scene: &mut Scene) {
    for _ in 0..scene.dice.between(3, 16) {
        let sa = scene.establish(0, 1);
        let length = scene.dice.between(SECOND, 5 * SECOND);
        scene.protected(&sa, length);
        scene.delete(&sa, 0, true);
        scene.now += scene.dice.between(900 * SECOND, 3600 * SECOND);
    }
}

/// Other hosts, other logs' lines.
pub(super) fn add_noise(scene: &mut Scene) {
    let end = scene.sent.iter().map(|sent| sent.at).max().unwrap_or(scene.now);
    let begin = scene.sent.iter().map(|sent| sent.at).min().unwrap_or(scene.start);
    // The last minutes only: nobody needs hours of other people's traffic.
    let from = begin.max(end - 300 * SECOND) - 2 * SECOND;
    let until = end + 5 * SECOND;
    strangers(scene, from, until);
    if scene.dice.chance(40) {
        others_under_ipsec(scene, from);
    }
    if scene.dice.chance(15) {
        scanner(scene, from);
    }
    for host in 0..2 {
        lines(scene, host, (begin - 60 * SECOND, end + 90 * SECOND));
    }
}

/// Hosts that require nothing: name service, web, and packets to everybody.
fn strangers(scene: &mut Scene, from: Nanos, until: Nanos) {
    let server = SocketAddr::new(IpAddr::from([10, 99, 0, 53]), 53);
    let count = scene.dice.between(10, 60);
    for _ in 0..count {
        let at = scene.dice.between(from, until);
        let last = u8::try_from(scene.dice.between(1, 250)).unwrap();
        let client = SocketAddr::new(IpAddr::from([10, 98, 0, last]), 50_000);
        let to = if scene.dice.chance(20) {
            SocketAddr::new(IpAddr::from([239, 255, 255, 250]), 1900)
        } else {
            server
        };
        let frame = wire::datagram(client, to, &[0x21; 40], &mut scene.dice);
        scene.send(at, (client.ip(), to.ip()), What::Other, frame);
    }
}

/// Two others that negotiate, well or badly; their logs are not in the evidence.
fn others_under_ipsec(scene: &mut Scene, from: Nanos) {
    let keying = scene.keying;
    scene.keying = super::scene::Keying { version: scene.dice.pick(&[1, 2]), method: "%%8193" };
    let (one, other) = (IpAddr::from([10, 97, 0, 1]), IpAddr::from([10, 97, 0, 2]));
    let first = scene.hosts.len();
    scene.hosts.push(super::host::Host::new("X1", one));
    scene.hosts.push(super::host::Host::new("X2", other));
    let before = scene.sent.len();
    scene.now = from + scene.dice.between(0, 20 * SECOND);
    if scene.dice.chance(50) {
        let sa = scene.establish(first, first + 1);
        scene.protected(&sa, 10 * SECOND);
    } else {
        let sa = prepare_sa(scene, first, first + 1);
        scene.refuse_first(&sa, 14);
    }
    // Whatever they do is no part of the story.
    scene.sent[before..].iter_mut().for_each(|sent| sent.is_key = false);
    scene.hosts.truncate(first);
    scene.keying = keying;
}

/// A stranger knocks on UDP 500 of many, the two among them, and then looks at a web page of one.
fn scanner(scene: &mut Scene, from: Nanos) {
    let stranger = IpAddr::from([198, 51, 100, 200]);
    let known = [scene.outside(0), scene.outside(1)];
    let others = (1..=scene.dice.between(12, 40))
        .map(|last| IpAddr::from([10, 96, 0, u8::try_from(last).unwrap()]));
    let targets: Vec<IpAddr> = known.into_iter().filter(IpAddr::is_ipv4).chain(others).collect();
    let mut at = from;
    for target in targets {
        let sa = prepare_sa(scene, 0, 1);
        let asked = scene.init_request(&sa, &[]).bytes();
        let ends = (SocketAddr::new(stranger, 500), SocketAddr::new(target, 500));
        let frame = wire::datagram(ends.0, ends.1, &asked, &mut scene.dice);
        scene.send(at, (stranger, target), What::Other, frame);
        at += scene.dice.between(2 * MS, 40 * MS);
    }
    at += scene.dice.between(60 * SECOND, 90 * SECOND);
    for number in 0..20 {
        scene.clear(
            at + number * 100 * MS,
            (stranger, known[1]),
            (6, 80),
            number % 2 == 1,
            What::Other,
        );
    }
}

/// What every log is full of.
fn lines(scene: &mut Scene, host: usize, (from, until): (Nanos, Nanos)) {
    let era = scene.era;
    for at in [from, until] {
        scene.log(host, at, logon(era));
        scene.log(host, at, other_service(era));
    }
    for _ in 0..scene.dice.between(2, 12) {
        let at = scene.dice.between(from, until);
        scene.log(host, at, logon(era));
    }
    if scene.dice.chance(40) {
        let at = scene.dice.between(from, until);
        scene.log(host, at, other_service(era));
    }
    // Every three hours the policy agent looks for changes, and mostly there are none.
    if era == Era::Modern && scene.dice.chance(25) {
        let at = scene.dice.between(from, until);
        scene.log(host, at, written(5463, Audit::Always, Vec::new()));
    }
}

/// How wrong the clocks are.
pub(super) fn set_clocks(scene: &mut Scene, shift: Nanos) {
    let end = scene.sent.iter().map(|sent| sent.at).max().unwrap_or(scene.now);
    let era = scene.era;
    for host in 0..2 {
        let offset = match scene.dice.between(0, 9) {
            0..=2 => scene.dice.between(-2 * SECOND, 2 * SECOND),
            3..=5 => scene.dice.between(-400 * SECOND, 400 * SECOND),
            6 | 7 => scene.dice.between(-12, 12) * 3600 * SECOND + scene.dice.between(0, SECOND),
            _ => scene.dice.between(-300 * 86_400, 300 * 86_400) * SECOND,
        };
        let drift = scene.dice.between(-200, 200);
        scene.hosts[host].clock = Clock { offset: offset + shift, drift, step: None };
        if scene.dice.chance(6) {
            let when = scene.dice.between(scene.start, end);
            let by = scene.dice.between(-900 * SECOND, 900 * SECOND);
            let before = scene.hosts[host].clock.shows(when, scene.start);
            scene.hosts[host].clock.step = Some((when, by));
            scene.log(host, when + MS, clock_set(era, before, before + by));
        }
    }
}

/// Which logs were handed over, and what was audited.
pub(super) fn choose_logs(scene: &mut Scene) {
    let (first, second) = match scene.dice.between(0, 99) {
        0..=49 => (true, true),
        50..=66 => (true, false),
        67..=83 => (false, true),
        _ => (false, false),
    };
    for (host, gives) in [(0, first), (1, second)] {
        let gives_system = gives && scene.dice.chance(85);
        let gives_security = gives && scene.dice.chance(90);
        let audits = match scene.dice.between(0, 99) {
            0..=77 => (true, true),
            78..=85 => (true, false),
            86..=93 => (false, true),
            _ => (false, false),
        };
        let host = &mut scene.hosts[host];
        (host.gives_security, host.gives_system) = (gives_security, gives_system);
        host.audits = audits;
    }
}

/// What the capture took, in order of time.
pub(super) fn capture(scene: &mut Scene) -> Vec<Sent> {
    let mut sent = std::mem::take(&mut scene.sent);
    sent.sort_by_key(|sent| sent.at);
    let (first, last) = (sent.first().map_or(0, |s| s.at), sent.last().map_or(0, |s| s.at));
    let (mut from, mut until, mut lost) = (first, last, 0);
    match scene.dice.between(0, 99) {
        0..=59 => {}
        60..=84 => lost = scene.dice.between(2, 20),
        85..=92 => from = last - (last - first) / 100 * scene.dice.between(30, 80),
        _ => until = first + (last - first) / 100 * scene.dice.between(60, 95),
    }
    let mut dice = scene.dice.clone();
    let is_taken = |one: &Sent, dice: &mut super::dice::Dice| {
        (from..=until).contains(&one.at) && dice.between(0, 999) >= lost
    };
    let (taken, missed): (Vec<Sent>, Vec<Sent>) =
        sent.into_iter().partition(|one| is_taken(one, &mut dice));
    // What was missed is needed to know what can still be seen.
    scene.sent = missed;
    taken
}

/// Whether a number that a log names is on the captured wire.
pub(super) fn shows(captured: &[Sent], under: Under) -> bool {
    under != Under::Nothing && captured.iter().any(|sent| sent.under == under)
}
