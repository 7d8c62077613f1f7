//! `pseudonyms`: nothing that names somebody is in any byte of the copy, and the copy says the same.

use crate::support::program::{plainsight, report_in};
use plainsight::report::schema::{Manifest, Report};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn write(path: &Path, text: &str) {
    fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn run(folder: &TempDir, arguments: &[&str]) -> (i32, String) {
    let output = plainsight().current_dir(folder.path()).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

const POLICY: &str = r#"
[hosts]
"fileserver" = ["10.77.3.20", "10.77.7.20"]
"Branch gateway" = ["10.77.3.11"]

[[protect]]
between = ["10.77.0.0/16", "10.77.0.0/16"]
"#;

const CASE: &str =
    "number = \"4711/26\"\nexaminer = \"Q. Xaminer\"\ntime_zone = \"Pacific/Chatham\"\n";

/// A report of all samples in every format, and its copy with pseudonyms.
fn made() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let evidence = folder.path().join("Seizure of Kilo Ltd");
    for sample in crate::support::samples::folders(&samples()) {
        let into = evidence.join(format!("site-{}", sample.file_name().unwrap().to_string_lossy()));
        fs::create_dir_all(&into).unwrap();
        for file in fs::read_dir(&sample).unwrap().map(|entry| entry.unwrap().path()) {
            fs::copy(&file, into.join(file.file_name().unwrap())).unwrap();
        }
    }
    write(&folder.path().join("kilo-policy.toml"), POLICY);
    write(&folder.path().join("case.toml"), CASE);
    let formats = "json,csv,html,timesketch,ecs,parquet";
    let arguments = ["analyze", "Seizure of Kilo Ltd", "--out", "report", "-q", "--carve"];
    let options = ["--policy", "kilo-policy.toml", "--case", "case.toml", "--format", formats];
    let (status, reported) = run(&folder, &[&arguments[..], &options].concat());
    assert!(matches!(status, 0 | 3), "{reported}");
    let (status, reported) =
        run(&folder, &["pseudonyms", "report", "--out", "shared", "--key", "key.json"]);
    assert_eq!(status, 0, "{reported}");
    folder
}

/// Every text of a value.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What must not be found: each original in the notations that it may have.
fn originals(report: &Report) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut all = Vec::new();
    texts(&serde_json::to_value(report).unwrap(), &mut all);
    for text in &all {
        for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || ".:".contains(c))) {
            let word = word.trim_matches([':', '.']);
            let address = word.split_once(':').map_or(word, |(address, _)| address);
            let address = address.parse::<IpAddr>().or_else(|_| word.parse::<IpAddr>());
            match address {
                Ok(IpAddr::V4(v4)) if !matches!(v4.octets()[0], 0 | 127 | 224..) => {
                    let bits = v4.to_bits();
                    found.extend([v4.to_string(), format!("{bits:08x}"), bits.to_string()]);
                    let turned = bits.swap_bytes();
                    found.extend([format!("{turned:08x}"), turned.to_string()]);
                }
                Ok(IpAddr::V6(v6)) if !v6.is_unspecified() && !v6.is_multicast() => {
                    found.insert(v6.to_string());
                }
                _ => {}
            }
        }
    }
    let spis = report.pairs.iter().flat_map(|pair| &pair.spis);
    let of_logs = report.log_events.iter().flat_map(|e| [&e.inbound_spi, &e.outbound_spi]);
    for spi in spis.chain(of_logs.flatten()) {
        let number = u32::from_str_radix(&spi[2..], 16).unwrap();
        if number > 255 {
            found.extend([format!("{number:08x}"), number.to_string()]);
        }
    }
    let cookies = report.ike_exchanges.iter().flat_map(|x| [&x.initiator_spi, &x.responder_spi]);
    found.extend(cookies.filter(|cookie| !cookie.starts_with("00000000")).cloned());
    let names = report.hosts.iter().map(|host| &host.name);
    let names = names.chain(report.log_events.iter().map(|event| &event.host));
    let names = names.chain(report.evidence.iter().flat_map(|file| &file.hosts));
    let names = names.filter(|name| name.parse::<IpAddr>().is_err());
    found.extend(names.map(|name| name.to_lowercase()));
    let more = ["fs01", "ws01", "ws02", "corp.example", "eve", "br0", "deb12u3", "uml"];
    let of_case = ["4711/26", "xaminer", "chatham", "kilo", "seizure", "site-", "branch gateway"];
    found.extend(more.into_iter().chain(of_case).map(str::to_owned));
    found
}

/// Whether bytes hold a word, in whatever case; a short one has to be a word by itself.
fn holds(bytes: &[u8], word: &str) -> bool {
    let part = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
    let mut places = bytes.windows(word.len()).enumerate();
    places.any(|(at, found)| {
        found == word.as_bytes()
            && (word.len() > 10
                || !part(at.checked_sub(1).and_then(|at| bytes.get(at)))
                    && (word.ends_with('-') || !part(bytes.get(at + word.len()))))
    })
}

#[test]
fn no_original_is_in_any_byte_of_the_copy() {
    let folder = made();
    let original = report_in(&folder.path().join("report"));
    let words = originals(&original);
    assert!(words.len() > 150, "{}", words.len());
    let out = folder.path().join("shared");
    let mut names = BTreeSet::new();
    for file in fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()) {
        let bytes = fs::read(&file).unwrap().to_ascii_lowercase();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        for word in &words {
            assert!(!holds(&bytes, word), "{word} in {name}");
        }
        names.insert(name);
    }
    for name in [
        "report.json",
        "report.html",
        "timeline.jsonl",
        "ecs.jsonl",
        "windows.parquet",
        "pairs.csv",
    ] {
        assert!(names.contains(name), "{name}");
    }
    assert!(!names.contains("evidence"), "carved packets are left out");
    // The test finds what is there: the original is full of them.
    let json = fs::read(folder.path().join("report/report.json")).unwrap().to_ascii_lowercase();
    let found = words.iter().filter(|word| holds(&json, word)).count();
    assert!(found > 60, "{found}");
}

/// What a report says without who is named.
fn said(report: &Report) -> Value {
    let mut pairs: Vec<Value> = Vec::new();
    for pair in &report.pairs {
        let classes = serde_json::to_value(pair.by_class).unwrap();
        pairs.push(serde_json::json!([
            pair.verdict,
            pair.expectation,
            pair.frames,
            pair.bytes,
            classes,
            pair.spis.len(),
            pair.first_time,
        ]));
    }
    pairs.sort_by_key(ToString::to_string);
    let windows = report.windows.iter().map(|w| {
        let causes: Vec<_> = w.causes.iter().map(|c| (&c.reason, &c.confidence, c.score)).collect();
        let mut ways = [w.a_to_b.packets, w.b_to_a.packets];
        ways.sort_unstable();
        serde_json::json!([
            w.id,
            w.start,
            w.end,
            w.frames,
            w.bytes,
            ways,
            w.first,
            w.last,
            causes,
            w.duration_seconds
        ])
    });
    let exchanges = report.ike_exchanges.iter();
    let exchanges = exchanges
        .map(|x| serde_json::json!([x.id, x.outcome, x.reason, x.messages, x.proof, x.start]));
    let events = report.log_events.iter();
    let events = events.map(|e| {
        serde_json::json!([
            e.id,
            e.event_id,
            e.category,
            e.reason,
            e.time_corrected,
            e.fields.len()
        ])
    });
    let findings = report.findings.iter();
    let findings = findings.map(|f| {
        serde_json::json!([
            f.id,
            f.code,
            f.severity,
            f.evidence,
            f.windows,
            f.causes,
            f.tshark.len()
        ])
    });
    let evidence = report.evidence.iter();
    let evidence = evidence.map(|e| {
        serde_json::json!([e.id, e.sha256, e.key, e.records, e.coverage, e.problems.len()])
    });
    serde_json::json!({
        "verdict": report.verdict,
        "totals": report.totals,
        "pairs": pairs,
        "windows": windows.collect::<Vec<_>>(),
        "exchanges": exchanges.collect::<Vec<_>>(),
        "events": events.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
        "evidence": evidence.collect::<Vec<_>>(),
    })
}

#[test]
fn the_copy_has_the_same_verdicts_codes_and_counts() {
    let folder = made();
    let (original, copy) =
        (report_in(&folder.path().join("report")), report_in(&folder.path().join("shared")));
    assert_eq!(said(&original), said(&copy));
    assert!(copy.pseudonymous && copy.case.is_none() && copy.options.policy_sha256.is_none());
    let page = fs::read_to_string(folder.path().join("shared/report.html")).unwrap();
    assert!(page.contains("are pseudonyms; networks, ports, times and numbers"));
    // The lower address is first, and pairs are in order.
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    assert!(copy.pairs.iter().all(|pair| address(&pair.a) < address(&pair.b)));
    assert!(copy.pairs.is_sorted_by_key(|pair| (address(&pair.a), address(&pair.b))));
    // Hosts of one network stay hosts of one network.
    let network = |text: &str| text.parse::<Ipv4Addr>().ok().map(|v4| v4.to_bits() >> 8);
    let of_one =
        |report: &Report| report.pairs.iter().filter(|p| network(&p.a) == network(&p.b)).count();
    assert_eq!(of_one(&original), of_one(&copy));
    let manifest = fs::read(folder.path().join("shared/manifest.json")).unwrap();
    let manifest: Manifest = serde_json::from_slice(&manifest).unwrap();
    let made_from = manifest.pseudonyms.unwrap();
    let of_original = fs::read(folder.path().join("report/manifest.json")).unwrap();
    assert_eq!(made_from.manifest_sha256, plainsight::evidence::sha256(&of_original));
    assert!(made_from.carved_left_out > 0 && made_from.case_left_out);
    assert!(manifest.host.is_empty() && manifest.arguments.is_empty());
}

#[test]
fn one_key_gives_the_same_again_and_another_one_something_else() {
    let folder = made();
    let read = |name: &str| fs::read(folder.path().join(name).join("report.json")).unwrap();
    let again = |out: &str, key: &str| {
        let (status, reported) =
            run(&folder, &["pseudonyms", "report", "--out", out, "--key", key]);
        assert_eq!(status, 0, "{reported}");
    };
    again("again", "key.json");
    again("other", "other.json");
    assert_eq!(read("shared"), read("again"));
    assert_ne!(read("shared"), read("other"));
    // The key file leads back.
    let key = fs::read(folder.path().join("key.json")).unwrap();
    let key: Value = serde_json::from_slice(&key).unwrap();
    let copy = report_in(&folder.path().join("shared"));
    let original = report_in(&folder.path().join("report"));
    let back = |pseudonym: &str| key["pseudonyms"][pseudonym].as_str().unwrap().to_owned();
    assert_eq!(back(&copy.ike_exchanges[0].initiator_spi), original.ike_exchanges[0].initiator_spi);
    let hosts: BTreeSet<String> = copy.hosts.iter().map(|host| back(&host.address)).collect();
    assert_eq!(hosts, original.hosts.iter().map(|host| host.address.clone()).collect());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(folder.path().join("key.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
}

#[test]
fn the_copy_verifies_and_its_evidence_is_found_by_digest() {
    let folder = made();
    let (status, text) = run(&folder, &["verify", "shared"]);
    assert_eq!(status, 3, "{text}");
    assert!(text.contains("whose names are pseudonyms"), "{text}");
    let (status, text) = run(&folder, &["verify", "shared", "--evidence", "Seizure of Kilo Ltd"]);
    assert_eq!(status, 0, "{text}");
}

#[test]
fn what_cannot_be_shared_is_refused() {
    let folder = made();
    let refuses = |arguments: &[&str], expected: &str| {
        let (status, reported) = run(&folder, &[&["pseudonyms"], arguments].concat());
        assert_eq!(status, 2, "{reported}");
        assert!(reported.contains(expected), "{reported}");
    };
    refuses(
        &["report", "--out", "new", "--key", "new/key.json"],
        "plainsight: the key file `new/key.json` would be in `new`\nhint: keep it apart from what is shared",
    );
    refuses(
        &["report", "--out", "new", "--key", "./report/../report/key.json"],
        "would be in `report`",
    );
    refuses(&["report", "--out", "new", "--key", "case.toml"], "`case.toml` is not a key file of");
    refuses(&["report", "--out", "shared", "--key", "key.json"], "`shared` is not empty");
    refuses(
        &["nowhere", "--out", "new", "--key", "key.json"],
        "cannot read `nowhere/manifest.json`",
    );
    let path = folder.path().join("report/report.json");
    let changed = fs::read_to_string(&path).unwrap().replacen("10.77", "10.78", 1);
    write(&path, &changed);
    refuses(
        &["report", "--out", "new", "--key", "key.json"],
        "report.json is not what its manifest says",
    );
    assert!(!folder.path().join("new").exists());
}
