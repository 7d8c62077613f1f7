//! Applications recognized by what they say, on whatever port.
//!
//! [`anywhere`] needs no memory: its forms are at the beginning of messages all along a connection.
//! [`opening`] looks at the first bytes that a side sends; what holds them must remember the answer.

use super::App;
use super::secret::{begins_request, element, starts_with_word};
use crate::packet::{IpPacket, protocol};

/// An application, and whether what was seen of it is encrypted by itself.
pub type Recognized = (App, bool);

/// Forms that show an application in any packet.
#[must_use]
#[inline]
pub fn anywhere(ip: &IpPacket<'_>) -> Option<Recognized> {
    match (ip.protocol, ip.payload) {
        // RFC 8446 §5.1: a record of type 20–23, version 3.x, no longer than ciphertext may be.
        (protocol::TCP, [20..=23, 3, 0..=4, high, ..]) if usize::from(*high) <= TLS_LONGEST => {
            Some((App::Tls, true))
        }
        // [MS-SMB2] 2.1: four bytes of length, then the protocol id; 0xFD is the encrypted form.
        (protocol::TCP, [0, _, _, _, 0xfd, b'S', b'M', b'B', ..]) => Some((App::Smb, true)),
        (protocol::TCP, [0, _, _, _, 0xfc | 0xfe | 0xff, b'S', b'M', b'B', ..]) => {
            Some((App::Smb, false))
        }
        // RFC 4253 §4.2: the version exchange itself is readable.
        (protocol::TCP, [b'S', b'S', b'H', b'-', ..]) => Some((App::Ssh, false)),
        (protocol::UDP, _) => is_quic(ip).then_some((App::Quic, true)),
        _ => None,
    }
}

/// Forms that show an application in the first bytes of a side, or in a datagram.
#[must_use]
pub fn opening(ip: &IpPacket<'_>) -> Option<App> {
    match ip.protocol {
        protocol::TCP => text(ip.payload).or_else(|| in_stream(ip.payload, ip.payload_len)),
        protocol::UDP => in_datagram(ip.payload),
        _ => None,
    }
}

/// RFC 9000 §17.2: a long header with a version that is not zero, on the port HTTP/3 uses.
fn is_quic(ip: &IpPacket<'_>) -> bool {
    let on_443 = ip.ports.is_some_and(|p| p.source == 443 || p.destination == 443);
    on_443 && matches!(ip.payload, [first, 0, 0, 0, 1..=255, ..] if first & 0xc0 == 0xc0)
}

/// Protocols that are lines of text.
fn text(payload: &[u8]) -> Option<App> {
    let begins = |word: &[u8]| starts_with_word(payload, word);
    let app = match payload.first()? {
        // RFC 3261 §7; before HTTP, whose methods it shares.
        _ if is_sip(payload) => App::Sip,
        // RFC 9112 §4, RFC 9113 §3.4.
        b'H' if begins(b"HTTP/") => App::Http,
        // RFC 5321 §4.1.1.1.
        b'E' | b'H' | b'e' | b'h' if begins(b"EHLO ") || begins(b"HELO ") => App::Smtp,
        b'A'..=b'Z' if begins_request(payload) && is_http_method(payload) => App::Http,
        // RFC 5321 §4.2, RFC 959 §5.4: the greeting of either; most servers say which.
        b'2' if begins(b"220 ") || begins(b"220-") => greeting(payload)?,
        // RFC 1939 §4, RFC 3501 §7.1.
        b'+' if begins(b"+OK") => App::Pop3,
        b'*' if begins(b"* OK") || begins(b"* PREAUTH") => App::Imap,
        // RFC 6143 §7.1.1.
        b'R' if begins(b"RFB 003.") => App::Vnc,
        _ => return None,
    };
    Some(app)
}

fn is_http_method(payload: &[u8]) -> bool {
    const METHODS: [&[u8]; 10] = [
        b"GET ",
        b"POST ",
        b"HEAD ",
        b"PUT ",
        b"DELETE ",
        b"OPTIONS ",
        b"CONNECT ",
        b"PATCH ",
        b"PROPFIND ",
        b"PRI ",
    ];
    METHODS.iter().any(|method| payload.starts_with(method))
}

/// A status line, or a method before an address of the scheme.
fn is_sip(payload: &[u8]) -> bool {
    if payload.starts_with(b"SIP/2.0 ") {
        return true;
    }
    let method = payload.iter().take(16).take_while(|byte| byte.is_ascii_uppercase()).count();
    let rest = payload.get(method..).unwrap_or_default();
    method >= 3 && (rest.starts_with(b" sip:") || rest.starts_with(b" sips:"))
}

fn greeting(payload: &[u8]) -> Option<App> {
    let line = payload.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let line = line.get(..LONGEST_GREETING).unwrap_or(line);
    let names = |word: &[u8]| line.windows(word.len()).any(|at| at.eq_ignore_ascii_case(word));
    match (names(b"SMTP"), names(b"FTP")) {
        (true, _) => Some(App::Smtp),
        (false, true) => Some(App::Ftp),
        (false, false) => None,
    }
}

/// Protocols of bytes in a TCP stream.
fn in_stream(payload: &[u8], payload_len: usize) -> Option<App> {
    let reported = match payload {
        // [C706] 12.6.3.1, [MS-RPCE] 2.2.2: version 5, a known type, little-endian ASCII IEEE.
        [5, 0 | 1, 0..=19, _, 0x10, 0, 0, 0, ..] => App::Rpc,
        // RFC 1006 §6 with a connection request or confirm of X.224 ([MS-RDPBCGR] 2.2.1.1).
        [3, 0, high, low, _, 0xe0 | 0xd0, 0, 0, ..]
            if usize::from(u16::from_be_bytes([*high, *low])) == payload_len =>
        {
            App::Rdp
        }
        // [MS-TDS] 2.2.3.1: a pre-login of the length it says.
        [0x12, 1, high, low, 0, 0, ..]
            if usize::from(u16::from_be_bytes([*high, *low])) == payload_len =>
        {
            App::Tds
        }
        // RFC 854: options are offered in threes.
        [0xff, 0xfb..=0xfe, _] | [0xff, 0xfb..=0xfe, _, 0xff, ..] => App::Telnet,
        // RFC 4120 §7.2.2: the length, then a message.
        [0, _, _, _, message @ ..] if length(payload) == payload_len.checked_sub(4) => {
            is_kerberos(message).then_some(App::Kerberos)?
        }
        // RFC 5531 §11: the last fragment's mark, then a message.
        [0x80, _, _, _, message @ ..] => remote_call(message)?,
        [0x30, ..] => is_ldap(payload).then_some(App::Ldap)?,
        _ => return None,
    };
    Some(reported)
}

fn length(payload: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(*payload.first_chunk()?)).ok()
}

fn in_datagram(payload: &[u8]) -> Option<App> {
    match payload {
        [b'<', ..] => is_syslog(payload).then_some(App::Syslog),
        [0x30, ..] => is_snmp(payload).then_some(App::Snmp),
        [0x6a..=0x6f | 0x7e, ..] => is_kerberos(payload).then_some(App::Kerberos),
        _ if is_sip(payload) => Some(App::Sip),
        _ if is_dns(payload) => Some(App::Dns),
        _ => remote_call(payload),
    }
}

/// RFC 5424 §6.2.1: a priority below 192, then text.
fn is_syslog(payload: &[u8]) -> bool {
    let digits = payload.iter().skip(1).take(3).take_while(|byte| byte.is_ascii_digit()).count();
    let value = payload.iter().skip(1).take(digits);
    let priority = value.fold(0u16, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    let behind = (payload.get(1 + digits), payload.get(2 + digits));
    digits > 0
        && priority < 192
        && matches!(behind, (Some(b'>'), Some(next)) if next.is_ascii_alphanumeric())
}

/// RFC 1157 §4, RFC 3412 §6: a version, then a community or a header.
fn is_snmp(payload: &[u8]) -> bool {
    let read = || {
        let (0x30, message, _) = element(payload)? else { return None };
        let (0x02, [version], rest) = element(message)? else { return None };
        matches!((version, rest.first()?), (0 | 1, 0x04) | (3, 0x30)).then_some(())
    };
    read().is_some()
}

/// RFC 4511 §4.1.1: a number, then an operation (an application tag that exists).
fn is_ldap(payload: &[u8]) -> bool {
    let read = || {
        let (0x30, message, _) = element(payload)? else { return None };
        let (0x02, number, rest) = element(message)? else { return None };
        let operation = *rest.first()?;
        let exists = matches!(operation, 0x42 | 0x4a | 0x50 | 0x60..=0x79);
        (number.len() <= 4 && !number.is_empty() && exists).then_some(())
    };
    read().is_some()
}

/// RFC 4120 §5.4 to 5.9: an application tag, a sequence in it.
fn is_kerberos(message: &[u8]) -> bool {
    let Some((0x6a..=0x6f | 0x74..=0x76 | 0x7e, body, _)) = element(message) else { return false };
    // The first field is [0] or [1], the version number 5.
    matches!(element(body), Some((0x30, fields, _)) if matches!(
        fields, [0xa0 | 0xa1, 3, 2, 1, 5, ..]
    ))
}

/// RFC 5531 §9: a call of version 2; NFS is program 100003.
fn remote_call(message: &[u8]) -> Option<App> {
    let word = |at: usize| Some(u32::from_be_bytes(*message.get(at..)?.first_chunk()?));
    let is_call = word(4)? == 0 && word(8)? == 2;
    match (is_call, word(12)?) {
        (true, 100_003) => Some(App::Nfs),
        (true, 100_000..=100_999) => Some(App::Rpc),
        (true, _) | (false, _) => None,
    }
}

/// RFC 1035 §4.1: one question whose name, type and class are behind the header.
fn is_dns(payload: &[u8]) -> bool {
    let Some((header, question)) = payload.split_at_checked(12) else { return false };
    // Opcode 0 (query) or 5 (update), the reserved bit zero, one question.
    let [_, _, flags, more, 0, 1, ..] = header else { return false };
    if !matches!(flags & 0x78, 0 | 0x28) || more & 0x40 != 0 {
        return false;
    }
    let mut rest = question;
    for _ in 0..128 {
        match rest {
            [0, 0, _, 0 | 0x80, class, ..] => return matches!(class, 1 | 254 | 255),
            [length @ 1..=63, tail @ ..] => {
                rest = tail.get(usize::from(*length)..).unwrap_or_default();
            }
            _ => return false,
        }
    }
    false
}

/// The high byte of 2^14 + 256.
const TLS_LONGEST: usize = 0x41;
const LONGEST_GREETING: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Ports;
    use proptest::prelude::*;

    fn packet(protocol: u8, payload: &[u8]) -> IpPacket<'_> {
        let [one, two] = ["10.0.0.1", "10.0.0.2"].map(|address| address.parse().unwrap());
        let ports = Some(Ports { source: 50_000, destination: 40_000 });
        IpPacket { ports, ..IpPacket::carrying(one, two, protocol, payload) }
    }

    #[test]
    fn the_encrypted_form_of_smb_is_distinguished() {
        let recognized =
            |byte| anywhere(&packet(protocol::TCP, &[0, 0, 0, 9, byte, b'S', b'M', b'B']));
        assert_eq!(recognized(0xfd), Some((App::Smb, true)));
        assert_eq!(recognized(0xfe), Some((App::Smb, false)));
    }

    #[test]
    fn each_protocol_is_recognized_by_its_beginning() {
        let cases: [(u8, &[u8], Option<App>); 27] = [
            (6, b"GET /a HTTP/1.1\r\n", Some(App::Http)),
            (6, b"HTTP/1.1 200 OK\r\n", Some(App::Http)),
            (6, b"GETTING nothing\r\n", None),
            (6, b"OPTIONS sip:a@b SIP/2.0\r\n", Some(App::Sip)),
            (17, b"SIP/2.0 200 OK\r\n", Some(App::Sip)),
            (6, b"220 mail.example ESMTP\r\n", Some(App::Smtp)),
            (6, b"220 (vsFTPd 3.0.5)\r\n", Some(App::Ftp)),
            (6, b"220 welcome\r\nFTP", None),
            (6, b"EHLO host\r\n", Some(App::Smtp)),
            (6, b"+OK ready\r\n", Some(App::Pop3)),
            (6, b"* OK IMAP4rev1\r\n", Some(App::Imap)),
            (6, b"RFB 003.008\n", Some(App::Vnc)),
            (6, &[0xff, 0xfd, 0x18, 0xff, 0xfd, 0x20], Some(App::Telnet)),
            (6, &[0xff, 0xd8, 0xff, 0xe0], None),
            (6, &[5, 0, 11, 3, 0x10, 0, 0, 0, 72, 0], Some(App::Rpc)),
            (6, &[3, 0, 0, 11, 6, 0xe0, 0, 0, 0, 0, 0], Some(App::Rdp)),
            (6, &[0x12, 1, 0, 8, 0, 0, 1, 0], Some(App::Tds)),
            (6, &[0, 0, 0, 9, 0x6a, 7, 0x30, 5, 0xa1, 3, 2, 1, 5], Some(App::Kerberos)),
            (17, &[0x6a, 7, 0x30, 5, 0xa1, 3, 2, 1, 5], Some(App::Kerberos)),
            (6, &[0x30, 5, 2, 1, 1, 0x60, 0], Some(App::Ldap)),
            (6, &[0x30, 5, 2, 1, 1, 0x20, 0], None),
            (17, &[0x30, 7, 2, 1, 1, 4, 2, b'p', b'u'], Some(App::Snmp)),
            (17, b"<34>Oct 11 22:14:15 host su: x", Some(App::Syslog)),
            (17, b"<200>x", None),
            (17, b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x02bc\0\0\x01\0\x01", Some(App::Dns)),
            (17, b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x42bc\0\0\x01\0\x01", None),
            (17, &[0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0x86, 0xa3], Some(App::Nfs)),
        ];
        for (protocol, payload, app) in cases {
            assert_eq!(opening(&packet(protocol, payload)), app, "{payload:02x?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            for protocol in [protocol::TCP, protocol::UDP] {
                let _ = (opening(&packet(protocol, &bytes)), anywhere(&packet(protocol, &bytes)));
            }
        }
    }
}
