//! The packets behind a finding: which they are, the display filter that shows them in Wireshark, and a
//! capture of them.
//!
//! Findings are known only at the end, so captures are read a second time, and only those that a
//! finding cites. Opens no file of its own and writes none: bytes go to anyone who asked.

mod selection;

mod filter;

mod pcapng;

mod pass;

pub use filter::{filter, stretch_filter};
pub use pass::{Carving, carve};
pub use selection::{Index, Reach, Selection};
