//! Built without the feature `compression`: archives are recognized and not looked into.

use super::{Origin, ProblemCode};
use std::io::{self, Read};
use std::path::Path;

#[path = "collection/archive.rs"]
mod archive;

pub use archive::Archive;

/// A file of a collection; there is none.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name in the collection, as the report shows it.
    pub name: String,
    /// Its length in octets, unpacked, as the collection says it.
    pub size: u64,
    none: std::convert::Infallible,
}

/// What a collection holds; nothing is taken for one.
#[derive(Debug)]
pub struct Collection {
    /// The members in a form that is read, by name.
    pub members: Vec<Member>,
    /// What could not be read of it.
    pub problems: Vec<(ProblemCode, String, u64)>,
    /// Members in no form that is read, and the first of them.
    pub others: (u64, Option<String>),
    /// What the collector wrote of its own work, and the first of it.
    pub tables: (u64, Option<String>),
    /// The host that it is from, as the collector says it.
    pub host: Option<String>,
}

impl Collection {
    /// Looks into no file.
    ///
    /// # Errors
    /// None.
    pub fn of(_path: &Path) -> io::Result<Option<Self>> {
        Ok(None)
    }
}

impl Member {
    /// There is nothing that is from anywhere.
    #[must_use]
    pub fn origin(&self, _host: Option<&str>) -> Option<Origin> {
        match self.none {}
    }

    /// There is nothing to open.
    ///
    /// # Errors
    /// None.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match self.none {}
    }
}
