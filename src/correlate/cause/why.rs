//! The evidence for a cause, as codes and values. `findings::cause_words` makes the sentences.

use crate::correlate::{AuditReason, AuditState, ClockOffset};
use crate::eventlog::Service;
use crate::evidence::FrameRef;
use crate::hosts::HostPair;
use crate::protection::unreachable::UnreachableWhy;
use crate::time::Span;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The evidence for a cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A log records that a service stopped.
    ServiceStopped {
        /// The computer, as its log names it.
        host: String,
        /// The service, where the record says which.
        service: Option<Service>,
        /// How long before the window's first packet; negative behind it.
        before: Span,
        /// The record reports that the service was not running, not when it stopped.
        was_found_down: bool,
    },
    /// A log records a security association without algorithms between the two.
    SoftSa {
        /// The computer, as its log names it.
        host: String,
    },
    /// A log records that the IPsec driver let all traffic through.
    DriverBypass {
        /// The computer, as its log names it.
        host: String,
        /// How long before the window's first packet; negative behind it.
        before: Span,
    },
    /// A log records that a host defends itself against a flood of negotiations.
    FloodDefence {
        /// The computer, as its log names it.
        host: String,
    },
    /// Neither captures nor logs show IKE or ESP of the two.
    NothingSeen {
        /// A state of one of the two lists no filter that hands this traffic to IPsec.
        state: Option<StateSeen>,
    },
    /// No negotiation preceded this one, which began inside the window.
    NotBefore {
        /// The first message of that negotiation.
        first: FrameRef,
        /// How long after the window's first packet.
        after: Span,
    },
    /// The evidence does not show why.
    Unexplained {
        /// What would settle it.
        wanted: Vec<Wanted>,
        /// States that list a connection of the window under no security association, and whether they list one of
        /// the two beside it.
        listed: Vec<(StateSeen, bool)>,
    },
    /// Protected packets of the two continued beside the clear ones.
    ProtectedBeside {
        /// The first frame of those before the window.
        first: FrameRef,
        /// The last frame of those inside it.
        last: FrameRef,
        /// The logs name the filters of their security associations.
        is_logged: bool,
        /// The host whose own ESP, under the same SPI, continued beside its clear packets.
        sender: Option<IpAddr>,
        /// A state of that host names filters for the two, none of which holds this traffic.
        state: Option<StateSeen>,
    },
    /// Protected packets of two gateways continued beside the clear ones.
    TunnelBeside {
        /// The gateways.
        gateways: HostPair,
        /// The first frame of those before the window.
        first: FrameRef,
        /// The last frame of those inside it.
        last: FrameRef,
        /// What is known of the tunnel's selectors.
        selectors: TunnelSelectors,
    },
    /// New connections of the two began with one ESP packet each and continued in clear.
    AuthenticatedOnly {
        /// The number of such connections.
        connections: u64,
    },
    /// The same two hosts had protected packets between other addresses of theirs.
    OtherPath {
        /// The other addresses.
        path: HostPair,
        /// The first frame of such packets.
        first: FrameRef,
        /// The last.
        last: FrameRef,
        /// A state of one of the two lists a security association between the other addresses.
        state: Option<StateSeen>,
    },
    /// A state of a host has a policy that lets connections go on in clear where the peer does not negotiate.
    StatePermits {
        /// The state.
        state: StateSeen,
        /// The policy, as the state names it.
        policy: String,
        /// Only those that the host opens itself.
        own_only: bool,
    },
    /// ICMP errors quote IKE messages that were not delivered.
    IcmpErrors {
        /// The host that the quoted messages did not reach.
        to: IpAddr,
        /// The first error.
        first: FrameRef,
        /// The last one.
        last: FrameRef,
        /// How many.
        count: u64,
        /// The kind of the errors.
        what: UnreachableWhy,
        /// The host that sends the errors was seen to negotiate or to send protected packets before.
        was_alive: bool,
    },
    /// A log records that the security associations ended.
    LoggedEnd {
        /// How long they had been silent, where that matches their idle timer.
        rested: Option<Span>,
    },
    /// Security associations were deleted.
    Deleted {
        /// Who deleted them.
        by: IpAddr,
        /// The message.
        frame: FrameRef,
        /// The evidence that it is a Delete.
        basis: DeleteBasis,
        /// How long before it the last packet of the SA was; `None` where that was not seen.
        rested: Option<Span>,
        /// A log also records the end of the security associations.
        is_logged: bool,
        /// The clear text may be the traffic that was protected before.
        is_like: bool,
    },
    /// The same IKE SA created new security associations only after the old ones had ended.
    RekeyGap {
        /// Its first message.
        first: FrameRef,
        /// The message that completed the new security associations, or its last one.
        last: FrameRef,
        /// A log records the end of the old ones.
        is_logged: bool,
    },
    /// A log records a change of the policy, or that a policy was applied.
    PolicyChange {
        /// The computer, as its log names it.
        host: String,
        /// What the event means.
        meaning: &'static str,
        /// What the record states.
        record: PolicyRecord,
        /// Further events of this kind.
        more: usize,
        /// The host that then deleted its security associations, and how long after the record.
        deleted: Option<(IpAddr, Span)>,
    },
    /// Negotiations failed.
    Failed {
        /// How many.
        attempts: usize,
        /// The first message.
        first: Option<FrameRef>,
        /// The last message.
        last: Option<FrameRef>,
        /// How far they came.
        states: BTreeSet<&'static str>,
        /// What the logs record about them.
        tie: LogTie,
        /// A clock that was wrong by more than authentication tolerates.
        clock: Option<Box<ClockOffset>>,
        /// The pair they belong to, where it is another one.
        of: Option<HostPair>,
    },
    /// Second phases were refused inside an IKE SA that continued.
    ChildRefused {
        /// How many.
        attempts: usize,
        /// The first request.
        first: FrameRef,
        /// The last refusal.
        last: FrameRef,
        /// A later success in the same IKE SA.
        succeeded: Option<FrameRef>,
    },
    /// Logs record failed negotiations that no capture shows.
    LoggedFailures {
        /// How many events.
        events: usize,
        /// The pair they belong to, where it is another one.
        of: Option<HostPair>,
    },
    /// New security associations were created, and protected packets used them.
    Negotiated {
        /// The first protected packet that used them.
        protected: FrameRef,
        /// The IKE SA existed before the window.
        is_rekey: bool,
        /// How long the clear text had been over when the negotiation began, where that is longer than its pauses.
        idle: Option<Span>,
    },
    /// A log records that a service started.
    ServiceStarted {
        /// The computer, as its log names it.
        host: String,
        /// The service, where the record says which.
        service: Option<Service>,
    },
    /// The two sent nothing more in clear while the capture continued.
    TrafficEnded {
        /// How long: until the next window of the two, or until the capture ended.
        silence: Span,
        /// There is a next window.
        resumes: bool,
    },
    /// The capture ended.
    CaptureEnded,
}

/// A state of a host that concerns a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateSeen {
    /// The host, by its address in the window.
    pub host: IpAddr,
    /// Where its moment lies.
    pub place: StatePlace,
}

/// Where the moment of a state lies against a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatePlace {
    /// In it by the captures' clock: how long after the first packet; negative before it.
    Inside(Span),
    /// It lists a connection of the window by all four numbers, and the host's own clock shows about that time.
    OfConnection,
    /// One before it and one after it agree.
    BeforeAndAfter,
}

impl StatePlace {
    /// The surest first.
    pub(super) const fn rank(self) -> u8 {
        match self {
            Self::Inside(_) => 0,
            Self::OfConnection => 1,
            Self::BeforeAndAfter => 2,
        }
    }
}

/// What would settle an unknown cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The Security and System logs of a host for this time.
    Logs(IpAddr),
    /// A log of a host that audits negotiations.
    AuditingLog(IpAddr),
    /// A capture of IKE from before the window.
    EarlierCapture,
}

/// What a record says of a host's policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyRecord {
    /// A rule, or the policy as a whole, is another one now.
    Changed,
    /// A set of algorithms or credentials changed: it matters where a rule uses it.
    SetChanged,
    /// The policy was applied, loaded or read again; whether it changed is not said.
    Applied,
}

/// What is known of a tunnel's selectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelSelectors {
    /// Nothing.
    Unknown,
    /// The gateways carry other traffic of one of the two hosts.
    CarryOthers,
    /// The gateways' logs name them, and none contains the pair.
    Exclude,
}

/// The evidence that a message is a Delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteBasis {
    /// It is readable.
    Readable,
    /// A log records the end of the same security associations.
    Logged,
    /// It is too large for an empty message, and the SPIs did not return.
    Size,
    /// Its size fits, but fits other messages too; the SPIs stopped.
    Inferred,
}

/// What the logs record about negotiations that a capture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogTie {
    /// Nothing.
    None,
    /// The same negotiation, under its cookie.
    Cookie,
    /// A failure of the same two at the same time, in a log without cookies.
    Time,
}

/// The evidence against a cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Against {
    /// The log's clock is only proposed.
    ProposedClock,
    /// No capture shows the message itself.
    DeletionNotCaptured,
    /// The size fits other messages, too.
    SizeIsAmbiguous,
    /// A notify without data or a question for the peer's version has the same size.
    OtherMessagesFit,
    /// The SA had been idle for this long before the message.
    HadRested(Span),
    /// This much time passed between the end and the window's opening.
    LongBefore(Span),
    /// A change of a policy need not let clear text out.
    PolicyNeedNotOpen,
    /// The record says that a policy was applied or loaded, not that it is another one.
    AppliedNotChanged,
    /// The service is the Policy Agent's, and the security associations are of AuthIP or IKEv2, which it does not serve.
    OtherService,
    /// The host's log later names this address as its own, of another network, and nothing shows that it kept the first.
    OtherAddressSince(IpAddr),
    /// The clear text was under way as the capture began, so that its beginning is not known.
    BeganBefore,
    /// The SA had been silent for longer than the idle timer is by default; no evidence shows that it was set to more.
    LongerThanIdle(Span),
    /// Anybody on the path can send a refusal in clear, and the capture shows nothing else of the host to compare it with.
    UnprotectedRefusal,
    /// The refusals in clear came from another station, or from another distance, than the host's other packets.
    OtherRefuser,
    /// A link-layer address alone ties the addresses to one host.
    TiedByStation,
    /// The host that the errors call unreachable sent packets afterwards.
    StillSends(IpAddr),
    /// A set of algorithms or credentials changed; no evidence shows that a rule uses it.
    SetNeedNotBeUsed,
    /// The record is later than the first clear packet, and by no more than its clock may be wrong.
    OrderUnknown {
        /// By how much.
        later: Span,
        /// The error of the clock.
        error: Span,
    },
    /// Protected packets had ended this long before the first clear one; nothing shows that their SAs had ended.
    PausedBefore(Span),
    /// A question and its answer, or far fewer packets than were protected: nothing shows that it is the same traffic.
    OtherTraffic,
    /// The window had been open for this long, and nothing shows that it would have closed without the cause.
    WasOpenBefore(Span),
    /// The first failed attempt came after the window had opened.
    CameAfter,
    /// ICMP errors explain why there was no answer.
    ErrorsExplainSilence,
    /// The capture holds one packet in many, or one direction only: an answer may be missing.
    AnswerNotCaptured,
    /// The failure is encrypted and was inferred.
    Encrypted,
    /// No capture shows these negotiations.
    NotCaptured,
    /// No log shows the filters.
    FiltersNotLogged,
    /// No log shows that they are gateways, or a tunnel's selectors.
    GatewaysNotLogged,
    /// More than one pair shows ESP on this capture.
    SeveralTunnels,
    /// ICMP errors can be forged.
    Forgeable,
    /// The host completed the negotiation that an error quotes.
    CompletedAfterwards(IpAddr),
    /// An attempt before the capture began would not be seen.
    CaptureBeganLater,
    /// Two hosts show IPsec; whether they are gateways of these is not known.
    PerhapsGateways(HostPair),
    /// A log may be silent for another reason.
    SilentLog {
        /// Whose log.
        address: IpAddr,
        /// Why.
        state: AuditState,
        /// The reason that the audit gives.
        reason: AuditReason,
    },
    /// The log names its computer without a domain; that it is the computer with this full name is assumed.
    AssumedName {
        /// The name in the log.
        host: String,
        /// The full name that another log has.
        full: String,
    },
    /// It covers less than half of the window.
    CoversLittle {
        /// Percent of the window.
        percent: u8,
    },
    /// Another station had taken over the address before the window: the record's host was not there.
    OtherStation {
        /// The address.
        address: IpAddr,
        /// The first packet of the other station.
        frame: FrameRef,
    },
    /// Nothing ties these negotiations to the pair.
    OtherPair(HostPair),
    /// The log ends before the window.
    LogEnded(Span),
    /// The host continues to send protected packets under the same SPIs, before the window and inside.
    EspGoesOn(IpAddr),
    /// All services of the window were in clear before, beside ESP of the same sender: the first packet of that window.
    ClearBesideEsp(FrameRef),
    /// The window ended before the request was sent again: no answer was due yet.
    NotGivenUp,
    /// The request was sent once: a lost packet explains the silence as well.
    NotSentAgain,
    /// A log of the same negotiation contradicts what was read in the capture.
    LogContradicts,
    /// A record names another negotiation of the two than the captured one.
    LogDisagrees,
    /// A log records that the negotiation failed, and not for this reason.
    LogNamesAnother,
    /// The host sent IKE from the port that the errors call closed.
    StillSendsIke(IpAddr),
    /// Anybody on the path can send a Delete in clear, and RFC 2409 §5.7 asks for a protected one.
    Unprotected,
    /// Another station, or one of another VLAN, sent the clear packets of this address than the protected ones.
    OtherSender(IpAddr),
    /// A state lists a filter that hands this traffic to IPsec.
    FilterInForce {
        /// The state.
        state: StateSeen,
        /// The filter, as the state names it.
        filter: String,
    },
    /// The nearest state of a host is of another time, so that it shows nothing of the window.
    StateApart {
        /// The host, by its address in the window.
        host: IpAddr,
        /// How long after the window; negative before it, zero in it by a clock that nothing ties to the captures.
        distance: Span,
        /// By the captures' clock; else by the host's own.
        by_capture: bool,
    },
    /// Only a state of a host ties the addresses to one host.
    TiedByState,
    /// The negotiation is in another capture, and nothing proves that the two share a clock.
    OtherClock,
}
