//! The providers of a trace that are known by name.
//!
//! Sources: their manifests (jdu2600/Windows10EtwEvents; airbus-cert/etl-parser).

use super::text::guid;

/// Microsoft-Windows-NDIS-PacketCapture, 2ed6006e-4729-4609-b423-3ee7bcd678ef.
pub(super) const NDIS: [u8; 16] = [
    0x6e, 0x00, 0xd6, 0x2e, 0x29, 0x47, 0x09, 0x46, 0xb4, 0x23, 0x3e, 0xe7, 0xbc, 0xd6, 0x78, 0xef,
];
/// Microsoft-Windows-PktMon, 4d4f80d9-c8bd-4d73-bb5b-19c90402c5ac.
pub(super) const PKTMON: [u8; 16] = [
    0xd9, 0x80, 0x4f, 0x4d, 0xbd, 0xc8, 0x73, 0x4d, 0xbb, 0x5b, 0x19, 0xc9, 0x04, 0x02, 0xc5, 0xac,
];
/// Microsoft-Windows-Ras-NdisWanPacketCapture, d84521f7-2235-4237-a7c0-14e3a9676286: packets inside tunnels.
pub(super) const RAS: [u8; 16] = [
    0xf7, 0x21, 0x45, 0xd8, 0x35, 0x22, 0x37, 0x42, 0xa7, 0xc0, 0x14, 0xe3, 0xa9, 0x67, 0x62, 0x86,
];
/// Microsoft-Pef-WFP-MessageProvider, c22d1b14-c242-49de-9f17-1d76b8b9c458: packets above IPsec.
pub(super) const PEF: [u8; 16] = [
    0x14, 0x1b, 0x2d, 0xc2, 0x42, 0xc2, 0xde, 0x49, 0x9f, 0x17, 0x1d, 0x76, 0xb8, 0xb9, 0xc4, 0x58,
];
/// Microsoft-Windows-WFP, 0c478c5b-0351-41b1-8c58-4a6737da32e3: events of IKE and of IPsec.
pub(super) const WFP: [u8; 16] = [
    0x5b, 0x8c, 0x47, 0x0c, 0x51, 0x03, 0xb1, 0x41, 0x8c, 0x58, 0x4a, 0x67, 0x37, 0xda, 0x32, 0xe3,
];

/// The provider's name, or its GUID.
pub(super) fn name_of(provider: [u8; 16]) -> String {
    let name = match provider {
        NDIS => "Microsoft-Windows-NDIS-PacketCapture",
        PKTMON => "Microsoft-Windows-PktMon",
        RAS => "Microsoft-Windows-Ras-NdisWanPacketCapture",
        PEF => "Microsoft-Pef-WFP-MessageProvider",
        WFP => "Microsoft-Windows-WFP",
        other => {
            let guid = guid(other);
            return match OTHERS.iter().find(|row| row.0 == guid) {
                Some((_, name)) => format!("{name} ({guid})"),
                None => guid,
            };
        }
    };
    name.to_owned()
}

/// Providers that traces of networks hold, of which nothing is read.
const OTHERS: &[(&str, &str)] = &[
    ("2f07e2ee-15db-40f1-90ef-9d7ba282188a", "Microsoft-Windows-TCPIP"),
    ("68fdd900-4a3e-11d1-84f4-0000f80464e3", "EventTrace"),
    ("c91ef675-842f-4fcf-a5c9-6ea93f2e4f8b", "Microsoft-Windows-IPSEC-SRV"),
    ("cdead503-17f5-4a3e-b7ae-df8cc2902eb9", "Microsoft-Windows-NDIS"),
    ("e53c6823-7bb8-44bb-90dc-3f86090d48a6", "Microsoft-Windows-Winsock-AFD"),
];
