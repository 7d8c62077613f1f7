//! What is kept of a message after its bytes are gone.
//!
//! Small and bounded: nothing in it grows with what a hostile message claims.

use super::body::Body;
use super::header::Header;
use super::payload::Payloads;
use super::proposal::{Proposal, Transform};
use super::reader::{Defect, Reader};
use super::{ExchangeType, IkeVersion, Spi};
use crate::evidence::{FrameRef, fingerprint};
use crate::hosts::Station;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDigest {
    pub(super) frame: FrameRef,
    pub(super) time: Timestamp,
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) header: Header,
    /// Distinguishes a retransmission from a new message.
    pub(super) fingerprint: u64,
    /// The part that is encrypted; `None` where everything is in clear.
    pub(super) encrypted: Option<Encrypted>,
    /// Its content in clear; `None` where there is none.
    pub(super) clear: Option<Box<Clear>>,
    /// The station that put its frame on the link.
    pub(super) sent_by: SentBy,
}

/// What a frame says of the station that sent it: messages of one host that differ in it may be of two senders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentBy {
    /// The station, where the frame names it.
    pub station: Option<Station>,
    /// The hop count that was left (IPv4's time to live); `None` for what was put together from several frames.
    pub hops: Option<u8>,
}

/// The encrypted part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encrypted {
    /// Initialization vector, ciphertext and checksum, in bytes.
    pub bytes: u32,
    /// Of a fragmented message: which part, and of how many (0 where the message does not say).
    pub fragment: Option<(u16, u16)>,
}

/// The content of a message in clear.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Clear {
    /// Payload types in order.
    pub(super) payloads: Vec<u8>,
    pub(super) notifies: Vec<ClearNotify>,
    pub(super) proposals: Vec<Proposal>,
    pub(super) vendor_ids: Vec<VendorId>,
    /// The group of the key exchange data (IKEv2).
    pub(super) group: Option<u16>,
    /// Hashes by which address translation is detected.
    pub(super) nat: Vec<NatHash>,
    /// Identities, by type and bytes.
    pub(super) identities: Vec<(u8, Box<[u8]>)>,
    /// A readable Delete payload: the first SPIs of ESP or AH that it names, none where it names
    /// the IKE SA.
    pub(super) deletes: Option<Vec<u32>>,
    /// It proves an identity: hash, signature or AUTH.
    pub(super) authenticates: bool,
}

/// A notify in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct ClearNotify {
    pub(super) kind: u16,
    /// Its data where they are two bytes: the group that INVALID_KE_PAYLOAD asks for.
    pub(super) number: Option<u16>,
}

/// The first bytes of a vendor id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct VendorId {
    bytes: [u8; 24],
    len: u8,
}

impl VendorId {
    fn new(id: &[u8]) -> Self {
        let mut bytes = [0; 24];
        let len = id.len().min(bytes.len());
        bytes.iter_mut().zip(id).for_each(|(kept, byte)| *kept = *byte);
        Self { bytes, len: u8::try_from(len).unwrap_or(u8::MAX) }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// The beginning of a hash over an address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NatHash {
    pub(super) of: NatSide,
    /// Its first eight bytes.
    pub(super) head: [u8; 8],
    pub(super) bytes: usize,
}

/// Whose address a hash is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum NatSide {
    /// The sender's (RFC 7296 §2.23).
    Source,
    /// The receiver's.
    Destination,
    /// IKEv1 does not specify it; the first is the receiver's (RFC 3947 §3.2).
    ByOrder,
}

impl MessageDigest {
    /// Reads a message from its header on, without the non-ESP marker of UDP 4500, and reports what
    /// in it could not be read. Bytes behind the length that the header gives are not looked at.
    ///
    /// # Errors
    /// Where there is no header.
    pub fn new(
        frame: FrameRef,
        time: Timestamp,
        (source, destination): (SocketAddr, SocketAddr),
        bytes: &[u8],
    ) -> Result<(Self, Option<Defect>), Defect> {
        let mut reader = Reader::new(bytes);
        let header = Header::read(&mut reader)?;
        let fingerprint = fingerprint(bytes);
        let mut digest = Self {
            frame,
            time,
            source,
            destination,
            header,
            fingerprint,
            encrypted: None,
            clear: None,
            sent_by: SentBy::default(),
        };
        let defect = digest.read_payloads(reader);
        Ok((digest, defect))
    }

    fn read_payloads(&mut self, mut reader: Reader<'_>) -> Option<Defect> {
        let length = usize::try_from(self.header.length).unwrap_or(usize::MAX);
        let Some(inside) = length.checked_sub(Header::LEN) else {
            let (offset, minimum) = (Header::LEN - 4, Header::LEN);
            return Some(Defect::Length { field: "length", offset, value: length, minimum });
        };
        let (offset, have) = (reader.offset(), reader.remaining());
        let cut = Defect::Short { field: "message", offset, needed: inside, have };
        let cut = (have < inside).then_some(cut);
        let is_v2 = self.header.version == IkeVersion::V2;
        if !is_v2 && self.header.flags & Header::ENCRYPTED != 0 {
            let bytes = u32::try_from(inside).unwrap_or(u32::MAX);
            self.encrypted = Some(Encrypted { bytes, fragment: None });
            return cut;
        }
        let mut payloads = Payloads::new(reader.sub_or_rest(inside), &self.header);
        let mut clear = Clear::default();
        for payload in payloads.by_ref() {
            if let Body::Encrypted { bytes, fragment } = payload.body {
                self.encrypted = Some(Encrypted { bytes, fragment });
                break;
            }
            if let Body::Fragment { number, bytes, .. } = payload.body {
                // Only messages that are too large for one datagram are split like this, and in phase 1 those
                // are the messages with certificates, which are encrypted.
                let fragment = Some((u16::from(number), 0));
                self.encrypted = Some(Encrypted { bytes, fragment });
            }
            clear.add_payload(payload.kind, payload.body);
        }
        if !clear.payloads.is_empty() {
            self.clear = Some(Box::new(clear));
        }
        payloads.defect().or(cut)
    }

    /// The same with the station that sent its frame.
    #[must_use]
    pub const fn from_station(mut self, sent_by: SentBy) -> Self {
        self.sent_by = sent_by;
        self
    }

    /// The station that sent its frame.
    #[must_use]
    pub const fn sent_by(&self) -> SentBy {
        self.sent_by
    }

    /// Whether a part of it is encrypted.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.encrypted.is_some()
    }

    /// Its exchange type.
    #[must_use]
    pub const fn exchange_type(&self) -> ExchangeType {
        self.header.exchange_type
    }

    /// The protocol it belongs to.
    #[must_use]
    pub const fn version(&self) -> IkeVersion {
        self.header.version
    }

    /// The frame that carries it; of a fragmented one the frame that completed it.
    #[must_use]
    pub const fn frame(&self) -> FrameRef {
        self.frame
    }

    /// When that frame was captured.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// Who sent it.
    #[must_use]
    pub const fn source(&self) -> SocketAddr {
        self.source
    }

    /// Initiator's and responder's SPI.
    #[must_use]
    pub const fn spis(&self) -> (Spi, Spi) {
        (self.header.initiator_spi, self.header.responder_spi)
    }

    /// The number of the exchange within its SA.
    #[must_use]
    pub const fn message_id(&self) -> u32 {
        self.header.message_id
    }

    /// Whether it is an informational request: a Delete, a notify or a liveness check.
    #[must_use]
    pub fn is_informational_request(&self) -> bool {
        let is_one = matches!(
            self.header.exchange_type,
            ExchangeType::INFORMATIONAL
                | ExchangeType::V1_INFORMATIONAL
                | ExchangeType::AUTHIP_NOTIFY
        );
        is_one && !self.is_response()
    }

    /// The numbers of its notify messages that are in clear.
    pub fn notifies(&self) -> impl Iterator<Item = u16> {
        self.clear().into_iter().flat_map(|clear| &clear.notifies).map(|notify| notify.kind)
    }

    /// Adds the memory of the clear part to `used`; where the sum exceeds `most`, drops the large parts and
    /// returns that it did.
    pub(super) fn fit_into(&mut self, most: usize, used: &mut usize) -> bool {
        let Some(clear) = &mut self.clear else { return false };
        let is_stripped = *used + clear.cost() > most && clear.strip();
        *used += clear.cost();
        is_stripped
    }

    /// Whether it deletes, in clear, something of a negotiation whose hosts used these SPIs. IKEv2 protects
    /// every Delete (RFC 7296 §1.4); one in clear ends nothing, and one of other SPIs ends those.
    pub(super) fn reads_delete(&self, mut known: impl Iterator<Item = u32>) -> bool {
        let deletes = self.clear().and_then(|clear| clear.deletes.as_deref());
        let Some(named) = deletes.filter(|_| self.version() != IkeVersion::V2) else {
            return false;
        };
        let mut known = known.by_ref().peekable();
        named.is_empty() || known.peek().is_none() || known.any(|spi| named.contains(&spi))
    }

    pub(super) fn clear(&self) -> Option<&Clear> {
        self.clear.as_deref()
    }

    pub(super) fn proposals(&self) -> &[Proposal] {
        self.clear().map_or(&[], |clear| &clear.proposals)
    }

    /// Whether it has an SA payload in clear: an offer, or a choice.
    pub(super) fn has_proposals(&self) -> bool {
        let sa = if self.header.version == IkeVersion::V2 { 33 } else { 1 };
        self.clear().is_some_and(|clear| clear.payloads.contains(&sa))
    }

    pub(super) fn is(&self, exchange_type: ExchangeType) -> bool {
        self.header.exchange_type == exchange_type
    }

    pub(super) const fn is_response(&self) -> bool {
        self.header.is_response()
    }

    /// Whether it belongs to the first round of a negotiation, in which anybody can take part: nothing in it is
    /// encrypted or proven.
    pub(super) fn is_opening(&self) -> bool {
        let opens = match self.header.version {
            IkeVersion::V1 => matches!(self.header.exchange_type.0, 1..=4),
            IkeVersion::V2 => {
                self.is(ExchangeType::IKE_SA_INIT) || self.is(ExchangeType::SESSION_RESUME)
            }
            IkeVersion::AuthIp => self.is(ExchangeType::AUTHIP_MAIN_MODE),
        };
        opens && self.encrypted.is_none()
    }
}

impl Clear {
    fn add_payload(&mut self, kind: u8, body: Body<'_>) {
        push(&mut self.payloads, kind, MAX_PAYLOADS);
        match body {
            Body::SecurityAssociation(proposals, _) => self.proposals = proposals,
            Body::KeyExchange(group) => self.group = self.group.or(group),
            Body::Identification { kind, data } => {
                let data = data.get(..MAX_IDENTITY).unwrap_or(data);
                push(&mut self.identities, (kind, data.into()), MAX_IDENTITIES);
            }
            Body::Notify { kind, data } => {
                let number = <[u8; 2]>::try_from(data).ok().map(u16::from_be_bytes);
                push(&mut self.notifies, ClearNotify { kind, number }, MAX_NOTIFIES);
                match kind {
                    NAT_SOURCE => self.nat(NatSide::Source, data),
                    NAT_DESTINATION => self.nat(NatSide::Destination, data),
                    _ => {}
                }
            }
            Body::Delete { spis } => {
                let deleted = self.deletes.get_or_insert_default();
                for spi in spis.as_chunks().0 {
                    push(deleted, u32::from_be_bytes(*spi), MAX_DELETED);
                }
            }
            Body::VendorId(id) => push(&mut self.vendor_ids, VendorId::new(id), MAX_VENDOR_IDS),
            Body::NatDetection(hash) => self.nat(NatSide::ByOrder, hash),
            Body::Authentication => self.authenticates = true,
            Body::Fragment { .. } | Body::Encrypted { .. } | Body::Other => {}
        }
    }

    /// Bytes of memory, in addition to those of every message.
    fn cost(&self) -> usize {
        let sets = self
            .proposals
            .iter()
            .map(|set| size_of::<Proposal>() + set.transforms.capacity() * size_of::<Transform>());
        let identities = self.identities.iter().map(|(_, data)| 32 + data.len());
        sets.sum::<usize>()
            + identities.sum::<usize>()
            + self.vendor_ids.capacity() * size_of::<VendorId>()
    }

    /// Drops offers, vendor ids and identities; returns whether there were any.
    fn strip(&mut self) -> bool {
        let had_any = self.cost() > 0;
        (self.proposals, self.vendor_ids, self.identities) = Default::default();
        had_any
    }

    fn nat(&mut self, of: NatSide, hash: &[u8]) {
        if let Some(head) = hash.first_chunk::<8>() {
            push(&mut self.nat, NatHash { of, head: *head, bytes: hash.len() }, MAX_NAT_HASHES);
        }
    }
}

fn push<T>(list: &mut Vec<T>, item: T, limit: usize) {
    if list.len() < limit {
        list.push(item);
    }
}

/// RFC 7296 §3.10.1.
const NAT_SOURCE: u16 = 16388;
const NAT_DESTINATION: u16 = 16389;
const MAX_PAYLOADS: usize = 64;
const MAX_NOTIFIES: usize = 32;
const MAX_VENDOR_IDS: usize = 24;
const MAX_NAT_HASHES: usize = 8;
const MAX_IDENTITIES: usize = 2;
const MAX_DELETED: usize = 16;
/// Enough for a name or a distinguished name's beginning.
const MAX_IDENTITY: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{EvidenceId, FrameNumber};
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<(MessageDigest, Option<Defect>), Defect> {
        let frame = FrameRef { evidence: EvidenceId(1), frame: FrameNumber(1) };
        let end = SocketAddr::from(([10, 0, 0, 1], 500));
        MessageDigest::new(frame, Timestamp(0), (end, end), bytes)
    }

    /// Next payload, version, exchange type, flags; then the fields behind the header.
    fn message(head: [u8; 4], payloads: &[u8]) -> Vec<u8> {
        let mut bytes = vec![1; 8];
        bytes.extend([0; 8]);
        bytes.extend(head);
        bytes.extend([0; 4]);
        bytes.extend(u32::try_from(28 + payloads.len()).unwrap().to_be_bytes());
        bytes.extend(payloads);
        bytes
    }

    #[test]
    fn a_refusal_in_clear_is_read() {
        let bytes = message([41, 0x20, 34, 0x20], &[0, 0, 0, 8, 0, 0, 0, 14]);
        let (digest, defect) = read(&bytes).unwrap();
        assert_eq!((digest.notifies().collect::<Vec<_>>(), defect), (vec![14], None));
    }

    #[test]
    fn an_encrypted_payload_ends_the_chain() {
        let bytes = message([46, 0x20, 35, 0x08], &[35, 0, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8]);
        let (digest, defect) = read(&bytes).unwrap();
        assert_eq!(digest.encrypted, Some(Encrypted { bytes: 8, fragment: None }));
        assert_eq!((digest.clear, defect), (None, None));
    }

    #[test]
    fn a_fragment_shows_its_number() {
        let bytes = message([53, 0x20, 35, 0x08], &[0, 0, 0, 12, 0, 2, 0, 3, 5, 6, 7, 8]);
        let (digest, _) = read(&bytes).unwrap();
        assert_eq!(digest.encrypted, Some(Encrypted { bytes: 4, fragment: Some((2, 3)) }));
    }

    #[test]
    fn version_one_is_encrypted_as_a_whole() {
        let (digest, defect) = read(&message([8, 0x10, 5, 0x01], &[0xff; 40])).unwrap();
        assert_eq!(digest.encrypted, Some(Encrypted { bytes: 40, fragment: None }));
        assert_eq!((digest.clear, defect), (None, None));
    }

    #[test]
    fn authips_notify_has_flags_where_ikev1s_has_the_size_of_an_spi() {
        let notify = [0, 0, 0, 13, 0, 0, 0, 1, 1, 1, 0x20, 0, 9];
        let (digest, defect) = read(&message([11, 0x10, 246, 0], &notify)).unwrap();
        assert_eq!((digest.notifies().collect::<Vec<_>>(), defect), (vec![0x2000], None));
    }

    #[test]
    fn damage_in_one_payload_keeps_the_others() {
        let payloads = [41, 0, 0, 8, 0, 9, 0, 14, 0, 0, 0, 8, 0, 0, 0, 17];
        let (digest, defect) = read(&message([41, 0x20, 34, 0x20], &payloads)).unwrap();
        assert_eq!(digest.notifies().collect::<Vec<_>>(), [17]);
        assert_eq!(
            defect,
            Some(Defect::Short { field: "notify SPI", offset: 36, needed: 9, have: 0 })
        );
    }

    #[test]
    fn a_payload_that_points_at_itself_ends() {
        let (_, defect) = read(&message([41, 0x20, 34, 0x20], &[41, 0, 0, 0])).unwrap();
        assert!(matches!(defect, Some(Defect::Length { value: 0, .. })));
    }

    #[test]
    fn another_major_version_is_named() {
        let defect = read(&message([0, 0xbe, 1, 0], &[])).unwrap_err();
        assert_eq!(defect.offset(), 17);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
        }

        #[test]
        fn any_payloads_behind_a_sound_header_are_read_without_panic(
            first in 0u8..60, exchange in prop_oneof![Just((0x20, 34)), Just((0x10, 2)), Just((0x10, 243))],
            payloads in proptest::collection::vec(prop_oneof![Just(0u8), 0u8..60, any::<u8>()], 0..400),
        ) {
            let (digest, _) = read(&message([first, exchange.0, exchange.1, 0], &payloads)).unwrap();
            // Each payload takes four bytes and each transform eight: the work grows with the length.
            let clear = digest.clear().cloned().unwrap_or_default();
            let transforms: usize = clear.proposals.iter().map(|p| p.transforms.len()).sum();
            prop_assert!(clear.payloads.len() <= MAX_PAYLOADS.min(payloads.len() / 4));
            prop_assert!(transforms * 4 <= payloads.len());
        }
    }
}
