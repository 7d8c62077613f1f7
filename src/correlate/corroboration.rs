//! Which ESP and AH is more than a header: the evidence for each SPI and direction.
//!
//! A protocol number or a port does not prove IPsec. An SPI is corroborated by a log that names it, by its
//! packets together ([`SaEvidence`]) or, where they are too few, by a completed IKE SA of the two hosts or
//! another corroborated SPI in the same direction. Nothing corroborates an SPI that its own packets contradict.
//! Packets whose SPI was not seen (later fragments without their first, SPI 0) are never corroborated. Missing
//! IKE is no evidence against ESP: keys may be set by hand.

use super::{PairFacts, PlacedEvent};
use crate::catalogue::Category;
use crate::hosts::{Direction, HostPair};
use crate::ike::{IkeExchange, Outcome};
use crate::protection::sa_evidence::{Opacity, SaEvidence};
use crate::protection::{EspSpi, ProtectionClass, Stream};
use crate::summary::{Beginning, ClassRun, Count, StreamsByPair, Summary};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The evidence that packets under an SPI are ESP or AH, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CorroboratedBy {
    /// A host's log names the SPI as one of an SA that was created or ended.
    Log,
    /// Form, sequence numbers and content of its packets (RFC 4303, RFC 4302).
    Packets,
    /// A completed IKE SA of the two hosts, begun no later than the SPI's packets end: used where the packets
    /// are too few, or where their SPI is a reserved one and everything else in them fits ESP or AH.
    IkeSa,
    /// Another SPI of the two hosts in the same direction that is corroborated by itself.
    OtherSpi,
}

impl CorroboratedBy {
    /// The proof as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Packets => "packets",
            Self::IkeSa => "ike_sa",
            Self::OtherSpi => "other_spi",
        }
    }
}

/// One SPI in one direction, over all captures.
#[derive(Clone, Copy, Debug)]
pub struct SaFacts {
    /// The two hosts.
    pub pair: HostPair,
    /// Which way its packets went.
    pub direction: Direction,
    /// The SPI; 0 where none was seen.
    pub spi: EspSpi,
    /// The class of its packets.
    pub class: ProtectionClass,
    /// Its packets, as one run.
    pub run: ClassRun,
    /// The evidence that it is ESP or AH; `None` where there is only the header.
    pub corroborated: Option<CorroboratedBy>,
    /// Only the beginnings of its packets were captured: whether they are encrypted was not seen.
    pub headers_only: bool,
}

impl SaFacts {
    /// Who sent its packets.
    #[must_use]
    pub const fn source(&self) -> IpAddr {
        match self.direction {
            Direction::AToB => self.pair.a(),
            Direction::BToA => self.pair.b(),
        }
    }

    /// Who received them.
    #[must_use]
    pub const fn destination(&self) -> IpAddr {
        match self.direction {
            Direction::AToB => self.pair.b(),
            Direction::BToA => self.pair.a(),
        }
    }
}

impl PairFacts {
    /// From the first to the last packet of the pair that was ESP or AH by more than its header; `None` where
    /// none was.
    #[must_use]
    pub fn corroborated_ipsec(&self) -> Option<(Timestamp, Timestamp)> {
        let proven = self.sas.iter().filter(|sa| sa.corroborated.is_some());
        let spans = proven.map(|sa| (sa.run.start, sa.run.end));
        spans.reduce(|(start, end), (from, to)| (start.min(from), end.max(to)))
    }

    /// Whether all readable ESP of the pair went one way, and encrypted ESP came back: packets captured on the
    /// sender before its network card encrypts them look the same.
    #[must_use]
    pub fn may_be_offloaded(&self) -> bool {
        let ways = |class: ProtectionClass| -> BTreeSet<Direction> {
            let of_class = self.sas.iter().filter(|sa| sa.class == class);
            of_class.filter(|sa| sa.corroborated.is_some()).map(|sa| sa.direction).collect()
        };
        let readable = ways(ProtectionClass::EspNull);
        let encrypted = ways(ProtectionClass::Esp);
        self.integrity_only.is_empty()
            && readable.len() == 1
            && encrypted.len() == 1
            && readable.is_disjoint(&encrypted)
    }

    /// Packets that are ESP or AH by their header alone.
    #[must_use]
    pub fn uncorroborated(&self) -> Count {
        let unproven = self.sas.iter().filter(|sa| sa.corroborated.is_none());
        Count::of(&unproven.map(|sa| sa.run).collect::<Vec<_>>())
    }

    /// Packets that are certainly ESP, of which the capture kept so little that NULL encryption would look the
    /// same. A log that names the security association overrides them.
    pub(super) fn headers_only(&self) -> Vec<ClassRun> {
        let cut = self.sas.iter().filter(|sa| sa.headers_only && sa.class == ProtectionClass::Esp);
        let by_wire = cut.filter(|sa| !matches!(sa.corroborated, None | Some(CorroboratedBy::Log)));
        by_wire.map(|sa| sa.run).collect()
    }
}

/// The SPIs of every pair.
pub type SasByPair = BTreeMap<HostPair, Vec<SaFacts>>;

/// What is known of the IPsec of all pairs.
pub(super) struct Ipsec {
    /// The SPIs of every pair.
    pub(super) sas: SasByPair,
    authenticated_only: BTreeMap<HostPair, Vec<Beginning>>,
}

impl Ipsec {
    /// Gives a pair what is known of its own.
    pub(super) fn give(&mut self, facts: &mut PairFacts) {
        facts.sas = self.sas.remove(&facts.pair).unwrap_or_default();
        let authenticated = self.authenticated_only.remove(&facts.pair);
        facts.authenticated_only = authenticated.unwrap_or_default();
    }
}

/// Determines for every SPI what corroborates it, and for every pair whether its connections are authenticated
/// only.
pub(super) fn gather(
    summary: &Summary,
    streams: &StreamsByPair<'_>,
    exchanges: &[IkeExchange],
    events: &[PlacedEvent],
) -> Ipsec {
    let evidence = summary.sas();
    let logged = logged(events);
    let completed = completed(exchanges);
    let mut all = SasByPair::new();
    for (pair, streams) in streams {
        let mut sas = of_pair(*pair, streams);
        for (stream, sa) in &mut sas {
            let of_sa = evidence.get(&(*pair, *stream));
            sa.corroborated = alone(sa, of_sa, &logged);
            sa.headers_only = of_sa.is_some_and(SaEvidence::shows_headers_only);
        }
        let mut others: BTreeSet<Direction> = BTreeSet::new();
        let mut unproven: BTreeMap<Direction, u64> = BTreeMap::new();
        for sa in sas.values() {
            match sa.corroborated {
                Some(_) => _ = others.insert(sa.direction),
                None => *unproven.entry(sa.direction).or_default() += 1,
            }
        }
        let begun = completed.get(pair);
        for (stream, sa) in &mut sas {
            let of_sa = evidence.get(&(*pair, *stream)).filter(|of_sa| !contradicts(of_sa));
            let Some(of_sa) = of_sa.filter(|_| sa.corroborated.is_none()) else { continue };
            let few = unproven.get(&sa.direction).is_none_or(|spis| *spis <= MOST_UNPROVEN);
            let is_believable = of_sa.may_count() && (few || of_sa.is_at_its_beginning());
            sa.corroborated = match sa.spi.is_reserved() {
                false if is_believable => beside(sa, begun, &others),
                false => None,
                true => under_reserved(sa, of_sa, begun),
            };
        }
        if !sas.is_empty() {
            all.insert(*pair, sas.into_values().collect());
        }
    }
    Ipsec { sas: all, authenticated_only: summary.authenticated_only() }
}

/// The SPIs of one pair, each with all its runs.
fn of_pair(
    pair: HostPair,
    streams: &[(Stream, ProtectionClass, &[ClassRun])],
) -> BTreeMap<Stream, SaFacts> {
    let mut sas: BTreeMap<Stream, SaFacts> = BTreeMap::new();
    for (stream, class, runs) in streams {
        let (Stream::Esp(spi, direction)
        | Stream::WespIntegrityOnly(spi, direction)
        | Stream::Ah(spi, direction)) = *stream
        else {
            continue;
        };
        let mut runs = runs.iter().copied();
        let Some(first) = runs.next() else { continue };
        let run = runs.fold(first, |mut all, run| {
            all.absorb(run);
            all
        });
        let new = SaFacts {
            pair,
            direction,
            spi,
            class: *class,
            run,
            corroborated: None,
            headers_only: false,
        };
        let known = sas.entry(*stream);
        known.and_modify(|known| known.run.absorb(run)).or_insert(new);
    }
    sas
}

/// What corroborates an SPI by itself.
fn alone(sa: &SaFacts, evidence: Option<&SaEvidence>, logged: &Logged) -> Option<CorroboratedBy> {
    let is_logged = [sa.spi.0, sa.spi.0.swap_bytes()]
        .iter()
        .any(|spi| logged.contains(&(sa.pair, sa.direction, *spi)));
    // A log names the SPI; that its content can be read is seen.
    let is_readable = evidence.is_some_and(SaEvidence::is_readable);
    if is_logged && !(is_readable && sa.class == ProtectionClass::Esp) {
        return Some(CorroboratedBy::Log);
    }
    let evidence = evidence.filter(|_| !sa.spi.is_reserved())?;
    let is_readable_esp = sa.class == ProtectionClass::EspNull;
    let is_proven =
        evidence.is_numbered() && (is_readable_esp || evidence.opacity() != Opacity::Patterned);
    is_proven.then_some(CorroboratedBy::Packets)
}

/// Whether its own packets show that it is something else.
fn contradicts(evidence: &SaEvidence) -> bool {
    evidence.is_misshapen() || evidence.opacity() == Opacity::Patterned
}

/// What corroborates an SPI whose own packets are too few.
fn beside(
    sa: &SaFacts,
    begun: Option<&BTreeSet<Timestamp>>,
    others: &BTreeSet<Direction>,
) -> Option<CorroboratedBy> {
    if has_ike(sa, begun) {
        return Some(CorroboratedBy::IkeSa);
    }
    others.contains(&sa.direction).then_some(CorroboratedBy::OtherSpi)
}

/// A completed IKE SA corroborates a reserved SPI only together with everything else that packets can show.
///
/// RFC 4303 §2.1 reserves 1 to 255 for later use, and no processing of ESP changes with them: a receiver looks
/// the SA up like any other, and systems use such SPIs where an administrator or a peer chooses them. So they
/// count against ESP only where packets are the only evidence for it.
fn under_reserved(
    sa: &SaFacts,
    evidence: &SaEvidence,
    begun: Option<&BTreeSet<Timestamp>>,
) -> Option<CorroboratedBy> {
    let is_opaque = match sa.class {
        ProtectionClass::Esp => evidence.opacity() == Opacity::Opaque,
        ProtectionClass::EspNull | ProtectionClass::Ah => true,
        ProtectionClass::Ike
        | ProtectionClass::NattKeepalive
        | ProtectionClass::Exempt
        | ProtectionClass::Clear
        | ProtectionClass::NonIp
        | ProtectionClass::Undecodable => false,
    };
    let is_proven = is_opaque && evidence.is_numbered() && has_ike(sa, begun);
    is_proven.then_some(CorroboratedBy::IkeSa)
}

/// Whether the two hosts completed a negotiation before the last packet of an SPI.
fn has_ike(sa: &SaFacts, begun: Option<&BTreeSet<Timestamp>>) -> bool {
    begun.and_then(BTreeSet::first).is_some_and(|first| *first <= sa.run.end)
}

/// SPIs by pair and direction of their packets.
type Logged = BTreeSet<(HostPair, Direction, u32)>;

/// The SPIs that logs name for SAs that were created or ended. A driver that dropped packets with an SPI shows
/// only that they arrived.
fn logged(events: &[PlacedEvent]) -> Logged {
    let mut logged = Logged::new();
    for event in events.iter().map(|placed| &placed.event) {
        if !matches!(event.category, Category::SaEstablished | Category::SaEnded) {
            continue;
        }
        let Some((local, peer)) = event.esp_endpoints() else { continue };
        let pair = HostPair::new(local, peer);
        for (spi, sender) in [(event.inbound_spi(), peer), (event.outbound_spi(), local)] {
            let spi = spi.filter(|spi| *spi != 0);
            logged.extend(spi.map(|spi| (pair, pair.direction_from(sender), spi)));
        }
    }
    logged
}

/// When those negotiations of each pair began that created security associations.
fn completed(exchanges: &[IkeExchange]) -> BTreeMap<HostPair, BTreeSet<Timestamp>> {
    let mut completed: BTreeMap<HostPair, BTreeSet<Timestamp>> = BTreeMap::new();
    for exchange in exchanges {
        match exchange.outcome {
            Outcome::Established | Outcome::Ended => {
                completed.entry(exchange.pair()).or_default().insert(exchange.start);
            }
            Outcome::NoResponse
            | Outcome::NoProposalChosen
            | Outcome::AuthenticationSuspected
            | Outcome::Failed
            | Outcome::Incomplete => {}
        }
    }
    completed
}

/// The most SPIs of one direction that may have too few packets each at any sequence number: one for each
/// processor of a host, or the last packets of short security associations. Other protocols have a varying
/// number in the place of the SPI; of more SPIs than this, only those at the start of their sequence numbers
/// are accepted.
const MOST_UNPROVEN: u64 = 8;
