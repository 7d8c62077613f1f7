//! The algorithms of a quick mode SA by a log: from 5451's fields or 541's parameters.

use super::LogEvent;
use crate::catalogue::{logged_cipher, logged_digest};

impl LogEvent {
    /// The names of the algorithms of the SA that was created: cipher, digest of ESP, digest of AH. Empty where
    /// the record names none that is known, and for any other record.
    #[must_use]
    pub fn esp_algorithms(&self) -> Vec<&'static str> {
        let field = |name: &str| {
            self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
        };
        let (cipher, digest, header) = match self.event_id {
            QUICK_MODE_UP => (field("CipherType"), field("EspAuthType"), field("AhAuthType")),
            LEGACY_SA_UP => {
                // The last text with several lines: the algorithms of ESP's cipher, ESP's digest and AH come
                // first.
                let is_list = |value: &&str| value.lines().count() >= LEGACY_LINES;
                let texts = self.fields.iter().rev().map(|(_, value)| value.as_str());
                let mut lines = texts.into_iter().find(is_list).unwrap_or_default().lines();
                (lines.next(), lines.next(), lines.next())
            }
            _ => return Vec::new(),
        };
        let digests = [digest, header].into_iter().flatten().filter_map(logged_digest);
        let mut names: Vec<&'static str> = Vec::new();
        for name in cipher.and_then(logged_cipher).into_iter().chain(digests) {
            // GCM is listed as the cipher and as the digest.
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Its two SPIs as the record spells them, inbound first.
    #[must_use]
    pub fn logged_spis(&self) -> Vec<u32> {
        let named = |name: &str| {
            let value = self.fields.iter().find(|(known, _)| known == name)?.1.trim();
            value.parse::<u64>().ok().and_then(|spi| u32::try_from(spi).ok())
        };
        ["InboundSpi", "OutboundSpi"].into_iter().filter_map(named).collect()
    }
}

const QUICK_MODE_UP: u16 = 5451;
const LEGACY_SA_UP: u16 = 541;
/// Three algorithms, the encapsulation, and numbers.
const LEGACY_LINES: usize = 4;
