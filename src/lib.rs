//! plainsight: was this traffic really protected by IPsec, when was it not, and why.
//!
//! The modules are in the order in which evidence flows:
//!
//! ```text
//! evidence ─┬─ capture ─ packet ─ ike ─ protection ─┐
//!           └─ eventlog ────────────────────────────┴─ summary ─ correlate ─ findings ─ report
//!                                                         policy ─┘      catalogue serves ike, eventlog, findings
//! ```
//!
//! [`analysis`] is the one sentence that runs it; [`cli`] is the only place that prints.
#![forbid(unsafe_code)]

pub mod time;

pub mod hosts;

pub mod evidence;

pub mod catalogue;

pub mod xml;

pub mod capture;

pub mod packet;

pub mod ike;

pub mod protection;

pub mod eventlog;

pub mod policy;

pub mod summary;

pub mod correlate;

pub mod findings;

pub mod analysis;

pub mod carve;

pub mod report;

#[cfg(feature = "cli")]
pub mod cli;
