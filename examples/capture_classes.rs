//! The classes of captures, for another program: how many frames are ESP, IKE, clear text and so on, and what could not
//! be read. No policy is needed for that.
//!
//! `cargo run --example capture_classes -- samples/psk_mismatch/capture.pcap`
#![allow(clippy::print_stdout, reason = "an example: what it finds is printed")]

use plainsight::analysis::{Request, Unwatched, analyze};
use plainsight::findings::{problem, with_separators};
use plainsight::policy::Policy;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let analysis = analyze(&Request::of(paths, Policy::default()), None, &Unwatched)?;
    for (class, count) in &analysis.facts.by_class {
        println!("{}: {} frames", class.as_str(), with_separators(count.frames));
    }
    for file in &analysis.evidence {
        for found in &file.problems {
            println!("{}: {}: {}", file.path, found.code().as_str(), problem(found));
        }
    }
    Ok(())
}
