//! Any bytes as the beginning of a file whose format is to be reported.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::evidence::Format;

fuzz_target!(|data: &[u8]| {
    let format = Format::recognize(data);
    assert!(!format.as_str().is_empty());
    if let Format::Unread(unread) = format {
        assert!(!unread.remedy.is_empty(), "who is turned away learns what to do");
    }
    // A magic number decides alone: what follows it changes nothing.
    let is_text = matches!(
        format,
        Format::Text
            | Format::EventXml
            | Format::EventJson
            | Format::EventCsv
            | Format::NetEvents
            | Format::Unknown
    );
    if !is_text {
        let magic = data.get(..LONGEST_MAGIC).unwrap_or(data);
        assert_eq!(Format::recognize(magic), format);
    }
});

/// No magic number that is known ends behind this byte; an event trace's is the longest.
const LONGEST_MAGIC: usize = 108;
