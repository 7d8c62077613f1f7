//! The end of a capture, or of one of its files: what is decided, and what is left open for other files.

use super::{CaptureObserver, Later, around};
use crate::summary::bound::Bound;
use crate::summary::capture_summary::CaptureSummary;
use crate::summary::connections::Released;
use crate::summary::edges::{Unplaced, settle as settle_edges};
use crate::summary::sa::SaSeen;
use crate::summary::streams::Slot;

impl CaptureObserver<'_> {
    /// Ends a capture that nothing continues.
    #[must_use]
    pub fn finish(self) -> CaptureSummary {
        let mut summary = self.finish_open();
        settle_edges(vec![&mut summary]);
        summary
    }

    /// Ends one file of a capture; what others may decide stays open.
    #[must_use]
    pub fn finish_open(mut self) -> CaptureSummary {
        let beyond = [
            (Bound::WatchedSpis, self.decrypted_copies.unwatched()),
            (Bound::DecryptedCopies, self.likely_copies.beyond()),
            (Bound::Fragments, self.fragments.beyond()),
        ];
        self.leave_open();
        self.settle_duplicates();
        self.settle_decrypted_copies();
        for ((why, pair, stream), runs) in std::mem::take(&mut self.off_wire) {
            let of_reason = self.summary.off_wire.entry(why).or_default();
            of_reason.entry(pair).or_default().insert(stream, runs.finish());
        }
        self.settle_ipsec_offload();
        let compared = self.clear_packets.beyond + self.esp_packets.beyond;
        let mut summary = self.summary;
        summary.reached(Bound::Compared, compared);
        for (bound, packets) in beyond.into_iter().chain([(Bound::Runs, self.room.joined())]) {
            summary.reached(bound, packets);
        }
        summary.echo_replies = self.echoes.finish();
        summary.uncounted_tunnels = self.tunnels.uncounted;
        summary.tunnels = self.tunnels.finish();
        let conversations = self.conversations.finish();
        (summary.tls, summary.tcp_gaps) = (conversations.tls, conversations.gaps);
        summary.edges.conversations = conversations.open;
        summary.edges.negotiating = self.other_ports.negotiating();
        (summary.negotiations, summary.problems) = self.ike.finish();
        summary.problems.extend(self.mislabelled.map(around::wrong_linktype));
        let (set_back, last_time, problems) = self.time_order.finish();
        (summary.set_back, summary.last_time) = (set_back, last_time);
        summary.problems.extend(problems);
        (summary.station_changes, summary.station_addresses) = self.stations.finish();
        let (streams, pairs) = self.streams.into_parts();
        for Slot { key: (pair, stream), mut runs, esp, clear, .. } in streams {
            if !clear.is_empty() {
                summary.clear_packets.insert((pair, stream), clear);
            }
            if let Some(mut evidence) = esp {
                let packets = std::mem::take(&mut evidence.packets);
                if !packets.is_empty() {
                    summary.esp_packets.insert((pair, stream), packets);
                }
                if let Some(as_clear) = evidence.as_clear {
                    let is_unproven = self.other_ports.is_unproven(pair, stream);
                    let seen = SaSeen { evidence: evidence.sa, as_clear, is_unproven };
                    summary.sas.insert((pair, stream), seen);
                }
                summary.edges.esp.insert((pair, stream), *evidence);
            }
            let prints = runs.take_prints();
            if !prints.is_empty() {
                summary.prints.insert((pair, stream), prints);
            }
            if !runs.is_empty() {
                summary.streams.entry(pair).or_default().insert(stream, runs.finish());
            }
        }
        for (pair, interleaving) in pairs {
            if let Some(stretches) = interleaving.stretches {
                summary.interleaved.insert(pair, stretches.finish());
            }
        }
        summary
    }

    /// Leaves fragments and connections open that other files may decide. A packet that repeats another is
    /// settled with this file.
    fn leave_open(&mut self) {
        self.place_unmatched();
        let fragments = std::mem::take(&mut self.fragments).finish();
        let first = fragments.first.into_iter().map(|(datagram, first)| (datagram, first.stream));
        self.summary.edges.first_fragments = first.collect();
        for (datagram, later) in fragments.later {
            match later.again {
                Some(_) => self.place_later(later, later.alone),
                None => self.summary.edges.later_fragments.push((datagram, later.into())),
            }
        }
        let (released, open) = std::mem::take(&mut self.connections).finish();
        for Released { segment: later, .. } in released {
            self.place_later(later, later.alone);
        }
        for (key, later) in open.opening {
            match later.again {
                Some(_) => self.place_later(later, later.alone),
                None => self.summary.edges.connections.opening.push((key, later.into())),
            }
        }
        self.summary.edges.connections.carrying = open.carrying;
    }
}

impl From<Later> for Unplaced {
    fn from(Later { pair, seen, alone, .. }: Later) -> Self {
        Self { pair, seen, stream: alone, fingerprint: seen.fingerprint }
    }
}
