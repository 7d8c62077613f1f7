//! What was typed → what the library needs. Every value is checked here, before any work.

use crate::correlate::GapRule;
use crate::summary::{SILENCE, Vantage};
use crate::time::{Span, Timestamp, Zone};
use ipnet::IpNet;
use std::net::IpAddr;
use std::path::PathBuf;

/// What is wrong with a value as it was typed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OptionError {
    #[error("expected A=B, as in 10.0.0.5=10.0.1.0/24")]
    Protect,
    #[error("`{0}` is neither an address nor a network such as 10.0.0.0/24")]
    Network(String),
    #[error("expected FILE=+7m12s or FILE=-1h: a log and how far its clock was ahead or behind")]
    ClockOffset,
    #[error("too long")]
    TooLong,
    #[error("expected FILE=lan, FILE=wan, FILE=host or FILE=mirror")]
    Vantage,
    #[error("expected a time such as 30s, 2m or 1m 30s")]
    Gap,
    #[error("the smallest gap is one second (1s)")]
    SmallGap,
    #[error("expected a name of letters, digits, `.`, `_` and `-`")]
    Label,
    #[error("expected UTC, an offset such as +01:00, or a name such as Europe/Berlin")]
    Zone,
    #[error("expected a time such as 2026-11-23T08:04:24Z")]
    Time,
}

/// `--protect A=B`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Protect {
    pub(super) typed: String,
    pub(super) one: IpNet,
    pub(super) other: IpNet,
}

/// Reads `A=B`, each an address or a network.
pub(super) fn protect(typed: &str) -> Result<Protect, OptionError> {
    let sides = typed.split_once('=').ok_or(OptionError::Protect)?;
    let (one, other) = (net(sides.0)?, net(sides.1)?);
    Ok(Protect { typed: typed.to_owned(), one, other })
}

fn net(text: &str) -> Result<IpNet, OptionError> {
    let text = text.trim();
    let address = text.parse::<IpAddr>().map(IpNet::from).ok();
    address.or_else(|| text.parse().ok()).ok_or_else(|| OptionError::Network(text.to_owned()))
}

/// `--clock-offset FILE=+7m12s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GivenOffset {
    pub(super) typed: String,
    pub(super) file: PathBuf,
    pub(super) offset: Span,
}

/// Reads `FILE=+7m12s`: how far the log's clock was ahead (`+`) or behind (`-`).
pub(super) fn clock_offset(typed: &str) -> Result<GivenOffset, OptionError> {
    let (file, offset) = typed.rsplit_once('=').ok_or(OptionError::ClockOffset)?;
    let (sign, length) = offset.split_at_checked(1).ok_or(OptionError::ClockOffset)?;
    let is_signed = matches!(sign, "+" | "-") && length.starts_with(|c: char| c.is_ascii_digit());
    let duration: jiff::SignedDuration = length.parse().map_err(|_| OptionError::ClockOffset)?;
    let nanos = i64::try_from(duration.as_nanos()).map_err(|_| OptionError::TooLong)?;
    if file.is_empty() || !is_signed || nanos < 0 {
        return Err(OptionError::ClockOffset);
    }
    let ahead = Span(nanos);
    let offset = if sign == "-" { ahead.negated() } else { ahead };
    Ok(GivenOffset { typed: typed.to_owned(), file: PathBuf::from(file), offset })
}

/// `--vantage FILE=lan`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GivenVantage {
    pub(super) typed: String,
    pub(super) file: PathBuf,
    pub(super) vantage: Vantage,
}

/// Reads `FILE=lan`: where a capture was taken.
pub(super) fn vantage(typed: &str) -> Result<GivenVantage, OptionError> {
    let (file, place) = typed.rsplit_once('=').ok_or(OptionError::Vantage)?;
    let vantage = Vantage::ALL
        .into_iter()
        .find(|known| known.as_str() == place)
        .ok_or(OptionError::Vantage)?;
    if file.is_empty() {
        return Err(OptionError::Vantage);
    }
    Ok(GivenVantage { typed: typed.to_owned(), file: PathBuf::from(file), vantage })
}

/// Reads a length of time such as `30s` or `2m`.
pub(super) fn gap(typed: &str) -> Result<GapRule, OptionError> {
    let duration: jiff::SignedDuration = typed.parse().map_err(|_| OptionError::Gap)?;
    let nanos = i64::try_from(duration.as_nanos()).map_err(|_| OptionError::TooLong)?;
    if Span(nanos) < SILENCE {
        return Err(OptionError::SmallGap);
    }
    Ok(GapRule::with_gap(Span(nanos)))
}

/// Reads the name of a machine, which comes before the paths of its files.
pub(super) fn label(typed: &str) -> Result<String, OptionError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if typed.is_empty() || typed.starts_with('.') || !typed.chars().all(is_plain) {
        return Err(OptionError::Label);
    }
    Ok(typed.to_owned())
}

/// Reads a time zone.
pub(super) fn zone(typed: &str) -> Result<Zone, OptionError> {
    Zone::parse(typed).ok_or(OptionError::Zone)
}

/// Reads an RFC 3339 time.
pub(super) fn time(typed: &str) -> Result<Timestamp, OptionError> {
    Timestamp::from_rfc3339(typed).ok_or(OptionError::Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_networks_of_both_families_are_understood() {
        for good in ["10.0.0.1=10.0.0.2", "10.0.0.0/24=10.1.0.0/16", "fd00::1=fd00::/64"] {
            assert!(protect(good).is_ok(), "{good}");
        }
        for bad in ["10.0.0.1", "10.0.0.1=", "a=b", "10.0.0.1=10.0.0.0/33"] {
            assert!(protect(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_vantage_names_a_capture_and_a_place() {
        let inner = vantage("a=b/lan.pcap=lan").unwrap();
        assert_eq!((inner.file.to_str(), inner.vantage), (Some("a=b/lan.pcap"), Vantage::Lan));
        for bad in ["lan.pcap", "=lan", "lan.pcap=outside", "lan.pcap="] {
            assert!(vantage(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_clock_offset_names_a_log_and_a_signed_time() {
        let ahead = clock_offset("logs/FS01-Security.evtx=+7m12s").unwrap();
        assert_eq!(ahead.offset, Span::from_seconds(432));
        assert_eq!(ahead.file, PathBuf::from("logs/FS01-Security.evtx"));
        assert_eq!(clock_offset("a=b.evtx=-1h").unwrap().offset, Span::from_seconds(-3600));
        for bad in ["x.evtx", "x.evtx=", "x.evtx=7m", "=+7m", "x.evtx=+-7m", "x.evtx=+soon"] {
            assert!(clock_offset(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_gap_below_a_second_is_refused() {
        assert_eq!(gap("30s").unwrap().gap, Span::from_seconds(30));
        assert_eq!(gap("2m").unwrap().gap, Span::from_seconds(120));
        for bad in ["0.5s", "500ms", "0s", "-30s", "x", ""] {
            assert!(gap(bad).is_err(), "{bad}");
        }
    }
}
