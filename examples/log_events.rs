//! The typed events of logs, for another program: what each record reports, by its kind.
//!
//! `cargo run --example log_events -- samples/service_stopped`
#![allow(clippy::print_stdout, reason = "an example: what it finds is printed")]

use plainsight::analysis::{Request, Unwatched, analyze};
use plainsight::eventlog::Detail;
use plainsight::policy::Policy;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let analysis = analyze(&Request::of(paths, Policy::default()), None, &Unwatched)?;
    for placed in &analysis.facts.events {
        let event = &placed.event;
        let kind = match &event.detail {
            Detail::Negotiation(negotiation) => match negotiation.peer {
                Some(peer) => format!("negotiation with {peer}"),
                None => "negotiation".to_owned(),
            },
            Detail::Packets(_) => "dropped packets or lost events".to_owned(),
            Detail::Service(_) => "a service changed its state".to_owned(),
            Detail::AuditChange(_) => "the audit policy was changed".to_owned(),
            Detail::ClockSet(_) => "the clock was set".to_owned(),
            Detail::Plain => event.entry.meaning.to_owned(),
        };
        println!("{} record {} event {}: {kind}", event.host, event.record.record, event.event_id);
    }
    Ok(())
}
