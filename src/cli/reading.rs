//! The options that `analyze` and `summarize` share: which evidence is read, and how.

use super::progress::{Progress, When};
use super::{Failure, options};
use crate::analysis::Request;
use crate::evidence::{is_stream, shown_path};
use crate::policy::Policy;
use crate::protection::NamedPorts;
use crate::summary::ReadWith;
use crate::time::{Timestamp, Zone};
use std::io;
use std::path::{Path, PathBuf};

/// Evidence and how to read it.
#[derive(Debug, clap::Args)]
pub(super) struct Reading {
    /// Captures, logs, or folders searched recursively; `-` reads standard input, and a named pipe is read once
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Skip the SHA-256 of the evidence: its identity is not recorded, duplicates are not recognized
    #[arg(long)]
    no_hash: bool,
    /// Host pairs judged individually in one capture; beyond that number, those with the fewest packets are folded
    #[arg(long, value_name = "N", default_value = "100000", value_parser = clap::value_parser!(u32).range(1..))]
    max_pairs: u32,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Judge nothing before this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = options::time)]
    from: Option<Timestamp>,
    /// Judge nothing after this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = options::time)]
    to: Option<Timestamp>,
    /// Time zone of exported logs that name none: +01:00, or a name such as Europe/Berlin
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, value_parser = options::zone)]
    timezone: Option<Zone>,
    /// Show progress on standard error
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    progress: When,
}

impl Reading {
    /// The request; `out` is not read as evidence, and only the ports that the policy names matter to reading.
    ///
    /// # Errors
    ///
    /// Where the span ends before it begins, or a path does not exist.
    pub(super) fn request(&self, out: &Path, policy: Policy) -> Result<Request, Failure> {
        refuse_missing(&self.paths)?;
        if self.from.zip(self.to).is_some_and(|(from, to)| from > to) {
            let what = anyhow::anyhow!("--from is later than --to, so the span is empty");
            return Err(Failure::usage(what, "exchange the two"));
        }
        Ok(Request {
            excluded: Some(out.to_owned()),
            hash: !self.no_hash,
            max_pairs: usize::try_from(self.max_pairs).unwrap_or(usize::MAX),
            from: self.from,
            to: self.to,
            timezone: self.timezone.clone(),
            ..Request::of(self.paths.clone(), policy)
        })
    }

    /// The paths as they were given.
    pub(super) fn given(&self) -> &[PathBuf] {
        &self.paths
    }

    /// The paths as the report lists them: sorted, each once.
    pub(super) fn paths(&self) -> Vec<String> {
        let shown = |path: &PathBuf| shown_path(path);
        let mut paths: Vec<String> = self.paths.iter().map(shown).collect();
        paths.sort();
        paths.dedup();
        paths
    }

    pub(super) fn read_with(&self, policy: &Policy) -> ReadWith {
        ReadWith {
            hash: !self.no_hash,
            max_pairs: self.max_pairs.into(),
            from: self.from,
            to: self.to,
            timezone: self.timezone.as_ref().map(|zone| zone.name().to_owned()),
            ports: NamedPorts(policy.named_ports()).beyond_known(),
        }
    }

    pub(super) fn reads_a_stream(&self) -> bool {
        self.paths.iter().any(|path| is_stream(path))
    }

    pub(super) fn threads(&self) -> Option<usize> {
        self.threads.map(usize::from)
    }

    pub(super) fn progress(&self) -> Progress {
        Progress::new(self.progress)
    }
}

/// Refuses paths that do not exist: a mistake in the arguments, not in the evidence.
pub(super) fn refuse_missing(paths: &[PathBuf]) -> Result<(), Failure> {
    let is_missing = |path: &&PathBuf| {
        path.as_os_str() != "-"
            && path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    };
    let missing: Vec<&PathBuf> = paths.iter().filter(is_missing).collect();
    let Some(first) = missing.first() else { return Ok(()) };
    let more = match missing.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} other paths do not)"),
    };
    let what = anyhow::anyhow!("`{}` does not exist{more}", shown_path(first));
    let hint = match first.to_str() {
        Some(how @ ("edges" | "full")) => format!("if it belongs to --carve, write --carve={how}"),
        Some(_) | None => "name files or folders of evidence".to_owned(),
    };
    Err(Failure::usage(what, &hint))
}
