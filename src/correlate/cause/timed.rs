//! Facts by pair or host, to be found by their times.

use crate::correlate::stretches::Stretches;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// Facts with a time, each under its pair or host.
pub(super) struct Timed<K>(BTreeMap<K, Stretches<usize>>);

impl<K: Ord> Timed<K> {
    /// Those under a key that touch a span, the latest start first.
    pub(super) fn touching(
        &self,
        key: K,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = usize> + use<'_, K> {
        self.0.get(&key).into_iter().flat_map(move |known| known.touching(from, to)).copied()
    }

    /// The first one under a key that begins at a point or later.
    pub(super) fn first_from(&self, key: K, point: Timestamp) -> Option<usize> {
        self.0.get(&key)?.first_from(point).copied()
    }

    /// The one under a key that begins first.
    pub(super) fn first(&self, key: K) -> Option<&usize> {
        self.0.get(&key)?.first()
    }

    /// Whether there is any under a key.
    pub(super) fn knows(&self, key: K) -> bool {
        self.0.contains_key(&key)
    }
}

type Placed = (Timestamp, Timestamp, usize);

pub(super) fn grouped<K: Ord>(items: impl Iterator<Item = (K, Placed)>) -> Timed<K> {
    let mut groups: BTreeMap<K, Vec<Placed>> = BTreeMap::new();
    for (key, placed) in items {
        groups.entry(key).or_default().push(placed);
    }
    Timed(groups.into_iter().map(|(key, placed)| (key, Stretches::new(placed))).collect())
}
