//! Prints docs/findings.md.
//!
//! `cargo run --example findings_page > docs/findings.md`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool for developers: it writes to a text in memory and prints it"
)]

#[path = "../tests/support/findings_page.rs"]
mod findings_page;

fn main() {
    print!("{}", findings_page::findings_page());
}
