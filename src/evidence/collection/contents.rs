//! What a collection holds, whether or not the program is built to look into archives.

use super::{Member, ProblemCode};

/// What a collection holds.
#[derive(Debug, Default)]
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
