//! A report in which nobody is named: addresses, names, SPIs, cookies and file names become pseudonyms.
//!
//! The report's value is rewritten and every format is made from it anew, so that no format can keep what another
//! one lost. Verdicts, codes, numbers and times stay.

mod fields;
mod order;
mod scrub;
mod secret;
mod source;

pub use secret::KeyFile;
pub use source::{Source, SourceError};

use super::schema::Report;
use fields::{Treatment, is_name_of_field, treatment};
use scrub::{Known, Scrubber, left_over};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Why a report cannot be given pseudonyms.
#[derive(Debug, thiserror::Error)]
pub enum PseudonymError {
    /// It is no report of this version's layout.
    #[error("it is not a report of this version: {0}")]
    NotOurs(#[from] serde_json::Error),
    /// The key file holds no secret.
    #[error("the key file holds no secret")]
    NoSecret,
    /// An original is left; nothing may be written.
    #[error("an original is left in what was rewritten; its SHA-256 begins with {0}")]
    LeftOver(String),
}

/// The report with pseudonyms, from the bytes of report.json. The key file learns the original of each pseudonym.
///
/// # Errors
/// Where it is no report, or an original would be left.
pub fn pseudonymous(report: &[u8], key: &mut KeyFile) -> Result<Report, PseudonymError> {
    // It has to be one, before and after.
    let _: Report = serde_json::from_slice(report)?;
    let text: &RawValue = serde_json::from_slice(report)?;
    let mut known = Known::default();
    gather(text, Place::ROOT, &mut known)?;
    let secret = || key.secret().ok_or(PseudonymError::NoSecret);
    let mut scrubber = Scrubber::new(secret()?, known);
    // Once to meet every address, and once more, since a text may show one as a number before it is met.
    rewritten(text, Place::ROOT, &mut scrubber)?;
    let written = rewritten(text, Place::ROOT, &mut scrubber)?;
    let given = scrubber.into_given();
    if let Some(original) = left_over(&written, &given) {
        let mut digest = crate::evidence::sha256(original.as_bytes());
        digest.truncate(8);
        return Err(PseudonymError::LeftOver(digest));
    }
    let mut report: Report = serde_json::from_str(&written)?;
    report.pseudonymous = true;
    report.case = None;
    let options = &mut report.options;
    (options.case, options.case_sha256, options.display_zone) = (None, None, None);
    // The digest of a few lines with addresses would give these away, and so would that of a flow.
    options.policy_sha256 = None;
    options.carve = None;
    report.windows.iter_mut().for_each(|window| window.community_ids.clear());
    order::reorder(&mut report);
    key.pseudonyms.extend(given);
    Ok(report)
}

/// Where a value is: the names of its field and of the one around it.
#[derive(Clone, Copy)]
struct Place<'p> {
    around: &'p str,
    field: &'p str,
}

impl<'p> Place<'p> {
    const ROOT: Self = Self { around: "", field: "" };

    const fn below(self, field: &'p str) -> Self {
        Self { around: self.field, field }
    }
}

/// Members of an object by name, items of an array, or a text.
enum Node<'n> {
    Object(BTreeMap<String, &'n RawValue>),
    Array(Vec<&'n RawValue>),
    Text(String),
    Other,
}

fn node(value: &RawValue) -> serde_json::Result<Node<'_>> {
    Ok(match value.get().as_bytes().first() {
        Some(b'{') => Node::Object(serde_json::from_str(value.get())?),
        Some(b'[') => Node::Array(serde_json::from_str(value.get())?),
        Some(b'"') => Node::Text(serde_json::from_str(value.get())?),
        Some(_) | None => Node::Other,
    })
}

/// Learns the names and SPIs that the report lists.
fn gather(value: &RawValue, place: Place<'_>, known: &mut Known) -> serde_json::Result<()> {
    if place.field == "fields" {
        let fields: Map<String, Value> = serde_json::from_str(value.get())?;
        fields.iter().for_each(|(name, value)| gather_field(name, value, known));
        return Ok(());
    }
    match node(value)? {
        Node::Object(members) => {
            members.iter().try_for_each(|(name, value)| gather(value, place.below(name), known))
        }
        Node::Array(items) => items.iter().try_for_each(|item| gather(item, place, known)),
        Node::Text(text) => {
            match treatment(place.around, place.field) {
                Some(Treatment::Name) => known.name(&text),
                Some(Treatment::Spi) => known.spi(&text),
                Some(Treatment::Path) => known.path(&text),
                _ => {}
            }
            Ok(())
        }
        Node::Other => Ok(()),
    }
}

/// Names in the fields of a record: by the field's name, and what has the form of a name.
fn gather_field(name: &str, value: &Value, known: &mut Known) {
    match value {
        Value::String(text) if is_name_of_field(name) => {
            let words = text.split(|c: char| !(c.is_alphanumeric() || "._-@$\\".contains(c)));
            words.for_each(|word| known.name(word));
        }
        Value::String(text) => {
            let words = text.split(|c: char| c.is_whitespace() || ",;=<>()\"'".contains(c));
            words.filter(|word| word.contains(['@', '\\'])).for_each(|word| known.name(word));
        }
        Value::Array(items) => items.iter().for_each(|item| gather_field(name, item, known)),
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| gather_field(name, value, known));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The value with every text treated as its place asks for.
fn rewritten(
    value: &RawValue,
    place: Place<'_>,
    scrubber: &mut Scrubber,
) -> serde_json::Result<String> {
    if place.field == "fields" {
        let fields: Map<String, Value> = serde_json::from_str(value.get())?;
        return serde_json::to_string(&of_record(fields, scrubber));
    }
    let mut text = String::new();
    match node(value)? {
        Node::Object(members) => {
            text.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                let value = rewritten(value, place.below(name), scrubber)?;
                let comma = if at > 0 { "," } else { "" };
                // Writing to a text does not fail.
                let _ = write!(text, "{comma}{}:{value}", serde_json::to_string(name)?);
            }
            text.push('}');
        }
        Node::Array(items) => {
            let items = items.iter().map(|item| rewritten(item, place, scrubber));
            let items: Vec<String> = items.collect::<Result<_, _>>()?;
            let _ = write!(text, "[{}]", items.join(","));
        }
        Node::Text(original) => {
            let treatment = treatment(place.around, place.field);
            text = serde_json::to_string(&treated(&original, treatment, scrubber))?;
        }
        Node::Other => value.get().clone_into(&mut text),
    }
    Ok(text)
}

fn treated(text: &str, treatment: Option<Treatment>, scrubber: &mut Scrubber) -> String {
    match treatment {
        Some(Treatment::Code | Treatment::Time | Treatment::Digest) => text.to_owned(),
        Some(Treatment::Name) => scrubber.name(text),
        Some(Treatment::Path) => scrubber.path(text),
        Some(Treatment::GivenPath) => match text.rsplit_once('=') {
            Some((path, what)) => format!("{}={what}", scrubber.path(path)),
            None => scrubber.path(text),
        },
        Some(Treatment::Filter) => scrubber.filter(text),
        Some(Treatment::Command) => command(text, scrubber),
        Some(Treatment::Reference) => scrubber.reference(text),
        Some(Treatment::Evidence) => scrubber.whole(text),
        Some(Treatment::LeftOut) => LEFT_OUT.to_owned(),
        Some(Treatment::Spi | Treatment::Address | Treatment::Prose) | None => scrubber.prose(text),
    }
}

/// The fields of a record: their names are read as sentences, what they hold is replaced.
fn of_record(fields: Map<String, Value>, scrubber: &mut Scrubber) -> Map<String, Value> {
    let fields = fields.into_iter();
    fields.map(|(name, value)| (scrubber.prose(&name), held(value, scrubber))).collect()
}

fn held(value: Value, scrubber: &mut Scrubber) -> Value {
    match value {
        Value::String(text) => Value::String(scrubber.whole(&text)),
        Value::Number(number) => match scrubber.whole(&number.to_string()) {
            same if same == number.to_string() => Value::Number(number),
            other => other.parse::<u64>().map_or(Value::String(other), Value::from),
        },
        Value::Array(items) => items.into_iter().map(|item| held(item, scrubber)).collect(),
        Value::Object(members) => Value::Object(of_record(members, scrubber)),
        Value::Null | Value::Bool(_) => value,
    }
}

/// A command line of tshark: its file is a pseudonym, too.
fn command(line: &str, scrubber: &mut Scrubber) -> String {
    let Some((head, filter)) = line.rsplit_once(" -Y ") else { return LEFT_OUT.to_owned() };
    let filter = scrubber.filter(filter);
    let of_file = |head: &str, before: &str, after: &str| -> Option<String> {
        Some(head.strip_prefix(before)?.strip_suffix(after)?.to_owned())
    };
    if let Some(path) = of_file(head, "tshark -r ", "") {
        return format!("tshark -r {} -Y {filter}", quoted_path(&path, scrubber));
    }
    let Some((program, _)) = head.split_once(" -dc -- ") else { return LEFT_OUT.to_owned() };
    let before = format!("{program} -dc -- ");
    match of_file(head, &before, " | tshark -r -") {
        Some(path) => {
            let path = quoted_path(&path, scrubber);
            format!("{before}{path} | tshark -r - -Y {filter}")
        }
        None => LEFT_OUT.to_owned(),
    }
}

/// The pseudonym of a path that was quoted for a shell; of one that needed more than quotes only that it is one.
fn quoted_path(path: &str, scrubber: &mut Scrubber) -> String {
    let inner = path.strip_prefix('\'').and_then(|path| path.strip_suffix('\'')).unwrap_or(path);
    if inner.contains('\'') { "FILE".to_owned() } else { scrubber.path(inner) }
}

/// What is where a text may quote evidence and says nothing that a code does not.
const LEFT_OUT: &str = "left out of the pseudonymous report";

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubber(names: &[&str]) -> Scrubber {
        let mut known = Known::default();
        names.iter().for_each(|name| known.name(name));
        known.spi("0xc351a60f");
        known.path("cases/FS01 logs/fs01.evtx");
        Scrubber::new(KeyFile::new().unwrap().secret().unwrap(), known)
    }

    #[test]
    fn texts_keep_their_words_and_lose_what_identifies() {
        let names = ["FS01.corp.example", "eve", "CORP\\svc-backup", "Branch gateway"];
        let originals = [
            "10.77.3.11",
            "10.77.3.11:500",
            "fd00::1",
            "FD00::0001",
            "00:15:5d:01:02:03",
            "0015.5d01.0203",
            "00-15-5D-01-02-03",
            "7fff978978cca0fd",
            "7f:ff:97:89:78:cc:a0:fd",
            "0xc351a60f",
            "C351A60F",
            "3276908047",
            "FS01.corp.example",
            "fs01",
            "FS01$",
            "WS09.corp.example",
            "eve",
            "svc-backup",
            "CORP",
            "branch gateway",
            "S-1-5-21-1004336348-1177238915-682003330-512",
            "fs01.evtx",
            "eve@corp.example",
        ];
        for original in originals {
            let mut scrubber = scrubber(&names);
            let text =
                format!("frames E20:7 to E20:133: {original}'s log ({original}), and {original}.");
            let made = scrubber.prose(&text);
            assert!(!made.to_lowercase().contains(&original.to_lowercase()), "{made}");
            assert!(made.starts_with("frames E20:7 to E20:133: "), "{made}");
            assert!(made.contains("'s log (") && made.ends_with('.'), "{made}");
            assert_eq!(scrubber.prose(&text), made);
        }
        for same in [
            "IKE_AUTH refused (ERROR_IPSEC_IKE_AUTH_FAIL, 13801), 0x80090325 at 2026-11-23T08:04:24.294177Z",
            "NT AUTHORITY is S-1-5-18; the mask 255.255.255.0; TLS 1.2; AES-CBC-128/HMAC-SHA2-256-128; 0000000000000000",
            "ip.addr==0.0.0.0 && frame.time_epoch>=1795421534.340793000 && frame.number in {7..11,59..62}",
        ] {
            assert_eq!(scrubber(&names).prose(same), same);
        }
    }

    #[test]
    fn a_word_without_end_is_not_taken_apart() {
        let word = "a:".repeat(200_000);
        let made = scrubber(&[]).prose(&word);
        assert!(made.starts_with("text-") && made.len() < 20, "{made}");
    }

    #[test]
    fn one_original_has_one_pseudonym_in_every_notation() {
        let mut scrubber = scrubber(&["FS01.corp.example"]);
        let mut made = |text: &str| scrubber.prose(text);
        let address = made("10.77.3.11");
        assert_eq!(made("10.77.3.11:500"), format!("{address}:500"));
        let number: std::net::Ipv4Addr = address.parse().unwrap();
        assert_eq!(made("172819211"), number.to_bits().to_string());
        let spi = u32::from_str_radix(&made("0xc351a60f")[2..], 16).unwrap();
        assert_eq!(made("3276908047"), spi.to_string());
        assert_eq!(made("FS01.corp.example").split('.').next().unwrap(), made("fs01"));
        let network = made("10.77.3.0/24");
        let (start, length) = network.split_once('/').unwrap();
        assert_eq!(length, "24");
        assert_eq!(start.rsplit_once('.').unwrap().0, address.rsplit_once('.').unwrap().0);
        assert!(start.ends_with(".0"), "{network}");
    }

    #[test]
    fn paths_keep_their_formats() {
        let mut scrubber = scrubber(&[]);
        let made = scrubber.path("cases/FS01 logs/all.tar.gz!/x.evtx");
        let parts: Vec<&str> = made.split('/').collect();
        assert_eq!(parts.len(), 4);
        assert!(parts[2].ends_with(".tar.gz!") && parts[3].ends_with(".evtx"), "{made}");
        let line = "tshark -r 'cases/FS01 logs/x.evtx' -Y 'ip.addr==10.1.2.3 && frame.number>=7'";
        let made = command(line, &mut scrubber);
        assert!(made.starts_with("tshark -r f") && made.contains("ip.addr==10."), "{made}");
        assert!(!made.contains("FS01") && !made.contains("10.1.2.3"), "{made}");
    }

    /// Every text that the layout has is named in the table, so that a new field is not forgotten.
    #[test]
    fn every_text_of_the_layout_has_its_treatment() {
        let schema = crate::report::schema::report_schema().to_value();
        let mut missing = std::collections::BTreeSet::new();
        walk(&schema, &schema, ("", ""), 0, &mut missing);
        assert!(missing.is_empty(), "{missing:?}");
    }

    fn walk(
        schema: &Value,
        all: &Value,
        at: (&str, &str),
        depth: usize,
        missing: &mut std::collections::BTreeSet<String>,
    ) {
        if depth > 12 || at.1 == "fields" {
            return;
        }
        if let Some(name) = schema["$ref"].as_str() {
            let target = &all["$defs"][name.rsplit('/').next().unwrap()];
            return walk(target, all, at, depth + 1, missing);
        }
        let is_text = match &schema["type"] {
            Value::String(kind) => kind == "string",
            Value::Array(kinds) => kinds.iter().any(|kind| kind == "string"),
            _ => false,
        };
        if is_text && treatment(at.0, at.1).is_none() {
            missing.insert(format!("{}.{}", at.0, at.1));
        }
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            walk(member, all, (at.1, name), depth + 1, missing);
        }
        for inner in ["items", "additionalProperties"] {
            if schema[inner].is_object() {
                walk(&schema[inner], all, at, depth + 1, missing);
            }
        }
        for many in ["anyOf", "oneOf", "allOf"] {
            for one in schema[many].as_array().into_iter().flatten() {
                walk(one, all, at, depth + 1, missing);
            }
        }
    }
}
