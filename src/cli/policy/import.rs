//! `plainsight policy import`: a policy from an exported configuration.

use crate::cli::{ExitStatus, Failure, terminal};
use crate::policy::import;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;

/// Translate an exported configuration into a policy, on standard output
///
/// Reads netsh ipsec scripts and dumps, ipsec.conf, swanctl.conf, and Get-NetIPsecRule as JSON,
/// recognized by their content. Settings that a policy cannot express, and settings that let clear text
/// pass, are listed on standard error and in comments: the policy never requires more protection than
/// the source.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The export; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// An address of the computer that the export is from (repeatable)
    #[arg(long, value_name = "ADDRESS")]
    me: Vec<IpAddr>,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let bytes = super::bytes_of(&args.file, "export")?;
    let imported = import(&bytes, &args.me).map_err(|error| {
        let error = anyhow::Error::new(error);
        let error = error.context(format!("cannot import `{}`", args.file.display()));
        Failure::usage(error, "`plainsight policy import --help` names what can be imported")
    })?;
    let mut out = anstream::stdout().lock();
    out.write_all(imported.toml.as_bytes())?;
    out.flush()?;
    let mut error = anstream::stderr().lock();
    for note in &imported.notes {
        let place = note.line.map_or_else(String::new, |line| format!("line {line}: "));
        // Where standard error is closed, nobody can read the message.
        let _ = writeln!(error, "plainsight: {place}{}", terminal::escape(&note.text));
    }
    Ok(ExitStatus::Done)
}
