//! Summary and policy in, facts out: pairs, windows, clocks, causes. Pure.
//!
//! Times of logs are compared with times of captures only after the clock is known, and the facts
//! say where it is not.

mod stretches;

mod windows;

mod joins;

mod clock;

mod cause;

mod losses;

mod sa_algorithms;

mod unreachable;

mod verdict;

mod addresses;

mod audit;

mod borrowed;

mod bypass;

mod explained;

mod corroboration;

mod tunnels;

mod totals;

mod placed;

mod vantage;

pub use crate::catalogue::Confidence;
pub use addresses::{AddressSource, HostAddress};
pub use audit::{AuditState, AuditVerdict, HostAudit};
pub use borrowed::BorrowedFacts;
pub use bypass::BypassSpan;
pub use cause::{Against, Cause, FactRef};
pub use clock::{ClockOffset, ClockStep, OffsetMethod};
pub use corroboration::{CorroboratedBy, SaFacts, SasByPair};
pub use explained::ExplainedWindow;
pub use joins::{Join, JoinKey};
pub use losses::{Duplicates, EspGap, Exposure, TcpLoss};
pub use placed::PlacedEvent;
pub use sa_algorithms::SaAlgorithms;
pub use unreachable::UnreachableFacts;
pub use verdict::Verdict;
pub use windows::{CleartextWindow, GapRule, MAX_FLOWS, ProtectedWindow};

use crate::eventlog::LogSummary;
use crate::evidence::{EvidenceId, RecordRef};
use crate::hosts::HostPair;
use crate::ike::{IkeExchange, Uncounted, conclude};
use crate::policy::{Expectation, ExpectationSource, InferredFrom, Level, Policy};
use crate::protection::duplicate::DuplicateKind;
use crate::protection::{App, EspSpi, NamedPorts, ProtectionClass, Service, Stream};
use crate::summary::{
    ClassRun, Contents, Count, JudgedStream, SetAside, StreamsByPair, Summary, TlsSeen,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use windows::ClearRun;

/// What is true of a pair over all captures.
#[derive(Clone, Debug)]
pub struct PairFacts {
    /// The two hosts.
    pub pair: HostPair,
    /// What it owes; the strictest expectation of any of its traffic.
    pub expectation: Expectation,
    /// Where the expectation comes from.
    pub source: ExpectationSource,
    /// By class, after the policy's exemptions: how much, and from when to when.
    pub by_class: BTreeMap<ProtectionClass, ClassRun>,
    /// Clear frames that should have been protected.
    pub unprotected: Count,
    /// Clear frames, also those that the policy exempts or does not speak of.
    pub in_clear: Count,
    /// The services of the frames in clear.
    pub clear_services: BTreeSet<Service>,
    /// Clear frames that were no leaks, and why.
    pub set_aside: BTreeMap<SetAside, ClassRun>,
    /// Records by which ESP of the pair is authenticated and not encrypted.
    pub integrity_only: BTreeSet<RecordRef>,
    /// What readable ESP carried, by application and whether it protects itself.
    pub readable: Contents,
    /// TLS servers whose handshakes were seen in clear, by name.
    pub tls: BTreeMap<Option<String>, TlsSeen>,
    /// SPIs of ESP and AH.
    pub spis: BTreeSet<EspSpi>,
    /// The same by direction, with what says that they are more than a header.
    pub sas: Vec<SaFacts>,
    /// Stretches with packets under ESP or AH, in order.
    pub protected_runs: Vec<ClassRun>,
    /// Its packets that are tunnels around another's; the sums over all pairs count them by what is
    /// inside.
    pub as_tunnel: Count,
    /// Those of them that carry only what is protected, and of which no rule speaks: in no class.
    pub around_protected: Option<ClassRun>,
    /// The pairs whose tunnels its packets passed.
    pub inside_of: BTreeSet<HostPair>,
}

/// Everything the evidence proves, ready to be told.
#[derive(Clone, Debug)]
pub struct Facts {
    /// All frames.
    pub total: Count,
    /// By class, after the policy's exemptions.
    pub by_class: BTreeMap<ProtectionClass, Count>,
    /// Clear frames by application and whether it protects itself.
    pub by_app: BTreeMap<(App, bool), Count>,
    /// Why frames could not be decoded.
    pub undecodable: BTreeMap<&'static str, u64>,
    /// Per pair, in order of address.
    pub pairs: Vec<PairFacts>,
    /// By time.
    pub windows: Vec<ExplainedWindow>,
    /// By time.
    pub protected: Vec<ProtectedWindow>,
    /// By time.
    pub exchanges: Vec<IkeExchange>,
    /// In order of evidence and record.
    pub events: Vec<PlacedEvent>,
    /// Records found outside the live logs; nothing rests on them.
    pub recovered: Vec<PlacedEvent>,
    /// What each log tells of itself.
    pub logs: BTreeMap<EvidenceId, LogSummary>,
    /// What each Security log, taken as a whole, shows of the auditing of negotiations.
    pub log_audits: BTreeMap<EvidenceId, AuditVerdict>,
    /// Per log, the addresses of its host, and what they rest on.
    pub host_addresses: BTreeMap<EvidenceId, Vec<HostAddress>>,
    /// Spans in which a driver applied no IPsec.
    pub bypasses: Vec<BypassSpan>,
    /// Per log, the addresses of the host that wrote it, as its events and those of its sister
    /// logs (same computer, same folder) name them.
    pub addresses: BTreeMap<EvidenceId, BTreeSet<IpAddr>>,
    /// Addresses that are known to be of one host, by the policy or by a log.
    pub same_host: Vec<BTreeSet<IpAddr>>,
    /// One a log that needs one.
    pub clock_offsets: Vec<ClockOffset>,
    /// By pair.
    pub unreachable: Vec<UnreachableFacts>,
    /// Captures that were taken on one of the hosts: they show packets before and after IPsec, or
    /// packets larger than any network carries.
    pub on_the_host: BTreeSet<EvidenceId>,
    /// Packets that a capture shows more than once; they are in no other sum.
    pub duplicates: BTreeMap<(EvidenceId, DuplicateKind), Duplicates>,
    /// By capture, pair and SPI.
    pub esp_gaps: Vec<EspGap>,
    /// By capture and pair.
    pub tcp_gaps: Vec<TcpLoss>,
    /// By pair and form.
    pub exposures: Vec<Exposure>,
    /// By pair and kind: traffic in the clothes of what is exempt.
    pub borrowed: Vec<BorrowedFacts>,
    /// How often a pair was folded because there were too many, and the packets of all of them.
    pub folded: (u64, Count),
    /// Tunnel packets that were not counted for the pair around, because there were too many kinds.
    pub uncounted_tunnels: u64,
    /// IKE messages of negotiations beyond the bounds, counted only.
    pub uncounted_ike: Option<Uncounted>,
    /// IKE messages whose offers were not kept, because there were too many.
    pub stripped_ike: u64,
}

/// Judges the evidence.
#[must_use]
pub fn correlate(summary: &Summary, policy: &Policy, rule: GapRule) -> Facts {
    let streams = summary.streams();
    let negotiations = summary.negotiations();
    let (uncounted, stripped) = (negotiations.uncounted(), negotiations.stripped());
    let exchanges = conclude(negotiations, &summary.esp_activity());
    let joins = joins::find(summary, &exchanges);
    let timing = clock::Clocks::of(summary, &joins, &exchanges);
    let clocks = timing.offsets();
    let events = placed::events(summary, &timing, &joins);
    let host_addresses = addresses::of_logs(summary, policy);
    let books = audit::Books::of(summary, &host_addresses, &clocks, &exchanges);
    let mut sas = corroboration::gather(summary, &streams, &exchanges, &events);
    let inferred = policy.infers().then(|| infer(&streams, &exchanges, &events));
    let mut facts = Facts {
        total: Count::default(),
        by_class: BTreeMap::new(),
        by_app: BTreeMap::new(),
        undecodable: BTreeMap::new(),
        pairs: Vec::new(),
        windows: Vec::new(),
        protected: Vec::new(),
        exchanges,
        recovered: placed::recovered(summary, &timing),
        logs: summary.logs.iter().map(|(evidence, log)| (*evidence, log.log.clone())).collect(),
        log_audits: audit::of_logs(summary),
        bypasses: bypass::spans(&events),
        events,
        same_host: Vec::new(),
        addresses: addresses::bare(&host_addresses),
        host_addresses,
        clock_offsets: clocks,
        unreachable: unreachable::gather(summary),
        on_the_host: vantage::on_the_host(summary),
        duplicates: losses::duplicates(summary),
        esp_gaps: losses::esp_gaps(summary),
        tcp_gaps: losses::tcp_gaps(summary),
        exposures: losses::exposures(summary),
        borrowed: borrowed::gather(summary),
        folded: (0, Count::default()),
        uncounted_tunnels: summary.captures.values().map(|c| c.uncounted_tunnels).sum(),
        uncounted_ike: uncounted,
        stripped_ike: stripped,
    };
    let named = policy.hosts.iter().map(|(_, addresses)| addresses.iter().copied().collect());
    facts.same_host = named.chain(facts.addresses.values().cloned()).collect();
    let aside = summary.set_aside();
    let (tls, told_by_logs) = (summary.tls(), summary.integrity_only());
    let named_ports = NamedPorts(policy.named_ports());
    let mut windows = Vec::new();
    let (tunnels, mut around_each) = (summary.tunnels(), tunnels::around_each(summary));
    let mut around = Vec::new();
    let pairs = streams.keys().chain(aside.keys()).chain(tunnels.keys());
    let pairs: BTreeSet<HostPair> = pairs.copied().collect();
    for pair in &pairs {
        let from = inferred.as_ref().and_then(|known| known.get(pair));
        let streams = streams.get(pair).map_or(&[][..], Vec::as_slice);
        let mut judged = judge_pair(*pair, streams, (policy, &named_ports), from);
        for (why, judged_stream) in aside.get(pair).into_iter().flatten() {
            judged.add_aside(*why, *judged_stream, (policy, &named_ports));
        }
        for tunnel in tunnels.get(pair).into_iter().flatten() {
            judged.add_tunnel(*tunnel, (policy, &named_ports), &mut around);
        }
        judged.facts.inside_of = around_each.remove(pair).unwrap_or_default();
        judged.facts.readable = summary.readable(*pair);
        judged.facts.sas = sas.remove(pair).unwrap_or_default();
        let told = streams.iter().filter_map(|(stream, ..)| told_by_logs.get(&(*pair, *stream)));
        judged.facts.integrity_only = told.flatten().copied().collect();
        judged.facts.tls = tls.get(pair).cloned().unwrap_or_default();
        let interleaved = interleaved(summary, *pair);
        let protected = &judged.facts.protected_runs;
        windows.extend(windows::cleartext(*pair, judged.owed, protected, &interleaved, rule));
        facts.protected.extend(windows::protected(*pair, judged.esp, &judged.clear, rule));
        facts.add_pair(judged.facts, (judged.by_app, judged.shared), streams);
    }
    facts.add_unpaired(summary);
    windows.sort_by_key(|w| (w.run, w.pair));
    facts.protected.sort_by_key(|w| (w.run, w.pair));
    facts.windows = cause::explain(windows, &facts);
    tunnels::link(&mut facts.windows, &around, &named_ports);
    for explained in &mut facts.windows {
        let (pair, run) = (explained.window.pair, explained.window.run);
        let hosts = [pair.a(), pair.b()];
        explained.audits = hosts.map(|host| books.judge(host, run.start, run.end)).into();
        explained.weigh_silence();
    }
    facts
}

/// One pair's streams under the policy.
struct JudgedPair {
    facts: PairFacts,
    /// Clear runs that should have been protected.
    owed: Vec<ClearRun>,
    /// All clear runs that are not exempt.
    clear: Vec<ClassRun>,
    esp: Vec<(ClassRun, EspSpi)>,
    by_app: BTreeMap<(App, bool), Count>,
    /// What of `by_class` the sums over all pairs count by other packets of the same frames.
    shared: BTreeMap<ProtectionClass, Count>,
}

type PairStreams<'a> = [JudgedStream<'a>];

/// A policy and the ports that it names.
type Asked<'a> = (&'a Policy, &'a NamedPorts);

fn judge_pair(
    pair: HostPair,
    streams: &PairStreams<'_>,
    (policy, named): Asked<'_>,
    inferred: Option<&BTreeSet<InferredFrom>>,
) -> JudgedPair {
    let (expectation, source) = match (policy.of_pair(pair), inferred) {
        ((Expectation::None, ExpectationSource::None), Some(from)) => {
            (Expectation::Required(Level::Encrypt), ExpectationSource::Inferred(from.clone()))
        }
        (told, _) => told,
    };
    let mut judged = JudgedPair {
        facts: PairFacts {
            pair,
            expectation,
            source,
            by_class: BTreeMap::new(),
            unprotected: Count::default(),
            in_clear: Count::default(),
            clear_services: BTreeSet::new(),
            set_aside: BTreeMap::new(),
            integrity_only: BTreeSet::new(),
            readable: Contents::new(),
            tls: BTreeMap::new(),
            spis: BTreeSet::new(),
            sas: Vec::new(),
            protected_runs: Vec::new(),
            as_tunnel: Count::default(),
            around_protected: None,
            inside_of: BTreeSet::new(),
        },
        shared: BTreeMap::new(),
        owed: Vec::new(),
        clear: Vec::new(),
        esp: Vec::new(),
        by_app: BTreeMap::new(),
    };
    for (stream, class, runs) in streams {
        judged.add(*stream, *class, runs, (policy, named));
    }
    judged.facts.protected_runs.sort_unstable();
    judged.clear.sort_unstable();
    judged
}

impl JudgedPair {
    fn add(
        &mut self,
        stream: Stream,
        class: ProtectionClass,
        runs: &[ClassRun],
        (policy, named): Asked<'_>,
    ) {
        let count = Count::of(runs);
        let mut class = class;
        match stream {
            Stream::Clear { ports, app, encrypted } => {
                let service = ports.service(named);
                self.facts.in_clear.join(count);
                self.facts.clear_services.insert(service);
                match self.expectation_of(service, policy) {
                    Expectation::Exempt => class = ProtectionClass::Exempt,
                    Expectation::Required(_) => {
                        self.facts.unprotected.join(count);
                        let piece = |run: &ClassRun| ClearRun {
                            run: *run,
                            service,
                            app,
                            encrypted,
                            protected_inside: false,
                        };
                        self.owed.extend(runs.iter().map(piece));
                    }
                    Expectation::None => {}
                }
                if class == ProtectionClass::Clear {
                    self.clear.extend(runs);
                    self.by_app.entry((app, encrypted)).or_default().join(count);
                }
            }
            Stream::Esp(spi, _) | Stream::WespIntegrityOnly(spi, _) | Stream::Ah(spi, _) => {
                self.facts.protected_runs.extend(runs);
                if spi != EspSpi(0) {
                    self.facts.spis.insert(spi);
                }
                if class == ProtectionClass::Esp {
                    self.esp.extend(runs.iter().map(|run| (*run, spi)));
                }
            }
            Stream::Ike | Stream::NattKeepalive | Stream::Exempt(_) | Stream::Undecodable(_) => {}
        }
        for run in runs {
            let all = self.facts.by_class.entry(class);
            all.and_modify(|known| known.absorb(*run)).or_insert(*run);
        }
    }

    /// What is set aside keeps its class in the sums and opens no window.
    fn add_aside(
        &mut self,
        why: SetAside,
        (stream, class, runs): JudgedStream<'_>,
        asked: Asked<'_>,
    ) {
        let (owed, clear) = (self.owed.len(), self.clear.len());
        let (unprotected, in_clear) = (self.facts.unprotected, self.facts.in_clear);
        let services = self.facts.clear_services.clone();
        self.add(stream, class, runs, asked);
        self.owed.truncate(owed);
        self.clear.truncate(clear);
        (self.facts.unprotected, self.facts.in_clear) = (unprotected, in_clear);
        self.facts.clear_services = services;
        for run in runs {
            let all = self.facts.set_aside.entry(why);
            all.and_modify(|known| known.absorb(*run)).or_insert(*run);
        }
    }

    fn expectation_of(&self, service: Service, policy: &Policy) -> Expectation {
        match policy.of_traffic(self.facts.pair, service.protocol, service.port) {
            // What no rule speaks of is owed where it was inferred for the pair.
            (Expectation::None, ExpectationSource::None) => match self.facts.source {
                ExpectationSource::Inferred(_) => self.facts.expectation,
                ExpectationSource::PolicyFile { .. }
                | ExpectationSource::ProtectOption(_)
                | ExpectationSource::DefaultExemption(_)
                | ExpectationSource::None => Expectation::None,
            },
            (told, _) => told,
        }
    }
}

fn interleaved(summary: &Summary, pair: HostPair) -> Vec<ClassRun> {
    summary.captures.values().filter_map(|c| c.interleaved.get(&pair)).flatten().copied().collect()
}

/// Pairs that show IPsec between their own two hosts anywhere in the evidence.
fn infer(
    streams: &StreamsByPair<'_>,
    exchanges: &[IkeExchange],
    events: &[PlacedEvent],
) -> BTreeMap<HostPair, BTreeSet<InferredFrom>> {
    let mut inferred: BTreeMap<HostPair, BTreeSet<InferredFrom>> = BTreeMap::new();
    let mut add = |pair, from| {
        inferred.entry(pair).or_default().insert(from);
    };
    for (pair, streams) in streams {
        for (_, class, _) in streams {
            match class {
                ProtectionClass::Esp | ProtectionClass::EspNull => add(*pair, InferredFrom::Esp),
                ProtectionClass::Ah => add(*pair, InferredFrom::Ah),
                ProtectionClass::Ike
                | ProtectionClass::NattKeepalive
                | ProtectionClass::Exempt
                | ProtectionClass::Clear
                | ProtectionClass::NonIp
                | ProtectionClass::Undecodable => {}
            }
        }
    }
    for exchange in exchanges {
        add(exchange.pair(), InferredFrom::Ike);
    }
    for pair in events.iter().filter_map(|e| cause::pair_of(&e.event)) {
        add(pair, InferredFrom::Log);
    }
    inferred
}

/// A computer's name without its domain, in lower case: logs write it either way.
pub(crate) fn short_name(host: &str) -> String {
    host.split('.').next().unwrap_or_default().to_lowercase()
}

impl Facts {
    /// What is true of a pair; `None` where no capture shows it.
    #[must_use]
    pub fn pair(&self, pair: HostPair) -> Option<&PairFacts> {
        let at = self.pairs.binary_search_by_key(&pair, |known| known.pair).ok()?;
        self.pairs.get(at)
    }
}

impl PairFacts {
    /// All its frames, whatever their class; `None` where there is none.
    #[must_use]
    pub fn total(&self) -> Option<ClassRun> {
        let mut runs = self.by_class.values().copied().chain(self.around_protected);
        let first = runs.next()?;
        Some(runs.fold(first, |mut all, run| {
            all.absorb(run);
            all
        }))
    }
}
