//! Any texts as the strings of a legacy audit event (541 to 547) and as the message that holds them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::eventlog::{AuditOutcome, LogEvent, LogRecord, text};
use plainsight::evidence::{EvidenceId, RecordRef};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let event_id = 541 + u16::from(*first % 7);
    let strings: Vec<String> =
        String::from_utf8_lossy(rest).split('\0').map(str::to_owned).collect();
    let row = format!(
        "a,1.1.2026 1:1:1,Security,{event_id},b,\"{}\"\r\n",
        strings.join("\n").replace('"', "\"\"")
    );
    let record = LogRecord {
        record: RecordRef { evidence: EvidenceId(1), record: 1 },
        is_numbered: true,
        written_as: None,
        provider: "Security".to_owned(),
        channel: "Security".to_owned(),
        computer: String::new(),
        event_id,
        version: 0,
        time: None,
        audit: AuditOutcome::NotAudit,
        named: Vec::new(),
        positional: strings,
        binary: Vec::new(),
    };
    let event = LogEvent::from_record(&record).expect("the catalogue knows 541 to 547");
    for address in [event.local(), event.peer()].into_iter().flatten() {
        // A label may come before it without a space.
        let is_listed =
            |word: &str| word.char_indices().any(|(at, _)| word[at..].parse() == Ok(address));
        let mut words = record.positional.iter().flat_map(|text| text.split_whitespace());
        assert!(words.any(is_listed), "{address}");
    }
    let mut events = 0;
    text::csv::read(&mut row.as_bytes(), EvidenceId(1), None, &mut |_event| events += 1);
    assert_eq!(events, 1);
});
