//! Finding table rows from what a person types: a number, a name, a `%%nnnn`.
//!
//! Events and Windows errors only; words for a reason are in [`Reason::advice`](super::Reason::advice).

use super::{
    EventEntry, WindowsError, events_numbered, parameter, parameter_number, parse_number,
    ras_error, windows_error, windows_error_from_text, windows_error_named,
};

/// One thing that a code can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explained {
    /// An event of a Windows log.
    Event(&'static EventEntry),
    /// A Win32 error of IPsec or IKE.
    WindowsError(&'static WindowsError),
    /// An error of remote access that means IPsec.
    RasError(&'static WindowsError),
    /// Event 6013 of `EventLog`, which no judgement rests on: the uptime of the system.
    Uptime,
    /// A numbered text of audit events: its number and its words.
    Parameter(u32, &'static str),
}

/// Everything that `code` can mean, events first: `4653`, `13801`, `0x35E9`,
/// `ERROR_IPSEC_IKE_AUTH_FAIL`, an error's text, `%%8205`. A number of 32 bits is a status or, as
/// legacy logs show events, severity and source above the event's number. Empty where nothing is
/// known.
#[must_use]
pub fn explain(code: &str) -> Vec<Explained> {
    if let Some(number) = parameter_number(code) {
        return parameter(number)
            .map(|text| Explained::Parameter(number, text))
            .into_iter()
            .collect();
    }
    let Some(number) = parse_number(code) else {
        let row = windows_error_named(code).or_else(|| windows_error_from_text(code));
        return row.map(Explained::WindowsError).into_iter().collect();
    };
    let events = match u16::try_from(number) {
        Ok(number) => events_numbered(number),
        Err(_) if windows_error(number).is_some() => &[],
        // The upper half shows severity, customer and facility ([MS-EVEN] 2.2.3).
        Err(_) => u16::try_from(number & 0xffff).map_or(&[][..], events_numbered),
    };
    let error = windows_error(number).map(Explained::WindowsError);
    let remote = ras_error(number).map(Explained::RasError);
    let uptime = (number == UPTIME).then_some(Explained::Uptime);
    events.iter().map(Explained::Event).chain(uptime).chain(error).chain(remote).collect()
}

/// "The system uptime is … seconds" (Microsoft Learn, "Event ID 6013").
const UPTIME: u32 = 6013;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_code_is_found() {
        assert!(matches!(explain("4653")[..], [Explained::Event(row), ..] if row.id == 4653));
        for code in ["13801", "0x35E9", "error_ipsec_ike_auth_fail"] {
            let found = explain(code);
            assert!(
                matches!(found[..], [Explained::WindowsError(row)] if row.code == 13801),
                "{code}"
            );
        }
        // The driver's 4284 as a legacy log has it, and the NTSTATUS of a dropped clear packet.
        assert!(matches!(explain("0xC00010BC")[..], [Explained::Event(row)] if row.id == 4284));
        assert!(
            matches!(explain("0xC0360007")[..], [Explained::WindowsError(row)] if row.code == 13916)
        );
        assert!(matches!(explain("809")[..], [Explained::RasError(row)] if row.code == 809));
        assert!(explain("6013").contains(&Explained::Uptime));
        assert_eq!(explain("%%8205"), [Explained::Parameter(8205, "Initiator")]);
    }

    #[test]
    fn the_unknown_is_empty() {
        for code in ["", "4294967296", "99", "nothing", "%%1", "0xC0000001"] {
            assert_eq!(explain(code), [], "{code}");
        }
    }
}
