//! One pair's streams under the policy and the inferred requirement: what had to be protected, and what was.
//!
//! Windows are cut elsewhere; this file decides which runs can form them.

use super::obligation::Obligation;
use super::usable::UsableTimes;
use super::windows::ClearRun;
use super::{CleartextWindow, LimitCode, Limits, PairFacts, RunBy, limits};
use crate::evidence::EvidenceId;
use crate::hosts::{Direction, HostPair};
use crate::policy::{Expectation, ExpectationSource, Level, Policy};
use crate::protection::{App, EspSpi, ExemptKind, NamedPorts, ProtectionClass, Service, Stream};
use crate::summary::{ClassRun, Contents, Count, JudgedStream, SetAside};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// One pair's streams under the policy.
pub(super) struct JudgedPair {
    pub(super) facts: PairFacts,
    /// Clear runs that should have been protected.
    pub(super) required: Vec<ClearRun>,
    /// Clear runs that no rule names, while nothing proves that protection was required.
    pub(super) unproven: Vec<ClearRun>,
    /// All clear runs that are not exempt.
    pub(super) clear: Vec<ClassRun>,
    pub(super) esp: Vec<(ClassRun, EspSpi)>,
    /// Runs of ESP and AH by SPI and direction, as they came.
    pub(super) spi_uses: Vec<((EspSpi, Direction), ClassRun)>,
    pub(super) by_app: BTreeMap<(App, bool), Count>,
    /// The part of `by_class` that the sums over all pairs count by other packets of the same frames.
    pub(super) shared: BTreeMap<ProtectionClass, Count>,
}

pub(super) type PairStreams<'a> = [JudgedStream<'a>];

/// A policy and the ports that it names.
pub(super) type Asked<'a> = (&'a Policy, &'a NamedPorts);

/// What the evidence proves of the pair's obligation, and which times can be used.
pub(super) type Inferred<'a> = (Option<&'a Obligation>, &'a UsableTimes);

pub(super) fn judge_pair(
    pair: HostPair,
    streams: &PairStreams<'_>,
    (policy, named): Asked<'_>,
    inferred: Inferred<'_>,
) -> JudgedPair {
    let (expectation, source) = match (policy.of_pair(pair), inferred.0) {
        ((Expectation::None, ExpectationSource::None), Some(known)) if known.is_required() => {
            (Expectation::Required(Level::Encrypt), ExpectationSource::Inferred(known.sources()))
        }
        (known, _) => known,
    };
    let mut judged = JudgedPair {
        facts: PairFacts {
            pair,
            expectation,
            source,
            by_direction: policy.by_direction(pair).map(Box::new),
            obligations: inferred.0.map_or_else(Vec::new, Obligation::spans),
            limits: Limits::new(),
            untimed: None,
            by_class: RunBy::default(),
            unprotected: Count::default(),
            in_clear: Count::default(),
            clear_services: BTreeSet::new(),
            set_aside: RunBy::default(),
            integrity_only: BTreeSet::new(),
            readable: Contents::new(),
            tls: BTreeMap::new(),
            spis: BTreeSet::new(),
            sas: Vec::new(),
            spi_uses: RunBy::default(),
            authenticated_only: Vec::new(),
            protected_runs: Vec::new(),
            as_tunnel: Count::default(),
            around_protected: None,
            inside_of: BTreeSet::new(),
        },
        required: Vec::new(),
        unproven: Vec::new(),
        clear: Vec::new(),
        esp: Vec::new(),
        spi_uses: Vec::new(),
        by_app: BTreeMap::new(),
        shared: BTreeMap::new(),
    };
    for (stream, class, runs) in streams {
        judged.add(*stream, *class, runs, (policy, named, inferred));
    }
    judged.facts.protected_runs.sort_unstable();
    judged.clear.sort_unstable();
    judged
}

/// Traffic to a broadcast address is exempt, also under a rule for all traffic.
pub(super) fn judge_broadcast(
    pair: HostPair,
    streams: &PairStreams<'_>,
    (_, named): Asked<'_>,
    usable: &UsableTimes,
) -> JudgedPair {
    let mut streams = streams.to_vec();
    for (stream, class, _) in streams.iter_mut().filter(|s| s.1 == ProtectionClass::Clear) {
        (*stream, *class) = (Stream::Exempt(ExemptKind::Broadcast), ProtectionClass::Exempt);
    }
    let none = Policy::default();
    let mut judged = judge_pair(pair, &streams, (&none, named), (None, usable));
    judged.facts.expectation = Expectation::Exempt;
    judged.facts.source = ExpectationSource::DefaultExemption("directed broadcast");
    judged
}

impl JudgedPair {
    fn add(
        &mut self,
        stream: Stream,
        class: ProtectionClass,
        runs: &[ClassRun],
        (policy, named, inferred): (&Policy, &NamedPorts, Inferred<'_>),
    ) {
        if let Stream::Clear { ports, .. } = stream
            && policy.is_directed(self.facts.pair)
        {
            for (opener, runs) in by_opener(self.facts.pair, ports.service(named), runs) {
                self.add_of((stream, class, &runs), opener, (policy, named, inferred));
            }
        } else {
            self.add_of((stream, class, runs), None, (policy, named, inferred));
        }
    }

    /// The same for connections that all were opened by `opener`, where it is known.
    fn add_of(
        &mut self,
        (stream, class, runs): JudgedStream<'_>,
        opener: Option<IpAddr>,
        (policy, named, inferred): (&Policy, &NamedPorts, Inferred<'_>),
    ) {
        let count = Count::of(runs);
        let mut class = class;
        match stream {
            Stream::Clear { ports, app, encrypted } => {
                let service = ports.service(named);
                let kind = ClearKind { opener, ..ClearKind::of_service(service, app, encrypted) };
                self.facts.in_clear.join(count);
                self.facts.clear_services.insert(service);
                let pair = (self.facts.pair, opener);
                if opener.is_none() {
                    self.note_unknown_opener(service, policy, runs);
                }
                match policy.of_traffic(pair, service.protocol, service.port) {
                    (Expectation::Exempt, _) => class = ProtectionClass::Exempt,
                    (Expectation::Required(_), _) => {
                        self.require(runs, kind, inferred.1);
                    }
                    (Expectation::Attempted | Expectation::None, _) => {
                        self.infer(runs, kind, inferred);
                    }
                }
                if class == ProtectionClass::Clear {
                    self.clear.extend(runs);
                    self.by_app.entry((app, encrypted)).or_default().join(count);
                }
            }
            Stream::Exempt(kind) => {
                if let Some(service) = self.facts.named_by_rule(kind, policy) {
                    class = ProtectionClass::Clear;
                    let kind = ClearKind::of_service(service, App::Other, false);
                    self.facts.in_clear.join(count);
                    self.facts.clear_services.insert(service);
                    self.require(runs, kind, inferred.1);
                    self.clear.extend(runs);
                    self.by_app.entry((App::Other, false)).or_default().join(count);
                }
            }
            Stream::Esp(spi, way) | Stream::WespIntegrityOnly(spi, way) | Stream::Ah(spi, way) => {
                self.facts.protected_runs.extend(runs);
                self.spi_uses.extend(runs.iter().map(|run| ((spi, way), *run)));
                if spi != EspSpi(0) {
                    self.facts.spis.insert(spi);
                }
                if class == ProtectionClass::Esp {
                    self.esp.extend(runs.iter().map(|run| (*run, spi)));
                }
            }
            Stream::Undecodable(reason) => {
                let captures: Vec<EvidenceId> = runs.iter().map(|run| run.first.evidence).collect();
                let code = match reason.is_cut() {
                    true => LimitCode::Cut,
                    false => LimitCode::Undecodable,
                };
                limits::add(&mut self.facts.limits, code, count.frames, &captures);
            }
            Stream::Ike | Stream::NattKeepalive => {}
        }
        runs.iter().for_each(|run| self.facts.by_class.add(class, *run));
    }

    /// The limit that clear traffic sets of which nothing shows who opened it, where that decides whether it is required.
    pub(super) fn note_unknown_opener(
        &mut self,
        service: Service,
        policy: &Policy,
        runs: &[ClassRun],
    ) {
        if self.may_require(service, policy) {
            let captures: Vec<EvidenceId> = runs.iter().map(|run| run.first.evidence).collect();
            let frames = Count::of(runs).frames;
            limits::add(&mut self.facts.limits, LimitCode::OpenerUnknown, frames, &captures);
        }
    }

    /// Whether a rule for one direction requires protection of clear traffic of which nothing shows who opened it, and
    /// no rule does so anyone who it was.
    fn may_require(&self, service: Service, policy: &Policy) -> bool {
        let pair = self.facts.pair;
        let is_required = |opener| {
            let of = policy.of_traffic((pair, opener), service.protocol, service.port);
            matches!(of.0, Expectation::Required(_))
        };
        policy.is_directed(pair)
            && !is_required(None)
            && [pair.a(), pair.b()].into_iter().any(|opener| is_required(Some(opener)))
    }

    /// Clear runs of traffic that had to be protected. A run without a usable time opens no window.
    pub(super) fn require(&mut self, runs: &[ClassRun], kind: ClearKind, usable: &UsableTimes) {
        self.facts.unprotected.join(Count::of(runs));
        for run in runs {
            if usable.has(run) {
                self.required.push(kind.run(*run));
            } else {
                match &mut self.facts.untimed {
                    Some(known) => known.absorb(*run),
                    None => self.facts.untimed = Some(Box::new(*run)),
                }
            }
        }
    }

    /// Clear runs that no rule names: required while the evidence proves it.
    pub(super) fn infer(
        &mut self,
        runs: &[ClassRun],
        kind: ClearKind,
        (known, usable): Inferred<'_>,
    ) {
        let Some(known) = known else { return };
        for run in runs {
            let is_untimed = known.is_required() && !usable.has(run) && known.reaches(kind.service);
            if known.requires(run, kind.service) || is_untimed {
                self.require(&[*run], kind, usable);
            } else if usable.has(run) {
                self.unproven.push(kind.run(*run));
            }
        }
    }

    /// Packets that are set aside keep their class in the sums and open no window.
    pub(super) fn add_aside(
        &mut self,
        why: SetAside,
        (stream, class, runs): JudgedStream<'_>,
        asked: (&Policy, &NamedPorts, Inferred<'_>),
    ) {
        let lengths = (self.required.len(), self.unproven.len(), self.clear.len());
        let (unprotected, in_clear) = (self.facts.unprotected, self.facts.in_clear);
        let (services, untimed) =
            (std::mem::take(&mut self.facts.clear_services), self.facts.untimed.clone());
        self.add(stream, class, runs, asked);
        self.required.truncate(lengths.0);
        self.unproven.truncate(lengths.1);
        self.clear.truncate(lengths.2);
        (self.facts.unprotected, self.facts.in_clear) = (unprotected, in_clear);
        (self.facts.clear_services, self.facts.untimed) = (services, untimed);
        runs.iter().for_each(|run| self.facts.set_aside.add(why, *run));
    }
}

/// What a stream of clear packets carries.
#[derive(Clone, Copy)]
pub(super) struct ClearKind {
    pub(super) service: Service,
    pub(super) app: App,
    pub(super) encrypted: bool,
    /// They are a tunnel's, and what it carries is protected.
    pub(super) protected_inside: bool,
    /// Who opened their connections, where a rule depends on it and it is known.
    pub(super) opener: Option<IpAddr>,
}

impl ClearKind {
    pub(super) const fn of_service(service: Service, app: App, encrypted: bool) -> Self {
        Self { service, app, encrypted, protected_inside: false, opener: None }
    }

    const fn run(self, run: ClassRun) -> ClearRun {
        let Self { service, app, encrypted, protected_inside, opener } = self;
        // The other host discovers the requirement when a host that requires IPsec never answers in clear.
        let is_discovery = opener.is_some() && !run.is_answered();
        ClearRun { run, service, app, encrypted, protected_inside, is_discovery }
    }
}

/// Runs by who opened their connections: the sender of their first segments, where the capture shows these; else the
/// side that does not have the service's port in their busiest flow.
fn by_opener(
    pair: HostPair,
    service: Service,
    runs: &[ClassRun],
) -> BTreeMap<Option<IpAddr>, Vec<ClassRun>> {
    let mut by_opener: BTreeMap<Option<IpAddr>, Vec<ClassRun>> = BTreeMap::new();
    for run in runs {
        let by_port = || {
            let (flow, port) = run.flow.zip(service.port)?;
            match (flow.a_port == port, flow.b_port == port) {
                (true, false) => Some(Direction::BToA),
                (false, true) => Some(Direction::AToB),
                (true, true) | (false, false) => None,
            }
        };
        let opener = run.openers.only().or_else(by_port).map(|way| match way {
            Direction::AToB => pair.a(),
            Direction::BToA => pair.b(),
        });
        by_opener.entry(opener).or_default().push(*run);
    }
    by_opener
}

impl PairFacts {
    /// The service of exempt traffic, where a rule names its protocol (and its port, where it has one) and
    /// requires protection: such a rule overrides the exemption, a rule for all traffic does not.
    fn named_by_rule(&self, kind: ExemptKind, policy: &Policy) -> Option<Service> {
        let services = kind.services().iter().map(|(protocol, port)| (*protocol, *port));
        let mut required = services.filter(|(protocol, port)| {
            let (named, _) = policy.by_name((self.pair, None), *protocol, *port);
            matches!(named, Expectation::Required(_))
        });
        required.next().map(|(protocol, port)| Service { protocol, port })
    }

    /// What attempts prove where no rule names the pair and nothing proves a requirement.
    pub(super) fn settle_expectation(
        &mut self,
        known: Option<&Obligation>,
        windows: &[CleartextWindow],
    ) {
        let Some(known) = known else { return };
        let attempted = !windows.is_empty() || (self.in_clear.frames == 0 && known.is_attempted());
        if self.expectation == Expectation::None && attempted {
            self.expectation = Expectation::Attempted;
            self.source = ExpectationSource::Inferred(known.sources());
        }
    }
}
