//! The program: parse, run, error to exit status.

fn main() -> plainsight::cli::ExitStatus {
    plainsight::cli::run()
}
