//! What refutes a cause, and what a cause takes for granted: each rule beside evidence that speaks against it, and
//! beside ordinary evidence whose cause stays as sure as it was.

use crate::record_ties::{IKEEXT, Record, SPIS, opened, report, sa, service, silent_sa, xml};
use crate::support::ike_builder::{Message, clear, init, on_500};
use crate::support::two_hosts::{
    Frames, Suite, established, flow, icmp_error, only_window, reasons, refused, talk,
};
use etherparse::PacketBuilder;
use plainsight::report::schema::{Report, Window};

/// A Delete of one SPI under AES-GCM, by the host that logs.
fn deleted(ms: u32) -> Frames {
    let message = Message::v2_encrypted(37, 0, 37);
    let (asked, done) =
        (Message { flags: 0, ..message.clone() }, Message { flags: 0x28, ..message });
    vec![(ms, on_500(false, &asked)), (ms + 5, on_500(true, &done))]
}

/// The confidence of a reason in the opening.
fn opening<'w>(window: &'w Window, reason: &str) -> Option<&'w str> {
    opened(window).into_iter().find(|(known, _)| *known == reason).map(|(_, sure)| sure)
}

/// ESP until 5 s, then a Delete that a log records, and clear text; beside it one record of the policy.
fn beside_record(policy: Record, delete_at: u32, port: u16) -> Report {
    let at = i64::from(delete_at);
    let records = [sa(100, 60, 5451, SPIS, port), policy, sa(120, at + 1, 5452, SPIS, port)];
    let frames = [
        established(Suite::Gcm),
        flow(100, 5_000, SPIS),
        deleted(delete_at),
        talk(delete_at + 400, delete_at + 8_000),
    ];
    report(&frames, &[("Security.xml", xml("Security", &records))])
}

fn named(id: u16, ms: i64) -> Record {
    let data = match id {
        5040..=5042 => vec![("AuthenticationSetName", "old".to_owned())],
        5043..=5045 => vec![("ConnectionSecurityRuleName", "Servers".to_owned())],
        _ => vec![("Policy", "Servers".to_owned())],
    };
    (110, ms, id, data)
}

#[test]
fn a_policy_that_was_applied_did_not_change() {
    // Changed, and the host deleted its SAs at once.
    for id in [5464, 5044, 5045] {
        let found = beside_record(named(id, 4_900), 5_050, 0);
        assert_eq!(opened(only_window(&found))[0], ("policy_changed", "high"), "{id}");
    }
    // Applied, loaded, read again; a set of credentials.
    for id in [5456, 5458, 5460, 5465, 5471, 5473, 5042] {
        let found = beside_record(named(id, 4_900), 5_050, 0);
        let window = only_window(&found);
        assert_eq!(opened(window)[0], ("sa_deleted", "high"), "{id}");
        assert_eq!(opening(window, "policy_changed"), Some("medium"), "{id}");
    }
    // Filters that could not be set change nothing of the policy.
    for id in [5480, 5485] {
        let found = beside_record(named(id, 4_900), 5_050, 0);
        assert_eq!(opening(only_window(&found), "policy_changed"), None, "{id}");
    }
}

#[test]
fn an_idle_timer_is_no_change_of_policy() {
    for (id, before, sure) in [(5456, 8_000, "low"), (5464, 8_000, "low"), (5464, 500, "medium")] {
        let found = beside_record(named(id, 306_000 - before), 306_000, 0);
        let window = only_window(&found);
        assert_eq!(opened(window)[0], ("sa_expired_idle", "high"), "{id} {before}");
        assert_eq!(opening(window, "policy_changed"), Some(sure), "{id} {before}");
    }
    // What had not rested for so long; five seconds are not at once.
    let late = beside_record(named(5464, 4_000), 9_000, 0);
    assert_eq!(opening(only_window(&late), "policy_changed"), Some("medium"));
}

#[test]
fn a_policy_record_alone_is_no_more_than_medium() {
    let of = |id| {
        let records = [sa(100, 60, 5451, SPIS, 0), named(id, 5_100)];
        report(&silent_sa(), &[("Security.xml", xml("Security", &records))])
    };
    assert_eq!(opening(only_window(&of(5044)), "policy_changed"), Some("medium"));
    for id in [5456, 5460, 5042] {
        assert_eq!(opening(only_window(&of(id)), "policy_changed"), Some("low"), "{id}");
    }
}

#[test]
fn the_end_of_an_sa_for_other_traffic_opened_nothing() {
    let all = beside_record(named(5463, 4_900), 5_050, 0);
    assert_eq!(opened(only_window(&all)), [("sa_deleted", "high")]);
    // The clear text has ports that are not registered; TCP 445 is another service.
    let other = beside_record(named(5463, 4_900), 5_050, 445);
    assert!(only_window(&other).opened_by.is_empty());
    let idle = beside_record(named(5463, 4_900), 306_000, 445);
    assert!(!reasons(&only_window(&idle).causes).contains(&"sa_expired_idle"));
    // Only the log has the end.
    let records = |port| [sa(100, 60, 5451, SPIS, port), sa(120, 5_100, 5452, SPIS, port)];
    let of = |port| {
        let found = report(&silent_sa(), &[("Security.xml", xml("Security", &records(port)))]);
        reasons(&only_window(&found).opened_by).contains(&"sa_deleted")
    };
    assert!(of(0) && !of(445));
}

fn stopped(security: &[Record], system: &[Record]) -> Report {
    let last = service(900, 13_000, "Windows Update", "running");
    let system = xml("System", &[system, &[last]].concat());
    let security = xml("Security", &[&[sa(100, 60, 5451, SPIS, 0)], security].concat());
    report(&silent_sa(), &[("Security.xml", security), ("System.xml", system)])
}

#[test]
fn the_policy_agent_serves_no_sa_of_ikev2() {
    let of = |name| {
        let found = stopped(&[], &[service(500, 4_500, name, "stopped")]);
        let window = only_window(&found).clone();
        let stop = window.causes.iter().find(|c| c.reason == "service_stopped").unwrap().clone();
        (stop.confidence, stop.against.len())
    };
    assert_eq!(of("IPsec Policy Agent"), ("low".to_owned(), 1));
    for name in [IKEEXT, "Base Filtering Engine", "Windows Defender Firewall"] {
        assert_eq!(of(name), ("high".to_owned(), 0), "{name}");
    }
}

#[test]
fn what_could_not_start_did_not_stop() {
    let of = |id| {
        let error = vec![("Error", "The RPC server is unavailable.".to_owned())];
        let found = stopped(&[(110, 4_500, id, error)], &[]);
        reasons(&only_window(&found).opened_by).contains(&"service_stopped")
    };
    assert!(!of(5483));
    assert!(of(5484));
}

#[test]
fn a_second_card_takes_no_address_away() {
    let other = |address: &str, spis| {
        let (number, ms, id, mut data) = sa(110, 2_000, 5451, spis, 0);
        for (name, value) in &mut data {
            match *name {
                "LocalAddress" => address.clone_into(value),
                "RemoteAddress" => "10.9.9.9".clone_into(value),
                _ => {}
            }
        }
        (number, ms, id, data)
    };
    let stop = || [service(500, 4_500, IKEEXT, "stopped")];
    let high = ("service_stopped", "high");
    // Another network's address, and one of a tunnel: ESP under the first SA goes on behind both.
    for address in ["192.168.7.1", "172.16.0.77", "10.0.0.77"] {
        let found = stopped(&[other(address, (7_001, 7_002))], &stop());
        assert_eq!(opened(only_window(&found)), [high], "{address}");
    }
    // Nothing shows that the first address was kept.
    for address in ["192.168.7.1", "10.0.0.77"] {
        let (_, ms, id, data) = sa(0, -60_000, 5451, (5_001, 5_002), 0);
        let security = xml("Security", &[(90, ms, id, data), other(address, SPIS)]);
        let last = service(900, 13_000, "Windows Update", "running");
        let system = xml("System", &[&stop()[..], &[last]].concat());
        let frames: Vec<Frames> = silent_sa().into_iter().map(stationed).collect();
        let found = report(&frames, &[("Security.xml", security), ("System.xml", system)]);
        assert_ne!(opening(only_window(&found), "service_stopped"), Some("high"), "{address}");
    }
}

/// The same frames, each host with a link-layer address of its own.
fn stationed(mut frames: Frames) -> Frames {
    for (_, frame) in &mut frames {
        let (from, to) = (frame[29], frame[33]);
        frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, to]);
        frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, from]);
    }
    frames
}

#[test]
fn a_refusal_is_compared_with_the_hosts_other_packets() {
    let of = |station: u8, hops: u8, talk: Frames| {
        let mut refusal = stationed(refused(5_200, 0xabcd));
        let (_, answer) = &mut refusal[1];
        answer[11] = station;
        // The checksum of the header is not looked at.
        answer[22] = hops;
        let before = [established(Suite::Gcm), flow(100, 5_000, SPIS)].map(stationed);
        let frames = [&before[..], &[refusal, stationed(talk)]].concat();
        let found = crate::support::two_hosts::report(&frames);
        let cause = &only_window(&found).kept_open_by[0];
        (cause.reason.clone(), cause.confidence.clone())
    };
    let refusal = |sure: &str| ("no_proposal_chosen".to_owned(), sure.to_owned());
    let hops = established(Suite::Gcm)[1].1[22];
    assert_eq!(of(2, hops, talk(5_400, 12_000)), refusal("high"));
    assert_ne!(of(9, hops, talk(5_400, 12_000)).1, "high");
    assert_ne!(of(2, hops - 17, talk(5_400, 12_000)).1, "high");
}

/// Three requests that nobody answers, with an error of the path about each.
fn barred(code: u8) -> Frames {
    let asked = on_500(true, &init().spis(0xabcd, 0));
    let times = [0, 500, 1_500];
    times.iter().flat_map(|ms| [(*ms, asked.clone()), (ms + 2, icmp_error(code, &asked))]).collect()
}

#[test]
fn errors_about_a_host_that_talks_are_refuted_by_its_packets() {
    let of = |frames: &[Frames], reason: &str| {
        let found = crate::support::two_hosts::report(frames);
        let window = only_window(&found);
        let all = window.causes.iter().find(|cause| cause.reason == reason).cloned();
        all.map(|cause| cause.confidence)
    };
    let (low, medium) = (Some("low".to_owned()), Some("medium".to_owned()));
    let to_nobody: Frames = (2_000..12_000).step_by(100).map(|ms| (ms, clear(1, 2))).collect();
    assert_eq!(of(&[barred(1), talk(2_000, 12_000)], "peer_unreachable"), low);
    assert_eq!(of(&[barred(1), to_nobody.clone()], "peer_unreachable"), medium);
    // It came back later.
    assert_eq!(of(&[barred(1), to_nobody, talk(12_000, 14_000)], "peer_unreachable"), medium);
    let answered = refused(1_700, 0xbeef);
    assert_eq!(of(&[barred(13), answered, talk(2_000, 12_000)], "udp_500_blocked"), low);
    assert_eq!(of(&[barred(13), talk(2_000, 12_000)], "udp_500_blocked"), medium);
}

/// A frame of one of two stations with its own link-layer address.
fn framed(from: u8, to: u8) -> etherparse::PacketBuilderStep<etherparse::Ethernet2Header> {
    PacketBuilder::ethernet2([2, 0, 0, 0, 0, from], [2, 0, 0, 0, 0, to])
}

fn over_ipv6(from: u8, to: u8) -> Vec<u8> {
    let address = |host| [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host];
    let mut frame = Vec::new();
    let text = b"in the clear, for all to read";
    framed(from, to)
        .ipv6(address(from), address(to), 64)
        .udp(40_000, 40_001)
        .write(&mut frame, text)
        .unwrap();
    frame
}

#[test]
fn the_other_version_of_ip_of_one_station_is_another_path() {
    let of = |station: u8| {
        let protected = stationed(flow(0, 20_000, SPIS)).into_iter();
        let beside = (5_000..15_000).step_by(100).flat_map(|ms| {
            let [mut there, mut back] = [over_ipv6(1, 2), over_ipv6(2, 1)];
            there[6..12].copy_from_slice(&[2, 0, 0, 0, 0, station]);
            back[..6].copy_from_slice(&[2, 0, 0, 0, 0, station]);
            [(ms + 1, there), (ms + 11, back)]
        });
        let mut frames: Frames = protected.chain(beside).collect();
        frames.sort_by_key(|(ms, _)| *ms);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made.pcap");
        crate::support::ike_builder::write(&path, &crate::support::ike_builder::capture(&frames));
        let mut policy = plainsight::policy::Policy::default();
        let (a, b) = ("fe80::1/128".parse().unwrap(), "fe80::2/128".parse().unwrap());
        policy.protect(a, b, "fe80::1=fe80::2");
        let report = crate::support::truth::report(vec![path], policy);
        let cause = only_window(&report).causes[0].clone();
        (cause.reason, cause.confidence)
    };
    assert_eq!(of(1), ("alternate_path".to_owned(), "medium".to_owned()));
    assert_eq!(of(7).0, "no_ike_attempted");
}

/// ESP until 5 s, rest, and a Delete that a log records, of SAs with a logged lifetime.
fn rested(delete_at: u32, lifetime: &str) -> Vec<(String, String)> {
    let (number, made, id, mut data) = sa(100, 60, 5451, SPIS, 0);
    data.push(("LifetimeSeconds", lifetime.to_owned()));
    let at = i64::from(delete_at);
    let records = [(number, made, id, data), sa(120, at + 1, 5452, SPIS, 0)];
    let frames = [
        established(Suite::Gcm),
        flow(100, 5_000, SPIS),
        deleted(delete_at),
        talk(delete_at + 400, delete_at + 8_000),
    ];
    let found = report(&frames, &[("Security.xml", xml("Security", &records))]);
    let opened = opened(only_window(&found)).into_iter();
    opened.map(|(reason, sure)| (reason.to_owned(), sure.to_owned())).collect()
}

#[test]
fn a_lifetime_that_ended_is_no_idle_timer() {
    let is = |reason: &str, sure: &str| vec![(reason.to_owned(), sure.to_owned())];
    assert_eq!(rested(306_000, "3600"), is("sa_expired_idle", "high"));
    assert_eq!(rested(306_000, "300"), is("sa_deleted", "high"));
    // Longer than the timer is unless it is set.
    assert_eq!(rested(806_000, "28800"), is("sa_expired_idle", "medium"));
    // The default lifetime is an hour, where no log names another one.
    assert_eq!(rested(3_600_000, "28800"), is("sa_expired_idle", "medium"));
    assert_eq!(rested(3_600_000, "-"), is("sa_deleted", "high"));
}

/// A segment of TCP with data, or a SYN.
fn segment(from: u8, to: u8, opens: bool) -> Vec<u8> {
    let ports = if from == 1 { (50_000, 445) } else { (445, 50_000) };
    let step = framed(from, to).ipv4([10, 0, 0, from], [10, 0, 0, to], 64);
    let step = step.tcp(ports.0, ports.1, 777, 64_000);
    let step = if opens { step.syn() } else { step.ack(778) };
    let data: &[u8] = if opens { &[] } else { b"in the clear, for all to read" };
    let mut frame = Vec::new();
    step.write(&mut frame, data).unwrap();
    frame
}

#[test]
fn what_was_under_way_as_the_capture_began_was_opened_by_nothing_that_is_seen() {
    let of = |begins: bool, protected: bool| {
        let first = if protected { 5_400 } else { 2_000 };
        let mut frames: Frames = (first..first + 8_000)
            .step_by(100)
            .flat_map(|ms| [(ms, segment(1, 2, false)), (ms + 10, segment(2, 1, false))])
            .collect();
        if begins {
            frames.insert(0, (first - 1, segment(1, 2, true)));
        }
        let before = if protected { flow(100, 5_000, SPIS) } else { Frames::new() };
        let later = flow(20_000, 26_000, (0x1002, 0x2002));
        let security = xml("Security", &[sa(100, 19_990, 5451, (0x1002, 0x2002), 0)]);
        let stop = service(500, i64::from(first) - 500, IKEEXT, "stopped");
        let start = service(501, 19_000, IKEEXT, "running");
        let system = xml("System", &[stop, start]);
        let logs = [("Security.xml", security), ("System.xml", system)];
        let found = report(&[before, frames, later], &logs);
        let window = &found.windows[0];
        let stop = window.kept_open_by.iter().any(|kept| kept.reason == "service_stopped");
        (window.opened_by.len(), stop)
    };
    assert_eq!(of(true, false), (1, true));
    assert_eq!(of(false, false), (0, true));
    // The connection went on in clear where ESP ended.
    assert_eq!(of(false, true).0, 1);
}
