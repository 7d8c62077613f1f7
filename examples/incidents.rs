//! Prints how far plainsight agrees with labelled synthetic incidents.
//!
//! `cargo run --release --example incidents -- 2000` writes the tables of docs/accuracy.md; a second
//! argument names the first seed, and `--misses` lists what was not right.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a table for developers: it stops where an incident cannot be made"
)]

#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../tests/support/evtx_builder.rs"]
mod evtx_builder;

#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../tests/support/evt_builder.rs"]
mod evt_builder;

#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../tests/support/pcapng.rs"]
mod pcapng;

#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../tests/support/truth.rs"]
mod truth;

#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../tests/support/ike_builder.rs"]
mod ike_builder;

#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../tests/support/incidents/mod.rs"]
mod incidents;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut numbers = arguments.iter().filter_map(|text| text.parse::<u64>().ok());
    let count = numbers.next().unwrap_or(2000);
    let first = numbers.next().unwrap_or(0);
    let score = incidents::score::of(first..first + count);
    println!("{count} incidents from seed {first}.\n\n{}", score.table());
    if arguments.iter().any(|text| text == "--misses") {
        score.misses.iter().for_each(|miss| println!("{miss}"));
    }
}
