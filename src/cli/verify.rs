//! `plainsight verify`: whether a report and its evidence are unchanged.

use super::{ExitStatus, Failure, keys, terminal, wrap};
use crate::evidence::shown_path;
use crate::report::{State, Verification, to_json, verify};
use std::io::{self, Write};
use std::path::PathBuf;

/// Check a report and its evidence against the manifest
///
/// Computes the SHA-256 of every file that DIR/manifest.json names, of the report and of its evidence,
/// and lists the files that differ, were added, are missing or could not be checked. The exit status is 5
/// if a file differs or was added, otherwise 3 if one is missing or could not be checked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of a report
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Look for the evidence here first, by its SHA-256: a file, a folder, or `-` for standard input (repeatable)
    #[arg(long, value_name = "PATH")]
    evidence: Vec<PathBuf>,
    /// Check manifest.json.minisig with this minisign public key: its file, or the key itself
    #[arg(long, value_name = "PUBKEY")]
    key: Option<String>,
    /// Print the state of every file as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let key = args.key.as_deref().map(keys::verifying).transpose()?;
    let missing = args.evidence.iter().find(|path| path.as_os_str() != "-" && !path.exists());
    if let Some(path) = missing {
        let what = anyhow::anyhow!("`{}` does not exist", shown_path(path));
        return Err(Failure::usage(what, "name a file or folder of evidence with --evidence"));
    }
    let result = verify(&args.folder, key.as_ref(), &args.evidence)
        .map_err(|error| Failure::usage(error, "name a folder that `plainsight analyze` wrote"))?;
    if args.json {
        let result = to_json(&result).map_err(super::failure::broken)?;
        anstream::stdout().lock().write_all(&result)?;
    } else {
        let mut out = wrap::standard_output();
        print_verification(&mut out, &result)?;
        out.flush()?;
    }
    Ok(match (result.different, result.missing + result.unchecked) {
        (0, 0) => ExitStatus::Done,
        (0, _) => ExitStatus::EvidenceLost,
        _ => ExitStatus::Differs,
    })
}

fn print_verification(out: &mut impl Write, result: &Verification) -> io::Result<()> {
    for file in &result.files {
        let word = match file.state {
            State::Unchanged => continue,
            State::Moved => "MOVED",
            State::Unchecked => "UNCHECKED",
            State::Missing => "MISSING",
            State::Different => "DIFFERENT",
        };
        write!(out, "{word:<9}  {}", terminal::escape(&file.file))?;
        match (&file.what, &file.found) {
            (Some(what), _) => writeln!(out, ": {}", terminal::escape(what))?,
            (None, Some(found)) => writeln!(out, ": is now `{}`", terminal::escape(found))?,
            (None, None) => writeln!(out)?,
        }
    }
    if let Some(comment) = &result.signed {
        writeln!(out, "SIGNED     manifest.json, by this key: {}", terminal::escape(comment))?;
    }
    let Verification { unchanged, different, missing, unchecked, .. } = result;
    writeln!(
        out,
        "{unchanged} files are unchanged, {different} differ, {missing} are missing, {unchecked} could not be checked"
    )
}
