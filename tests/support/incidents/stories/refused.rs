//! Negotiations that fail, and clear text beside them.

use super::super::super::ike_builder::{Message, notify_v2};
use super::super::events::written;
use super::super::host::{Audit, Era, text};
use super::super::negotiation::{Sa, prepare};
use super::super::scene::{Label, Scene};
use super::super::wire::{self, MS, SECOND, What};
use super::{NO_RESPONSE, R, TIMED_OUT};
use std::net::{IpAddr, SocketAddr};

/// The peer is there and says nothing on UDP 500.
pub(super) fn no_response(scene: &mut Scene) -> Label {
    scene.before_a_failure();
    scene.leak_beside(3, |scene, sa| {
        let first = first_message(scene, sa);
        let gives_up = scene.insist(sa.ends(), &first, false);
        let reported = if scene.dice.chance(50) { NO_RESPONSE } else { TIMED_OUT };
        scene.main_mode_failed(sa, sa.initiator, gives_up, (reported, true), true);
        scene.now = gives_up;
    });
    Label { by_log: vec![R::Timeout], ..Label::shown(R::NoResponse) }
}

fn first_message(scene: &mut Scene, sa: &Sa) -> Message {
    if sa.version == 2 { scene.init_request(sa, &[]) } else { scene.main_mode_request(sa) }
}

/// None of the offers fits: said in clear (RFC 2408 §5.4, RFC 7296 §1.2).
pub(super) fn no_proposal_chosen(scene: &mut Scene) -> Label {
    scene.before_a_failure();
    scene.leak_beside(4, |scene, sa| {
        scene.refuse_first(sa, 14);
        both_log(scene, sa, "Policy match error.", "Policy match error.");
    });
    let by_loss = vec![R::NoResponse];
    Label { by_loss, ..Label::shown(R::NoProposalChosen) }
}

/// The refusing side shows the cause, the other one hears of it.
fn both_log(scene: &mut Scene, sa: &Sa, refuser: &str, refused: &str) {
    let at = scene.soon();
    scene.main_mode_failed(sa, sa.responder, at, (refuser, true), true);
    let at = scene.soon() + 10 * MS;
    scene.main_mode_failed(sa, sa.initiator, at, (refused, false), refuser == refused);
}

/// IKE_AUTH answered by a lone encrypted notify (RFC 7296 §2.21.2).
fn refuse_authentication(scene: &mut Scene, sa: &Sa) {
    scene.init_answered(sa);
    let auth = Message::v2_encrypted(35, 1, 208).spis(sa.cookies.0, sa.cookies.1);
    scene.ike(scene.now, sa.ends(), &auth, true);
    scene.wait(5 * MS, 60 * MS);
    // A notify of 8 bytes. AES-CBC fills a block with it; AES-GCM has none (RFC 7296 §3.14, RFC 5282 §3).
    let bytes = if scene.gcm { 33 } else { 48 };
    let answer = Message::v2_encrypted(35, 1, bytes).answer().spis(sa.cookies.0, sa.cookies.1);
    scene.ike(scene.now, (sa.responder, sa.initiator), &answer, true);
}

pub(super) fn authentication_failed(scene: &mut Scene) -> Label {
    scene.keying.version = 2;
    scene.before_a_failure();
    let reported = "IKE authentication credentials are unacceptable.";
    scene.leak_beside(4, |scene, sa| {
        refuse_authentication(scene, sa);
        both_log(scene, sa, reported, reported);
    });
    let by_loss = vec![R::Timeout, R::NoResponse];
    Label { by_loss, ..Label::shown(R::AuthenticationFailed) }
}

/// Main mode with two keys: message 5 is noise to the peer (RFC 2409 §5).
pub(super) fn psk_mismatch(scene: &mut Scene) -> Label {
    scene.keying.version = 1;
    scene.before_a_failure();
    scene.leak_beside(3, |scene, sa| {
        scene.main_mode_until_keys(sa);
        let fifth = Message::v1_encrypted(2, 0, 40).spis(sa.cookies.0, sa.cookies.1);
        if scene.dice.chance(50) {
            scene.ike(scene.now, sa.ends(), &fifth, true);
            scene.wait(5 * MS, 60 * MS);
            scene.inform(sa, (sa.responder, sa.initiator), 16);
            both_log(scene, sa, "Invalid payload received.", TIMED_OUT);
        } else {
            let at = scene.soon();
            let gives_up = scene.insist(sa.ends(), &fifth, true);
            scene.main_mode_failed(sa, sa.responder, at, ("Invalid payload received.", true), true);
            scene.main_mode_failed(sa, sa.initiator, gives_up, (TIMED_OUT, true), false);
            scene.now = gives_up;
        }
    });
    let by_loss = vec![R::NoResponse, R::Timeout, R::Other, R::AuthenticationFailed];
    // The side that sends message 5 logs that it waited in vain.
    let (by_log, beside) = (vec![R::AuthenticationFailed, R::Timeout], vec![R::Timeout]);
    Label { by_loss, by_log, beside, ..Label::shown(R::PskMismatchSuspected) }
}

pub(super) fn certificate_invalid(scene: &mut Scene) -> Label {
    scene.keying.method = "%%8194";
    scene.before_a_failure();
    let reported = scene.dice.pick(&[
        "Certificate Revocation Check failed.",
        "IKE failed to find valid machine certificate. Contact your Network Security Administrator about installing a valid certificate in the appropriate Certificate Store.",
        "Peer failed to send valid machine certificate.",
    ]);
    scene.leak_beside(3, |scene, sa| {
        if sa.version == 2 {
            refuse_authentication(scene, sa);
        } else {
            refuse_in_main_mode(scene, sa, 1000);
        }
        both_log(scene, sa, reported, "IKE authentication credentials are unacceptable.");
    });
    let by_wire = [R::AuthenticationFailed, R::CertificateInvalid];
    let by_loss = vec![R::Timeout, R::NoResponse];
    let beside = vec![R::AuthenticationFailed];
    Label { by_loss, beside, ..Label::expected(R::CertificateInvalid, &by_wire) }
}

/// Message 5 is answered by an encrypted informational message.
fn refuse_in_main_mode(scene: &mut Scene, sa: &Sa, bytes: usize) {
    scene.main_mode_until_keys(sa);
    let fifth = Message::v1_encrypted(2, 0, bytes).spis(sa.cookies.0, sa.cookies.1);
    scene.ike(scene.now, sa.ends(), &fifth, true);
    scene.wait(5 * MS, 60 * MS);
    let id = u32::try_from(scene.dice.between(1, 1 << 30)).unwrap();
    let no = Message::v1_encrypted(5, id, 64).spis(sa.cookies.0, sa.cookies.1);
    scene.ike(scene.now, (sa.responder, sa.initiator), &no, true);
}

pub(super) fn kerberos_failed(scene: &mut Scene) -> Label {
    scene.keying = super::super::scene::Keying { version: 1, method: "%%8195" };
    scene.before_a_failure();
    let reported = "Failed to authenticate using Kerberos.";
    scene.leak_beside(3, |scene, sa| {
        refuse_in_main_mode(scene, sa, 64);
        both_log(scene, sa, reported, "IKE authentication credentials are unacceptable.");
    });
    let by_loss = vec![R::NoResponse, R::AuthenticationFailed, R::PskMismatchSuspected];
    let beside = vec![R::AuthenticationFailed];
    Label { by_loss, beside, ..Label::shown(R::KerberosFailed) }
}

/// Authenticated, but no child (RFC 7296 §2.21.2: the notify is beside IDr and AUTH).
pub(super) fn ts_unacceptable(scene: &mut Scene) -> Label {
    scene.keying.version = 2;
    scene.before_a_failure();
    scene.leak_beside(3, |scene, sa| {
        scene.init_answered(sa);
        let auth = Message::v2_encrypted(35, 1, 208).spis(sa.cookies.0, sa.cookies.1);
        scene.ike(scene.now, sa.ends(), &auth, true);
        scene.wait(5 * MS, 60 * MS);
        let answer = Message::v2_encrypted(35, 1, 96).answer().spis(sa.cookies.0, sa.cookies.1);
        scene.ike(scene.now, (sa.responder, sa.initiator), &answer, true);
        quick_mode_failed(scene, sa, 1, "Policy match error.");
    });
    let by_loss = vec![R::Timeout, R::NoResponse, R::NoProposalChosen];
    let by_log = vec![R::NoProposalChosen, R::PolicyMismatch];
    Label { by_loss, by_log, ..Label::shown(R::ChildRefused) }
}

/// Both hosts have a main mode SA and log that quick mode failed.
fn quick_mode_failed(scene: &mut Scene, sa: &Sa, message: u32, refuser: &str) {
    for host in [sa.responder, sa.initiator] {
        let view = scene.view(sa, host);
        let at = scene.soon();
        scene.log(host, at, view.main_mode_up());
        let is_local = host == sa.responder;
        let reported = if is_local { refuser } else { "Policy match error." };
        let mut failed = view.quick_mode_failed(message, reported, is_local);
        if scene.era == Era::Modern {
            failed.about = wire::Under::Cookie(sa.cookies.0);
        }
        if is_local {
            scene.log_cause(host, at + 20 * MS, failed);
        } else {
            scene.log(host, at + 20 * MS, failed);
        }
    }
}

/// RFC 7296 §1.2: another group is asked for, and the initiator has it not.
pub(super) fn invalid_ke(scene: &mut Scene) -> Label {
    scene.keying.version = 2;
    scene.before_a_failure();
    scene.leak_beside(3, |scene, sa| {
        scene.refuse_first(sa, 17);
        let at = scene.soon();
        scene.main_mode_failed(sa, sa.initiator, at, ("Invalid Diffie-Hellman group.", true), true);
    });
    let by_loss = vec![R::NoResponse];
    Label { by_loss, ..Label::shown(R::InvalidKe) }
}

/// RFC 2409 §5.5: quick mode is answered by an informational message.
pub(super) fn policy_mismatch(scene: &mut Scene) -> Label {
    scene.keying.version = 1;
    scene.before_a_failure();
    scene.leak_beside(3, |scene, sa| {
        scene.main_mode_until_keys(sa);
        for (ends, bytes) in [(sa.ends(), 40), ((sa.responder, sa.initiator), 48)] {
            let message = Message::v1_encrypted(2, 0, bytes).spis(sa.cookies.0, sa.cookies.1);
            scene.ike(scene.now, ends, &message, true);
            scene.wait(5 * MS, 50 * MS);
        }
        let id = u32::try_from(scene.dice.between(1, 1 << 30)).unwrap();
        let asked = Message::v1_encrypted(32, id, 152).spis(sa.cookies.0, sa.cookies.1);
        scene.ike(scene.now, sa.ends(), &asked, true);
        scene.wait(5 * MS, 50 * MS);
        let no = Message::v1_encrypted(5, id ^ 0x5555, 56).spis(sa.cookies.0, sa.cookies.1);
        scene.ike(scene.now, (sa.responder, sa.initiator), &no, true);
        quick_mode_failed(scene, sa, id, "No policy configured.");
    });
    let by_loss = vec![R::PskMismatchSuspected, R::NoResponse, R::NoProposalChosen];
    // The host that was refused only knows that the policies do not match.
    let by_log = vec![R::NoProposalChosen];
    Label { by_loss, by_log, ..Label::expected(R::PolicyMismatch, &[R::ChildRefused]) }
}

/// The peer gives the SA up before it is complete; on the wire it looks like any refusal.
pub(super) fn peer_deleted(scene: &mut Scene) -> Label {
    scene.keying.version = 1;
    scene.before_a_failure();
    let reported = "IKE SA deleted by peer before establishment completed.";
    scene.leak_beside(3, |scene, sa| {
        refuse_in_main_mode(scene, sa, 40);
        let at = scene.soon();
        scene.main_mode_failed(sa, sa.initiator, at, (reported, false), true);
    });
    let by_wire = [R::PskMismatchSuspected, R::AuthenticationFailed, R::PeerDeleted];
    let by_loss = vec![R::NoResponse];
    Label { by_loss, beside: by_wire.to_vec(), ..Label::expected(R::PeerDeleted, &by_wire) }
}

/// Large IKE_AUTH requests get lost on the way, again and again.
pub(super) fn timeout(scene: &mut Scene) -> Label {
    scene.keying.version = 2;
    scene.before_a_failure();
    scene.leak_beside(2, |scene, sa| {
        scene.init_answered(sa);
        let auth = Message::v2_encrypted(35, 1, 1200).spis(sa.cookies.0, sa.cookies.1);
        let gives_up = scene.insist(sa.ends(), &auth, true);
        scene.main_mode_failed(sa, sa.initiator, gives_up, (TIMED_OUT, true), true);
        scene.now = gives_up;
    });
    let by_loss = vec![R::NoResponse];
    Label { by_loss, ..Label::shown(R::Timeout) }
}

/// A flood of first messages: the peer asks for cookies and then has no time for an honest one.
pub(super) fn dos_protection(scene: &mut Scene) -> Label {
    scene.keying.version = 2;
    scene.before_a_failure();
    let (begun, flood) = (scene.now, scene.dice.between(50, 300));
    let target = SocketAddr::new(scene.outside(1), 500);
    for _ in 0..flood {
        let sa = prepare(scene, 0, 1);
        let asked = scene.init_request(&sa, &[]).bytes();
        let [a, b, ..] = scene.dice.number().to_le_bytes();
        let from = SocketAddr::new(IpAddr::from([198, 18, a, b]), 500);
        let frame = wire::datagram(from, target, &asked, &mut scene.dice);
        scene.send(scene.now, (from.ip(), target.ip()), What::Other, frame);
        scene.wait(MS, 30 * MS);
    }
    let started = written(4646, Audit::Success, vec![("notification", text("%%8214"))]);
    let at = begun + scene.dice.between(100 * MS, 900 * MS);
    scene.log_cause(1, at, started);
    let (from, to) = (0, 1);
    let sa = prepare(scene, from, to);
    let asked = scene.init_request(&sa, &[]);
    scene.ike(scene.now, sa.ends(), &asked, false);
    scene.wait(5 * MS, 60 * MS);
    let cookie = notify_v2(16_390, &[0xc0; 20]);
    let answer = Message::v2(34, 0, std::slice::from_ref(&cookie)).answer().spis(sa.cookies.0, 0);
    scene.ike(scene.now, (to, from), &answer, false);
    scene.wait(5 * MS, 60 * MS);
    let with_cookie = scene.init_request(&sa, &[cookie]);
    let leak = scene.now + scene.dice.between(0, 3 * SECOND);
    let gives_up = scene.insist(sa.ends(), &with_cookie, false);
    scene.main_mode_failed(&sa, from, gives_up, (TIMED_OUT, true), false);
    scene.now = leak;
    let length = scene.seconds(20, 90);
    let service = scene.service();
    scene.talk_in_clear(length, service);
    scene.mend(from, to);
    let by_wire = [R::NoResponse, R::DosProtection, R::Timeout];
    Label { beside: by_wire.to_vec(), ..Label::expected(R::DosProtection, &by_wire) }
}

/// An error of a vendor's own (RFC 7296 §3.10.1: 8192 to 16383).
pub(super) fn other(scene: &mut Scene) -> Label {
    scene.before_a_failure();
    scene.leak_beside(3, |scene, sa| {
        let notify = u16::try_from(scene.dice.between(8192, 16_383)).unwrap();
        scene.refuse_first(sa, notify);
        both_log(scene, sa, "General processing error.", "General processing error.");
    });
    let by_loss = vec![R::NoResponse];
    Label { by_loss, ..Label::shown(R::Other) }
}
