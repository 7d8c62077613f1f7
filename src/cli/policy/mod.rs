//! `plainsight policy`: checks, imports or proposes a policy.

mod check;

mod import;

mod init;

use super::{ExitStatus, Failure};
use crate::evidence::sha256;
use crate::policy::{self, Policy};
use anyhow::Context as _;
use clap::Subcommand;
use std::io::Read as _;
use std::path::Path;

/// Check, import or propose a policy: which traffic must be protected
///
/// A policy is a TOML file for `analyze --policy`, described in docs/policy.md.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Import(import::Args),
    Init(init::Args),
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    match &args.command {
        Command::Check(args) => check::run(args),
        Command::Import(args) => import::run(args),
        Command::Init(args) => init::run(args),
    }
}

/// Reads a policy file; returns its SHA-256 too.
pub(super) fn read_policy(path: &Path) -> Result<(Policy, String), Failure> {
    let shown = path.display();
    let bytes = bytes_of(path, "policy")?;
    let text = std::str::from_utf8(&bytes)
        .with_context(|| format!("the policy `{shown}` is not UTF-8 text"))
        .map_err(|cause| Failure::usage(cause, "save it as UTF-8"))?;
    let policy = policy::parse(text).map_err(|error| {
        let hint = error.hint.clone();
        Failure::usage(anyhow::Error::new(error).context(format!("policy `{shown}`")), &hint)
    })?;
    Ok((policy, sha256(&bytes)))
}

/// A whole file, or standard input where it is `-`.
fn bytes_of(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    bytes
        .with_context(|| format!("cannot read the {what} `{}`", path.display()))
        .map_err(|cause| Failure::usage(cause, "name a file that exists and can be read"))
}
