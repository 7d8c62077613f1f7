//! What speaks against a cause: codes and values in, words out.

use super::chain::length;
use crate::correlate::Against;
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use std::net::IpAddr;

/// The sentence that says what speaks against a cause.
#[must_use]
pub fn against(against: &Against) -> String {
    match against {
        Against::ProposedClock => {
            "the log's clock offset is a proposal, not a measurement".to_owned()
        }
        Against::DeletionNotCaptured => "the deletion itself is not in the capture".to_owned(),
        Against::SizeIsAmbiguous => {
            "a liveness check under these algorithms has the same size".to_owned()
        }
        Against::HadRested(rested) => {
            format!("its SPIs had rested for {} before the message", length(*rested))
        }
        Against::LongBefore(before) => format!(
            "the traffic began only {} later, when a new negotiation could have been made",
            length(*before)
        ),
        Against::PolicyNeedNotOpen => {
            "a policy change alone need not let clear text out".to_owned()
        }
        Against::CameAfter => {
            "the first failed attempt came after the window had opened".to_owned()
        }
        Against::ErrorsExplainSilence => "ICMP errors say why nobody answered".to_owned(),
        Against::AnswerNotCaptured => {
            "the capture holds one direction, or one packet in many: an answer need not be in it"
                .to_owned()
        }
        Against::Encrypted => {
            "the failure is encrypted; it is inferred from sizes, directions and what follows"
                .to_owned()
        }
        Against::NotCaptured => "the capture does not show these negotiations".to_owned(),
        Against::FiltersNotLogged => {
            "no log shows the filters of their security associations".to_owned()
        }
        Against::GatewaysNotLogged => {
            "no log shows that they are gateways, nor a tunnel's selectors".to_owned()
        }
        Against::SeveralTunnels => {
            "more than one pair of gateways shows ESP on this capture".to_owned()
        }
        Against::Forgeable => "ICMP errors can be forged".to_owned(),
        Against::CompletedAfterwards(host) => {
            format!("{host} completed the same negotiation afterwards")
        }
        Against::CaptureBeganLater => {
            "an attempt before the capture began would not be seen".to_owned()
        }
        Against::PerhapsGateways(pair) => format!(
            "{} and {} show IPsec on the same capture; whether they are these two's gateways is not known",
            pair.a(),
            pair.b()
        ),
        Against::SilentLog { address, state, detail } => format!(
            "the log of {address} may be silent for another reason ({}): {detail}",
            state.as_str()
        ),
        Against::CoversLittle { percent } => {
            format!("it lasted over {percent} % of the window only")
        }
        Against::OtherStation { address, frame } => other_station(*address, *frame),
        Against::OtherPair(pair) => other_pair(*pair),
        Against::LogEnded(before) => format!(
            "the log ends {} before the window: what started again since is not known",
            length(*before)
        ),
        Against::EspGoesOn(host) => format!(
            "protected packets of {host} went on under the same SPIs before and inside the window"
        ),
        Against::LogContradicts => {
            "the log of the same negotiation says something else than the capture shows".to_owned()
        }
        Against::OtherMessagesFit => {
            "a notify message, or a question for the peer's version, can have the same size"
                .to_owned()
        }
        Against::LogDisagrees => {
            "the events name other negotiations than those that the captures show of these hosts"
                .to_owned()
        }
    }
}

fn other_station(address: IpAddr, frame: FrameRef) -> String {
    format!(
        "another station (by its link-layer address) uses {address} from frame {frame} on; the host of the record may not be the one that talked"
    )
}

fn other_pair(pair: HostPair) -> String {
    format!("the hosts concerned are {} and {}; nothing ties them to this pair", pair.a(), pair.b())
}
