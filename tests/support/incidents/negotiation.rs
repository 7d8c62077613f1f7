//! Negotiations as RFC 2409 and RFC 7296 have them: message by message, with what each host logs.

use super::super::ike_builder::{Message, key_exchange, nonce, notify_v2, offer, sa_v1, sa_v2};
use super::events::View;
use super::scene::Scene;
use super::wire::{MS, Nanos, SECOND, Under};
use plainsight::catalogue::Reason;

/// A pair of SAs, of IKE and of ESP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sa {
    pub(crate) initiator: usize,
    pub(crate) responder: usize,
    pub(crate) cookies: (u64, u64),
    /// To the initiator, to the responder.
    pub(crate) spis: [u32; 2],
    pub(crate) numbers: (u64, u64),
    pub(crate) version: u8,
    pub(crate) filter: Option<(u8, u16)>,
    pub(crate) networks: Option<[(std::net::IpAddr, std::net::IpAddr); 2]>,
}

impl Sa {
    pub(crate) fn ends(&self) -> (usize, usize) {
        (self.initiator, self.responder)
    }
}

/// Cookies and numbers of a negotiation that is to come.
pub(crate) fn prepare(scene: &mut Scene, initiator: usize, responder: usize) -> Sa {
    Sa {
        initiator,
        responder,
        cookies: (scene.dice.number() | 1, scene.dice.number() | 1),
        spis: [scene.dice.spi(), scene.dice.spi()],
        numbers: (scene.dice.between(1, 9999).unsigned_abs(), scene.dice.number() >> 32),
        version: scene.keying.version,
        filter: None,
        networks: None,
    }
}

impl Scene {
    /// An SA through the eyes of one of its hosts.
    pub(crate) fn view(&self, sa: &Sa, host: usize) -> View {
        let is_initiator = host == sa.initiator;
        let peer = if is_initiator { sa.responder } else { sa.initiator };
        let order = |spi: u32| {
            if self.swaps_spis && self.era == super::host::Era::Modern {
                spi.swap_bytes()
            } else {
                spi
            }
        };
        let [to_initiator, to_responder] = sa.spis.map(order);
        // The server's side of the filter is the responder's.
        let filter = sa.filter.map(|(protocol, port)| (protocol, port, !is_initiator));
        let networks =
            sa.networks.map(|[one, other]| if is_initiator { [one, other] } else { [other, one] });
        View {
            era: self.era,
            local: self.hosts[host].own,
            peer: self.outside(peer),
            is_initiator,
            version: sa.version,
            method: self.keying.method,
            main_mode: sa.numbers.0,
            quick_mode: sa.numbers.1,
            spis: if is_initiator {
                (to_initiator, to_responder)
            } else {
                (to_responder, to_initiator)
            },
            filter,
            networks,
            of: super::host::Of { cookie: sa.cookies.0, spis: sa.spis },
        }
    }

    /// One message; the time it takes and the other side's work pass.
    fn step(&mut self, ends: (usize, usize), message: &Message, floats: bool) {
        self.ike(self.now, ends, message, floats);
        self.wait(2 * MS, 60 * MS);
    }

    /// The time at which a host has written what it knows.
    pub(crate) fn soon(&mut self) -> Nanos {
        self.now + self.dice.between(2 * MS, 60 * MS)
    }

    /// A negotiation that succeeds; `now` is behind it.
    pub(crate) fn establish(&mut self, initiator: usize, responder: usize) -> Sa {
        let sa = prepare(self, initiator, responder);
        self.establish_as(sa)
    }

    pub(crate) fn establish_as(&mut self, sa: Sa) -> Sa {
        self.first_phase(&sa);
        if sa.version == 1 {
            for host in [sa.initiator, sa.responder] {
                let at = self.soon();
                let up = self.view(&sa, host).main_mode_up();
                self.log(host, at, up);
            }
        }
        self.child(&sa);
        sa
    }

    /// Until both know each other: of IKEv2 including IKE_AUTH, of IKEv1 main mode.
    fn first_phase(&mut self, sa: &Sa) {
        let (there, back) = (sa.ends(), (sa.responder, sa.initiator));
        if sa.version == 2 {
            self.init_answered(sa);
            let auth = Message::v2_encrypted(35, 1, 208).spis(sa.cookies.0, sa.cookies.1);
            self.step(there, &auth, true);
            let answer =
                Message::v2_encrypted(35, 1, 192).answer().spis(sa.cookies.0, sa.cookies.1);
            self.ike(self.now, back, &answer, true);
            for host in [sa.initiator, sa.responder] {
                let at = self.soon();
                let up = self.view(sa, host).main_mode_up();
                self.log(host, at, up);
            }
            return;
        }
        self.main_mode_until_keys(sa);
        let (fifth, sixth) = self.authentication_sizes();
        let fifth = Message::v1_encrypted(2, 0, fifth).spis(sa.cookies.0, sa.cookies.1);
        self.step(there, &fifth, true);
        let sixth = Message::v1_encrypted(2, 0, sixth + 8).spis(sa.cookies.0, sa.cookies.1);
        self.step(back, &sixth, true);
    }

    /// Identity and hash, or identity, certificate and signature (RFC 2409 §5.1, §5.4).
    fn authentication_sizes(&self) -> (usize, usize) {
        if self.keying.method == "%%8194" { (1000, 1016) } else { (40, 40) }
    }

    /// IKE_SA_INIT and its answer.
    pub(crate) fn init_answered(&mut self, sa: &Sa) {
        let asked = self.init_request(sa, &[]);
        self.step(sa.ends(), &asked, false);
        let payloads = [self.offered(), key_exchange(14), nonce()];
        let answer = Message::v2(34, 0, &payloads).answer().spis(sa.cookies.0, sa.cookies.1);
        self.step((sa.responder, sa.initiator), &answer, false);
    }

    /// The algorithms that the hosts use under IKEv2.
    fn offered(&self) -> (u8, Vec<u8>) {
        let gcm = || sa_v2(&[(1, 20, 256), (2, 5, 0), (4, 14, 0)]);
        if self.gcm { gcm() } else { offer(14) }
    }

    /// An IKE_SA_INIT request, with what is to come before the rest.
    pub(crate) fn init_request(&mut self, sa: &Sa, before: &[(u8, Vec<u8>)]) -> Message {
        let mut payloads = before.to_vec();
        payloads.extend([self.offered(), key_exchange(14), nonce()]);
        Message::v2(34, 0, &payloads).spis(sa.cookies.0, 0)
    }

    /// The first message of main mode.
    pub(crate) fn main_mode_request(&self, sa: &Sa) -> Message {
        // RFC 2409 appendix A: 3DES, SHA, group 2, and the authentication method.
        let method = match self.keying.method {
            "%%8194" => 3,
            "%%8195" => 65_001,
            _ => 1,
        };
        let proposal = sa_v1(&[(1, 5), (2, 2), (4, 2), (3, method)]);
        // MD5 of `MS NT5 ISAKMPOAKLEY` and a version: what Windows says of itself ([MS-IKEE] 2.2).
        let windows = 0x1e2b_5169_0599_1c7d_7c96_fcbf_b587_e461_u128.to_be_bytes();
        let vendor = (13, [&windows[..], &[0, 0, 0, 5]].concat());
        Message::v1(2, &[proposal, vendor]).spis(sa.cookies.0, 0)
    }

    /// Messages one to four of main mode.
    pub(crate) fn main_mode_until_keys(&mut self, sa: &Sa) {
        let (there, back) = (sa.ends(), (sa.responder, sa.initiator));
        let first = self.main_mode_request(sa);
        self.step(there, &first, false);
        let second = Message { responder_spi: sa.cookies.1, ..first };
        self.step(back, &second, false);
        let keys = |fill: u8| Message::v1(2, &[(4, vec![fill; 128]), (10, vec![fill; 20])]);
        self.step(there, &keys(3).spis(sa.cookies.0, sa.cookies.1), false);
        self.step(back, &keys(4).spis(sa.cookies.0, sa.cookies.1), false);
    }

    /// Quick mode, or of IKEv2 what IKE_AUTH brought along, with what both log.
    fn child(&mut self, sa: &Sa) {
        if sa.version == 1 {
            self.quick_mode(sa);
        }
        self.log_child(sa);
    }

    fn quick_mode(&mut self, sa: &Sa) {
        let (there, back) = (sa.ends(), (sa.responder, sa.initiator));
        let id = u32::try_from(self.dice.between(1, i64::from(u32::MAX))).unwrap();
        let sized = |bytes| Message::v1_encrypted(32, id, bytes).spis(sa.cookies.0, sa.cookies.1);
        self.step(there, &sized(152), true);
        self.step(back, &sized(144), true);
        self.ike(self.now, there, &sized(32), true);
    }

    fn log_child(&mut self, sa: &Sa) {
        for host in [sa.initiator, sa.responder] {
            let at = self.soon();
            let mut up = self.view(sa, host).quick_mode_up();
            up.about = Under::Spi(sa.spis[0]);
            self.log(host, at, up);
        }
        self.wait(5 * MS, 80 * MS);
    }

    /// New keys under the same IKE SA.
    pub(crate) fn renew(&mut self, sa: &mut Sa) {
        sa.spis = [self.dice.spi(), self.dice.spi()];
        sa.numbers.1 += 1;
        if sa.version == 1 {
            self.quick_mode(sa);
        } else {
            let message = |m: Message| m.spis(sa.cookies.0, sa.cookies.1);
            let id = self.next_id(sa, sa.initiator);
            let asked = message(Message::v2_encrypted(36, id, 160));
            self.step(sa.ends(), &asked, true);
            let answered = message(Message::v2_encrypted(36, id, 144).answer());
            self.ike(self.now, (sa.responder, sa.initiator), &answered, true);
        }
        self.log_child(sa);
    }

    /// One host deletes everything (RFC 2408 §3.15, RFC 7296 §1.4.1); `answers` where the other does.
    pub(crate) fn delete(&mut self, sa: &Sa, by: usize, answers: bool) {
        let other = if by == sa.initiator { sa.responder } else { sa.initiator };
        let cookies = sa.cookies;
        if sa.version == 1 {
            let id = u32::try_from(self.dice.between(1, i64::from(u32::MAX))).unwrap();
            let delete = |id, bytes| Message::v1_encrypted(5, id, bytes).spis(cookies.0, cookies.1);
            self.step((by, other), &delete(id, 56), true);
            self.ike(self.now, (by, other), &delete(id ^ 0xffff, 64), true);
        } else {
            let from_initiator = by == sa.initiator;
            let id = self.next_id(sa, by);
            let flags = if from_initiator { 0x08 } else { 0 };
            // A Delete of 8 bytes, and an empty message; under AES-CBC both fill a block.
            let (asked, empty) = if self.gcm { (33, 25) } else { (48, 48) };
            let asked = Message { flags, ..Message::v2_encrypted(37, id, asked) };
            self.step((by, other), &asked.spis(cookies.0, cookies.1), true);
            if answers {
                let flags = 0x20 | if from_initiator { 0 } else { 0x08 };
                let answer = Message { flags, ..Message::v2_encrypted(37, id, empty) };
                self.ike(self.now, (other, by), &answer.spis(cookies.0, cookies.1), true);
            }
        }
        for host in [by, other] {
            let at = self.soon();
            self.log_end(sa, host, at);
        }
        self.happened.insert(Reason::SaDeleted);
        self.wait(5 * MS, 80 * MS);
    }

    /// What a host logs of an SA's end.
    pub(crate) fn log_end(&mut self, sa: &Sa, host: usize, at: Nanos) {
        let view = self.view(sa, host);
        let mut down = view.quick_mode_down();
        if self.era == super::host::Era::Legacy {
            down.about = Under::Spi(sa.spis[0]);
        }
        self.log(host, at, down);
        self.log(host, at + 3 * MS, view.main_mode_down());
    }

    /// Traffic under an SA for so long.
    pub(crate) fn protected(&mut self, sa: &Sa, length: Nanos) {
        if !self.dice.chance(15) {
            self.talk_under(length, sa.spis, sa.ends());
            return;
        }
        self.talk_under(length / 2, sa.spis, sa.ends());
        for _ in 0..self.dice.between(1, 3) {
            self.wait(3 * SECOND, 20 * SECOND);
            self.check(sa);
        }
        self.wait(3 * SECOND, 20 * SECOND);
        self.talk_under(length / 2, sa.spis, sa.ends());
    }

    /// The number of a host's next request under an IKE SA of version 2 (RFC 7296 §2.2).
    fn next_id(&mut self, sa: &Sa, by: usize) -> u32 {
        let first = if by == sa.initiator { 2 } else { 0 };
        let next = self.ids.entry((sa.cookies.0, by)).or_insert(first);
        *next += 1;
        *next - 1
    }

    /// One host asks whether the other is there (RFC 7296 §2.4, RFC 3706), and keeps a translator's mapping
    /// alive (RFC 3948 §2.3).
    fn check(&mut self, sa: &Sa) {
        self.checks = true;
        let by = if self.dice.chance(50) { sa.initiator } else { sa.responder };
        let other = if by == sa.initiator { sa.responder } else { sa.initiator };
        let of = |message: Message| message.spis(sa.cookies.0, sa.cookies.1);
        if sa.version == 1 {
            let id = u32::try_from(self.dice.between(1, 1 << 30)).unwrap();
            // HASH of 24, R-U-THERE of 32 bytes.
            self.step((by, other), &of(Message::v1_encrypted(5, id, 56)), true);
            self.ike(self.now, (other, by), &of(Message::v1_encrypted(5, id ^ 0xff, 56)), true);
        } else {
            let from_initiator = by == sa.initiator;
            let id = self.next_id(sa, by);
            let flags = if from_initiator { 0x08 } else { 0 };
            let bytes = if self.gcm { 25 } else { 48 };
            let asked = Message { flags, ..Message::v2_encrypted(37, id, bytes) };
            self.step((by, other), &of(asked.clone()), true);
            let flags = 0x20 | if from_initiator { 0 } else { 0x08 };
            self.ike(self.now, (other, by), &of(Message { flags, ..asked }), true);
        }
        if self.is_translated() {
            self.keepalive(self.now + 50 * MS);
        }
    }

    /// The same request again and again; gives the time at which the host gives up. Windows doubles
    /// from a second on, strongSwan begins at four (RFC 7296 §2.4 leaves it to them).
    pub(crate) fn insist(
        &mut self,
        ends: (usize, usize),
        message: &Message,
        floats: bool,
    ) -> Nanos {
        let windows = [0, 1, 3, 7, 15, 31];
        let swan = [0, 4, 11, 24, 47, 89];
        let (resends, gives_up) = if self.dice.chance(70) { (windows, 63) } else { (swan, 165) };
        let least = self.dice.between(2, 6);
        let begun = self.now;
        for after in resends.iter().take(usize::try_from(least).unwrap()) {
            self.ike(begun + after * SECOND, ends, message, floats);
        }
        begun + gives_up * SECOND
    }

    /// A refusal in clear: a notify in the answer of IKE_SA_INIT, or an informational exchange.
    pub(crate) fn refuse_first(&mut self, sa: &Sa, notify: u16) {
        let (there, back) = (sa.ends(), (sa.responder, sa.initiator));
        if sa.version == 2 {
            let asked = self.init_request(sa, &[]);
            self.step(there, &asked, false);
            let data: &[u8] = if notify == 17 { &[0, 20] } else { &[] };
            let answer = Message::v2(34, 0, &[notify_v2(notify, data)]).answer();
            self.ike(self.now, back, &answer.spis(sa.cookies.0, 0), false);
            return;
        }
        let first = self.main_mode_request(sa);
        self.step(there, &first, false);
        self.inform(sa, back, notify);
    }

    /// A notify of IKEv1 in clear (RFC 2408 §3.14).
    pub(crate) fn inform(&mut self, sa: &Sa, ends: (usize, usize), notify: u16) {
        let body = [&[0, 0, 0, 1, 1, 0][..], &notify.to_be_bytes()].concat();
        let id = u32::try_from(self.dice.between(1, 1 << 30)).unwrap();
        let message = Message { id, ..Message::v1(5, &[(11, body)]) };
        self.ike(self.now, ends, &message.spis(sa.cookies.0, sa.cookies.1), false);
    }
}
