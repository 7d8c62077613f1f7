//! Every pair under the policy: what it shows, what had to be protected, and its windows.

use super::corroboration::Ipsec;
use super::judged::{judge_broadcast, judge_pair};
use super::obligation::Obligations;
use super::tunnels::Around;
use super::usable::UsableTimes;
use super::{CleartextWindow, EspGap, Facts, GapRule, RunBy, broadcast, losses, tunnels, windows};
use crate::hosts::HostPair;
use crate::policy::{Expectation, Policy};
use crate::protection::NamedPorts;
use crate::summary::{StreamsByPair, Summary};
use std::collections::{BTreeMap, BTreeSet};

/// What pairs are judged by.
pub(super) struct Pairs<'s, 'p> {
    pub(super) summary: &'s Summary,
    pub(super) policy: &'p Policy,
    pub(super) rule: GapRule,
    /// The ports that the policy names.
    pub(super) named: &'p NamedPorts,
    pub(super) streams: &'p StreamsByPair<'s>,
    pub(super) inferred: &'p Obligations,
    pub(super) usable: &'p UsableTimes,
}

impl<'s> Pairs<'s, '_> {
    /// Adds every pair and its protected windows to the facts; returns the cleartext windows, and the tunnels
    /// that contain protected packets or other pairs.
    pub(super) fn judge(
        &self,
        facts: &mut Facts,
        mut ipsec: Ipsec,
    ) -> (Vec<CleartextWindow>, Vec<Around<'s>>) {
        let Self { summary, policy, rule, named, streams, inferred, usable } = self;
        let aside = summary.set_aside();
        let (tls, authenticated_by_logs) = (summary.tls(), summary.integrity_only());
        let sampled = losses::sampled(summary);
        let (mut readable, mut interleaved) = (summary.readable(), windows::interleaved(summary));
        let mut gaps: BTreeMap<HostPair, Vec<EspGap>> = BTreeMap::new();
        for gap in &facts.esp_gaps {
            gaps.entry(gap.pair).or_default().push(*gap);
        }
        let mut windows = Vec::new();
        let (tunnels, mut around_each) = (summary.tunnels(), tunnels::around_each(summary));
        let mut around = Vec::new();
        let pairs = streams.keys().chain(aside.keys()).chain(tunnels.keys());
        let pairs: BTreeSet<HostPair> = pairs.copied().collect();
        let broadcast = broadcast::pairs(summary, streams, policy);
        facts.pairs.reserve_exact(pairs.len());
        for pair in &pairs {
            let from = inferred.of_pair(*pair);
            let streams = streams.get(pair).map_or(&[][..], Vec::as_slice);
            let asked = (*policy, *named);
            let mut judged = if broadcast.contains(pair) {
                judge_broadcast(*pair, streams, asked, usable)
            } else {
                judge_pair(*pair, streams, asked, (from, *usable))
            };
            for (why, judged_stream) in aside.get(pair).into_iter().flatten() {
                let asked = (*policy, *named, (from, *usable));
                judged.add_aside(*why, *judged_stream, asked);
            }
            for tunnel in tunnels.get(pair).into_iter().flatten() {
                let asked = (*policy, *named, (from, *usable));
                judged.add_tunnel(*tunnel, asked, &mut around);
            }
            judged.facts.spi_uses = RunBy::gather(judged.spi_uses);
            judged.facts.inside_of = around_each.remove(pair).unwrap_or_default();
            judged.facts.readable = readable.remove(pair).unwrap_or_default();
            ipsec.give(&mut judged.facts);
            let logged = streams
                .iter()
                .filter_map(|(stream, ..)| authenticated_by_logs.get(&(*pair, *stream)));
            judged.facts.integrity_only = logged.flatten().copied().collect();
            judged.facts.tls = tls.get(pair).cloned().unwrap_or_default();
            let interleaved = interleaved.remove(pair).unwrap_or_default();
            let protected = &judged.facts.protected_runs;
            let cut = |clear| windows::cleartext(*pair, clear, protected, &interleaved, *rule);
            let required = cut(judged.required);
            let mut attempted = cut(judged.unproven);
            attempted.retain(|window| from.is_some_and(|known| known.was_attempted(window)));
            for window in &mut attempted {
                window.expectation = Expectation::Attempted;
            }
            judged.facts.settle_expectation(from, &attempted);
            windows.extend(required.into_iter().chain(attempted));
            facts.protected.extend(windows::protected(*pair, judged.esp, &judged.clear, *rule));
            judged.facts.note_limits(gaps.get(pair).map_or(&[], Vec::as_slice), &sampled);
            judged.facts.shrink();
            facts.add_pair(judged.facts, (judged.by_app, judged.shared), streams);
        }
        (windows, around)
    }
}
