//! Traffic that IPsec never met: nobody tried, the way was barred, or it went another way.

use super::super::host::{Host, Written};
use super::super::negotiation::prepare;
use super::super::scene::{Label, Role, Scene};
use super::super::wire::{self, MS, Nanos, SECOND, Under, What};
use super::{NO_RESPONSE, R};
use std::net::IpAddr;

/// Neither host knows that it should.
pub(super) fn no_ike_attempted(scene: &mut Scene) -> Label {
    scene.demand();
    let length = scene.seconds(5, 240);
    let port = scene.service();
    scene.talk_in_clear(length, port);
    Label::expected(R::NoIkeAttempted, &[R::NoIkeAttempted])
}

/// A firewall on the way says that it forbids IKE (RFC 1812 §5.2.7.1: codes 9, 10, 13).
pub(super) fn udp_500_blocked(scene: &mut Scene) -> Label {
    scene.before_a_failure();
    let answers_all = scene.dice.chance(50);
    scene.leak_beside(3, |scene, sa| {
        let first =
            if sa.version == 2 { scene.init_request(sa, &[]) } else { scene.main_mode_request(sa) };
        let begun = scene.now;
        let gives_up = scene.insist(sa.ends(), &first, false);
        scene.main_mode_failed(sa, sa.initiator, gives_up, (NO_RESPONSE, true), false);
        let code = scene.dice.pick(&[9, 10, 13]);
        let knocks: Vec<Nanos> =
            scene.sent.iter().filter(|sent| sent.at >= begun).map(|sent| sent.at).collect();
        for (at, _) in knocks.into_iter().zip(0..).take_while(|(_, n)| *n == 0 || answers_all) {
            barred(scene, at, sa.initiator, code);
        }
        scene.now = gives_up;
    });
    let by_loss = vec![R::NoResponse];
    let beside = vec![R::NoResponse, R::Timeout];
    // One error can be forged, and does not say why the other messages were not answered.
    let by_wire: &[R] = if answers_all { &[R::Udp500Blocked] } else { &[R::NoResponse] };
    Label { by_loss, beside, ..Label::expected(R::Udp500Blocked, by_wire) }
}

/// A router's error about the message that was sent at a moment.
fn barred(scene: &mut Scene, about: Nanos, to: usize, code: u8) {
    let knock = scene.sent.iter().rev().find(|sent| sent.at == about).map(|s| s.bytes.clone());
    let ends = (IpAddr::from([10, 20, 254, 1]), scene.outside(to));
    let error = wire::unreachable(ends.0, ends.1, code, &knock.unwrap());
    scene.send(about + 3 * MS, ends, What::Other, error);
    scene.sent.last_mut().unwrap().is_key = true;
}

/// The first two hosts become gateways of two networks with a host each.
fn gateways(scene: &mut Scene) -> [(IpAddr, IpAddr); 2] {
    let mask = IpAddr::from([255, 255, 255, 0]);
    let networks = [([172, 16, 1, 0], "GW01"), ([172, 16, 2, 0], "GW02")];
    for (at, (_, name)) in networks.iter().enumerate() {
        scene.hosts[at].name = name;
    }
    networks.map(|(network, _)| (IpAddr::from(network), mask))
}

/// The tunnel's far end is gone, and the traffic takes the line that was kept for such a case.
pub(super) fn peer_unreachable(scene: &mut Scene) -> Label {
    let networks = gateways(scene);
    scene.policy =
        Some("[[protect]]\nbetween = [\"172.16.1.0/24\", \"172.16.2.0/24\"]\n".to_owned());
    let mut sa = prepare(scene, 0, 1);
    sa.networks = Some(networks);
    let sa = scene.establish_as(sa);
    let length = scene.seconds(8, 60);
    scene.protected(&sa, length);
    scene.wait(SECOND, 4 * SECOND);
    let attempts = scene.dice.between(1, 3);
    let begun = scene.now;
    for _ in 0..attempts {
        let again = prepare(scene, 0, 1);
        let first = if again.version == 2 {
            scene.init_request(&again, &[])
        } else {
            scene.main_mode_request(&again)
        };
        let at = scene.now;
        let gives_up = scene.insist(again.ends(), &first, false);
        scene.main_mode_failed(&again, 0, gives_up, (NO_RESPONSE, true), false);
        let code = scene.dice.pick(&[0, 1]);
        barred(scene, at, 0, code);
        scene.now = gives_up;
    }
    let end = scene.now;
    scene.now = begun + scene.dice.between(100 * MS, 4 * SECOND);
    let ends = (IpAddr::from([172, 16, 1, 50]), IpAddr::from([172, 16, 2, 60]));
    let port = scene.service();
    scene.chatter(end - scene.now, ends, port, What::Required);
    let by_loss = vec![R::NoResponse];
    let beside = vec![R::NoResponse];
    Label {
        by_loss,
        beside,
        ..Label::expected(R::PeerUnreachable, &[R::PeerUnreachable, R::NoResponse])
    }
}

/// The hosts' filter names one port, the policy wants all.
pub(super) fn filter_without_port(scene: &mut Scene) -> Label {
    scene.demand();
    let (one, other) = (0, 1);
    let mut sa = prepare(scene, one, other);
    sa.filter = Some((6, 445));
    let sa = scene.establish_as(sa);
    for host in [one, other] {
        for written in &mut scene.hosts[host].book {
            // Its SPIs show the time, and its filter the cause.
            written.is_decisive |= written.about == Under::Spi(sa.spis[0]);
        }
    }
    let begun = scene.now;
    let length = scene.seconds(20, 180);
    scene.protected(&sa, length);
    scene.now = begun + scene.dice.between(SECOND, 8 * SECOND);
    let port = scene.dice.pick(&[(6, 8080), (6, 3268), (17, 5060)]);
    let service_length = (length / 2).max(2 * SECOND);
    scene.talk_in_clear(service_length, port);
    let by_wire = [R::FilterNotCovering, R::Unknown];
    // Nothing happened: what is not covered never was.
    Label { opened: Some(Role::nothing()), ..Label::expected(R::FilterNotCovering, &by_wire) }
}

/// A tunnel is up, and one host behind it is not in its networks.
pub(super) fn filter_without_network(scene: &mut Scene) -> Label {
    let networks = gateways(scene);
    scene.policy =
        Some("[[protect]]\nbetween = [\"172.16.0.0/16\", \"172.16.2.0/24\"]\n".to_owned());
    let mut sa = prepare(scene, 0, 1);
    sa.networks = Some(networks);
    let sa = scene.establish_as(sa);
    for host in [0, 1] {
        for written in &mut scene.hosts[host].book {
            written.is_decisive |= written.about == Under::Spi(sa.spis[0]);
        }
    }
    let begun = scene.now;
    let length = scene.seconds(30, 180);
    scene.protected(&sa, length);
    scene.now = begun + scene.dice.between(SECOND, 12 * SECOND);
    let ends = (IpAddr::from([172, 16, 9, 60]), IpAddr::from([172, 16, 2, 50]));
    let port = scene.service();
    scene.chatter(length / 2, ends, port, What::Required);
    // Packets alone do not show who is whose gateway.
    let by_wire = [R::FilterNotCovering, R::NoIkeAttempted, R::Unknown];
    let opened = Some(Role::expected(R::Unknown, &[R::Unknown, R::NoIkeAttempted]));
    Label { opened, ..Label::expected(R::FilterNotCovering, &by_wire) }
}

/// ESP between the hosts' IPv4 addresses or first cards, nothing between the others.
pub(super) fn alternate_path(scene: &mut Scene) -> Label {
    let sa = scene.establish(0, 1);
    let begun = scene.now;
    let length = scene.seconds(20, 180);
    scene.protected(&sa, length);
    let bare = if scene.dice.chance(70) {
        let of = |last| IpAddr::from([0xfd00, 0x20, 0, 0, 0, 0, 0, last]);
        (of(0x11), of(0x20))
    } else {
        (IpAddr::from([192, 168, 77, 11]), IpAddr::from([192, 168, 77, 20]))
    };
    scene.now = begun + scene.dice.between(SECOND, 8 * SECOND);
    let port = scene.service();
    scene.chatter(length / 2, bare, port, What::Required);
    let names = format!(
        "[hosts]\nWS01 = [\"{}\", \"{}\"]\nFS01 = [\"{}\", \"{}\"]\n",
        scene.outside(0),
        bare.0,
        scene.outside(1),
        bare.1
    );
    let is_named = scene.dice.chance(80);
    let demand = format!(
        "[[protect]]\nbetween = [\"{}\", \"{}\"]\n[[protect]]\nbetween = [\"{}\", \"{}\"]\n",
        bare.0,
        bare.1,
        scene.outside(0),
        scene.outside(1)
    );
    scene.policy = Some(if is_named { names + &demand } else { demand });
    if is_named {
        return Label { opened: Some(Role::nothing()), ..Label::shown(R::AlternatePath) };
    }
    // Nothing says that these are addresses of the same two hosts.
    let by_wire = [R::NoIkeAttempted, R::Unknown];
    let mut label = Label::expected(R::AlternatePath, &by_wire);
    // Of a pair without IPsec beside one with ESP on the same capture that one may be the gateway.
    label.by_wire.push(R::FilterNotCovering);
    label.opened = Some(Role::expected(R::Unknown, &[R::NoIkeAttempted, R::Unknown]));
    label
}

/// The capture leaves out UDP 500 and 4500, and there are no logs: ESP, clear text, ESP.
pub(super) fn unknown(scene: &mut Scene) -> Label {
    let sa = scene.establish(0, 1);
    let length = scene.seconds(8, 60);
    scene.protected(&sa, length);
    scene.wait(50 * MS, 20 * SECOND);
    let length = scene.seconds(6, 90);
    let port = scene.service();
    scene.talk_in_clear(length, port);
    scene.wait(50 * MS, 20 * SECOND);
    let again = prepare(scene, 0, 1);
    let length = scene.seconds(8, 60);
    scene.protected(&again, length);
    scene.sent.retain(|sent| !matches!(sent.under, Under::Cookie(_)));
    let silent = |host: &mut Host| host.book.retain(|_: &Written| false);
    scene.hosts.iter_mut().for_each(silent);
    Label::expected(R::Unknown, &[R::Unknown])
}
