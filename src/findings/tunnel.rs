//! Traffic in plain tunnels that no rule names: observations and questions, never leaks.

use super::{Finding, FindingCode, Severity, counted, frames, span_of};
use crate::correlate::{Confidence, Facts, PairFacts};
use crate::policy::Expectation;
use crate::protection::{ProtectionClass, Service};

/// Clear tunnels that carry only protected packets, between hosts that must be protected.
pub(super) fn around_protected(facts: &Facts) -> Vec<Finding> {
    let with_tunnels = facts.pairs.iter().filter(|pair| pair.expectation != Expectation::None);
    let tunnels =
        with_tunnels.filter_map(|pair| Some((pair.pair, **pair.around_protected.as_ref()?)));
    tunnels.map(|(pair, run)| {
        let packets = counted(run.frames, "packet");
        let title = format!(
            "a tunnel between {} and {} passed in clear and carried only protected packets: {packets}",
            pair.a(),
            pair.b(),
        );
        let detail = format!(
            "From frame {} to frame {}: its headers were readable, its payload was not. No rule names the tunnel's own protocol.",
            run.first, run.last,
        );
        Finding {
            pair: Some(pair),
            span: span_of([&run]),
            proof: frames([&run]),
            ..Finding::new(FindingCode::TunnelAroundProtected, Severity::Info, title, detail)
        }
    })
    .collect()
}

/// L2TP in clear between hosts that show no IPsec.
pub(super) fn l2tp_without_ipsec(facts: &Facts) -> Vec<Finding> {
    let silent = facts.pairs.iter().filter(|pair| is_l2tp_alone(pair));
    let clear =
        silent.filter_map(|pair| Some((pair.pair, *pair.by_class.get(&ProtectionClass::Clear)?)));
    clear
        .map(|(pair, run)| {
            let title = format!(
                "L2TP between {} and {} passed in clear, and nothing shows IPsec between them",
                pair.a(),
                pair.b(),
            );
            let detail = format!(
                "From frame {} to frame {}. Windows protects L2TP with IPsec unless the registry value ProhibitIpSec is set; other systems do so only if configured. Ask the operator whether it had to be protected.",
                run.first, run.last,
            );
            Finding {
                pair: Some(pair),
                span: span_of([&run]),
                proof: frames([&run]),
                confidence: Confidence::Medium,
                ..Finding::new(FindingCode::L2tpWithoutIpsec, Severity::Low, title, detail)
            }
        })
        .collect()
}

fn is_l2tp_alone(pair: &PairFacts) -> bool {
    // RFC 2661 §8.1 and RFC 3931 §4.1.1: UDP 1701, and IP protocol 115.
    let is_l2tp =
        |service: &Service| matches!((service.protocol, service.port), (17, Some(1701)) | (115, _));
    let has = |class| pair.by_class.contains_key(&class);
    pair.expectation == Expectation::None
        && pair.clear_services.iter().any(is_l2tp)
        && pair.spis.is_empty()
        && !has(ProtectionClass::Esp)
        && !has(ProtectionClass::Ike)
}
