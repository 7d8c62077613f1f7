//! Two hosts, what they send and what they write: the stage on which stories are played.

use super::super::ike_builder::Message;
use super::dice::Dice;
use super::host::{Era, Host, Written};
use super::wire::{self, MS, Nanos, SECOND, Sent, Under, What};
use plainsight::catalogue::Reason;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// How the hosts authenticate, and under which version of IKE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keying {
    pub(crate) version: u8,
    /// As Windows writes it: `%%8193` key, `%%8194` certificate, `%%8195` Kerberos.
    pub(crate) method: &'static str,
}

/// A service that clear traffic belongs to: protocol and the server's port.
pub(crate) type Service = (u8, u16);

/// What a story says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    /// What really happened; a decisive record with a known time proves it.
    pub(crate) truth: Reason,
    /// What the packets alone allow to be said first.
    pub(crate) by_wire: Vec<Reason>,
    /// What else the words of the logs allow to be said first.
    pub(crate) by_log: Vec<Reason>,
    /// What is left to be said where frames are lost that show the negotiation.
    pub(crate) by_loss: Vec<Reason>,
    /// What else is true of it, though it is not the first thing to say.
    pub(crate) beside: Vec<Reason>,
    /// What opened the window, where that is not what is said first.
    pub(crate) opened: Option<Role>,
    /// What kept it open, where that is not what is said first.
    pub(crate) kept: Option<Role>,
}

/// What may be said of one role; `Unknown` is nothing.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) truth: Reason,
    pub(crate) by_wire: Vec<Reason>,
}

impl Role {
    /// The logs prove the truth; the packets alone allow these.
    pub(crate) fn expected(truth: Reason, by_wire: &[Reason]) -> Self {
        Self { truth, by_wire: by_wire.to_vec() }
    }

    /// Nothing that lasted: what happened was over as the window opened.
    pub(crate) fn nothing() -> Self {
        Self::expected(Reason::Unknown, &[Reason::Unknown])
    }
}

impl Label {
    /// The packets alone prove it.
    pub(crate) fn shown(truth: Reason) -> Self {
        Self::expected(truth, &[truth])
    }

    /// The logs prove it; the packets alone allow these.
    pub(crate) fn expected(truth: Reason, by_wire: &[Reason]) -> Self {
        let by_wire = by_wire.to_vec();
        let (by_log, by_loss, beside) = (Vec::new(), Vec::new(), Vec::new());
        Self { truth, by_wire, by_log, by_loss, beside, opened: None, kept: None }
    }
}

/// The stage.
pub(crate) struct Scene {
    pub(crate) dice: Dice,
    pub(crate) era: Era,
    pub(crate) keying: Keying,
    /// 0 and 1 are the two the story is about.
    pub(crate) hosts: Vec<Host>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) start: Nanos,
    /// Where the story is.
    pub(crate) now: Nanos,
    /// Windows writes SPIs in the order of this machine or of the network.
    pub(crate) swaps_spis: bool,
    /// The port that a NAT gives the first host in place of 500 and 4500.
    pub(crate) mapped: Option<u16>,
    /// policy.toml; without it what is required is inferred.
    pub(crate) policy: Option<String>,
    /// What happened in the scene beside the story's cause.
    pub(crate) happened: BTreeSet<Reason>,
    /// IKEv2 encrypts with AES-GCM, whose sizes show what a message is; else with AES-CBC.
    pub(crate) gcm: bool,
    /// Liveness checks were sent under some SA.
    pub(crate) checks: bool,
    /// Message IDs of IKEv2 that were used, by initiator's cookie and sender.
    pub(crate) ids: BTreeMap<(u64, usize), u32>,
    sequences: BTreeMap<u32, u32>,
}

impl Scene {
    pub(crate) fn new(mut dice: Dice, era: Era) -> Self {
        let start = (1_700_000_000 + dice.between(0, 80_000_000)) * SECOND;
        let versions: &[u8] = if era == Era::Legacy { &[1] } else { &[1, 2, 2] };
        let keying = Keying { version: dice.pick(versions), method: "%%8193" };
        let third = u8::try_from(dice.between(1, 200)).unwrap();
        let address = |last| IpAddr::from([10, 20, third, last]);
        let hosts = vec![Host::new("WS01", address(11)), Host::new("FS01", address(20))];
        let swaps_spis = dice.chance(50);
        let gcm = dice.chance(30);
        Self {
            dice,
            era,
            keying,
            hosts,
            sent: Vec::new(),
            start,
            now: start,
            swaps_spis,
            mapped: None,
            policy: None,
            happened: BTreeSet::new(),
            gcm,
            checks: false,
            ids: BTreeMap::new(),
            sequences: BTreeMap::new(),
        }
    }

    /// Demands protection of everything between the two.
    pub(crate) fn demand(&mut self) {
        let (one, other) = (self.outside(0), self.outside(1));
        self.policy = Some(format!("[[protect]]\nbetween = [\"{one}\", \"{other}\"]\n"));
    }

    pub(crate) fn outside(&self, host: usize) -> IpAddr {
        self.hosts[host].outside
    }

    pub(crate) fn is_translated(&self) -> bool {
        self.hosts.iter().any(Host::is_behind_nat)
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, least: Nanos, most: Nanos) {
        self.now += self.dice.between(least, most);
    }

    pub(crate) fn send(&mut self, at: Nanos, ends: (IpAddr, IpAddr), what: What, bytes: Vec<u8>) {
        let (is_key, under) = (false, Under::Nothing);
        self.sent.push(Sent { at, ends, what, is_key, under, bytes });
    }

    /// Puts a record into a host's log.
    pub(crate) fn log(&mut self, host: usize, at: Nanos, written: Written) {
        self.hosts[host].book.push(Written { at, ..written });
    }

    /// The same, of a record that shows the cause.
    pub(crate) fn log_cause(&mut self, host: usize, at: Nanos, written: Written) {
        self.log(host, at, Written { is_decisive: true, ..written });
    }

    /// The port of IKE (500) or of its encapsulation (4500) that the wire shows for a host.
    fn port(&self, host: usize, port: u16) -> u16 {
        let mapped = self.mapped.filter(|_| self.hosts[host].is_behind_nat());
        mapped.map_or(port, |mapped| mapped + u16::from(port == 4500))
    }

    /// An IKE message from one host to another; `floats` once both know of a NAT (RFC 7296 §2.23).
    pub(crate) fn ike(&mut self, at: Nanos, ends: (usize, usize), message: &Message, floats: bool) {
        let port = if floats && self.is_translated() { 4500 } else { 500 };
        let end = |host| SocketAddr::new(self.outside(host), self.port(host, port));
        let (from, to) = (end(ends.0), end(ends.1));
        let marker: &[u8] = if port == 4500 { &[0; 4] } else { &[] };
        let bytes = [marker, &message.bytes()].concat();
        let frame = wire::datagram(from, to, &bytes, &mut self.dice);
        self.sent.push(Sent {
            at,
            ends: (from.ip(), to.ip()),
            what: What::Other,
            is_key: true,
            under: Under::Cookie(message.initiator_spi),
            bytes: frame,
        });
    }

    /// One byte 0xff through the translator.
    pub(crate) fn keepalive(&mut self, at: Nanos) {
        let end = |host| SocketAddr::new(self.outside(host), self.port(host, 4500));
        let (from, to) = (end(0), end(1));
        let frame = wire::datagram(from, to, &[0xff], &mut self.dice);
        self.send(at, (from.ip(), to.ip()), What::Other, frame);
    }

    /// A packet under ESP, in UDP where a NAT lies between (RFC 3948).
    pub(crate) fn esp(&mut self, at: Nanos, ends: (usize, usize), spi: u32) {
        let sequence = self.sequences.entry(spi).or_insert(0);
        *sequence += 1;
        let sequence = *sequence;
        let addresses = (self.outside(ends.0), self.outside(ends.1));
        let bytes = if self.is_translated() {
            let end = |host| SocketAddr::new(self.outside(host), self.port(host, 4500));
            let (from, to) = (end(ends.0), end(ends.1));
            let packet = wire::esp_packet(spi, sequence, &mut self.dice);
            wire::datagram(from, to, &packet, &mut self.dice)
        } else {
            wire::esp(addresses.0, addresses.1, spi, sequence, &mut self.dice)
        };
        let (is_key, under) = (false, Under::Spi(spi));
        let what = What::Protected;
        self.sent.push(Sent { at, ends: addresses, what, is_key, under, bytes });
    }

    /// A clear packet of a service, to the server (`ends.1`) or, where `back`, from it.
    pub(crate) fn clear(
        &mut self,
        at: Nanos,
        ends: (IpAddr, IpAddr),
        service: Service,
        back: bool,
        what: What,
    ) {
        let client = SocketAddr::new(ends.0, 49_152 + service.1 % 1000);
        let server = SocketAddr::new(ends.1, service.1);
        let (from, to) = if back { (server, client) } else { (client, server) };
        let length = usize::try_from(self.dice.between(20, 300)).unwrap();
        let payload = vec![0x2e; length];
        let bytes = match service {
            (6, _) => wire::segment(from, to, &payload, &mut self.dice),
            (47, _) => wire::gre(from.ip(), to.ip(), &payload, &mut self.dice),
            (17, 1701) => wire::datagram(from, to, &wire::l2tp(&payload), &mut self.dice),
            _ => wire::datagram(from, to, &payload, &mut self.dice),
        };
        self.send(at, (from.ip(), to.ip()), what, bytes);
    }

    /// Clear traffic of the two from `now` on, for so long. Moves `now`.
    pub(crate) fn talk_in_clear(&mut self, length: Nanos, service: Service) {
        let ends = (self.outside(0), self.outside(1));
        self.chatter(length, ends, service, What::Required);
    }

    /// Clear traffic between any two addresses. Moves `now`.
    pub(crate) fn chatter(
        &mut self,
        length: Nanos,
        ends: (IpAddr, IpAddr),
        service: Service,
        what: What,
    ) {
        let until = self.now + length;
        let pause = self.pause(length);
        while self.now < until {
            let back = self.dice.chance(50);
            self.clear(self.now, ends, service, back, what);
            self.wait(pause / 5, pause * 2);
        }
    }

    /// Traffic under ESP for so long. Moves `now`.
    pub(crate) fn talk_under(&mut self, length: Nanos, spis: [u32; 2], ends: (usize, usize)) {
        let until = self.now + length;
        let pause = self.pause(length);
        while self.now < until {
            if self.dice.chance(50) {
                self.esp(self.now, ends, spis[1]);
            } else {
                self.esp(self.now, (ends.1, ends.0), spis[0]);
            }
            self.wait(pause / 5, pause * 2);
        }
    }

    /// Some 80 packets a stretch, and no silence that would end a window.
    fn pause(&mut self, length: Nanos) -> Nanos {
        (length / 80).clamp(20 * MS, 4 * SECOND)
    }

    /// A length of time.
    pub(crate) fn seconds(&mut self, least: i64, most: i64) -> Nanos {
        self.dice.between(least * SECOND, most * SECOND)
    }
}
