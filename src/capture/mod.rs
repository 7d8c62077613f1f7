//! Bytes of a capture file → frames, in file order.
//!
//! One container a file. Takes any [`std::io::Read`]; opens nothing, keeps no frame, and gives
//! every defect as a [`Problem`] with its offset. What a frame holds is `packet`'s business.
#![warn(clippy::indexing_slicing)]

mod buffer;
mod etl;
mod fields;
mod netmon;
mod options;
mod pcap;
mod pcapng;
mod snoop;

pub use buffer::{Buffer, HandOver};
pub use etl::{DroppedPacket, TraceEvent, TraceFact, read as read_etl};
pub use netmon::read as read_netmon;
pub use pcap::{read as read_pcap, read_from as read_pcap_from};
pub use pcapng::{read as read_pcapng, read_from as read_pcapng_from};
pub use snoop::{read as read_snoop, read_from as read_snoop_from};

use crate::evidence::{
    CaptureProblem, Extent, FrameNumber, Interface, Note, Position, Problem, ProblemCode,
    ProblemKind,
};
use crate::time::{Resolution, Timestamp};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// The link layer a frame begins with: a number of the tcpdump.org LINKTYPE registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Linktype(pub u16);

impl Linktype {
    /// BSD loopback: a protocol family in the capturing host's byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// PPP, with or without HDLC-like framing.
    pub const PPP: Self = Self(9);
    /// Token ring.
    pub const TOKEN_RING: Self = Self(6);
    /// FDDI.
    pub const FDDI: Self = Self(10);
    /// Raw IPv4 or IPv6 under the number some systems' libpcap writes.
    pub const RAW_BSD: Self = Self(12);
    /// Raw IPv4 or IPv6 under OpenBSD's number.
    pub const RAW_OPENBSD: Self = Self(14);
    /// PPP in HDLC-like framing, or Cisco HDLC.
    pub const PPP_HDLC: Self = Self(50);
    /// PPP over Ethernet, from the PPPoE header on.
    pub const PPP_ETHER: Self = Self(51);
    /// Raw IPv4 or IPv6.
    pub const RAW: Self = Self(101);
    /// Cisco HDLC.
    pub const C_HDLC: Self = Self(104);
    /// IEEE 802.11.
    pub const IEEE802_11: Self = Self(105);
    /// Frame Relay.
    pub const FRELAY: Self = Self(107);
    /// OpenBSD loopback: a protocol family in network byte order.
    pub const LOOP: Self = Self(108);
    /// The BSDs' interface of IPsec.
    pub const ENC: Self = Self(109);
    /// Linux cooked capture v1.
    pub const LINUX_SLL: Self = Self(113);
    /// The log of the BSDs' packet filter.
    pub const PFLOG: Self = Self(117);
    /// ARCNET as Linux shows it.
    pub const ARCNET_LINUX: Self = Self(129);
    /// A number for private use, under which macOS writes what is 258 elsewhere.
    pub const USER2: Self = Self(149);
    /// Solaris' IP layer.
    pub const IPNET: Self = Self(226);
    /// IP over InfiniBand.
    pub const IPOIB: Self = Self(242);
    /// Apple's interface for all others.
    pub const PKTAP: Self = Self(258);
    /// Ethernet with a tag of Broadcom's switch chips behind the addresses.
    pub const DSA_TAG_BRCM: Self = Self(281);
    /// The same tag before the frame.
    pub const DSA_TAG_BRCM_PREPEND: Self = Self(282);
    /// Ethernet with a tag of Marvell's switch chips behind the addresses.
    pub const DSA_TAG_DSA: Self = Self(284);
    /// The same behind an EtherType of its own.
    pub const DSA_TAG_EDSA: Self = Self(285);
    /// IEEE 802.11 behind a radiotap header.
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux netfilter's log.
    pub const NFLOG: Self = Self(239);
    /// Linux cooked capture v2.
    pub const LINUX_SLL2: Self = Self(276);
    /// A link layer that has no number in the registry; its own format's number is in the
    /// interface's name.
    pub const UNREGISTERED: Self = Self(u16::MAX);

    /// Whether frames name no station: the link has two ends, or the capture left its header out.
    #[must_use]
    pub const fn is_without_addresses(self) -> bool {
        matches!(
            self,
            Self::NULL
                | Self::PPP
                | Self::RAW_BSD
                | Self::RAW_OPENBSD
                | Self::PPP_HDLC
                | Self::RAW
                | Self::C_HDLC
                | Self::FRELAY
                | Self::LOOP
                | Self::IPV4
                | Self::IPV6
        )
    }
}

/// One captured frame; its bytes stay in the reader's buffer.
#[derive(Clone, Copy, Debug)]
pub struct RawFrame<'a> {
    /// Its number in the file, from 1.
    pub number: FrameNumber,
    /// When it was captured. A frame without a time of its own has that of the frame before it.
    pub time: Timestamp,
    /// What its bytes begin with.
    pub linktype: Linktype,
    /// Its length on the wire, in bytes.
    pub original_len: u32,
    /// Which interface of the capture saw it, in the order of their descriptions in its section.
    pub interface: u32,
    /// The place of its interface in [`CaptureOutline::interfaces`], over all sections of the file.
    pub description: u32,
    /// Where in the file its captured bytes begin.
    pub offset: u64,
    /// Where in the stack of a host it was seen.
    pub seen_at: SeenAt,
    /// The captured bytes; fewer than `original_len` where the capture cut it.
    pub data: &'a [u8],
}

#[cfg(test)]
impl<'a> RawFrame<'a> {
    /// A frame of an Ethernet interface, so many seconds after 1970.
    pub(crate) fn on_ethernet(number: u64, seconds: i64, interface: u32, data: &'a [u8]) -> Self {
        Self {
            number: FrameNumber(number),
            time: Timestamp(seconds * 1_000_000_000),
            linktype: Linktype::ETHERNET,
            original_len: 60,
            interface,
            description: 0,
            offset: number * 100,
            seen_at: SeenAt::Wire,
            data,
        }
    }
}

/// Where in a host's network stack a frame was seen. All captures but event traces of Windows are taken on a wire, or at
/// a network card, as far as they say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeenAt {
    /// On a wire, or at a network card: what is clear there is clear on the network.
    #[default]
    Wire,
    /// At an adapter of a tunnel: before the tunnel protects it, or after it took protection off.
    InsideTunnel,
    /// Above IPsec: before IPsec protects it, or after it took protection off.
    AboveIpsec,
    /// At a virtual switch, between its ports.
    Switch,
    /// At a component that the trace does not describe.
    Unknown,
}

/// What a capture said beside its frames.
#[derive(Clone, Debug, Default)]
pub struct CaptureOutline {
    /// The interfaces in the order of their descriptions.
    pub interfaces: Vec<Interface>,
    /// How many frames were read.
    pub frames: u64,
    /// Which bytes of the file went where; with what was left unread they add up to the file.
    pub coverage: BTreeMap<&'static str, Extent>,
    /// Frames that the capturer says it lost; `None` where it says nothing.
    pub dropped_by_capturer: Option<u64>,
    /// What the capture says of itself in words.
    pub notes: Vec<Note>,
    /// Where the file ended too early.
    pub truncated_at: Option<u64>,
    /// Every defect, in file order.
    pub problems: Vec<Problem>,
}

impl CaptureOutline {
    /// The finest resolution among the interfaces.
    #[must_use]
    pub fn resolution(&self) -> Resolution {
        let finest = self.interfaces.iter().map(|i| i.resolution).max();
        finest.unwrap_or(Resolution::MICROSECONDS)
    }

    fn cover(&mut self, bucket: &'static str, bytes: u64) {
        self.coverage.entry(bucket).or_default().add(bytes, 1);
    }

    /// Keeps what is said, as far as there is room.
    fn note(&mut self, notes: impl Iterator<Item = Note>) {
        let room = MAX_NOTES.saturating_sub(self.notes.len());
        self.notes.extend(notes.take(room));
    }

    fn problem(&mut self, kind: impl Into<ProblemKind>, offset: u64, position: Position) {
        let problem = Problem { kind: kind.into(), offset: Some(offset), position };
        if problem.code() == ProblemCode::Truncated {
            self.truncated_at = Some(offset);
        }
        // A file of nothing but defects must not fill the memory.
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }
}

/// The bytes of a file whose frames are in no order that could be read as they pass: at most 2 GiB.
/// `what` names its format.
fn held(mut reader: impl Read, outline: &mut CaptureOutline) -> io::Result<Vec<u8>> {
    let mut file = Vec::new();
    reader.by_ref().take(MOST_HELD).read_to_end(&mut file)?;
    if file.len() as u64 == MOST_HELD && reader.read(&mut [0])? > 0 {
        let kind = CaptureProblem::TooLargeToHold(MOST_HELD);
        outline.problem(kind, MOST_HELD, Position::File);
    }
    Ok(file)
}

/// Times for frames that carry none, or one that cannot be determined.
#[derive(Debug)]
struct Clock {
    last: Timestamp,
    missing: u64,
    first_missing: Option<(u64, u64)>,
}

impl Clock {
    const fn new() -> Self {
        Self { last: Timestamp(0), missing: 0, first_missing: None }
    }

    fn place(&mut self, time: Option<Timestamp>, frame: u64, offset: u64) -> Timestamp {
        match time {
            Some(time) => self.last = time,
            None => {
                self.missing += 1;
                self.first_missing.get_or_insert((frame, offset));
            }
        }
        self.last
    }

    fn report(&self, outline: &mut CaptureOutline) {
        if let Some((frame, offset)) = self.first_missing {
            let kind = CaptureProblem::NoTimes(self.missing);
            outline.problem(kind, offset, Position::Frame(frame));
        }
    }
}

const MOST_HELD: u64 = 2 << 30;
const MAX_PROBLEMS: usize = 1000;
const MAX_NOTES: usize = 1000;
/// No link layer that can carry IP has frames beyond this.
const MAX_CAPTURED_LIMIT: u32 = 16 * 1024 * 1024;
