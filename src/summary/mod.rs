//! What evidence boils down to: the only state between reading and judging.
//!
//! A [`CaptureSummary`] is one capture, a [`Summary`] the whole evidence. Grows with pairs, runs,
//! SPIs and IKE exchanges, never with packets. Knows no policy and no gap.

mod capture;
mod timeline;

pub use capture::{CaptureObserver, CaptureSummary};
pub use timeline::{ClassRun, Interleaving, Runs, SILENCE, Sighting};

use crate::eventlog::LogEvent;
use crate::evidence::{FrameRef, StopCount};
