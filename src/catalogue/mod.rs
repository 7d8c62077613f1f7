//! Tables of the field's fixed facts: one row a thing, its source in the row.
//!
//! Looks up; decides nothing.

mod reason;

pub use reason::Reason;
