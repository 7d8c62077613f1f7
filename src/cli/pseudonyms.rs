//! `plainsight pseudonyms`: a report that can be shared.

use super::failure::{broken, refused, unwritten};
use super::{ExitStatus, Failure, failure, stopping, terminal};
use crate::analysis::Cancelled;
use crate::evidence::{open, shown_path};
use crate::report::publish::{NewFile, destination};
use crate::report::{self, Format, KeyFile, Source, pseudonymous};
use anyhow::Context as _;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Write a copy of a report with pseudonyms in place of addresses and names
///
/// Replaces addresses, host names, users, SIDs, SPIs, cookies and file names by pseudonyms, the same one for the
/// same original in every file and every report with the same key file. Networks stay networks. Carved packets and
/// case data are left out. docs/sharing.md says what the copy still shows.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of a report
    #[arg(value_name = "REPORT")]
    folder: PathBuf,
    /// The folder for the copy
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Key file with the secret and the originals of the pseudonyms; created if it does not exist. Do not share it
    #[arg(long, value_name = "KEYFILE")]
    key: PathBuf,
    /// Replace an older report in DIR
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    for folder in [&args.out, &args.folder] {
        if is_within(&args.key, folder) {
            let (key, folder) = (shown_path(&args.key), shown_path(folder));
            let what = anyhow::anyhow!("the key file `{key}` would be in `{folder}`");
            return Err(Failure::usage(what, "keep it apart from what is shared"));
        }
    }
    let source = Source::read(&args.folder)
        .map_err(|error| Failure::usage(error, "name a folder that `plainsight analyze` wrote"))?;
    let destination = destination(&args.out, args.force).map_err(refused)?;
    let mut key = key_file(&args.key)?;
    let made = pseudonymous(&source.report, &mut key)
        .map_err(|error| Failure::usage(error, "nothing was written"))?;
    let file = NewFile::begin(&args.key, true).map_err(refused)?.private();
    file.publish(&report::to_json(&key).map_err(broken)?).map_err(unwritten)?;
    let staging = destination.stage().map_err(refused)?;
    stopping::staged_in(staging.path());
    let is_asked =
        |format: &Format| made.options.formats.iter().any(|name| name == format.as_str());
    let formats: Vec<Format> = Format::ALL.iter().copied().filter(is_asked).collect();
    let put = |name: &str, content: report::Content<'_>| staging.write(name, content);
    let outputs = report::write(&made, &formats, None, &put).map_err(unwritten)?;
    let manifest = source.pseudonymous_manifest(&made, outputs);
    if !stopping::may_publish() {
        return Err(failure::interrupted(Cancelled));
    }
    staging.publish(&report::to_json(&manifest).map_err(broken)?, None).map_err(unwritten)?;
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "Report with pseudonyms in {}; {} pseudonyms in {}, which must not be shared",
        shown_path(&args.out),
        key.pseudonyms.len(),
        terminal::escape(&shown_path(&args.key))
    )?;
    Ok(ExitStatus::Done)
}

/// The key file, or a new one where there is none.
fn key_file(path: &Path) -> Result<KeyFile, Failure> {
    let shown = shown_path(path);
    let mut bytes = Vec::new();
    match open(path).and_then(|file| file.take(MOST_KEY).read_to_end(&mut bytes)) {
        Ok(_) => KeyFile::read(&bytes).ok_or_else(|| {
            let what = anyhow::anyhow!("`{shown}` is not a key file of `plainsight pseudonyms`");
            Failure::usage(what, "name a new file to create a key")
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => KeyFile::new()
            .context("the system provides no random numbers")
            .map_err(|error| Failure::usage(error, "nothing was written")),
        Err(error) => {
            let what = anyhow::Error::new(error).context(format!("cannot read `{shown}`"));
            Err(Failure::usage(what, "name another file with --key"))
        }
    }
}

/// Whether a file lies, or would lie, in a folder.
fn is_within(file: &Path, folder: &Path) -> bool {
    let real = |path: &Path| std::path::absolute(path).ok().map(|path| real_beginning(&path));
    real(file).zip(real(folder)).is_some_and(|(file, folder)| file.starts_with(folder))
}

/// The path with all links resolved in the part of it that exists.
fn real_beginning(path: &Path) -> PathBuf {
    let known =
        path.ancestors().find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    known.map_or_else(
        || path.to_owned(),
        |(ancestor, real)| {
            path.strip_prefix(ancestor).map_or_else(|_| real.clone(), |rest| real.join(rest))
        },
    )
}

/// More than the pseudonyms of a hundred thousand hosts need.
const MOST_KEY: u64 = 1 << 30;
