//! `plainsight policy`: what it says of rules and packets, what it imports, what it proposes.

use crate::support::program::plainsight;
use plainsight::hosts::HostPair;
use plainsight::policy::{Action, AskedPacket, Expectation, Level, Policy, parse};
use predicates::str::contains;
use std::path::{Path, PathBuf};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Imports a file of the fuzzing corpus; gives the policy and what was told about it.
fn imported(name: &str, options: &[&str]) -> (String, Policy, String) {
    let file = root("fuzz/corpus/policy_import").join(name);
    let mut command = plainsight();
    let output = command.args(["policy", "import"]).arg(file).args(options).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let toml = String::from_utf8(output.stdout).unwrap();
    let policy = parse(&toml).unwrap();
    (toml, policy, String::from_utf8(output.stderr).unwrap())
}

fn owed(policy: &Policy, packet: &str, port: Option<u16>) -> Expectation {
    let packet: AskedPacket = packet.parse().unwrap();
    let pair = HostPair::new(packet.source, packet.destination);
    policy.of_traffic(pair, packet.protocol, port).0
}

const ENCRYPT: Expectation = Expectation::Required(Level::Encrypt);
const AUTHENTICATE: Expectation = Expectation::Required(Level::Authenticate);

#[test]
fn check_tells_rules_and_packets() {
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
    let (toml, policy, told) = imported("server.netsh", &["--me", "10.0.0.5"]);
    assert_eq!(owed(&policy, "10.0.0.5:9>10.0.0.7:445/tcp", Some(445)), ENCRYPT);
    assert_eq!(owed(&policy, "10.0.0.5:9>10.0.9.2:445/tcp", Some(445)), ENCRYPT);
    assert_eq!(owed(&policy, "10.0.0.5:9>10.0.9.3:445/tcp", Some(445)), Expectation::None);
    assert_eq!(owed(&policy, "10.0.0.5:9>10.0.0.7:80/tcp", Some(80)), Expectation::None);
    // soft=yes and inpass=yes let clear text pass.
    assert_eq!(owed(&policy, "10.0.0.5:9>10.0.8.7:80/tcp", Some(80)), Expectation::Exempt);
    for word in ["soft=yes", "inpass=yes", "\"DNS\" is no address", "not activated"] {
        assert!(told.contains(word) && toml.contains(word), "{word}\n{told}");
    }
    assert!(toml.contains("no_default_exempt = 1"));
    assert!(!toml.contains("never told") && !told.contains("never told"));
}

#[test]
fn netsh_dumps_keep_their_contexts() {
    let (toml, policy, _) = imported("dump.netsh", &[]);
    assert_eq!(owed(&policy, "10.1.0.1:9>10.2.0.1:80/tcp", Some(80)), ENCRYPT);
    assert_eq!(owed(&policy, "10.0.0.5:9>10.9.0.1:1812/udp", Some(1812)), AUTHENTICATE);
    assert_eq!(owed(&policy, "fd00::5>fd00::9/47", None), Expectation::Exempt);
    assert!(toml.contains("no policy is assigned"));
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
    assert_eq!(owed(&parse(&both.toml).unwrap(), "10.0.0.1>10.0.0.2/47", None), ENCRYPT);
}

#[test]
fn connections_of_strongswan_are_translated() {
    let (_, policy, told) = imported("gateways.ipsec_conf", &["--me", "192.0.2.1"]);
    assert_eq!(owed(&policy, "10.1.0.1:9>10.3.0.1:80/tcp", Some(80)), ENCRYPT);
    assert_eq!(owed(&policy, "10.1.0.1:9>10.1.0.2:80/tcp", Some(80)), Expectation::Exempt);
    assert_eq!(owed(&policy, "192.0.2.1:9>10.0.0.9:445/tcp", Some(445)), ENCRYPT);
    assert_eq!(owed(&policy, "192.0.2.1:9>10.0.0.9:80/tcp", Some(80)), Expectation::None);
    for word in ["whoever connects", "vpn.example.org", "ipsec.d", "\"base\": left out"] {
        assert!(told.contains(word), "{word}\n{told}");
    }
    let (_, policy, told) = imported("host.swanctl_conf", &[]);
    assert_eq!(owed(&policy, "10.0.0.1:9>10.0.0.2:445/tcp", Some(445)), ENCRYPT);
    assert_eq!(owed(&policy, "10.0.0.1:9>10.0.0.2:80/tcp", Some(80)), AUTHENTICATE);
    assert_eq!(owed(&policy, "10.0.0.1:9>10.0.0.2:22/tcp", Some(22)), Expectation::Exempt);
    assert!(told.contains("conf.d") && told.contains("blocks") && !told.contains("never told"));
}

#[test]
fn whoever_connects_is_nobody_in_a_policy() {
    let conf = "conn hub\n  left=192.0.2.1\n  right=%any\n  rightsubnet=0.0.0.0/0\n  auto=add\n\
                conn pool\n  leftsubnet=0.0.0.0/0\n  right=%any\n  rightsourceip=10.3.0.0/24\n  auto=add\n";
    let imported = plainsight::policy::import(conf.as_bytes(), &[]).unwrap();
    let policy = parse(&imported.toml).unwrap();
    assert_eq!(owed(&policy, "192.0.2.1:9>10.9.0.1:80/tcp", Some(80)), Expectation::None);
    assert_eq!(owed(&policy, "10.1.0.1:9>10.3.0.1:80/tcp", Some(80)), ENCRYPT);
}

#[test]
fn connection_security_rules_are_translated() {
    let (toml, policy, told) = imported("rules.json", &["--me", "10.0.0.5", "--me", "fd00::5"]);
    assert_eq!(owed(&policy, "10.0.0.5:445>10.0.0.9:9/tcp", Some(445)), AUTHENTICATE);
    assert_eq!(owed(&policy, "10.0.0.5:9>10.0.1.9:80/tcp", Some(80)), Expectation::Exempt);
    assert_eq!(owed(&policy, "10.0.0.5:9>10.0.0.53:53/udp", Some(53)), Expectation::Exempt);
    assert!(toml.contains("windows-vista"));
    for word in ["\"Bare\": not translated", "\"Off\": left out", "\"Ask\""] {
        assert!(told.contains(word), "{word}\n{told}");
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
