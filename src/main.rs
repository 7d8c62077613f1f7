//! The program: parse, run, error to exit status.

fn main() {}
