//! What the packets under each SPI turn out to be, over all captures: ESP as their header says, ESP that
//! can be read, or no ESP at all.
//!
//! Readable bytes in the place of ESP are `esp_null` where their numbers rise and the trailer fits over
//! several packets (RFC 5879), and clear text where they do not.

use super::Summary;
use crate::evidence::EvidenceId;
use crate::hosts::{Direction, HostPair};
use crate::protection::sa_evidence::{Opacity, SaEvidence};
use crate::protection::{EspSpi, Stream};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What one capture shows of an SPI in one direction.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SaSeen {
    /// What its packets show of being ESP or AH.
    pub evidence: SaEvidence,
    /// What they are if they are neither.
    pub as_clear: Stream,
    /// Neither port nor protocol says that they are ESP; only they themselves can.
    pub is_unproven: bool,
}

/// An SPI of two hosts in one direction.
pub(super) type SaKey = (HostPair, Stream);

/// What is known of an SPI over all captures.
#[derive(Clone, Copy, Debug)]
pub(super) struct WholeSa {
    pub(super) seen: SaSeen,
    /// Packets of several are readable and have a trailer.
    pub(super) is_readable: bool,
}

/// What packets under an SPI are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SaIs {
    /// What their header says.
    AsSeen,
    /// ESP without encryption.
    Null,
    /// Clear text.
    Clear(Stream),
}

impl Summary {
    /// What the packets of every SPI show of being ESP or AH, over all captures.
    #[must_use]
    pub fn sas(&self) -> BTreeMap<(HostPair, Stream), SaEvidence> {
        let whole = self.whole_sas().into_iter();
        whole.map(|(key, sa)| (key, sa.seen.evidence)).collect()
    }

    /// SPIs of which the packets are clear text.
    #[must_use]
    pub fn no_esp(&self) -> BTreeSet<(HostPair, Stream)> {
        let clear = self.sas_as_they_are().into_iter();
        clear.filter(|(_, is)| matches!(is, SaIs::Clear(_))).map(|(key, _)| key).collect()
    }

    /// What the packets of every SPI show, over all captures in order of time.
    pub(super) fn whole_sas(&self) -> BTreeMap<SaKey, WholeSa> {
        let mut parts: BTreeMap<SaKey, Vec<(Option<Timestamp>, EvidenceId, WholeSa)>> =
            BTreeMap::new();
        for (id, capture) in &self.captures {
            for (key, seen) in &capture.sas {
                let is_readable = capture.null_encrypted.contains(key);
                let part = WholeSa { seen: *seen, is_readable };
                parts.entry(*key).or_default().push((seen.evidence.begins(), *id, part));
            }
        }
        let mut whole = BTreeMap::new();
        for (key, mut of_sa) in parts {
            of_sa.sort_by_key(|(begins, id, _)| (*begins, *id));
            let mut of_sa = of_sa.into_iter().map(|(.., part)| part);
            let Some(mut all) = of_sa.next() else { continue };
            for part in of_sa {
                all.seen.evidence.join(part.seen.evidence);
                all.seen.is_unproven &= part.seen.is_unproven;
                all.is_readable |= part.is_readable;
            }
            whole.insert(key, all);
        }
        whole
    }

    /// What the packets of every SPI are that are not what their header says.
    pub(super) fn sas_as_they_are(&self) -> BTreeMap<SaKey, SaIs> {
        let whole = self.whole_sas();
        let mut pools: BTreeMap<(HostPair, Option<Direction>), Pool> = BTreeMap::new();
        for (key, sa) in &whole {
            if !sa.seen.evidence.is_numbered() {
                pools.entry((key.0, direction(key.1))).or_default().add(key.1, sa);
            }
        }
        let judged = whole.iter().map(|(key, sa)| {
            let pool = pools.get(&(key.0, direction(key.1))).copied().unwrap_or_default();
            (*key, sa.is(key.1, pool))
        });
        judged.filter(|(_, is)| *is != SaIs::AsSeen).collect()
    }
}

impl WholeSa {
    fn is(&self, stream: Stream, pool: Pool) -> SaIs {
        let (evidence, clear) = (&self.seen.evidence, SaIs::Clear(self.seen.as_clear));
        if !matches!(stream, Stream::Esp(..)) {
            return SaIs::AsSeen;
        }
        if self.is_readable {
            return if evidence.rises() { SaIs::Null } else { clear };
        }
        if self.seen.is_unproven && !evidence.is_numbered() {
            return clear;
        }
        match evidence.opacity() {
            // Numbers that do not rise are no sender's count, and text is text. Another pattern under rising numbers
            // may be ESP whose content was blotted out, or whose trailer was cut: it stays uncorroborated.
            Opacity::Patterned if !evidence.rises() => clear,
            Opacity::Patterned if evidence.was_whole() && evidence.is_text() => clear,
            Opacity::Unseen if pool.is_text(stream, evidence) => clear,
            Opacity::Patterned | Opacity::Unseen | Opacity::Opaque => SaIs::AsSeen,
        }
    }
}

/// The SPIs of one pair and direction that are too few packets each: text puts another one into every line.
#[derive(Clone, Copy, Debug, Default)]
struct Pool {
    content: SaEvidence,
    sas: u64,
    texts: u64,
}

impl Pool {
    fn add(&mut self, stream: Stream, sa: &WholeSa) {
        self.content.join(sa.seen.evidence);
        self.sas += 1;
        self.texts += u64::from(is_text(stream, &sa.seen.evidence));
    }

    /// Whether an SPI of the pool is text, as nearly all others are.
    fn is_text(&self, stream: Stream, evidence: &SaEvidence) -> bool {
        if evidence.rises() {
            return false;
        }
        let many = self.texts >= ENOUGH_TEXTS && self.texts * 10 >= self.sas * 9;
        let is_patterned = self.content.opacity() == Opacity::Patterned;
        (many && is_text(stream, evidence)) || (is_patterned && evidence.has_content())
    }
}

/// Whether SPI and numbers are letters, digits and signs: of random ones in one of 2¹¹ cases.
fn is_text(stream: Stream, evidence: &SaEvidence) -> bool {
    matches!(stream, Stream::Esp(EspSpi(spi), _) if evidence.is_text_behind(spi))
}

const fn direction(stream: Stream) -> Option<Direction> {
    match stream {
        Stream::Esp(_, direction)
        | Stream::WespIntegrityOnly(_, direction)
        | Stream::Ah(_, direction) => Some(direction),
        Stream::Ike
        | Stream::NattKeepalive
        | Stream::Exempt(_)
        | Stream::Clear { .. }
        | Stream::Undecodable(_) => None,
    }
}

/// So many have a chance below 2⁻⁴⁰.
const ENOUGH_TEXTS: u64 = 4;
