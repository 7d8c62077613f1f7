//! UDP conversations that may be ESP: only an earlier file of the same capture may show that their ports carry it, where it
//! holds the negotiation (`other_ports`).

use crate::hosts::Direction;
use crate::packet::{IpPacket, protocol};
use crate::protection::{NamedPorts, Stream, esp_bytes, inside_udp_on_other_port};
use crate::summary::esp_mark::EspMark;
use crate::summary::sa::SaSeen;
use crate::summary::spi::SpiEvidence;
use crate::summary::timeline::PacketRecord;
use serde::{Deserialize, Serialize};

/// What the packets of one conversation would be.
#[derive(Debug, Default)]
pub(super) struct MayBeEsp {
    sas: Vec<(Stream, SpiEvidence)>,
    /// The stream of the packet that is observed now.
    pub(super) now: Option<Stream>,
    /// It has too many SPIs to be ESP.
    is_none: bool,
}

/// What the packets under an SPI show, if they are ESP.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::summary) struct PerhapsSa {
    pub(in crate::summary) stream: Stream,
    pub(in crate::summary) seen: SaSeen,
    pub(in crate::summary) evidence: SpiEvidence,
    pub(in crate::summary) packets: Vec<EspMark>,
}

impl MayBeEsp {
    /// Takes a packet. `keep` says whether one more may be kept one by one.
    pub(super) fn observe(
        &mut self,
        ip: &IpPacket<'_>,
        seen: &PacketRecord,
        named: &NamedPorts,
        keep: impl FnOnce() -> bool,
    ) {
        let is_whole_udp = ip.protocol == protocol::UDP && ip.fragment.is_none();
        self.now = (is_whole_udp && !self.is_none).then(|| inside_udp_on_other_port(ip)).flatten();
        let Some(stream @ Stream::Esp(spi, _)) = self.now else { return };
        let known = self.sas.iter().position(|(known, _)| *known == stream);
        if known.is_none() && (self.sas.len() >= MOST_SPIS || spi.is_reserved()) {
            *self = Self { is_none: true, ..Self::default() };
            return;
        }
        let at = known.unwrap_or_else(|| {
            self.sas.push((stream, SpiEvidence::default()));
            self.sas.len() - 1
        });
        let Some((_, evidence)) = self.sas.get_mut(at) else { return };
        evidence.observe(ip, seen, named);
        if keep() {
            let (bytes, length) = esp_bytes(ip);
            evidence.packets.push(EspMark::of(seen, bytes, length));
        }
    }

    /// Whether its packets may be ESP at all.
    pub(super) const fn is_possible(&self) -> bool {
        !self.is_none
    }

    /// What each SPI shows.
    pub(super) fn finish(self) -> Vec<PerhapsSa> {
        let sas = self.sas.into_iter().filter_map(|(stream, mut evidence)| {
            let packets = std::mem::take(&mut evidence.packets);
            let as_clear = evidence.as_clear?;
            let seen = SaSeen { evidence: evidence.sa, as_clear, is_unproven: false };
            Some(PerhapsSa { stream, seen, evidence, packets })
        });
        sas.collect()
    }
}

/// Packets of one stream and direction, and what they are if the conversation is ESP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) direction: Direction,
    pub(super) stream: Stream,
    pub(super) perhaps: Option<Stream>,
}

/// SPIs of one conversation; what shows another one in each packet is no ESP.
pub(super) const MOST_SPIS: usize = 8;
