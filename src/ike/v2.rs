//! The bodies of IKEv2's payloads (RFC 7296 §3, RFC 7383).

use super::body::Body;
use super::proposal;
use super::reader::{Defect, Reader};

/// Reads the body of a payload with a stated length of `bytes` bytes.
pub(super) fn body<'a>(kind: u8, mut reader: Reader<'a>, bytes: usize) -> Result<Body<'a>, Defect> {
    Ok(match kind {
        SA => {
            let (proposals, damage) = proposal::v2(reader);
            Body::SecurityAssociation(proposals, damage)
        }
        KEY_EXCHANGE => {
            let group = reader.u16("key exchange method")?;
            reader.u16("reserved bytes")?;
            Body::KeyExchange(Some(group))
        }
        IDENTIFICATION_INITIATOR | IDENTIFICATION_RESPONDER => {
            let kind = reader.u8("identification type")?;
            reader.take(3, "reserved bytes")?;
            Body::Identification { kind, data: reader.rest() }
        }
        CERTIFICATE | CERTIFICATE_REQUEST => {
            reader.u8("certificate encoding")?;
            Body::Other
        }
        AUTHENTICATION => {
            reader.take(4, "authentication method")?;
            Body::Authentication
        }
        NOTIFY => notify(reader)?,
        DELETE => delete(reader)?,
        VENDOR_ID => Body::VendorId(reader.rest()),
        TRAFFIC_SELECTORS_INITIATOR | TRAFFIC_SELECTORS_RESPONDER => traffic_selectors(reader)?,
        CONFIGURATION => {
            reader.take(4, "configuration type")?;
            configuration_attributes(reader)?
        }
        ENCRYPTED => {
            Body::Encrypted { bytes: u32::try_from(bytes).unwrap_or(u32::MAX), fragment: None }
        }
        FRAGMENT => {
            // RFC 7383 §2.5: fragment number and total before the encrypted part.
            let number = reader.u16("fragment number")?;
            let total = reader.u16("total fragments")?;
            let bytes = u32::try_from(bytes.saturating_sub(4)).unwrap_or(u32::MAX);
            Body::Encrypted { bytes, fragment: Some((number, total)) }
        }
        _ => Body::Other,
    })
}

/// RFC 7296 §3.10.
fn notify<'a>(mut reader: Reader<'a>) -> Result<Body<'a>, Defect> {
    reader.u8("notify protocol")?;
    let spi_len = usize::from(reader.u8("notify SPI size")?);
    let kind = reader.u16("notify message type")?;
    reader.take(spi_len, "notify SPI")?;
    Ok(Body::Notify { kind, data: reader.rest() })
}

/// RFC 7296 §3.11: protocol, size and number of SPIs, SPIs.
pub(super) fn delete<'a>(mut reader: Reader<'a>) -> Result<Body<'a>, Defect> {
    reader.u8("delete protocol")?;
    let spi_len = usize::from(reader.u8("delete SPI size")?);
    let spis = usize::from(reader.u16("number of SPIs")?);
    let spis = reader.take(spi_len * spis, "deleted SPIs")?;
    // Four bytes are an SPI of ESP or AH; the IKE SA has none, or in IKEv1 its cookies.
    Ok(Body::Delete { spis: if spi_len == size_of::<u32>() { spis } else { &[] } })
}

/// RFC 7296 §3.13: their number, then each with a length of its own.
fn traffic_selectors<'a>(mut reader: Reader<'a>) -> Result<Body<'a>, Defect> {
    let count = reader.u8("number of traffic selectors")?;
    reader.take(3, "reserved bytes")?;
    for _ in 0..count {
        reader.u16("traffic selector type")?;
        let offset = reader.offset();
        let length = usize::from(reader.u16("traffic selector length")?);
        let Some(rest) = length.checked_sub(4) else {
            let field = "traffic selector length";
            return Err(Defect::Length { field, offset, value: length, minimum: 4 });
        };
        reader.take(rest, "traffic selector")?;
    }
    Ok(Body::Other)
}

/// RFC 7296 §3.15.1, and IKEv1's configuration before it: type and length, then the value; with the
/// format bit, the length field holds the value.
pub(super) fn configuration_attributes<'a>(mut reader: Reader<'a>) -> Result<Body<'a>, Defect> {
    while !reader.is_empty() {
        let attribute = reader.u16("attribute type")?;
        let length = reader.u16("attribute length")?;
        if attribute & 0x8000 == 0 {
            reader.take(usize::from(length), "attribute value")?;
        }
    }
    Ok(Body::Other)
}

/// Payload types (RFC 7296 §3.2, RFC 7383 §2.5).
const SA: u8 = 33;
const KEY_EXCHANGE: u8 = 34;
const IDENTIFICATION_INITIATOR: u8 = 35;
const IDENTIFICATION_RESPONDER: u8 = 36;
const CERTIFICATE: u8 = 37;
const CERTIFICATE_REQUEST: u8 = 38;
const AUTHENTICATION: u8 = 39;
const NOTIFY: u8 = 41;
const DELETE: u8 = 42;
const VENDOR_ID: u8 = 43;
const TRAFFIC_SELECTORS_INITIATOR: u8 = 44;
const TRAFFIC_SELECTORS_RESPONDER: u8 = 45;
const ENCRYPTED: u8 = 46;
const CONFIGURATION: u8 = 47;
const FRAGMENT: u8 = 53;
