//! Any bytes as a pcapng file: read, classified, summed up and judged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::capture::read_pcapng;
use plainsight::protection::NamedPorts;
use plainsight_fuzz::Account;

fuzz_target!(|data: &[u8]| {
    let named = NamedPorts::default();
    let mut account = Account::new(&named);
    let outline = read_pcapng(data, &mut |frame| account.frame(&frame));
    account.balance_with(&outline.expect("memory gives no read error"), data.len());
});
