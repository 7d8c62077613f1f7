//! What packets carry, shown to what reads it: IKE, ESP, ICMP errors, credentials, abuse of exemptions.

use super::{CaptureObserver, MOST_UNREACHABLE, is_on_ike_port};
use crate::hosts::HostPair;
use crate::packet::{IpPacket, protocol};
use crate::protection::exemption_abuse::{AbusedExemption, abused_exemption};
use crate::protection::secret::secret;
use crate::protection::unreachable::quoted_ike;
use crate::protection::{EspSpi, ExemptKind, Stream};
use crate::summary::bound::Bound;
use crate::summary::capture_summary::Unpaired;
use crate::summary::ike::Place;
use crate::summary::timeline::PacketRecord;

impl CaptureObserver<'_> {
    /// Shows the bytes of IKE, ESP and ICMP to the machines that read them; false where the
    /// packet was counted here because its pair is not to be reported.
    pub(super) fn observe_body(
        &mut self,
        ip: &IpPacket<'_>,
        key: (HostPair, Stream),
        (seen, place): (&PacketRecord, Place),
    ) -> bool {
        let (body, is_whole) = (ip.payload, ip.payload.len() == ip.payload_len);
        if let Some(kind) = abused_exemption(key.1, ip) {
            self.summary.note_abuse((key.0, kind), *seen);
        }
        match key.1 {
            Stream::Exempt(_) | Stream::Clear { .. } if is_on_ike_port(ip) => {
                self.ike.not_ike(ip, place, ip.payload);
            }
            // What comes in fragments is put together first.
            Stream::Ike if ip.fragment.is_some() => {}
            Stream::Ike => {
                if !self.ike.datagram(ip, place, body, is_whole) && !self.streams.contains(&key) {
                    self.unpaired(Unpaired::IkeFlood, *seen);
                    return false;
                }
            }
            // A later fragment has no SPI.
            Stream::Esp(spi, _) if spi != EspSpi(0) => {
                let evidence = self.streams.of(key).0.esp.get_or_insert_default();
                evidence.observe(ip, seen, self.named);
            }
            Stream::WespIntegrityOnly(spi, _) if spi != EspSpi(0) => {
                let evidence = self.streams.of(key).0.esp.get_or_insert_default();
                evidence.observe(ip, seen, self.named);
            }
            Stream::Ah(spi, _) if spi != EspSpi(0) => {
                self.streams.of(key).0.esp.get_or_insert_default().observe_ah(ip, seen, self.named);
            }
            Stream::Exempt(ExemptKind::Echo) => {
                if self.echoes.observe(ip) {
                    self.summary.note_abuse((key.0, AbusedExemption::EchoTunnel), *seen);
                }
            }
            Stream::Exempt(ExemptKind::Icmp) => {
                if let Some(mut reported) = quoted_ike(body, ip.protocol == protocol::ICMPV6) {
                    let is_full = self.summary.unreachable.len() >= MOST_UNREACHABLE;
                    if is_full {
                        reported.initiator_spi = None;
                    }
                    if is_full && !self.summary.unreachable.contains_key(&reported) {
                        self.summary.reached(Bound::IcmpErrors, 1);
                        return true;
                    }
                    let entry =
                        self.summary.unreachable.entry(reported).or_insert((*seen, *seen, 0));
                    entry.1 = *seen;
                    entry.2 += 1;
                }
            }
            Stream::Clear { app, encrypted: false, .. } => {
                if let Some(secret) = secret(app, ip) {
                    self.summary.add_secret((key.0, secret), (*seen, *seen, 1));
                }
            }
            Stream::Esp(..)
            | Stream::WespIntegrityOnly(..)
            | Stream::Ah(..)
            | Stream::NattKeepalive
            | Stream::Exempt(_)
            | Stream::Clear { .. }
            | Stream::Undecodable(_) => {}
        }
        true
    }
}
