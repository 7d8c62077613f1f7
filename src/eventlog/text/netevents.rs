//! The output of `netsh wfp show netevents`: the filtering platform's own record of failed negotiations and
//! dropped packets, with numeric causes in any language.
//!
//! The same elements are in the wfpdiag.xml of `netsh wfp capture`, between two states (`state/wfpstate.rs`).
//!
//! Source: FWPM_NET_EVENT_HEADER0, FWPM_NET_EVENT_IKEEXT_MM_FAILURE0 to 2, …_QM_FAILURE0, …_EM_FAILURE0 and
//! FWPM_NET_EVENT_IPSEC_KERNEL_DROP0 of fwpmtypes.h; public samples of the XML.

use super::Export;
use super::event_splitter::{EventSplitter, Tag, find, item};
use super::source::Source;
use super::splitting::{Segment, Splitter};
use super::xml::lost;
use crate::catalogue::{NET_EVENTS, windows_error_in};
use crate::eventlog::{LogEvent, LogRecord, LogSummary};
use crate::evidence::{EventFault, EvidenceId, ExportProblem, Position};
use crate::time::Timestamp;
use crate::xml::Element;
use std::io::Read;

/// Reads a whole file, passes each event about IPsec to `sink` in the order of the file, and returns what the
/// file holds. Events have no numbers: they count from 1.
pub fn read(
    reader: &mut dyn Read,
    evidence: EvidenceId,
    sink: &mut impl FnMut(LogEvent),
) -> LogSummary {
    let (mut source, mark) = Source::new(reader);
    let mut export = Export::new(evidence, mark, sink);
    let mut splitter = EventSplitter::new(rules);
    let mut claimed = 0;
    while let Some(segment) = splitter.next(&mut source) {
        match segment {
            Segment::Event(length) => export.element(&mut source, length, fill),
            Segment::Between(length) => claimed += between(&mut export, &mut source, length),
            other => lost(&mut export, &mut source, other),
        }
    }
    if export.met < claimed {
        let kind = ExportProblem::EventsMissing { claimed, found: export.met };
        export.tally.problem(kind, None, Position::File);
    }
    export.finish(source)
}

/// Fills the record from one event.
pub(super) fn fill(record: &mut LogRecord, event: &Element) -> Result<(), EventFault> {
    let header = event.child("header").ok_or(EventFault::NoHeader)?;
    let kind = event.text_of("type");
    if kind.is_empty() {
        return Err(EventFault::NoType);
    }
    record.time = Timestamp::from_rfc3339(header.text_of("timeStamp"));
    "Microsoft-Windows-WFP".clone_into(&mut record.provider);
    NET_EVENTS.clone_into(&mut record.channel);
    record.named.push(("type".to_owned(), kind.to_owned()));
    let bodies = event.children.iter().filter(|child| BODIES.contains(&child.name.as_str()));
    let is_outbound = |body: &Element| body.text_of("direction").ends_with("OUTBOUND");
    let mut outbound = false;
    for part in [header].into_iter().chain(bodies) {
        outbound |= is_outbound(part);
        part.children.iter().for_each(|child| field(child, record));
    }
    if outbound && let Some(spi) = record.named.iter_mut().find(|row| row.0 == "SPI") {
        "OutboundSpi".clone_into(&mut spi.0);
    }
    record.event_id = number(kind, record.field("FailureReason"));
    Ok(())
}

/// Adds one value under the name, and in the numbers, of the audit events.
fn field(element: &Element, record: &mut LogRecord) {
    if !element.children.is_empty() {
        let nested: Vec<&str> = element.children.iter().map(|child| child.text.trim()).collect();
        return record.named.push((element.name.clone(), nested.join(" ")));
    }
    let (name, text) = (element.name.as_str(), element.text.trim());
    let name = NAMES.iter().find(|row| row.0 == name).map_or(name, |row| row.1);
    let value = VALUES.iter().find(|row| row.0 == text).map_or(text, |row| row.1);
    // INT32 is written as a signed number.
    let status: Option<i32> = value.parse().ok().filter(|status| *status < 0);
    let value = match status {
        Some(status) if name == "FailureReason" => format!("0x{:08X}", status.cast_unsigned()),
        _ => value.to_owned(),
    };
    record.named.push((name.to_owned(), value));
}

/// The number of the audit event with the same meaning.
fn number(kind: &str, failure: Option<&str>) -> u16 {
    let drop = || {
        let code = failure.and_then(windows_error_in).map(|error| error.code);
        DROPS.iter().find(|row| Some(row.0) == code).map_or(DROPPED, |row| row.1)
    };
    match kind.strip_prefix("FWPM_NET_EVENT_TYPE_") {
        Some("IKEEXT_MM_FAILURE") => 4653,
        Some("IKEEXT_QM_FAILURE") => 4654,
        Some("IKEEXT_EM_FAILURE") => 4984,
        Some("IPSEC_KERNEL_DROP") => drop(),
        _ => 0,
    }
}

/// Returns the number of events that the list claims to hold.
fn between(export: &mut Export<'_>, source: &mut Source<'_>, length: usize) -> u64 {
    let offset = source.offset();
    let text = source.window().get(..length).unwrap_or_default();
    let claimed = claimed(text).unwrap_or(0);
    let holds_an_event = find(text, b"FWPM_NET_EVENT_TYPE_").is_some();
    let bytes = source.consume(length);
    if holds_an_event {
        export.damaged(EventFault::NoBeginning, offset, bytes);
    } else {
        export.tally.cover("markup", bytes, 0);
    }
    claimed
}

/// The number in `<netEvents numItems="7">`.
pub(super) fn claimed(text: &[u8]) -> Option<u64> {
    let list = text.get(find(text, LIST)? + LIST.len()..)?;
    let tag = list.get(..find(list, b">")?)?;
    let count = tag.get(find(tag, b"numItems=")? + 10..)?;
    let digits = count.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(count.get(..digits)?).ok()?.parse().ok()
}

/// An item is an event where a header follows; lists inside events have items too.
fn rules(tag: &[u8]) -> Tag {
    item(tag, &[b"<header"], [b"<netEvent", b"</netEvent"])
}

const LIST: &[u8] = b"<netEvents";

/// The elements that describe one kind of event.
const BODIES: &[&str] = &["ikeMmFailure", "ikeQmFailure", "ikeEmFailure", "ipsecDrop"];

const NAMES: &[(&str, &str)] = &[
    ("localAddrV4", "LocalAddress"),
    ("localAddrV6", "LocalAddress"),
    ("localAddrV6.byteArray16", "LocalAddress"),
    ("remoteAddrV4", "RemoteAddress"),
    ("remoteAddrV6", "RemoteAddress"),
    ("remoteAddrV6.byteArray16", "RemoteAddress"),
    ("failureErrorCode", "FailureReason"),
    ("failureStatus", "FailureReason"),
    ("failurePoint", "FailurePoint"),
    ("keyingModuleType", "KeyModName"),
    ("saRole", "Role"),
    ("mmAuthMethod", "MMAuthMethod"),
    ("emAuthMethod", "EMAuthMethod"),
    ("mmId", "MMSAID"),
    ("spi", "SPI"),
];

/// Source: iketypes.h and ipsectypes.h.
const VALUES: &[(&str, &str)] = &[
    ("IPSEC_FAILURE_ME", "%%8199"),
    ("IPSEC_FAILURE_PEER", "%%8200"),
    ("IKEEXT_SA_ROLE_INITIATOR", "%%8205"),
    ("IKEEXT_SA_ROLE_RESPONDER", "%%8206"),
    ("IKEEXT_KEY_MODULE_IKE", "%%8222"),
    ("IKEEXT_KEY_MODULE_AUTHIP", "%%8223"),
    ("IKEEXT_KEY_MODULE_IKEV2", "%%8244"),
    ("IKEEXT_KERBEROS", "%%8192"),
    ("IKEEXT_PRESHARED_KEY", "%%8193"),
    ("IKEEXT_ANONYMOUS", "%%8224"),
    ("IKEEXT_NTLM_V2", "%%8225"),
    ("IKEEXT_IPV6_CGA", "%%8226"),
    ("IKEEXT_CERTIFICATE", "%%8227"),
    ("IKEEXT_SSL", "%%8228"),
    ("IKEEXT_CERTIFICATE_ECDSA_P256", "%%8238"),
    ("IKEEXT_CERTIFICATE_ECDSA_P384", "%%8239"),
    ("IKEEXT_SSL_ECDSA_P256", "%%8240"),
    ("IKEEXT_SSL_ECDSA_P384", "%%8241"),
    ("IKEEXT_EAP", "%%8247"),
];

/// Why the driver dropped a packet, and the audit event for it.
const DROPS: &[(u32, u16)] = &[(13910, 4965), (13913, 4961), (13915, 4960), (13916, 4963)];
/// Microsoft-Windows-WFP's own number.
const DROPPED: u16 = 1003;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Category, Reason};
    use crate::eventlog::{FailurePoint, KeyingModule, Role};
    use crate::evidence::ProblemCode;
    use crate::time::Resolution;

    fn item(kind: &str, body: &str) -> String {
        format!(
            "<item>\n\t<header>\n<timeStamp>2026-11-23T08:04:14.070Z</timeStamp>\
             <flags numItems=\"2\"><item>A</item><item>B</item></flags>\
             <ipVersion>FWP_IP_VERSION_V4</ipVersion>\
             <localAddrV4>10.0.0.1</localAddrV4><remoteAddrV4>10.0.0.2</remoteAddrV4>\
             <localPort>500</localPort><remotePort>500</remotePort></header>\
             <type>FWPM_NET_EVENT_TYPE_{kind}</type>{body}<internalFields><internalFlags/>\
             </internalFields></item>\n"
        )
    }

    const MAIN_MODE: &str = "<ikeMmFailure><failureErrorCode>13801</failureErrorCode>\
        <failurePoint>IPSEC_FAILURE_PEER</failurePoint><flags/>\
        <keyingModuleType>IKEEXT_KEY_MODULE_IKEV2</keyingModuleType>\
        <mmState>IKEEXT_MM_SA_STATE_SA_SENT</mmState><saRole>IKEEXT_SA_ROLE_INITIATOR</saRole>\
        <mmAuthMethod>IKEEXT_PRESHARED_KEY</mmAuthMethod><mmId>77</mmId></ikeMmFailure>";

    fn read(text: &str) -> (LogSummary, Vec<LogEvent>) {
        let mut events = Vec::new();
        let mut bytes = text.as_bytes();
        let summary = super::read(&mut bytes, EvidenceId(1), &mut |event| events.push(event));
        let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
        assert_eq!(covered, text.len() as u64, "{:?}", summary.coverage);
        (summary, events)
    }

    #[test]
    fn a_failure_and_drops_become_the_audits_that_say_the_same() {
        let drop = |status: &str| {
            let body = format!(
                "<ipsecDrop><failureStatus>{status}</failureStatus>\
                 <direction>FWP_DIRECTION_INBOUND</direction><spi>4660</spi></ipsecDrop>"
            );
            item("IPSEC_KERNEL_DROP", &body)
        };
        let text = format!(
            "<?xml version=\"1.0\"?>\n<netEvents numItems=\"5\">{}{}{}{}{}</netEvents>",
            item("IKEEXT_MM_FAILURE", MAIN_MODE),
            item("CLASSIFY_DROP", "<classifyDrop><filterId>1</filterId></classifyDrop>"),
            drop("-1070202873"),
            drop("0xC0360003"),
            drop("13915"),
        );
        let (summary, events) = read(&text);
        assert_eq!(summary.problems, []);
        assert_eq!(summary.records, 5);
        let known: Vec<_> = events.iter().map(|e| (e.record.record, e.event_id)).collect();
        assert_eq!(known, [(1, 4653), (3, 4963), (4, 1003), (5, 4960)]);
        let failed = &events[0];
        assert_eq!(failed.reason, Some(Reason::AuthenticationFailed));
        let logged = failed.negotiation().unwrap();
        assert_eq!(logged.failure_point, Some(FailurePoint::Remote));
        assert_eq!(
            (logged.role, logged.keying),
            (Some(Role::Initiator), Some(KeyingModule::IkeV2))
        );
        assert_eq!(failed.main_mode_sa(), Some(77));
        assert_eq!(failed.peer(), Some("10.0.0.2".parse().unwrap()));
        let time = failed.time.map(|time| time.rfc3339(Resolution::FILETIME));
        assert_eq!(time.as_deref(), Some("2026-11-23T08:04:14.0700000Z"));
        assert_eq!(events[1].entry.category, Category::CleartextObserved);
        assert_eq!(events[1].inbound_spi(), Some(4660));
        assert_eq!(events[3].reason, Some(Reason::IntegrityFailed));
    }

    #[test]
    fn an_event_without_its_end_or_beginning_costs_no_other_and_is_named() {
        let whole = item("IKEEXT_MM_FAILURE", MAIN_MODE);
        let endless = whole.replace("</internalFields></item>", "");
        let headless = whole.replace("<item>\n\t<header>", "<itex>");
        let text =
            format!("<netEvents numItems=\"4\">{whole}{endless}{whole}{headless}</netEvents>");
        let (summary, events) = read(&text);
        assert_eq!(events.len(), 2);
        let places: Vec<_> = summary.problems.iter().map(|p| (p.code(), p.offset)).collect();
        let second = (text.find(&endless).unwrap()) as u64;
        let last = text.find("\n<itex>").unwrap() as u64;
        let skipped = |at| (ProblemCode::Skipped, at);
        assert_eq!(places, [skipped(Some(second)), skipped(Some(last)), skipped(None)]);
    }
}
