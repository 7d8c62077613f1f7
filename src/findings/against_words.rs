//! What speaks against a cause: takes codes and values, returns sentences.

use super::audit_words::audit_reason;
use super::measures::length;
use super::state_words;
use crate::correlate::Against;
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use std::net::IpAddr;

/// The sentence that says what speaks against a cause.
#[must_use]
#[expect(clippy::too_many_lines, reason = "an arm for each of them")]
pub fn against(against: &Against) -> String {
    match against {
        Against::ProposedClock => {
            "the log's clock offset is proposed, not measured".to_owned()
        }
        Against::DeletionNotCaptured => "the deletion itself is not in the capture".to_owned(),
        Against::SizeIsAmbiguous => {
            "a liveness check under these algorithms has the same size".to_owned()
        }
        Against::HadRested(rested) => {
            format!("its SPIs had been idle for {} before the message", length(*rested))
        }
        Against::LongBefore(before) => format!(
            "the traffic began only {} later, when a new negotiation could have been started",
            length(*before)
        ),
        Against::PolicyNeedNotOpen => {
            "a policy change alone does not necessarily allow clear text".to_owned()
        }
        Against::AppliedNotChanged => APPLIED.to_owned(),
        Against::SetNeedNotBeUsed => SET_CHANGED.to_owned(),
        Against::OtherService => OTHER_SERVICE.to_owned(),
        Against::OtherAddressSince(address) => format!(
            "the log later names {address}, of another network, as an address of its computer, and nothing shows that the computer kept the first one"
        ),
        Against::BeganBefore => BEGAN_BEFORE.to_owned(),
        Against::LongerThanIdle(rested) => format!(
            "the SPIs had been idle for {}; the idle timer is 5 min unless SAIdleTime is set",
            length(*rested)
        ),
        Against::UnprotectedRefusal => UNPROTECTED_REFUSAL.to_owned(),
        Against::OtherRefuser => OTHER_REFUSER.to_owned(),
        Against::TiedByStation => TIED_BY_STATION.to_owned(),
        Against::StillSends(host) => {
            format!("{host} sent packets after the first of these errors: it was reachable")
        }
        Against::CameAfter => CAME_AFTER.to_owned(),
        Against::ErrorsExplainSilence => "ICMP errors explain why there was no answer".to_owned(),
        Against::AnswerNotCaptured => {
            "the capture shows only one direction, or only a sample of the packets; an answer may be missing"
                .to_owned()
        }
        Against::Encrypted => {
            "the reason is encrypted; the failure is inferred from message sizes, directions and later messages"
                .to_owned()
        }
        Against::NotCaptured => "the capture does not show these negotiations".to_owned(),
        Against::FiltersNotLogged => {
            "no log shows the filters of their security associations".to_owned()
        }
        Against::GatewaysNotLogged => {
            "no log shows that they are gateways, or the selectors of a tunnel".to_owned()
        }
        Against::SeveralTunnels => {
            "more than one pair of gateways shows ESP in this capture".to_owned()
        }
        Against::Forgeable => "ICMP errors can be forged".to_owned(),
        Against::CompletedAfterwards(host) => {
            format!("{host} completed the same negotiation afterwards")
        }
        Against::CaptureBeganLater => {
            "an attempt before the capture began would not be visible".to_owned()
        }
        Against::PerhapsGateways(pair) => perhaps_gateways(*pair),
        Against::SilentLog { address, state, reason } => format!(
            "the log of {address} may lack events for another reason ({}): {}",
            state.as_str(),
            audit_reason(reason)
        ),
        Against::AssumedName { host, full } => assumed_name(host, full),
        Against::CoversLittle { percent } => {
            format!("it covered only {percent} % of the window")
        }
        Against::OtherStation { address, frame } => other_station(*address, *frame),
        Against::OtherPair(pair) => other_pair(*pair),
        Against::LogEnded(before) => format!(
            "the log ends {} before the window: whether the service started again since is unknown",
            length(*before)
        ),
        Against::EspGoesOn(host) => format!(
            "protected packets of {host} continued under the same SPIs before and during the window"
        ),
        Against::ClearBesideEsp(frame) => format!(
            "the same service was in clear before, from frame {frame} on, while the sender's ESP continued: filters did not cover it"
        ),
        Against::NotGivenUp => {
            "the window ended before the request was sent again; the negotiation had not failed yet".to_owned()
        }
        Against::OrderUnknown { later, error } => format!(
            "the record is {} later than the first clear packet, and its clock may be wrong by {}: which of the two came first is not known",
            length(*later),
            length(*error)
        ),
        Against::PausedBefore(pause) => format!(
            "no packet had been protected for {} before the first clear one: nothing shows that the security associations had ended, or that they protected this service",
            length(*pause)
        ),
        Against::OtherTraffic => {
            "the clear text is far less than what was protected: nothing shows that it is the same traffic".to_owned()
        }
        Against::WasOpenBefore(since) => format!(
            "the window had been open for {} by then, and no request shows that the service was missing afterwards",
            length(*since)
        ),
        Against::NotSentAgain => {
            "the request was sent only once; the loss of one packet explains the silence as well".to_owned()
        }
        Against::LogContradicts => {
            "the log's record of the same negotiation contradicts the capture".to_owned()
        }
        Against::OtherMessagesFit => {
            "a notify message, or a liveness check, can have the same size"
                .to_owned()
        }
        Against::LogNamesAnother => LOG_NAMES_ANOTHER.to_owned(),
        Against::StillSendsIke(host) => still_sends(*host),
        Against::Unprotected => UNPROTECTED.to_owned(),
        Against::OtherSender(address) => other_sender(*address),
        Against::OtherClock => OTHER_CLOCK.to_owned(),
        Against::FilterInForce { state, filter } => state_words::in_force(*state, filter),
        Against::StateApart { host, distance, by_capture } => {
            state_words::apart(*host, *distance, *by_capture)
        }
        Against::TiedByState => TIED_BY_STATE.to_owned(),
        Against::LogDisagrees => {
            "the log events name negotiations of these hosts that the captures do not show"
                .to_owned()
        }
    }
}

const APPLIED: &str = "the log records that a policy was applied, not that it changed";
const SET_CHANGED: &str =
    "no evidence shows that a rule uses the set of algorithms or credentials that changed";
const OTHER_SERVICE: &str = "the security associations of these hosts are of AuthIP or IKEv2; the Policy Agent serves IP security policies, which negotiate by IKEv1";
const UNPROTECTED_REFUSAL: &str = "anyone on the path can send an unencrypted refusal (RFC 7296 section 2.21.1), and the capture shows no other packet of the host to compare it with";
const OTHER_REFUSER: &str = "the unencrypted refusal has another link-layer address, VLAN or hop count than the other packets of the host; anyone on the path can send one";
const BEGAN_BEFORE: &str =
    "clear text was already being sent when the capture began; its start is unknown";
const TIED_BY_STATION: &str = "only the link-layer address shows that the addresses are of the same hosts; a bridge or repeater may send for several";
const TIED_BY_STATE: &str =
    "only the exported state of a host shows that the addresses are of the same host";
const CAME_AFTER: &str = "the first failed attempt followed the opening of the window";
const LOG_NAMES_ANOTHER: &str =
    "a log records that the negotiation failed, but not for this reason";
const UNPROTECTED: &str = "anyone on the path can send an unprotected Delete; a peer with an IKE SA ignores it (RFC 2409 section 5.7)";
const OTHER_CLOCK: &str = "the negotiation is in another capture, and nothing shows that the two captures have the same clock";

fn still_sends(host: IpAddr) -> String {
    format!(
        "{host} sent IKE after the first of these errors: its port was neither closed nor blocked"
    )
}

fn other_sender(address: IpAddr) -> String {
    format!(
        "the clear packets of {address} came from another station or VLAN than its protected packets"
    )
}

fn assumed_name(host: &str, full: &str) -> String {
    format!("the log names its computer only as {host}; it is assumed to be {full}")
}

fn other_station(address: IpAddr, frame: FrameRef) -> String {
    format!(
        "another station (by link-layer address) uses {address} from frame {frame} on; the record may concern another host"
    )
}

fn perhaps_gateways(pair: HostPair) -> String {
    format!(
        "{} and {} show IPsec in the same capture; whether they are the gateways of these two hosts is unknown",
        pair.a(),
        pair.b()
    )
}

fn other_pair(pair: HostPair) -> String {
    format!(
        "the hosts concerned are {} and {}; nothing links them to this pair",
        pair.a(),
        pair.b()
    )
}
