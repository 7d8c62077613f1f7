//! The laboratory's and the public captures' truth, and how far a report agrees with it.
//!
//! Shared by the tests, which demand agreement, and the example `accuracy`, which prints it.

use plainsight::analysis::{Request, Unwatched, analyze_sequentially};
use plainsight::policy::{self, Policy};
use plainsight::report::{Sources, build, schema};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How one statement of a report compares with the truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// It is what the truth says.
    Same(String),
    /// The truth says nothing about it.
    NotAsked(String),
    /// It is not.
    Different {
        /// What the truth says.
        expected: String,
        /// What the report says.
        reported: String,
    },
}

impl Agreement {
    pub(crate) fn of(expected: String, reported: String) -> Self {
        if expected == reported {
            Self::Same(reported)
        } else {
            Self::Different { expected, reported }
        }
    }

    pub(crate) fn is_miss(&self) -> bool {
        matches!(self, Self::Different { .. })
    }
}

impl std::fmt::Display for Agreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Same(text) => write!(f, "{text}"),
            Self::NotAsked(text) => write!(f, "({text})"),
            Self::Different { expected, reported } => {
                write!(f, "**{reported}**, expected {expected}")
            }
        }
    }
}

/// A row of the table of scenarios: one capture with the logs beside it.
#[derive(Debug)]
pub(crate) struct ScenarioRow {
    pub(crate) scenario: String,
    pub(crate) capture: String,
    pub(crate) verdict: String,
    pub(crate) classes: Agreement,
    pub(crate) windows: Agreement,
    pub(crate) causes: Agreement,
    pub(crate) roles: Agreement,
    pub(crate) offsets: Agreement,
}

impl ScenarioRow {
    pub(crate) fn cells(&self) -> [&Agreement; 5] {
        [&self.classes, &self.windows, &self.causes, &self.roles, &self.offsets]
    }
}

/// Compares every capture of the laboratory.
pub(crate) fn scenarios(lab: &Path) -> Vec<ScenarioRow> {
    let expect = json(&lab.join("expect.json"));
    let mut rows = Vec::new();
    for folder in folders(lab) {
        let name = file_name(&folder);
        let truth = json(&folder.join("truth.json"));
        for capture in truth["captures"].as_array().unwrap() {
            rows.push(scenario(&folder, &name, capture, &expect[&name]));
        }
    }
    rows
}

fn scenario(folder: &Path, name: &str, capture: &Value, expect: &Value) -> ScenarioRow {
    let file = text(&capture["file"]);
    let mut paths = vec![folder.join(&file)];
    paths.extend(logs(folder));
    let report = report(paths, policy_of(expect));
    ScenarioRow {
        scenario: name.to_owned(),
        verdict: report.verdict.clone(),
        classes: classes(&capture["frame_counts"], &expect["classes"], &report),
        windows: windows(name, &file, &report),
        causes: causes(&file, expect, &report),
        roles: roles(name, &report),
        offsets: offsets(folder, expect, &report),
        capture: file,
    }
}

/// What the program reports of these files.
pub(crate) fn report(paths: Vec<PathBuf>, policy: Policy) -> schema::Report {
    let request = Request::of(paths, policy);
    let analysis = analyze_sequentially(&request, &Unwatched).unwrap();
    let sources = Sources {
        evidence: &analysis.evidence,
        outside_span: analysis.outside_span,
        facts: &analysis.facts,
        findings: &analysis.findings,
    };
    let options = schema::Options {
        paths: Vec::new(),
        policy: None,
        policy_sha256: None,
        protect: Vec::new(),
        gap_seconds: "30.0".to_owned(),
        formats: Vec::new(),
        hash: true,
        max_pairs: plainsight::summary::MOST_PAIRS as u64,
        from: None,
        to: None,
        timezone: None,
        clock_offsets: Vec::new(),
        vantages: Vec::new(),
        ..schema::Options::default()
    };
    build(&sources, options)
}

fn policy_of(expect: &Value) -> Policy {
    let mut given = Policy::default();
    if let Some(text) = expect["policy"].as_str() {
        given = policy::parse(text).unwrap();
    }
    let args: Vec<&str> =
        expect["args"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for pair in args.chunks(2) {
        let (one, other) = pair[1].split_once('=').unwrap();
        given.protect(one.parse().unwrap(), other.parse().unwrap(), pair[1]);
    }
    given
}

/// The truth's classes are finer than ours; docs/accuracy.md has the same table in words.
const CLASSES: &[(&str, &str)] = &[
    ("arp", "exempt"),
    ("ipv6_nd_mld", "exempt"),
    ("clear_icmp", "exempt"),
    ("icmp_unreach_ike", "exempt"),
    ("frag_icmp", "exempt"),
    ("clear_tcp", "clear"),
    ("clear_udp", "clear"),
    ("frag_udp", "clear"),
    ("esp", "esp"),
    ("natt_esp", "esp"),
    ("frag_esp", "esp"),
    ("ike_500", "ike"),
    ("ike_4500", "ike"),
    ("frag_ike", "ike"),
    ("natt_keepalive", "natt_keepalive"),
];

fn classes(counts: &Value, overrides: &Value, report: &schema::Report) -> Agreement {
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for (kind, frames) in counts.as_object().unwrap() {
        let class = CLASSES.iter().find(|row| row.0 == kind).expect("a class the table knows").1;
        *expected.entry(class.to_owned()).or_default() += frames.as_u64().unwrap();
    }
    for (class, frames) in overrides.as_object().into_iter().flatten() {
        expected.insert(class.clone(), frames.as_u64().unwrap());
    }
    expected.retain(|_, frames| *frames > 0);
    Agreement::of(listed(&expected), listed(&by_class(report)))
}

/// The report's frames by class, without the classes that have none.
pub(crate) fn by_class(report: &schema::Report) -> BTreeMap<String, u64> {
    let classes = serde_json::to_value(report.totals.by_class).unwrap();
    let counts = classes.as_object().unwrap().iter();
    counts
        .map(|(class, count)| (class.clone(), count["frames"].as_u64().unwrap()))
        .filter(|(_, frames)| *frames > 0)
        .collect()
}

fn listed(counts: &BTreeMap<String, u64>) -> String {
    counts.iter().map(|(class, frames)| format!("{class} {frames}")).collect::<Vec<_>>().join(", ")
}

/// The windows by frames, as the laboratory's README has them but where `truth.json` corrects it;
/// `None` where neither shows.
fn expected_windows(scenario: &str, capture: &str) -> Option<&'static str> {
    Some(match (scenario, capture) {
        (
            "01_healthy_v2_transport" | "02_baseline_clear" | "09a_esp_null" | "16_fail_closed",
            _,
        ) => "none",
        ("03_psk_mismatch_v2", _) => "11-3746",
        ("05a_v2_ike_no_proposal", _) => "8-861, 1679-1744",
        ("06_unresponsive", _) => "11-5617",
        ("07_stop_start", _) => "1991-3988",
        ("07d_hostside_gso", _) => "1992-3404",
        ("08a_natt_forced", _) => "2112-2619",
        ("10a_tunnel_gateways", "capture.pcap") => "362-11499, 3839-6813",
        // "At the gateway the same spans of time": these frames begin and end within 10 us of the
        // WAN's, and hold the same 1869 and 2409 packets.
        ("10a_tunnel_gateways", _) => "534-14400, 5191-8165",
        ("11a_v1_aggressive", _) => "9-665, 2082-2115",
        // The README's table has 6-1067; frames 6 and 1067 are later fragments of IKE messages,
        // and truth.json has 8-1065.
        ("11c_v2_cert_expired", _) => "8-1065",
        ("14_fragments", _) => "929-1569",
        // Its README says "SMB only, while stopped"; the frames are truth.json's, and tshark's
        // first and last for `tcp.port == 445` outside ESP.
        ("15_port_selective", _) => "1479-2681",
        _ => return None,
    })
}

fn windows(scenario: &str, capture: &str, report: &schema::Report) -> Agreement {
    let mut frames: Vec<(u64, u64)> =
        report.windows.iter().map(|w| (w.first.frame, w.last.frame)).collect();
    frames.sort_unstable();
    let named: Vec<String> = frames.iter().map(|(first, last)| format!("{first}-{last}")).collect();
    let reported = if named.is_empty() { "none".to_owned() } else { named.join(", ") };
    match expected_windows(scenario, capture) {
        Some(expected) => Agreement::of(expected.to_owned(), reported),
        None => Agreement::NotAsked(reported),
    }
}

fn causes(capture: &str, expect: &Value, report: &schema::Report) -> Agreement {
    let leading: Vec<&str> = report
        .windows
        .iter()
        .map(|w| w.causes.first().map_or("nothing", |cause| cause.reason.as_str()))
        .collect();
    let reported = if leading.is_empty() { "none".to_owned() } else { leading.join(", ") };
    let is_skipped = expect["skip_windows"].as_array().is_some_and(|s| s.contains(&capture.into()));
    let Some(reasons) = expect["reasons"].as_array().filter(|_| !is_skipped) else {
        return if report.windows.is_empty() {
            Agreement::Same(reported)
        } else {
            Agreement::NotAsked(reported)
        };
    };
    let fits = reasons.len() == leading.len()
        && reasons.iter().zip(&leading).all(|(allowed, leading)| {
            allowed.as_array().unwrap().iter().any(|reason| reason == leading)
        });
    if fits {
        return Agreement::Same(reported);
    }
    let either = |allowed: &Value| {
        allowed.as_array().unwrap().iter().map(text).collect::<Vec<_>>().join(" or ")
    };
    let expected = reasons.iter().map(either).collect::<Vec<_>>().join(", ");
    Agreement::Different { expected, reported }
}

/// Each window's roles by hand, from the phases, events and attempts of the scenario's `truth.json`: what
/// opened it, what kept it open, what closed it, in order of time. `-` is nothing.
fn expected_roles(scenario: &str) -> Option<&'static [&'static str]> {
    Some(match scenario {
        "03_psk_mismatch_v2" => &["authentication_failed, authentication_failed, negotiated"],
        "05a_v2_ike_no_proposal" => {
            &["no_proposal_chosen, no_proposal_chosen, negotiated", "sa_deleted, -, capture_ended"]
        }
        "06_unresponsive" => &["no_response, no_response, negotiated"],
        "07_stop_start" | "07d_hostside_gso" => &["service_stopped, service_stopped, negotiated"],
        "08a_natt_forced" => &["sa_deleted, authentication_failed, capture_ended"],
        // The inner host outside the selectors leaks all the time; the other one while the tunnel is
        // down: its gateway ran `ike_terminate` (events, 07:55:08.34) and sent the Delete of frame
        // 3837; the first refused negotiation began 4.7 s after that.
        "10a_tunnel_gateways" => &[
            "-, filter_not_covering, capture_ended",
            "sa_deleted, authentication_failed, negotiated",
        ],
        "11a_v1_aggressive" => &[
            "psk_mismatch_suspected, psk_mismatch_suspected, negotiated",
            "sa_deleted, -, capture_ended",
        ],
        "11c_v2_cert_expired" => &["authentication_failed, authentication_failed, negotiated"],
        "14_fragments" => &["sa_deleted, -, negotiated"],
        "15_port_selective" => &["service_stopped, service_stopped, negotiated"],
        _ => return None,
    })
}

fn roles(scenario: &str, report: &schema::Report) -> Agreement {
    let first = |reason: Option<&String>| reason.map_or("-", String::as_str).to_owned();
    let of_window = |w: &schema::Window| {
        let opened = first(w.opened_by.first().map(|cause| &cause.reason));
        let kept = first(w.kept_open_by.first().map(|kept| &kept.reason));
        let closed = first(w.closed_by.first().map(|cause| &cause.reason));
        format!("{opened}, {kept}, {closed}")
    };
    let reported: Vec<String> = report.windows.iter().map(of_window).collect();
    let words = |all: &[String]| if all.is_empty() { "none".to_owned() } else { all.join("; ") };
    match expected_roles(scenario) {
        Some(expected) if reported == expected => Agreement::Same(words(&reported)),
        Some(expected) => {
            Agreement::Different { expected: expected.join("; "), reported: words(&reported) }
        }
        None if report.windows.is_empty() => Agreement::Same(words(&reported)),
        None => Agreement::NotAsked(words(&reported)),
    }
}

/// Offsets agree when they are within a second: that far an event may be logged behind its message.
fn offsets(folder: &Path, expect: &Value, report: &schema::Report) -> Agreement {
    let offset_of = |host: &str| {
        let host = host.to_lowercase();
        let of_host =
            report.clock_offsets.iter().filter(|c| c.host.to_lowercase().starts_with(&host));
        of_host.filter_map(|c| c.seconds.as_ref()?.get().parse::<f64>().ok()).next()
    };
    let logs = folder.join("logs.json");
    let truth = if logs.is_file() { json(&logs) } else { Value::Null };
    let mut reported = Vec::new();
    let mut expected = Vec::new();
    let mut all_fit = true;
    for (host, seconds) in truth["clock_offset_seconds"].as_object().into_iter().flatten() {
        let seconds = seconds.as_f64().unwrap();
        let found = offset_of(host);
        all_fit &= found.is_some_and(|found| (found - seconds).abs() < 1.0);
        expected.push(format!("{host} {seconds}"));
        reported
            .push(found.map_or_else(|| format!("{host} ?"), |found| format!("{host} {found:.3}")));
    }
    let (expected, reported) = (expected.join(", "), reported.join(", "));
    match (all_fit, expect["offsets"] == true) {
        (true, _) => Agreement::Same(reported),
        (false, true) => Agreement::Different { expected, reported },
        (false, false) => Agreement::NotAsked(reported),
    }
}

/// A row of the table of public captures.
#[derive(Debug)]
pub(crate) struct PublicRow {
    pub(crate) file: String,
    pub(crate) counts: Agreement,
}

/// Compares every public capture with what other tools count.
pub(crate) fn public(public: &Path) -> Vec<PublicRow> {
    let mut rows = Vec::new();
    for truth in files(&public.join("truth")) {
        let known = json(&truth);
        let Some(packets) = known["packets"].as_u64() else { continue };
        let file = text(&known["file"]);
        let report = report(vec![public.join(&file)], Policy::default());
        rows.push(PublicRow { counts: public_counts(packets, &known, &report), file });
    }
    rows
}

fn public_counts(packets: u64, known: &Value, report: &schema::Report) -> Agreement {
    let sum = |names: &[&str]| -> u64 {
        names.iter().filter_map(|name| known["exclusive_class"][*name].as_u64()).sum()
    };
    let classes = &report.totals.by_class;
    let shown = |frames, esp, ah, ike| format!("{frames} frames, ESP {esp}, AH {ah}, IKE {ike}");
    let expected = shown(
        packets,
        sum(&["esp", "esp_in_udp"]),
        sum(&["ah"]),
        sum(&["ike_udp500", "ike_udp4500"]),
    );
    let esp = classes.esp.frames + classes.esp_null.frames;
    let reported = shown(report.totals.frames, esp, classes.ah.frames, classes.ike.frames);
    Agreement::of(expected, reported)
}

fn logs(folder: &Path) -> Vec<PathBuf> {
    let is_log = |path: &PathBuf| path.extension().is_some_and(|e| e == "evtx" || e == "evt");
    files(folder).into_iter().filter(is_log).collect()
}

pub(crate) fn folders(lab: &Path) -> Vec<PathBuf> {
    let mut folders = entries(lab);
    folders.retain(|path| path.join("truth.json").is_file());
    folders
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = entries(folder);
    files.retain(|path| path.is_file());
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
