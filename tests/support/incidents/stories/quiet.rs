//! Incidents in which nothing that requires protection passes in clear.

use super::super::events::written;
use super::super::host::{Audit, Era, Of, Value, Written, text};
use super::super::scene::{Label, Scene};
use super::super::wire::{MS, SECOND, What};
use super::{R, refused};

/// What the policy lets through is no leak.
pub(super) fn exempt_by_policy(scene: &mut Scene) -> Label {
    scene.demand();
    let exempt = format!(
        "[[exempt]]\nbetween = [\"{}\", \"{}\"]\nprotocol = \"udp\"\nport = 5060\n",
        scene.outside(0),
        scene.outside(1)
    );
    scene.policy = scene.policy.take().map(|demand| exempt + &demand);
    let sa = scene.establish(0, 1);
    let begun = scene.now;
    let length = scene.seconds(10, 60);
    scene.protected(&sa, length);
    scene.now = begun + SECOND;
    let ends = (scene.outside(0), scene.outside(1));
    scene.chatter(length / 2, ends, (17, 5060), What::Other);
    Label::shown(R::ExemptByPolicy)
}

/// The driver drops packets that are damaged; nothing goes out in clear for it.
pub(super) fn integrity_failed(scene: &mut Scene) -> Label {
    dropped(scene, if scene.era == Era::Modern { 4960 } else { 864 });
    Label::shown(R::IntegrityFailed)
}

pub(super) fn replay(scene: &mut Scene) -> Label {
    dropped(scene, if scene.era == Era::Modern { 4961 } else { 865 });
    Label::shown(R::Replay)
}

fn dropped(scene: &mut Scene, id: u32) {
    let sa = scene.establish(0, 1);
    let begun = scene.now;
    let length = scene.seconds(10, 90);
    scene.protected(&sa, length);
    let peer = scene.outside(0);
    for _ in 0..scene.dice.between(1, 9) {
        let at = begun + scene.dice.between(SECOND, length);
        let spi = u64::from(sa.spis[1]);
        let fields = match scene.era {
            Era::Modern => vec![("RemoteAddress", text(peer)), ("SPI", Value::Number(spi))],
            Era::Legacy => vec![("1", text(peer)), ("2", Value::Number(spi)), ("3", text(3))],
        };
        let of = Of { cookie: sa.cookies.0, spis: sa.spis };
        scene.log(1, at, Written { of, ..written(id, Audit::Success, fields) });
    }
}

/// Negotiations fail and the policy holds: nothing passes until one succeeds.
pub(super) fn failed_closed(scene: &mut Scene) -> Label {
    scene.demand();
    let from = scene.sent.len();
    let _ = if scene.era == Era::Modern && scene.dice.chance(50) {
        refused::authentication_failed(scene)
    } else {
        refused::no_proposal_chosen(scene)
    };
    let mut place = 0;
    scene.sent.retain(|sent| {
        place += 1;
        place <= from || sent.what != What::Required
    });
    scene.wait(MS, SECOND);
    let sa = scene.establish(0, 1);
    let length = scene.seconds(5, 30);
    scene.protected(&sa, length);
    Label::shown(R::Unknown)
}
