//! The chain of payloads behind a header, each read to the field.
//!
//! Walked once from front to back without allocating; the bodies borrow from the message. What the
//! two versions put into a payload is in `v1` and `v2`.

use super::header::Header;
use super::proposal::Proposal;
use super::reader::{Defect, Reader};
use super::{IkeVersion, v1, v2};

/// One payload.
#[derive(Clone, Debug)]
pub(super) struct Payload<'a> {
    /// Its type: a number of IANA's registry for its version.
    pub(super) kind: u8,
    pub(super) body: Body<'a>,
}

/// What a payload says that is of use; every type with a layout is read to its end all the same.
#[derive(Clone, Debug)]
pub(super) enum Body<'a> {
    /// What is offered, or chosen, and what ended the list early.
    SecurityAssociation(Vec<Proposal>, Option<Defect>),
    /// Key exchange data; IKEv2 names the group, IKEv1 does not.
    KeyExchange(Option<u16>),
    /// Who the sender says it is.
    Identification {
        kind: u8,
        data: &'a [u8],
    },
    /// Proof of identity: IKEv1's hash or signature, IKEv2's AUTH.
    Authentication,
    /// A notify message: its number and its data.
    Notify {
        kind: u16,
        data: &'a [u8],
    },
    /// What is deleted: the SPIs of ESP or AH, or nothing where the IKE SA itself is.
    Delete {
        spis: &'a [u8],
    },
    VendorId(&'a [u8]),
    /// RFC 3947 §3.2: a hash over an address and a port.
    NatDetection(&'a [u8]),
    /// One part of a message in Cisco's and Microsoft's scheme (\[MS-IKEE\] 2.2.1).
    Fragment {
        number: u8,
        octets: u32,
    },
    /// The rest is encrypted: initialization vector, ciphertext and checksum of that many bytes.
    Encrypted {
        octets: u32,
        fragment: Option<(u16, u16)>,
    },
    /// Another payload, or one that could not be read.
    Other,
}

/// The payloads of a message, in order, and what ended or damaged them.
#[derive(Clone, Debug)]
pub(super) struct Payloads<'a> {
    reader: Reader<'a>,
    next: u8,
    version: IkeVersion,
    seen: usize,
    defect: Option<Defect>,
}

impl<'a> Payloads<'a> {
    /// The payloads behind a header. `reader` is positioned behind it and ends where the message does.
    pub(super) const fn new(reader: Reader<'a>, header: &Header) -> Self {
        let (next, version) = (header.next_payload, header.version);
        Self { reader, next, version, seen: 0, defect: None }
    }

    /// The first thing that was wrong, once the chain was walked.
    pub(super) const fn defect(&self) -> Option<Defect> {
        self.defect
    }

    /// Next payload, reserved byte, length of all, body (RFC 2408 §3.2, RFC 7296 §3.2).
    fn read(&mut self) -> Result<Payload<'a>, Defect> {
        let kind = self.next;
        let next = self.reader.u8("next payload")?;
        self.reader.u8("reserved byte")?;
        let offset = self.reader.offset();
        let length = usize::from(self.reader.u16("payload length")?);
        let Some(octets) = length.checked_sub(HEADER_LEN) else {
            let field = "payload length";
            return Err(Defect::Length { field, offset, value: length, minimum: HEADER_LEN });
        };
        let (offset, have) = (self.reader.offset(), self.reader.remaining());
        let inside = self.reader.sub_or_rest(octets);
        let read = match self.version {
            IkeVersion::V1 | IkeVersion::AuthIp => v1::body(self.version, kind, inside),
            IkeVersion::V2 => v2::body(kind, inside, octets),
        };
        let (body, damage) = match read {
            Ok(Body::SecurityAssociation(proposals, damage)) => {
                (Body::SecurityAssociation(proposals, None), damage)
            }
            Ok(body) => (body, None),
            Err(damage) => (Body::Other, Some(damage)),
        };
        let cut = Defect::Short { field: "payload", offset, needed: octets, have };
        let cut = (have < octets).then_some(cut);
        // RFC 7296 §3.14: what follows an encrypted payload is the first one inside it.
        let is_last = cut.is_some() || matches!(body, Body::Encrypted { .. });
        self.next = if is_last { NONE } else { next };
        self.defect = self.defect.or(cut).or(damage);
        Ok(Payload { kind, body })
    }
}

impl<'a> Iterator for Payloads<'a> {
    type Item = Payload<'a>;

    fn next(&mut self) -> Option<Payload<'a>> {
        if self.next == NONE {
            return None;
        }
        if self.seen == MAX_PAYLOADS {
            let (field, offset) = ("payloads", self.reader.offset());
            let too_many = Defect::TooMany { field, offset, limit: MAX_PAYLOADS };
            self.defect = self.defect.or(Some(too_many));
            self.next = NONE;
            return None;
        }
        self.seen += 1;
        match self.read() {
            Ok(payload) => Some(payload),
            Err(defect) => {
                self.defect = self.defect.or(Some(defect));
                self.next = NONE;
                None
            }
        }
    }
}

/// No next payload.
const NONE: u8 = 0;
const HEADER_LEN: usize = 4;
/// Sound messages have some dozens at most, most of them vendor ids or certificate requests.
const MAX_PAYLOADS: usize = 256;
