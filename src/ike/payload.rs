//! The chain of payloads behind a header, each read to its fields.
//!
//! Walked once from front to back without allocating; the bodies borrow from the message.

use super::body::{Body, Payload};
use super::header::Header;
use super::reader::{Defect, Reader};
use super::{IkeVersion, v1, v2};

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
    fn read_payload(&mut self) -> Result<Payload<'a>, Defect> {
        let kind = self.next;
        let next = self.reader.u8("next payload")?;
        self.reader.u8("reserved byte")?;
        let offset = self.reader.offset();
        let length = usize::from(self.reader.u16("payload length")?);
        let Some(bytes) = length.checked_sub(HEADER_LEN) else {
            let field = "payload length";
            return Err(Defect::Length { field, offset, value: length, minimum: HEADER_LEN });
        };
        let (offset, have) = (self.reader.offset(), self.reader.remaining());
        let inside = self.reader.sub_or_rest(bytes);
        let read = match self.version {
            IkeVersion::V1 | IkeVersion::AuthIp => v1::body(self.version, kind, inside),
            IkeVersion::V2 => v2::body(kind, inside, bytes),
        };
        let (body, damage) = match read {
            Ok(Body::SecurityAssociation(proposals, damage)) => {
                (Body::SecurityAssociation(proposals, None), damage)
            }
            Ok(body) => (body, None),
            Err(damage) => (Body::Other, Some(damage)),
        };
        let cut = Defect::Short { field: "payload", offset, needed: bytes, have };
        let cut = (have < bytes).then_some(cut);
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
        match self.read_payload() {
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
/// Sound messages have a few dozen at most, most of them vendor ids or certificate requests.
const MAX_PAYLOADS: usize = 256;
