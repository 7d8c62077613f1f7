//! Mutates evidence and looks whether it is read to the end, alike by one thread and eight, and alike through
//! summaries: `cargo run --release --example mutate -- N [FIRST] [SEEDS]`.
//!
//! N files, in folders of 200, made of those under SEEDS (the samples). FIRST numbers the first folder; the same
//! number makes the same files. Ends with status 1 at the first folder that is not read alike.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a tool for developers: it stops where no file can be written"
)]

#[path = "../tests/support/numbers.rs"]
mod numbers;

#[path = "../tests/support/mutation.rs"]
mod mutation;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(2_000);
    let first = arguments.next().and_then(|first| first.parse().ok()).unwrap_or(0);
    let samples = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples");
    let seeds = arguments.next().map_or_else(samples, PathBuf::from);
    match mutation::hold(&seeds, count, first) {
        Ok(()) => {
            println!("{count} mutated files from folder {first}: read alike in every way");
            ExitCode::SUCCESS
        }
        Err(what) => {
            println!("{what}");
            ExitCode::FAILURE
        }
    }
}
