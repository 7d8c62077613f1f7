//! The output of `netsh wfp show state` (wfpstate.xml): the SAs of a host, its TCP connections and whether each
//! is under an SA, its policies and filters of IPsec, and IPsec's counters. The wfpdiag.xml of `netsh wfp
//! capture` has two such states and the events between them.
//!
//! `</wfpstate>` is followed by a second root, `<firewallState>`, which is skipped like the layers, providers
//! and other filters. SAs have no time of their own, so they have none here: `StateTime` is when the state was
//! collected.
//!
//! Source: two real files for connections and counters; for SAs, IPSEC_SA_CONTEXT1, IPSEC_SA_DETAILS1 and
//! IPSEC_SA_BUNDLE1 of ipsectypes.h, whose members the file names.

use super::policies;
use crate::catalogue::{
    CONNECTION_UNDER_SA, CONNECTION_WITHOUT_SA, IKE_SA_NOW, IPSEC_COUNTERS, IPSEC_FILTER_NOW,
    IPSEC_SA_NOW, POLICY_NOW, SA_STATE,
};
use crate::eventlog::text::Export;
use crate::eventlog::text::event_splitter::{EventSplitter, Tag, find, is_named, item};
use crate::eventlog::text::netevents;
use crate::eventlog::text::source::Source;
use crate::eventlog::text::splitting::{Segment, Splitter};
use crate::eventlog::text::xml::{lost, text_at};
use crate::eventlog::{LogEvent, LogRecord, LogSummary};
use crate::evidence::{EvidenceId, ExportProblem, LogTimeProblem, Position};
use crate::time::Timestamp;
use crate::xml::Element;
use std::io::Read;
use std::net::IpAddr;

/// Reads a whole file, passes each SA, connection and set of counters to `sink` in the order of the file, and
/// returns what the file holds. They count from 1. Only the first connections are passed on; the number of the
/// others is reported.
pub fn read(
    reader: &mut dyn Read,
    evidence: EvidenceId,
    sink: &mut impl FnMut(LogEvent),
) -> LogSummary {
    let (mut source, mark) = Source::new(reader);
    let mut state = State {
        export: Export::new(evidence, mark, sink),
        time: String::new(),
        which: "",
        events: 0,
        claimed: 0,
        connections: 0,
        unlisted: 0,
        filters: 0,
        unread: 0,
    };
    let mut splitter = EventSplitter::new(rules);
    while let Some(segment) = splitter.next(&mut source) {
        match segment {
            Segment::Event(length) => state.item(&mut source, length),
            Segment::Between(length) => state.between(&mut source, length),
            other => {
                state.unread += 1;
                lost(&mut state.export, &mut source, other);
            }
        }
    }
    state.finish(source)
}

struct State<'s> {
    export: Export<'s>,
    /// When the state was collected, from the file.
    time: String,
    /// Which of two states it is; empty where the file has one.
    which: &'static str,
    /// Events of the filtering platform, and the number that the file claims.
    events: u64,
    claimed: u64,
    connections: u64,
    unlisted: u64,
    /// All filters of this state, and its items that could not be read.
    filters: u64,
    unread: u64,
}

impl State<'_> {
    /// The text between items: the rest of the state, and the time at its beginning.
    fn between(&mut self, source: &mut Source<'_>, length: usize) {
        let text = source.window().get(..length).unwrap_or_default();
        for (tag, which) in [(&b"<initialState"[..], "initial"), (b"<finalState", "final")] {
            if find(text, tag).is_some() {
                self.which = which;
                (self.filters, self.unread) = (0, 0);
            }
        }
        if let Some(at) = find(text, TIME) {
            let rest = text.get(at + TIME.len()..).unwrap_or_default();
            let end = find(rest, b"<").unwrap_or(0);
            self.time = String::from_utf8_lossy(rest.get(..end.min(40)).unwrap_or_default()).into();
        }
        self.claimed += netevents::claimed(text).unwrap_or(0);
        let bytes = source.consume(length);
        self.export.tally.cover("markup", bytes, 0);
    }

    fn item(&mut self, source: &mut Source<'_>, length: usize) {
        let offset = source.offset();
        let (text, is_sound) = text_at(source, length);
        let parsed = Element::parse(&text);
        drop(text);
        let bytes = source.consume(length);
        let element = match parsed {
            Ok(element) => element,
            Err(error) => {
                self.unread += 1;
                return self.export.damaged(error.into(), offset, bytes);
            }
        };
        self.filters += u64::from(element.child("filterKey").is_some());
        if element.child("header").is_some() {
            return self.event(&element, is_sound, (offset, bytes));
        }
        let mut record = self.export.blank();
        SA_STATE.clone_into(&mut record.provider);
        SA_STATE.clone_into(&mut record.channel);
        let time = Timestamp::from_rfc3339(&self.time);
        if element.child("inboundSa").is_some() || element.child("outboundSa").is_some() {
            context(&mut record, &element);
        } else if element.child("cookiePair").is_some() {
            ike_sa(&mut record, &element);
        } else if element.name == "ipsecStatistics" {
            record.event_id = IPSEC_COUNTERS;
            record.time = time;
            counters(&mut record, &element);
            // Without these, that a state lists no filter would prove nothing.
            for (name, count) in [("FiltersListed", self.filters), ("ItemsUnread", self.unread)] {
                record.named.push((name.to_owned(), count.to_string()));
            }
        } else if let Some(fields) = policies::policy(&element) {
            (record.event_id, record.time, record.named) = (POLICY_NOW, time, fields);
        } else if let Some(fields) = policies::filter(&element) {
            (record.event_id, record.time, record.named) = (IPSEC_FILTER_NOW, time, fields);
        } else {
            record.time = time;
            if !self.connection(&mut record, &element) {
                self.export.met -= 1;
                return self.export.tally.cover("markup", bytes, 0);
            }
        }
        if !is_sound {
            self.export.not_text(offset, record.record.record);
        }
        record.named.push(("StateTime".to_owned(), self.time.clone()));
        if !self.which.is_empty() {
            record.named.push(("State".to_owned(), self.which.to_owned()));
        }
        let event = self.export.event_of(&record, offset, bytes);
        event.into_iter().for_each(|event| (self.export.sink)(event));
    }

    /// An event between the two states of a wfpdiag.xml.
    fn event(&mut self, element: &Element, is_sound: bool, (offset, bytes): (u64, u64)) {
        self.events += 1;
        let mut record = self.export.blank();
        if let Err(why) = netevents::fill(&mut record, element) {
            return self.export.damaged(why, offset, bytes);
        }
        if !is_sound {
            self.export.not_text(offset, record.record.record);
        }
        self.export.record(&record, offset, bytes);
    }

    /// A connection from the host; `false` for any other, and beyond the bound.
    fn connection(&mut self, record: &mut LogRecord, element: &Element) -> bool {
        let address = |names: [&str; 2]| {
            let texts = names.into_iter().map(|name| address(element, name));
            texts.flatten().next()
        };
        let local = address(["localV4Address", "localV6Address"]);
        let peer = address(["remoteV4Address", "remoteV6Address"]);
        let (Some(local), Some(peer)) = (local, peer) else { return false };
        if local.is_loopback() || peer.is_loopback() {
            return false;
        }
        if self.connections >= MOST_CONNECTIONS {
            self.unlisted += 1;
            return false;
        }
        self.connections += 1;
        let is_under_sa = !matches!(element.text_of("qmSaId"), "" | "0");
        record.event_id = if is_under_sa { CONNECTION_UNDER_SA } else { CONNECTION_WITHOUT_SA };
        let mut add =
            |name: &str, value: &str| record.named.push((name.to_owned(), value.to_owned()));
        add("LocalAddress", &local.to_string());
        add("LocalPort", element.text_of("localPort"));
        add("RemoteAddress", &peer.to_string());
        add("RemotePort", element.text_of("remotePort"));
        add("Protocol", element.text_of("ipProtocol"));
        add("MainModeSaId", element.text_of("mmSaId"));
        add("QuickModeSaId", element.text_of("qmSaId"));
        true
    }

    fn finish(mut self, source: Source<'_>) -> LogSummary {
        if self.events < self.claimed {
            let (claimed, found) = (self.claimed, self.events);
            let kind = ExportProblem::EventsMissing { claimed, found };
            self.export.tally.problem(kind, None, Position::File);
        }
        if Timestamp::from_rfc3339(&self.time).is_none() {
            let kind = LogTimeProblem::StateWithoutTime;
            self.export.tally.problem(kind, None, Position::File);
        }
        if self.unlisted > 0 {
            let (more, listed) = (self.unlisted, MOST_CONNECTIONS);
            let kind = ExportProblem::UnlistedConnections { more, listed };
            self.export.tally.problem(kind, None, Position::File);
        }
        self.export.is_of_one_moment = true;
        self.export.finish(source)
    }
}

/// An SA of either direction.
fn context(record: &mut LogRecord, element: &Element) {
    record.event_id = IPSEC_SA_NOW;
    let mut add = |name: &str, value: String| record.named.push((name.to_owned(), value));
    let sides = ["inboundSa", "outboundSa"].map(|name| element.child(name));
    let Some(first) = sides.into_iter().flatten().next() else { return };
    let Some(traffic) = first.child("traffic") else { return };
    let is_tunnel = traffic.text_of("trafficType").contains("TUNNEL");
    let names = [("local", "LocalAddress"), ("remote", "RemoteAddress")];
    for (side, name) in names {
        let texts =
            ["V4Address", "V6Address"].map(|kind| address(traffic, &format!("{side}{kind}")));
        if let Some(address) = texts.into_iter().flatten().next() {
            add(name, address.to_string());
        }
    }
    for (side, name) in sides.into_iter().zip(["InboundSpi", "OutboundSpi"]) {
        let bundle = side.and_then(|side| side.child("saBundle"));
        let list = bundle.and_then(|bundle| bundle.child("saList"));
        let spi = list.and_then(|list| list.child("item")).map(|item| item.text_of("spi"));
        if let Some(spi) = spi.and_then(|spi| spi.trim().parse::<u32>().ok()) {
            add(name, format!("0x{spi:08x}"));
        }
    }
    let bundle = first.child("saBundle");
    let transform = bundle
        .and_then(|bundle| bundle.child("saList"))
        .and_then(|list| list.child("item"))
        .map_or("", |item| item.text_of("saTransformType"));
    let of_bundle = |name: &str| bundle.map_or("", |bundle| bundle.text_of(name)).to_owned();
    add("MainModeSaId", of_bundle("mmSaId"));
    add("QuickModeSaId", of_bundle("qmSaId"));
    add("SaContextId", element.text_of("saContextId").to_owned());
    add("Mode", if is_tunnel { "tunnel" } else { "transport" }.to_owned());
    add("SaTransformType", transform.to_owned());
    add("NdAllowClearTimeoutSeconds", of_bundle("ndAllowClearTimeoutSeconds"));
}

/// An SA of IKE (IKEEXT_SA_DETAILS1).
fn ike_sa(record: &mut LogRecord, element: &Element) {
    record.event_id = IKE_SA_NOW;
    let mut add = |name: &str, value: String| record.named.push((name.to_owned(), value));
    let traffic = element.child("ikeTraffic");
    for (side, name) in [("local", "LocalAddress"), ("remote", "RemoteAddress")] {
        let texts = ["V4Address", "V6Address"].map(|kind| format!("{side}{kind}"));
        let found = texts.iter().filter_map(|text| address(traffic?, text)).next();
        if let Some(address) = found {
            add(name, address.to_string());
        }
    }
    // 64-bit numbers; the order of their bytes is not documented.
    for (member, name) in [("initiator", "InitiatorCookie"), ("responder", "ResponderCookie")] {
        let cookie = element.at(&["cookiePair", member]).map_or("", |cookie| cookie.text.trim());
        if let Ok(cookie) = cookie.parse::<u64>() {
            add(name, format!("{cookie:016x}"));
        }
    }
    add("MainModeSaId", element.text_of("saId").to_owned());
    add("KeyModuleType", element.text_of("keyModuleType").to_owned());
}

/// Every counter, by its name in the file.
fn counters(record: &mut LogRecord, element: &Element) {
    for group in &element.children {
        for counter in group.children.iter().filter(|counter| counter.children.is_empty()) {
            record.named.push((counter.name.clone(), counter.text.trim().to_owned()));
        }
    }
}

/// A valid address, also in the form that IPv6 addresses have in net events.
fn address(element: &Element, name: &str) -> Option<IpAddr> {
    let address: IpAddr = element.text_of(name).trim().parse().ok()?;
    (!address.is_unspecified()).then_some(address)
}

/// An item is an SA, a connection, a policy, a filter or an event by its first element; it contains lists with
/// items too.
fn rules(tag: &[u8]) -> Tag {
    if is_named(tag, b"<netEvent") {
        Tag::Begin
    } else if is_named(tag, b"</netEvent") {
        Tag::Close
    } else {
        item(tag, FIRST, [b"<ipsecStatistics", b"</ipsecStatistics"])
    }
}

const FIRST: &[&[u8]] =
    &[b"<saContextId", b"<saId", b"<endpointId", b"<providerContextKey", b"<filterKey", b"<header"];
const TIME: &[u8] = b"<timeStamp>";
/// A host with more is a server; the number is reported.
const MOST_CONNECTIONS: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = "\u{feff}<?xml version=\"1.0\"?>\n<wfpstate>\n<timeStamp>2026-11-23T08:05:30.250Z</timeStamp>\n<layers numItems=\"1\"><item><filters><item>x</item></filters></item></layers>\n<ipsecSaContexts numItems=\"1\"><item>\n<saContextId>9</saContextId><inboundSa><traffic><localV4Address>10.0.0.1</localV4Address><remoteV4Address>10.0.0.2</remoteV4Address><trafficType>IPSEC_TRAFFIC_TYPE_TRANSPORT</trafficType></traffic><saBundle><qmSaId>7</qmSaId><saList><item><spi>3395431761</spi><saTransformType>IPSEC_TRANSFORM_ESP_AUTH_AND_CIPHER</saTransformType></item></saList><mmSaId>412</mmSaId></saBundle></inboundSa><outboundSa><traffic/><saBundle><saList><item><spi>2864434397</spi></item></saList></saBundle></outboundSa></item></ipsecSaContexts>\n<aleConnectedEndpoints numItems=\"3\"><item><endpointId>1</endpointId><localV4Address>10.0.0.1</localV4Address><remoteV4Address>10.0.0.2</remoteV4Address><qmSaId>7</qmSaId></item><item><endpointId>2</endpointId><localV4Address>10.0.0.1</localV4Address><remoteV4Address>10.0.0.3</remoteV4Address><qmSaId>0</qmSaId></item><item><endpointId>3</endpointId><localV4Address>127.0.0.1</localV4Address><remoteV4Address>127.0.0.1</remoteV4Address><qmSaId>0</qmSaId></item></aleConnectedEndpoints>\n<ipsecStatistics><aggregateDropPacketStatistics><invalidClearTextInbound>17</invalidClearTextInbound></aggregateDropPacketStatistics></ipsecStatistics></wfpstate>\n<firewallState><x/></firewallState>\n";

    fn read(text: &[u8]) -> (LogSummary, Vec<LogEvent>) {
        let mut events = Vec::new();
        let summary = super::read(&mut { text }, EvidenceId(1), &mut |event| events.push(event));
        let covered: u64 = summary.coverage.values().map(|extent| extent.bytes).sum();
        assert_eq!(covered, text.len() as u64);
        (summary, events)
    }

    #[test]
    fn sas_connections_and_counters_of_one_moment() {
        let (summary, events) = read(STATE.as_bytes());
        assert_eq!(summary.problems, []);
        let numbers: Vec<u16> = events.iter().map(|event| event.event_id).collect();
        let all = [IPSEC_SA_NOW, CONNECTION_UNDER_SA, CONNECTION_WITHOUT_SA, IPSEC_COUNTERS];
        assert_eq!(numbers, all);
        let sa = &events[0];
        assert_eq!((sa.inbound_spi(), sa.outbound_spi()), (Some(0xca62_2d51), Some(0xaabb_ccdd)));
        assert_eq!((sa.main_mode_sa(), sa.time), (Some(412), None));
        assert!(events[2].fields.contains(&("RemoteAddress".into(), "10.0.0.3".into())));
        assert!(events[2].time.is_some());
        assert!(events[3].fields.contains(&("invalidClearTextInbound".into(), "17".into())));
    }

    proptest::proptest! {
        #[test]
        fn cut_or_changed_anywhere_the_bytes_add_up(at in 3..STATE.len(), byte: u8, cut: bool) {
            let mut bytes = STATE.as_bytes().to_vec();
            bytes[at] = byte;
            if cut {
                bytes.truncate(at);
            }
            read(&bytes);
        }
    }
}
