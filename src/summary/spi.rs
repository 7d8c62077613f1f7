//! What the packets of one SPI show together: whether they are readable, what they then hold, and
//! which are missing.

use super::capture_summary::Count;
use super::timeline::Sighting;
use crate::packet::{IpPacket, Packet, carried};
use crate::protection::esp_null::NullEvidence;
use crate::protection::esp_sequence::SequenceNumbers;
use crate::protection::secret::{Secret, secret};
use crate::protection::{App, NamedPorts, Stream, classify, signature};
use std::collections::BTreeMap;

/// Readable contents by application and whether it protects itself.
pub type Contents = BTreeMap<(App, bool), Count>;

/// The evidence of one SPI in one direction.
#[derive(Debug, Default)]
pub(super) struct SpiEvidence {
    pub(super) null: NullEvidence,
    pub(super) numbers: SequenceNumbers,
    /// Its packets are not shown again after decryption.
    pub(super) has_no_twins: bool,
    /// What was readable; it counts if the SPI turns out to be so.
    pub(super) contents: Contents,
    /// Credentials in it, likewise: the first and the last packet of each form, and how many.
    pub(super) secrets: BTreeMap<Secret, (Sighting, Sighting, u64)>,
}

impl SpiEvidence {
    /// Takes an ESP packet, from its SPI on; `is_whole` where the capture cut nothing off.
    pub(super) fn observe(
        &mut self,
        ip: &IpPacket<'_>,
        (body, is_whole): (&[u8], bool),
        seen: Sighting,
        named: &NamedPorts,
    ) {
        self.numbers.observe(body);
        if !is_whole || ip.fragment.is_some() {
            return;
        }
        let Some(content) = self.null.observe(body, ip.source(), ip.destination()) else { return };
        let packet = carried(content.next_header, content.octets, ip);
        let Packet::Ip(inner) = &packet else { return };
        let Stream::Clear { app, encrypted, .. } = classify(inner, named) else { return };
        let app = signature::opening(inner).filter(|_| !encrypted).unwrap_or(app);
        self.contents.entry((app, encrypted)).or_default().add(seen.bytes, seen.captured);
        if let Some(secret) = secret(app, inner).filter(|_| !encrypted) {
            let (_, last, count) = self.secrets.entry(secret).or_insert((seen, seen, 0));
            *last = seen;
            *count += 1;
        }
    }
}
