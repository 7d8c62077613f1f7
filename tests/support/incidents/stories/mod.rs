//! What can happen to two hosts, one story a cause.

mod refused;

mod stopped;

mod passed_by;

mod quiet;

use super::negotiation::{Sa, prepare};
use super::scene::{Label, Scene, Service};
use super::wire::{MS, Nanos, SECOND};
use plainsight::catalogue::Reason;

/// A story: what is played, and on which systems it can be.
pub(crate) struct Story {
    pub(crate) name: &'static str,
    pub(crate) play: fn(&mut Scene) -> Label,
    pub(crate) systems: Systems,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Systems {
    Any,
    Legacy,
    Modern,
}

/// Every story; several may end in the same cause.
pub(crate) const STORIES: &[Story] = &[
    story("no_response", refused::no_response, Systems::Any),
    story("no_proposal_chosen", refused::no_proposal_chosen, Systems::Any),
    story("authentication_failed", refused::authentication_failed, Systems::Modern),
    story("psk_mismatch_suspected", refused::psk_mismatch, Systems::Any),
    story("certificate_invalid", refused::certificate_invalid, Systems::Any),
    story("kerberos_failed", refused::kerberos_failed, Systems::Any),
    story("ts_unacceptable", refused::ts_unacceptable, Systems::Modern),
    story("invalid_ke", refused::invalid_ke, Systems::Modern),
    story("policy_mismatch", refused::policy_mismatch, Systems::Any),
    story("peer_deleted", refused::peer_deleted, Systems::Any),
    story("timeout", refused::timeout, Systems::Modern),
    story("dos_protection", refused::dos_protection, Systems::Modern),
    story("other", refused::other, Systems::Any),
    story("service_stopped", stopped::service_stopped, Systems::Any),
    story("service_crashed", stopped::service_crashed, Systems::Any),
    story("driver_bypass", stopped::driver_bypass, Systems::Legacy),
    story("policy_changed", stopped::policy_changed, Systems::Any),
    story("fallback_to_clear", stopped::fallback_to_clear, Systems::Legacy),
    story("rekey_gap", stopped::rekey_gap, Systems::Any),
    story("sa_deleted", stopped::sa_deleted, Systems::Any),
    story("address_reused", stopped::address_reused, Systems::Any),
    story("no_ike_attempted", passed_by::no_ike_attempted, Systems::Any),
    story("udp_500_blocked", passed_by::udp_500_blocked, Systems::Any),
    story("peer_unreachable", passed_by::peer_unreachable, Systems::Modern),
    story("filter_without_port", passed_by::filter_without_port, Systems::Any),
    story("filter_without_network", passed_by::filter_without_network, Systems::Modern),
    story("alternate_path", passed_by::alternate_path, Systems::Any),
    story("unknown", passed_by::unknown, Systems::Any),
    story("exempt_by_policy", quiet::exempt_by_policy, Systems::Any),
    story("integrity_failed", quiet::integrity_failed, Systems::Any),
    story("replay", quiet::replay, Systems::Any),
    story("failed_closed", quiet::failed_closed, Systems::Any),
];

const fn story(name: &'static str, play: fn(&mut Scene) -> Label, systems: Systems) -> Story {
    Story { name, play, systems }
}

impl Scene {
    /// Before a failure: nothing, or protected traffic whose SAs were given up for idleness.
    fn before_a_failure(&mut self) {
        if !self.dice.chance(40) {
            let length = self.seconds(1, 20);
            self.now += length;
            return;
        }
        let (one, other) = self.sides();
        let sa = self.establish(one, other);
        let length = self.seconds(5, 60);
        self.protected(&sa, length);
        // Windows ends a quick mode SA after five minutes without traffic.
        self.now += self.seconds(300, 330);
        self.delete(&sa, one, true);
        self.happened.insert(R::SaExpiredIdle);
        self.now += self.seconds(5, 600);
    }

    /// Who begins and who answers.
    fn sides(&mut self) -> (usize, usize) {
        // Behind a NAT only the inner host can begin.
        if self.is_translated() || self.dice.chance(60) { (0, 1) } else { (1, 0) }
    }

    fn service(&mut self) -> Service {
        let services =
            [(6, 445), (6, 1433), (17, 5060), (6, 3268), (17, 9000), (17, 1701), (47, 0)];
        self.dice.pick(&services)
    }

    /// Attempts that fail, clear text since the first of them, and perhaps the mending.
    fn leak_beside(&mut self, most_attempts: i64, mut attempt: impl FnMut(&mut Self, &Sa)) {
        let (one, other) = self.sides();
        let begun = self.now;
        for _ in 0..self.dice.between(1, most_attempts) {
            let sa = prepare(self, one, other);
            attempt(self, &sa);
            self.wait(2 * SECOND, 40 * SECOND);
        }
        let attempts_end = self.now;
        // Clear text goes out while the negotiation runs, after the three seconds of Windows 2000,
        // or it is what made the host negotiate.
        let earliest = if self.dice.chance(20) { -5 * MS } else { 0 };
        self.now = begun + self.dice.between(earliest, 3_500 * MS);
        let length = attempts_end - self.now + self.dice.between(0, 60 * SECOND);
        let service = self.service();
        self.talk_in_clear(length.max(SECOND), service);
        self.mend(one, other);
    }

    /// Mostly somebody fixes it, and protected traffic follows.
    fn mend(&mut self, one: usize, other: usize) {
        if self.dice.chance(75) {
            self.wait(500 * MS, 4 * SECOND);
            let sa = self.establish(one, other);
            let length = self.seconds(5, 60);
            self.protected(&sa, length);
        }
    }

    /// What a host logs of a main mode that failed.
    fn main_mode_failed(
        &mut self,
        sa: &Sa,
        host: usize,
        at: Nanos,
        reported: (&str, bool),
        decides: bool,
    ) {
        let cookies = if reported.0 == NO_RESPONSE { (sa.cookies.0, 0) } else { sa.cookies };
        let failed = self.view(sa, host).main_mode_failed(cookies, reported.0, reported.1);
        if decides {
            self.log_cause(host, at, failed);
        } else {
            self.log(host, at, failed);
        }
    }
}

const NO_RESPONSE: &str = "No response from peer.";
const TIMED_OUT: &str = "Negotiation timed out.";

/// Names for the stories' labels.
use Reason as R;
