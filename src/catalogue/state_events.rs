//! What exports of a host's state show, as events. They are no records of a log and have no numbers: the numbers are
//! plainsight's own.
//!
//! Source tags: `P` Microsoft's description of auditpol and of group policy's audit.csv; `C` the CIM classes
//! MSFT_NetMainModeSA and MSFT_NetQuickModeSA; `W` `netsh wfp show state`, two real files, and for SAs the structures of
//! ipsectypes.h whose members it names.

use super::events::{Category, EventEntry};

/// What is audited, by auditpol.
pub const AUDITPOL: &str = "auditpol";
/// The SAs and connections of a host at one moment.
pub const SA_STATE: &str = "sa_state";

/// What auditpol says of one subcategory.
pub const AUDITED_NOW: u16 = 60_101;
/// What a group policy wants to have audited.
pub const AUDIT_WANTED: u16 = 60_102;
/// An IKE SA at the moment of collection.
pub const IKE_SA_NOW: u16 = 60_111;
/// An IPsec SA at the moment of collection.
pub const IPSEC_SA_NOW: u16 = 60_112;
/// A connection under an SA.
pub const CONNECTION_UNDER_SA: u16 = 60_113;
/// A connection under no SA.
pub const CONNECTION_WITHOUT_SA: u16 = 60_114;
/// A policy of IPsec or IKE in force.
pub const POLICY_NOW: u16 = 60_116;
/// A filter in force that hands packets to IPsec.
pub const IPSEC_FILTER_NOW: u16 = 60_117;
/// The driver's counters since the start of the system.
pub const IPSEC_COUNTERS: u16 = 60_115;

const fn row(
    log: &'static str,
    id: u16,
    category: Category,
    meaning: &'static str,
    source: &'static str,
) -> EventEntry {
    let (channel, provider, subcategory, reason) = (log, log, "", None);
    EventEntry { channel, provider, id, category, subcategory, reason, meaning, source }
}

/// By number.
#[rustfmt::skip]
pub(super) const STATE_EVENTS: [EventEntry; 9] = [
    row(AUDITPOL, AUDITED_NOW, Category::EvidenceIntegrity, "What was audited of this subcategory when the state was collected.", "P"),
    row(AUDITPOL, AUDIT_WANTED, Category::Context, "What a group policy wants to have audited; not what is.", "P"),
    row(SA_STATE, IKE_SA_NOW, Category::SaEstablished, "A main mode (IKE) SA that existed when the state was collected.", "C"),
    row(SA_STATE, IPSEC_SA_NOW, Category::SaEstablished, "A quick mode (IPsec) SA that existed when the state was collected.", "C W"),
    row(SA_STATE, CONNECTION_UNDER_SA, Category::Context, "A TCP connection that was under an SA when the state was collected.", "W"),
    row(SA_STATE, CONNECTION_WITHOUT_SA, Category::Context, "A TCP connection that was under no SA when the state was collected.", "W"),
    row(SA_STATE, IPSEC_COUNTERS, Category::Context, "What IPsec counted since the system started.", "W"),
    row(SA_STATE, POLICY_NOW, Category::Context, "An IKE or IPsec policy that was in force when the state was collected.", "W"),
    row(SA_STATE, IPSEC_FILTER_NOW, Category::Context, "A filter that handed packets to IPsec when the state was collected.", "W"),
];
