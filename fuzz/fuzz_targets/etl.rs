//! Any bytes as an event trace: read, classified, summed up and judged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::capture::{TraceFact, read_etl};
use plainsight::eventlog::trace::{EventPosition, TraceLog};
use plainsight::evidence::EvidenceId;
use plainsight::packet::decode;
use plainsight::protection::NamedPorts;
use plainsight_fuzz::Account;

fuzz_target!(|data: &[u8]| {
    let named = NamedPorts::default();
    let mut account = Account::new(&named);
    let mut keep = |_| {};
    let mut log = TraceLog::new(EvidenceId(1), &mut keep);
    let outline = read_etl(data, &mut |frame| account.frame(&frame), &mut |event| {
        let place = EventPosition { record: event.record, offset: event.offset, time: event.time };
        match event.fact {
            TraceFact::Platform { id, version, data } => log.platform(place, id, version, data),
            TraceFact::Dropped(packet) => {
                let _ = decode(&packet.frame);
            }
        }
    });
    let _ = log.finish();
    account.balance_with(&outline.expect("memory gives no read error"), data.len());
});
