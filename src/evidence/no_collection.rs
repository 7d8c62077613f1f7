//! Built without the feature `compression`: archives are recognized but not read.

use super::{Origin, Problem};
use std::io::{self, Read};
use std::path::Path;

#[path = "collection/archive.rs"]
mod archive;
#[path = "collection/contents.rs"]
mod contents;

pub use archive::Archive;
pub use contents::Collection;

/// A file of a collection; there is none.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name in the collection, as the report shows it.
    pub name: String,
    /// Its length in bytes, unpacked, as the collection says it.
    pub size: u64,
    none: std::convert::Infallible,
}

impl Collection {
    /// Reads no file.
    ///
    /// # Errors
    ///
    /// None.
    pub fn open(_path: &Path) -> io::Result<Option<Self>> {
        Ok(None)
    }
}

impl Member {
    /// No member exists, so there is no origin.
    #[must_use]
    pub fn origin(&self, _host: Option<&str>) -> Option<Origin> {
        match self.none {}
    }

    /// No member exists, so there is nothing to open.
    ///
    /// # Errors
    ///
    /// None.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match self.none {}
    }
}
