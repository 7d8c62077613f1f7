//! Why Windows drops packets, as PktMon reports it, where IPsec is the reason.
//!
//! Source: microsoft/retina, the list of reasons; the errors are those of winerror.h.

/// The name of a reason for which PktMon reports a drop, where IPsec is the reason.
pub(super) const fn ipsec_drop(reason: u32) -> Option<&'static str> {
    Some(match reason {
        15 => "IPsec",
        924 => "IPsec failure",
        1401 => "unknown SPI",
        1402 => "SA lifetime expired",
        1403 => "wrong SA",
        1404 => "replay check failed",
        1405 => "invalid packet",
        1406 => "integrity check failed",
        1407 => "clear text where IPsec is required",
        1408 => "authenticated firewall",
        1409 => "throttled",
        1410..=1418 => "denial-of-service protection",
        _ => return None,
    })
}

/// The error of Windows that says the same (ERROR_IPSEC_BAD_SPI and what follows it); `None` where none does.
pub(super) const fn windows_error(reason: u32) -> Option<u32> {
    match reason {
        1401..=1409 => Some(reason - 1401 + 13_910),
        _ => None,
    }
}
