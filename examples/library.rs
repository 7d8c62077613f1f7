//! The library in another program: analyses the given files and folders, then prints each pair's packets
//! by class, the cleartext windows, and the typed events of the logs.
//!
//! `cargo run --example library -- samples/psk_mismatch`
#![allow(clippy::print_stdout, reason = "an example: what it finds is printed")]

use plainsight::analysis::{Request, Unwatched, analyze};
use plainsight::findings::with_separators;
use plainsight::policy::Policy;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let analysis = analyze(&Request::of(paths, Policy::default()), None, &Unwatched)?;

    for file in &analysis.evidence {
        println!("{} {}: {} problems", file.id, file.path, file.problems.len());
    }
    for pair in &analysis.facts.pairs {
        println!("{} - {}: {}", pair.pair.a(), pair.pair.b(), pair.verdict().as_str());
        for (class, run) in pair.by_class.iter() {
            let packets = with_separators(run.frames);
            println!(
                "  {}: {packets} packets, frames {} to {}",
                class.as_str(),
                run.first,
                run.last
            );
        }
    }
    for explained in &analysis.facts.windows {
        let run = explained.window.run;
        let cause = explained.causes.first().map_or("unknown", |cause| cause.reason.as_str());
        println!("window: frames {} to {}, {cause}", run.first, run.last);
    }
    for placed in &analysis.facts.events {
        let event = &placed.event;
        println!("{} event {}: {}", event.host, event.event_id, event.entry.meaning);
    }
    for finding in &analysis.findings {
        println!("{}: {}", finding.severity.as_str(), finding.title);
    }
    Ok(())
}
