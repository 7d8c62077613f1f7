//! Tunnels around other pairs' packets: what protection the outer pair requires, and which windows are of the
//! same frames.
//!
//! A frame is in the sums once, by its own packet. The outer pair is judged by its own rule; the inner pair's
//! rule does not apply to it, nor the reverse.

use super::ExplainedWindow;
use super::judged::{ClearKind, Inferred, JudgedPair};
use crate::hosts::HostPair;
use crate::policy::{Expectation, Policy};
use crate::protection::{NamedPorts, ProtectionClass, Stream};
use crate::summary::{ClassRun, Count, JudgedTunnel, Layer, Summary};
use std::collections::{BTreeMap, BTreeSet};

/// A run of tunnel packets that belongs to a window, and what is inside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pair: HostPair,
    run: ClassRun,
    inside: &'a [Layer],
}

/// The pairs that frames of each pair passed the tunnels of.
pub(super) fn around_each(summary: &Summary) -> BTreeMap<HostPair, BTreeSet<HostPair>> {
    let mut around: BTreeMap<HostPair, BTreeSet<HostPair>> = BTreeMap::new();
    let tunnels = summary.captures.values().flat_map(|capture| &capture.tunnels);
    for (pair, tunnel) in tunnels.flat_map(|(pair, all)| all.keys().map(move |t| (*pair, t))) {
        for (inner, _) in tunnel.inside.iter().filter(|(inner, _)| *inner != pair) {
            around.entry(*inner).or_default().insert(pair);
        }
    }
    around
}

impl JudgedPair {
    /// Takes packets of a tunnel. They count for the pair, and not in the sums over all pairs.
    pub(super) fn add_tunnel<'a>(
        &mut self,
        (tunnel, frames, runs): JudgedTunnel<'a>,
        (policy, named, inferred): (&Policy, &NamedPorts, Inferred<'_>),
        around: &mut Vec<Around<'a>>,
    ) {
        let count = Count::of(runs);
        let pair = self.facts.pair;
        self.facts.as_tunnel.join(count);
        let mut class = tunnel.stream.class();
        if let Stream::Clear { ports, app, encrypted } = tunnel.stream {
            let service = ports.service(named);
            let protected_inside = hides_payload(frames);
            let (expectation, _) = policy.of_traffic((pair, None), service.protocol, service.port);
            if expectation == Expectation::Exempt {
                class = ProtectionClass::Exempt;
            }
            // No payload leaks from a tunnel around ESP: only a rule that names the tunnel itself requires its
            // protection.
            let may_open = !protected_inside || policy.names(pair, service.protocol, service.port);
            let kind =
                ClearKind { protected_inside, ..ClearKind::of_service(service, app, encrypted) };
            if may_open && class == ProtectionClass::Clear {
                self.note_unknown_opener(service, policy, runs);
            }
            let before = self.required.len() + self.unproven.len();
            match expectation {
                Expectation::Required(_) if may_open => self.require(runs, kind, inferred.1),
                Expectation::None | Expectation::Attempted if may_open => {
                    self.infer(runs, kind, inferred);
                }
                Expectation::None
                | Expectation::Attempted
                | Expectation::Exempt
                | Expectation::Required(_) => {}
            }
            let opens_window = self.required.len() + self.unproven.len() > before;
            if opens_window {
                let inside = tunnel.inside.as_slice();
                around.extend(runs.iter().map(|run| Around { pair, run: *run, inside }));
            }
            if protected_inside && !opens_window {
                for run in runs {
                    match &mut self.facts.around_protected {
                        Some(all) => all.absorb(*run),
                        None => self.facts.around_protected = Some(Box::new(*run)),
                    }
                }
                return;
            }
            self.facts.in_clear.join(count);
            self.facts.clear_services.insert(service);
            if class == ProtectionClass::Clear {
                self.clear.extend(runs);
            }
        }
        self.shared.entry(class).or_default().join(count);
        runs.iter().for_each(|run| self.facts.by_class.add(class, *run));
    }
}

/// Whether frames of a class carry nothing that could be read inside a tunnel.
const fn hides_payload(class: ProtectionClass) -> bool {
    match class {
        ProtectionClass::Esp | ProtectionClass::Ike | ProtectionClass::NattKeepalive => true,
        ProtectionClass::EspNull
        | ProtectionClass::Ah
        | ProtectionClass::Exempt
        | ProtectionClass::Clear
        | ProtectionClass::NonIp
        | ProtectionClass::Undecodable => false,
    }
}

/// Makes windows of the same frames name each other. A run of one stream lies in one window or in none.
pub(super) fn link(windows: &mut [ExplainedWindow], around: &[Around<'_>], named: &NamedPorts) {
    if around.is_empty() {
        return;
    }
    let mut by_pair: BTreeMap<HostPair, Vec<usize>> = BTreeMap::new();
    for (at, explained) in windows.iter().enumerate() {
        by_pair.entry(explained.window.pair).or_default().push(at);
    }
    for Around { pair, run, inside } in around {
        let find = |pair: &HostPair| {
            let of_pair = by_pair.get(pair)?;
            let begun = of_pair.partition_point(|at| {
                windows.get(*at).is_some_and(|w| w.window.run.start <= run.start)
            });
            let at = *of_pair.get(begun.checked_sub(1)?)?;
            windows.get(at).filter(|w| run.end <= w.window.run.end).map(|w| (at, w))
        };
        let Some((outer, _)) = find(pair) else { continue };
        let has = |window: &ExplainedWindow, stream: &Stream| match stream {
            Stream::Clear { ports, .. } => window.window.services.contains(&ports.service(named)),
            Stream::Esp(..)
            | Stream::WespIntegrityOnly(..)
            | Stream::Ah(..)
            | Stream::Ike
            | Stream::NattKeepalive
            | Stream::Exempt(_)
            | Stream::Undecodable(_) => false,
        };
        let found = inside.iter().filter_map(|(pair, stream)| {
            find(pair).filter(|(at, window)| *at != outer && has(window, stream))
        });
        let inner: Vec<usize> = found.map(|(at, _)| at).collect();
        for at in &inner {
            if let Some(window) = windows.get_mut(*at) {
                window.same_frames_as.insert(outer);
            }
        }
        if let Some(window) = windows.get_mut(outer).filter(|_| !inner.is_empty()) {
            window.shared_frames += run.frames;
            window.same_frames_as.extend(inner);
        }
    }
}
