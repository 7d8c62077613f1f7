//! Facts and findings → bytes of files. Decides nothing.
//!
//! [`schema`] is the promise, [`build`] fills it, one module writes each format, and [`publish`]
//! alone touches the file system.

pub mod schema;

mod activity_schema;
mod case_schema;
mod cause_schema;
mod clock_schema;
mod compare;
mod compare_schema;
#[cfg(feature = "html")]
mod comparison_page;
mod finding_schema;
mod host_schema;
mod log_schema;
mod manifest_schema;
mod negotiation_schema;
mod sa_schema;
mod totals_schema;
mod verdict_schema;

mod build;
mod case;
mod finding;
mod host;
mod limits;
mod negotiation;
mod reference;
mod tshark;

mod field_names;
mod log;

mod community_id;

mod json;

pub mod columns;

mod csv;

#[cfg(feature = "html")]
mod html;

mod moment;

mod timesketch;

mod ecs;

#[cfg(feature = "parquet")]
mod parquet;

mod picture;

mod with_names;

mod proposal;

mod manifest;

mod signature;

#[cfg(feature = "sign")]
mod signing;

mod verify;

#[cfg(feature = "pseudonyms")]
mod pseudonyms;

pub mod publish;

pub use build::{Sources, build};
pub use case::{CaseError, read_case};
pub use compare::{compare, roles as comparison_roles};
#[cfg(feature = "html")]
pub use comparison_page::comparison_page;
pub use json::to_json;
pub use limits::grave_findings;
pub use manifest::{Run, ended, manifest};
pub use moment::beside;
pub use picture::picture;
pub use proposal::propose;
#[cfg(feature = "pseudonyms")]
pub use pseudonyms::{KeyFile, PseudonymError, Source, SourceError, pseudonymous};
pub use signature::{KeyError, VerifyingKey};
#[cfg(feature = "sign")]
pub use signing::SigningKey;
pub use verify::{Checked, Role, State, Verification, VerifyError, verify};
pub use with_names::{host_names, with_names};

use rayon::prelude::*;
use schema::Report;
use std::error::Error;
use std::io::Write;

/// A file to be written.
#[derive(Clone, Debug)]
pub struct File {
    /// Its name in the report's folder.
    pub name: &'static str,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The formats that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// report.json.
    Json,
    /// The tables as CSV.
    Csv,
    /// report.html.
    #[cfg(feature = "html")]
    Html,
    /// timeline.jsonl for Timesketch.
    Timesketch,
    /// ecs.jsonl, the Elastic Common Schema.
    Ecs,
    /// The tables as Parquet.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Format {
    /// Every format that this build writes.
    pub const ALL: &'static [Self] = &[
        Self::Json,
        Self::Csv,
        #[cfg(feature = "html")]
        Self::Html,
        Self::Timesketch,
        Self::Ecs,
        #[cfg(feature = "parquet")]
        Self::Parquet,
    ];

    /// The format as it is asked for.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            #[cfg(feature = "html")]
            Self::Html => "html",
            Self::Timesketch => "timesketch",
            Self::Ecs => "ecs",
            #[cfg(feature = "parquet")]
            Self::Parquet => "parquet",
        }
    }
}

/// Writes what a file holds.
pub type Content<'c> = &'c mut dyn FnMut(&mut dyn Write) -> Result<(), FormatError>;

/// Writes one file of a report.
type Maker = fn(&Report, &mut dyn Write) -> Result<(), FormatError>;

/// Makes the files of a report in these formats, without the manifest, and hands each to `put` by its name; returns
/// what `put` returns, in the order of the formats. Up to `threads` files (as many as there are cores where `None`)
/// are made at a time; report.json and the CSV tables, the largest, are never held.
///
/// # Errors
/// The first of those of `put`.
pub fn write<T: Send, E: Send>(
    report: &Report,
    formats: &[Format],
    threads: Option<usize>,
    put: &(dyn Fn(&'static str, Content<'_>) -> Result<T, E> + Sync),
) -> Result<Vec<T>, E> {
    let asked = Format::ALL.iter().filter(|format| formats.contains(format));
    let files: Vec<(&'static str, Maker)> =
        asked.flat_map(|format| format.files()).copied().collect();
    let make = |(name, maker): &(&'static str, Maker)| put(name, &mut |out| maker(report, out));
    let is_alone = threads == Some(1) || files.len() < 2;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0));
    let made: Vec<Result<T, E>> = match (!is_alone).then(|| pool.build()) {
        Some(Ok(pool)) => pool.install(|| files.par_iter().map(make).collect()),
        // A system that grants no threads still has the one that asks.
        Some(Err(_)) | None => files.iter().map(make).collect(),
    };
    made.into_iter().collect()
}

impl Format {
    /// Its files, each with what writes it.
    const fn files(self) -> &'static [(&'static str, Maker)] {
        match self {
            Self::Json => &[("report.json", |report, out| json::write(report, out))],
            Self::Csv => &csv::TABLES,
            #[cfg(feature = "html")]
            Self::Html => {
                &[("report.html", |report, out| Ok(out.write_all(&html::page(report)?)?))]
            }
            Self::Timesketch => &[("timeline.jsonl", |report, out| {
                Ok(out.write_all(&timesketch::timeline(report)?)?)
            })],
            Self::Ecs => {
                &[("ecs.jsonl", |report, out| Ok(out.write_all(&ecs::documents(report)?)?))]
            }
            #[cfg(feature = "parquet")]
            Self::Parquet => &parquet::TABLES,
        }
    }
}

/// The same files, held all at once.
///
/// # Errors
/// Where a value cannot be written in a format; no report built by [`build`] has one.
pub fn files(report: &Report, formats: &[Format]) -> Result<Vec<File>, FormatError> {
    write(report, formats, None, &|name, content| {
        let mut bytes = Vec::new();
        content(&mut bytes)?;
        Ok(File { name, bytes })
    })
}

impl FormatError {
    /// What the system said, where it refused to write.
    fn into_io(self) -> Result<std::io::Error, Self> {
        match self {
            Self::Io(error) => Ok(error),
            Self::Json(error) if error.is_io() => Ok(error.into()),
            Self::Csv(error) if error.is_io_error() => match error.into_kind() {
                ::csv::ErrorKind::Io(error) => Ok(error),
                _ => Ok(std::io::Error::other("CSV cannot hold a row")),
            },
            Self::Json(_) | Self::Csv(_) | Self::Html(_) | Self::Parquet(_) => Err(self),
        }
    }
}

/// A value that a format cannot hold.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// JSON.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// CSV.
    #[error("cannot write CSV: {0}")]
    Csv(#[from] ::csv::Error),
    /// HTML.
    #[error("cannot write HTML: {0}")]
    Html(Box<dyn Error + Send + Sync>),
    /// Parquet.
    #[error("cannot write Parquet: {0}")]
    Parquet(Box<dyn Error + Send + Sync>),
    /// The file itself.
    #[error("cannot write: {0}")]
    Io(#[from] std::io::Error),
}
