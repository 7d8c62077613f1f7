//! The SAs that PowerShell shows: `Get-NetIPsecMainModeSA` and `Get-NetIPsecQuickModeSA`, one object per SA;
//! for quick mode, one for each direction.
//!
//! Cookies are unsigned 64-bit numbers, which are read exactly and never as fractions. The order of their bytes
//! is not documented. The objects have no time.
//!
//! Source: Microsoft, MSFT_NetMainModeSA and MSFT_NetQuickModeSA (CIM classes of root\standardcimv2).

use super::{Filled, Node, Row, number_of, scalar, text};
use crate::catalogue::{IKE_SA_NOW, IPSEC_SA_NOW, SA_STATE};
use crate::eventlog::LogRecord;
use crate::eventlog::text::local_times::RecordTime;
use crate::evidence::ExportTool;

pub(super) fn fill(record: &mut LogRecord, row: &Row<'_>) -> Option<Filled> {
    let is_main_mode = row.contains("InitiatorCookie") && row.contains("ResponderCookie");
    let is_quick_mode = row.contains("QmSaId") && row.contains("SPI");
    if !row.contains("LocalEndpoint") || !(is_main_mode || is_quick_mode) {
        return None;
    }
    record.event_id = if is_main_mode { IKE_SA_NOW } else { IPSEC_SA_NOW };
    SA_STATE.clone_into(&mut record.provider);
    SA_STATE.clone_into(&mut record.channel);
    text(row, "SystemName").clone_into(&mut record.computer);
    let mut add = |name: &str, value: Option<String>| {
        record.named.extend(value.map(|value| (name.to_owned(), value)));
    };
    add("LocalAddress", row.get("LocalEndpoint").and_then(scalar));
    add("RemoteAddress", row.get("RemoteEndpoint").and_then(scalar));
    let hex = |number: u64| format!("{number:016x}");
    add("InitiatorCookie", number_of(row, "InitiatorCookie").map(hex));
    add("ResponderCookie", number_of(row, "ResponderCookie").map(hex));
    if is_quick_mode {
        let is_inbound = match row.get("InboundDirection") {
            Some(Node::Bool(is_inbound)) => Some(*is_inbound),
            Some(Node::Text(text)) => match text.as_ref() {
                "True" | "true" => Some(true),
                "False" | "false" => Some(false),
                _ => None,
            },
            _ => None,
        };
        // Without a direction, it is unknown which host receives under the SPI.
        let name = match is_inbound {
            Some(true) => "InboundSpi",
            Some(false) => "OutboundSpi",
            None => "SpiOfUnknownDirection",
        };
        add(name, number_of(row, "SPI").map(|spi| format!("0x{spi:08x}")));
        add("MainModeSaId", row.get("MmSaId").and_then(scalar));
        add("QuickModeSaId", row.get("QmSaId").and_then(scalar));
    }
    let others = row.iter().filter(|(name, _)| OTHERS.contains(name));
    let others: Vec<_> = others.filter_map(|(name, value)| Some((name, scalar(value)?))).collect();
    others.into_iter().for_each(|(name, value)| add(name, Some(value)));
    let time = RecordTime::NONE;
    Some(Filled {
        message: String::new(),
        time,
        recovered: false,
        tool: ExportTool::NetIpsecCmdlets,
    })
}

/// The fields that are kept in addition to the numbers that tie an SA to captures.
const OTHERS: &[&str] = &[
    "AuthenticationMethod",
    "CipherAlgorithm",
    "HashAlgorithm",
    "GroupId",
    "LocalFirstId",
    "RemoteFirstId",
    "FirstTransformType",
    "FirstIntegrityAlgorithm",
    "FirstCipherAlgorithm",
    "EncapsulationMode",
    "NdAllowClearTimeoutSeconds",
    "TransportLayerFilterName",
    "QuickModeFilterId",
];
