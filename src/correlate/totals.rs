//! Sums over all pairs and over what belongs to none: each frame once.

use super::{Facts, PairFacts};
use crate::protection::{App, ProtectionClass, Stream};
use crate::summary::{Count, JudgedStream, Summary, Unpaired};
use std::collections::BTreeMap;

impl Facts {
    /// Adds a pair. `shared` is what other packets of the same frames count.
    pub(super) fn add_pair(
        &mut self,
        pair: PairFacts,
        (by_app, shared): (BTreeMap<(App, bool), Count>, BTreeMap<ProtectionClass, Count>),
        streams: &[JudgedStream<'_>],
    ) {
        for (class, run) in pair.by_class.iter() {
            let mut count = Count::of(&[*run]);
            count.leave_out(shared.get(class).copied().unwrap_or_default());
            self.total.join(count);
            self.by_class.entry(*class).or_default().join(count);
        }
        for (app, count) in by_app {
            self.by_app.entry(app).or_default().join(count);
        }
        for (stream, _, runs) in streams {
            if let Stream::Undecodable(reason) = stream {
                *self.undecodable.entry(reason.as_str()).or_default() += Count::of(runs).frames;
            }
        }
        self.pairs.push(pair);
    }

    /// Adds the frames that belong to no pair.
    pub(super) fn add_unpaired(&mut self, summary: &Summary) {
        self.folded.0 = summary.captures.values().map(|capture| capture.folded_pairs).sum();
        for (kind, count) in summary.captures.values().flat_map(|c| &c.unpaired) {
            let class = match kind {
                Unpaired::Arp => ProtectionClass::Exempt,
                Unpaired::NonIp(_) => ProtectionClass::NonIp,
                Unpaired::IkeFlood => ProtectionClass::Ike,
                Unpaired::FoldedClear(app, encrypted) => {
                    self.by_app.entry((*app, *encrypted)).or_default().join(*count);
                    self.folded.1.join(*count);
                    self.folded_clear = self.folded_clear.saturating_add(count.frames);
                    ProtectionClass::Clear
                }
                Unpaired::Folded(class) => {
                    self.folded.1.join(*count);
                    *class
                }
                Unpaired::Undecodable(reason) => {
                    *self.undecodable.entry(reason.as_str()).or_default() += count.frames;
                    ProtectionClass::Undecodable
                }
            };
            self.total.join(*count);
            self.by_class.entry(class).or_default().join(*count);
        }
    }
}
