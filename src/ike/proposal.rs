//! What SA payloads offer or choose (RFC 2408 §3.4–3.6, RFC 2409 appendix A, RFC 7296 §3.3).
//!
//! Both versions use one form: a [`Proposal`] is a set of algorithms that is accepted or rejected as a whole.
//! Each IKEv1 transform is such a set; an IKEv2 proposal names alternatives of each kind.

use super::IkeVersion;
use super::reader::{Defect, Reader};
use crate::catalogue::{self, Weakness};
use serde::{Deserialize, Serialize};

/// A set of algorithms for an IKE SA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The version whose numbers its transforms use.
    pub version: IkeVersion,
    /// The algorithms; in IKEv2 there may be several of one kind to choose from.
    pub transforms: Vec<Transform>,
    /// The lifetime of IKEv1's SA, in seconds.
    pub lifetime: Option<u32>,
}

/// One algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Transform {
    /// What it is for.
    pub kind: TransformKind,
    /// Its number in the registry of its version and kind.
    pub id: u16,
    /// The length of its key, where it has several.
    pub key_bits: Option<u16>,
}

/// What an algorithm is for, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TransformKind {
    /// Encryption.
    Encryption,
    /// IKEv2's integrity protection.
    Integrity,
    /// IKEv2's pseudorandom function.
    Prf,
    /// IKEv1's hash, which serves as integrity protection and pseudorandom function.
    Hash,
    /// IKEv1's method of authentication.
    Authentication,
    /// The group or method of the key exchange.
    KeyExchange,
    /// Extended sequence numbers.
    SequenceNumbers,
    /// Another key exchange on top of the first (RFC 9370), 1 to 7.
    AdditionalKeyExchange(u8),
    /// A kind without a name here.
    Other(u8),
}

impl Proposal {
    /// The algorithms of one kind.
    pub fn transforms_of(&self, kind: TransformKind) -> impl Iterator<Item = &Transform> {
        self.transforms.iter().filter(move |transform| transform.kind == kind)
    }

    /// The first algorithm of a kind: in what was chosen, the only one.
    #[must_use]
    pub fn first(&self, kind: TransformKind) -> Option<&Transform> {
        self.transforms_of(kind).next()
    }

    /// Its weak algorithms.
    pub(super) fn weaknesses(&self) -> impl Iterator<Item = &'static Weakness> {
        let names = self.transforms.iter().filter_map(|t| t.algorithm(self.version));
        names.filter_map(catalogue::weakness)
    }

    /// In words: kinds separated by `/`, alternatives by `|`, IKEv1's lifetime at the end.
    #[must_use]
    pub fn text(&self) -> String {
        let mut transforms: Vec<&Transform> = self.transforms.iter().collect();
        transforms.sort_by_key(|transform| transform.kind);
        let mut text = String::new();
        let mut last = None;
        for transform in transforms {
            if let Some(last) = last.replace(transform.kind) {
                text.push(if last == transform.kind { '|' } else { '/' });
            }
            text.push_str(&transform.name(self.version));
        }
        match self.lifetime {
            Some(seconds) => format!("{text} {seconds} s"),
            None => text,
        }
    }
}

impl Transform {
    /// Its name with the length of its key, or its number where it has no name.
    #[must_use]
    pub fn name(&self, version: IkeVersion) -> String {
        let known = self.algorithm(version).map(str::to_owned);
        let name = known.unwrap_or_else(|| format!("{}:{}", self.kind.word(), self.id));
        match self.key_bits {
            Some(bits) => format!("{name}-{bits}"),
            None => name,
        }
    }

    /// Its name without the length of its key; `None` where it has none.
    fn algorithm(&self, version: IkeVersion) -> Option<&'static str> {
        let v2 = |kind: u8| catalogue::ikev2_transform(kind, self.id);
        match (version, self.kind) {
            (IkeVersion::V2, TransformKind::Encryption) => v2(1),
            (IkeVersion::V1 | IkeVersion::AuthIp, TransformKind::Encryption) => {
                catalogue::ikev1_encryption(self.id)
            }
            (_, TransformKind::Prf) => v2(2),
            (_, TransformKind::Integrity) => v2(3),
            (_, TransformKind::SequenceNumbers) => v2(5),
            (_, TransformKind::Hash) => catalogue::ikev1_hash(self.id),
            (_, TransformKind::Authentication) => catalogue::ikev1_authentication(self.id),
            (_, TransformKind::KeyExchange | TransformKind::AdditionalKeyExchange(_)) => {
                catalogue::ike_group(self.id)
            }
            (_, TransformKind::Other(_)) => None,
        }
    }
}

impl TransformKind {
    /// What it is for, in a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Encryption => "encryption",
            Self::Integrity => "integrity",
            Self::Prf => "prf",
            Self::Hash => "hash",
            Self::Authentication => "authentication",
            Self::KeyExchange => "group",
            Self::SequenceNumbers => "sequence numbers",
            Self::AdditionalKeyExchange(_) => "additional key exchange",
            Self::Other(_) => "transform",
        }
    }

    /// RFC 7296 §3.3.2, RFC 9370 §2.2.1.
    const fn of_v2(number: u8) -> Self {
        match number {
            1 => Self::Encryption,
            2 => Self::Prf,
            3 => Self::Integrity,
            4 => Self::KeyExchange,
            5 => Self::SequenceNumbers,
            6..=12 => Self::AdditionalKeyExchange(number - 5),
            other => Self::Other(other),
        }
    }
}

/// The proposals of an IKEv2 SA payload, and what ended them early.
pub(super) fn v2(mut reader: Reader<'_>) -> (Vec<Proposal>, Option<Defect>) {
    let mut list = List::default();
    while let Some(mut inside) = list.proposal(&mut reader) {
        let mut transforms = Vec::with_capacity(usize::from(inside.transforms.min(8)));
        while let Some((mut body, is_last)) = list.transform(&mut inside) {
            let read = transform_v2(&mut body);
            transforms.extend(list.keep(read));
            inside.is_done |= is_last;
        }
        list.push(Proposal { version: IkeVersion::V2, transforms, lifetime: None });
    }
    (list.proposals, list.defect)
}

/// The transforms of an IKEv1 phase 1 SA payload, each a proposal of its own.
pub(super) fn v1(mut reader: Reader<'_>) -> (Vec<Proposal>, Option<Defect>) {
    let mut list = List::default();
    // RFC 2407 §4.6.1: domain of interpretation and situation.
    if let Err(defect) = reader.take(8, "domain of interpretation and situation") {
        return (Vec::new(), Some(defect));
    }
    while let Some(mut inside) = list.proposal(&mut reader) {
        while let Some((mut body, is_last)) = list.transform(&mut inside) {
            let read = transform_v1(&mut body);
            if let Some(proposal) = list.keep(read) {
                list.push(proposal);
            }
            inside.is_done |= is_last;
        }
    }
    (list.proposals, list.defect)
}

/// The part of a list that was read, and what ended it.
#[derive(Default)]
struct List {
    proposals: Vec<Proposal>,
    transforms: usize,
    is_done: bool,
    defect: Option<Defect>,
}

/// The content of one proposal.
struct Inside<'a> {
    reader: Reader<'a>,
    /// How many transforms it announces.
    transforms: u8,
    is_done: bool,
}

impl List {
    fn keep<T>(&mut self, read: Result<T, Defect>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(defect) => {
                self.defect = self.defect.or(Some(defect));
                self.is_done = true;
                None
            }
        }
    }

    fn push(&mut self, proposal: Proposal) {
        self.proposals.push(proposal);
    }

    /// The next proposal: number, protocol, size of the SPI, number of transforms, SPI.
    fn proposal<'a>(&mut self, reader: &mut Reader<'a>) -> Option<Inside<'a>> {
        if self.is_done || reader.is_empty() {
            return None;
        }
        let read = (|| {
            let (mut inside, is_last) = nested(reader, PROPOSAL, "proposal length")?;
            inside.u8("proposal number")?;
            inside.u8("proposal protocol")?;
            let spi_len = inside.u8("proposal SPI size")?;
            let transforms = inside.u8("number of transforms")?;
            inside.take(usize::from(spi_len), "proposal SPI")?;
            Ok((Inside { reader: inside, transforms, is_done: false }, is_last))
        })();
        let (inside, is_last) = self.keep(read)?;
        self.is_done |= is_last;
        Some(inside)
    }

    /// The next transform of a proposal, and whether it is marked as the last.
    fn transform<'a>(&mut self, inside: &mut Inside<'a>) -> Option<(Reader<'a>, bool)> {
        if self.defect.is_some() || inside.is_done || inside.transforms == 0 {
            return None;
        }
        inside.transforms -= 1;
        self.transforms += 1;
        if self.transforms > MAX_TRANSFORMS {
            let (field, offset) = ("transforms", inside.reader.offset());
            self.defect = Some(Defect::TooMany { field, offset, limit: MAX_TRANSFORMS });
            self.is_done = true;
            return None;
        }
        let read = nested(&mut inside.reader, TRANSFORM, "transform length");
        self.keep(read)
    }
}

/// The four bytes before proposals and transforms: whether it is the last, and its content.
fn nested<'a>(
    reader: &mut Reader<'a>,
    kind: u8,
    field: &'static str,
) -> Result<(Reader<'a>, bool), Defect> {
    let (offset, value) = (reader.offset(), reader.u8("last substructure")?);
    if value != 0 && value != kind {
        let expected = if kind == PROPOSAL { "0 or 2" } else { "0 or 3" };
        return Err(Defect::Unexpected { field: "last substructure", offset, value, expected });
    }
    reader.u8("reserved byte")?;
    let offset = reader.offset();
    let length = usize::from(reader.u16(field)?);
    let Some(bytes) = length.checked_sub(NESTED_HEADER) else {
        return Err(Defect::Length { field, offset, value: length, minimum: NESTED_HEADER });
    };
    Ok((reader.sub(bytes, field)?, value == 0))
}

/// RFC 7296 §3.3.2: type, reserved byte, number, attributes.
fn transform_v2(reader: &mut Reader<'_>) -> Result<Transform, Defect> {
    let kind = TransformKind::of_v2(reader.u8("transform type")?);
    reader.u8("reserved byte")?;
    let id = reader.u16("transform id")?;
    let mut key_bits = None;
    while let Some((attribute, value)) = attribute(reader)? {
        if attribute == KEY_LENGTH {
            key_bits = u16::try_from(value).ok();
        }
    }
    Ok(Transform { kind, id, key_bits })
}

/// RFC 2408 §3.6: number, id, two reserved bytes, attributes (RFC 2409 appendix A).
fn transform_v1(reader: &mut Reader<'_>) -> Result<Proposal, Defect> {
    reader.u8("transform number")?;
    reader.u8("transform id")?;
    reader.u16("reserved bytes")?;
    let mut transforms = Vec::with_capacity(4);
    let (mut key_bits, mut lifetime, mut is_seconds) = (None, None, true);
    while let Some((attribute, value)) = attribute(reader)? {
        let id = u16::try_from(value).unwrap_or(u16::MAX);
        let kind = match attribute {
            1 => TransformKind::Encryption,
            2 => TransformKind::Hash,
            3 => TransformKind::Authentication,
            4 => TransformKind::KeyExchange,
            11 => {
                is_seconds = value == 1;
                continue;
            }
            12 => {
                lifetime = u32::try_from(value).ok().filter(|_| is_seconds);
                continue;
            }
            KEY_LENGTH => {
                key_bits = u16::try_from(value).ok();
                continue;
            }
            _ => continue,
        };
        if transforms.len() < MAX_ATTRIBUTES {
            transforms.push(Transform { kind, id, key_bits: None });
        }
    }
    for encryption in transforms.iter_mut().filter(|t| t.kind == TransformKind::Encryption) {
        encryption.key_bits = key_bits;
    }
    Ok(Proposal { version: IkeVersion::V1, transforms, lifetime })
}

/// The next attribute as type and value; a value longer than eight bytes counts as the largest.
/// RFC 2408 §3.3, RFC 7296 §3.3.5: with the format bit, the value takes the place of the length.
fn attribute(reader: &mut Reader<'_>) -> Result<Option<(u16, u64)>, Defect> {
    if reader.is_empty() {
        return Ok(None);
    }
    let (kind, value) = (reader.u16("attribute type")?, reader.u16("attribute value")?);
    if kind & FIXED_LENGTH != 0 {
        return Ok(Some((kind & !FIXED_LENGTH, u64::from(value))));
    }
    let bytes = reader.take(usize::from(value), "attribute value")?;
    let number = bytes.iter().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
    Ok(Some((kind, if bytes.len() > 8 { u64::MAX } else { number })))
}

/// The payload types of proposals and transforms; here they mean "another follows".
const PROPOSAL: u8 = 2;
const TRANSFORM: u8 = 3;
const NESTED_HEADER: usize = 4;
const FIXED_LENGTH: u16 = 0x8000;
/// The attribute of this number is the key length in both versions.
const KEY_LENGTH: u16 = 14;
/// Windows offers some thirty sets, others a dozen; the number kept from one message is bounded.
const MAX_TRANSFORMS: usize = 255;
/// A set has four kinds of algorithms; repetitions in a transform are read up to a bound.
const MAX_ATTRIBUTES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ikev2_proposal_names_its_alternatives() {
        let body = [
            0, 0, 0, 56, 1, 1, 0, 5, // last proposal, 56 bytes, number 1, IKE, 5 transforms
            3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 0, 128, // AES-CBC, 128 bits
            3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 1, 0, // AES-CBC, 256 bits
            3, 0, 0, 8, 3, 0, 0, 12, // HMAC-SHA2-256-128
            3, 0, 0, 8, 2, 0, 0, 5, // PRF-HMAC-SHA2-256
            0, 0, 0, 8, 4, 0, 0, 14, // group 14
        ];
        let (proposals, defect) = v2(Reader::new(&body));
        assert_eq!(defect, None);
        assert_eq!(
            proposals[0].text(),
            "AES-CBC-128|AES-CBC-256/HMAC-SHA2-256-128/PRF-HMAC-SHA2-256/MODP-2048"
        );
    }

    #[test]
    fn ikev1_transforms_are_a_proposal_each() {
        let body = [
            0, 0, 0, 1, 0, 0, 0, 1, // IPsec DOI, identity only
            0, 0, 0, 68, 1, 1, 0, 2, // proposal 1, IKE, 2 transforms
            3, 0, 0, 40, 1, 1, 0, 0, // transform 1, KEY_IKE
            0x80, 1, 0, 7, 0x80, 14, 0, 128, 0x80, 2, 0, 2, 0x80, 3, 0, 1, 0x80, 4, 0,
            2, // AES
            0x80, 11, 0, 1, 0, 12, 0, 4, 0, 1, 0x51, 0x80, // 86400 seconds in four bytes
            0, 0, 0, 20, 2, 1, 0, 0, // transform 2
            0x80, 1, 0, 5, 0x80, 2, 0, 1, 0x80, 4, 0, 99, // 3DES, MD5, group 99
        ];
        let (proposals, defect) = v1(Reader::new(&body));
        assert_eq!(defect, None);
        let texts: Vec<_> = proposals.iter().map(Proposal::text).collect();
        assert_eq!(texts, ["AES-CBC-128/SHA1/PSK/MODP-1024 86400 s", "3DES-CBC/MD5/group:99"]);
    }

    #[test]
    fn transforms_before_the_damage_are_kept() {
        let body = [0, 0, 0, 24, 1, 1, 0, 2, 3, 0, 0, 8, 2, 0, 0, 5, 3, 0, 0, 99, 4, 0, 0, 14];
        let (proposals, defect) = v2(Reader::new(&body));
        assert_eq!(proposals[0].transforms.len(), 1);
        let short = Defect::Short { field: "transform length", offset: 20, needed: 95, have: 4 };
        assert_eq!(defect, Some(short));
    }

    #[test]
    fn a_length_below_its_own_header_is_a_defect() {
        let (proposals, defect) = v2(Reader::new(&[0, 0, 0, 3]));
        assert!(proposals.is_empty());
        let wrong = Defect::Length { field: "proposal length", offset: 2, value: 3, minimum: 4 };
        assert_eq!(defect, Some(wrong));
    }
}
