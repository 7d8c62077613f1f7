//! The accounts that must balance after a capture was read, whatever its bytes are.

pub mod conversation;

use plainsight::capture::{CaptureOutline, RawFrame};
use plainsight::correlate::{GapRule, correlate};
use plainsight::eventlog::LogSummary;
use plainsight::evidence::EvidenceId;
use plainsight::policy::Policy;
use plainsight::protection::NamedPorts;
use plainsight::summary::{CaptureObserver, CaptureSummary, Count, Summary};
use plainsight::time::Span;

/// Takes the frames of one capture and remembers what must be found again at its end.
pub struct Account<'p> {
    observer: CaptureObserver<'p>,
    seen: Count,
    last_number: u64,
}

impl<'p> Account<'p> {
    /// Opens an account.
    pub fn new(named: &'p NamedPorts) -> Self {
        let observer = CaptureObserver::new(EvidenceId(1), named);
        Self { observer, seen: Count::default(), last_number: 0 }
    }

    /// Takes one frame; always asks for the next.
    pub fn frame(&mut self, frame: &RawFrame<'_>) -> bool {
        assert!(frame.number.0 > self.last_number, "frame numbers ascend");
        assert!(frame.data.len() <= frame.original_len as usize, "a frame holds what it had");
        self.last_number = frame.number.0;
        self.seen.add(u64::from(frame.original_len), frame.data.len() as u64);
        self.observer.observe(frame);
        true
    }

    /// Closes the account of a reader that was given `length` bytes.
    pub fn balance_with(self, outline: &CaptureOutline, length: usize) {
        let covered: u64 = outline.coverage.values().map(|extent| extent.bytes).sum();
        assert!(covered <= length as u64, "no byte is accounted for twice");
        assert!(
            covered == length as u64 || !outline.problems.is_empty(),
            "what was not read is reported"
        );
        assert_eq!(outline.frames, self.seen.frames, "every frame was shown");
        // The packets of an event trace may be compressed, so only its buffers are accounted for.
        if outline.coverage.contains_key("trace_buffers") {
            return self.balance();
        }
        let in_frames = outline.coverage.get("frames").map_or(0, |extent| extent.records);
        assert_eq!(in_frames, self.seen.frames, "every frame is covered");
        self.balance();
    }

    /// Closes the account: every frame lies in one stream or in none, and all can be judged.
    pub fn balance(self) {
        let summary = self.observer.finish();
        assert_eq!(summary.total, self.seen);
        assert_eq!(placed(&summary), self.seen, "every frame is placed once");
        let mut once = self.seen;
        for copies in copies(&summary) {
            once.frames -= copies.frames;
            once.bytes -= copies.bytes;
            once.captured -= copies.captured;
        }
        let evidence = Summary { captures: [(EvidenceId(1), summary)].into(), ..Summary::default() };
        let rule = GapRule::with_gap(Span::from_seconds(60));
        let facts = correlate(&evidence, &Policy::default(), rule);
        assert_eq!(facts.total, once, "every frame but the copies is judged once");
    }
}

/// Holds what a reader of logs says of what it read: every byte accounted for, every event known.
pub fn balance_log(bytes: &[u8], summary: &LogSummary, events: u64) {
    let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
    assert_eq!(covered, bytes.len() as u64);
    let records = |bucket| summary.coverage.get(bucket).map_or(0, |extent| extent.records);
    assert_eq!(records("records_known"), events);
    assert_eq!(records("records_known") + records("records_other"), summary.records);
}

fn placed(summary: &CaptureSummary) -> Count {
    let aside = summary.decrypted_copies.values().chain(summary.ipsec_offload.values());
    let aside = aside.chain(summary.off_wire.values().flat_map(|all| all.values()));
    let streams = summary.streams.values().chain(aside);
    let paired = streams.flat_map(|streams| streams.values()).map(|runs| Count::of(runs));
    let mut sum = Count::default();
    let others = summary.unpaired.values().copied().chain(copies(summary));
    paired.chain(others).for_each(|count| sum.join(count));
    sum
}

/// Frames that show a packet again.
fn copies(summary: &CaptureSummary) -> impl Iterator<Item = Count> {
    let runs = summary.duplicates.values().flat_map(|kinds| kinds.values());
    let paired = runs.map(|runs| Count::of(runs));
    paired.chain(summary.unpaired_duplicates.values().copied())
}
