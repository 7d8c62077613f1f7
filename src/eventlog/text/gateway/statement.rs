//! The statement of a daemon's message about an SA, and the record that it becomes.

use super::line::Daemon;
use crate::catalogue::{GatewayEvent, NotifySpace, Reason, notifies};
use crate::eventlog::{KeyingModule, LogRecord, Role};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// An IKE SA as far as the log has described it.
#[derive(Clone, Debug, Default)]
pub(super) struct Sa {
    pub(super) local: Option<IpAddr>,
    pub(super) peer: Option<IpAddr>,
    pub(super) role: Option<Role>,
    pub(super) keying: Option<KeyingModule>,
    /// The line in which its negotiation began.
    pub(super) begun: Option<u64>,
    /// The log reported a failure of the current negotiation; the following lines explain it.
    pub(super) has_failed: bool,
    pub(super) is_deleted_by_peer: bool,
    /// Of a child SA: the SPI under which this host receives, the one under which it sends, and the selectors.
    pub(super) inbound: Option<u32>,
    pub(super) outbound: Option<u32>,
    pub(super) selectors: String,
}

/// A statement, with what earlier lines said about the same SA.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) event: GatewayEvent,
    pub(super) sa: Sa,
}

impl Statement {
    /// The failure of the current negotiation, where it is the first report of it.
    pub(super) fn failure(event: GatewayEvent, sa: &mut Sa) -> Option<Self> {
        let is_first = !std::mem::replace(&mut sa.has_failed, true);
        is_first.then(|| Self { event, sa: sa.clone() })
    }

    /// Fills a record with the field names of Windows' audits.
    pub(super) fn fill(self, record: &mut LogRecord, daemon: Daemon, message: &str) {
        let Self { event, sa } = self;
        record.event_id = event.number();
        daemon.name().clone_into(&mut record.provider);
        daemon.name().clone_into(&mut record.channel);
        let mut add = |name: &str, value: Option<String>| {
            record.named.extend(value.map(|value| (name.to_owned(), value)));
        };
        let shown = |address: Option<IpAddr>| address.map(|address| address.to_string());
        let hex = |spi: Option<u32>| spi.map(|spi| format!("0x{spi:08x}"));
        let sides = sa.selectors.split_once("===").map(|(one, other)| {
            let first = |side: &str| network(side.split_whitespace().next().unwrap_or_default());
            (first(one), first(other))
        });
        match sides {
            Some((Some(one), Some(other))) if is_between(&sa, one.0, other.0) => {
                add("LocalAddress", Some(one.0.to_string()));
                add("LocalAddressMask", Some(one.1.to_string()));
                add("RemoteAddress", Some(other.0.to_string()));
                add("RemoteAddressMask", Some(other.1.to_string()));
            }
            Some((Some(one), Some(other))) if sa.local.is_some() && sa.peer.is_some() => {
                add("LocalAddress", Some(one.0.to_string()));
                add("LocalAddressMask", Some(one.1.to_string()));
                add("LocalTunnelEndpoint", shown(sa.local));
                add("RemoteAddress", Some(other.0.to_string()));
                add("RemoteAddressMask", Some(other.1.to_string()));
                add("RemoteTunnelEndpoint", shown(sa.peer));
            }
            _ => {
                add("LocalAddress", shown(sa.local));
                add("RemoteAddress", shown(sa.peer));
            }
        }
        add("InboundSpi", hex(sa.inbound));
        add("OutboundSpi", hex(sa.outbound));
        add("TrafficSelectors", Some(sa.selectors).filter(|text| !text.is_empty()));
        let role = sa.role.map(|role| match role {
            Role::Initiator => "%%8205",
            Role::Responder => "%%8206",
        });
        add("Role", role.map(str::to_owned));
        let keying = sa.keying.map(|keying| match keying {
            KeyingModule::IkeV1 => "%%8222",
            KeyingModule::AuthIp => "%%8223",
            KeyingModule::IkeV2 => "%%8244",
        });
        add("KeyModName", keying.map(str::to_owned));
        add("BegunInLine", sa.begun.map(|line| line.to_string()));
        add("Message", Some(message.to_owned()));
    }
}

/// Whether a child SA protects the two hosts themselves.
fn is_between(sa: &Sa, local: IpAddr, peer: IpAddr) -> bool {
    sa.peer == Some(peer) && sa.local.is_none_or(|own| own == local)
}

/// The address and the mask of `10.1.0.0/24`, also with protocol and ports behind it.
fn network(text: &str) -> Option<(IpAddr, IpAddr)> {
    let mut parts = text.split(['/', '[']);
    let address: IpAddr = parts.next()?.parse().ok()?;
    let length: u32 = parts.next()?.parse().ok()?;
    let mask = match address {
        IpAddr::V4(_) => {
            let bits = u32::MAX.checked_shl(32u32.checked_sub(length)?).unwrap_or(0);
            IpAddr::V4(bits.into())
        }
        IpAddr::V6(_) => {
            let bits = u128::MAX.checked_shl(128u32.checked_sub(length)?).unwrap_or(0);
            IpAddr::V6(bits.into())
        }
    };
    Some((address, mask))
}

/// The meaning of the peer's notification, by its name in RFC 7296 or RFC 2408.
pub(super) fn refusal(name: &str, or_else: GatewayEvent) -> GatewayEvent {
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric()).replace('-', "_");
    let rows = NotifySpace::ALL.iter().flat_map(|space| notifies(*space));
    let mut named = rows.filter(|row| row.name.replace('-', "_") == name);
    match named.next().and_then(|row| row.reason) {
        Some(Reason::AuthenticationFailed) => GatewayEvent::Authentication,
        Some(Reason::NoProposalChosen) => GatewayEvent::NoProposal,
        Some(Reason::TsUnacceptable) => GatewayEvent::Selectors,
        Some(Reason::InvalidKe) => GatewayEvent::KeyExchange,
        Some(Reason::CertificateInvalid) => GatewayEvent::Certificate,
        _ => or_else,
    }
}

/// The text between two marks.
pub(super) fn between<'t>(text: &'t str, before: &str, behind: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(behind).map_or(rest, |(found, _)| found))
}

/// An SPI in hexadecimal.
pub(super) fn spi(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches("0x");
    (digits.len() <= 8).then(|| u32::from_str_radix(digits, 16).ok())?.filter(|spi| *spi != 0)
}

/// Entries under names of which a log may contain any number: the oldest are dropped first.
#[derive(Debug)]
pub(super) struct Remembered<K, V> {
    known: BTreeMap<K, (u64, V)>,
    order: BTreeMap<u64, K>,
    next: u64,
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self { known: BTreeMap::new(), order: BTreeMap::new(), next: 0 }
    }
}

impl<K: Ord + Clone, V: Default> Remembered<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.known.get(key).map(|(_, value)| value)
    }

    /// The entry of a name, created where there is none.
    pub(super) fn entry(&mut self, key: K) -> &mut V {
        if !self.known.contains_key(&key) {
            if self.known.len() >= MOST
                && let Some((_, oldest)) = self.order.pop_first()
            {
                self.known.remove(&oldest);
            }
            self.order.insert(self.next, key.clone());
            self.next = self.next.saturating_add(1);
        }
        let place = self.next.saturating_sub(1);
        &mut self.known.entry(key).or_insert_with(|| (place, V::default())).1
    }

    /// Forgets the entries from a name on, as long as they are of those to be forgotten.
    pub(super) fn forget(&mut self, from: &K, is_of: impl Fn(&K) -> bool) {
        while let Some((key, _)) = self.known.range(from..).next()
            && is_of(key)
        {
            let key = key.clone();
            self.remove(&key);
        }
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let (place, value) = self.known.remove(key)?;
        self.order.remove(&place);
        Some(value)
    }
}

/// SAs of a gateway that are kept at a time.
const MOST: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_masks_and_refusals_their_kind() {
        let of = |text: &str| network(text).map(|(a, m)| format!("{a} {m}"));
        assert_eq!(of("10.1.0.0/24[tcp/445]").as_deref(), Some("10.1.0.0 255.255.255.0"));
        assert_eq!(of("0.0.0.0/0").as_deref(), Some("0.0.0.0 0.0.0.0"));
        assert_eq!(of("fd00::/8").as_deref(), Some("fd00:: ff00::"));
        assert_eq!(of("10.1.0.0/33"), None);
        assert_eq!(of("dynamic"), None);
        let kind = |name| refusal(name, GatewayEvent::OtherFailure);
        assert_eq!(kind("TS_UNACCEPTABLE"), GatewayEvent::Selectors);
        assert_eq!(kind("NO_PROPOSAL_CHOSEN"), GatewayEvent::NoProposal);
        assert_eq!(kind("SOMETHING"), GatewayEvent::OtherFailure);
    }

    #[test]
    fn only_so_many_are_remembered() {
        let mut all: Remembered<usize, Sa> = Remembered::default();
        for key in 0..2 * MOST {
            all.entry(key).inbound = Some(1);
        }
        assert!(all.get(&0).is_none() && all.get(&(2 * MOST - 1)).is_some());
        assert_eq!(all.known.len(), MOST);
        all.remove(&(2 * MOST - 1));
        assert_eq!((all.known.len(), all.order.len()), (MOST - 1, MOST - 1));
    }
}
