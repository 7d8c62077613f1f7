//! Any bytes as a conversation of IKE messages of one version: distinguished, parsed, gathered and
//! judged.

use plainsight::evidence::{EvidenceId, FrameNumber, FrameRef};
use plainsight::hosts::HostPair;
use plainsight::ike::{EspActivity, EspUse, MessageDigest, Negotiations, Probe, conclude, probe};
use plainsight::time::Timestamp;
use std::net::{Ipv4Addr, SocketAddr};

/// Reads the bytes as messages one behind the other, of which `own` sets version and exchange type,
/// and demands that every message is found again in one negotiation.
pub fn hold(data: &[u8], own: impl Fn(&mut u8, &mut u8)) {
    let initiator = SocketAddr::from((Ipv4Addr::new(10, 0, 0, 1), 500));
    let responder = SocketAddr::from((Ipv4Addr::new(10, 0, 0, 2), 500));
    let mut negotiations = Negotiations::default();
    let mut observed = 0;
    for (number, message) in (1..).zip(Conversation(data)) {
        let mut message = message.to_vec();
        if let Some([version, exchange]) = message.get_mut(17..19) {
            own(version, exchange);
        }
        let message = message.as_slice();
        // They answer in turn, so that answers, repetitions and deletions meet their rules.
        let ends = if number % 2 == 1 { (initiator, responder) } else { (responder, initiator) };
        let frame = FrameRef { evidence: EvidenceId(1), frame: FrameNumber(number) };
        let time = Timestamp(1_000_000_000 * i64::try_from(number).unwrap_or(i64::MAX >> 32));
        let digest = MessageDigest::new(frame, time, ends, message).ok();
        let reported = probe(message, Some(message.len()));
        assert!(reported != Probe::Certain || digest.is_some(), "what is certain can be read");
        // What the whole datagram proves, its first fragment alone may leave open, not deny.
        assert!(reported != Probe::Certain || probe(message, None) != Probe::NotIke);
        if let Some((digest, _)) = digest {
            observed += u64::from(negotiations.observe(digest));
        }
    }
    let mut used = EspActivity::default();
    let (start, end) = (Timestamp(2_500_000_000), Timestamp(3_500_000_000));
    let pair = HostPair::new(initiator.ip(), responder.ip());
    used.insert(pair, vec![EspUse { start, end, spi: 0xc0de, continues: true }]);
    used.clear_begins(pair, end);
    used.receives(initiator.ip(), responder.ip(), start, end);
    for activity in [EspActivity::default(), used] {
        let exchanges = conclude(negotiations.clone(), &activity);
        let messages: u64 = exchanges.iter().map(|exchange| exchange.messages).sum();
        assert_eq!(messages, observed, "every message belongs to one exchange");
    }
    assert!(exchanges_have_ladders(&negotiations));
}

/// Every message that was kept has its rung.
fn exchanges_have_ladders(negotiations: &Negotiations) -> bool {
    let kept = negotiations.messages().count();
    let exchanges = conclude(negotiations.clone(), &EspActivity::default());
    exchanges.iter().map(|exchange| exchange.message_sequence().len()).sum::<usize>() == kept
}

/// Messages one behind the other, each as long as its own header says, the last one as it is.
struct Conversation<'a>(&'a [u8]);

impl<'a> Iterator for Conversation<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.0.get(24..).and_then(|rest| rest.first_chunk::<4>());
        let length = field.map_or(usize::MAX, |field| u32::from_be_bytes(*field) as usize);
        let (message, rest) = self.0.split_at(length.clamp(1, self.0.len()));
        self.0 = rest;
        Some(message)
    }
}
