//! plainsight: was this traffic really protected by IPsec, when was it not, and why.
//!
//! The modules stand in the order in which evidence flows:
//!
//! ```text
//! evidence ─┬─ capture ─ packet ─ ike ─ protection ─┐
//!           └─ eventlog ────────────────────────────┴─ summary ─ correlate ─ findings ─ report
//!                                                         policy ─┘      catalogue serves ike, eventlog, findings
//! ```
#![forbid(unsafe_code)]

pub mod time;

pub mod hosts;

pub mod evidence;

pub mod catalogue;

pub mod eventlog;
