//! Turns the rules of an export into the policy's text, in an order in which the first match is the one that
//! the source would apply.

use super::rule_fault::RuleFault;
use super::{ImportNote, SourceFormat};
use crate::policy::protocols::has_ports;
use crate::policy::write::{PolicyText, WrittenRule};
use crate::policy::{Action, DefaultExemptions, SideOf};
use ipnet::{IpNet, IpSubnets, Ipv4Subnets, Ipv6Subnets};
use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr};

/// One side of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Party {
    /// Any host.
    Any,
    /// The computer that the export is from.
    Me,
    /// A host or a network.
    Net(IpNet),
}

/// The ports of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ports {
    /// All.
    Any,
    /// From the first to the last.
    Range(u16, u16),
}

/// The traffic that a rule matches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Selector {
    pub(super) sides: [Vec<Party>; 2],
    pub(super) protocol: Option<u8>,
    pub(super) ports: [Ports; 2],
}

/// A rule of the source.
#[derive(Clone, Debug)]
pub(super) struct DraftRule {
    /// The line it is at; `None` where the source has no lines.
    pub(super) line: Option<usize>,
    /// Its name in the source.
    pub(super) name: String,
    pub(super) action: Action,
    /// The source applies it before all rules that protect, however general it is.
    pub(super) goes_first: bool,
    pub(super) selector: Selector,
    /// Who opens the connections that it matches; `None` for all.
    pub(super) opened_by: Option<SideOf>,
    /// Where the policy differs from the source; reported beside the rule and to the user.
    pub(super) remarks: Vec<String>,
}

/// The rules and notes gathered so far.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    me: &'a [IpAddr],
    names_me: bool,
    pub(super) exemptions: DefaultExemptions,
    rules: Vec<Ready>,
    /// The number of policy rules in all of them.
    written: usize,
    notes: Vec<ImportNote>,
    dropped: usize,
}

/// A rule of the policy with its place in the order.
#[derive(Debug)]
struct Ready {
    order: (bool, u32, bool, bool, bool),
    comment: String,
    rules: Vec<WrittenRule>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(me: &'a [IpAddr]) -> Self {
        Self {
            me,
            names_me: false,
            exemptions: DefaultExemptions::None,
            rules: Vec::new(),
            written: 0,
            notes: Vec::new(),
            dropped: 0,
        }
    }

    /// Reports something to the user, on standard error and at the end of the file.
    pub(super) fn note(&mut self, line: Option<usize>, text: impl Into<String>) {
        let note = ImportNote { line, text: text.into() };
        // One rule of the source may become several with the same note.
        if self.notes.last() == Some(&note) {
            return;
        }
        if self.notes.len() < MOST_NOTES {
            self.notes.push(note);
        } else {
            self.dropped += 1;
        }
    }

    /// Whether further rules would only be counted.
    pub(super) fn is_full(&self) -> bool {
        self.dropped > MOST_RULES
    }

    /// Adds a rule for each action and opener of connections; its remarks go with the first.
    pub(super) fn rule_for_each(
        &mut self,
        mut rule: DraftRule,
        demands: impl IntoIterator<Item = (Action, Option<SideOf>)>,
    ) {
        for (action, opened_by) in demands {
            let remarks = std::mem::take(&mut rule.remarks);
            self.rule(DraftRule { action, opened_by, remarks, ..rule.clone() });
        }
    }

    /// Adds a rule, or notes why it cannot be in a policy.
    pub(super) fn rule(&mut self, rule: DraftRule) {
        match written(&rule) {
            Ok(rules) if self.written + rules.len() <= MOST_RULES => {
                self.written += rules.len();
                let sides = rule.selector.sides.iter().flatten();
                self.names_me |= sides.clone().any(|party| *party == Party::Me);
                let mut comment = match rule.line {
                    Some(line) => format!("line {line}: {}", rule.name),
                    None => rule.name.clone(),
                };
                for remark in &rule.remarks {
                    comment.push_str("\nNOTE: ");
                    comment.push_str(remark);
                }
                self.rules.push(Ready { order: order(&rule), comment, rules });
                for remark in rule.remarks {
                    self.note(rule.line, format!("{}: {remark}", rule.name));
                }
            }
            Ok(_) => self.dropped += 1,
            Err(why) => self.lost(rule.line, &rule.name, rule.action, &why),
        }
    }

    /// Reports a rule that cannot be expressed in a policy.
    pub(super) fn lost(
        &mut self,
        line: Option<usize>,
        name: &str,
        action: Action,
        why: &RuleFault,
    ) {
        let but = match action {
            Action::Protect(_) => "",
            Action::Exempt => "; what it lets pass is judged by the other rules",
        };
        self.note(line, format!("{name}: not translated: {why}{but}"));
    }

    /// The policy's text and what has to be reported about it.
    pub(super) fn finish(mut self, format: SourceFormat) -> (String, Vec<ImportNote>) {
        if self.dropped > 0 {
            let text = format!("at least {} more rules or notes were left out", self.dropped);
            self.notes.push(ImportNote { line: None, text });
        }
        if self.rules.is_empty() {
            let text = "no rule could be translated: this policy requires no protection";
            self.notes.insert(0, ImportNote { line: None, text: text.to_owned() });
        }
        if self.names_me && self.me.is_empty() {
            let text = "the rules apply to the computer itself: name its addresses with --me, or put them into [hosts]; until then these rules match nothing";
            self.notes.insert(0, ImportNote { line: None, text: text.to_owned() });
        }
        // The sort is stable, so equal rules keep the source's order.
        self.rules.sort_by_key(|rule| Reverse(rule.order));
        let text = self.text(format);
        (text, self.notes)
    }

    fn text(&self, format: SourceFormat) -> String {
        let mut text = PolicyText::default();
        text.comment(&format!("Imported by plainsight from {}.", format.as_str()));
        text.comment(
            "Read it before you rely on it: the notes list what the source expresses differently.",
        );
        text.comment("The most specific rules come first, as the source applies them.");
        text.comment("A port is that of the server side, whichever of the two it is.");
        text.exemptions(self.exemptions);
        if self.names_me {
            text.gap();
            text.hosts();
            if self.me.is_empty() {
                text.comment("the computer that the export is from: put its addresses here");
            }
            text.host(ME, self.me);
        }
        for ready in &self.rules {
            text.gap();
            text.comment(&ready.comment);
            ready.rules.iter().for_each(|rule| text.rule(rule));
        }
        if !self.notes.is_empty() {
            text.gap();
            text.comment("NOTES");
        }
        for note in &self.notes {
            match note.line {
                Some(line) => text.comment(&format!("line {line}: {}", note.text)),
                None => text.comment(&note.text),
            }
        }
        text.finish()
    }
}

/// The equivalent rules of the policy.
fn written(rule: &DraftRule) -> Result<Vec<WrittenRule>, RuleFault> {
    let Selector { sides: [one, other], protocol, ports } = &rule.selector;
    let ports = served(*ports, *protocol)?;
    let rules = one.len().saturating_mul(other.len()).saturating_mul(ports.len());
    if rules > MOST_FOR_ONE {
        return Err(RuleFault::TooManyRules(rules));
    }
    if rules == 0 {
        return Err(RuleFault::NoHosts);
    }
    let mut all = Vec::with_capacity(rules);
    for (one, other) in one.iter().flat_map(|one| other.iter().map(move |other| (one, other))) {
        for port in &ports {
            all.push(WrittenRule {
                action: rule.action,
                between: [spelled(*one), spelled(*other)],
                protocol: *protocol,
                port: *port,
                opened_by: rule.opened_by,
            });
        }
    }
    Ok(all)
}

/// The ports that the serving side may have.
fn served(ports: [Ports; 2], protocol: Option<u8>) -> Result<Vec<Option<u16>>, RuleFault> {
    let (first, last) = match ports {
        [Ports::Any, Ports::Any] => return Ok(vec![None]),
        [Ports::Range(first, last), Ports::Any] | [Ports::Any, Ports::Range(first, last)] => {
            (first, last)
        }
        [Ports::Range(a, b), Ports::Range(c, d)] if (a, b) == (c, d) && a == b => (a, b),
        [Ports::Range(..), Ports::Range(..)] => {
            return Err(RuleFault::PortsOfBothSides);
        }
    };
    if !protocol.is_some_and(has_ports) {
        return Err(RuleFault::PortsWithoutProtocol);
    }
    if first > last || usize::from(last - first) >= MOST_PORTS {
        return Err(RuleFault::PortRange(first, last));
    }
    Ok((first..=last).map(Some).collect())
}

fn spelled(party: Party) -> String {
    match party {
        Party::Any => "any".to_owned(),
        Party::Me => ME.to_owned(),
        Party::Net(net) if net.prefix_len() == net.max_prefix_len() => net.addr().to_string(),
        Party::Net(net) => net.trunc().to_string(),
    }
}

/// The sort key: bypasses first, then specific addresses, protocols and ports; exemptions before rules that
/// protect the same traffic.
fn order(rule: &DraftRule) -> (bool, u32, bool, bool, bool) {
    let weight = |party: &Party| match party {
        Party::Any => 0,
        Party::Me => 128,
        Party::Net(net) if net.max_prefix_len() == 32 => u32::from(net.prefix_len()) + 96,
        Party::Net(net) => u32::from(net.prefix_len()),
    };
    let of_side = |side: &Vec<Party>| side.iter().map(weight).min().unwrap_or(0);
    let Selector { sides: [one, other], protocol, ports } = &rule.selector;
    let has_port = ports.iter().any(|ports| *ports != Ports::Any);
    let passes = rule.action == Action::Exempt;
    (rule.goes_first, of_side(one) + of_side(other), protocol.is_some(), has_port, passes)
}

/// The networks from one address to another.
pub(super) fn range(first: IpAddr, last: IpAddr) -> Option<Vec<Party>> {
    let subnets = match (first, last) {
        (IpAddr::V4(a), IpAddr::V4(b)) if a <= b => IpSubnets::V4(Ipv4Subnets::new(a, b, 0)),
        (IpAddr::V6(a), IpAddr::V6(b)) if a <= b => IpSubnets::V6(Ipv6Subnets::new(a, b, 0)),
        (IpAddr::V4(_) | IpAddr::V6(_), IpAddr::V4(_) | IpAddr::V6(_)) => return None,
    };
    Some(subnets.map(net).collect())
}

/// A network; all addresses of a family are written as a network, not as `any`.
pub(super) const fn net(net: IpNet) -> Party {
    Party::Net(net)
}

/// An address with an optional prefix length or mask, or a range: `10.0.0.1`, `10.0.0.0/24`,
/// `10.0.0.0/255.255.255.0`, `10.0.0.1-10.0.0.9`.
pub(super) fn addresses(text: &str) -> Option<Vec<Party>> {
    let text = text.trim();
    if let Some((first, last)) = text.split_once('-') {
        return range(first.trim().parse().ok()?, last.trim().parse().ok()?);
    }
    let (address, mask) = match text.split_once('/') {
        Some((address, mask)) => (address, Some(mask)),
        None => (text, None),
    };
    let address: IpAddr = address.trim().parse().ok()?;
    let Some(mask) = mask else { return Some(vec![net(IpNet::from(address))]) };
    let prefix = prefix_len(mask.trim())?;
    IpNet::new(address, prefix).ok().map(|whole| vec![net(whole.trunc())])
}

/// A prefix length, or a mask with all its ones in front.
pub(super) fn prefix_len(mask: &str) -> Option<u8> {
    match mask.parse::<Ipv4Addr>() {
        Ok(mask) => ipnet::ip_mask_to_prefix(mask.into()).ok(),
        Err(_) => mask.parse().ok(),
    }
}

/// The name in `[hosts]` of the computer that the export is from.
const ME: &str = "me";
const MOST_NOTES: usize = 2_000;
const MOST_RULES: usize = 20_000;
/// Rules of the policy that one rule of the source may become.
const MOST_FOR_ONE: usize = 256;
const MOST_PORTS: usize = 64;
