//! Scripts of `netsh ipsec static` and `dynamic`, typed or dumped.
//!
//! Applies the commands, then hands on the resulting rules. Tags may be omitted or abbreviated as netsh allows.
//! Keys and certificates are skipped.

mod action;
mod words;

use super::draft::{Draft, DraftRule, Party, Ports, Selector, addresses, prefix_len};
use super::names::named;
use super::rule_fault::RuleFault;
use crate::policy::protocols::protocol_numbered_or_named;
use crate::policy::write::harmless;
use crate::policy::{Action, DefaultExemptions, NoDefaultExempt, SideOf};
use action::{accepts_unanswered, demanded};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use words::{
    CONFIG, DYNAMIC_RULE, FILTER, FILTER_ACTION, NAMED, POLICY, RULE, Tags, is, name, starts, tags,
    words, yes,
};

/// What commands can add, set or delete.
pub(super) const OBJECTS: [&str; 10] = [
    "policy",
    "filterlist",
    "filter",
    "filteraction",
    "rule",
    "mmpolicy",
    "qmpolicy",
    "config",
    "store",
    "all",
];

pub(super) fn import_rules(text: &str, draft: &mut Draft<'_>) {
    // This context was introduced with Windows Server 2003.
    draft.exemptions = DefaultExemptions::Windows2003(NoDefaultExempt::AllButIke);
    let mut script = Script::default();
    let mut contexts = vec![Mode::Static];
    for (at, line) in text.lines().enumerate() {
        let words = words(line);
        let mut words = words.iter().map(String::as_str).peekable();
        if words.peek().is_some_and(|word| is(word, "popd")) {
            if contexts.len() > 1 {
                contexts.pop();
            }
            continue;
        }
        let pushes = words.next_if(|word| is(word, "pushd")).is_some();
        let is_netsh = words.next_if(|word| is(word, "netsh")).is_some();
        words.next_if(|word| is(word, "-c"));
        let is_ipsec = words.next_if(|word| is(word, "ipsec")).is_some();
        let mode = if words.next_if(|word| is(word, "dynamic")).is_some() {
            Some(Mode::Dynamic)
        } else {
            words.next_if(|word| is(word, "static")).map(|_| Mode::Static)
        };
        let inherited = contexts.last().copied().unwrap_or(Mode::Static);
        let current = mode.unwrap_or(inherited);
        let words: Vec<&str> = words.collect();
        if words.is_empty() {
            match (pushes, mode) {
                (true, _) if contexts.len() < MOST_CONTEXTS => contexts.push(current),
                (true, _) | (false, None) => {}
                (false, Some(mode)) => contexts.last_mut().into_iter().for_each(|c| *c = mode),
            }
            continue;
        }
        let is_ours = is_ipsec || mode.is_some() || contexts.len() > 1;
        script.command(&Command { line: at + 1, mode: current, is_ours, words: &words }, draft);
        if is_netsh && !is_ipsec && words.first().is_some_and(|word| is(word, "advfirewall")) {
            let why = "commands of netsh advfirewall are not read; import Get-NetIPsecRule instead";
            draft.note(Some(at + 1), why);
        }
    }
    script.finish(draft);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Static,
    Dynamic,
}

/// A line with at least one word behind its context.
struct Command<'a> {
    line: usize,
    mode: Mode,
    /// It can only be a command of netsh ipsec.
    is_ours: bool,
    words: &'a [&'a str],
}

/// The state after the commands so far. Names are in lower case, as Windows compares them.
#[derive(Default)]
struct Script {
    policies: BTreeMap<String, Option<bool>>,
    lists: BTreeMap<String, List>,
    actions: BTreeMap<String, Tags>,
    rules: Vec<Rule>,
    /// Rules deleted by policy and name: those that came before this index.
    gone: BTreeMap<(Option<String>, Option<String>), usize>,
    quick_modes: BTreeMap<String, Tags>,
    dynamic: Vec<(usize, Tags)>,
}

#[derive(Default)]
struct List {
    filters: Vec<(usize, Tags)>,
    /// Filters were deleted from it, so its content is unknown.
    is_doubtful: bool,
}

struct Rule {
    line: usize,
    tags: Tags,
}

impl Script {
    fn command(&mut self, command: &Command<'_>, draft: &mut Draft<'_>) {
        let (Some(verb), Some(object)) = (command.words.first(), command.words.get(1)) else {
            return;
        };
        let Some(object) = OBJECTS.into_iter().find(|name| is(object, name)) else {
            if command.is_ours && ["add", "set", "delete"].iter().any(|known| is(verb, known)) {
                let text = format!("`{} {}` is not known", harmless(verb), named(object));
                draft.note(Some(command.line), text);
            }
            return;
        };
        let given = command.words.get(2..).unwrap_or_default();
        let line = Some(command.line);
        match (command.mode, verb.to_ascii_lowercase().as_str(), object) {
            (Mode::Static, "add", "policy") | (Mode::Static, "set", "policy") => {
                let tags = tags(given, POLICY);
                let assigned = tags.get("assign").map(|v| yes(v));
                let known = self.policies.entry(name(&tags, "name")).or_default();
                *known = assigned.or(*known);
            }
            (Mode::Static, "add", "filterlist") => {
                self.lists.entry(name(&tags(given, NAMED), "name")).or_default();
            }
            (Mode::Static, "add", "filter") => {
                let tags = tags(given, FILTER);
                let list = self.lists.entry(name(&tags, "filterlist")).or_default();
                list.filters.push((command.line, tags));
            }
            (Mode::Static, "add" | "set", "filteraction") => {
                let tags = tags(given, FILTER_ACTION);
                let known = self.actions.entry(name(&tags, "name")).or_default();
                known.extend(tags);
            }
            (Mode::Static, "add", "rule") => {
                self.rules.push(Rule { line: command.line, tags: tags(given, RULE) });
            }
            (Mode::Static, "delete", _) => self.delete(object, given),
            (Mode::Dynamic, "add" | "set", "qmpolicy") => {
                let tags = tags(given, FILTER_ACTION);
                self.quick_modes.entry(name(&tags, "name")).or_default().extend(tags);
            }
            (Mode::Dynamic, "add", "rule") => {
                self.dynamic.push((command.line, tags(given, DYNAMIC_RULE)));
            }
            (Mode::Dynamic, "set", "config") => config(command.line, given, draft),
            (Mode::Dynamic, "delete", "all") => {
                self.dynamic.clear();
                self.quick_modes.clear();
            }
            (_, "add" | "set", "mmpolicy" | "store") | (Mode::Dynamic, "delete", "mmpolicy") => {}
            (_, verb @ ("set" | "delete" | "add"), _) => {
                let what = format!(
                    "`{verb} {object}` is not supported: what it changes keeps its previous value"
                );
                draft.note(line, what);
            }
            (_, _, _) => {}
        }
    }

    fn delete(&mut self, object: &str, given: &[&str]) {
        let tags = tags(given, RULE);
        let called = name(&tags, "name");
        match object {
            "all" => *self = Self { dynamic: std::mem::take(&mut self.dynamic), ..Self::default() },
            "policy" => {
                self.policies.remove(&called);
                self.gone.insert((Some(called), None), self.rules.len());
            }
            "rule" => {
                let of = tags.get("policy").map(|policy| policy.to_lowercase());
                self.gone.insert((of, Some(called)), self.rules.len());
            }
            "filteraction" => {
                self.actions.remove(&called);
            }
            "filterlist" => {
                self.lists.remove(&called);
            }
            "filter" => {
                let list = tags.get("filterlist").map(|l| l.to_lowercase()).unwrap_or_default();
                let known = self.lists.get_mut(&list);
                known.into_iter().for_each(|list| list.is_doubtful = true);
            }
            _ => {}
        }
    }

    fn finish(self, draft: &mut Draft<'_>) {
        let is_assigned = self.policies.values().any(|assigned| *assigned == Some(true));
        if !is_assigned && !self.rules.is_empty() {
            let text = "this script assigns no policy: nothing shows that its rules were in force";
            draft.note(None, text);
        }
        let one_way = self.one_way();
        for (at, rule) in self.rules.iter().enumerate() {
            if self.is_gone(at, &rule.tags) {
                continue;
            }
            let called = format!("rule {}", named(rule.tags.get("name").map_or("", |n| n)));
            let policy = self.policies.get(&name(&rule.tags, "policy")).copied().flatten();
            let line = Some(rule.line);
            if is_assigned && policy != Some(true) {
                draft.note(line, format!("{called}: left out, its policy is not assigned"));
            } else if rule.tags.get("activate").is_some_and(|value| !yes(value)) {
                draft.note(line, format!("{called}: left out, it is not activated"));
            } else {
                self.rule(rule, &called, &one_way, draft);
            }
        }
        for (line, tags) in &self.dynamic {
            self.dynamic_rule(*line, tags, draft);
        }
    }

    /// Whether a later command deleted the rule.
    fn is_gone(&self, at: usize, tags: &Tags) -> bool {
        let (policy, called) = (name(tags, "policy"), name(tags, "name"));
        let keys = [
            (Some(policy.clone()), Some(called.clone())),
            (None, Some(called)),
            (Some(policy), None),
        ];
        keys.iter().any(|key| self.gone.get(key).is_some_and(|before| at < *before))
    }

    fn rule(&self, rule: &Rule, called: &str, one_way: &BTreeSet<Selector>, draft: &mut Draft<'_>) {
        let (list, action) = (name(&rule.tags, "filterlist"), name(&rule.tags, "filteraction"));
        let line = Some(rule.line);
        let Some(tags) = self.actions.get(&action) else {
            let why = format!("its filter action {} is not in the script", named(&action));
            return draft.note(line, format!("{called}: not translated: {why}"));
        };
        let Some(list_of) = self.lists.get(&list) else {
            let why = format!("its filter list {} is not in the script", named(&list));
            return draft.note(line, format!("{called}: not translated: {why}"));
        };
        let Some((action, mut remarks)) = demanded(tags) else {
            let why = "it blocks its traffic, which a policy cannot express; other rules judge it";
            return draft.note(line, format!("{called}: not translated: {why}"));
        };
        if list_of.is_doubtful {
            let why = RuleFault::DeletedFilters(list);
            return draft.lost(line, called, action, &why);
        }
        if list_of.filters.is_empty() {
            let why = RuleFault::EmptyList(list);
            return draft.lost(line, called, action, &why);
        }
        let tunnel = rule.tags.get("tunnel").filter(|end| !matches!(end.as_str(), "" | "0.0.0.0"));
        if let Some(end) = tunnel {
            remarks.push(tunnel_remark(end));
        }
        if rule.tags.get("conntype").is_some_and(|value| !is(value, "all")) {
            remarks.push("the rule holds for one kind of network connection only".to_owned());
        }
        for (at, filter) in &list_of.filters {
            if draft.is_full() {
                return;
            }
            let of = format!("{called}, filter of {}", named(&list));
            match selector(filter) {
                Err(why) => draft.lost(Some(*at), &of, action, &why),
                Ok(selector) => {
                    let is_mirrored = filter.get("mirrored").is_none_or(|value| yes(value));
                    let mut remarks = remarks.clone();
                    if !is_mirrored && !one_way.contains(&reversed(&selector)) {
                        match action {
                            Action::Protect(_) => {
                                let why = RuleFault::OneDirection;
                                draft.lost(Some(*at), &of, action, &why);
                                continue;
                            }
                            Action::Exempt => remarks.push(
                                "it exempts one direction; the policy exempts both".to_owned(),
                            ),
                        }
                    }
                    push(*at, of, (action, accepts_unanswered(tags)), selector, remarks, draft);
                }
            }
        }
    }

    /// Protected traffic of filters that match one direction.
    fn one_way(&self) -> BTreeSet<Selector> {
        let protecting = self.rules.iter().enumerate().filter(|(at, rule)| {
            if self.is_gone(*at, &rule.tags) {
                return false;
            }
            let action = self.actions.get(&name(&rule.tags, "filteraction"));
            let demanded = action.and_then(demanded);
            demanded.is_some_and(|(action, _)| action != Action::Exempt)
        });
        let lists: BTreeSet<String> =
            protecting.map(|(_, rule)| name(&rule.tags, "filterlist")).collect();
        let filters = lists.iter().filter_map(|list| self.lists.get(list)).flat_map(|l| &l.filters);
        filters.filter_map(|(_, filter)| selector(filter).ok()).collect()
    }

    fn dynamic_rule(&self, line: usize, tags: &Tags, draft: &mut Draft<'_>) {
        let called = "dynamic rule".to_owned();
        let no_tags = Tags::new();
        let quick_mode = name(tags, "qmpolicy");
        let of_mode = self.quick_modes.get(&quick_mode).unwrap_or(&no_tags);
        let action_of = |tag| tags.get(tag).map_or("negotiate", |value| value.as_str());
        let (inbound, outbound) = (action_of("actioninbound"), action_of("actionoutbound"));
        let demanded = match (starts(inbound), starts(outbound)) {
            (Some('p'), Some('p')) => Some((Action::Exempt, Vec::new())),
            (Some('n'), Some('n')) => demanded(of_mode),
            (Some('p' | 'n'), Some('p' | 'n')) => Some((
                Action::Exempt,
                vec![format!(
                    "it negotiates one direction only and lets clear text pass in the other"
                )],
            )),
            (_, _) => None,
        };
        let Some((action, mut remarks)) = demanded else {
            let why = "it blocks its traffic, which a policy cannot express; other rules judge it";
            return draft.note(Some(line), format!("{called}: not translated: {why}"));
        };
        if let Some(end) = tags.get("tunneldstaddress") {
            remarks.push(tunnel_remark(end));
        }
        let is_mirrored = tags.get("mirrored").is_none_or(|value| yes(value));
        match selector(tags) {
            Ok(_) if !is_mirrored && action != Action::Exempt => {
                draft.lost(Some(line), &called, action, &RuleFault::OneDirection);
            }
            Ok(selector) => {
                let by_opener = accepts_unanswered(of_mode);
                push(line, called, (action, by_opener), selector, remarks, draft);
            }
            Err(why) => draft.lost(Some(line), &called, action, &why),
        }
    }
}

fn push(
    line: usize,
    name: String,
    (action, by_opener): (Action, bool),
    selector: Selector,
    remarks: Vec<String>,
    draft: &mut Draft<'_>,
) {
    let openers = match (action, by_opener) {
        (Action::Protect(_), true) => vec![Some(SideOf::First), Some(SideOf::Second)],
        (Action::Protect(_), false) | (Action::Exempt, _) => vec![None],
    };
    let demands = openers.into_iter().map(|opened_by| (action, opened_by));
    let opened_by = None;
    let rule = DraftRule {
        line: Some(line),
        name,
        action,
        goes_first: false,
        selector,
        opened_by,
        remarks,
    };
    draft.rule_for_each(rule, demands);
}

fn tunnel_remark(end: &str) -> String {
    format!("a tunnel that ends at {}: behind its ends, clear packets are not a leak", named(end))
}

/// `set config ipsecexempt value=0..3`, the registry's `NoDefaultExempt`.
fn config(line: usize, given: &[&str], draft: &mut Draft<'_>) {
    let tags = tags(given, CONFIG);
    if !tags.get("property").is_some_and(|property| is(property, "ipsecexempt")) {
        return;
    }
    let number = tags.get("value").and_then(|value| value.parse().ok());
    match number.and_then(NoDefaultExempt::numbered) {
        Some(value) => draft.exemptions = DefaultExemptions::Windows2003(value),
        None => draft.note(Some(line), "ipsecexempt has none of the values 0 to 3"),
    }
}

fn selector(tags: &Tags) -> Result<Selector, RuleFault> {
    let one = party(tags.get("srcaddr"), tags.get("srcmask"), "source")?;
    let other = party(tags.get("dstaddr"), tags.get("dstmask"), "destination")?;
    let protocol = match tags.get("protocol").map(String::as_str) {
        None | Some("0") => None,
        Some(name) if is(name, "any") => None,
        Some(name) if is(name, "raw") => Some(255),
        Some(name) => {
            let number = protocol_numbered_or_named(name);
            Some(number.ok_or_else(|| RuleFault::UnknownProtocol(name.to_owned()))?)
        }
    };
    let ports = [port(tags.get("srcport"))?, port(tags.get("dstport"))?];
    Ok(Selector { sides: [one, other], protocol, ports })
}

fn party(
    address: Option<&String>,
    mask: Option<&String>,
    side: &'static str,
) -> Result<Vec<Party>, RuleFault> {
    let Some(address) = address else { return Err(RuleFault::NoSide(side)) };
    if is(address, "any") {
        return Ok(vec![Party::Any]);
    }
    if is(address, "me") {
        return Ok(vec![Party::Me]);
    }
    let unknown = || RuleFault::SideNotAnAddress { side, text: address.clone() };
    let found = addresses(address).ok_or_else(unknown)?;
    match (found.as_slice(), mask) {
        ([Party::Net(host)], Some(mask)) => {
            let net = prefix_len(mask).and_then(|prefix| IpNet::new(host.addr(), prefix).ok());
            let net = net.ok_or_else(|| RuleFault::NotAMask { side, text: mask.clone() })?;
            let all = net.prefix_len() == 0;
            Ok(vec![if all { Party::Any } else { Party::Net(net.trunc()) }])
        }
        (_, _) => Ok(found),
    }
}

/// 0 means any port.
fn port(text: Option<&String>) -> Result<Ports, RuleFault> {
    match text.map(String::as_str) {
        None | Some("0") => Ok(Ports::Any),
        Some(name) if is(name, "any") => Ok(Ports::Any),
        Some(number) => {
            let number = number.parse().map_err(|_| RuleFault::NotAPort(number.to_owned()))?;
            Ok(Ports::Range(number, number))
        }
    }
}

fn reversed(selector: &Selector) -> Selector {
    let [one, other] = selector.sides.clone();
    let [source, destination] = selector.ports;
    Selector { sides: [other, one], ports: [destination, source], protocol: selector.protocol }
}

/// The deepest nesting of `pushd`.
const MOST_CONTEXTS: usize = 64;
