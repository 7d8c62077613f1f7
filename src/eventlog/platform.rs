//! The filtering platform's own records: addresses as socket structures, roles and modes as numbers.
//!
//! Only the differences from the Security log's fields; names and values are those of the provider's manifest
//! (Microsoft-Windows-WFP) and of iketypes.h, ipsectypes.h and fwpmu.h.

use super::{FailurePoint, KeyingModule, LogRecord, Mode, Role};
use crate::catalogue::{CHARON, EventEntry, IKE_SA_NOW, IPSEC_SA_NOW, PLUTO};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Fields that may name the host's own address; the first one present counts.
pub(super) const LOCAL: &[&str] = &["LocalAddress", "MainModeLocalAddress", "LocalIPAddress"];
/// Fields that may name the peer's address.
pub(super) const PEER: &[&str] = &["RemoteAddress", "MainModePeerAddress", "RemoteIPAddress"];
/// Fields that may name the main mode SA.
pub(super) const MAIN_MODE_SA: &[&str] = &["MMSAID", "MainModeSaId", "MMSaLuid", "SaLuid"];
/// Fields that may name the quick mode SA.
pub(super) const QUICK_MODE_SA: &[&str] = &["QuickModeSaId", "QMSaLuid"];

/// The address of a SOCKADDR that is in a record as hexadecimal digits: family in little-endian
/// order, port, address; 2 is IPv4, 23 IPv6 (ws2def.h).
pub(super) fn socket_address(hex: &str) -> Option<IpAddr> {
    if hex.len() < 32 || hex.len() > 512 || !hex.is_ascii() {
        return None;
    }
    let pairs = hex.as_bytes().chunks(2).map(|pair| {
        std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
    });
    let bytes: Vec<u8> = pairs.collect::<Option<_>>()?;
    let from = |at: usize| bytes.get(at..);
    match bytes.first_chunk()? {
        [2, 0] => from(4)?.first_chunk::<4>().map(|bytes| Ipv4Addr::from(*bytes).into()),
        [23, 0] => from(8)?.first_chunk::<16>().map(|bytes| Ipv6Addr::from(*bytes).into()),
        _ => None,
    }
}

/// The role as a number (IKEEXT_SA_ROLE).
pub(super) fn role(record: &LogRecord) -> Option<Role> {
    match record.first_of(&["SaRole", "Role"])? {
        "0" => Some(Role::Initiator),
        "1" => Some(Role::Responder),
        _ => None,
    }
}

/// The failure point as a number (IPSEC_FAILURE_POINT).
pub(super) fn failure_point(record: &LogRecord) -> Option<FailurePoint> {
    match record.field("FailurePoint")? {
        "1" => Some(FailurePoint::Local),
        "2" => Some(FailurePoint::Remote),
        _ => None,
    }
}

/// The keying module as a number (IKEEXT_KEY_MODULE_TYPE).
pub(super) fn keying(record: &LogRecord) -> Option<KeyingModule> {
    match record.first_of(&["KeyingModuleType", "KeyingModule", "KeyingModuleName"])? {
        "0" => Some(KeyingModule::IkeV1),
        "1" => Some(KeyingModule::AuthIp),
        "2" => Some(KeyingModule::IkeV2),
        _ => None,
    }
}

/// The mode that an event's number or subcategory shows.
pub(super) fn mode(entry: &EventEntry) -> Option<Mode> {
    match (entry.subcategory, entry.provider, entry.id) {
        // An SA of either mode, deleted by hand; and the event that turns the flood defence on or off.
        (_, _, 4646 | 5049) => None,
        ("IPsec Main Mode", ..) => Some(Mode::Main),
        ("IPsec Quick Mode", ..) => Some(Mode::Quick),
        ("IPsec Extended Mode", ..) => Some(Mode::Extended),
        (.., IKE_SA_NOW) => Some(Mode::Main),
        (.., IPSEC_SA_NOW) => Some(Mode::Quick),
        (_, CHARON | PLUTO, 60_001..=60_003) => Some(Mode::Main),
        (_, CHARON | PLUTO, 60_011..=60_013 | 60_026 | 60_029) => Some(Mode::Quick),
        (_, "Microsoft-Windows-WFP", 1005 | 1013 | 1014 | 1015 | 1043) => Some(Mode::Main),
        (_, "Microsoft-Windows-WFP", 1007 | 1027 | 1028) => Some(Mode::Quick),
        (_, "Microsoft-Windows-WFP", 1009 | 1016..=1019) => Some(Mode::Extended),
        _ => None,
    }
}

/// Whether a change of the filtering platform concerns IPsec; true for any other record. A busy host changes
/// its firewall's filters all the time.
pub(super) fn is_about_ipsec(record: &LogRecord) -> bool {
    let name = match record.event_id {
        5446 | 5447 => "CalloutKey",
        5448 => "ProviderKey",
        5450 => "SubLayerKey",
        _ => return true,
    };
    let key = record.field(name).unwrap_or_default();
    let key = key.trim_start_matches('{').trim_end_matches('}');
    OF_IPSEC.iter().any(|known| known.eq_ignore_ascii_case(key))
}

/// FWPM_CALLOUT_IPSEC_…, FWPM_PROVIDER_IKEEXT and the sub-layers of IPsec (fwpmu.h).
const OF_IPSEC: &[&str] = &[
    "5132900d-5e84-4b5f-80e4-01741e81ff10",
    "49d3ac92-2a6c-4dcf-955f-1c3be009dd99",
    "4b46bf0a-4523-4e57-aa38-a87987c910d9",
    "38d87722-ad83-4f11-a91f-df0fb077225b",
    "191a8a46-0bf8-46cf-b045-4b45dfa6a324",
    "80c342e3-1e53-4d6f-9b44-03df5aeee154",
    "70a4196c-835b-4fb0-98e8-075f4d977d46",
    "f1835363-a6a5-4e62-b180-23db789d8da6",
    "7dff309b-ba7d-4aba-91aa-ae5c6640c944",
    "a9a0d6d9-c58c-474e-8aeb-3cfe99d6d53d",
    "3df6e7de-fd20-48f2-9f26-f854444cba79",
    "a1e392d3-72ac-47bb-87a7-0122c69434ab",
    "fb532136-15cb-440b-937c-1717ca320c40",
    "dae640cc-e021-4bee-9eb6-a48b275c8c1d",
    "10ad9216-ccde-456c-8b16-e9f04e60a90b",
    "83f299ed-9ff4-4967-aff4-c309f4dab827",
    "a5082e73-8f71-4559-8a9a-101cea04ef87",
    "37a57701-5884-4964-92b8-3e704688b0ad",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_addresses_of_both_families_are_read() {
        let v4 = "020001F40A0000050000000000000000";
        assert_eq!(socket_address(v4), Some("10.0.0.5".parse().unwrap()));
        let v6 = "170001F400000000FE8000000000000000000000000000010C000000";
        assert_eq!(socket_address(v6), Some("fe80::1".parse().unwrap()));
        for wrong in ["", "0200", "ZZ0001F40A0000050000000000000000", &"0".repeat(32)] {
            assert_eq!(socket_address(wrong), None, "{wrong}");
        }
    }
}
