//! Which traffic of two gateways is their own, and where a capture was taken: none of these captures is one of those that
//! the rules were made for.

use super::{Frames, beside, both, esp, ip, numbers};
use crate::support::ike_builder::{capture, udp, write};
use crate::support::program::analyze;
use plainsight::report::schema::Report;

const LENGTHS: [usize; 5] = [20, 300, 41, 900, 160];

/// Packets of the gateways under an SPI that shows no copies, from a point on.
fn own_esp(from: u32, spi: u32) -> Frames {
    let mut any = numbers();
    let packet = |n: u32| esp(spi, n + 1, 60 + 4 * (n as usize * 7 % 50), &mut any);
    let packets = (0..40u32).map(packet).collect::<Vec<_>>();
    (from..).step_by(25).zip(packets).map(|(at, packet)| (at, ip(1, 2, 50, &packet))).collect()
}

/// Clear text of the gateways themselves.
fn own_clear(from: u32) -> Frames {
    (0..12).map(|n| (from + n * 40, udp(1, 2, (50_000, 179), b"of their own"))).collect()
}

fn windows_of_the_gateways(report: &Report) -> usize {
    let own = |window: &&plainsight::report::schema::Window| {
        (window.a.as_str(), window.b.as_str()) == ("10.0.0.1", "10.0.0.2")
    };
    report.windows.iter().filter(own).count()
}

#[test]
fn a_tunnel_of_two_hosts_excuses_no_other_security_association_of_theirs() {
    let tunnel = || both(9, &LENGTHS);
    // Ordinary: a tunnel, and BGP beside it.
    let report = beside([tunnel(), own_clear(3_000)].concat(), &[]);
    assert_eq!(windows_of_the_gateways(&report), 0);
    // Beside the tunnel, ESP of which nothing shows that it carries others; then clear text.
    let report = beside([tunnel(), own_esp(2_450, 0x7711_0001), own_clear(4_000)].concat(), &[]);
    assert_eq!(windows_of_the_gateways(&report), 1, "{:?}", report.verdict);
    let found = report.findings.iter().filter(|found| found.code == "cleartext_window");
    let severities: Vec<&str> = found.map(|found| found.severity.as_str()).collect();
    assert!(
        severities.iter().all(|severity| ["medium", "low"].contains(severity)),
        "{severities:?}"
    );
}

/// The gateways' ESP under one SPI or two, and a record of a tunnel under the first.
fn logged(spis: &[u32]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let esp = (0..).step_by(1_000).zip(spis).flat_map(|(from, spi)| own_esp(from, *spi));
    let frames: Frames = esp.chain(own_clear(5_000)).collect();
    write(&folder.path().join("wire.pcap"), &capture(&frames));
    let fields = [
        ("LocalAddress", "10.1.0.0"),
        ("LocalAddressMask", "255.255.0.0"),
        ("LocalTunnelEndpoint", "10.0.0.1"),
        ("RemoteAddress", "10.2.0.0"),
        ("RemoteAddressMask", "255.255.0.0"),
        ("RemoteTunnelEndpoint", "10.0.0.2"),
        ("Mode", "Tunnel"),
        ("OutboundSpi", "573767681"),
        ("InboundSpi", "573767682"),
    ];
    let fields: String =
        fields.iter().map(|(name, value)| format!("<Data Name='{name}'>{value}</Data>")).collect();
    let event = format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider \
         Name='Microsoft-Windows-Security-Auditing'/><EventID>5451</EventID><Version>0</Version>\
         <Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='1970-01-01T00:16:40.0Z'/>\
         <EventRecordID>7</EventRecordID><Channel>Security</Channel><Computer>GW</Computer></System>\
         <EventData>{fields}</EventData></Event>"
    );
    write(&folder.path().join("GW-Security.xml"), event.as_bytes());
    analyze(&[folder.path()], &[])
}

#[test]
fn a_record_of_a_tunnel_speaks_of_the_spis_that_it_names() {
    assert_eq!(windows_of_the_gateways(&logged(&[0x2233_0001])), 0);
    assert_eq!(windows_of_the_gateways(&logged(&[0x2233_0001, 0x2299_0001])), 1);
    assert_eq!(windows_of_the_gateways(&logged(&[0x2299_0001])), 1);
}

/// ESP of two hosts, each packet followed by what it holds.
fn copies() -> Frames {
    let mut any = numbers();
    let mut frames = Frames::new();
    for n in 0..40u32 {
        let clear = udp(2, 1, (445, 40_000), &any.bytes(60 + 7 * (n as usize % 20)));
        let padded = (clear.len() - 34 + 2).next_multiple_of(4);
        frames.push((n * 100, ip(2, 1, 50, &esp(0x2300_0001, n + 1, padded + 20, &mut any))));
        frames.push((n * 100 + 1, clear));
    }
    frames
}

#[test]
fn where_nothing_is_decrypted_a_clear_packet_is_no_decrypted_copy() {
    let stated = |frames: Frames, vantage: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.pcap");
        write(&path, &capture(&frames));
        analyze(&[&path], &["--vantage", &format!("c.pcap={vantage}")])
    };
    for (vantage, windows) in [("host", 0), ("wan", 1), ("mirror", 1)] {
        assert_eq!(stated(copies(), vantage).windows.len(), windows, "{vantage}");
    }
    // A mirror of both sides of a gateway: other stations send what is clear. The limit says what the verdict rests on.
    let mirror = stated(both(9, &LENGTHS), "mirror");
    assert!(mirror.windows.is_empty());
    assert_eq!(mirror.totals.artefacts["decrypted_twin"].frames, 48);
    let is_limit = |report: &Report| report.verdict_limits.iter().any(|one| one.code == "vantage");
    assert!(is_limit(&beside(copies(), &[])) && !is_limit(&stated(copies(), "wan")));
}
