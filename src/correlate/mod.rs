//! Turns a summary and a policy into facts: pairs, windows, clocks, causes. Pure.
//!
//! Times of logs are compared with times of captures only after the clock is known, and the facts record where
//! it is not.

mod stretches;

mod windows;

mod joins;

mod clock;

mod cause;

mod losses;

mod sa_algorithms;

mod unreachable;

mod verdict;

mod computers;

mod addresses;

mod audit;

mod exemption_abuse;

mod bypass;

mod explained;
mod host_names;

mod host_states;

mod corroboration;

mod tunnels;

mod totals;

mod placed;

mod obligation;

mod usable;

mod limits;

mod broadcast;

mod judged;
mod pair_facts;

mod pairs;
mod run_by;

mod senders;

mod midway;
mod place;
mod refusals;

pub use crate::catalogue::Confidence;
pub use addresses::{AddressSource, HostAddress};
pub use audit::{
    AuditReason, AuditState, AuditVerdict, Audited, AuditedOutcomes, CapturedOutcomes, HostAudit,
    NotLoggedBasis, ReportedBreak, ShownBy, TurnedOff,
};
pub use bypass::BypassSpan;
pub use cause::{
    Against, Cause, ClosedBy, Closing, DeleteBasis, FactRef, KeptOpen, LogTie, PolicyRecord,
    StatePlace, StateSeen, TunnelSelectors, Wanted, Why,
};
pub use clock::{CaptureClocks, ClockOffset, ClockStep, OffsetMethod};
pub use computers::AssumedName;
pub use corroboration::{CorroboratedBy, SaFacts, SasByPair};
pub use exemption_abuse::ExemptionAbuse;
pub use explained::ExplainedWindow;
pub use host_names::HostName;
pub use host_states::HostState;
pub use joins::{Join, JoinKey};
pub use limits::{BlindSpot, Extent, LimitCode, Limits};
pub use losses::{Duplicates, EspGap, Exposure, TcpLoss};
pub use obligation::{ObligationSpan, Scanner};
pub use place::{Held, MayBeInside, PlaceDoubt};
pub use placed::PlacedEvent;
pub use refusals::Refuser;
pub use run_by::RunBy;
pub use sa_algorithms::SaAlgorithms;
pub use senders::{OtherSender, SentFrom};
pub use unreachable::UnreachableFacts;
pub use verdict::Verdict;
pub use windows::{CleartextWindow, GapRule, MAX_FLOWS, ProtectedWindow};

use crate::eventlog::LogSource;
use crate::evidence::{EvidenceId, RecordRef};
use crate::hosts::{Direction, HostPair};
use crate::ike::{EspActivity, IkeExchange, Uncounted, conclude};
use crate::policy::{Expectation, ExpectationSource, Policy};
use crate::protection::duplicate::DuplicateKind;
use crate::protection::{App, EspSpi, NamedPorts, ProtectionClass, Service};
use crate::summary::{
    Beginning, BoundsReached, ClassRun, Contents, Count, FirstFiles, LogId, SetAside, SetBack,
    StationChange, Summary, TlsSeen, Vantage,
};
use crate::time::{Span, Timestamp};
use audit::AuditHistories;
use obligation::Obligations;
use pairs::Pairs;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use usable::UsableTimes;

/// The facts about a pair over all captures.
#[derive(Clone, Debug)]
pub struct PairFacts {
    /// The two hosts.
    pub pair: HostPair,
    /// What had to be protected; the strictest expectation of any of its traffic.
    pub expectation: Expectation,
    /// Where the expectation comes from.
    pub source: ExpectationSource,
    /// The same for connections that the lower address opens, and for those that the higher one opens, where
    /// rules differ.
    pub by_direction: Option<Box<[(Expectation, ExpectationSource); 2]>>,
    /// The requirement that the evidence proves without a policy, and its times.
    pub obligations: Vec<ObligationSpan>,
    /// The limits of its verdict.
    pub limits: Limits,
    /// Clear packets that should have been protected and have no usable time; they are in no window.
    pub untimed: Option<Box<ClassRun>>,
    /// By class, after the policy's exemptions: counts, and the first and last packet.
    pub by_class: RunBy<ProtectionClass>,
    /// Clear frames that should have been protected.
    pub unprotected: Count,
    /// Clear frames, also those that the policy exempts or does not name.
    pub in_clear: Count,
    /// The services of the frames in clear.
    pub clear_services: BTreeSet<Service>,
    /// Clear frames that were no leaks, and why.
    pub set_aside: RunBy<SetAside>,
    /// Records by which ESP of the pair is authenticated and not encrypted.
    pub integrity_only: BTreeSet<RecordRef>,
    /// What readable ESP carried, by application and whether it protects itself.
    pub readable: Contents,
    /// TLS servers whose handshakes were seen in clear, by name.
    pub tls: BTreeMap<Option<String>, TlsSeen>,
    /// SPIs of ESP and AH.
    pub spis: BTreeSet<EspSpi>,
    /// The same by direction, with the evidence that they are more than a header.
    pub sas: Vec<SaFacts>,
    /// The connections that were seen to begin, by time, where nearly all began with one ESP packet and continued in clear.
    pub authenticated_only: Vec<Beginning>,
    /// Stretches with packets under ESP or AH, in order.
    pub protected_runs: Vec<ClassRun>,
    /// Its packets that are tunnels around packets of other pairs; the sums over all pairs count them by their
    /// content.
    pub as_tunnel: Count,
    /// Those of them that carry only protected traffic, and that no rule names: in no class.
    pub around_protected: Option<Box<ClassRun>>,
    /// The pairs whose tunnels its packets passed.
    pub inside_of: BTreeSet<HostPair>,
    /// From the first to the last packet of each SPI and direction.
    pub spi_uses: RunBy<(EspSpi, Direction)>,
}

/// Everything the evidence proves, ready to be reported.
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
    /// What each log says about its own completeness.
    pub logs: BTreeMap<LogId, LogSource>,
    /// What each Security log, taken as a whole, shows of the auditing of negotiations.
    pub log_audits: BTreeMap<LogId, AuditVerdict>,
    /// Per log, the addresses of its host, and their sources.
    pub host_addresses: BTreeMap<LogId, Vec<HostAddress>>,
    /// Spans in which a driver applied no IPsec.
    pub bypasses: Vec<BypassSpan>,
    /// States of hosts that exports show, by their moments.
    pub states: Vec<HostState>,
    /// Per log, the addresses of its computer, as all logs of that computer and the policy name them.
    pub addresses: BTreeMap<LogId, BTreeSet<IpAddr>>,
    /// Per capture, the bounds that it reached.
    pub bounds: BTreeMap<EvidenceId, BoundsReached>,
    /// Per log whose records name their computer without a domain, the full name that was assumed.
    pub assumed_names: BTreeMap<LogId, AssumedName>,
    /// Addresses that are known to be of one host, by the policy, a log or its link-layer address.
    pub same_host: Vec<BTreeSet<IpAddr>>,
    /// Those of them that the policy names.
    pub named_hosts: Vec<BTreeSet<IpAddr>>,
    /// Addresses of one station each, by its link-layer address.
    pub station_hosts: Vec<BTreeSet<IpAddr>>,
    /// Names of addresses, by address and name.
    pub host_names: Vec<HostName>,
    /// One for each log that needs one.
    pub clock_offsets: Vec<ClockOffset>,
    /// Which captures share a clock.
    pub capture_clocks: CaptureClocks,
    /// The offset that the logs of all hosts have against the captures, where they agree with each other.
    pub shared_offset: Option<Span>,
    /// By pair.
    pub unreachable: Vec<UnreachableFacts>,
    /// Where captures were taken, as stated by the user or proven by their content.
    pub vantages: BTreeMap<EvidenceId, Vantage>,
    /// Packets that a capture shows more than once; they are in no other sum.
    pub duplicates: BTreeMap<(EvidenceId, DuplicateKind), Duplicates>,
    /// IP addresses that another station took over, by address and time.
    pub station_changes: Vec<StationChange>,
    /// Windows that the place of a capture may explain, by pair and beginning.
    pub place_doubts: BTreeMap<(HostPair, Timestamp), PlaceDoubt>,
    /// Windows whose clear text was under way as its capture began, by pair and beginning.
    pub midway: BTreeSet<(HostPair, Timestamp)>,
    /// Negotiations that were refused in clear, by their place among the exchanges, and who sent the refusal.
    pub refusers: BTreeMap<usize, Refuser>,
    /// Windows whose clear packets other stations sent than the pair's protected ones, by pair and beginning.
    pub other_senders: BTreeMap<(HostPair, Timestamp), OtherSender>,
    /// Where the times of captures go back, by file.
    pub set_back: BTreeMap<EvidenceId, Vec<SetBack>>,
    /// Captures, and the first file of those that each continues.
    pub first_files: FirstFiles,
    /// By capture, pair and SPI.
    pub esp_gaps: Vec<EspGap>,
    /// By capture and pair.
    pub tcp_gaps: Vec<TcpLoss>,
    /// By pair and form.
    pub exposures: Vec<Exposure>,
    /// By pair and kind: traffic disguised as exempt traffic.
    pub exemption_abuses: Vec<ExemptionAbuse>,
    /// How often a pair was folded because there were too many, and the packets of all of them.
    pub folded: (u64, Count),
    /// Those of these packets that were clear.
    pub folded_clear: u64,
    /// More frames were lost or folded than could be judged.
    pub is_mostly_missing: bool,
    /// Tunnel packets that were not counted for the outer pair, because there were too many kinds.
    pub uncounted_tunnels: u64,
    /// The limits of the verdict.
    pub limits: Limits,
    /// A rule requires protection.
    pub demands: bool,
    /// Per capture, frames without a pair that could not be decoded.
    pub blind_spots: Vec<BlindSpot>,
    /// Hosts that sent IKE to many others without an answer; nothing rests on their attempts.
    pub scanners: Vec<Scanner>,
    /// IKE messages of negotiations beyond the bounds, counted only.
    pub uncounted_ike: Option<Uncounted>,
    /// IKE messages whose offers were not kept, because there were too many.
    pub stripped_ike: u64,
}

/// Judges the evidence.
#[must_use]
#[expect(clippy::too_many_lines, reason = "a line for each step and each fact")]
pub fn correlate(summary: &Summary, policy: &Policy, rule: GapRule) -> Facts {
    let streams = summary.streams();
    let negotiations = summary.negotiations();
    let (uncounted, stripped) = (negotiations.uncounted(), negotiations.stripped());
    let mut activity = summary.esp_activity();
    activity.samples(losses::sampled(summary));
    let exchanges = conclude(negotiations, &activity);
    let joins = joins::find(summary, &exchanges);
    let computers = computers::Computers::identify(summary);
    let timing = clock::Clocks::measure(summary, &computers, &joins, &exchanges);
    let clocks = timing.offsets();
    let events = placed::events(summary, &timing, &joins);
    let host_addresses = addresses::of_logs(summary, policy, &computers);
    let audits = AuditHistories::gather(summary, &computers, &host_addresses, &clocks, &exchanges);
    let ipsec = corroboration::gather(summary, &streams, &exchanges, &events);
    let usable = UsableTimes::gather(summary);
    let inferred =
        Obligations::infer(&streams, &ipsec.sas, &exchanges, &events, (&usable, summary));
    let refusers = refusals::refusers(summary, &exchanges);
    let inferred = if policy.infers() { inferred } else { Obligations::default() };
    let mut facts = Facts {
        capture_clocks: CaptureClocks::gather(summary, &joins, &exchanges),
        total: Count::default(),
        by_class: BTreeMap::new(),
        by_app: BTreeMap::new(),
        undecodable: BTreeMap::new(),
        pairs: Vec::new(),
        windows: Vec::new(),
        protected: Vec::new(),
        exchanges,
        recovered: placed::recovered(summary, &timing),
        logs: summary.logs.iter().map(|(id, log)| (*id, log.log.clone())).collect(),
        log_audits: audit::audits_of_logs(summary),
        bypasses: bypass::spans(&events),
        states: host_states::gather(&events),
        events,
        same_host: Vec::new(),
        named_hosts: Vec::new(),
        station_hosts: addresses::of_stations(summary),
        host_names: Vec::new(),
        addresses: addresses::bare(&host_addresses),
        assumed_names: computers.assumed().clone(),
        host_addresses,
        shared_offset: clock::shared_offset(&named_clocks(summary, &clocks)),
        clock_offsets: clocks,
        unreachable: unreachable::gather(summary),
        vantages: place::vantages(summary),
        duplicates: losses::duplicates(summary),
        station_changes: addresses::taken_over(summary),
        other_senders: BTreeMap::new(),
        place_doubts: BTreeMap::new(),
        midway: BTreeSet::new(),
        refusers,
        set_back: set_back(summary),
        first_files: summary.first_files(),
        esp_gaps: losses::esp_gaps(summary),
        tcp_gaps: losses::tcp_gaps(summary),
        exposures: losses::exposures(summary),
        exemption_abuses: exemption_abuse::gather(summary),
        folded: (0, Count::default()),
        folded_clear: 0,
        is_mostly_missing: false,
        bounds: bounds_reached(summary),
        uncounted_tunnels: summary.captures.values().map(|c| c.uncounted_tunnels).sum(),
        limits: Limits::new(),
        demands: false,
        blind_spots: limits::blind_spots(summary),
        scanners: inferred.scanners.clone(),
        uncounted_ike: uncounted,
        stripped_ike: stripped,
    };
    facts.tie_addresses(policy);
    let named = NamedPorts(policy.named_ports());
    let of_pairs = Pairs {
        summary,
        policy,
        rule,
        named: &named,
        streams: &streams,
        inferred: &inferred,
        usable: &usable,
    };
    let (windows, around) = of_pairs.judge(&mut facts, ipsec);
    // What only pairs are judged by is large, and so is what follows.
    drop((streams, inferred, usable));
    facts.explain(windows, (summary, policy), &activity, &audits);
    tunnels::link(&mut facts.windows, &around, &named);
    facts
}

/// Per capture, the bounds that it reached.
fn bounds_reached(summary: &Summary) -> BTreeMap<EvidenceId, BoundsReached> {
    let all = summary.captures.iter().map(|(id, capture)| (*id, capture.bounds_reached.clone()));
    all.filter(|(_, bounds)| !bounds.is_empty()).collect()
}

/// Where the times of captures go back, by file.
fn set_back(summary: &Summary) -> BTreeMap<EvidenceId, Vec<SetBack>> {
    let all = summary.captures.iter().map(|(id, capture)| (*id, capture.set_back.clone()));
    all.filter(|(_, set_back)| !set_back.is_empty()).collect()
}

/// The clocks of logs whose times name their zone.
fn named_clocks<'a>(summary: &Summary, clocks: &'a [ClockOffset]) -> Vec<&'a ClockOffset> {
    let is_local = |clock: &&ClockOffset| {
        summary.logs.get(&clock.log).is_some_and(|log| log.log.trust.is_local_time)
    };
    clocks.iter().filter(|clock| !is_local(clock)).collect()
}

impl Facts {
    /// Finds the causes of the windows, and whether logs could have spoken of them.
    fn explain(
        &mut self,
        mut windows: Vec<CleartextWindow>,
        (summary, policy): (&Summary, &Policy),
        activity: &EspActivity,
        audits: &AuditHistories,
    ) {
        self.add_unpaired(summary);
        windows.sort_by_key(|w| (w.run, w.pair));
        self.doubt_places(summary, &windows);
        self.note_limits(policy);
        self.protected.sort_by_key(|w| (w.run, w.pair));
        let of_windows = windows.iter().map(|window| (window.pair, &window.run));
        self.other_senders = senders::other_senders(summary, of_windows);
        let of_windows = windows.iter().map(|window| (window.pair, &window.run));
        self.midway = midway::midway(summary, of_windows);
        self.windows = cause::explain(windows, self, activity);
        self.add_audits(audits);
    }

    /// Whether a log's own clock was wrong: of what the clocks of all hosts agree on, that of the captures was.
    #[must_use]
    pub fn is_clock_wrong(&self, clock: &ClockOffset) -> bool {
        let is_local = self.logs.get(&clock.log).is_some_and(|log| log.trust.is_local_time);
        // A capture whose clock was set back shows every host's clock ahead from there on.
        let set_back = self.set_back.values().flatten();
        let by_capture = clock.offset.is_some_and(|by| clock::is_of_captures(by, set_back));
        clock.is_measured()
            && clock.is_wrong(is_local)
            && !by_capture
            && !self.is_captures_clock(clock)
    }

    /// Whether a log's offset is that of the captures' clock, which all hosts' clocks contradict.
    #[must_use]
    pub fn is_captures_clock(&self, clock: &ClockOffset) -> bool {
        let near = |shared: Span| {
            clock.offset.is_some_and(|own| {
                Span(own.0.saturating_sub(shared.0)).magnitude() <= ClockOffset::TOLERATED
            })
        };
        self.shared_offset.is_some_and(near)
    }

    /// Determines for every window whether the logs of its hosts would have recorded a negotiation.
    fn add_audits(&mut self, histories: &AuditHistories) {
        for explained in &mut self.windows {
            let (pair, run) = (explained.window.pair, explained.window.run);
            let hosts = [pair.a(), pair.b()];
            explained.audits = hosts.map(|host| histories.audit(host, run.start, run.end)).into();
            explained.weigh_silence();
        }
    }

    /// Policy, logs and stations say which addresses are of one host.
    fn tie_addresses(&mut self, policy: &Policy) {
        let named = policy.hosts.iter().map(|(_, addresses)| addresses.iter().copied().collect());
        self.named_hosts = named.collect();
        let named = self.named_hosts.iter();
        self.host_names = host_names::host_names(policy, &self.logs, &self.host_addresses);
        let known = named.chain(self.addresses.values()).chain(&self.station_hosts);
        self.same_host = known.cloned().collect();
    }
}
