//! SA payloads: what is offered or chosen, in words.

use super::reader::Reader;
use crate::catalogue::{transform_name, v1_attribute_name};

/// The proposals of an IKEv2 SA payload (RFC 7296 §3.3), one string each.
pub(super) fn v2(body: &[u8]) -> Vec<String> {
    let mut reader = Reader::new(body);
    let mut proposals = Vec::new();
    while proposals.len() < MAX_PROPOSALS
        && let Some((spi_len, mut inside)) = proposal(&mut reader)
    {
        if inside.take(usize::from(spi_len)).is_none() {
            break;
        }
        let mut names = Vec::new();
        while names.len() < MAX_TRANSFORMS
            && let Some(name) = v2_transform(&mut inside)
        {
            names.push(name);
        }
        proposals.push(names.join("/"));
    }
    proposals
}

/// The transforms of an IKEv1 phase 1 SA payload (RFC 2408 §3.4–3.6, RFC 2409 appendix A).
pub(super) fn v1(body: &[u8]) -> Vec<String> {
    let mut reader = Reader::new(body);
    // DOI and situation.
    if reader.take(8).is_none() {
        return Vec::new();
    }
    let mut proposals = Vec::new();
    while proposals.len() < MAX_PROPOSALS
        && let Some((spi_len, mut inside)) = proposal(&mut reader)
    {
        if inside.take(usize::from(spi_len)).is_none() {
            break;
        }
        while proposals.len() < MAX_PROPOSALS
            && let Some(transform) = v1_transform(&mut inside)
        {
            proposals.push(transform);
        }
    }
    proposals
}

/// Last-or-more, reserved, length, number, protocol, SPI size, number of transforms.
fn proposal<'a>(reader: &mut Reader<'a>) -> Option<(u8, Reader<'a>)> {
    let head = reader.take(4)?;
    let length = usize::from(u16::from_be_bytes(*head.get(2..)?.first_chunk()?));
    let mut inside = reader.sub(length.checked_sub(4)?)?;
    inside.take(2)?;
    let spi_len = inside.u8()?;
    inside.u8()?;
    Some((spi_len, inside))
}

fn v2_transform(reader: &mut Reader<'_>) -> Option<String> {
    reader.take(2)?;
    let length = usize::from(reader.u16()?);
    let mut inside = reader.sub(length.checked_sub(4)?)?;
    let kind = inside.u8()?;
    inside.u8()?;
    let id = inside.u16()?;
    let name = transform_name(kind, id).map_or_else(|| format!("{kind}:{id}"), str::to_owned);
    let key_len = attributes(inside).find(|(attribute, _)| *attribute == KEY_LENGTH_V2);
    Some(key_len.map_or_else(|| name.clone(), |(_, bits)| format!("{name}-{bits}")))
}

fn v1_transform(reader: &mut Reader<'_>) -> Option<String> {
    reader.take(2)?;
    let length = usize::from(reader.u16()?);
    let mut inside = reader.sub(length.checked_sub(4)?)?;
    inside.take(4)?;
    let mut words: Vec<String> = Vec::new();
    for (attribute, value) in attributes(inside).take(MAX_ATTRIBUTES) {
        match v1_attribute_name(attribute, value) {
            Some(name) => words.push(name.to_owned()),
            None if attribute == KEY_LENGTH_V1 => words.push(format!("{value} bit")),
            None if attribute <= 4 => words.push(format!("{attribute}:{value}")),
            None => {}
        }
    }
    Some(words.join("/"))
}

/// Attributes of fixed length as (type, value); longer ones are passed over (RFC 7296 §3.3.5).
fn attributes(mut reader: Reader<'_>) -> impl Iterator<Item = (u16, u16)> {
    std::iter::from_fn(move || {
        while !reader.is_empty() {
            let (kind, value) = (reader.u16()?, reader.u16()?);
            if kind & FIXED_LENGTH != 0 {
                return Some((kind & !FIXED_LENGTH, value));
            }
            reader.take(usize::from(value))?;
        }
        None
    })
}

const FIXED_LENGTH: u16 = 0x8000;
const KEY_LENGTH_V2: u16 = 14;
const KEY_LENGTH_V1: u16 = 14;
const MAX_PROPOSALS: usize = 32;
const MAX_TRANSFORMS: usize = 32;
const MAX_ATTRIBUTES: usize = 16;
