//! swanctl.conf of strongSwan: connections and their children.
//!
//! Reads nested sections without recursion; does not read included files, but names them.

use super::draft::Draft;
use super::names::named;
use super::strongswan::{Connection, End, Host, Kind, level, push};
use std::collections::BTreeMap;

pub(super) fn import_rules(text: &str, draft: &mut Draft<'_>) {
    let tree = Tree::parse(text, draft);
    let Some(connections) = tree.child(ROOT, "connections") else { return };
    for connection in tree.children(connections) {
        let children = tree.through(connection, |at| tree.child(at, "children"));
        let Some(children) = children else {
            let name = format!("connection {}", named(tree.name(connection)));
            draft.note(tree.line(connection), format!("{name}: left out, it has no children"));
            continue;
        };
        for child in tree.children(children) {
            one(&tree, connection, child, draft);
        }
    }
}

fn one(tree: &Tree, connection: usize, child: usize, draft: &mut Draft<'_>) {
    let name = format!("child {} of {}", named(tree.name(child)), named(tree.name(connection)));
    let kind = match tree.value(child, "mode").unwrap_or("tunnel") {
        "tunnel" => Kind::Tunnel,
        "transport" | "transport_proxy" | "beet" => Kind::Transport,
        "pass" => Kind::Pass,
        "drop" => Kind::Drop,
        other => {
            let text = format!("{name}: not translated: its mode {} is not known", named(other));
            return draft.note(tree.line(child), text);
        }
    };
    let start = tree.value(child, "start_action").unwrap_or("none");
    let traps = start.split(['|', ',']).any(|action| action.trim() == "trap");
    let mut remarks = Vec::new();
    if !traps && matches!(kind, Kind::Tunnel | Kind::Transport) {
        let text = "until the connection is established, nothing blocks clear text";
        remarks.push(format!("start_action={}: {text}", named(start)));
    }
    let end = |address, selectors, any| End {
        host: Host::parse(tree.value(connection, address).unwrap_or_default(), any),
        selectors: list(tree.value(child, selectors).unwrap_or_default()),
        protoport: None,
    };
    let ends =
        [end("local_addrs", "local_ts", Host::Me), end("remote_addrs", "remote_ts", Host::AnyPeer)];
    let level = level(tree.value(child, "esp_proposals"), tree.value(child, "ah_proposals"));
    let line = tree.line(child).unwrap_or_default();
    push(Connection { line, name, kind, level, traps, ends, remarks, lets_pass: None }, draft);
}

/// Traffic selectors; `dynamic` alone is the host itself.
fn list(text: &str) -> Vec<String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let parts: Vec<String> = parts.map(str::to_owned).collect();
    if parts.iter().all(|part| part == "dynamic") { Vec::new() } else { parts }
}

/// The sections of the file; the first is the file itself.
struct Tree {
    sections: Vec<Section>,
}

#[derive(Default)]
struct Section {
    line: usize,
    name: String,
    values: BTreeMap<String, String>,
    children: BTreeMap<String, usize>,
    /// Sections that it inherits from: `name : other, another {`.
    others: Vec<String>,
}

impl Tree {
    fn parse(text: &str, draft: &mut Draft<'_>) -> Self {
        let mut tree = Self { sections: vec![Section::default()] };
        let mut path = vec![ROOT];
        let mut too_deep = 0_usize;
        for (line, token) in Tokens::new(text) {
            let at = path.last().copied().unwrap_or(ROOT);
            match token {
                Token::Open(_) if too_deep > 0 || path.len() >= DEEPEST => {
                    if too_deep == 0 {
                        draft.note(Some(line), "sections nested this deeply are not read");
                    }
                    too_deep += 1;
                }
                Token::Open(head) => {
                    let at = tree.open(at, line, head);
                    let others = tree.sections.get_mut(at).map(|section| &mut section.others);
                    if let Some(others) = others.filter(|others| others.len() > MOST_OTHERS) {
                        others.truncate(MOST_OTHERS);
                        draft.note(Some(line), "it takes values from too many sections");
                    }
                    path.push(at);
                }
                Token::Close if too_deep > 0 => too_deep -= 1,
                Token::Close if path.len() > 1 => {
                    path.pop();
                }
                Token::Close => draft.note(Some(line), "a `}` without its `{`"),
                Token::Value(..) if too_deep > 0 => {}
                Token::Value(key, value) => {
                    if let Some(section) = tree.sections.get_mut(at) {
                        section.values.insert(key.to_owned(), value.to_owned());
                    }
                }
                Token::Include(file) => {
                    let text = format!("the file {} is not read: import it too", named(file));
                    draft.note(Some(line), text);
                }
                Token::Other(word) => {
                    draft.note(Some(line), format!("{} is not recognized", named(word)));
                }
            }
        }
        if path.len() > 1 {
            draft.note(None, "the file ends inside a section");
        }
        tree
    }

    /// A section below another; sections with the same name are merged.
    fn open(&mut self, parent: usize, line: usize, head: &str) -> usize {
        let (name, others) = head.split_once(':').unwrap_or((head, ""));
        let name = name.trim().to_owned();
        let new = self.sections.len();
        let known = self.sections.get(parent).and_then(|parent| parent.children.get(&name));
        let at = known.copied().unwrap_or(new);
        if at == new {
            self.sections.push(Section { line, name: name.clone(), ..Section::default() });
            if let Some(parent) = self.sections.get_mut(parent) {
                parent.children.insert(name, new);
            }
        }
        let others = others.split(',').map(|other| other.trim().to_owned());
        if let Some(section) = self.sections.get_mut(at) {
            section.others.extend(others.filter(|other| !other.is_empty()));
        }
        at
    }

    fn child(&self, at: usize, name: &str) -> Option<usize> {
        self.sections.get(at)?.children.get(name).copied()
    }

    /// The sections below, in the file's order.
    fn children(&self, at: usize) -> Vec<usize> {
        let section = self.sections.get(at);
        let mut all: Vec<usize> =
            section.into_iter().flat_map(|section| section.children.values().copied()).collect();
        all.sort_unstable();
        all
    }

    fn value(&self, at: usize, key: &str) -> Option<&str> {
        self.through(at, |at| self.sections.get(at)?.values.get(key)).map(String::as_str)
    }

    /// Searches a section, then those that it inherits from, up to a bound.
    fn through<T>(&self, at: usize, ask: impl Fn(usize) -> Option<T>) -> Option<T> {
        let mut asked = vec![at];
        let mut next = 0;
        while let Some(at) = asked.get(next).copied() {
            if let Some(found) = ask(at) {
                return Some(found);
            }
            next += 1;
            let others = self.sections.get(at).map_or(&[][..], |section| &section.others);
            for other in others {
                let other = other.split('.').try_fold(ROOT, |at, name| self.child(at, name));
                if let Some(other) = other
                    && asked.len() < MOST_OTHERS
                    && !asked.contains(&other)
                {
                    asked.push(other);
                }
            }
        }
        None
    }

    fn name(&self, at: usize) -> &str {
        self.sections.get(at).map_or("", |section| &section.name)
    }

    fn line(&self, at: usize) -> Option<usize> {
        self.sections.get(at).map(|section| section.line)
    }
}

enum Token<'a> {
    /// The text before a `{`.
    Open(&'a str),
    Close,
    Value(&'a str, &'a str),
    Include(&'a str),
    Other(&'a str),
}

/// The statements of the file with their lines.
struct Tokens<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text, line: 1 }
    }

    /// Takes this many bytes; the count ends at a character.
    fn take(&mut self, count: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, ""));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn skip(&mut self) {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.take(blank);
            if !self.rest.starts_with('#') {
                return;
            }
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
    }

    /// A value up to the end of its line, a comment or a brace; in quotes it continues over lines.
    fn value(&mut self) -> &'a str {
        let blank = self.rest.len() - self.rest.trim_start_matches([' ', '\t']).len();
        self.take(blank);
        if self.rest.starts_with('"') {
            self.take(1);
            let value = self.take(self.rest.find('"').unwrap_or(self.rest.len()));
            self.take(1);
            return value;
        }
        self.take(self.rest.find(['\n', '#', '{', '}']).unwrap_or(self.rest.len())).trim()
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (usize, Token<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.skip();
        let line = self.line;
        if self.rest.is_empty() {
            return None;
        }
        if self.rest.starts_with('}') {
            self.take(1);
            return Some((line, Token::Close));
        }
        let included = self.rest.strip_prefix("include");
        if included.is_some_and(|file| file.starts_with([' ', '\t'])) {
            self.take("include".len());
            return Some((line, Token::Include(self.value())));
        }
        let end = self.rest.find(['{', '}', '=', '\n', '#']).unwrap_or(self.rest.len());
        let head = self.take(end).trim();
        let token = match self.rest.chars().next() {
            Some('{') => {
                self.take(1);
                Token::Open(head)
            }
            Some('=') => {
                self.take(1);
                Token::Value(head, self.value())
            }
            // The brace may be in the next line.
            _ if self.after_blanks() == Some('{') => {
                self.skip();
                self.take(1);
                Token::Open(head)
            }
            _ => Token::Other(head),
        };
        Some((line, token))
    }
}

impl Tokens<'_> {
    fn after_blanks(&self) -> Option<char> {
        self.rest.trim_start().chars().next()
    }
}

const ROOT: usize = 0;
const DEEPEST: usize = 32;
/// Sections that one section may inherit from.
const MOST_OTHERS: usize = 16;
