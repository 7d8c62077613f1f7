//! Prints how far plainsight agrees with the laboratory's truth and with public captures.
//!
//! `cargo run --release --example accuracy -- ../shared/lab` writes the tables of
//! docs/accuracy.md; public captures are looked for beside the laboratory, in `data/public`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a table for developers: it stops where the truth cannot be read"
)]

#[path = "../tests/support/truth.rs"]
mod truth;

#[path = "../tests/support/ike_truth.rs"]
mod ike_truth;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let lab = std::env::args().nth(1).expect("the laboratory's folder as the one argument");
    let lab = Path::new(&lab);
    let rows = truth::scenarios(lab);
    println!(
        "| scenario | capture | verdict | classes | windows (frames) | leading causes | opened by, kept open by, closed by | clock offsets (s) |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for row in &rows {
        let cells: Vec<String> = row.cells().iter().map(ToString::to_string).collect();
        println!(
            "| {} | {} | {} | {} |",
            row.scenario,
            row.capture,
            row.verdict,
            cells.join(" | ")
        );
    }
    let misses = rows.iter().flat_map(|row| row.cells()).filter(|cell| cell.is_miss()).count();
    println!("\n{} captures, {misses} statements differ from the truth.", rows.len());

    let public = lab.join("../data/public");
    let rows = if public.is_dir() { truth::public(&public) } else { Vec::new() };
    println!("\n| public capture | counts |\n| --- | --- |");
    for row in &rows {
        println!("| {} | {} |", row.file, row.counts);
    }
    let differ = rows.iter().filter(|row| row.counts.is_miss()).count();
    println!("\n{} public captures, {differ} differ.", rows.len());

    println!("\n| scenario | initiator SPI | messages | outcome |\n| --- | --- | --- | --- |");
    let rows = ike_truth::attempts(lab);
    for row in &rows {
        println!(
            "| {} | {} | {} | {} |",
            row.scenario, row.initiator_spi, row.messages, row.outcome
        );
    }
    let differ = rows.iter().filter(|r| r.messages.is_miss() || r.outcome.is_miss()).count();
    println!("\n{} attempts, {differ} differ.", rows.len());

    let rows = if public.is_dir() { ike_truth::messages(&public) } else { Vec::new() };
    println!("\n| public capture | IKE messages | differ |\n| --- | --- | --- |");
    for row in &rows {
        let differ: Vec<String> =
            row.differ.iter().map(|(frame, what)| format!("frame {frame}: {what}")).collect();
        println!("| {} | {} | {} |", row.file, row.messages, differ.join("; "));
    }
    ExitCode::SUCCESS
}
