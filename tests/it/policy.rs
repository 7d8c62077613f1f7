//! `plainsight policy`: what it says of rules and packets, what it imports, what it proposes.

use crate::support::ike_builder::{capture, udp, write};
use crate::support::program::{analyze, plainsight};
use plainsight::hosts::HostPair;
use plainsight::policy::{Action, AskedPacket, Expectation, Level, Policy, parse};
use plainsight::report::schema::Report;
use predicates::str::contains;
use std::path::{Path, PathBuf};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Imports a file of the fuzzing corpus; gives the policy and what was reported about it.
fn imported(name: &str, options: &[&str]) -> (String, Policy, String) {
    let file = root("fuzz/corpus/policy_import").join(name);
    let mut command = plainsight();
    let output = command.args(["policy", "import"]).arg(file).args(options).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let toml = String::from_utf8(output.stdout).unwrap();
    let policy = parse(&toml).unwrap();
    (toml, policy, String::from_utf8(output.stderr).unwrap())
}

fn required(policy: &Policy, packet: &str, port: Option<u16>) -> Expectation {
    let packet: AskedPacket = packet.parse().unwrap();
    let pair = HostPair::new(packet.source, packet.destination);
    policy.of_traffic((pair, None), packet.protocol, port).0
}

const ENCRYPT: Expectation = Expectation::Required(Level::Encrypt);
const AUTHENTICATE: Expectation = Expectation::Required(Level::Authenticate);

#[test]
fn check_lists_rules_and_packets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    let text = std::fs::read(root("fuzz/corpus/policy/every_key.toml")).unwrap();
    std::io::Write::write_all(&mut std::fs::File::create(&file).unwrap(), &text).unwrap();
    let packets = [
        "10.0.0.1:1025>10.0.1.5:445/tcp",
        "10.0.0.1:1025>10.0.0.53:53/udp",
        "10.9.0.1:1025>10.9.0.2:80/tcp",
        "10.0.0.1>224.0.0.1/udp",
    ];
    let packet = |packet: &'static str| ["--packet", packet];
    let mut command = plainsight();
    command.args(["policy", "check"]).arg(&file);
    command.args(packets.into_iter().take(3).flat_map(packet));
    let output = command.output().unwrap();
    insta::assert_snapshot!("policy_check", String::from_utf8(output.stdout).unwrap());
    let mut command = plainsight();
    command.args(["policy", "check", "--json"]).arg(&file).args(packet(packets[0]));
    let json: serde_json::Value =
        serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert_eq!(json["packets"][0]["owes"], "encryption by ESP");
    assert_eq!(json["rules"].as_array().unwrap().len(), 3);
    let mut command = plainsight();
    command.args(["policy", "check"]).arg(&file).args(packet(packets[3]));
    command.assert().code(2).stderr(contains("needs a port on both sides"));
}

#[test]
fn a_wrong_policy_and_a_wrong_export_are_usage_errors() {
    let corpus = root("fuzz/corpus/policy/wrong_level.toml");
    plainsight().args(["policy", "check"]).arg(corpus).assert().code(2);
    let capture = root("samples/healthy/capture.pcap");
    let assert = plainsight().args(["policy", "import"]).arg(capture).assert();
    assert.code(2).stderr(contains("hint: "));
    plainsight().args(["policy", "import", "no such file"]).assert().code(2);
}

#[test]
fn netsh_scripts_are_translated_and_never_overstated() {
    let (toml, policy, reported) = imported("server.netsh", &["--me", "10.0.0.5"]);
    assert_eq!(required(&policy, "10.0.0.5:9>10.0.0.7:445/tcp", Some(445)), ENCRYPT);
    assert_eq!(required(&policy, "10.0.0.5:9>10.0.9.2:445/tcp", Some(445)), ENCRYPT);
    assert_eq!(required(&policy, "10.0.0.5:9>10.0.9.3:445/tcp", Some(445)), Expectation::None);
    assert_eq!(required(&policy, "10.0.0.5:9>10.0.0.7:80/tcp", Some(80)), Expectation::None);
    // soft=yes lets clear text pass.
    assert_eq!(required(&policy, "10.0.0.5:9>10.0.8.7:80/tcp", Some(80)), Expectation::Exempt);
    for word in ["soft=yes", "\"DNS\" is not an address", "not activated"] {
        assert!(reported.contains(word) && toml.contains(word), "{word}\n{reported}");
    }
    assert!(toml.contains("no_default_exempt = 1"));
    assert!(!toml.contains("never told") && !reported.contains("never told"));
}

#[test]
fn netsh_dumps_keep_their_contexts() {
    let (toml, policy, _) = imported("dump.netsh", &[]);
    assert_eq!(required(&policy, "10.1.0.1:9>10.2.0.1:80/tcp", Some(80)), ENCRYPT);
    assert_eq!(required(&policy, "10.0.0.5:9>10.9.0.1:1812/udp", Some(1812)), AUTHENTICATE);
    assert_eq!(required(&policy, "fd00::5>fd00::9/47", None), Expectation::Exempt);
    assert!(toml.contains("assigns no policy"));
}

#[test]
fn filters_of_one_direction_protect_only_in_pairs() {
    let script = "netsh ipsec static add filter filterlist=l srcaddr=10.0.0.1 dstaddr=10.0.0.2 mirrored=no\n\
                  netsh ipsec static add filteraction name=a qmsec=ESP[3DES,SHA1]\n\
                  netsh ipsec static add rule name=r policy=p filterlist=l filteraction=a\n\
                  netsh ipsec static add rule name=gone policy=p filterlist=l filteraction=a\n\
                  netsh ipsec static delete rule name=gone policy=p\n";
    let one = plainsight::policy::import(script.as_bytes(), &[]).unwrap();
    assert!(parse(&one.toml).unwrap().rules.is_empty());
    assert!(one.notes.iter().any(|note| note.text.contains("one direction only")));
    assert!(!one.toml.contains("gone"));
    let back = "netsh ipsec static add filter filterlist=l srcaddr=10.0.0.2 dstaddr=10.0.0.1 mirrored=no\n";
    let both = plainsight::policy::import(format!("{back}{script}").as_bytes(), &[]).unwrap();
    assert_eq!(required(&parse(&both.toml).unwrap(), "10.0.0.1>10.0.0.2/47", None), ENCRYPT);
}

#[test]
fn connections_of_strongswan_are_translated() {
    let (_, policy, reported) = imported("gateways.ipsec_conf", &["--me", "192.0.2.1"]);
    assert_eq!(required(&policy, "10.1.0.1:9>10.3.0.1:80/tcp", Some(80)), ENCRYPT);
    assert_eq!(required(&policy, "10.1.0.1:9>10.1.0.2:80/tcp", Some(80)), Expectation::Exempt);
    assert_eq!(required(&policy, "192.0.2.1:9>10.0.0.9:445/tcp", Some(445)), ENCRYPT);
    assert_eq!(required(&policy, "192.0.2.1:9>10.0.0.9:80/tcp", Some(80)), Expectation::None);
    for word in ["any host that connects", "vpn.example.org", "ipsec.d", "\"base\": left out"] {
        assert!(reported.contains(word), "{word}\n{reported}");
    }
    let (_, policy, reported) = imported("host.swanctl_conf", &[]);
    assert_eq!(required(&policy, "10.0.0.1:9>10.0.0.2:445/tcp", Some(445)), ENCRYPT);
    assert_eq!(required(&policy, "10.0.0.1:9>10.0.0.2:80/tcp", Some(80)), AUTHENTICATE);
    assert_eq!(required(&policy, "10.0.0.1:9>10.0.0.2:22/tcp", Some(22)), Expectation::Exempt);
    assert!(
        reported.contains("conf.d")
            && reported.contains("blocks")
            && !reported.contains("never told")
    );
}

#[test]
fn an_unnamed_peer_is_nobody_in_a_policy() {
    let conf = "conn hub\n  left=192.0.2.1\n  right=%any\n  rightsubnet=0.0.0.0/0\n  auto=add\n\
                conn pool\n  leftsubnet=0.0.0.0/0\n  right=%any\n  rightsourceip=10.3.0.0/24\n  auto=add\n";
    let imported = plainsight::policy::import(conf.as_bytes(), &[]).unwrap();
    let policy = parse(&imported.toml).unwrap();
    assert_eq!(required(&policy, "192.0.2.1:9>10.9.0.1:80/tcp", Some(80)), Expectation::None);
    assert_eq!(required(&policy, "10.1.0.1:9>10.3.0.1:80/tcp", Some(80)), ENCRYPT);
}

#[test]
fn connection_security_rules_are_translated() {
    let (toml, policy, reported) = imported("rules.json", &["--me", "10.0.0.5", "--me", "fd00::5"]);
    assert_eq!(required(&policy, "10.0.0.5:445>10.0.0.9:9/tcp", Some(445)), AUTHENTICATE);
    assert_eq!(required(&policy, "10.0.0.5:9>10.0.1.9:80/tcp", Some(80)), Expectation::Exempt);
    assert_eq!(required(&policy, "10.0.0.5:9>10.0.0.53:53/udp", Some(53)), Expectation::Exempt);
    assert!(toml.contains("windows-vista"));
    for word in ["\"Bare\": not translated", "\"Off\": left out", "\"Ask\""] {
        assert!(reported.contains(word), "{word}\n{reported}");
    }
}

#[test]
fn init_proposes_what_the_evidence_shows_and_analyze_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let propose = || {
        let mut command = plainsight();
        command.args(["policy", "init"]).arg(root("samples/psk_mismatch"));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let toml = propose();
    assert_eq!(toml, propose());
    insta::assert_snapshot!("policy_init", toml);
    let policy = parse(&toml).unwrap();
    assert_eq!(policy.rules.len(), 1);
    assert_eq!(policy.rules[0].action, Action::Protect(Level::Encrypt));
    let file = folder.path().join("policy.toml");
    std::io::Write::write_all(&mut std::fs::File::create(&file).unwrap(), toml.as_bytes()).unwrap();
    let report = crate::support::program::analyze(
        &[&root("samples/psk_mismatch")],
        &["--policy", file.to_str().unwrap()],
    );
    assert_eq!(report.windows.len(), 1);
    let nothing = tempfile::tempdir().unwrap();
    plainsight().args(["policy", "init"]).arg(nothing.path()).assert().code(4);
}

/// A rule of Windows between the server 10.0.0.5 and its network, with these demands on both directions.
fn windows_rule(inbound: &str, outbound: &str) -> String {
    let rule = serde_json::json!([{
        "DisplayName": "isolation", "Enabled": "True", "Mode": "Transport",
        "InboundSecurity": inbound, "OutboundSecurity": outbound,
        "LocalAddress": ["10.0.0.5"], "RemoteAddress": ["10.0.0.0/24"],
    }]);
    plainsight::policy::import(rule.to_string().as_bytes(), &[]).unwrap().toml
}

#[test]
fn a_rule_of_windows_that_requires_ipsec_one_way_keeps_its_direction() {
    let pair = HostPair::new("10.0.0.5".parse().unwrap(), "10.0.0.9".parse().unwrap());
    let cases = [
        ("Require", "Request", [Expectation::Exempt, AUTHENTICATE]),
        ("Require", "None", [Expectation::Exempt, AUTHENTICATE]),
        ("Request", "Require", [AUTHENTICATE, Expectation::Exempt]),
        ("Require", "Require", [AUTHENTICATE, AUTHENTICATE]),
        ("Request", "Request", [Expectation::Exempt, Expectation::Exempt]),
    ];
    for (inbound, outbound, expected) in cases {
        let policy = parse(&windows_rule(inbound, outbound)).unwrap();
        let required = [pair.a(), pair.b()]
            .map(|opener| policy.of_traffic((pair, Some(opener)), 6, Some(445)).0);
        assert_eq!(required, expected, "{inbound} {outbound}");
        assert_eq!(policy.by_direction(pair).is_some(), expected[0] != expected[1]);
    }
}

#[test]
fn clear_text_that_comes_in_unanswered_is_no_leak_of_a_host_with_inpass() {
    let script = "netsh ipsec static add filter filterlist=l srcaddr=10.0.0.5 dstaddr=any\n\
                  netsh ipsec static add filteraction name=a inpass=yes qmsec=ESP[3DES,SHA1]\n\
                  netsh ipsec static add rule name=r policy=p filterlist=l filteraction=a\n";
    let imported = plainsight::policy::import(script.as_bytes(), &[]).unwrap();
    let report = of_connection(&imported.toml, (9, 5), false);
    assert_eq!(severities(&report), ["low"]);
    let report = of_connection(&imported.toml, (9, 5), true);
    assert_eq!(severities(&report), ["critical"]);
}

#[test]
fn a_connection_is_judged_by_who_opened_it() {
    let policy = windows_rule("Require", "Request");
    let out = of_connection(&policy, (5, 9), true);
    assert!(out.windows.is_empty());
    let pair = &out.pairs[0];
    let directed: Vec<_> = pair
        .expectation_by_direction
        .iter()
        .map(|of| (of.opened_by.as_str(), of.expectation.as_str()))
        .collect();
    assert_eq!(directed, [("10.0.0.5", "exempt"), ("10.0.0.9", "required")]);
    assert_eq!(severities(&of_connection(&policy, (9, 5), true)), ["critical"]);
    assert_eq!(severities(&of_connection(&policy, (9, 5), false)), ["low"]);
}

/// Questions to UDP port 514 that the first host sends to the second, under a policy.
fn of_connection(policy: &str, (client, server): (u8, u8), answered: bool) -> Report {
    let mut frames = Vec::new();
    for n in 0..10 {
        frames.push((n * 100, udp(client, server, (50_000, 514), b"a question in clear")));
        if answered {
            frames.push((n * 100 + 5, udp(server, client, (514, 50_000), b"and its answer")));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let paths = ["made.pcap", "policy.toml"].map(|name| folder.path().join(name));
    write(&paths[0], &capture(&frames));
    write(&paths[1], policy.as_bytes());
    analyze(&[&paths[0]], &["--policy", paths[1].to_str().unwrap()])
}

fn severities(report: &Report) -> Vec<&str> {
    let windows = report.findings.iter().filter(|f| f.code == "cleartext_window");
    windows.map(|finding| finding.severity.as_str()).collect()
}
