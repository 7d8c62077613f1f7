//! Two captures against each other, as evidence and as reports.

use crate::support::program::{plainsight, run_analyze};
use plainsight::report::schema::Comparison;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

fn compared(before: &Path, after: &Path, options: &[&str]) -> Comparison {
    let mut command = plainsight();
    command.arg("compare").args([before, after]).args(options).arg("--json");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn changes(comparison: &Comparison) -> BTreeMap<(&str, &str), &str> {
    let reported = comparison.pairs.iter();
    reported.map(|pair| ((pair.a.as_str(), pair.b.as_str()), pair.change.as_str())).collect()
}

const MISMATCHED: (&str, &str) = ("10.77.3.11", "10.77.3.20");
const HEALTHY: (&str, &str) = ("10.77.1.11", "10.77.1.20");

#[test]
fn a_pair_that_is_gone_is_not_mended() {
    let comparison = compared(&sample("psk_mismatch"), &sample("healthy"), &[]);
    let reported = changes(&comparison);
    assert_eq!(reported.get(&MISMATCHED), Some(&"not_seen_after"));
    assert_eq!(reported.get(&HEALTHY), Some(&"newly_protected"));
    let leaked = comparison.pairs.iter().find(|pair| pair.a == MISMATCHED.0).unwrap();
    let before = leaked.before.as_ref().unwrap();
    assert_eq!((before.windows, before.leaked, before.protected), (1, 152, 109));
    assert!(leaked.after.is_none());
}

#[test]
fn the_same_evidence_stays_what_it_is() {
    let samples =
        [("psk_mismatch", MISMATCHED, "still_open"), ("healthy", HEALTHY, "still_protected")];
    for (name, pair, change) in samples {
        let comparison = compared(&sample(name), &sample(name), &[]);
        assert_eq!(changes(&comparison), [(pair, change)].into(), "{name}");
    }
}

#[test]
fn what_one_side_shows_is_required_on_the_other() {
    // The first half of a capture protected, the second clear: cut in two, the second alone shows no IPsec.
    let folder = tempfile::tempdir().unwrap();
    let (protected, clear) = (folder.path().join("1.pcap"), folder.path().join("2.pcap"));
    std::fs::File::create(&protected)
        .and_then(|mut f| std::io::Write::write_all(&mut f, &capture(50, 0)))
        .unwrap();
    std::fs::File::create(&clear)
        .and_then(|mut f| std::io::Write::write_all(&mut f, &capture(6, 100)))
        .unwrap();
    let pair = ("10.0.0.1", "10.0.0.2");
    let reported = |before: &Path, after: &Path| {
        changes(&compared(before, after, &[])).get(&pair).copied().map(str::to_owned)
    };
    assert_eq!(reported(&protected, &clear).as_deref(), Some("opened"));
    assert_eq!(reported(&clear, &protected).as_deref(), Some("closed"));
    // A report cannot be judged again.
    let (output, place) = run_analyze(&[&clear], &[]);
    assert!(output.status.success());
    let report = place.path().join("report");
    assert_eq!(reported(&protected, &report).as_deref(), Some("clear_unjudged"));
    assert_eq!(
        reported(&report.join("report.json"), &protected).as_deref(),
        Some("clear_unjudged")
    );
}

/// Twenty packets of one protocol between two hosts: ESP, or TCP in clear.
fn capture(protocol: u8, second: u32) -> Vec<u8> {
    use crate::support::pcapng::{Order, pcap};
    let frames: Vec<Vec<u8>> = (0u32..20)
        .map(|number| {
            let mut frame = Vec::new();
            let builder = etherparse::PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(
                [10, 0, 0, 1],
                [10, 0, 0, 2],
                64,
            );
            if protocol == 6 {
                builder.tcp(40_000, 445, number, 1000).write(&mut frame, b"abc").unwrap();
            } else {
                // What a cipher puts out looks like noise.
                let mut state = 0x9e37_79b9u32.wrapping_mul(number + 1);
                let noise = std::iter::repeat_with(|| {
                    state ^= state << 13;
                    state ^= state >> 17;
                    state ^= state << 5;
                    state.to_be_bytes()[1]
                });
                let noise: Vec<u8> = noise.take(64).collect();
                let number = (number + 1).to_be_bytes();
                let body = [&[0xc0, 0, 0, 7][..], &number, &noise].concat();
                builder.write(&mut frame, etherparse::IpNumber(protocol), &body).unwrap();
            }
            frame
        })
        .collect();
    let records: Vec<(u32, u32, &[u8])> = (0..)
        .zip(&frames)
        .map(|(number, frame)| (1_795_420_800 + second, number * 1000, frame.as_slice()))
        .collect();
    pcap(Order::Little, 0xa1b2_c3d4, &records)
}

#[test]
fn the_text_says_what_a_change_means() {
    let output = plainsight()
        .arg("compare")
        .args([sample("psk_mismatch"), sample("healthy")])
        .output()
        .unwrap();
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn the_page_shows_what_the_json_holds_and_loads_nothing() {
    let sides = [sample("psk_mismatch"), sample("healthy")];
    let output = plainsight().arg("compare").args(&sides).arg("--html").output().unwrap();
    assert!(output.status.success());
    let page = String::from_utf8(output.stdout).unwrap();
    let comparison = compared(&sides[0], &sides[1], &[]);
    assert!(!comparison.pairs.is_empty());
    for pair in &comparison.pairs {
        assert!(page.contains(&format!("<section class=\"{}\"", pair.change)));
        assert!(page.contains(&pair.meaning));
        assert_eq!(page.matches(&format!("{} - {}<", pair.a, pair.b)).count(), 2);
    }
    let leaked =
        "<td class=\"number\">1</td><td class=\"number\">152</td><td class=\"number\">109</td>";
    assert!(page.contains(leaked), "{page}");
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let digest = plainsight::evidence::sha256_digest(style.as_bytes());
    let digest = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest);
    assert!(page.contains(&format!("style-src &#39;sha256-{digest}&#39;")));
    for foreign in ["<script", "http:", "https:", "src=", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn nothing_of_a_forged_report_steers_the_page() {
    let (output, place) = run_analyze(&[&sample("psk_mismatch")], &[]);
    assert!(output.status.success());
    let path = place.path().join("report/report.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let forged = text.replace("10.77.3.11", "<script>alert(1)</script>");
    let forged = forged.replace("\"partially_protected\"", "\"\\\" onload=\\\"x<b>\"");
    let mut file = std::fs::File::create(&path).unwrap();
    std::io::Write::write_all(&mut file, forged.as_bytes()).unwrap();
    let output = plainsight().arg("compare").args([&path, &path]).arg("--html").output().unwrap();
    assert!(output.status.success());
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.contains("&#60;script&#62;alert(1)"), "{page}");
    assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("\" onload"));
}
