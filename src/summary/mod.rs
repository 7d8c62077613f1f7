//! What evidence boils down to: the only state between reading and judging.
//!
//! A [`CaptureSummary`] is one capture. Grows with pairs, runs, SPIs and IKE exchanges, never with
//! packets. Knows no policy and no gap.

mod capture;
mod timeline;

pub use capture::{CaptureObserver, CaptureSummary, Count, Unpaired};
pub use timeline::{ClassRun, Interleaving, Runs, SILENCE, Sighting};
