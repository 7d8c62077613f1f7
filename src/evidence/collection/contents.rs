//! The contents of a collection, whether or not the program is built to read archives.

use super::{Member, Problem};

/// The contents of a collection.
#[derive(Debug, Default)]
pub struct Collection {
    /// The members in a format that is read, by name.
    pub members: Vec<Member>,
    /// What could not be read of it.
    pub problems: Vec<Problem>,
    /// The number of members in no format that is read, and the first of them.
    pub others: (u64, Option<String>),
    /// The number of files in which the collector describes its own work, and the first of them.
    pub tables: (u64, Option<String>),
    /// The host that it is from, as stated by the collector.
    pub host: Option<String>,
    /// Bytes that archives inside it may still unpack to, all together, before they can be searched.
    #[cfg_attr(not(feature = "compression"), expect(dead_code, reason = "archives are not read"))]
    pub(super) room: u64,
    /// Problems beyond the bound on their number.
    #[cfg_attr(not(feature = "compression"), expect(dead_code, reason = "archives are not read"))]
    pub(super) unlisted: u64,
}
