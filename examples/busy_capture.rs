//! Writes a large capture to measure with: `busy_capture KIND FRAMES FILE`.
//!
//! The same arguments give the same bytes. benches/compare.sh uses it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a tool for developers: it stops where the capture cannot be written"
)]

#[allow(dead_code, reason = "the benchmarks need more of it")]
#[path = "../benches/traffic/mod.rs"]
mod traffic;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, frames, path] = &arguments[..] else { return usage() };
    let Some((_, mix)) = traffic::MIXES.into_iter().find(|(name, _)| name == kind) else {
        return usage();
    };
    let mut file = BufWriter::new(File::create(path).unwrap());
    traffic::write_pcap(mix, frames.parse().expect("a number"), |bytes| {
        file.write_all(bytes).unwrap();
    });
    file.flush().unwrap();
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    let kinds: Vec<&str> = traffic::MIXES.iter().map(|(name, _)| *name).collect();
    println!("usage: busy_capture KIND FRAMES FILE, where KIND is one of {}", kinds.join(", "));
    ExitCode::from(2)
}
