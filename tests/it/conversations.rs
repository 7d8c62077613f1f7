//! What whole conversations show: applications on any port, TLS names, lost bytes, encryption by
//! the network card.

use crate::support::evtx_builder::{Body, Event, Scalar, evtx};
use crate::support::pcapng::{Order, pcap};
use crate::support::truth::report;
use crate::support::{ike_builder::write, numbers::Numbers};
use etherparse::PacketBuilder;
use plainsight::policy::Policy;
use plainsight::report::schema::Report;

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];
const MICROSECONDS: u32 = 0xa1b2_c3d4;

fn report_of(frames: &[Vec<u8>]) -> Report {
    let at = |n: u32| (1_700_000_000 + n / 100, n % 100 * 10_000);
    let timed: Vec<_> =
        (0u32..).zip(frames).map(|(n, frame)| (at(n).0, at(n).1, frame.as_slice())).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.pcap");
    write(&path, &pcap(Order::Little, MICROSECONDS, &timed));
    report(vec![path], Policy::default())
}

/// A connection to a port of the server, segment by segment.
struct Connection {
    port: u16,
    hosts: [[u8; 4]; 2],
    sent: [u32; 2],
    frames: Vec<Vec<u8>>,
}

impl Connection {
    fn to(port: u16) -> Self {
        Self { port, hosts: [CLIENT, SERVER], sent: [1000, 90_000], frames: Vec::new() }
    }

    /// A segment of the client (0) or the server (1).
    fn says(&mut self, side: usize, payload: &[u8]) -> &mut Self {
        let frame = self.segment(side, payload);
        self.frames.push(frame);
        self
    }

    /// One that the capture does not hold.
    fn loses(&mut self, side: usize, payload: &[u8]) -> &mut Self {
        self.segment(side, payload);
        self
    }

    fn segment(&mut self, side: usize, payload: &[u8]) -> Vec<u8> {
        let (from, to) = (self.hosts[side], self.hosts[1 - side]);
        let (source, destination) =
            if side == 0 { (50_000, self.port) } else { (self.port, 50_000) };
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4(from, to, 64)
            .tcp(source, destination, self.sent[side], 8192)
            .ack(self.sent[1 - side]);
        let mut frame = Vec::new();
        builder.write(&mut frame, payload).unwrap();
        self.sent[side] += u32::try_from(payload.len()).unwrap();
        frame
    }
}

fn client_hello(name: &[u8]) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap();
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([
        0,
        0,
        2,
        0x13,
        1,
        1,
        0,
        0,
        length + 9,
        0,
        0,
        0,
        length + 5,
        0,
        length + 3,
        0,
        0,
        length,
    ]);
    body.extend(name);
    handshake(1, &body)
}

fn server_hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([8; 32]);
    body.extend([0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4]);
    handshake(2, &body)
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).unwrap();
    [&[22, 3, 1, 0, length + 4, kind, 0, 0, length][..], body].concat()
}

#[test]
fn a_tls_connection_on_any_port_is_reported_to_its_end() {
    let mut connection = Connection::to(9999);
    connection.says(0, &client_hello(b"Files.example")).says(1, &server_hello());
    // What goes on inside a record shows no header of its own.
    connection.says(1, &[0xaa; 900]).says(0, &[0x55; 300]);
    let report = report_of(&connection.frames);
    assert_eq!(report.totals.by_app["tls"].frames, 4);
    let [server] = report.pairs[0].tls.as_slice() else { panic!("one server") };
    assert_eq!(server.server_name.as_deref(), Some("files.example"));
    assert_eq!(server.versions, ["TLS 1.3"]);
    assert_eq!((server.hellos, server.first.frame), (2, 1));
}

#[test]
fn content_goes_before_ports() {
    let mut web = Connection::to(445);
    web.says(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").says(1, b"HTTP/1.1 200 OK\r\n\r\n");
    web.says(1, b"\xde\xad\xbe\xef and so on");
    let report = report_of(&web.frames);
    assert_eq!(report.totals.by_app.keys().collect::<Vec<_>>(), ["http"]);
    assert_eq!(report.totals.by_app["http"].frames, 3);
}

#[test]
fn bytes_that_were_acknowledged_and_not_captured_are_reported() {
    let finding = |connection: &mut Connection| {
        let report = report_of(&connection.frames);
        let reported = report.findings.iter().find(|finding| finding.code == "tcp_gaps");
        reported.map(|finding| finding.title.clone())
    };
    let mut whole = Connection::to(80);
    whole.says(0, b"GET / HTTP/1.1\r\n\r\n").says(1, &[1; 1000]).says(0, b"").says(1, &[2; 9]);
    assert_eq!(finding(&mut whole), None);
    let mut to_itself = Connection::to(80);
    to_itself.hosts = [CLIENT, CLIENT];
    to_itself.says(0, b"GET / HTTP/1.1\r\n\r\n").says(1, &[1; 1000]).says(0, b"").says(1, &[2; 9]);
    assert_eq!(finding(&mut to_itself), None);
    let mut lossy = Connection::to(80);
    lossy.says(0, b"GET / HTTP/1.1\r\n\r\n").says(1, &[1; 1000]).loses(1, &[2; 1400]);
    lossy.says(1, &[3; 100]).says(0, b"");
    let title = finding(&mut lossy).unwrap();
    assert!(title.contains("1,400 acknowledged TCP bytes"), "{title}");
}

/// A client that sends in clear, and a server that answers under ESP.
fn one_sided(finished: bool) -> Vec<Vec<u8>> {
    let mut any = Numbers(42);
    let mut connection = Connection::to(445);
    let mut frames = Vec::new();
    for n in 0..40u32 {
        let mut segment = connection.segment(0, &[n.to_le_bytes()[0]; 200]);
        if !finished {
            // RFC 9293 §3.1: the pseudo header's sum, as it is handed to the card.
            let sum = 0x0a00 + 1 + 0x0a00 + 2 + 6 + 220_u16;
            segment[50..52].copy_from_slice(&sum.to_be_bytes());
        }
        frames.push(segment);
        let mut esp = vec![0x11, 0x22, 0x33, 0x44];
        esp.extend((n + 1).to_be_bytes());
        esp.extend((0..120).map(|_| any.below(256).to_le_bytes()[0]));
        let mut answer = Vec::new();
        let builder = PacketBuilder::ethernet2([4; 6], [2; 6]).ipv4(SERVER, CLIENT, 64);
        builder.write(&mut answer, etherparse::IpNumber(50), &esp).unwrap();
        frames.push(answer);
    }
    frames
}

#[test]
fn what_a_network_card_has_still_to_encrypt_is_no_leak() {
    let report = report_of(&one_sided(false));
    assert_eq!(report.windows.len(), 0);
    assert_eq!(report.totals.artefacts["before_encryption"].frames, 40);
    assert_eq!(report.evidence[0].vantage.as_deref(), Some("host"));
    let reported = report.findings.iter().find(|f| f.code == "before_encryption").unwrap();
    assert_eq!((reported.severity.as_str(), reported.confidence.as_str()), ("low", "medium"));
}

#[test]
fn a_logs_word_for_integrity_alone_counts_though_no_packet_shows_it() {
    // 2023-11-14T22:13:20Z, when the frames begin.
    const THEN: u64 = 133_444_736_000_000_000;
    let said = |text: &str| Scalar::Text(text.to_owned());
    let up = |cipher: &str, spi: u64| Event {
        provider: "Microsoft-Windows-Security-Auditing",
        channel: "Security",
        computer: "WS01".to_owned(),
        event_id: 5451,
        qualifiers: None,
        version: 1,
        task: 12_549,
        keywords: 0x8020_0000_0000_0000,
        time: THEN,
        record: 1,
        body: Body::EventData(
            vec![
                ("LocalAddress", said("10.0.0.1")),
                ("LocalTunnelEndpoint", said("-")),
                ("RemoteAddress", said("10.0.0.2")),
                ("RemoteTunnelEndpoint", said("-")),
                ("AhAuthType", said("-")),
                ("EspAuthType", said("%%16400")),
                ("CipherType", said(cipher)),
                ("InboundSpi", Scalar::U64(spi)),
                ("OutboundSpi", Scalar::U64(7)),
            ],
            None,
        ),
    };
    let class_of = |event: Event| {
        let folder = tempfile::tempdir().unwrap();
        let (log, capture) = (folder.path().join("a.evtx"), folder.path().join("b.pcap"));
        write(&log, &evtx(&[event]));
        let frames = one_sided(true);
        let esp: Vec<_> = frames.iter().filter(|frame| frame[23] == 50).collect();
        let timed: Vec<_> = esp.iter().map(|frame| (1_700_000_000, 0, frame.as_slice())).collect();
        write(&capture, &pcap(Order::Little, MICROSECONDS, &timed));
        let by_class = report(vec![log, capture], Policy::default()).totals.by_class;
        (by_class.esp.frames, by_class.esp_null.frames)
    };
    assert_eq!(class_of(up("%%8229", 0x1122_3344)), (0, 40));
    assert_eq!(class_of(up("-", 0x4433_2211)), (0, 40), "in the other byte order");
    assert_eq!(class_of(up("%%16395", 0x1122_3344)), (40, 0), "a cipher");
    assert_eq!(class_of(up("-", 0x1122_3345)), (40, 0), "another SPI");
}

#[test]
fn what_left_its_host_in_clear_is_a_leak_though_answers_are_protected() {
    let report = report_of(&one_sided(true));
    assert!(report.totals.artefacts.is_empty());
    assert_eq!(report.windows.iter().map(|w| w.frames).sum::<u64>(), 40);
}
