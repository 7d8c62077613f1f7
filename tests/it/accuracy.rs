//! What the program says of the laboratory and of public captures is the truth.

use crate::support::{ike_truth, shared, truth};

#[test]
fn the_report_of_the_laboratory_is_the_truth() {
    let Some(shared) = shared("the laboratory") else { return };
    let rows = truth::scenarios(&shared.join("lab"));
    assert!(rows.len() >= 16, "{}", rows.len());
    let misses: Vec<String> = rows
        .iter()
        .flat_map(|row| row.cells().map(|cell| (row, cell)))
        .filter(|(_, cell)| cell.is_miss())
        .map(|(row, cell)| format!("{} {} ({}): {cell}", row.scenario, row.capture, row.verdict))
        .collect();
    assert_eq!(misses, Vec::<String>::new());
}

#[test]
fn a_gateways_capture_shows_the_windows_of_the_wire() {
    let Some(shared) = shared("the laboratory's gateways") else { return };
    let folder = shared.join("lab/10a_tunnel_gateways");
    let windows = |capture: &str| {
        let mut policy = plainsight::policy::Policy::default();
        let (one, other) = ("10.10.1.0/24".parse().unwrap(), "10.10.2.0/24".parse().unwrap());
        policy.protect(one, other, "10.10.1.0/24=10.10.2.0/24");
        let report = truth::report(vec![folder.join(capture)], policy);
        let of = |w: &plainsight::report::schema::Window| (w.a.clone(), w.b.clone(), w.frames);
        (report.windows.iter().map(of).collect::<Vec<_>>(), report.totals.artefacts)
    };
    let (on_the_wire, none) = windows("capture.pcap");
    let (on_the_gateway, decrypted_copies) = windows("capture_gwA_eth0.pcap");
    assert_eq!(on_the_gateway, on_the_wire);
    assert!(none.is_empty());
    assert_eq!(decrypted_copies["decrypted_twin"].frames, 2852);
}

/// Captures whose counts differ from tshark's on purpose; docs/accuracy.md says why.
const EXPLAINED: [&str; 8] = [
    // Frames 5 and 8 are UDP 4500 with 24 equal bytes behind SPI and number: no cipher wrote them.
    "arkime_arkime__tests__pcap__ike-cert_synthetic.pcap",
    // AH around ESP counts by what AH carries: esp, where tshark's outermost layer is ah.
    "corelight_zeek-spicy-ipsec__tests__traces__IPsec_ESP-AH_tunnel_mode.cap",
    // tshark lists custom blocks as frames; they hold no packet, and only their numbers count.
    "hadrielk_pcapng-test-generator__output_be__basic__test017.pcapng",
    "hadrielk_pcapng-test-generator__output_be__basic__test018.pcapng",
    "hadrielk_pcapng-test-generator__output_le__basic__test017.pcapng",
    "hadrielk_pcapng-test-generator__output_le__basic__test018.pcapng",
    // Frame 1 of each is on UDP 500 and has no IKE header: version 11.14, and cookies of zero.
    "the-tcpdump-group_tcpdump__tests__isakmp-delete-segfault.pcap",
    "the-tcpdump-group_tcpdump__tests__isakmp-no-none-np.pcapng",
];

#[test]
fn public_captures_have_the_counts_that_tshark_gives() {
    let Some(shared) = shared("public captures") else { return };
    let rows = truth::public(&shared.join("data/public"));
    assert!(rows.len() >= 60, "{}", rows.len());
    let differ: Vec<&str> =
        rows.iter().filter(|row| row.counts.is_miss()).map(|row| row.file.as_str()).collect();
    assert_eq!(differ, EXPLAINED);
}

/// Frames on UDP 500 that tshark calls IKE and that have no header of IKE: each is named as a
/// problem instead. docs/accuracy.md says why.
const NOT_IKE: [(&str, u64); 2] = [
    ("the-tcpdump-group_tcpdump__tests__isakmp-delete-segfault.pcap", 1),
    ("the-tcpdump-group_tcpdump__tests__isakmp-no-none-np.pcapng", 1),
];

#[test]
fn public_captures_have_the_ike_messages_that_tshark_gives() {
    let Some(shared) = shared("IKE messages of public captures") else { return };
    let rows = ike_truth::messages(&shared.join("data/public"));
    assert!(rows.iter().map(|row| row.messages).sum::<usize>() >= 70);
    let differ: Vec<(&str, u64)> = rows
        .iter()
        .flat_map(|row| row.differ.iter().map(|(frame, _)| (row.file.as_str(), *frame)))
        .collect();
    assert_eq!(differ, NOT_IKE, "{rows:?}");
}

#[test]
fn malformed_public_captures_end_in_a_problem_with_frame_and_offset() {
    let Some(shared) = shared("malformed public captures") else { return };
    for file in [
        "the-tcpdump-group_tcpdump__tests__isakmp-pointer-loop.pcap",
        "the-tcpdump-group_tcpdump__tests__isakmp-delete-segfault.pcap",
        "the-tcpdump-group_tcpdump__tests__isakmp-no-none-np.pcapng",
        "corelight_zeek-spicy-ipsec__tests__traces__ipsec-ikev1-payload-bad-length.pcap",
    ] {
        let path = shared.join("data/public").join(file);
        let report = truth::report(vec![path], plainsight::policy::Policy::default());
        let reported = report.evidence[0].problems.iter().find(|p| p.code == "malformed_ike");
        let reported = reported.unwrap_or_else(|| panic!("{file} has no problem"));
        assert_eq!(reported.frame, Some(1), "{file}");
        assert!(reported.offset.is_some(), "{file}");
    }
}

#[test]
fn every_attempt_of_the_laboratory_has_its_outcome() {
    let Some(shared) = shared("the laboratory's attempts") else { return };
    let rows = ike_truth::attempts(&shared.join("lab"));
    assert!(rows.len() >= 35, "{}", rows.len());
    let misses: Vec<String> = rows
        .iter()
        .filter(|row| row.messages.is_miss() || row.outcome.is_miss())
        .map(|r| format!("{} {}: {}, {}", r.scenario, r.initiator_spi, r.messages, r.outcome))
        .collect();
    assert_eq!(misses, Vec::<String>::new());
}

#[test]
fn a_capture_taken_on_a_host_is_known_by_packets_that_no_network_carries() {
    let Some(shared) = shared("the capture with segmentation offload") else { return };
    let vantage = |capture: &str| {
        let path = shared.join("lab").join(capture).join("capture.pcap");
        let report = truth::report(vec![path], plainsight::policy::Policy::default());
        report.evidence[0].vantage.clone()
    };
    assert_eq!(vantage("07d_hostside_gso").as_deref(), Some("host"));
    assert_eq!(vantage("07_stop_start"), None);
}
