//! A policy as the text of its file, with comments, so that a person can read and edit it.
//!
//! [`parse`](super::parse) accepts what it writes; no text from elsewhere can break out of its comment or
//! string.

use super::{Action, DefaultExemptions, Level, SideOf};
use std::fmt::Write as _;
use std::net::IpAddr;

/// The text of a policy file as it is written from top to bottom.
#[derive(Clone, Debug, Default)]
pub struct PolicyText {
    text: String,
}

/// One rule to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenRule {
    /// Its action.
    pub action: Action,
    /// The two sides: `any`, an address, a network or a name of `[hosts]`.
    pub between: [String; 2],
    /// The IP protocol; `None` for all.
    pub protocol: Option<u8>,
    /// The port; `None` for all.
    pub port: Option<u16>,
    /// Who opens the connections that it matches; `None` for all.
    pub opened_by: Option<SideOf>,
}

impl PolicyText {
    /// Adds a comment, a line of the file for each line of the text.
    pub fn comment(&mut self, text: &str) {
        for line in text.split('\n') {
            let line = harmless(line);
            self.text.push_str(if line.is_empty() { "#" } else { "# " });
            self.text.push_str(&line);
            self.text.push('\n');
        }
    }

    /// Adds an empty line.
    pub fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Adds the system's default exemptions; they have to precede hosts and rules.
    pub fn exemptions(&mut self, exemptions: DefaultExemptions) {
        // Writing to a String does not fail.
        let _ = writeln!(self.text, "default_exemptions = {}", quoted(exemptions.as_str()));
        if let Some(value) = exemptions.no_default_exempt() {
            let _ = writeln!(self.text, "no_default_exempt = {}", value.number());
        }
    }

    /// Begins the names of hosts; each name may occur once.
    pub fn hosts(&mut self) {
        self.text.push_str("[hosts]\n");
    }

    /// Adds a name and its addresses.
    pub fn host(&mut self, name: &str, addresses: &[IpAddr]) {
        let addresses: Vec<String> = addresses.iter().map(|a| quoted(&a.to_string())).collect();
        let _ = writeln!(self.text, "{} = [{}]", quoted(name), addresses.join(", "));
    }

    /// Adds a rule.
    pub fn rule(&mut self, rule: &WrittenRule) {
        self.text.push_str(&rule_text(rule));
    }

    /// Adds a rule as a comment, for a person to activate.
    pub fn rule_left_out(&mut self, rule: &WrittenRule) {
        self.comment(rule_text(rule).trim_end());
    }

    /// The whole text.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }
}

fn rule_text(rule: &WrittenRule) -> String {
    let mut text = String::new();
    let [one, other] = &rule.between;
    let (section, level) = match rule.action {
        Action::Protect(Level::Encrypt) => ("protect", Some("encrypt")),
        Action::Protect(Level::Authenticate) => ("protect", Some("authenticate")),
        Action::Exempt => ("exempt", None),
    };
    let _ = writeln!(text, "[[{section}]]\nbetween = [{}, {}]", quoted(one), quoted(other));
    if let Some(level) = level {
        let _ = writeln!(text, "level = {}", quoted(level));
    }
    match rule.protocol {
        Some(6) => text.push_str("protocol = \"tcp\"\n"),
        Some(17) => text.push_str("protocol = \"udp\"\n"),
        Some(number) => {
            let _ = writeln!(text, "protocol = {number}");
        }
        None => {}
    }
    if let Some(port) = rule.port {
        let _ = writeln!(text, "port = {port}");
    }
    let opener = rule.opened_by.map(|side| match side {
        SideOf::First => one,
        SideOf::Second => other,
    });
    if let Some(opener) = opener {
        let _ = writeln!(text, "opened_by = {}", quoted(opener));
    }
    text
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if is_plain(c) => quoted.push(c),
            c => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(c));
            }
        }
    }
    quoted.push('"');
    quoted
}

/// Text that stays in its line and has no effect on the text around it.
pub(super) fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_plain(c) {
            safe.push(c);
        } else {
            safe.extend(c.escape_unicode());
        }
    }
    safe
}

fn is_plain(c: char) -> bool {
    c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::super::{NoDefaultExempt, parse};
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let mut text = PolicyText::default();
        text.comment("two\nlines\u{1b}[2J");
        text.exemptions(DefaultExemptions::Windows2003(NoDefaultExempt::Groups));
        text.hosts();
        text.host("a \"b\"\u{202e}\\", &["10.0.0.1".parse().unwrap()]);
        let rule = WrittenRule {
            action: Action::Protect(Level::Authenticate),
            between: ["a \"b\"\u{202e}\\".to_owned(), "any".to_owned()],
            protocol: Some(6),
            port: Some(445),
            opened_by: Some(SideOf::Second),
        };
        text.rule(&rule);
        text.rule_left_out(&rule);
        let text = text.finish();
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
        let policy = parse(&text).unwrap();
        assert_eq!(policy.rules.len(), 1);
        assert_eq!((policy.rules[0].protocol, policy.rules[0].port), (Some(6), Some(445)));
        assert_eq!(policy.rules[0].opened_by, Some(SideOf::Second));
        assert_eq!(policy.exemptions, DefaultExemptions::Windows2003(NoDefaultExempt::Groups));
    }

    proptest::proptest! {
        #[test]
        fn no_name_and_no_comment_breaks_out(name: String, comment: String) {
            let mut text = PolicyText::default();
            text.comment(&comment);
            text.hosts();
            text.host(&name, &[]);
            let policy = parse(&text.finish()).unwrap();
            proptest::prop_assert_eq!(&policy.hosts[0].0, &name);
        }
    }
}
