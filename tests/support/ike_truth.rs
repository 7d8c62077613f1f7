//! The truth about IKE messages and negotiations, and how far the program agrees with it.
//!
//! Of public captures every message by tshark, of the laboratory every attempt by its hosts' logs.

use super::truth::{Agreement, files, folders, json, report, text};
use plainsight::capture::{RawFrame, read_pcap, read_pcapng};
use plainsight::evidence::EvidenceId;
use plainsight::ike::{IkeVersion, MessageDigest};
use plainsight::policy::Policy;
use plainsight::protection::NamedPorts;
use plainsight::report::schema::IkeExchange;
use plainsight::summary::CaptureObserver;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// A public capture with IKE in it: each message beside tshark's.
#[derive(Debug)]
pub(crate) struct MessagesRow {
    pub(crate) file: String,
    pub(crate) messages: usize,
    /// One a message that differs, by frame.
    pub(crate) differ: Vec<(u64, Agreement)>,
}

/// Compares every message of every public capture.
pub(crate) fn messages(public: &Path) -> Vec<MessagesRow> {
    let mut rows = Vec::new();
    for truth in files(&public.join("truth")) {
        let known = json(&truth);
        let Some(frames) = known["ike"]["frames"].as_array() else { continue };
        let file = text(&known["file"]);
        let mut ours = read(&public.join(&file));
        let mut differ = Vec::new();
        for frame in frames {
            let number = frame["n"].as_u64().unwrap();
            let seen = ours.remove(&number).unwrap_or_else(|| "no message".to_owned());
            let agreement = Agreement::of(by_tshark(frame), seen);
            if agreement.is_miss() {
                differ.push((number, agreement));
            }
        }
        // What tshark does not have.
        differ
            .extend(ours.into_iter().map(|(n, m)| (n, Agreement::of("no message".to_owned(), m))));
        rows.push(MessagesRow { file, messages: frames.len(), differ });
    }
    rows
}

/// Version, exchange type, SPIs, message id, notify messages: by frame.
fn read(path: &Path) -> BTreeMap<u64, String> {
    let named = NamedPorts::default();
    let mut observer = CaptureObserver::new(EvidenceId(1), &named);
    let mut visit = |frame: RawFrame<'_>| {
        observer.observe(&frame);
        true
    };
    let bytes = std::fs::read(path).unwrap();
    if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
        read_pcapng(bytes.as_slice(), &mut visit).unwrap();
    } else {
        read_pcap(bytes.as_slice(), &mut visit).unwrap();
    }
    let summary = observer.finish();
    summary.negotiations.messages().map(|m| (m.frame().frame.0, by_us(m))).collect()
}

fn by_us(message: &MessageDigest) -> String {
    let version = if message.version() == IkeVersion::V2 { "2.0" } else { "1.0" };
    let (initiator, responder) = message.spis();
    let notifies: Vec<u16> = message.notifies().collect();
    line(
        version,
        message.exchange_type().0.into(),
        &format!("{initiator} {responder}"),
        &format!("0x{:08x}", message.message_id()),
        &format!("{notifies:?}"),
    )
}

fn by_tshark(frame: &Value) -> String {
    let notifies: Vec<u64> =
        frame["notify"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    line(
        frame["ver"].as_str().unwrap(),
        frame["xchg"].as_u64().unwrap_or_default(),
        &format!("{} {}", text(&frame["ispi"]), text(&frame["rspi"])),
        frame["msgid"].as_str().unwrap(),
        &format!("{notifies:?}"),
    )
}

fn line(version: &str, exchange: u64, spis: &str, id: &str, notifies: &str) -> String {
    format!("version {version}, exchange {exchange}, {spis}, id {id}, notifies {notifies}")
}

/// An attempt of the laboratory beside the negotiation that the report has of it.
#[derive(Debug)]
pub(crate) struct AttemptRow {
    pub(crate) scenario: String,
    pub(crate) initiator_spi: String,
    pub(crate) messages: Agreement,
    pub(crate) outcome: Agreement,
}

/// Compares every attempt of every capture of the laboratory.
pub(crate) fn attempts(lab: &Path) -> Vec<AttemptRow> {
    let mut rows = Vec::new();
    for folder in folders(lab) {
        let truth = json(&folder.join("truth.json"));
        for capture in truth["captures"].as_array().unwrap() {
            let path = folder.join(text(&capture["file"]));
            let reported = report(vec![path], Policy::default()).ike_exchanges;
            for attempt in capture["ike_attempts"].as_array().into_iter().flatten() {
                rows.push(compare(&text(&truth["scenario"]), attempt, capture, &reported));
            }
        }
    }
    rows
}

fn compare(
    scenario: &str,
    attempt: &Value,
    capture: &Value,
    reported: &[IkeExchange],
) -> AttemptRow {
    let initiator_spi = text(&attempt["ispi"]);
    let found = reported.iter().find(|x| x.initiator_spi == initiator_spi);
    let numbers = format!(
        "{} messages, {} retransmissions",
        attempt["frames"], attempt["retransmitted_frames"]
    );
    let ours = found.map_or_else(
        || "not reported".to_owned(),
        |x| format!("{} messages, {} retransmissions", x.messages, x.retransmissions),
    );
    let outcomes: Vec<&str> =
        attempt["outcome"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let outcome = found.map_or("not reported", |x| x.outcome.as_str()).to_owned();
    AttemptRow {
        scenario: scenario.to_owned(),
        initiator_spi,
        messages: Agreement::of(numbers, ours),
        outcome: Agreement::of(expected_outcome(attempt, capture, &outcomes).to_owned(), outcome),
    }
}

/// What the hosts' logs say of an attempt, in the words of the report, as far as a capture can show it: the
/// hosts encrypt with AES-CBC, and a Delete has then the size of a liveness check. Where its exchange is the
/// last packet of the capture, nothing shows that it ended something.
fn expected_outcome(attempt: &Value, capture: &Value, outcomes: &[&str]) -> &'static str {
    let says = |word: &str| outcomes.contains(&word);
    let nothing_follows = attempt["last_utc"] == capture["last_utc"];
    if says("AUTHENTICATION_FAILED") {
        "authentication_suspected"
    } else if says("NO_PROPOSAL_CHOSEN") {
        "no_proposal_chosen"
    } else if says("NO_RESPONSE") || says("RETRANSMIT_TIMEOUT") || attempt["from_responder"] == 0 {
        "no_response"
    } else if (says("DELETED") || says("REKEYED")) && !nothing_follows {
        "ended"
    } else {
        "established"
    }
}
