//! ipsec.conf of strongSwan, Libreswan and Openswan: `conn` sections.
//!
//! Follows `also=` and `%default`; does not read included files, but names them.

use super::draft::Draft;
use super::names::named;
use super::strongswan::{Connection, End, Host, Kind, level, push};
use std::collections::BTreeMap;

pub(super) fn import_rules(text: &str, draft: &mut Draft<'_>) {
    let sections = sections(text, draft);
    let by_name: BTreeMap<&str, usize> =
        sections.iter().enumerate().map(|(at, section)| (section.name.as_str(), at)).collect();
    let file = File { sections: &sections, by_name };
    for section in sections.iter().filter(|section| section.name != DEFAULT) {
        connection(section, &file, draft);
    }
}

/// A `conn` section.
struct Section {
    line: usize,
    name: String,
    values: BTreeMap<String, String>,
    also: Vec<String>,
}

struct File<'a> {
    sections: &'a [Section],
    by_name: BTreeMap<&'a str, usize>,
}

fn sections(text: &str, draft: &mut Draft<'_>) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut is_open = false;
    for (at, line) in text.lines().enumerate() {
        let is_indented = line.starts_with([' ', '\t']);
        let line = without_comment(line).trim();
        if line.is_empty() {
            continue;
        }
        if !is_indented {
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            is_open = word == "conn";
            match word {
                "conn" => sections.push(Section {
                    line: at + 1,
                    name: rest.trim().trim_matches('"').to_owned(),
                    values: BTreeMap::new(),
                    also: Vec::new(),
                }),
                "include" => {
                    let text =
                        format!("the file {} is not read: import it too", named(rest.trim()));
                    draft.note(Some(at + 1), text);
                }
                "config" | "ca" | "version" => {}
                word => draft.note(Some(at + 1), format!("{} is not a section", named(word))),
            }
            continue;
        }
        let Some(section) = sections.last_mut().filter(|_| is_open) else { continue };
        let Some((key, value)) = line.split_once('=') else {
            draft.note(Some(at + 1), format!("{} has no value", named(line)));
            continue;
        };
        let value = value.trim().trim_matches('"').to_owned();
        match key.trim().to_ascii_lowercase() {
            key if key == "also" && section.also.len() < MOST_ALSO => section.also.push(value),
            key if key == "also" => draft.note(Some(at + 1), "too many also= in one section"),
            key => {
                section.values.insert(key, value);
            }
        }
    }
    sections
}

/// White space and `#` begin a comment, and so does a `#` at the start.
fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if c == '#' && before.is_whitespace() {
            return line.get(..at).unwrap_or_default();
        }
        before = c;
    }
    line
}

/// A section with all that it inherits: its own values first, then those of `also=`, then those of `%default`.
struct Merged<'a> {
    sections: Vec<&'a Section>,
}

impl<'a> Merged<'a> {
    fn merge(section: &'a Section, file: &'a File<'_>, draft: &mut Draft<'_>) -> Option<Self> {
        let mut sections = vec![section];
        let mut at = 0;
        while let Some(section) = sections.get(at).copied() {
            at += 1;
            for name in &section.also {
                let found = file.by_name.get(name.as_str()).and_then(|at| file.sections.get(*at));
                let why = match found {
                    Some(found) if sections.iter().any(|known| std::ptr::eq(*known, found)) => {
                        continue;
                    }
                    Some(found) if sections.len() < MOST_ALSO => {
                        sections.push(found);
                        continue;
                    }
                    Some(_) => "too many sections by also=".to_owned(),
                    None => format!("also={} names no section", named(name)),
                };
                let first = sections.first().map_or(section, |first| first);
                let name = called(first);
                draft.note(Some(first.line), format!("{name}: not translated: its {why}"));
                return None;
            }
        }
        let defaults = file.by_name.get(DEFAULT).and_then(|at| file.sections.get(*at));
        sections.extend(defaults);
        Some(Self { sections })
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.sections.iter().find_map(|section| section.values.get(key)).map(String::as_str)
    }
}

fn called(section: &Section) -> String {
    format!("conn {}", named(&section.name))
}

fn connection(section: &Section, file: &File<'_>, draft: &mut Draft<'_>) {
    let Some(merged) = Merged::merge(section, file, draft) else { return };
    let name = called(section);
    let line = section.line;
    let auto = merged.get("auto").unwrap_or("ignore");
    if auto == "ignore" {
        // Templates that others inherit with also= are no connections.
        let text = format!("{name}: left out, it is not loaded (auto=ignore or no auto)");
        return draft.note(Some(line), text);
    }
    let kind = match merged.get("type").unwrap_or("tunnel") {
        "tunnel" => Kind::Tunnel,
        "transport" | "transport_proxy" | "beet" => Kind::Transport,
        "passthrough" | "pass" => Kind::Pass,
        "drop" | "reject" => Kind::Drop,
        other => {
            let text = format!("{name}: not translated: its type {} is not known", named(other));
            return draft.note(Some(line), text);
        }
    };
    let traps = matches!(auto, "route" | "ondemand");
    let mut remarks = Vec::new();
    if !traps && matches!(kind, Kind::Tunnel | Kind::Transport) {
        remarks.push(format!(
            "auto={}: until the connection is established, nothing blocks clear text",
            named(auto)
        ));
    }
    let shunts = ["failureshunt", "negotiationshunt"];
    let shunt = shunts.iter().find(|key| merged.get(key) == Some("passthrough"));
    let lets_pass = shunt.map(|key| {
        format!("{key}=passthrough lets clear text pass, so no protection is required; make it [[protect]] to see it")
    });
    let esp = merged.get("esp").or(merged.get("phase2alg"));
    let ah = merged.get("ah").or(merged.get("phase2").filter(|phase| *phase == "ah"));
    let ends = [end(&merged, "left", Host::Me), end(&merged, "right", Host::AnyPeer)];
    let level = level(if merged.get("phase2") == Some("ah") { None } else { esp }, ah);
    push(Connection { line, name, kind, level, traps, ends, remarks, lets_pass }, draft);
}

/// One side; `left` is assumed to be the computer itself where it has no address.
fn end(merged: &Merged<'_>, side: &str, any: Host) -> End {
    let get = |key: &str| merged.get(&format!("{side}{key}"));
    let host = Host::parse(get("").unwrap_or_default(), any);
    let selectors = get("subnet").or(get("subnets")).or_else(|| {
        // Addresses that are assigned to the other side.
        get("sourceip").filter(|pool| pool.contains('/'))
    });
    let selectors = selectors.unwrap_or_default().trim_matches(['{', '}']);
    let parts = selectors.split([',', ' ', '\t']).map(str::trim).filter(|part| !part.is_empty());
    End {
        host,
        selectors: parts.map(str::to_owned).collect(),
        protoport: get("protoport").map(str::to_owned),
    }
}

const DEFAULT: &str = "%default";
/// Sections that one section may inherit from.
const MOST_ALSO: usize = 32;
