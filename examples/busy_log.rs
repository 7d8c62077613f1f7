//! Writes a large Security log to measure with: `busy_log FILE [MEBIBYTES]`, 1024 where not said.
//!
//! One record in a thousand bears on IPsec. benches/evtx_side_by_side.sh uses it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a tool for developers: it stops where the log cannot be written"
)]

#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../tests/support/evtx_builder.rs"]
mod evtx_builder;

#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../tests/support/busy_log.rs"]
mod busy_log;

use std::fs::File;
use std::io::{Seek, Write};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("the file to write");
    let mebibytes: usize = arguments.next().map_or(1024, |text| text.parse().expect("a number"));
    let mut file = File::create(path).unwrap();
    file.write_all(&[0; HEADER]).unwrap();
    let (mut chunks, mut next) = (0, 1);
    while chunks < mebibytes * 16 {
        let events: Vec<_> = busy_log::events(next, BLOCK).collect();
        let log = evtx_builder::evtx(&events);
        file.write_all(&log[HEADER..]).unwrap();
        chunks += log.len() / CHUNK;
        next += BLOCK;
    }
    file.rewind().unwrap();
    file.write_all(&evtx_builder::file_header(chunks, next)).unwrap();
    println!("{} records in {chunks} chunks", next - 1);
}

const HEADER: usize = 4096;
const CHUNK: usize = 65_536;
/// Records made at once.
const BLOCK: u64 = 20_000;
