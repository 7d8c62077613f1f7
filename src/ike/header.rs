//! The header every message begins with (RFC 2408 §3.1, RFC 7296 §3.1), and how IKE is recognized by it.

use super::readable::{has_pattern, holds_text, text_beside_names, text_len};
use super::reader::{Defect, Reader};
use super::{ExchangeType, IkeVersion, Spi};
use serde::{Deserialize, Serialize};

/// The 28 bytes of an IKE header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) initiator_spi: Spi,
    pub(super) responder_spi: Spi,
    pub(super) next_payload: u8,
    pub(super) version: IkeVersion,
    pub(super) exchange_type: ExchangeType,
    pub(super) flags: u8,
    pub(super) message_id: u32,
    pub(super) length: u32,
}

impl Header {
    pub(super) const LEN: usize = 28;
    /// IKEv1: what follows the header is encrypted.
    pub(super) const ENCRYPTED: u8 = 0x01;
    /// IKEv2: sent by the host that began the IKE SA.
    pub(super) const INITIATOR: u8 = 0x08;
    /// IKEv2: the answer to the request with this message id.
    pub(super) const RESPONSE: u8 = 0x20;

    /// The header at the beginning of a message.
    ///
    /// # Errors
    /// Where it is short or of another major version.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Defect> {
        let initiator_spi = Spi(reader.array("initiator SPI")?);
        let responder_spi = Spi(reader.array("responder SPI")?);
        let next_payload = reader.u8("next payload")?;
        let (offset, value) = (reader.offset(), reader.u8("version")?);
        let exchange_type = ExchangeType(reader.u8("exchange type")?);
        let version = match (value >> 4, exchange_type.0) {
            (1, 243..=246) => IkeVersion::AuthIp,
            (1, _) => IkeVersion::V1,
            (2, _) => IkeVersion::V2,
            _ => {
                let expected = "major version 1 or 2 in its upper half";
                return Err(Defect::Unexpected { field: "version", offset, value, expected });
            }
        };
        Ok(Self {
            initiator_spi,
            responder_spi,
            next_payload,
            version,
            exchange_type,
            flags: reader.u8("flags")?,
            message_id: reader.u32("message ID")?,
            length: reader.u32("length")?,
        })
    }

    pub(super) const fn is_response(&self) -> bool {
        self.flags & Self::RESPONSE != 0
    }

    /// The first message of a negotiation, its answer with a COOKIE, and errors about either.
    fn may_lack_responder_spi(&self) -> bool {
        match self.version {
            IkeVersion::V1 => matches!(self.exchange_type.0, 1..=5),
            IkeVersion::V2 => matches!(self.exchange_type.0, 34 | 37 | 38),
            IkeVersion::AuthIp => matches!(self.exchange_type.0, 243 | 246),
        }
    }

    fn exchange_is_plausible(&self) -> bool {
        match self.version {
            IkeVersion::V1 => matches!(self.exchange_type.0, 1..=6 | 32 | 33 | 240..=255),
            IkeVersion::V2 => matches!(self.exchange_type.0, 34..=44 | 240..=255),
            IkeVersion::AuthIp => true,
        }
    }
}

/// What follows a header, as far as it was captured.
enum Body {
    /// Payloads that fit into the message (RFC 2408 §3.2, RFC 7296 §3.2), or what is encrypted.
    Plausible,
    /// Anything else.
    Unusual,
    /// The header names encrypted content, and it can be read; or there is more text than the payloads have a place
    /// for.
    Readable,
}

impl Header {
    /// Whether the content of the message is encrypted: by its flag or its exchange, which runs under keys (RFC 2408
    /// §3.1, RFC 2409 §5.5 and §5.6; \[MS-AIPS\] 1.3; RFC 7296 §1.2, RFC 9242 §3.3).
    const fn is_encrypted(&self) -> bool {
        match self.version {
            IkeVersion::V1 => {
                self.flags & Self::ENCRYPTED != 0 || matches!(self.exchange_type.0, 6 | 32 | 33)
            }
            IkeVersion::AuthIp => matches!(self.exchange_type.0, 244 | 245),
            IkeVersion::V2 => !matches!(self.exchange_type.0, 34 | 38),
        }
    }

    /// What follows the header in a message of this length.
    fn body(&self, body: &[u8], message_len: usize) -> Body {
        let body_len = message_len.saturating_sub(Self::LEN);
        if self.is_encrypted() && holds_text(body) {
            return Body::Readable;
        }
        match self.version {
            IkeVersion::V1 if self.flags & Self::ENCRYPTED != 0 => {
                return if has_pattern(body) { Body::Readable } else { Body::Plausible };
            }
            // The content of AuthIP is not known here, but most of it is no text.
            IkeVersion::AuthIp => {
                let text = text_len(body);
                let is_mostly_text = text > MOST_TEXT || text * 2 > body.len();
                return if is_mostly_text { Body::Readable } else { Body::Plausible };
            }
            IkeVersion::V1 | IkeVersion::V2 => {}
        }
        self.payloads(body, body_len)
    }

    /// What the payloads of a message are, up to an encrypted one.
    fn payloads(&self, body: &[u8], body_len: usize) -> Body {
        let (mut kind, mut at, mut text, mut negotiates) = (self.next_payload, 0, 0, false);
        for _ in 0..MOST_PAYLOADS {
            if kind == 0 || at >= body.len() {
                break;
            }
            let Some(&[next, _, high, low]) = body.get(at..).and_then(|rest| rest.first_chunk())
            else {
                return if body.len() < body_len { Body::Plausible } else { Body::Unusual };
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            if length < 4 || at.saturating_add(length) > body_len {
                return Body::Unusual;
            }
            let content = body.get(at + 4..).unwrap_or_default();
            // RFC 7296 §3.14, RFC 7383 §2.5: the encrypted payload is the last one, and names what is inside it.
            if self.version == IkeVersion::V2 && matches!(kind, 46 | 53) {
                let is_readable = holds_text(content) || has_pattern(content);
                return if is_readable { Body::Readable } else { Body::Plausible };
            }
            let content = content.get(..length - 4).unwrap_or(content);
            text += match OfCertificates::of(self.version, kind, content) {
                Some(OfCertificates::Names) => text_beside_names(content),
                Some(OfCertificates::Certificate) => {
                    Some(text_beside_names(content)).filter(|t| t * 2 > content.len()).unwrap_or(0)
                }
                None => text_len(content),
            };
            negotiates |= matches!(kind, 33 | 41);
            (at, kind) = (at + length, next);
        }
        // RFC 7296 §1.2 and §2.6: IKE_SA_INIT proposes, answers, or notifies.
        let is_idle = self.version == IkeVersion::V2 && self.exchange_type.0 == 34 && !negotiates;
        if text > MOST_TEXT || (text > 0 && is_idle) { Body::Readable } else { Body::Plausible }
    }
}

/// What has text of its own in a payload of IKEv1 (RFC 2408 §3.8 to §3.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OfCertificates {
    /// The name of a host or of an authority in DER: strings behind their identifiers.
    Names,
    /// A certificate in DER: less than half of it is text, for keys and signatures are none.
    Certificate,
}

impl OfCertificates {
    fn of(version: IkeVersion, kind: u8, content: &[u8]) -> Option<Self> {
        let (skipped, what) = match (version, kind) {
            (IkeVersion::V1, 5) => (4, Self::Names),
            (IkeVersion::V1, 6) => (1, Self::Certificate),
            (IkeVersion::V1, 7) => (1, Self::Names),
            (IkeVersion::V1 | IkeVersion::V2 | IkeVersion::AuthIp, _) => return None,
        };
        // X.690 §8.9 and §8.11: a sequence of sequences, sets or identifiers.
        match content.get(skipped..) {
            Some([0x30, 0..=0x7f, inner, ..])
            | Some([0x30, 0x81, _, inner, ..])
            | Some([0x30, 0x82, _, _, inner, ..]) => {
                matches!(inner, 0x30 | 0x31 | 0x06).then_some(what)
            }
            Some(_) | None => None,
        }
    }
}

/// Whether the message that begins here may hold names of X.500 in clear: one of IKEv1 that is not encrypted.
#[must_use]
pub fn may_hold_names(message: &[u8]) -> bool {
    Header::read(&mut Reader::new(message))
        .is_ok_and(|header| header.version == IkeVersion::V1 && !header.is_encrypted())
}

/// How certain it is that bytes are an IKE message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Every field of the header fits, and its length is that of the datagram.
    Certain,
    /// A header of IKE with something unusual: accepted on IKE's own ports only.
    Unsure,
    /// Not IKE.
    NotIke,
}

/// Recognizes IKE by its header. `available` is what was captured of the datagram, `datagram_len` its
/// length on the wire, `None` where only a first fragment is seen.
#[must_use]
pub fn probe(available: &[u8], datagram_len: Option<usize>) -> Probe {
    // The cheapest test first: nearly all clear UDP fails it.
    if !available.get(17).is_some_and(|version| matches!(version >> 4, 1 | 2)) {
        return Probe::NotIke;
    }
    if datagram_len.is_some_and(|length| length < Header::LEN) {
        return Probe::NotIke;
    }
    // Where the capture cut the header, the few remaining bytes prove nothing.
    let Ok(header) = Header::read(&mut Reader::new(available)) else { return Probe::NotIke };
    if header.initiator_spi.is_zero() {
        return Probe::NotIke;
    }
    let known_flags = match header.version {
        IkeVersion::V1 | IkeVersion::AuthIp => header.flags & !0x07 == 0,
        IkeVersion::V2 => header.flags & !0x38 == 0,
    };
    let message_len = usize::try_from(header.length).unwrap_or(usize::MAX);
    let fits = datagram_len == Some(message_len);
    let minor_is_zero = available.get(17).is_some_and(|version| version & 0x0f == 0);
    let knows_peer = !header.responder_spi.is_zero() || header.may_lack_responder_spi();
    let body = available.get(Header::LEN..).unwrap_or_default();
    let has_payloads = match header.body(body, message_len) {
        Body::Plausible => true,
        Body::Unusual => false,
        Body::Readable => return Probe::NotIke,
    };
    let signs =
        [known_flags, minor_is_zero, knows_peer, header.exchange_is_plausible(), has_payloads];
    // A first fragment does not show how long its datagram is.
    let odd = usize::from(!fits && datagram_len.is_some());
    match odd + signs.iter().filter(|is_usual| !**is_usual).count() {
        0 if fits => Probe::Certain,
        0 | 1 => Probe::Unsure,
        _ => Probe::NotIke,
    }
}

/// Bytes of readable text in a message that is not encrypted: a name of 255 (RFC 1035 §2.3.4) and what makers write of
/// themselves.
const MOST_TEXT: usize = 512;
/// A message has some twenty payloads.
const MOST_PAYLOADS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(version: u8, exchange: u8, flags: u8, length: u32) -> Vec<u8> {
        let mut m = vec![7; 8];
        m.extend([0; 8]);
        m.extend([0, version, exchange, flags, 0, 0, 0, 0]);
        m.extend(length.to_be_bytes());
        m
    }

    #[test]
    fn a_header_whose_length_is_the_datagrams_is_certain() {
        assert_eq!(probe(&message(0x20, 34, 0x08, 28), Some(28)), Probe::Certain);
        assert_eq!(probe(&message(0x10, 2, 0, 28), Some(28)), Probe::Certain);
        assert_eq!(probe(&message(0x10, 243, 0, 28), Some(28)), Probe::Certain);
    }

    #[test]
    fn without_a_responder_spi_only_what_opens_a_negotiation_is_certain() {
        assert_eq!(probe(&message(0x20, 35, 0x08, 28), Some(28)), Probe::Unsure);
        assert_eq!(probe(&message(0x10, 32, 1, 28), Some(28)), Probe::Unsure);
    }

    #[test]
    fn a_wrong_length_or_a_first_fragment_is_unsure() {
        assert_eq!(probe(&message(0x20, 34, 0x08, 40), Some(28)), Probe::Unsure);
        assert_eq!(probe(&message(0x20, 35, 0x08, 1400), None), Probe::Unsure);
    }

    fn with_text(version: u8, exchange: u8, flags: u8, head: &[u8]) -> Vec<u8> {
        let mut text = message(version, exchange, flags, 92);
        text[16] = 33;
        text.extend(head);
        text.extend(b"a line of a log that anybody can read, and one more of the same..");
        text.truncate(92);
        text
    }

    #[test]
    fn text_behind_a_header_is_not_certain_and_with_another_oddity_is_not_ike() {
        for (version, exchange, flags) in [(0x20, 34, 8), (0x10, 2, 0)] {
            let mut text = with_text(version, exchange, flags, &[]);
            assert_eq!(probe(&text, Some(92)), Probe::Unsure, "{version:x}");
            text[19] |= 0x80;
            assert_eq!(probe(&text, Some(92)), Probe::NotIke, "{version:x}");
        }
    }

    #[test]
    fn what_is_encrypted_is_no_text_wherever_it_stands() {
        assert_eq!(probe(&with_text(0x10, 5, 1, &[]), Some(92)), Probe::NotIke);
        assert_eq!(probe(&with_text(0x10, 32, 1, &[0x80; 16]), Some(92)), Probe::NotIke);
        // These exchanges run under keys, whatever the message says of itself.
        for (version, exchange) in [(0x10, 32), (0x10, 6), (0x10, 244), (0x20, 35), (0x20, 37)] {
            let text = with_text(version, exchange, 0, &[0x80; 12]);
            assert_eq!(probe(&text, Some(92)), Probe::NotIke, "{version:x} {exchange}");
        }
        for kind in [46, 53] {
            let mut encrypted = with_text(0x20, 37, 8, &[41, 0, 0, 64, 0x89, 0x89, 0x89, 0x89]);
            encrypted[8] = 7;
            encrypted[16] = kind;
            assert_eq!(probe(&encrypted, Some(92)), Probe::NotIke, "{kind}");
            // 31 letters in a row can be chance.
            encrypted[36 + 31..].fill(0x90);
            assert_eq!(probe(&encrypted, Some(92)), Probe::Certain, "{kind}");
        }
    }

    #[test]
    fn a_zero_initiator_spi_or_another_version_is_not_ike() {
        let mut zero = message(0x20, 34, 0x08, 28);
        zero[..8].fill(0);
        assert_eq!(probe(&zero, Some(28)), Probe::NotIke);
        assert_eq!(probe(&message(0x40, 34, 0x08, 28), Some(28)), Probe::NotIke);
    }
}
