//! What the packets of one SPI show together: whether they are readable, what they then hold, and
//! which are missing.

use super::capture_summary::Count;
use super::esp_mark::EspMark;
use super::timeline::PacketRecord;
use crate::packet::{IpPacket, Packet, carried, protocol};
use crate::protection::decrypted_copy::Watched;
use crate::protection::esp_null::NullEvidence;
use crate::protection::esp_sequence::SequenceNumbers;
use crate::protection::sa_evidence::{SaEvidence, SaPacket};
use crate::protection::secret::{Secret, secret};
use crate::protection::{App, NamedPorts, Stream, as_clear_text, classify, esp_bytes, signature};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Readable contents by application and whether it protects itself.
pub type Contents = BTreeMap<(App, bool), Count>;

/// The evidence of one SPI in one direction.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct SpiEvidence {
    pub(super) null: NullEvidence,
    pub(super) numbers: SequenceNumbers,
    /// Whether it is ESP or AH at all.
    #[serde(skip)]
    pub(super) sa: SaEvidence,
    /// What they are if they are neither.
    #[serde(skip)]
    pub(super) as_clear: Option<Stream>,
    /// Its first packets, one by one.
    #[serde(skip)]
    pub(super) packets: Vec<EspMark>,
    /// Whether its packets may show again after decryption.
    #[serde(skip)]
    pub(super) watched: Watched,
    /// What was readable; it counts if the SPI turns out to be so.
    pub(super) contents: Contents,
    /// Credentials in it, likewise: the first and the last packet of each form, and how many.
    pub(super) secrets: BTreeMap<Secret, (PacketRecord, PacketRecord, u64)>,
}

impl SpiEvidence {
    /// Reads the record.
    pub(super) fn expect(&self) -> u64 {
        self.null.expect() ^ self.numbers.packets() ^ self.sa.expect()
    }

    /// Adds what a later file shows of it.
    pub(super) fn join(&mut self, later: Self) {
        self.null.join(&later.null);
        self.numbers.join(later.numbers);
        for (app, count) in later.contents {
            self.contents.entry(app).or_default().join(count);
        }
        for (secret, (first, last, count)) in later.secrets {
            let known = self.secrets.entry(secret).or_insert((first, last, 0));
            known.1 = last;
            known.2 = known.2.saturating_add(count);
        }
    }

    /// All that is counted.
    pub(super) fn counted(&self) -> impl Iterator<Item = u64> {
        let contents = self.contents.values().flat_map(|c| [c.frames, c.bytes, c.captured]);
        let secrets = self.secrets.values().map(|reported| reported.2);
        contents.chain(secrets).chain([self.numbers.missing(), self.numbers.packets()])
    }

    /// Takes a packet of AH that does not carry ESP.
    pub(super) fn observe_ah(
        &mut self,
        ip: &IpPacket<'_>,
        seen: &PacketRecord,
        named: &NamedPorts,
    ) {
        self.as_clear.get_or_insert_with(|| as_clear_text(ip, named));
        let length = ip.fragment.is_none().then_some(ip.payload_len);
        self.sa.observe_ah(SaPacket { bytes: ip.payload, length, time: seen.time });
    }

    /// Takes an ESP packet out of a TCP stream: its bytes as far as they are kept, and how many there are;
    /// `alone` is what its segment is if that is no ESP.
    pub(super) fn observe_in_tcp(
        &mut self,
        (bytes, length): (&[u8], usize),
        seen: &PacketRecord,
        alone: Stream,
    ) {
        self.as_clear.get_or_insert(alone);
        self.numbers.observe(bytes);
        let packet = SaPacket { bytes, length: Some(length), time: seen.time };
        self.sa.observe_esp(packet, false);
    }

    /// Takes an ESP packet.
    pub(super) fn observe(&mut self, ip: &IpPacket<'_>, seen: &PacketRecord, named: &NamedPorts) {
        self.as_clear.get_or_insert_with(|| as_clear_text(ip, named));
        let (body, len) = esp_bytes(ip);
        self.numbers.observe(body);
        let length = ip.fragment.is_none().then_some(len);
        let packet = SaPacket { bytes: body, length, time: seen.time };
        self.sa.observe_esp(packet, ip.protocol == protocol::UDP);
        if body.len() != len || ip.fragment.is_some() {
            return;
        }
        let Some(content) = self.null.observe(body, ip.source(), ip.destination()) else { return };
        let packet = carried(content.next_header, content.bytes, ip);
        let Packet::Ip(inner) = &packet else { return };
        let Stream::Clear { app, encrypted, .. } = classify(inner, named) else { return };
        let app = signature::opening(inner).filter(|_| !encrypted).unwrap_or(app);
        self.contents.entry((app, encrypted)).or_default().add(seen.bytes, seen.captured);
        if let Some(secret) = secret(app, inner).filter(|_| !encrypted) {
            let (_, last, count) = self.secrets.entry(secret).or_insert((*seen, *seen, 0));
            *last = *seen;
            *count += 1;
        }
    }
}
