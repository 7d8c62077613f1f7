//! `plainsight completions` and `plainsight man`: what shells and manuals want to know.

use super::{Cli, ExitStatus, Failure};
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::io::Write as _;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

/// Print the manual page
#[derive(Debug, clap::Args)]
pub(super) struct Man {}

pub(super) fn completions(args: &Completions) -> Result<ExitStatus, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "plainsight", &mut script);
    anstream::stdout().lock().write_all(&script)?;
    Ok(ExitStatus::Done)
}

pub(super) fn man(_args: &Man) -> Result<ExitStatus, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    anstream::stdout().lock().write_all(&page)?;
    Ok(ExitStatus::Done)
}
