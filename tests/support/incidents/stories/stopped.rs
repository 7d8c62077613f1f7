//! Protection that was there and ends: services, drivers, policies, lifetimes.

use super::super::events::{crashed, driver, service, written};
use super::super::host::{Audit, Era, text};
use super::super::negotiation::{Sa, prepare};
use super::super::scene::{Label, Role, Scene};
use super::super::wire::{self, MS, Nanos, SECOND, What};
use super::R;

const POLICY_AGENT: (&str, &str) = ("PolicyAgent", "IPsec Policy Agent");
const IPSEC_SERVICES: (&str, &str) = ("PolicyAgent", "IPSEC Services");
const IKEEXT: (&str, &str) = ("IKEEXT", "IKE and AuthIP IPsec Keying Modules");

impl Scene {
    /// The two talk under ESP for a while.
    fn protected_first(&mut self) -> Sa {
        let (one, other) = self.sides();
        let sa = self.establish(one, other);
        let length = self.seconds(8, 90);
        self.protected(&sa, length);
        sa
    }

    /// The other host tries to negotiate and nobody listens: an ICMP error (RFC 1122 §3.2.2.1), or
    /// none where a firewall is in between.
    fn knocks(&mut self, from: usize, to: usize, with_error: bool) {
        let sa = prepare(self, from, to);
        let first =
            if sa.version == 2 { self.init_request(&sa, &[]) } else { self.main_mode_request(&sa) };
        let begun = self.now;
        let gives_up = self.insist((from, to), &first, false);
        self.main_mode_failed(&sa, from, gives_up, (super::NO_RESPONSE, true), false);
        if with_error {
            let knock =
                self.sent.iter().rev().find(|sent| sent.at == begun).map(|s| s.bytes.clone());
            let ends = (self.outside(to), self.outside(from));
            let error = wire::unreachable(ends.0, ends.1, 3, &knock.unwrap());
            self.send(begun + 2 * MS, ends, What::Other, error);
            self.sent.last_mut().unwrap().is_key = true;
        }
        self.now = begun;
    }

    /// The Policy Agent serves what IKEv1 negotiates, from Vista on; IKEEXT negotiates all of it.
    fn service_of(&mut self, sa: &Sa) -> (&'static str, &'static str) {
        let picked = self.dice.pick(&[POLICY_AGENT, IKEEXT]);
        match self.era {
            Era::Legacy => IPSEC_SERVICES,
            Era::Modern if sa.version == 1 => picked,
            Era::Modern => IKEEXT,
        }
    }

    /// Clear text for a while, then the service runs again and protects.
    fn until_started(&mut self, host: usize, which: (&'static str, &'static str), sa: &Sa) {
        let length = self.seconds(6, 120);
        let service_port = self.service();
        self.talk_in_clear(length, service_port);
        if self.dice.chance(80) {
            self.wait(100 * MS, 2 * SECOND);
            self.log(host, self.now, service(self.era, true, which));
            self.wait(200 * MS, 3 * SECOND);
            let (one, other) = sa.ends();
            let again = self.establish(one, other);
            let length = self.seconds(8, 60);
            self.protected(&again, length);
        }
    }
}

/// Stopped by hand: the service deletes its SAs as it goes.
pub(super) fn service_stopped(scene: &mut Scene) -> Label {
    let sa = scene.protected_first();
    let by = usize::from(scene.dice.chance(50));
    let which = scene.service_of(&sa);
    scene.delete(&sa, by, true);
    let stopped = scene.now + scene.dice.between(0, 800 * MS);
    scene.log_cause(by, stopped, service(scene.era, false, which));
    if scene.era == Era::Modern && which.0 == "PolicyAgent" {
        scene.log_cause(by, stopped + 50 * MS, written(5479, Audit::Success, Vec::new()));
    }
    scene.wait(20 * MS, 3 * SECOND);
    let (knocks, with_error) = (scene.dice.chance(70), scene.dice.chance(60));
    if knocks {
        scene.knocks(1 - by, by, with_error);
    }
    scene.until_started(by, which, &sa);
    let by_wire: &[R] = match (knocks, with_error) {
        // One error can be forged: silence says as much.
        (true, true) => &[R::SaDeleted, R::NoResponse, R::ServiceStopped],
        (true, false) => &[R::SaDeleted, R::NoResponse, R::ServiceStopped],
        (false, _) => &[R::SaDeleted],
    };
    let beside = vec![R::SaDeleted, R::NoResponse];
    let by_loss = beside.clone();
    // A negotiation that fails as the window opens has a part in it.
    let opening: &[R] = if knocks { &[R::SaDeleted, R::NoResponse] } else { &[R::SaDeleted] };
    let opened = Some(Role::expected(R::ServiceStopped, opening));
    let kept = Some(Role::expected(R::ServiceStopped, silence(knocks)));
    Label { beside, by_loss, opened, kept, ..Label::expected(R::ServiceStopped, by_wire) }
}

/// It ends without a word: no DELETE, and the peer's packets go to nobody.
pub(super) fn service_crashed(scene: &mut Scene) -> Label {
    let sa = scene.protected_first();
    let by = usize::from(scene.dice.chance(50));
    let which = scene.service_of(&sa);
    scene.log_cause(by, scene.now, crashed(which));
    // The peer goes on under the SA until it gives it up.
    for _ in 0..scene.dice.between(0, 6) {
        let to_dead = sa.spis[usize::from(by == sa.responder)];
        scene.esp(scene.now, (1 - by, by), to_dead);
        scene.wait(100 * MS, 900 * MS);
    }
    let (knocks, with_error) = (scene.dice.chance(70), scene.dice.chance(60));
    if knocks {
        scene.knocks(1 - by, by, with_error);
    }
    scene.wait(10 * MS, SECOND);
    scene.until_started(by, which, &sa);
    let by_wire: &[R] = match (knocks, with_error) {
        (true, true) => &[R::ServiceStopped, R::NoResponse],
        (true, false) => &[R::NoResponse],
        (false, _) => &[R::Unknown],
    };
    let beside = vec![R::NoResponse];
    let by_loss = vec![R::NoResponse];
    let kept = Some(Role::expected(R::ServiceStopped, silence(knocks)));
    Label { beside, by_loss, kept, ..Label::expected(R::ServiceStopped, by_wire) }
}

/// What packets show of a service that is down: requests without an answer. One ICMP error can be forged and
/// adds nothing that leads.
fn silence(knocks: bool) -> &'static [R] {
    if knocks { &[R::NoResponse] } else { &[R::Unknown] }
}

/// A restart of Server 2003: the driver lets everything through until the services are up.
pub(super) fn driver_bypass(scene: &mut Scene) -> Label {
    let sa = scene.protected_first();
    let booted = usize::from(scene.dice.chance(50));
    scene.now += scene.seconds(30, 90);
    let started = scene.now;
    let of = |id| {
        let reported = written(id, Audit::Always, Vec::new());
        super::super::host::Written { is_system: true, source: "EventLog", ..reported }
    };
    scene.log(booted, started - 3 * SECOND, of(0x8000_1775));
    scene.log(booted, started - 3 * SECOND, written(512, Audit::Always, Vec::new()));
    scene.log_cause(booted, started, driver(4295));
    scene.wait(50 * MS, 3 * SECOND);
    let length = scene.seconds(10, 90);
    let port = scene.service();
    scene.talk_in_clear(length, port);
    scene.wait(50 * MS, 800 * MS);
    scene.log(booted, scene.now, driver(4294));
    scene.wait(200 * MS, 3 * SECOND);
    let (one, other) = sa.ends();
    let again = scene.establish(one, other);
    let length = scene.seconds(10, 60);
    scene.protected(&again, length);
    Label::expected(R::DriverBypass, &[R::Unknown])
}

/// A policy is unassigned or changed: the host flushes its SAs, and the service goes on.
pub(super) fn policy_changed(scene: &mut Scene) -> Label {
    let sa = scene.protected_first();
    let by = usize::from(scene.dice.chance(50));
    let changed = match scene.era {
        Era::Legacy => written(
            615,
            Audit::Always,
            vec![(
                "1",
                text(
                    "IPSec PolicyAgent Service: Changed assigned policy: no policy is assigned now.",
                ),
            )],
        ),
        Era::Modern => {
            let rule = || {
                vec![
                    ("ProfileChanged", text("All")),
                    ("ConnectionSecurityRuleId", text("{5c6b1d7e-0000-4000-8000-00000000a001}")),
                    ("ConnectionSecurityRuleName", text("Server isolation")),
                ]
            };
            match scene.dice.between(0, 3) {
                0 => written(5464, Audit::Always, Vec::new()),
                1 => written(5468, Audit::Always, Vec::new()),
                2 => written(5044, Audit::Always, rule()),
                _ => written(5045, Audit::Always, rule()),
            }
        }
    };
    scene.log_cause(by, scene.now, changed);
    scene.wait(20 * MS, 900 * MS);
    scene.delete(&sa, by, true);
    scene.wait(20 * MS, 2 * SECOND);
    let length = scene.seconds(6, 120);
    let port = scene.service();
    scene.talk_in_clear(length, port);
    scene.mend(sa.initiator, sa.responder);
    let beside = vec![R::SaDeleted];
    // A record of the change does not say what holds since.
    let kept = Some(Role::expected(R::PolicyChanged, &[R::Unknown]));
    Label { beside, kept, ..Label::expected(R::PolicyChanged, &[R::SaDeleted]) }
}

/// Windows 2000 to Server 2003, "fall back to unsecured communication": after three seconds without
/// an answer a soft SA.
pub(super) fn fallback_to_clear(scene: &mut Scene) -> Label {
    scene.before_a_failure();
    let (from, to) = scene.sides();
    let mut sa = prepare(scene, from, to);
    sa.spis = [0, 0];
    let first = scene.main_mode_request(&sa);
    let begun = scene.now;
    let _ = scene.insist(sa.ends(), &first, false);
    let soft = scene.view(&sa, from).soft_sa();
    scene.log_cause(from, begun + 3 * SECOND, soft);
    scene.now = begun + 3 * SECOND + scene.dice.between(5 * MS, 400 * MS);
    let length = scene.seconds(6, 200);
    let port = scene.service();
    scene.talk_in_clear(length, port);
    scene.mend(from, to);
    let beside = vec![R::NoResponse];
    Label { beside, ..Label::expected(R::FallbackToClear, &[R::NoResponse]) }
}

/// The SAs run out before new ones are made under the same IKE SA.
pub(super) fn rekey_gap(scene: &mut Scene) -> Label {
    let mut sa = scene.protected_first();
    let deletes = sa.version == 1 && scene.dice.chance(40);
    if deletes {
        delete_child(scene, &sa);
    }
    for host in [sa.initiator, sa.responder] {
        let down = scene.view(&sa, host).quick_mode_down();
        scene.log(host, scene.now, down);
    }
    scene.wait(5 * MS, 400 * MS);
    let length = scene.seconds(1, 25);
    let port = scene.service();
    scene.talk_in_clear(length, port);
    scene.wait(MS, 300 * MS);
    scene.renew(&mut sa);
    let length = scene.seconds(8, 60);
    scene.protected(&sa, length);
    let by_loss = vec![R::SaDeleted];
    let beside = vec![R::SaDeleted];
    // Deleted first, and made anew later: without a log's word for the lifetime both are true.
    let by_wire: &[R] = if deletes { &[R::RekeyGap, R::SaDeleted] } else { &[R::RekeyGap] };
    let kept = Some(Role::nothing());
    Label { by_loss, beside, kept, ..Label::expected(R::RekeyGap, by_wire) }
}

/// A Delete for the SAs of quick mode alone.
fn delete_child(scene: &mut Scene, sa: &Sa) {
    let id = u32::try_from(scene.dice.between(1, 1 << 30)).unwrap();
    let delete = super::super::super::ike_builder::Message::v1_encrypted(5, id, 56);
    scene.ike(scene.now, sa.ends(), &delete.spis(sa.cookies.0, sa.cookies.1), true);
    scene.wait(5 * MS, 50 * MS);
}

/// A host stops its service and leaves, and DHCP gives its address to another that knows nothing of IPsec.
pub(super) fn address_reused(scene: &mut Scene) -> Label {
    let sa = scene.protected_first();
    let which = scene.service_of(&sa);
    scene.delete(&sa, 0, true);
    let stopped = scene.now + scene.dice.between(0, 800 * MS);
    scene.log(0, stopped, service(scene.era, false, which));
    scene.now += scene.seconds(40, 240);
    let from = scene.sent.len();
    let length = scene.seconds(6, 60);
    let port = scene.service();
    scene.talk_in_clear(length, port);
    let address = scene.outside(0);
    for sent in &mut scene.sent[from..] {
        let station = [2, 0, 0, 0, 0, 0x99];
        let place = if sent.ends.0 == address { 6..12 } else { 0..6 };
        sent.bytes[place].copy_from_slice(&station);
    }
    // What the first host did is not why the second one talks in clear.
    scene.happened.clear();
    let reported = || Role::expected(R::Unknown, &[R::Unknown, R::SaDeleted, R::ServiceStopped]);
    let (opened, kept) = (Some(reported()), Some(reported()));
    Label { opened, kept, ..Label::expected(R::Unknown, &reported().by_wire) }
}

/// Deleted by hand or by the peer, and nobody makes new ones for a long time.
pub(super) fn sa_deleted(scene: &mut Scene) -> Label {
    let sa = scene.protected_first();
    let (by, answers) = (usize::from(scene.dice.chance(50)), scene.dice.chance(90));
    scene.delete(&sa, by, answers);
    scene.wait(20 * MS, 3 * SECOND);
    let length: Nanos = scene.seconds(6, 180);
    let port = scene.service();
    scene.talk_in_clear(length, port);
    scene.mend(sa.initiator, sa.responder);
    Label { kept: Some(Role::nothing()), ..Label::shown(R::SaDeleted) }
}
