//! Makes the tables of docs/outputs.md anew.
//!
//! `cargo run --example outputs_page`
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a tool for developers: it writes to a text in memory and to the page"
)]

#[path = "../tests/support/outputs_page.rs"]
mod outputs_page;

fn main() -> std::io::Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/outputs.md");
    let page = std::fs::read_to_string(path)?;
    std::fs::write(path, outputs_page::outputs_page(&page))
}
