//! DHCP for IPv4 (RFC 2131, RFC 2132); the one for IPv6 is in [`v6`].
//!
//! Text has a place in options that are names, paths, messages or addresses of web pages. Numbers and addresses look
//! like it where all their bytes are letters, digits and signs, as those of 10.10.0.0/16 are: [`values`] knows them.

mod v6;
mod values;

use super::{are_names, is_partial};
use crate::ike::readable::{holds_text, text_len};
use crate::packet::{IpPacket, Ports};

/// Between these ports, in the form of a message.
pub(super) fn is_message(ip: &IpPacket<'_>, ports: Ports) -> bool {
    let ports = (ports.source, ports.destination);
    let place = Place { is_cut: is_partial(ip), depth: 0 };
    match ports {
        // A group's traffic is exempt whatever it holds.
        (67 | 68, 67 | 68) => {
            let mut text = Text { is_any: ip.destination().is_multicast(), bytes: 0 };
            is_dhcp(ip.payload, ip.payload_len, place, &mut text)
        }
        (546 | 547, 546 | 547) => {
            let mut text = Text::default();
            v6::may_go_there(ip, ports) && v6::is_dhcp(ip.payload, ip.payload_len, place, &mut text)
        }
        _ => false,
    }
}

/// The place of a message or of options.
#[derive(Clone, Copy)]
struct Place {
    /// The capture cut the packet.
    is_cut: bool,
    /// In how many options it is.
    depth: u8,
}

/// The text of one message.
#[derive(Clone, Copy, Debug, Default)]
struct Text {
    /// No text is too much.
    is_any: bool,
    bytes: usize,
}

impl Text {
    /// Adds up so many bytes; whether a message may have as many.
    const fn may_have(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        self.is_any || self.bytes <= MOST_TEXT
    }
}

/// RFC 2131 §2 and §3, RFC 2132 §2: fixed fields, a cookie, and options up to an end, one of which is the type of the
/// message. Without it the message is one of BOOTP (RFC 1534 §2), which has 300 octets (RFC 951 §3).
fn is_dhcp(seen: &[u8], len: usize, place: Place, text: &mut Text) -> bool {
    let Some(operation) = seen.first() else { return len > 0 };
    let has_address = seen.get(2).is_none_or(|length| *length <= 16);
    let cookie = seen.get(BOOTP_HEADER..OPTIONS);
    let has_cookie = cookie.map_or(place.is_cut, |cookie| cookie == MAGIC_COOKIE);
    let vendor = seen.get(BOOTP_HEADER..).unwrap_or_default();
    let is_plain = len <= BOOTP && vendor.iter().all(|octet| *octet == 0);
    if !matches!(operation, 1 | 2) || !has_address || !(has_cookie || is_plain) {
        return false;
    }
    let mut options = Options::of(*operation, place.is_cut, text);
    let end = match seen.get(OPTIONS..) {
        Some(field) if !is_plain => options.read(field),
        Some(_) | None => End::Reached,
    };
    // RFC 2131 §4.1: first the options, then the file, then the server's name.
    let fields = [(BOOT_FILE, IN_BOOT_FILE), (SERVER_NAME, IN_SERVER_NAME)];
    let have_form = fields.into_iter().all(|(at, overload)| {
        let field = seen.get(at.start..at.end.min(seen.len())).unwrap_or_default();
        options.is_field(field, overload)
    });
    let has_type = options.has_type || len <= BOOTP;
    match end {
        End::Reached => have_form && has_type,
        End::Cut => have_form && place.is_cut,
        End::Broken => false,
    }
}

/// What the options of a message have shown so far.
struct Options<'t> {
    operation: u8,
    is_cut: bool,
    has_type: bool,
    /// The fields of names that hold options (RFC 2132 §9.3).
    overload: u8,
    /// Which options had text and may not come again.
    had: [bool; 256],
    text: &'t mut Text,
}

/// How a field of options ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With an end, and zeros behind it.
    Reached,
    /// With the bytes that are there.
    Cut,
    /// Not as options do.
    Broken,
}

impl<'t> Options<'t> {
    const fn of(operation: u8, is_cut: bool, text: &'t mut Text) -> Self {
        Self { operation, is_cut, has_type: false, overload: 0, had: [false; 256], text }
    }

    /// Takes the options of a field.
    fn read(&mut self, field: &[u8]) -> End {
        let mut at = 0;
        while let Some(code) = field.get(at) {
            match code {
                0 => at += 1,
                255 => {
                    let is_filled = field.iter().skip(at + 1).all(|octet| *octet == 0);
                    return if is_filled { End::Reached } else { End::Broken };
                }
                code => {
                    let Some(length) = field.get(at + 1) else { return End::Cut };
                    let begin = at + 2;
                    at = begin + usize::from(*length);
                    let Some(value) = field.get(begin..at) else { return End::Cut };
                    if !self.take(*code, value) {
                        return End::Broken;
                    }
                }
            }
        }
        End::Cut
    }

    /// Takes an option; whether it has its form.
    fn take(&mut self, code: u8, value: &[u8]) -> bool {
        match (code, value) {
            (MESSAGE_TYPE, [kind]) => {
                self.has_type = is_sent_with(*kind, self.operation);
                return self.has_type;
            }
            (MESSAGE_TYPE, _) => return false,
            (OVERLOAD, [fields]) => self.overload = *fields,
            (_, _) => {}
        }
        let text = text_len(value);
        if text == 0 || values::is_of(code, value) {
            return true;
        }
        // RFC 3942: from 128 on sites and makers give options their meaning.
        let has_place = code >= FIRST_OF_SITES || TEXT_OPTIONS.contains(&code);
        let Some(had) = self.had.get_mut(usize::from(code)) else { return false };
        // RFC 2131 §4.1: an option appears once. RFC 3396 §5: what is too long for one is in several.
        let is_again = std::mem::replace(had, value.len() < usize::from(u8::MAX));
        let is_little = self.text.may_have(text);
        self.text.is_any || (has_place && !is_again && is_little)
    }

    /// Whether a field for a name holds one, or options where they say so.
    fn is_field(&mut self, field: &[u8], overload: u8) -> bool {
        if self.overload & overload != 0 {
            self.had = [false; 256];
            return match self.read(field) {
                End::Reached => true,
                End::Cut => self.is_cut,
                End::Broken => false,
            };
        }
        is_name(field, self.operation == 2) && self.text.may_have(text_len(field))
    }
}

/// RFC 2131 §2: a server's name and a boot file, which end with a zero. A client leaves them empty or asks for one
/// by a short name.
fn is_name(field: &[u8], is_reply: bool) -> bool {
    let ends = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let (name, rest) = field.split_at(ends);
    !holds_text(rest) && (is_reply || !holds_text(name))
}

/// RFC 2131 §3 and §4.3, RFC 3203 §2, RFC 4388 §6: what clients and relays ask, and what servers answer.
const fn is_sent_with(kind: u8, operation: u8) -> bool {
    match kind {
        1 | 3 | 4 | 7 | 8 | 10 => operation == 1,
        2 | 5 | 6 | 9 | 11..=13 => operation == 2,
        _ => false,
    }
}

/// RFC 2131 §2: the fixed fields, then RFC 2132 §2's cookie.
const BOOTP_HEADER: usize = 236;
const OPTIONS: usize = 240;
const SERVER_NAME: std::ops::Range<usize> = 44..108;
const BOOT_FILE: std::ops::Range<usize> = 108..BOOTP_HEADER;
const MAGIC_COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
/// RFC 2132 §9.6.
const MESSAGE_TYPE: u8 = 53;
/// RFC 2132 §9.3, and the bits of its value.
const OVERLOAD: u8 = 52;
const IN_BOOT_FILE: u8 = 1;
const IN_SERVER_NAME: u8 = 2;
/// Of those below 128, the options that IANA's registry (bootp-dhcp-parameters) gives names, paths, identifiers, messages
/// or addresses of web pages: RFC 2132 §3.14 to §3.20, §8.1, §8.4, §8.9, §8.11, §9.4, §9.5, §9.9, §9.13 and §9.14; RFC 2242
/// (62), RFC 3004 (77), RFC 2610 (79), RFC 4702 (81), RFC 3046 (82), RFC 2241 (86, 87), RFC 4280 (88), RFC 3118 §4 (90),
/// RFC 3679 §3 (95, 113), RFC 2485 (98), RFC 4776 (99), RFC 4833 (100, 101), RFC 8910 (114), RFC 3397 (119), RFC 3361
/// (120), RFC 3495 (122), RFC 3925 (124, 125).
const TEXT_OPTIONS: [u8; 35] = [
    12, 14, 15, 17, 18, 40, 43, 47, 56, 60, 61, 62, 64, 66, 67, 77, 79, 81, 82, 86, 87, 88, 90, 95,
    98, 99, 100, 101, 113, 114, 119, 120, 122, 124, 125,
];
/// Text of one message. What every client takes has no room for more: 312 octets of options, and the 192 of the two names
/// that options may fill (RFC 2131 §2, RFC 2132 §9.3).
const MOST_TEXT: usize = 512;
/// RFC 951 §3.
const BOOTP: usize = 300;
const FIRST_OF_SITES: u8 = 128;
