//! The bodies of IKEv1's payloads (RFC 2408, RFC 2409, RFC 3947), and of AuthIP's, which have the same layout
//! (\[MS-AIPS\] 2.2.3).

use super::body::Body;
use super::reader::{Defect, Reader};
use super::{IkeVersion, proposal, v2};

/// Reads the body of a payload.
pub(super) fn body<'a>(
    version: IkeVersion,
    kind: u8,
    mut reader: Reader<'a>,
) -> Result<Body<'a>, Defect> {
    Ok(match kind {
        SA => {
            let (proposals, damage) = proposal::v1(reader);
            Body::SecurityAssociation(proposals, damage)
        }
        KEY_EXCHANGE => Body::KeyExchange(None),
        IDENTIFICATION => identification(reader)?,
        CERTIFICATE | CERTIFICATE_REQUEST => {
            reader.u8("certificate encoding")?;
            Body::Other
        }
        HASH | SIGNATURE => Body::Authentication,
        NOTIFY => notify(version, reader)?,
        DELETE => {
            // RFC 2408 §3.15: the rest is as in IKEv2.
            reader.u32("domain of interpretation")?;
            v2::delete(reader)?
        }
        VENDOR_ID => Body::VendorId(reader.rest()),
        ATTRIBUTES => {
            // draft-ietf-ipsec-isakmp-mode-cfg-05 §3.2: type, reserved byte, identifier.
            reader.take(4, "configuration header")?;
            v2::configuration_attributes(reader)?
        }
        NAT_DETECTION | NAT_DETECTION_DRAFT => Body::NatDetection(reader.rest()),
        ORIGINAL_ADDRESS | ORIGINAL_ADDRESS_DRAFT => {
            reader.take(4, "address type")?;
            Body::Other
        }
        FRAGMENT => {
            reader.u16("fragment id")?;
            let number = reader.u8("fragment number")?;
            reader.u8("fragment flags")?;
            let bytes = u32::try_from(reader.remaining()).unwrap_or(u32::MAX);
            Body::Fragment { number, bytes }
        }
        _ => Body::Other,
    })
}

/// RFC 2407 §4.6.2: type, protocol, port, data.
fn identification<'a>(mut reader: Reader<'a>) -> Result<Body<'a>, Defect> {
    let kind = reader.u8("identification type")?;
    reader.u8("identification protocol")?;
    reader.u16("identification port")?;
    Ok(Body::Identification { kind, data: reader.rest() })
}

/// RFC 2408 §3.14. \[MS-AIPS\] 2.2.3.5: AuthIP has flags in the place of the SPI's size, and no SPI.
fn notify<'a>(version: IkeVersion, mut reader: Reader<'a>) -> Result<Body<'a>, Defect> {
    reader.u32("domain of interpretation")?;
    reader.u8("notify protocol")?;
    let spi_len = usize::from(reader.u8("notify SPI size")?);
    let kind = reader.u16("notify message type")?;
    if version == IkeVersion::V1 {
        reader.take(spi_len, "notify SPI")?;
    }
    Ok(Body::Notify { kind, data: reader.rest() })
}

/// Payload types: RFC 2408 §3.1, RFC 3947 §3 and the drafts before it, \[MS-IKEE\] 2.2.1.
const SA: u8 = 1;
const KEY_EXCHANGE: u8 = 4;
const IDENTIFICATION: u8 = 5;
const CERTIFICATE: u8 = 6;
const CERTIFICATE_REQUEST: u8 = 7;
const HASH: u8 = 8;
const SIGNATURE: u8 = 9;
const NOTIFY: u8 = 11;
const DELETE: u8 = 12;
const VENDOR_ID: u8 = 13;
const ATTRIBUTES: u8 = 14;
const NAT_DETECTION: u8 = 20;
const ORIGINAL_ADDRESS: u8 = 21;
const NAT_DETECTION_DRAFT: u8 = 130;
const ORIGINAL_ADDRESS_DRAFT: u8 = 131;
const FRAGMENT: u8 = 132;
