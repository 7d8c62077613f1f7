//! Any bytes as an export: what comes out is a policy, and quotes nothing that steers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::policy::{import, parse};

fuzz_target!(|bytes: &[u8]| {
    let Ok(imported) = import(bytes, &[]) else { return };
    let policy = parse(&imported.toml).expect("what is imported can be read");
    assert!(policy.from_file);
    assert!(!imported.toml.chars().any(|c| c.is_control() && c != '\n'));
    // Bounded, however the export repeats itself.
    assert!(policy.rules.len() <= 20_000);
    let reported = "# NOTES";
    assert!(imported.notes.is_empty() || imported.toml.contains(reported));
});
