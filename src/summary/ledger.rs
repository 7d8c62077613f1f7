//! Where the bytes of a capture's frames went: one bucket for each class, and for packets that it
//! shows again.

use super::capture_summary::{CaptureSummary, Count, Unpaired};
use crate::evidence::Extent;
use crate::protection::ProtectionClass;
use std::collections::BTreeMap;

impl CaptureSummary {
    /// Captured bytes and frames by bucket, as the capture alone shows them; every frame that was
    /// observed is in exactly one.
    #[must_use]
    pub fn ledger(&self) -> BTreeMap<&'static str, Extent> {
        let mut ledger = Ledger::default();
        for (pair, streams) in &self.streams {
            for (stream, runs) in streams {
                let evidence = self.edges.esp.get(&(*pair, *stream));
                let is_null = evidence.is_some_and(|evidence| evidence.null.is_null());
                let class = self.class_of(*pair, *stream);
                let class = if is_null { ProtectionClass::EspNull } else { class };
                ledger.add(bucket(class), Count::of(runs));
            }
        }
        for (stream, count) in self.edges.kept_apart() {
            ledger.add(bucket(stream.class()), count);
        }
        for (what, count) in &self.unpaired {
            let class = match what {
                Unpaired::Arp => ProtectionClass::Exempt,
                Unpaired::NonIp(_) => ProtectionClass::NonIp,
                Unpaired::Undecodable(_) => ProtectionClass::Undecodable,
                Unpaired::IkeFlood => ProtectionClass::Ike,
                Unpaired::FoldedClear(..) => ProtectionClass::Clear,
                Unpaired::Folded(class) => *class,
            };
            ledger.add(bucket(class), *count);
        }
        let aside =
            [&self.decrypted_copies, &self.ipsec_offload].into_iter().chain(self.off_wire.values());
        let aside = aside.flat_map(BTreeMap::values);
        for runs in aside.flat_map(BTreeMap::values) {
            ledger.add(AGAIN, Count::of(runs));
        }
        for runs in self.duplicates.values().flat_map(BTreeMap::values) {
            ledger.add(AGAIN, Count::of(runs));
        }
        for count in self.unpaired_duplicates.values() {
            ledger.add(AGAIN, *count);
        }
        ledger.0
    }
}

#[derive(Default)]
struct Ledger(BTreeMap<&'static str, Extent>);

impl Ledger {
    fn add(&mut self, bucket: &'static str, count: Count) {
        self.0.entry(bucket).or_default().add(count.captured, count.frames);
    }
}

const fn bucket(class: ProtectionClass) -> &'static str {
    match class {
        ProtectionClass::Esp => "frames_esp",
        ProtectionClass::EspNull => "frames_esp_null",
        ProtectionClass::Ah => "frames_ah",
        ProtectionClass::Ike => "frames_ike",
        ProtectionClass::NattKeepalive => "frames_natt_keepalive",
        ProtectionClass::Exempt => "frames_exempt",
        ProtectionClass::Clear => "frames_clear",
        ProtectionClass::NonIp => "frames_non_ip",
        ProtectionClass::Undecodable => "frames_undecodable",
    }
}

const AGAIN: &str = "frames_artefacts";
