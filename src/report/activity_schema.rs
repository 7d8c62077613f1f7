//! What `plainsight inspect --json` prints beside report.json's content: packets over time.

use super::schema::Report;
use serde::Serialize;

/// A report of what files hold, and when.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection<'a> {
    /// As in report.json.
    #[serde(flatten)]
    pub report: &'a Report,
    /// Packets over time.
    pub activity: Activity,
}

/// Packets over time, by what each packet alone shows.
#[derive(Clone, Debug, Serialize)]
pub struct Activity {
    /// The length of each bucket, in milliseconds.
    pub bucket_milliseconds: i64,
    /// Those with packets, by time.
    pub buckets: Vec<ActivityBucket>,
}

/// Packets of one stretch of time.
#[derive(Clone, Debug, Serialize)]
pub struct ActivityBucket {
    /// When it begins.
    pub start: String,
    /// Packets without protection.
    pub clear: u64,
    /// Packets under ESP or AH, readable or not.
    pub protected: u64,
    /// Others: IKE, exempt, not IP.
    pub other: u64,
}
