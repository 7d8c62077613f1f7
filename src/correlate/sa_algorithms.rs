//! The algorithms that protected a pair's traffic, as far as logs show them: on the wire, quick mode and child
//! SAs are negotiated encrypted.

use super::Facts;
use crate::evidence::RecordRef;
use crate::hosts::HostPair;
use crate::protection::EspSpi;
use std::collections::{BTreeMap, BTreeSet};

/// Security associations of a pair that use the same algorithms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaAlgorithms {
    /// The algorithms by their names in IANA's registries; empty where nothing shows them.
    pub names: Vec<&'static str>,
    /// Their SPIs as captures show them.
    pub spis: BTreeSet<EspSpi>,
    /// The records that name the algorithms.
    pub records: BTreeSet<RecordRef>,
}

impl SaAlgorithms {
    /// The names parted by `/`, or `unknown`.
    #[must_use]
    pub fn text(&self) -> String {
        if self.names.is_empty() { "unknown".to_owned() } else { self.names.join("/") }
    }
}

impl Facts {
    /// For every pair that has some, its security associations by algorithm: those with an SPI in a capture,
    /// and those that only a log shows.
    #[must_use]
    pub fn sa_algorithms(&self) -> BTreeMap<HostPair, Vec<SaAlgorithms>> {
        let mut named: BTreeMap<HostPair, BTreeMap<Vec<&'static str>, SaAlgorithms>> =
            BTreeMap::new();
        for placed in &self.events {
            let names = placed.event.esp_algorithms();
            let joined = placed.join.and_then(|join| join.sa).map(|(pair, _)| pair);
            let logged =
                || placed.event.esp_endpoints().map(|(one, other)| HostPair::new(one, other));
            let Some(pair) = joined.or_else(logged).filter(|_| !names.is_empty()) else { continue };
            let group = named.entry(pair).or_default().entry(names.clone()).or_default();
            group.names = names;
            group.records.insert(placed.event.record);
            let Some(known) = self.pair(pair) else { continue };
            // Windows does not document the byte order of the SPI.
            let spis = placed.event.logged_spis().into_iter();
            let spis = spis.flat_map(|spi| [EspSpi(spi), EspSpi(spi.swap_bytes())]);
            group.spis.extend(spis.filter(|spi| known.spis.contains(spi)));
        }
        let mut all: BTreeMap<HostPair, Vec<SaAlgorithms>> = BTreeMap::new();
        for (pair, groups) in named {
            all.insert(pair, groups.into_values().collect());
        }
        for known in self.pairs.iter().filter(|known| !known.spis.is_empty()) {
            let groups = all.entry(known.pair).or_default();
            let shown: BTreeSet<EspSpi> =
                groups.iter().flat_map(|group| &group.spis).copied().collect();
            let spis: BTreeSet<EspSpi> = known.spis.difference(&shown).copied().collect();
            if !spis.is_empty() {
                groups.push(SaAlgorithms { spis, ..SaAlgorithms::default() });
            }
        }
        all
    }
}
