//! Parses policy.toml to a [`Policy`]; every error gives its position, what was found and what was expected.

use super::protocols::{has_ports, protocol_named};
use super::{
    Action, DefaultExemptions, ExpectationSource, Level, NamedHost, NoDefaultExempt, Policy, Rule,
    Side, SideOf,
};
use ipnet::IpNet;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use toml::Spanned;

/// What is wrong with a policy, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct PolicyError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What was found and what was expected.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// Reads a policy file's text.
///
/// ```
/// let text = "[[protect]]\nbetween = [\"10.0.0.1\", \"10.0.0.2\"]\n";
/// assert_eq!(plainsight::policy::parse(text).map(|policy| policy.rules.len()).ok(), Some(1));
/// let error = plainsight::policy::parse("[[guard]]\n").unwrap_err();
/// assert_eq!(error.line, 1);
/// ```
///
/// # Errors
/// The first thing in it that cannot be understood.
pub fn parse(text: &str) -> Result<Policy, PolicyError> {
    let file: File = toml::from_str(text).map_err(|error| PolicyError {
        hint: "the sections are [hosts], [[protect]] and [[exempt]]; see docs/policy.md".to_owned(),
        ..at(text, error.span().unwrap_or_default(), error.message().trim_end().to_owned())
    })?;
    let exemptions = exemptions_of(&file).map_err(|fault| fault.within(text))?;
    let hosts: Vec<NamedHost> = file
        .hosts
        .iter()
        .map(|(name, addresses)| Ok((name.clone(), addresses_of(addresses)?)))
        .collect::<Result<_, Fault>>()
        .map_err(|fault| fault.within(text))?;
    let protect = file.protect.iter().map(|rule| (rule, true));
    let exempt = file.exempt.iter().map(|rule| (rule, false));
    let mut written: Vec<_> = protect.chain(exempt).collect();
    // TOML collects the two kinds separately; the rules have the order of the file.
    written.sort_by_key(|(rule, _)| rule.span().start);
    let lines: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let rules = written
        .into_iter()
        .map(|(rule, protects)| {
            let line = lines.partition_point(|end| *end < rule.span().start) + 1;
            rule_of(rule, protects, &hosts, line)
        })
        .collect::<Result<_, Fault>>()
        .map_err(|fault| fault.within(text))?;
    Ok(Policy { exemptions, hosts, rules, from_file: true, ..Policy::default() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    default_exemptions: Option<Spanned<String>>,
    no_default_exempt: Option<Spanned<i64>>,
    #[serde(default)]
    hosts: BTreeMap<String, Vec<Spanned<String>>>,
    #[serde(default)]
    protect: Vec<Spanned<WrittenRule>>,
    #[serde(default)]
    exempt: Vec<Spanned<WrittenRule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    between: Spanned<Vec<Spanned<String>>>,
    level: Option<Spanned<String>>,
    protocol: Option<Spanned<Protocol>>,
    port: Option<Spanned<i64>>,
    opened_by: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Protocol {
    Name(String),
    Number(i64),
}

/// An error whose position is still a span.
struct Fault {
    span: Range<usize>,
    message: String,
    hint: &'static str,
}

impl Fault {
    fn new(span: Range<usize>, message: String, hint: &'static str) -> Self {
        Self { span, message, hint }
    }

    fn within(self, text: &str) -> PolicyError {
        PolicyError { hint: self.hint.to_owned(), ..at(text, self.span, self.message) }
    }
}

fn rule_of(
    rule: &Spanned<WrittenRule>,
    protects: bool,
    hosts: &[NamedHost],
    line: usize,
) -> Result<Rule, Fault> {
    let written = rule.get_ref();
    let [one, other] = written.between.get_ref().as_slice() else {
        let message =
            format!("`between` has {} sides, expected 2", written.between.get_ref().len());
        let hint = "write between = [\"10.0.0.0/24\", \"10.0.1.5\"]";
        return Err(Fault::new(written.between.span(), message, hint));
    };
    let protocol = written.protocol.as_ref().map(protocol_of).transpose()?;
    let port = written.port.as_ref().map(|port| port_of(port, protocol)).transpose()?;
    let action = match (&written.level, protects) {
        (level, true) => Action::Protect(level_of(level.as_ref())?),
        (None, false) => Action::Exempt,
        (Some(level), false) => {
            let message = "`level` is not allowed in an [[exempt]] rule".to_owned();
            return Err(Fault::new(level.span(), message, "only [[protect]] rules have a level"));
        }
    };
    let source = ExpectationSource::PolicyFile { line };
    let opened_by = written.opened_by.as_ref().map(|by| opener(by, [one, other])).transpose()?;
    let between = [side(one, hosts)?, side(other, hosts)?];
    Ok(Rule { action, between, protocol, port, opened_by, source })
}

fn opener(written: &Spanned<String>, between: [&Spanned<String>; 2]) -> Result<SideOf, Fault> {
    let [one, other] = between.map(Spanned::get_ref);
    match written.get_ref() {
        text if text == one => Ok(SideOf::First),
        text if text == other => Ok(SideOf::Second),
        text => {
            let message = format!("found \"{text}\", expected a side of `between`");
            Err(Fault::new(written.span(), message, "repeat one of the two exactly"))
        }
    }
}

fn side(written: &Spanned<String>, hosts: &[NamedHost]) -> Result<Side, Fault> {
    let text = written.get_ref();
    if text == "any" {
        return Ok(Side::Any);
    }
    if let Some((_, addresses)) = hosts.iter().find(|(name, _)| name == text) {
        return Ok(Side::Nets(addresses.iter().map(|a| IpNet::from(*a)).collect()));
    }
    let net = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    net.map(|net| Side::Nets(vec![net])).ok_or_else(|| {
        let message = format!(
            "found \"{text}\", expected \"any\", an address, a network or a name from [hosts]"
        );
        Fault::new(written.span(), message, "a network is written as 10.0.0.0/24 or fd00::/64")
    })
}

fn addresses_of(written: &[Spanned<String>]) -> Result<Vec<IpAddr>, Fault> {
    let parse = |text: &Spanned<String>| {
        text.get_ref().parse().map_err(|_| {
            let message = format!("found \"{}\", expected an address", text.get_ref());
            Fault::new(text.span(), message, "a host has addresses, not networks or names")
        })
    };
    written.iter().map(parse).collect()
}

fn exemptions_of(file: &File) -> Result<DefaultExemptions, Fault> {
    let system = match &file.default_exemptions {
        None => DefaultExemptions::None,
        Some(name) => exemptions_named(name)?,
    };
    let Some(written) = &file.no_default_exempt else { return Ok(system) };
    let value = NoDefaultExempt::numbered(*written.get_ref());
    value.and_then(|value| system.with(value)).ok_or_else(|| {
        let (number, system) = (written.get_ref(), system.as_str());
        let message = format!("found {number}, expected a value that {system} accepts");
        let hint = "windows-2000 accepts 0 and 1, windows-2003 accepts 0 to 3, the others none";
        Fault::new(written.span(), message, hint)
    })
}

fn exemptions_named(name: &Spanned<String>) -> Result<DefaultExemptions, Fault> {
    let known = DefaultExemptions::ALL.into_iter().find(|e| e.as_str() == name.get_ref());
    known.ok_or_else(|| {
        let message = format!("found \"{}\", expected a system", name.get_ref());
        Fault::new(name.span(), message, "one of none, windows-2000, windows-2003, windows-vista")
    })
}

fn level_of(written: Option<&Spanned<String>>) -> Result<Level, Fault> {
    match written.map(|level| (level.get_ref().as_str(), level.span())) {
        None | Some(("encrypt", _)) => Ok(Level::Encrypt),
        Some(("authenticate", _)) => Ok(Level::Authenticate),
        Some((other, span)) => {
            let message = format!("found \"{other}\", expected a level");
            Err(Fault::new(span, message, "one of encrypt, authenticate"))
        }
    }
}

fn protocol_of(written: &Spanned<Protocol>) -> Result<u8, Fault> {
    let found = match written.get_ref() {
        Protocol::Number(number) => u8::try_from(*number).map_err(|_| number.to_string()),
        Protocol::Name(name) => protocol_named(name).ok_or_else(|| format!("\"{name}\"")),
    };
    found.map_err(|found| {
        let message = format!("found {found}, expected a protocol");
        Fault::new(
            written.span(),
            message,
            "a number from 0 to 255 or one of tcp, udp, icmp, icmpv6, igmp, gre, sctp, rsvp, esp, ah",
        )
    })
}

fn port_of(written: &Spanned<i64>, protocol: Option<u8>) -> Result<u16, Fault> {
    if !protocol.is_some_and(has_ports) {
        let message = "`port` is given without a protocol that has ports".to_owned();
        return Err(Fault::new(written.span(), message, "add protocol = \"tcp\" or \"udp\""));
    }
    u16::try_from(*written.get_ref()).map_err(|_| {
        let message = format!("found {}, expected a port", written.get_ref());
        Fault::new(written.span(), message, "a number from 0 to 65535")
    })
}

fn at(text: &str, span: Range<usize>, message: String) -> PolicyError {
    let (line, column) = place(text, span.start);
    PolicyError { line, column, message, hint: String::new() }
}

/// Line and column, from 1, of a byte of the text.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    (line, before.get(line_start..).unwrap_or_default().chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_line_and_what_was_expected() {
        let cases = [
            (
                "[[protect]]\nbetween = [\"10.0.0.0/33\", \"any\"]\n",
                2,
                "expected \"any\", an address",
            ),
            ("[[protect]]\nbetween = [\"any\"]\n", 2, "1 sides, expected 2"),
            ("[[protect]]\nbetween = [\"any\", \"any\"]\nport = 5\n", 3, "without a protocol"),
            (
                "[[protect]]\nbetween = [\"any\", \"any\"]\nlevel = \"strong\"\n",
                3,
                "expected a level",
            ),
            (
                "[[exempt]]\nbetween = [\"any\", \"any\"]\nprotocol = 300\n",
                3,
                "expected a protocol",
            ),
            ("\n\ncolour = 1\n", 3, "unknown field"),
            ("default_exemptions = \"xp\"\n", 1, "expected a system"),
            ("no_default_exempt = 1\n", 1, "expected a value that none accepts"),
            (
                "default_exemptions = \"windows-2000\"\nno_default_exempt = 3\n",
                2,
                "a value that windows-2000 accepts",
            ),
            (
                "[[protect]]\nbetween = [\"10.0.0.1\", \"any\"]\nopened_by = \"10.0.0.2\"\n",
                3,
                "expected a side",
            ),
            ("[[protect]\n", 1, ""),
        ];
        for (text, line, part) in cases {
            let error = parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(error.message.contains(part), "{text}: {error}");
            assert!(!error.hint.is_empty());
        }
    }

    #[test]
    fn hosts_stand_for_their_addresses() {
        let policy = parse(
            "[hosts]\nFS = [\"10.0.0.5\", \"fd00::5\"]\n[[protect]]\nbetween = [\"FS\", \"any\"]\n",
        )
        .unwrap();
        assert_eq!(
            policy.hosts,
            [("FS".to_owned(), vec!["10.0.0.5".parse().unwrap(), "fd00::5".parse().unwrap()])]
        );
        assert!(matches!(&policy.rules[0].between[0], Side::Nets(nets) if nets.len() == 2));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = parse(&text);
        }
    }
}
