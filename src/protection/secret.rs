//! Credentials in clear text: that they are there, and in which form, never what they are.
//!
//! Recognized by a protocol's own structure in a single packet; what is cut over several is not found.

use super::App;
use crate::packet::{IpPacket, protocol};
use serde::{Deserialize, Serialize};

/// A form in which credentials travel readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Secret {
    /// HTTP Basic: user and password in Base64 (RFC 7617).
    HttpBasic,
    /// A password of FTP (RFC 959 §4.1.1).
    FtpPassword,
    /// A password of POP3, IMAP or SMTP (RFC 1939, 3501, 4954).
    MailPassword,
    /// Telnet's prompt for a password; what is typed follows in clear.
    TelnetPassword,
    /// A simple bind of LDAP with a password (RFC 4513 §5.1.3).
    LdapSimpleBind,
    /// The community of SNMP version 1 or 2c, which is all that guards it (RFC 1157, 3584).
    SnmpCommunity,
    /// An NTLM answer, at which passwords can be guessed offline (\[MS-NLMP\]).
    NtlmAnswer,
    /// A login of SQL Server without encryption; its password is scrambled only (\[MS-TDS\]).
    SqlLogin,
}

impl Secret {
    /// The form as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HttpBasic => "HTTP Basic credentials",
            Self::FtpPassword => "FTP passwords",
            Self::MailPassword => "mail passwords",
            Self::TelnetPassword => "Telnet password prompts",
            Self::LdapSimpleBind => "LDAP simple binds",
            Self::SnmpCommunity => "SNMP communities",
            Self::NtlmAnswer => "NTLM answers",
            Self::SqlLogin => "SQL Server logins",
        }
    }
}

/// The credentials that a clear packet of an application shows.
#[must_use]
pub fn secret(app: App, ip: &IpPacket<'_>) -> Option<Secret> {
    let payload = ip.payload;
    if ip.protocol == protocol::UDP {
        return (app == App::Snmp && is_snmp_community(payload)).then_some(Secret::SnmpCommunity);
    }
    if ip.protocol != protocol::TCP || payload.is_empty() {
        return None;
    }
    match app {
        App::Http | App::Winrm => http(payload),
        App::Ftp => starts_with_word(payload, b"PASS ").then_some(Secret::FtpPassword),
        App::Pop3 => {
            let is_password =
                starts_with_word(payload, b"PASS ") || starts_with_word(payload, b"AUTH PLAIN ");
            is_password.then_some(Secret::MailPassword)
        }
        App::Smtp => {
            let is_password = starts_with_word(payload, b"AUTH PLAIN ")
                || starts_with_word(payload, b"AUTH LOGIN");
            is_password.then_some(Secret::MailPassword)
        }
        App::Imap => is_imap_login(payload).then_some(Secret::MailPassword),
        App::Telnet => {
            let prompt = holds(payload, b"assword:");
            prompt.then_some(Secret::TelnetPassword)
        }
        App::Ldap => ldap(payload),
        App::Smb => is_session_setup(payload).then(|| ntlm(payload)).flatten(),
        App::Rpc => is_rpc_with_authentication(payload).then(|| ntlm(payload)).flatten(),
        // [MS-TDS] 2.2.3.1: type 16 is LOGIN7; it is encrypted unless both sides did without.
        App::Tds => matches!(payload, [0x10, 0 | 1, ..]).then_some(Secret::SqlLogin),
        App::Capwap
        | App::Dns
        | App::Geneve
        | App::Gre
        | App::Gtp
        | App::Gue
        | App::IpInIp
        | App::Kerberos
        | App::L2tp
        | App::Lisp
        | App::Mpls
        | App::Mysql
        | App::Netbios
        | App::Nfs
        | App::Ntp
        | App::Oracle
        | App::Postgresql
        | App::Quic
        | App::Radius
        | App::Rdp
        | App::Sip
        | App::Snmp
        | App::Ssh
        | App::Syslog
        | App::Teredo
        | App::Tls
        | App::Tzsp
        | App::Vnc
        | App::Vxlan
        | App::Other => None,
    }
}

/// RFC 9110 §11.6.2: a request's header field, its name in any case.
fn http(payload: &[u8]) -> Option<Secret> {
    if !begins_request(payload) {
        return None;
    }
    let head = payload.get(..LONGEST_HEAD).unwrap_or(payload);
    let lines = head.split(|byte| *byte == b'\n').take_while(|line| !matches!(line, [] | [b'\r']));
    lines.filter_map(field_value).find_map(|value| {
        if starts_with_word(value, b"Basic ") {
            Some(Secret::HttpBasic)
        } else if starts_with_word(value, b"NTLM TlRMTVNTUAAD") {
            // The Base64 of an NTLM message of type 3.
            Some(Secret::NtlmAnswer)
        } else {
            None
        }
    })
}

/// RFC 9112 §3: a method, a space and a target. Most segments are recognized by their first bytes.
pub(super) fn begins_request(payload: &[u8]) -> bool {
    let head = payload.get(..LONGEST_METHOD + 2).unwrap_or(payload);
    let method = head.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let is_target = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'*');
    method >= 3 && head.get(method) == Some(&b' ') && head.get(method + 1).is_some_and(is_target)
}

/// What follows `Authorization:` or `Proxy-Authorization:`.
fn field_value(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let is_field = name.eq_ignore_ascii_case(b"Authorization")
        || name.eq_ignore_ascii_case(b"Proxy-Authorization");
    is_field.then(|| value.get(1..).unwrap_or_default().trim_ascii_start())
}

pub(super) fn starts_with_word(payload: &[u8], word: &[u8]) -> bool {
    payload.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

/// RFC 3501 §6.2.3: a tag, then LOGIN or AUTHENTICATE PLAIN.
fn is_imap_login(payload: &[u8]) -> bool {
    let mut words = payload.splitn(3, |byte| *byte == b' ');
    let (_, command, rest) = (words.next(), words.next(), words.next());
    let Some((command, rest)) = command.zip(rest) else { return false };
    command.eq_ignore_ascii_case(b"LOGIN")
        || (command.eq_ignore_ascii_case(b"AUTHENTICATE") && starts_with_word(rest, b"PLAIN"))
}

/// RFC 4511 §4.2: a BindRequest with version, name and either a password or SASL.
fn ldap(payload: &[u8]) -> Option<Secret> {
    let (0x30, message, _) = element(payload)? else { return None };
    let (0x02, _, rest) = element(message)? else { return None };
    let (0x60, bind, _) = element(rest)? else { return None };
    let (0x02, _, rest) = element(bind)? else { return None };
    let (0x04, _, rest) = element(rest)? else { return None };
    match element(rest)? {
        // An empty password is an unauthenticated bind.
        (0x80, password, _) if !password.is_empty() => Some(Secret::LdapSimpleBind),
        (0xa3, sasl, _) => ntlm(sasl),
        _ => None,
    }
}

/// RFC 1157 §4: version 0 or 1 as integer, then the community.
fn is_snmp_community(payload: &[u8]) -> bool {
    let read = || {
        let (0x30, message, _) = element(payload)? else { return None };
        let (0x02, [0 | 1], rest) = element(message)? else { return None };
        let (0x04, community, _) = element(rest)? else { return None };
        (!community.is_empty()).then_some(())
    };
    read().is_some()
}

/// One BER element: tag, content, what follows. A content that goes on in another packet is cut.
pub(super) fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first & 0x80 == 0 {
        (usize::from(first), rest)
    } else {
        let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f).min(5))?;
        let value = length.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
        (value, rest)
    };
    let (content, rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
    Some((tag, content, rest))
}

/// \[MS-SMB2\] 2.2.1: command 1 of the header behind the four bytes of the transport.
fn is_session_setup(payload: &[u8]) -> bool {
    matches!(payload, [0, _, _, _, 0xfe, b'S', b'M', b'B', ..])
        && payload.get(16..18) == Some(&[1, 0])
}

/// \[C706\] 12.6: version 5.0, bind, alter context or auth3.
fn is_rpc_with_authentication(payload: &[u8]) -> bool {
    matches!(payload, [5, 0 | 1, 11 | 14 | 16, ..])
}

/// \[MS-NLMP\] 2.2.1.3: the signature and message type 3.
fn ntlm(bytes: &[u8]) -> Option<Secret> {
    holds(bytes, b"NTLMSSP\0\x03\0\0\0").then_some(Secret::NtlmAnswer)
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    let bytes = bytes.get(..LONGEST_HEAD).unwrap_or(bytes);
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// IANA's HTTP Method Registry: UPDATEREDIRECTREF has 17.
const LONGEST_METHOD: usize = 17;
/// Where such things are: at the beginning of what a client sends.
const LONGEST_HEAD: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(protocol: u8, payload: &[u8]) -> IpPacket<'_> {
        let [one, two] = ["10.0.0.1", "10.0.0.2"].map(|address| address.parse().unwrap());
        IpPacket::carrying(one, two, protocol, payload)
    }

    #[test]
    fn each_form_is_recognized_by_its_structure() {
        let tcp = |app, payload: &[u8]| secret(app, &packet(protocol::TCP, payload));
        let request = b"GET / HTTP/1.1\r\nHost: a\r\nauthorization: basic dTpw\r\n\r\n";
        assert_eq!(tcp(App::Http, request), Some(Secret::HttpBasic));
        let bearer = b"GET / HTTP/1.1\r\nAuthorization: Bearer x\r\n\r\nAuthorization: Basic x";
        assert_eq!(tcp(App::Http, bearer), None);
        assert_eq!(tcp(App::Ftp, b"PASS x\r\n"), Some(Secret::FtpPassword));
        assert_eq!(tcp(App::Imap, b"a1 login u p\r\n"), Some(Secret::MailPassword));
        assert_eq!(tcp(App::Telnet, b"\xff\xfb\x01Password: "), Some(Secret::TelnetPassword));
        let bind = [0x30, 14, 2, 1, 1, 0x60, 9, 2, 1, 3, 4, 1, b'u', 0x80, 1, b'p'];
        assert_eq!(tcp(App::Ldap, &bind), Some(Secret::LdapSimpleBind));
        let anonymous = [0x30, 12, 2, 1, 1, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0];
        assert_eq!(tcp(App::Ldap, &anonymous), None);
        let mut setup = vec![0, 0, 1, 0, 0xfe, b'S', b'M', b'B'];
        setup.extend([0; 8]);
        setup.extend([1, 0]);
        setup.extend([0; 60]);
        setup.extend(b"NTLMSSP\0\x03\0\0\0");
        assert_eq!(tcp(App::Smb, &setup), Some(Secret::NtlmAnswer));
        assert_eq!(tcp(App::Tds, &[0x10, 1, 0, 90]), Some(Secret::SqlLogin));
        let get = [0x30, 11, 2, 1, 1, 4, 6, b'p', b'u', b'b', b'l', b'i', b'c'];
        let snmp = secret(App::Snmp, &packet(protocol::UDP, &get));
        assert_eq!(snmp, Some(Secret::SnmpCommunity));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for app in [App::Http, App::Ftp, App::Imap, App::Telnet, App::Ldap, App::Smb, App::Rpc] {
                let _ = secret(app, &packet(protocol::TCP, &bytes));
            }
            let _ = secret(App::Snmp, &packet(protocol::UDP, &bytes));
        }
    }
}
