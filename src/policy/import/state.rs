//! The state of Windows' filtering platform (wfpstate.xml, wfpdiag.xml): filters that hand packets to IPsec,
//! and the quick mode policies that they name.
//!
//! A policy's flags determine its requirement: without a flag of negotiation discovery, all matching traffic
//! must be protected; in secure mode, connections that the host opens itself may fall back to clear text; in
//! boundary mode, all may.
//!
//! Source: Microsoft, "IPsec Configuration" of the Windows Filtering Platform (transport mode, negotiation
//! discovery transport mode, boundary mode); FWPM_FILTER0, IPSEC_TRANSPORT_POLICY0 and FWP_VALUE0 of its
//! headers, whose members the file names.

use super::draft::{Draft, DraftRule, Party, Ports, Selector, addresses, range};
use super::names::named;
use super::rule_fault::RuleFault;
use crate::policy::{Action, DefaultExemptions, Level, SideOf};
use crate::xml::Element;
use std::collections::{BTreeMap, BTreeSet};

/// What a policy requires of packets that a filter hands to it.
struct Policy {
    name: String,
    level: Level,
    discovery: Discovery,
}

/// Whether the host talks in clear to hosts without IPsec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Discovery {
    No,
    Secure,
    Boundary,
}

/// A layer and a sub-layer: filters compete within one.
type LayerKeys = (String, String);

pub(super) fn import_rules(text: &str, draft: &mut Draft<'_>) {
    draft.exemptions = DefaultExemptions::WindowsVista;
    let (mut policies, mut filters) = (BTreeMap::new(), Vec::new());
    let is_whole = each_item(text, |item| match Element::parse(item) {
        Ok(item) if item.child("filterKey").is_some() => {
            filters.extend(is_wanted(&item).then_some(item))
        }
        Ok(item) => {
            policies.extend(policy(&item));
        }
        Err(why) => draft.note(None, format!("an item was left out: {why}")),
    });
    if !is_whole {
        draft.note(None, "the file ends inside an item");
    }
    let mut highest: BTreeMap<LayerKeys, u64> = BTreeMap::new();
    for filter in filters.iter().filter(|filter| callout(filter).is_some()) {
        let known = highest.entry(layer_keys(filter)).or_default();
        *known = (*known).max(weight(filter));
    }
    let mut known = BTreeSet::new();
    for filter in &filters {
        match (callout(filter), highest.get(&layer_keys(filter))) {
            (Some(callout), _) => of_ipsec(filter, callout, &policies, &mut known, draft),
            (None, Some(highest)) => permit(filter, weight(filter) > *highest, &mut known, draft),
            // Filters of the firewall require no protection.
            (None, None) => {}
        }
    }
}

/// The filters that were translated: a filter for each direction, and both states of a wfpdiag.xml, are
/// duplicates.
type Known = BTreeSet<(Selector, u8)>;

/// A filter that hands packets to IPsec.
fn of_ipsec(
    filter: &Element,
    callout: &str,
    policies: &BTreeMap<String, Policy>,
    known: &mut Known,
    draft: &mut Draft<'_>,
) {
    let name = name_of(filter);
    let protect = Action::Protect(Level::Authenticate);
    let Some(policy) = policies.get(filter.text_of("providerContextKey")) else {
        return draft.lost(None, &name, protect, &RuleFault::NoQuickModePolicy);
    };
    let selector = match selector(filter) {
        Ok(selector) => selector,
        Err(why) => return draft.lost(None, &name, protect, &why),
    };
    let protect = Action::Protect(policy.level);
    let (demands, code) = match policy.discovery {
        Discovery::No => (vec![(protect, None)], 0),
        Discovery::Secure => {
            let own = (Action::Exempt, Some(SideOf::First));
            (vec![(protect, Some(SideOf::Second)), own], 1)
        }
        Discovery::Boundary => (vec![(Action::Exempt, None)], 2),
    };
    let code = code * 2 + u8::from(policy.level == Level::Encrypt);
    if !known.insert((selector.clone(), code)) {
        return;
    }
    let mut remarks = match policy.discovery {
        Discovery::No => Vec::new(),
        Discovery::Secure => vec![format!(
            "policy {} requires IPsec for connections that come in; those that the computer opens may fall back",
            policy.name
        )],
        Discovery::Boundary => vec![format!(
            "policy {} requests IPsec but requires it in no direction; make it [[protect]] to see what passed in clear",
            policy.name
        )],
    };
    if callout.contains("TUNNEL") {
        remarks.push("a tunnel: behind its ends, clear packets are not a leak".to_owned());
    }
    let rule = DraftRule {
        line: None,
        name,
        action: protect,
        goes_first: false,
        selector,
        opened_by: None,
        remarks,
    };
    draft.rule_for_each(rule, demands);
}

/// A filter that lets packets bypass IPsec.
fn permit(filter: &Element, goes_first: bool, known: &mut Known, draft: &mut Draft<'_>) {
    let name = name_of(filter);
    match selector(filter) {
        Ok(selector) if known.insert((selector.clone(), PERMITTED)) => draft.rule(DraftRule {
            line: None,
            name,
            action: Action::Exempt,
            goes_first,
            selector,
            opened_by: None,
            remarks: Vec::new(),
        }),
        Ok(_) => {}
        Err(why) => draft.lost(None, &name, Action::Exempt, &why),
    }
}

fn name_of(filter: &Element) -> String {
    let name = filter.at(&["displayData", "name"]).map_or("", |name| name.text.trim());
    format!("filter {} ({})", filter.text_of("filterId"), named(name))
}

/// A quick mode policy by its key.
fn policy(item: &Element) -> Option<(String, Policy)> {
    let kind = item.text_of("type");
    if !kind.starts_with("FWPM_IPSEC_") || !kind.contains("_QM_") {
        return None;
    }
    let body = item.children.iter().find(|child| child.name.ends_with("Policy"))?;
    let proposals = body.child("ipsecProposals").map_or(&[][..], |list| &list.children);
    let encrypts = |proposal: &Element| {
        let transforms = proposal.child("saTransforms").map_or(&[][..], |list| &list.children);
        transforms.iter().any(|it| it.text_of("ipsecTransformType").ends_with("CIPHER"))
    };
    let is_encrypting = !proposals.is_empty() && proposals.iter().all(encrypts);
    let flags = body.child("flags").map_or(&[][..], |list| &list.children);
    let has = |end: &str| flags.iter().any(|flag| flag.text.trim().ends_with(end));
    let discovery = match (has("ND_BOUNDARY"), has("ND_SECURE")) {
        (true, _) => Discovery::Boundary,
        (false, true) => Discovery::Secure,
        (false, false) => Discovery::No,
    };
    let name = item.at(&["displayData", "name"]).map_or("", |name| name.text.trim());
    let level = if is_encrypting { Level::Encrypt } else { Level::Authenticate };
    let key = item.text_of("providerContextKey").to_owned();
    Some((key, Policy { name: named(name), level, discovery }))
}

/// Whether a filter hands packets to IPsec, or exempts some.
fn is_wanted(filter: &Element) -> bool {
    callout(filter).is_some() || filter.at(&["action", "type"]).is_some_and(|of| of.text == PERMIT)
}

/// The part of IPsec to which a filter hands packets; those that only begin negotiations require nothing more.
fn callout(filter: &Element) -> Option<&str> {
    let callout = filter.at(&["action", "filterType"])?.text.trim();
    let callout = callout.strip_prefix("FWPM_CALLOUT_IPSEC_")?;
    CALLOUTS.iter().any(|name| callout.starts_with(name)).then_some(callout)
}

fn layer_keys(filter: &Element) -> LayerKeys {
    (filter.text_of("layerKey").to_owned(), filter.text_of("subLayerKey").to_owned())
}

fn weight(filter: &Element) -> u64 {
    let weight = filter.child("effectiveWeight").or_else(|| filter.child("weight"));
    weight.map_or("", |weight| weight.text_of("uint64")).parse().unwrap_or(0)
}

/// The packets that match a filter's conditions; conditions on one field are alternatives.
fn selector(filter: &Element) -> Result<Selector, RuleFault> {
    let mut sides = [Vec::new(), Vec::new()];
    let mut ports = [Ports::Any, Ports::Any];
    let mut protocol = None;
    let conditions = filter.child("filterCondition").map_or(&[][..], |list| &list.children);
    for condition in conditions {
        let field = condition.text_of("fieldKey");
        let field = field.strip_prefix("FWPM_CONDITION_").unwrap_or(field);
        let value = condition.child("conditionValue").ok_or(RuleFault::NoValue)?;
        let is_plain = matches!(
            condition.text_of("matchType"),
            "FWP_MATCH_EQUAL" | "FWP_MATCH_RANGE" | "FWP_MATCH_PREFIX"
        );
        let place = usize::from(field.contains("REMOTE"));
        match field {
            // Packets of the host to itself.
            "FLAGS" => continue,
            _ if !is_plain => return Err(RuleFault::NoEquality(field.to_owned())),
            "IP_LOCAL_ADDRESS" | "IP_REMOTE_ADDRESS" => {
                let found = parties(value).ok_or(RuleFault::UnreadableAddress)?;
                sides.get_mut(place).into_iter().for_each(|side| side.extend(found.iter()));
            }
            "IP_LOCAL_PORT" | "IP_REMOTE_PORT" => {
                let (first, last) = bounds(value, "uint16");
                let (first, last) =
                    first.parse().ok().zip(last.parse().ok()).ok_or(RuleFault::UnreadablePort)?;
                let side = ports.get_mut(place).filter(|side| **side == Ports::Any);
                *side.ok_or(RuleFault::PortList)? = Ports::Range(first, last);
            }
            "IP_PROTOCOL" if protocol.is_none() => {
                protocol = Some(
                    value.text_of("uint8").parse().map_err(|_| RuleFault::UnreadableProtocol)?,
                );
            }
            _ => return Err(RuleFault::OtherCondition(field.to_owned())),
        }
    }
    let [mut local, mut remote] = sides;
    if local.is_empty() {
        local.push(Party::Me);
    }
    if remote.is_empty() {
        remote.push(Party::Any);
    }
    Ok(Selector { sides: [local, remote], protocol, ports })
}

/// The addresses of a value: one, one with a mask, or a range.
fn parties(value: &Element) -> Option<Vec<Party>> {
    if let Some(mask) = value.child("v4AddrMask").or_else(|| value.child("v6AddrMask")) {
        let [address, mask, prefix] =
            ["addr", "mask", "prefixLength"].map(|name| mask.text_of(name));
        let mask = if mask.is_empty() { prefix } else { mask };
        return addresses(&format!("{address}/{mask}"));
    }
    let kind = if value.child("byteArray16").is_some() || text_in_range(value, "byteArray16") {
        "byteArray16"
    } else {
        "uint32"
    };
    let (first, last) = bounds(value, kind);
    range(first.parse().ok()?, last.parse().ok()?)
}

fn text_in_range(value: &Element, kind: &str) -> bool {
    value.at(&["rangeValue", "valueLow", kind]).is_some()
}

/// The first and the last value of a range; a single value is both.
fn bounds<'v>(value: &'v Element, kind: &str) -> (&'v str, &'v str) {
    let Some(range) = value.child("rangeValue") else {
        return (value.text_of(kind), value.text_of(kind));
    };
    let end = |name| range.child(name).map_or("", |end| end.text_of(kind));
    (end("valueLow"), end("valueHigh"))
}

/// Visits the items that are filters or contexts of providers; false where the last has no end.
fn each_item(text: &str, mut visit: impl FnMut(&str)) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(BEGIN) {
        let item = rest.get(at..).unwrap_or_default();
        let behind = item.get(BEGIN.len()..).unwrap_or_default();
        let first = behind.trim_start();
        if !FIRST.iter().any(|name| first.starts_with(name)) {
            rest = behind;
            continue;
        }
        let Some(end) = end_of(item) else { return false };
        visit(item.get(..end).unwrap_or_default());
        rest = item.get(end..).unwrap_or_default();
    }
    true
}

/// The end of an item, which may contain lists of others.
fn end_of(item: &str) -> Option<usize> {
    let (mut at, mut depth) = (BEGIN.len(), 1usize);
    while depth > 0 {
        let rest = item.get(at..)?;
        let end = rest.find(END)?;
        let begins = rest.get(..end)?.matches(BEGIN).count();
        depth = depth + begins - 1;
        at += end + END.len();
    }
    Some(at)
}

const BEGIN: &str = "<item>";
const END: &str = "</item>";
const FIRST: [&str; 2] = ["<filterKey>", "<providerContextKey>"];
const PERMIT: &str = "FWP_ACTION_PERMIT";
const PERMITTED: u8 = 255;
const CALLOUTS: [&str; 4] =
    ["INBOUND_TRANSPORT", "OUTBOUND_TRANSPORT", "INBOUND_TUNNEL_V", "OUTBOUND_TUNNEL_V"];
