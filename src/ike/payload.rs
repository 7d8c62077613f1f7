//! The chain of payloads behind a header, as far as it is readable.

use super::header::Header;
use super::proposal;
use super::reader::Reader;
use super::{ExchangeType, IkeVersion};

/// What the readable part of a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// Payload types in order.
    pub(super) kinds: Vec<u8>,
    /// Notify message types.
    pub(super) notifies: Vec<u16>,
    /// Proposals of an SA payload, in words.
    pub(super) proposals: Vec<String>,
    /// Vendor ids, in hexadecimal.
    pub(super) vendor_ids: Vec<String>,
    /// A Delete payload stands readable.
    pub(super) deletes: bool,
    /// The rest is encrypted.
    pub(super) encrypted: bool,
}

/// Payload types of IKEv1 (RFC 2408 §3.1) and IKEv2 (RFC 7296 §3.2).
pub(super) mod kind {
    pub(in crate::ike) const V1_SA: u8 = 1;
    pub(in crate::ike) const V1_HASH: u8 = 8;
    pub(in crate::ike) const V1_NOTIFY: u8 = 11;
    pub(in crate::ike) const V1_DELETE: u8 = 12;
    pub(in crate::ike) const V1_VENDOR: u8 = 13;
    pub(in crate::ike) const V2_SA: u8 = 33;
    pub(in crate::ike) const V2_NOTIFY: u8 = 41;
    pub(in crate::ike) const V2_DELETE: u8 = 42;
    pub(in crate::ike) const V2_VENDOR: u8 = 43;
    pub(in crate::ike) const V2_ENCRYPTED: u8 = 46;
    pub(in crate::ike) const V2_FRAGMENT: u8 = 53;
}

/// Reads the payloads of a message.
pub(super) fn read(message: &[u8], header: &Header) -> Contents {
    let mut contents = Contents::default();
    let is_v2 = header.version == IkeVersion::V2;
    if !is_v2 && header.flags & Header::ENCRYPTED != 0 {
        contents.encrypted = true;
        return contents;
    }
    // AuthIP's payloads are laid out otherwise (MS-AIPS §2.2.3); only its header is read.
    if header.version == IkeVersion::AuthIp {
        return contents;
    }
    let mut reader = Reader::new(message.get(Header::LEN..).unwrap_or_default());
    let mut next = header.next_payload;
    while next != 0 && contents.kinds.len() < MAX_PAYLOADS {
        if is_v2 && (next == kind::V2_ENCRYPTED || next == kind::V2_FRAGMENT) {
            contents.kinds.push(next);
            contents.encrypted = true;
            break;
        }
        let Some((following, body)) = payload(&mut reader) else { break };
        contents.kinds.push(next);
        contents.read_payload(next, body, header);
        next = following;
    }
    contents
}

/// Next payload, reserved octet, length of all, body (RFC 7296 §3.2).
fn payload<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let next = reader.u8()?;
    reader.u8()?;
    let length = usize::from(reader.u16()?);
    Some((next, reader.take(length.checked_sub(4)?)?))
}

impl Contents {
    fn read_payload(&mut self, kind: u8, body: &[u8], header: &Header) {
        match (header.version, kind) {
            (IkeVersion::V1, kind::V1_NOTIFY) => {
                // RFC 2408 §3.14: DOI (4), protocol, SPI size, type.
                self.notifies.extend(u16_at(body, 6));
            }
            // RFC 7296 §3.10: protocol, SPI size, type.
            (IkeVersion::V2, kind::V2_NOTIFY) => self.notifies.extend(u16_at(body, 2)),
            (IkeVersion::V1, kind::V1_DELETE) | (IkeVersion::V2, kind::V2_DELETE) => {
                self.deletes = true;
            }
            (IkeVersion::V1, kind::V1_VENDOR) | (IkeVersion::V2, kind::V2_VENDOR) => {
                let octets = body.get(..MAX_VENDOR_OCTETS.min(body.len())).unwrap_or_default();
                self.vendor_ids.push(octets.iter().map(|o| format!("{o:02x}")).collect());
            }
            (IkeVersion::V1, kind::V1_SA) if header.exchange_type != ExchangeType::QUICK_MODE => {
                self.proposals = proposal::v1(body);
            }
            (IkeVersion::V2, kind::V2_SA) => self.proposals = proposal::v2(body),
            _ => {}
        }
    }
}

fn u16_at(body: &[u8], at: usize) -> Option<u16> {
    body.get(at..)?.first_chunk().map(|field| u16::from_be_bytes(*field))
}

const MAX_PAYLOADS: usize = 64;
const MAX_VENDOR_OCTETS: usize = 32;
