//! The strings of Windows 2000 to Server 2003 in other languages, and .evt logs that a later Windows
//! saved as .evtx.

use crate::evtx_builder::read as read_evtx;
use crate::support::evt_builder::{Header, Record, evt};
use crate::support::evtx_builder::{Body, Event, Scalar, evtx};
use plainsight::catalogue::{Category, Reason};
use plainsight::eventlog::{LogEvent, Mode, evt as reader};
use plainsight::evidence::EvidenceId;

fn record(source: &'static str, event_id: u32, strings: &[&str]) -> Record {
    Record {
        number: 1,
        time: 1_763_000_000,
        event_id,
        kind: if event_id == 547 { 16 } else { 8 },
        source,
        computer: "SRV2003",
        strings: strings.iter().map(|text| (*text).to_owned()).collect(),
    }
}

/// The event as .evt has it; the same record saved as .evtx has to say the same.
fn only(record: Record) -> LogEvent {
    let mut events = Vec::new();
    let file = evt(std::slice::from_ref(&record), Header::Clean, &[]);
    reader::read(&mut &*file, EvidenceId(1), &mut |event| events.push(event));
    let saved = read_evtx(&evtx(&[saved(&record)])).1;
    let [event] = &events[..] else { panic!("{events:?}") };
    let [same] = &saved[..] else { panic!("{saved:?}") };
    assert_eq!((&event.detail, event.category), (&same.detail, same.category));
    assert_eq!(event.reason, same.reason);
    events.remove(0)
}

fn packets(event: &LogEvent) -> Option<u64> {
    event.packets().and_then(|packets| packets.count)
}

/// Opened and saved on a newer Windows: the source keeps its name, the strings have none.
fn saved(record: &Record) -> Event {
    let channel = if record.source == "Security" { "Security" } else { "System" };
    Event {
        provider: record.source,
        channel,
        computer: record.computer.to_owned(),
        event_id: u16::try_from(record.event_id & 0xffff).unwrap(),
        qualifiers: u16::try_from(record.event_id >> 16).ok(),
        version: 0,
        task: 2,
        keywords: if record.kind == 16 { 0x8010_0000_0000_0000 } else { 0x8020_0000_0000_0000 },
        time: 134_000_000_000_000_000,
        record: record.number.into(),
        body: Body::Unnamed(record.strings.iter().map(|s| Scalar::Text(s.clone())).collect()),
    }
}

/// The filter of Server 2003 with labels of a language: twelve lines.
fn filter(labels: &[&str; 12], space: &str) -> String {
    let values = [
        "10.0.0.5",
        "255.255.255.255",
        "10.0.0.9",
        "255.255.255.255",
        "0",
        "0",
        "0",
        "10.0.0.5",
        "10.0.0.9",
        "500",
        "500",
        "",
    ];
    labels.iter().zip(values).map(|(label, value)| format!("{label}{space}{value}\r\n")).collect()
}

const ENGLISH: [&str; 12] = [
    "Source IP Address",
    "Source IP Address Mask",
    "Destination IP Address",
    "Destination IP Address Mask",
    "Protocol",
    "Source Port",
    "Destination Port",
    "IKE Local Addr",
    "IKE Peer Addr",
    "IKE Source Port",
    "IKE Destination Port",
    "Peer Private Addr",
];
const GERMAN: [&str; 12] = [
    "Quell-IP-Adresse",
    "Quell-IP-Adressmaske",
    "Ziel-IP-Adresse",
    "Ziel-IP-Adressmaske",
    "Protokoll",
    "Quellport",
    "Zielport",
    "Lokale IKE-Adresse",
    "IKE-Peeradresse",
    "IKE-Quellport",
    "IKE-Zielport",
    "Private Peeradresse",
];
const JAPANESE: [&str; 12] = [
    "発信元 IP アドレス",
    "発信元 IP アドレス マスク",
    "宛先 IP アドレス",
    "宛先 IP アドレス マスク",
    "プロトコル",
    "発信元ポート",
    "宛先ポート",
    "IKE ローカル アドレス",
    "IKE ピア アドレス",
    "IKE 発信元ポート",
    "IKE 宛先ポート",
    "ピア プライベート アドレス",
];

#[test]
fn english_german_and_japanese_logs_give_the_same() {
    let modes = ["Data Protection Mode (Quick Mode)", "Datenschutzmodus", "データ保護モード"];
    let mut reported = Vec::new();
    for (labels, mode) in [ENGLISH, GERMAN, JAPANESE].iter().zip(modes) {
        let parameters: String = ["Triple DES CBC", "SHA", "-", "x", "3471564922 (0xceebe07a)"]
            .iter()
            .chain(&["3343267004 (0xc74634bc)", "3600", "100000"])
            .map(|value| format!("{} {value}\r\n", labels[4]))
            .collect();
        let filter = filter(labels, " ");
        let up = only(record("Security", 541, &[mode, "", &filter, &parameters]));
        assert_eq!(up.category, Category::SaEstablished);
        assert_eq!(
            (up.negotiation().and_then(|reported| reported.mode), up.inbound_spi()),
            (Some(Mode::Quick), Some(0xceeb_e07a))
        );
        assert_eq!(up.outbound_spi(), Some(0xc746_34bc));
        reported.push((up.local(), up.peer(), up.selector()));
    }
    assert_eq!(reported[0], reported[1]);
    assert_eq!(reported[0], reported[2]);
    assert_eq!(reported[0].0, Some("10.0.0.5".parse().unwrap()));
}

#[test]
fn a_failure_in_another_language_keeps_its_reason_as_it_was_written() {
    let filter = filter(&JAPANESE, ":");
    let reason = "ピアからの応答がありません。\r\n";
    let strings =
        ["キー交換モード", &filter, "ピア IP アドレス: 10.0.0.9", "自分", reason, "状態 1\r\n"];
    let failed = only(record("Security", 547, &strings));
    assert_eq!(failed.local(), Some("10.0.0.5".parse().unwrap()));
    assert_eq!(failed.peer(), Some("10.0.0.9".parse().unwrap()));
    // What is not understood is not guessed.
    let reported = failed.negotiation().unwrap();
    assert_eq!((reported.mode, reported.failure_point, failed.error), (None, None, None));
    assert_eq!(failed.reason, Some(Reason::Other));
    assert_eq!(reported.state.as_deref(), Some("状態 1"));
    assert!(failed.fields.contains(&("FailureReason".to_owned(), reason.trim().to_owned())));
}

#[test]
fn what_a_proposal_lacked_and_who_the_peer_was_are_kept() {
    let filter = filter(&ENGLISH, " ");
    let strings = ["Key Exchange Mode (Main Mode)", &filter, "Phase I Encryption", "3DES", "DES"];
    let refused = only(record("Security", 546, &strings));
    let mode = refused.negotiation().and_then(|reported| reported.mode);
    assert_eq!((mode, refused.reason), (Some(Mode::Main), Some(Reason::NoProposalChosen)));
    for (name, value) in
        [("Attribute", "Phase I Encryption"), ("ExpectedValue", "3DES"), ("ReceivedValue", "DES")]
    {
        assert!(refused.fields.contains(&(name.to_owned(), value.to_owned())), "{name}");
    }
    let untrusted = only(record("Security", 544, &["Peer Subject: CN=fs01", &filter]));
    assert_eq!(untrusted.reason, Some(Reason::CertificateInvalid));
    assert!(
        untrusted.fields.contains(&("PeerIdentity".to_owned(), "Peer Subject: CN=fs01".to_owned()))
    );
}

#[test]
fn drops_name_the_sender_and_their_number() {
    let dropped = only(record("Security", 867, &["10.0.0.9", "0", "17"]));
    assert_eq!(dropped.category, Category::CleartextObserved);
    assert_eq!((dropped.peer(), packets(&dropped)), (Some("10.0.0.9".parse().unwrap()), Some(17)));
    // The driver's first string is the device, empty as a rule.
    let clear = only(record("IPSec", 0xC000_10BC, &["", "3", "10.0.0.9"]));
    assert_eq!((clear.event_id, clear.category), (4284, Category::CleartextObserved));
    assert_eq!((clear.peer(), packets(&clear)), (Some("10.0.0.9".parse().unwrap()), Some(3)));
    let refused = only(record("IPSec", 0xC000_10C1, &["", "10.0.0.7"]));
    assert_eq!(refused.peer(), Some("10.0.0.7".parse().unwrap()));
    let outbound =
        only(record("IPSec", 0x4000_10C3, &["", "10.0.0.5", "10.0.0.9", "6", "1", "80"]));
    assert_eq!(outbound.local(), Some("10.0.0.5".parse().unwrap()));
    assert_eq!(outbound.peer(), Some("10.0.0.9".parse().unwrap()));
    let lost = only(record("Security", 516, &["42"]));
    assert_eq!(packets(&lost), Some(42));
}

#[test]
fn an_sa_without_algorithms_is_permitted_clear_text() {
    let parameters = "ESP Algorithm None\r\nHMAC Algorithm None\r\nAH Algorithm None\r\nEncapsulation Transport Mode\r\n";
    let filter = filter(&ENGLISH, " ");
    let soft = only(record("Security", 541, &["(Quick Mode)", "", &filter, parameters]));
    assert_eq!(soft.category, Category::CleartextPermitted);
    assert_eq!(soft.reason, Some(Reason::FallbackToClear));
}
