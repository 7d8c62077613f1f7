//! `Get-NetIPsecRule | ConvertTo-Json`: connection security rules of Windows Vista and later.
//!
//! Values may be words or the numbers of MSFT_NetConSecRule, as PowerShell prints them. Addresses are not part
//! of the rule itself; docs/policy.md has the command that adds them.

use super::ImportError;
use super::draft::{Draft, DraftRule, Party, Ports, Selector, addresses};
use super::names::named;
use super::rule_fault::RuleFault;
use crate::policy::protocols::protocol_numbered_or_named;
use crate::policy::{Action, DefaultExemptions, Level, SideOf};
use serde_json::{Map, Value};

pub(super) fn import_rules(text: &str, draft: &mut Draft<'_>) -> Result<(), ImportError> {
    let json: Value = serde_json::from_str(text)
        .map_err(|error| ImportError::Json { line: error.line(), column: error.column() })?;
    draft.exemptions = DefaultExemptions::WindowsVista;
    match &json {
        Value::Array(rules) => rules.iter().for_each(|rule| one(rule, draft)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            one(&json, draft);
        }
    }
    Ok(())
}

fn one(json: &Value, draft: &mut Draft<'_>) {
    let Value::Object(object) = json else {
        return draft.note(None, "an entry is not a rule");
    };
    let title = ["DisplayName", "ElementName", "Name", "IPsecRuleName", "InstanceID"]
        .iter()
        .find_map(|key| words(object, key).into_iter().next());
    let name = format!("rule {}", named(title.as_deref().unwrap_or_default()));
    let inbound = security(object, "InboundSecurity");
    let outbound = security(object, "OutboundSecurity");
    let (Some(inbound), Some(outbound)) = (inbound, outbound) else {
        let why = "its InboundSecurity or OutboundSecurity is not known";
        return draft.note(None, format!("{name}: not translated: {why}"));
    };
    if matches!(word(object, "Enabled").as_deref(), Some("false" | "2" | "disabled")) {
        return draft.note(None, format!("{name}: left out, it is disabled"));
    }
    let (demands, mut remarks) = demanded(inbound, outbound);
    if matches!(word(object, "Mode").as_deref(), Some("tunnel" | "2")) {
        remarks.push("a tunnel: behind its ends, clear packets are not a leak".to_owned());
    }
    if !matches!(word(object, "Profile").as_deref(), None | Some("any" | "0")) {
        remarks.push("the rule holds in some network profiles only".to_owned());
    }
    match selector(object) {
        Ok(selector) => {
            let rule = DraftRule {
                line: None,
                name,
                action: Action::Exempt,
                goes_first: false,
                selector,
                opened_by: None,
                remarks,
            };
            draft.rule_for_each(rule, demands);
        }
        Err(why) => {
            let protects = demands.iter().find(|(action, _)| *action != Action::Exempt);
            let action = protects.map_or(Action::Exempt, |(action, _)| *action);
            draft.lost(None, &name, action, &why);
        }
    }
}

/// What a rule requires, and for connections opened by which side.
type Demand = (Action, Option<SideOf>);

/// How much IPsec one direction requires (MSFT_NetConSecRule).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    Never,
    Request,
    Require,
}

fn security(object: &Map<String, Value>, key: &str) -> Option<Security> {
    match word(object, key)?.as_str() {
        "none" | "never" | "0" => Some(Security::Never),
        "request" | "1" => Some(Security::Request),
        "require" | "2" => Some(Security::Require),
        _ => None,
    }
}

/// The local side comes first. What comes in was opened by the remote side, what goes out by the local one.
fn demanded(inbound: Security, outbound: Security) -> (Vec<Demand>, Vec<String>) {
    const METHODS: &str = "the export does not say whether its methods encrypt, so `authenticate` is enough; make it level = \"encrypt\" where they do";
    let protect = Action::Protect(Level::Authenticate);
    let (required, open) = match (inbound, outbound) {
        (Security::Require, Security::Require) => {
            return (vec![(protect, None)], vec![METHODS.to_owned()]);
        }
        (Security::Never, Security::Never) => return (vec![(Action::Exempt, None)], Vec::new()),
        (Security::Never | Security::Request, Security::Never | Security::Request) => {
            let remark = "it requests IPsec but requires it in no direction, so no protection is required; make it [[protect]] to see what passed in clear";
            return (vec![(Action::Exempt, None)], vec![remark.to_owned()]);
        }
        (Security::Require, Security::Never | Security::Request) => (SideOf::Second, SideOf::First),
        (Security::Never | Security::Request, Security::Require) => (SideOf::First, SideOf::Second),
    };
    let remark = "it requires IPsec for connections that one side opens; those of the other side may fall back";
    let demands = vec![(protect, Some(required)), (Action::Exempt, Some(open))];
    (demands, vec![METHODS.to_owned(), remark.to_owned()])
}

fn selector(object: &Map<String, Value>) -> Result<Selector, RuleFault> {
    let (local, remote) = (words(object, "LocalAddress"), words(object, "RemoteAddress"));
    if local.is_empty() || remote.is_empty() {
        return Err(RuleFault::NoAddresses);
    }
    // A rule without a local address is about the computer that has it.
    let sides = [parties(&local, Party::Me)?, parties(&remote, Party::Any)?];
    let protocol = match word(object, "Protocol").as_deref() {
        None | Some("any" | "") => None,
        Some("icmpv4") => Some(1),
        Some(name) => {
            let number = protocol_numbered_or_named(name);
            Some(number.ok_or_else(|| RuleFault::UnknownProtocol(name.to_owned()))?)
        }
    };
    let ports = [ports(&words(object, "LocalPort"))?, ports(&words(object, "RemotePort"))?];
    Ok(Selector { sides, protocol, ports })
}

fn parties(texts: &[String], any: Party) -> Result<Vec<Party>, RuleFault> {
    let mut parties = Vec::new();
    for text in texts {
        if text.eq_ignore_ascii_case("any") {
            return Ok(vec![any]);
        }
        let found = addresses(text).ok_or_else(|| RuleFault::NameAsAddress(text.clone()))?;
        parties.extend(found);
    }
    Ok(parties)
}

fn ports(texts: &[String]) -> Result<Ports, RuleFault> {
    match texts {
        [] => Ok(Ports::Any),
        [one] if one.eq_ignore_ascii_case("any") => Ok(Ports::Any),
        [one] => {
            let (first, last) = one.split_once('-').unwrap_or((one, one));
            match (first.trim().parse(), last.trim().parse()) {
                (Ok(first), Ok(last)) => Ok(Ports::Range(first, last)),
                (Ok(_) | Err(_), _) => Err(RuleFault::NotAPort(one.clone())),
            }
        }
        [_, ..] => Err(RuleFault::PortList),
    }
}

/// A value as one word in lower case.
fn word(object: &Map<String, Value>, key: &str) -> Option<String> {
    words(object, key).into_iter().next().map(|word| word.to_lowercase())
}

/// The values of a key of the rule or of an object inside it, such as its address filter.
fn words(object: &Map<String, Value>, key: &str) -> Vec<String> {
    let inside = || object.values().find_map(|v| v.as_object().and_then(|inner| inner.get(key)));
    let Some(value) = object.get(key).or_else(inside) else { return Vec::new() };
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        // PowerShell 7 may print an enumeration as its value and its name.
        Value::Object(inner) => {
            inner.get("Value").or(inner.get("value")).and_then(Value::as_str).map(str::to_owned)
        }
        Value::Null | Value::Array(_) => None,
    };
    match value {
        Value::Array(values) => values.iter().filter_map(text).collect(),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Object(_) | Value::Null => {
            text(value).into_iter().collect()
        }
    }
}
