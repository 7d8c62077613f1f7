//! `verify`, the manifest that it reads, and signatures over it.

use crate::support::program::plainsight;
use crate::support::tool_is_there;
use minisign::KeyPair;
use plainsight::report::SigningKey;
use plainsight::report::schema::Manifest;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/healthy/capture.pcap")
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::File::create(path).unwrap().write_all(bytes.as_ref()).unwrap();
}

/// A folder with `evidence/capture.pcap`, and a report of that folder in `report`.
fn analyzed(options: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("evidence")).unwrap();
    fs::copy(sample(), folder.path().join("evidence/capture.pcap")).unwrap();
    write(&folder.path().join("policy.toml"), "default_exemptions = \"none\"\n");
    let output =
        run(&folder, &[&["analyze", "evidence", "--out", "report", "-q"], options].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}

fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    plainsight().current_dir(folder.path()).args(arguments).output().unwrap()
}

fn verified(folder: &TempDir, options: &[&str]) -> (i32, String) {
    let output = run(folder, &[&["verify", "report"], options].concat());
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn manifest(folder: &TempDir) -> Manifest {
    serde_json::from_slice(&fs::read(folder.path().join("report/manifest.json")).unwrap()).unwrap()
}

/// Key files without a password in the folder: `name.key` and `name.pub`.
fn keys(folder: &TempDir, name: &str) -> (String, String) {
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let secret = folder.path().join(format!("{name}.key")).display().to_string();
    let public = folder.path().join(format!("{name}.pub")).display().to_string();
    write(Path::new(&secret), pair.sk.to_box(None).unwrap().to_string());
    write(Path::new(&public), pair.pk.to_box().unwrap().to_string());
    (secret, public)
}

#[test]
fn the_command_of_a_manifest_gives_the_same_outputs_again() {
    let folder = analyzed(&["--protect", "10.0.0.0/8=10.77.3.20", "--format", "json,parquet"]);
    let first = manifest(&folder);
    let command = "plainsight analyze evidence --out report -q --protect 10.0.0.0/8=10.77.3.20 --format json,parquet";
    assert_eq!(first.command, command);
    assert_eq!(command, format!("plainsight {}", first.arguments.join(" ")));
    fs::remove_dir_all(folder.path().join("report")).unwrap();
    let again = Command::new(assert_cmd::cargo::cargo_bin("plainsight"))
        .current_dir(&first.working_directory)
        .args(&first.arguments)
        .output()
        .unwrap();
    assert!(again.status.success());
    let again = manifest(&folder);
    let digests = |manifest: &Manifest| {
        manifest.outputs.iter().map(|o| (o.name.clone(), o.sha256.clone())).collect::<Vec<_>>()
    };
    assert_eq!(digests(&first), digests(&again));
    assert_eq!(verified(&folder, &[]).0, 0);
}

#[test]
fn evidence_that_was_added_or_taken_away_and_a_changed_policy_are_differences() {
    let folder = analyzed(&["--policy", "policy.toml"]);
    assert_eq!(verified(&folder, &[]).0, 0);
    fs::create_dir(folder.path().join("evidence/new")).unwrap();
    write(&folder.path().join("evidence/new/later.pcap"), "");
    write(&folder.path().join("policy.toml"), "default_exemptions = \"windows-2000\"\n");
    fs::remove_file(folder.path().join("evidence/capture.pcap")).unwrap();
    let (status, text) = verified(&folder, &[]);
    assert_eq!(status, 5);
    for line in [
        "MISSING    evidence/capture.pcap\n",
        "DIFFERENT  evidence/new/later.pcap: did not exist when the report was made",
        "DIFFERENT  policy.toml: has SHA-256",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn a_report_among_its_evidence_is_no_added_evidence() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(sample(), folder.path().join("capture.pcap")).unwrap();
    assert!(run(&folder, &["analyze", ".", "--out", "report", "-q"]).status.success());
    let (status, text) = verified(&folder, &[]);
    assert_eq!((status, text.lines().count()), (0, 1), "{text}");
}

#[test]
fn a_forged_manifest_makes_verify_read_no_whole_disk() {
    let folder = analyzed(&[]);
    let path = folder.path().join("report/manifest.json");
    let forged = fs::read_to_string(&path).unwrap().replacen("\"evidence\"", "\"/\"", 1);
    write(&path, forged);
    let (status, text) = verified(&folder, &[]);
    assert_eq!(status, 5);
    assert!(text.contains("DIFFERENT  /: holds more than 1000 files"), "{text}");
}

#[test]
fn a_signed_report_is_checked_with_its_key_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let ((secret, public), (_, other)) = (keys(&folder, "own"), keys(&folder, "other"));
    let folder = analyzed(&["--sign", &secret]);
    let signed_with = manifest(&folder).signed_with.unwrap();
    assert!(fs::read_to_string(&public).unwrap().contains(&signed_with), "{signed_with}");
    let (status, text) = verified(&folder, &["--key", &public]);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("SIGNED     manifest.json, by this key: timestamp:"), "{text}");
    // The line of the key alone will do.
    let line = fs::read_to_string(&public).unwrap().lines().nth(1).unwrap().to_owned();
    assert_eq!(verified(&folder, &["--key", &line]).0, 0);
    let (status, text) = verified(&folder, &[]);
    assert_eq!(status, 3);
    assert!(text.contains("UNCHECKED  manifest.json.minisig: name the public key"), "{text}");
    let (status, text) = verified(&folder, &["--key", &other]);
    assert_eq!(status, 5);
    assert!(text.contains("DIFFERENT  manifest.json.minisig: is not this key's"), "{text}");

    // A manifest that was made to fit a changed report is no longer the one that was signed.
    let path = folder.path().join("report/manifest.json");
    let changed =
        fs::read_to_string(&path).unwrap().replacen("\"start\": \"2", "\"start\": \"1", 1);
    write(&path, changed);
    assert_eq!(verified(&folder, &[]).0, 3);
    assert_eq!(verified(&folder, &["--key", &public]).0, 5);

    fs::remove_file(folder.path().join("report/manifest.json.minisig")).unwrap();
    for options in [&["--key", public.as_str()][..], &[]] {
        let (status, text) = verified(&folder, options);
        assert_eq!(status, 5);
        assert!(text.contains("DIFFERENT  manifest.json.minisig: cannot be read"), "{text}");
    }
}

#[test]
fn a_signature_that_is_none_is_a_difference_and_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let (secret, public) = keys(&folder, "own");
    let folder = analyzed(&["--sign", &secret]);
    let path = folder.path().join("report/manifest.json.minisig");
    for text in
        ["", "a\nb\nc\nd\n", "untrusted comment: x\nAAAA\ntrusted comment: \u{20ac}\nAAAA\n"]
    {
        write(&path, text);
        assert_eq!(verified(&folder, &["--key", &public]).0, 5, "{text}");
    }
}

#[test]
fn a_signed_report_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (secret, _) = keys(&folder, "own");
    let folder = analyzed(&["--sign", &secret]);
    let again = run(&folder, &["analyze", "evidence", "--out", "report", "--force", "-q"]);
    assert!(again.status.success());
    assert!(!folder.path().join("report/manifest.json.minisig").exists());
    assert_eq!(verified(&folder, &[]).0, 0);
}

#[test]
fn a_key_that_cannot_sign_ends_before_anything_is_read() {
    let folder = analyzed(&[]);
    write(&folder.path().join("no.key"), "not a key\n");
    for key in ["no.key", "nowhere.key"] {
        let output = run(&folder, &["analyze", "evidence", "--out", "new", "--sign", key]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains("minisign -G"));
        assert!(!folder.path().join("new").exists());
    }
    for key in ["no.key", "nowhere.pub"] {
        assert_eq!(verified(&folder, &["--key", key]).0, 2);
    }
}

#[test]
fn a_password_is_asked_for_only_where_there_is_one() {
    let pair = KeyPair::generate_encrypted_keypair(Some("correct horse".to_owned())).unwrap();
    let file = pair.sk.to_box(None).unwrap().to_string();
    assert!(SigningKey::read(&file, || Ok("correct horse".to_owned())).is_ok());
    let wrong = SigningKey::read(&file, || Ok("battery staple".to_owned())).err().unwrap();
    assert!(wrong.to_string().contains("Wrong password"), "{wrong}");
    let none = SigningKey::read(&file, || Err(std::io::Error::other("no terminal"))).err().unwrap();
    assert!(none.to_string().contains("cannot ask for"), "{none}");
    let plain = KeyPair::generate_unencrypted_keypair().unwrap().sk.to_box(None).unwrap();
    let key = SigningKey::read(&plain.to_string(), || panic!("nobody is to be asked"));
    assert!(key.is_ok());
}

/// Where there is no terminal to ask on, that is said and nothing waits.
#[cfg(unix)]
#[test]
fn a_password_without_a_terminal_is_an_error_in_words() {
    if !tool_is_there("setsid", "util-linux") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let pair = KeyPair::generate_encrypted_keypair(Some("x".to_owned())).unwrap();
    let key = folder.path().join("locked.key");
    write(&key, pair.sk.to_box(None).unwrap().to_string());
    let mut command = Command::new("setsid");
    command.arg("--wait").arg(assert_cmd::cargo::cargo_bin("plainsight")).arg("analyze");
    command.arg(sample()).arg("--out").arg(folder.path().join("report")).arg("--sign").arg(&key);
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let reported = String::from_utf8(output.stderr).unwrap();
    assert!(reported.contains("cannot ask for its password"), "{reported}");
}

#[test]
fn minisign_itself_makes_the_keys_and_takes_the_signature() {
    if !tool_is_there("minisign", "minisign") {
        return;
    }
    let keys = tempfile::tempdir().unwrap();
    let at = |name: &str| keys.path().join(name).display().to_string();
    let made = Command::new("minisign")
        .args(["-G", "-W", "-p", &at("own.pub"), "-s", &at("own.key")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let folder = analyzed(&["--sign", &at("own.key")]);
    let minisign = |arguments: &[&str]| {
        let mut command = Command::new("minisign");
        command.current_dir(folder.path().join("report")).args(arguments).output().unwrap()
    };
    let checked = minisign(&["-V", "-m", "manifest.json", "-p", &at("own.pub")]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    assert!(String::from_utf8_lossy(&checked.stdout).contains("file:manifest.json"));
    // And the other way round: a signature that minisign made.
    fs::remove_file(folder.path().join("report/manifest.json.minisig")).unwrap();
    assert!(minisign(&["-S", "-m", "manifest.json", "-s", &at("own.key")]).status.success());
    let (status, text) = verified(&folder, &["--key", &at("own.pub")]);
    assert_eq!(status, 0, "{text}");
}

/// A report whose manifest was changed.
fn forged(change: impl Fn(&mut serde_json::Value)) -> TempDir {
    let folder = analyzed(&["--policy", "policy.toml"]);
    let path = folder.path().join("report/manifest.json");
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    write(&path, manifest.to_string());
    folder
}

#[cfg(unix)]
#[test]
fn nothing_that_a_forged_manifest_names_makes_verify_wait() {
    let pipe = |folder: &TempDir, name: &str| {
        let made = Command::new("mkfifo").arg(folder.path().join(name)).status().unwrap();
        assert!(made.success());
    };
    for place in ["policy", "input", "output", "device"] {
        let folder = forged(|manifest| match place {
            "policy" => manifest["options"]["policy"] = "pipe".into(),
            "input" => manifest["inputs"][0]["path"] = "pipe".into(),
            "output" => manifest["outputs"][0]["name"] = "pipe".into(),
            _ => manifest["options"]["policy"] = "/dev/zero".into(),
        });
        pipe(&folder, if place == "output" { "report/pipe" } else { "pipe" });
        let (status, text) = verified(&folder, &[]);
        // What was read from a pipe cannot be read again.
        assert_eq!(status, if place == "policy" { 3 } else { 5 }, "{place}: {text}");
    }
    for name in ["report/manifest.json", "report/manifest.json.minisig"] {
        let folder = analyzed(&[]);
        let path = folder.path().join(name);
        let _ = fs::remove_file(&path);
        pipe(&folder, name);
        let (status, text) = verified(&folder, &[]);
        let is_signature = name.ends_with("minisig");
        assert_eq!(status, if is_signature { 3 } else { 2 }, "{name}: {text}");
        assert!(!is_signature || text.contains("UNCHECKED  manifest.json.minisig"), "{text}");
    }
}

#[test]
fn a_file_that_a_manifest_names_many_times_is_read_once() {
    let folder = forged(|manifest| {
        let one = manifest["inputs"][0].clone();
        let again = (0..2_000).map(|n| {
            let mut again = one.clone();
            again["path"] = format!("{}evidence/capture.pcap", "./".repeat(n % 40)).into();
            again
        });
        manifest["inputs"] = again.collect();
        let paths = (0..2_000).map(|_| "/".to_owned());
        manifest["options"]["paths"] = paths.collect();
    });
    let (status, text) = verified(&folder, &[]);
    assert_eq!(status, 5);
    // A thousand that were not there, and the line that says that there are more.
    assert_eq!(text.lines().filter(|line| line.starts_with("DIFFERENT")).count(), 1_001);
}

#[cfg(unix)]
#[test]
fn a_manifest_without_end_is_refused() {
    let folder = analyzed(&[]);
    let path = folder.path().join("report/manifest.json");
    fs::File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    let (status, text) = verified(&folder, &[]);
    assert_eq!(status, 2, "{text}");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    let (status, text) = verified(&folder, &[]);
    assert_eq!(status, 2, "{text}");
}

#[test]
fn a_signature_that_is_no_text_is_unchecked_at_least() {
    let folder = analyzed(&[]);
    write(&folder.path().join("report/manifest.json.minisig"), b"\xff\xfe\0");
    let (status, text) = verified(&folder, &[]);
    assert_eq!(status, 3, "{text}");
    assert!(text.contains("UNCHECKED  manifest.json.minisig"), "{text}");
    let (_, public) = keys(&folder, "own");
    assert_eq!(verified(&folder, &["--key", &public]).0, 5);
}

#[test]
fn a_key_that_the_manifest_does_not_name_is_reported() {
    let other = tempfile::tempdir().unwrap();
    let (secret, public) = keys(&other, "own");
    let (secret_of_another, public_of_another) = keys(&other, "another");
    let folder = analyzed(&["--sign", &secret]);
    // Signed again by another key: the signature is good, and the manifest names the first.
    let path = folder.path().join("report/manifest.json");
    let key = fs::read_to_string(&secret_of_another).unwrap();
    let key = SigningKey::read(&key, || panic!("it has no password")).unwrap();
    let signature = key.sign(&fs::read(&path).unwrap(), 0).unwrap();
    write(&folder.path().join("report/manifest.json.minisig"), signature);
    let (status, text) = verified(&folder, &["--key", &public_of_another]);
    assert_eq!(status, 5);
    assert!(text.contains("DIFFERENT  manifest.json: is signed by key"), "{text}");
    assert_eq!(verified(&folder, &["--key", &public]).0, 5);
}
