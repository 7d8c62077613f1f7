//! The events of Windows' logs that bear on IPsec: one row an event, known by channel, provider
//! and number together, because a number alone belongs to many providers.
//!
//! Left out on purpose: 5150 to 5159 (packets and connections allowed or blocked), 5440
//! and 5441 (the inventory of filters at a start). A busy host writes them by the thousand and they
//! name no IPsec cause. What a record's fields add to its row is the event log's business, not this
//! table's; what the events of a category prove is in `guide`.
//!
//! Source tags: `K` message tables of the shipped DLLs (libyal winevt-kb), `M` the provider's
//! manifest (Windows 7, 10 and 11), `A` Microsoft's description of the audit subcategory, `S` seen
//! in real logs, `P` which source writes to which log (libyal winevt-kb, eventlog-providers), `W`
//! FWPM_NET_EVENT of Microsoft's Windows Filtering Platform, `N` the provider's manifest from Windows 11
//! 22H2 (build 22621.382) on (Nasreddine Bencherchali, "ETW Research"), which numbers the rules' changes
//! 2052 to 2083; those that list what there is at a start are left out. Meanings and reasons are in our own words.

use super::Reason;
use super::gateway_events::GATEWAY_EVENTS;
use super::state_events::STATE_EVENTS;
use serde::{Deserialize, Serialize};

/// The subject of an event, so that related events are together whatever wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Category {
    /// A negotiation failed, or a message of one was not valid.
    IkeFailure,
    /// The driver dropped protected packets: integrity, replay, unknown SPI.
    DriverAnomaly,
    /// The driver dropped packets that came in clear although policy protects them.
    CleartextObserved,
    /// Clear text was agreed on or allowed: an SA without algorithms (a soft SA).
    CleartextPermitted,
    /// A security association came up.
    SaEstablished,
    /// A security association ended.
    SaEnded,
    /// A service that IPsec needs, or its driver, started, stopped or failed.
    ServiceState,
    /// A policy, rule or filter was added, changed, removed, applied, or could not be.
    PolicyChange,
    /// The system started or shut down.
    HostState,
    /// The system's clock was set.
    ClockChange,
    /// The log itself was cleared, filled or stopped, or what it records was changed.
    EvidenceIntegrity,
    /// Good to know beside the others, and no cause by itself: the firewall of Windows XP and 2003,
    /// dial-up connections of any kind.
    Context,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 12] = [
        Self::IkeFailure,
        Self::DriverAnomaly,
        Self::CleartextObserved,
        Self::CleartextPermitted,
        Self::SaEstablished,
        Self::SaEnded,
        Self::ServiceState,
        Self::PolicyChange,
        Self::HostState,
        Self::ClockChange,
        Self::EvidenceIntegrity,
        Self::Context,
    ];

    /// The category as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IkeFailure => "ike_failure",
            Self::DriverAnomaly => "driver_anomaly",
            Self::CleartextObserved => "cleartext_observed",
            Self::CleartextPermitted => "cleartext_permitted",
            Self::SaEstablished => "sa_established",
            Self::SaEnded => "sa_ended",
            Self::ServiceState => "service_state",
            Self::PolicyChange => "policy_change",
            Self::HostState => "host_state",
            Self::ClockChange => "clock_change",
            Self::EvidenceIntegrity => "evidence_integrity",
            Self::Context => "context",
        }
    }
}

/// One event that the tool knows.
#[derive(Debug, PartialEq, Eq)]
pub struct EventEntry {
    /// The log it is written to.
    pub channel: &'static str,
    /// Who writes it.
    pub provider: &'static str,
    /// The number people quote.
    pub id: u16,
    /// What it shows of.
    pub category: Category,
    /// The audit subcategory that turns it on; empty for events that no audit policy governs.
    pub subcategory: &'static str,
    /// What the number alone says of the cause; the record's own fields come first.
    pub reason: Option<Reason>,
    /// What it means, in one line.
    pub meaning: &'static str,
    /// Where the number and its fields are documented; see the head of this file.
    pub source: &'static str,
}

/// The row of an event. Channel and provider are compared in any case, as Windows writes both.
#[must_use]
pub fn event(channel: &str, provider: &str, id: u16) -> Option<&'static EventEntry> {
    events_numbered(id).iter().find(|row| {
        row.provider.eq_ignore_ascii_case(provider) && row.channel.eq_ignore_ascii_case(channel)
    })
}

/// Whether any record of a log is known: others hold nothing that bears on IPsec.
#[must_use]
pub fn knows_log(channel: &str) -> bool {
    EVENTS.iter().any(|row| row.channel.eq_ignore_ascii_case(channel))
}

/// Every row with this number; empty for a number the tool does not know.
///
/// ```
/// let rows = plainsight::catalogue::events_numbered(4653);
/// assert!(rows.iter().any(|row| row.channel == "Security"));
/// assert!(plainsight::catalogue::events_numbered(1).is_empty());
/// ```
#[must_use]
pub fn events_numbered(id: u16) -> &'static [EventEntry] {
    let table: &'static [EventEntry] = match id {
        _ if id < GATEWAY_EVENTS[0].id => EVENTS,
        _ if id < STATE_EVENTS[0].id => &GATEWAY_EVENTS,
        _ => &STATE_EVENTS,
    };
    let first = table.partition_point(|row| row.id < id);
    let past = table.partition_point(|row| row.id <= id);
    table.get(first..past).unwrap_or(&[])
}

/// The log that a source of Windows 2000 to Server 2003 writes to; empty where it is not known.
#[must_use]
pub fn channel_of_source(source: &str) -> &'static str {
    let mut rows = EVENTS.iter().chain(&GATEWAY_EVENTS).chain(&STATE_EVENTS);
    let row = rows.find(|row| row.provider.eq_ignore_ascii_case(source));
    row.map_or("", |row| row.channel)
}

/// The name under which packets are kept that an event trace shows as dropped by IPsec, which is no log of the system.
pub const DROPS: &str = "pktmon";
/// Who shows of them.
pub const DROPS_PROVIDER: &str = "Microsoft-Windows-PktMon";
/// The name under which the filtering platform's own record is kept, which is no log of the system.
pub const NET_EVENTS: &str = "netevents";
const AUDITING: &str = "Microsoft-Windows-Security-Auditing";
const EVENTLOG: &str = "Microsoft-Windows-Eventlog";
const SERVICES: &str = "Service Control Manager";
const FIREWALL: &str = "Microsoft-Windows-Windows Firewall With Advanced Security";
const RULES_LOG: &str =
    "Microsoft-Windows-Windows Firewall With Advanced Security/ConnectionSecurity";
const FIREWALL_LOG: &str = "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall";
const WFP: &str = "Microsoft-Windows-WFP";
const WFP_LOG: &str = "Microsoft-Windows-WFP/Operational";
const CONNECTIONS: &str = "Microsoft-Windows-Base-Filtering-Engine-Connections";
const CONNECTIONS_LOG: &str = "Microsoft-Windows-Base-Filtering-Engine-Connections/Operational";

const STATE: &str = "Security State Change";
const MAIN: &str = "IPsec Main Mode";
const QUICK: &str = "IPsec Quick Mode";
const EXTENDED: &str = "IPsec Extended Mode";
const DRIVER: &str = "IPsec Driver";
const PLATFORM: &str = "Filtering Platform Policy Change";
const PLATFORM_OTHER: &str = "Other Policy Change Events";
const AUDIT: &str = "Audit Policy Change";
/// Written whatever is audited (Microsoft on event 4719).
const ALWAYS: &str = "";
const LOGON: &str = "Audit logon events";
const LEGACY_POLICY: &str = "Audit policy change";
const LEGACY_SYSTEM: &str = "Audit system events";
const SYSTEM: &str = "Other System Events";
const OBJECT: &str = "Other Object Access Events";

const fn audit(
    id: u16,
    category: Category,
    subcategory: &'static str,
    reason: Option<Reason>,
    meaning: &'static str,
) -> EventEntry {
    let (channel, provider, source) = ("Security", AUDITING, "K M A");
    EventEntry { channel, provider, id, category, subcategory, reason, meaning, source }
}

const fn log(channel: &'static str, id: u16, meaning: &'static str) -> EventEntry {
    let (provider, category) = (EVENTLOG, Category::EvidenceIntegrity);
    let (subcategory, reason, source) = ("", None, "K S");
    EventEntry { channel, provider, id, category, subcategory, reason, meaning, source }
}

const fn service(id: u16, reason: Option<Reason>, meaning: &'static str) -> EventEntry {
    let (channel, provider, category) = ("System", SERVICES, Category::ServiceState);
    let (subcategory, source) = ("", "K S");
    EventEntry { channel, provider, id, category, subcategory, reason, meaning, source }
}

/// What `netsh wfp show netevents` shows: it has no numbers, so that of the audit that says the same
/// is taken, and where none does that of Microsoft-Windows-WFP's own log.
const fn net(
    id: u16,
    category: Category,
    reason: Option<Reason>,
    meaning: &'static str,
) -> EventEntry {
    let (channel, provider, subcategory, source) = (NET_EVENTS, "Microsoft-Windows-WFP", "", "W");
    EventEntry { channel, provider, id, category, subcategory, reason, meaning, source }
}

/// An audit of Windows 2000, XP or Server 2003.
const fn legacy(
    id: u16,
    category: Category,
    subcategory: &'static str,
    reason: Option<Reason>,
    meaning: &'static str,
) -> EventEntry {
    let (channel, provider, source) = ("Security", "Security", "K");
    EventEntry { channel, provider, id, category, subcategory, reason, meaning, source }
}

/// A record of the IPsec driver of Windows 2000, XP or Server 2003.
const fn driver(
    id: u16,
    category: Category,
    reason: Option<Reason>,
    meaning: &'static str,
) -> EventEntry {
    let (channel, provider, subcategory, source) = ("System", "IPSec", "", "K");
    EventEntry { channel, provider, id, category, subcategory, reason, meaning, source }
}

/// A change of the connection security rules; this log is on without any audit policy.
const fn rule(id: u16, meaning: &'static str) -> EventEntry {
    let (channel, provider, category) = (RULES_LOG, FIREWALL, Category::PolicyChange);
    let (subcategory, reason, source) = ("", CHANGED, "K M");
    EventEntry { channel, provider, id, category, subcategory, reason, meaning, source }
}

/// A change of the firewall as a whole.
const fn firewall(id: u16, meaning: &'static str) -> EventEntry {
    EventEntry { channel: FIREWALL_LOG, ..rule(id, meaning) }
}

/// The same changes as Windows 11 22H2 and later number them; which of the two logs a build writes them to
/// differs.
const fn rule_22h2(id: u16, meaning: &'static str) -> EventEntry {
    EventEntry { source: "N", ..rule(id, meaning) }
}

/// The same in the firewall's own log.
const fn firewall_22h2(id: u16, meaning: &'static str) -> EventEntry {
    EventEntry { source: "N", ..firewall(id, meaning) }
}

/// An event of the filtering platform's own log, where that is turned on.
const fn platform(
    id: u16,
    category: Category,
    reason: Option<Reason>,
    meaning: &'static str,
) -> EventEntry {
    let (channel, provider, subcategory, source) = (WFP_LOG, WFP, "", "K M");
    EventEntry { channel, provider, id, category, subcategory, reason, meaning, source }
}

/// A connection under IPsec, as the base filtering engine counts it.
const fn connection(id: u16, category: Category, meaning: &'static str) -> EventEntry {
    let (channel, provider) = (CONNECTIONS_LOG, CONNECTIONS);
    EventEntry { channel, provider, ..platform(id, category, None, meaning) }
}

/// An event of a source that no audit policy governs.
const fn plain(
    (channel, provider): (&'static str, &'static str),
    id: u16,
    category: Category,
    reason: Option<Reason>,
    meaning: &'static str,
) -> EventEntry {
    let (subcategory, source) = ("", "K P");
    EventEntry { channel, provider, id, category, subcategory, reason, meaning, source }
}

const RAS_CLIENT: (&str, &str) = ("Application", "RasClient");
const RAS_SERVER: (&str, &str) = ("System", "RemoteAccess");
const LOG_SERVICE: (&str, &str) = ("System", "EventLog");
const TIME_2003: (&str, &str) = ("System", "W32Time");
const TIME: (&str, &str) = ("System", "Microsoft-Windows-Time-Service");

use Category::{
    CleartextObserved, ClockChange, Context, DriverAnomaly, EvidenceIntegrity, HostState,
    IkeFailure, PolicyChange, SaEnded, SaEstablished, ServiceState,
};

const FILTERS: Option<Reason> = Some(Reason::FilterNotCovering);
const CHANGED: Option<Reason> = Some(Reason::PolicyChanged);
const STOPPED: Option<Reason> = Some(Reason::ServiceStopped);
const OTHER: Option<Reason> = Some(Reason::Other);
const BYPASS: Option<Reason> = Some(Reason::DriverBypass);
const INTEGRITY: Option<Reason> = Some(Reason::IntegrityFailed);
const REPLAY: Option<Reason> = Some(Reason::Replay);

/// Sorted by number, so that a look-up is a binary search.
#[rustfmt::skip]
static EVENTS: &[EventEntry] = &[
    plain(TIME,      34, ClockChange, None, "The time service saw that the clock is far off and did not set it."),
    plain(TIME_2003, 34, ClockChange, None, "The time service saw that the clock is far off and did not set it."),
    plain(TIME,      50, ClockChange, None, "The time service found the clock off by more than it tolerates."),
    plain(TIME_2003, 50, ClockChange, None, "The time service found the clock off by more than it tolerates."),
    plain(TIME,      52, ClockChange, None, "The time service set the clock."),
    plain(TIME_2003, 52, ClockChange, None, "The time service set the clock."),
    log("System",    104, "An event log was cleared; what it held before is gone."),
    plain((DROPS, DROPS_PROVIDER), 170, DriverAnomaly, None, "IPsec dropped a packet; the reason and the packet are with it."),
    legacy(512, HostState,         LEGACY_SYSTEM, None, "Windows started; before this nothing was audited."),
    legacy(513, HostState,         LEGACY_SYSTEM, None, "Windows shut down."),
    legacy(516, EvidenceIntegrity, LEGACY_SYSTEM, None, "Audit events were lost before they could be written."),
    legacy(517, EvidenceIntegrity, LEGACY_SYSTEM, None, "The Security log was cleared; what it held before is gone."),
    legacy(520, ClockChange,       LEGACY_SYSTEM, None, "The system's clock was set."),
    legacy(541, SaEstablished,     LOGON,         None, "An IKE or IPsec SA was established; the mode shows which."),
    legacy(542, SaEnded,           LOGON,         None, "A quick mode (IPsec) SA ended."),
    legacy(543, SaEnded,           LOGON,         None, "A main mode (IKE) SA ended."),
    legacy(544, IkeFailure,        LOGON,         Some(Reason::CertificateInvalid), "The peer could not be authenticated: its certificate is not trusted."),
    legacy(545, IkeFailure,        LOGON,         Some(Reason::AuthenticationFailed), "The peer could not be authenticated."),
    legacy(546, IkeFailure,        LOGON,         Some(Reason::NoProposalChosen), "The peer sent a proposal that is not valid here."),
    legacy(547, IkeFailure,        LOGON,         OTHER, "An IKE negotiation failed."),
    legacy(550, ServiceState,      LOGON,         None, "The defence of IKE against floods was switched on or off."),
    legacy(612, EvidenceIntegrity, LEGACY_POLICY, None, "What the system audits was set."),
    legacy(613, ServiceState,      LEGACY_POLICY, None, "The IPsec policy agent started."),
    legacy(614, ServiceState,      LEGACY_POLICY, STOPPED, "The IPsec policy agent was disabled."),
    legacy(615, PolicyChange,      LEGACY_POLICY, None, "The IPsec policy agent reports in words; see the text."),
    legacy(616, ServiceState,      LEGACY_POLICY, OTHER, "The IPsec policy agent met a failure that may be serious."),
    legacy(806, EvidenceIntegrity, LEGACY_POLICY, None, "What is audited for single users was read anew."),
    legacy(807, EvidenceIntegrity, LEGACY_POLICY, None, "What is audited for one user was set."),
    legacy(848, Context, LEGACY_POLICY, None, "The firewall policy that was in force as the Windows Firewall started."),
    legacy(849, Context, LEGACY_POLICY, None, "A program was an exception as the Windows Firewall started."),
    legacy(850, Context, LEGACY_POLICY, None, "A port was an exception as the Windows Firewall started."),
    legacy(851, Context, LEGACY_POLICY, None, "The Windows Firewall's list of programs was changed."),
    legacy(852, Context, LEGACY_POLICY, None, "The Windows Firewall's list of ports was changed."),
    legacy(853, Context, LEGACY_POLICY, None, "The Windows Firewall's mode was changed."),
    legacy(854, Context, LEGACY_POLICY, None, "The Windows Firewall's logging was changed."),
    legacy(855, Context, LEGACY_POLICY, None, "The Windows Firewall's treatment of ICMP was changed."),
    legacy(856, Context, LEGACY_POLICY, None, "The Windows Firewall's treatment of answers to multicasts was changed."),
    legacy(857, Context, LEGACY_POLICY, None, "The Windows Firewall's remote administration was changed."),
    legacy(858, Context, LEGACY_POLICY, None, "The group policy of the Windows Firewall was applied."),
    legacy(859, Context, LEGACY_POLICY, None, "The group policy of the Windows Firewall was removed."),
    legacy(860, Context, LEGACY_POLICY, None, "The Windows Firewall went over to another profile."),
    legacy(861, Context, LEGACY_POLICY, None, "The Windows Firewall saw a program that listens."),
    legacy(864, DriverAnomaly,     LEGACY_SYSTEM, INTEGRITY, "IPsec dropped packets that failed their integrity check."),
    legacy(865, DriverAnomaly,     LEGACY_SYSTEM, REPLAY, "IPsec dropped packets that failed their replay check."),
    legacy(866, DriverAnomaly,     LEGACY_SYSTEM, REPLAY, "IPsec dropped packets whose sequence number was too low."),
    legacy(867, CleartextObserved, LEGACY_SYSTEM, None, "IPsec dropped packets that came in clear and ought to have been protected."),
    platform(1003, DriverAnomaly, None, "IPsec dropped a packet; the status shows why."),
    net(1003, DriverAnomaly, None, "IPsec dropped a packet."),
    platform(1005, IkeFailure, OTHER, "A main mode negotiation failed."),
    platform(1007, IkeFailure, OTHER, "A quick mode negotiation failed."),
    platform(1009, IkeFailure, OTHER, "An extended mode negotiation failed."),
    platform(1013, SaEnded, None, "A main mode (IKE) SA ended."),
    platform(1014, SaEstablished, None, "A main mode (IKE) SA came up."),
    platform(1015, SaEstablished, None, "A main mode (IKE) SA came up, with certificates."),
    platform(1016, SaEstablished, None, "Main and extended mode SAs came up, certificates in both."),
    platform(1017, SaEstablished, None, "Main and extended mode SAs came up, certificates in main mode."),
    platform(1018, SaEstablished, None, "Main and extended mode SAs came up, certificates in extended mode."),
    platform(1019, SaEstablished, None, "Main and extended mode SAs came up, without certificates."),
    platform(1024, Context, None, "An IKE message was sent."),
    platform(1025, Context, None, "An IKE message was received."),
    platform(1027, SaEnded, None, "A quick mode (IPsec) SA ended."),
    platform(1028, SaEstablished, None, "A quick mode (IPsec) SA came up."),
    platform(1043, SaEstablished, None, "A main mode (IKE) SA came up."),
    log("Security", 1100, "The event log service stopped; nothing is recorded until it starts again."),
    log("Security", 1101, "Audit events were lost before they could be written."),
    log("Security", 1102, "The Security log was cleared; what it held before is gone."),
    log("Security", 1104, "The Security log is full."),
    log("Security", 1105, "The Security log was archived by itself; earlier events are in another file."),
    log("Security", 1108, "The event log service failed to process an event."),
    connection(2000, SaEstablished, "A connection under IPsec came up."),
    connection(2001, SaEnded, "A connection protected by IPsec was closed; the record counts its bytes."),
    firewall(2010, "An interface went over to another firewall profile; other rules may hold there now."),
    rule(2012, "A connection security rule was added."),
    rule(2013, "A connection security rule was changed."),
    rule(2014, "A connection security rule was deleted."),
    rule(2016, "A main mode rule was added."),
    rule(2017, "A main mode rule was changed."),
    rule(2018, "A main mode rule was deleted."),
    rule(2020, "A main mode cryptographic set was added."),
    rule(2021, "A main mode cryptographic set was changed."),
    rule(2022, "A main mode cryptographic set was deleted."),
    rule(2024, "A quick mode cryptographic set was added."),
    rule(2025, "A quick mode cryptographic set was changed."),
    rule(2026, "A quick mode cryptographic set was deleted."),
    rule(2028, "An authentication set was added."),
    rule(2029, "An authentication set was changed."),
    rule(2030, "An authentication set was deleted."),
    firewall(2032, "The firewall was reset to its defaults; connection security rules are gone."),
    firewall(2033, "All firewall rules were deleted."),
    rule(2034, "All connection security rules were deleted."),
    rule(2035, "All main mode rules were deleted."),
    rule(2036, "All authentication sets were deleted."),
    rule(2037, "All cryptographic sets were deleted."),
    rule_22h2(2053, "A connection security rule was deleted."),
    firewall_22h2(2053, "A connection security rule was deleted."),
    rule_22h2(2054, "A main mode rule was deleted."),
    firewall_22h2(2054, "A main mode rule was deleted."),
    rule_22h2(2055, "A main mode cryptographic set was deleted."),
    firewall_22h2(2055, "A main mode cryptographic set was deleted."),
    rule_22h2(2056, "A quick mode cryptographic set was deleted."),
    firewall_22h2(2056, "A quick mode cryptographic set was deleted."),
    rule_22h2(2057, "All connection security rules were deleted."),
    firewall_22h2(2057, "All connection security rules were deleted."),
    rule_22h2(2058, "All main mode rules were deleted."),
    firewall_22h2(2058, "All main mode rules were deleted."),
    firewall_22h2(2059, "All firewall rules were deleted."),
    firewall_22h2(2060, "The firewall was reset to its defaults; connection security rules are gone."),
    rule_22h2(2061, "A connection security rule was added."),
    firewall_22h2(2061, "A connection security rule was added."),
    rule_22h2(2062, "A connection security rule was changed."),
    firewall_22h2(2062, "A connection security rule was changed."),
    rule_22h2(2064, "An authentication set was added."),
    firewall_22h2(2064, "An authentication set was added."),
    rule_22h2(2065, "An authentication set was changed."),
    firewall_22h2(2065, "An authentication set was changed."),
    rule_22h2(2067, "An authentication set was deleted."),
    firewall_22h2(2067, "An authentication set was deleted."),
    rule_22h2(2068, "A main mode rule was added."),
    firewall_22h2(2068, "A main mode rule was added."),
    rule_22h2(2069, "A main mode rule was changed."),
    firewall_22h2(2069, "A main mode rule was changed."),
    rule_22h2(2074, "All authentication sets were deleted."),
    firewall_22h2(2074, "All authentication sets were deleted."),
    rule_22h2(2075, "All cryptographic sets were deleted."),
    firewall_22h2(2075, "All cryptographic sets were deleted."),
    rule_22h2(2076, "A main mode cryptographic set was added."),
    firewall_22h2(2076, "A main mode cryptographic set was added."),
    rule_22h2(2077, "A main mode cryptographic set was changed."),
    firewall_22h2(2077, "A main mode cryptographic set was changed."),
    rule_22h2(2079, "A quick mode cryptographic set was added."),
    firewall_22h2(2079, "A quick mode cryptographic set was added."),
    rule_22h2(2080, "A quick mode cryptographic set was changed."),
    firewall_22h2(2080, "A quick mode cryptographic set was changed."),
    driver(4283, DriverAnomaly,     None,      "IPsec received packets under an SPI that it does not know."),
    driver(4284, CleartextObserved, None,      "IPsec received packets in clear that ought to have been protected."),
    driver(4285, DriverAnomaly,     INTEGRITY, "IPsec received packets that failed their authentication."),
    driver(4286, DriverAnomaly,     None,      "IPsec received packets with invalid syntax."),
    driver(4287, DriverAnomaly,     None,      "IPsec received packets under an improper protocol number."),
    driver(4288, DriverAnomaly,     None,      "IPsec could not process packets for a reason it does not know."),
    driver(4289, IkeFailure,        Some(Reason::PolicyMismatch), "A negotiation failed: no filter for the destination."),
    driver(4290, DriverAnomaly,     None,      "IPsec dropped an inbound packet."),
    driver(4291, DriverAnomaly,     None,      "IPsec dropped an outbound packet."),
    driver(4292, ServiceState,      None,      "The IPsec driver blocks all traffic."),
    driver(4293, ServiceState,      BYPASS,    "The IPsec driver lets all traffic through unprotected."),
    driver(4294, ServiceState,      None,      "The IPsec driver applies the policy from here on."),
    driver(4295, ServiceState,      BYPASS,    "The IPsec driver starts and lets all traffic through unprotected until the IPsec services start."),
    driver(4296, ServiceState,      None,      "The IPsec driver starts and blocks all traffic."),
    driver(4297, ServiceState,      None,      "The IPsec driver starts and lets through what its own connections ask for."),
    audit(4608, HostState,         STATE,    None,    "Windows started; before this nothing was audited."),
    audit(4609, HostState,         STATE,    None,    "Windows shut down."),
    audit(4616, ClockChange,       STATE,    None,    "The system's clock was set."),
    audit(4646, ServiceState,      MAIN,     None,    "The defence of IKE against floods was switched on or off."),
    audit(4650, SaEstablished,     MAIN,     None,    "A main mode (IKE) SA came up, without certificates."),
    audit(4651, SaEstablished,     MAIN,     None,    "A main mode (IKE) SA came up, with certificates."),
    audit(4652, IkeFailure,        MAIN,     OTHER,   "A main mode negotiation with certificates failed."),
    audit(4653, IkeFailure,        MAIN,     OTHER,   "A main mode negotiation failed."),
    net(4653, IkeFailure,        OTHER,              "A main mode negotiation failed."),
    audit(4654, IkeFailure,        QUICK,    OTHER,   "A quick mode negotiation failed."),
    net(4654, IkeFailure,        OTHER,              "A quick mode negotiation failed."),
    audit(4655, SaEnded,           MAIN,     None,    "A main mode (IKE) SA ended."),
    audit(4709, ServiceState,      PLATFORM, None,    "The IPsec Policy Agent started."),
    audit(4710, ServiceState,      PLATFORM, STOPPED, "The IPsec Policy Agent was disabled."),
    audit(4711, PolicyChange,      PLATFORM, None,    "The IPsec Policy Agent reports in words; the text shows success or failure."),
    audit(4712, ServiceState,      PLATFORM, OTHER,   "The IPsec Policy Agent met a failure that may be serious."),
    audit(4719, EvidenceIntegrity, ALWAYS,   None,    "What the system audits was changed."),
    audit(4912, EvidenceIntegrity, AUDIT,    None,    "What is audited for one user was changed."),
    audit(4960, DriverAnomaly,     DRIVER,   Some(Reason::IntegrityFailed), "IPsec dropped a packet that failed its integrity check."),
    net(4960, DriverAnomaly,     INTEGRITY,          "IPsec dropped a packet that failed its integrity check."),
    audit(4961, DriverAnomaly,     DRIVER,   Some(Reason::Replay), "IPsec dropped a packet that failed its replay check."),
    net(4961, DriverAnomaly,     REPLAY,             "IPsec dropped a packet that failed its replay check."),
    audit(4962, DriverAnomaly,     DRIVER,   Some(Reason::Replay), "IPsec dropped a packet whose sequence number was too low."),
    audit(4963, CleartextObserved, DRIVER,   None,    "IPsec dropped a packet that came in clear and ought to have been protected."),
    net(4963, CleartextObserved, None,               "IPsec dropped a packet that came in clear and ought to have been protected."),
    audit(4965, DriverAnomaly,     DRIVER,   None,    "A packet came with an SPI that belongs to no SA here; the peer may use an SA this host no longer has."),
    net(4965, DriverAnomaly,     None,               "A packet came with an SPI that belongs to no SA here."),
    audit(4976, IkeFailure,        MAIN,     OTHER,   "A main mode message was not valid."),
    audit(4977, IkeFailure,        QUICK,    OTHER,   "A quick mode message was not valid."),
    audit(4978, IkeFailure,        EXTENDED, OTHER,   "An extended mode message was not valid."),
    audit(4979, SaEstablished,     EXTENDED, None,    "Main and extended mode SAs came up, without certificates."),
    audit(4980, SaEstablished,     EXTENDED, None,    "Main and extended mode SAs came up, certificate in extended mode."),
    audit(4981, SaEstablished,     EXTENDED, None,    "Main and extended mode SAs came up, certificate in main mode."),
    audit(4982, SaEstablished,     EXTENDED, None,    "Main and extended mode SAs came up, certificates in both."),
    audit(4983, IkeFailure,        EXTENDED, OTHER,   "An extended mode negotiation with certificates failed and took the main mode SA along."),
    audit(4984, IkeFailure,        EXTENDED, OTHER,   "An extended mode negotiation failed and took the main mode SA along."),
    net(4984, IkeFailure,        OTHER,              "An extended mode negotiation failed."),
    audit(5024, ServiceState,      SYSTEM,   None,    "The Windows firewall service started."),
    audit(5025, ServiceState,      SYSTEM,   STOPPED, "The Windows firewall service stopped; connection security rules end with it."),
    audit(5040, PolicyChange,      PLATFORM, CHANGED, "An authentication set was added."),
    audit(5041, PolicyChange,      PLATFORM, CHANGED, "An authentication set was changed."),
    audit(5042, PolicyChange,      PLATFORM, CHANGED, "An authentication set was deleted."),
    audit(5043, PolicyChange,      PLATFORM, CHANGED, "A connection security rule was added."),
    audit(5044, PolicyChange,      PLATFORM, CHANGED, "A connection security rule was changed."),
    audit(5045, PolicyChange,      PLATFORM, CHANGED, "A connection security rule was deleted."),
    audit(5046, PolicyChange,      PLATFORM, CHANGED, "A cryptographic set was added."),
    audit(5047, PolicyChange,      PLATFORM, CHANGED, "A cryptographic set was changed."),
    audit(5048, PolicyChange,      PLATFORM, CHANGED, "A cryptographic set was deleted."),
    audit(5049, SaEnded,           MAIN,     Some(Reason::SaDeleted), "An IPsec SA was deleted by hand."),
    audit(5148, ServiceState,      OBJECT,   Some(Reason::DosProtection), "The filtering platform began to defend itself against a flood and discards packets."),
    audit(5149, ServiceState,      OBJECT,   None,    "The filtering platform ended its defence against a flood."),
    audit(5446, PolicyChange,      PLATFORM, CHANGED, "A callout of the filtering platform was changed; only those of IPsec are reported."),
    audit(5447, PolicyChange,      PLATFORM_OTHER, CHANGED, "A filter of the filtering platform was changed; only those of IPsec are reported."),
    audit(5448, PolicyChange,      PLATFORM, CHANGED, "A provider of the filtering platform was changed; only those of IPsec are reported."),
    audit(5449, PolicyChange,      PLATFORM, CHANGED, "A provider context of the filtering platform was changed; IPsec policies live in these."),
    audit(5450, PolicyChange,      PLATFORM, CHANGED, "A sub-layer of the filtering platform was changed; only those of IPsec are reported."),
    audit(5451, SaEstablished,     QUICK,    None,    "A quick mode (IPsec) SA came up."),
    audit(5452, SaEnded,           QUICK,    None,    "A quick mode (IPsec) SA ended."),
    audit(5453, IkeFailure,        MAIN,     STOPPED, "A negotiation failed because the IKE service (IKEEXT) does not run."),
    audit(5456, PolicyChange,      PLATFORM, None,    "The IPsec policy from the directory was applied."),
    audit(5457, PolicyChange,      PLATFORM, FILTERS, "The IPsec policy from the directory could not be applied."),
    audit(5458, PolicyChange,      PLATFORM, None,    "The cached copy of the directory's IPsec policy was applied."),
    audit(5459, PolicyChange,      PLATFORM, FILTERS, "The cached copy of the directory's IPsec policy could not be applied."),
    audit(5460, PolicyChange,      PLATFORM, None,    "The IPsec policy from the local registry was applied."),
    audit(5461, PolicyChange,      PLATFORM, FILTERS, "The IPsec policy from the local registry could not be applied."),
    audit(5462, PolicyChange,      PLATFORM, FILTERS, "Some rules of the active IPsec policy could not be applied."),
    audit(5463, PolicyChange,      PLATFORM, None,    "A look for policy changes found none."),
    audit(5464, PolicyChange,      PLATFORM, CHANGED, "A look for policy changes found some and applied them."),
    audit(5465, PolicyChange,      PLATFORM, CHANGED, "A forced reload of the IPsec policy was carried out."),
    audit(5466, PolicyChange,      PLATFORM, None,    "The directory could not be reached for the policy; the cached copy is used."),
    audit(5467, PolicyChange,      PLATFORM, None,    "The directory can be reached again and holds no policy change."),
    audit(5468, PolicyChange,      PLATFORM, CHANGED, "The directory can be reached again and its policy changes were applied."),
    audit(5471, PolicyChange,      PLATFORM, None,    "The local IPsec policy was loaded."),
    audit(5472, PolicyChange,      PLATFORM, FILTERS, "The local IPsec policy could not be loaded."),
    audit(5473, PolicyChange,      PLATFORM, None,    "The directory's IPsec policy was loaded."),
    audit(5474, PolicyChange,      PLATFORM, FILTERS, "The directory's IPsec policy could not be loaded."),
    audit(5477, PolicyChange,      PLATFORM, FILTERS, "A quick mode filter could not be added."),
    audit(5478, ServiceState,      DRIVER,   None,    "The IPsec services started."),
    audit(5479, ServiceState,      DRIVER,   STOPPED, "The IPsec services stopped; the host may be unprotected from here."),
    audit(5480, PolicyChange,      DRIVER,   FILTERS, "The network interfaces could not all be listed; some may go without filters."),
    audit(5483, ServiceState,      DRIVER,   STOPPED, "The IPsec services could not start: their RPC server failed."),
    audit(5484, ServiceState,      DRIVER,   STOPPED, "The IPsec services met a critical failure and stopped."),
    audit(5485, PolicyChange,      DRIVER,   FILTERS, "Filters could not be set on an interface that came up; it may go without them."),
    plain(LOG_SERVICE, 6005, HostState,         None, "The event log service started."),
    plain(LOG_SERVICE, 6006, EvidenceIntegrity, None, "The event log service stopped; nothing is recorded until it starts again."),
    plain(LOG_SERVICE, 6008, HostState,         None, "Windows had gone down unexpectedly; the last events before may be lost."),
    plain(LOG_SERVICE, 6011, Context,           None, "The computer's name was changed; the record names both."),
    service(7023, STOPPED, "A service that IPsec needs ended with an error."),
    service(7024, STOPPED, "A service that IPsec needs ended with an error of its own."),
    service(7031, STOPPED, "A service that IPsec needs ended unexpectedly; Windows acts on it."),
    service(7034, STOPPED, "A service that IPsec needs ended unexpectedly."),
    service(7035, None,    "A service that IPsec needs was sent a control, such as start or stop."),
    service(7036, None,    "A service that IPsec needs entered another state."),
    service(7040, None,    "The start type of a service that IPsec needs was changed."),
    plain(RAS_SERVER, 20192, IkeFailure, Some(Reason::CertificateInvalid), "The remote access server has no machine certificate for L2TP over IPsec."),
    plain(RAS_CLIENT, 20225, Context,    None,  "A dial-up or VPN connection of any kind was established."),
    plain(RAS_CLIENT, 20226, Context,    None,  "A dial-up or VPN connection ended; the record holds a reason code."),
    plain(RAS_CLIENT, 20227, IkeFailure, OTHER, "A dial-up or VPN connection failed; only codes of IPsec are reported."),
    plain(RAS_SERVER, 20284, IkeFailure, OTHER, "The remote access server has a problem with IKEv2: policy, certificate or key; see the text."),
    plain(RAS_SERVER, 20285, IkeFailure, OTHER, "The remote access server has a problem with IKEv2: policy, certificate or key; see the text."),
    plain(RAS_SERVER, 20286, IkeFailure, OTHER, "The remote access server has a problem with IKEv2: policy, certificate or key; see the text."),
    plain(RAS_SERVER, 20287, IkeFailure, OTHER, "The remote access server has a problem with IKEv2: policy, certificate or key; see the text."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_no_event_stands_twice() {
        let key = |row: &EventEntry| (row.id, row.channel, row.provider);
        assert!(EVENTS.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])));
        assert!(GATEWAY_EVENTS.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])));
        assert!(STATE_EVENTS.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])));
        assert!(EVENTS.iter().all(|row| row.id < GATEWAY_EVENTS[0].id));
        assert!(GATEWAY_EVENTS.iter().all(|row| row.id < STATE_EVENTS[0].id));
    }

    #[test]
    fn an_event_is_known_by_channel_provider_and_number_together() {
        let found = event("security", "MICROSOFT-Windows-Security-Auditing", 4653);
        assert_eq!(found.map(|row| row.category), Some(Category::IkeFailure));
        assert_eq!(event("Security", "Security", 4653), None);
        assert_eq!(event("Application", AUDITING, 4653), None);
        assert_eq!(event("System", SERVICES, 4653), None);
        assert!(events_numbered(4624).is_empty());
        assert_eq!(events_numbered(u16::MAX).len(), 0);
    }

    #[test]
    fn every_failure_row_names_a_reason() {
        for row in
            EVENTS.iter().chain(&GATEWAY_EVENTS).filter(|row| row.category == Category::IkeFailure)
        {
            assert!(row.reason.is_some(), "{}", row.id);
        }
    }

    #[test]
    fn the_audited_ipsec_events_of_vista_and_later_are_all_there() {
        let ranges = [
            4646..=4646,
            4650..=4655,
            4709..=4712,
            4960..=4963,
            4965..=4965,
            4976..=4984,
            5040..=5049,
            5451..=5453,
            5456..=5468,
            5471..=5474,
            5477..=5480,
            5483..=5485,
        ];
        for id in ranges.into_iter().flatten() {
            assert!(event("Security", AUDITING, id).is_some(), "{id}");
        }
    }
}
