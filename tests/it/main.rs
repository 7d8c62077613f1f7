//! The program and its library as users run them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests fail by panicking and say what they did not run"
)]

mod lab;
mod lab_classes;
