//! Turns an exported configuration into the text of a policy, and lists all that could not be translated.
//!
//! Never claims more protection than the source: what lets clear text pass becomes an exemption, and what a
//! policy cannot express is listed instead. Secrets in the source are never repeated.

mod draft;
mod names;
mod rule_fault;

mod netsh;

mod strongswan;

mod ipsec_conf;

mod swanctl;

mod powershell;

mod state;

use draft::Draft;
use std::net::IpAddr;

/// The kind of the imported text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceFormat {
    /// A script of `netsh ipsec` commands, or what `netsh ipsec dump` printed.
    Netsh,
    /// ipsec.conf of strongSwan, Libreswan or Openswan.
    IpsecConf,
    /// swanctl.conf of strongSwan.
    SwanctlConf,
    /// What `Get-NetIPsecRule | ConvertTo-Json` printed.
    PowerShell,
    /// The state of the filtering platform: wfpstate.xml, wfpdiag.xml.
    WfpState,
}

impl SourceFormat {
    /// The format in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Netsh => "a netsh ipsec script",
            Self::IpsecConf => "ipsec.conf",
            Self::SwanctlConf => "swanctl.conf",
            Self::PowerShell => "Get-NetIPsecRule | ConvertTo-Json",
            Self::WfpState => "netsh wfp show state",
        }
    }
}

/// What the user has to know before relying on the import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportNote {
    /// The line of the source, from 1; `None` where it has none.
    pub line: Option<usize>,
    /// In words, with names from the source in them.
    pub text: String,
}

/// A policy translated from another system's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The format of the source.
    pub format: SourceFormat,
    /// The text of the policy file; [`parse`](super::parse) takes it.
    pub toml: String,
    /// What could not be translated, or not in full; the text has it too.
    pub notes: Vec<ImportNote>,
}

/// Why nothing was imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is none of the formats.
    #[error(
        "not a netsh ipsec script, ipsec.conf, swanctl.conf, Get-NetIPsecRule JSON or wfpstate.xml"
    )]
    Unknown,
    /// It looks like JSON and is not valid.
    #[error("line {line}, column {column}: the JSON is incomplete or damaged")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
}

/// Translates an export; the format is recognized by its content. `me` are the addresses of the computer it
/// is from, where they are known.
///
/// # Errors
/// Where it is none of the formats.
pub fn import(bytes: &[u8], me: &[IpAddr]) -> Result<Imported, ImportError> {
    let (text, is_whole) = text_of(bytes);
    let format = format_of(&text).ok_or(ImportError::Unknown)?;
    let mut draft = Draft::new(me);
    if !is_whole {
        draft.note(None, "the text holds bytes that are not valid characters; they were replaced");
    }
    match format {
        SourceFormat::Netsh => netsh::import_rules(&text, &mut draft),
        SourceFormat::IpsecConf => ipsec_conf::import_rules(&text, &mut draft),
        SourceFormat::SwanctlConf => swanctl::import_rules(&text, &mut draft),
        SourceFormat::PowerShell => powershell::import_rules(&text, &mut draft)?,
        SourceFormat::WfpState => state::import_rules(&text, &mut draft),
    }
    let (toml, notes) = draft.finish(format);
    Ok(Imported { format, toml, notes })
}

/// Decodes UTF-8, or UTF-16 as PowerShell writes redirected output; false where bytes were replaced.
fn text_of(bytes: &[u8]) -> (String, bool) {
    let utf16 = |order: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units = bytes.chunks_exact(2).map(|unit| match unit {
            [one, other] => order([*one, *other]),
            _ => u16::from(b'?'),
        });
        let mut is_whole = bytes.len().is_multiple_of(2);
        let text = char::decode_utf16(units).map(|c| {
            is_whole &= c.is_ok();
            c.unwrap_or(char::REPLACEMENT_CHARACTER)
        });
        let text = text.collect();
        (text, is_whole)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => utf16(u16::from_be_bytes, rest),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        bytes => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> (String, bool) {
    let text = String::from_utf8_lossy(bytes);
    let is_whole = matches!(text, std::borrow::Cow::Borrowed(_));
    (text.into_owned(), is_whole)
}

/// The root element of a state is within this length, behind the declaration and a comment.
const HEAD: usize = 512;

/// The first line that can only be of one format decides.
fn format_of(text: &str) -> Option<SourceFormat> {
    if text.trim_start().starts_with(['{', '[']) {
        return Some(SourceFormat::PowerShell);
    }
    if text.trim_start().starts_with('<') {
        let head: String = text.chars().take(HEAD).collect();
        let is_state = head.contains("<wfpstate") || head.contains("<wfpdiag");
        return is_state.then_some(SourceFormat::WfpState);
    }
    text.lines().find_map(|line| {
        let line = line.trim().to_ascii_lowercase();
        let mut words = line.split_whitespace();
        match (words.next()?, words.next()) {
            ("netsh", Some(_)) | ("pushd", Some("ipsec")) => Some(SourceFormat::Netsh),
            ("ipsec", Some("static" | "dynamic")) => Some(SourceFormat::Netsh),
            ("static" | "dynamic" | "add" | "set" | "delete", Some(what)) => {
                let is_known = netsh::OBJECTS.contains(&what);
                let is_verb = matches!(what, "add" | "set" | "delete");
                (is_known || is_verb).then_some(SourceFormat::Netsh)
            }
            ("conn" | "ca", Some(_)) | ("config", Some("setup")) => Some(SourceFormat::IpsecConf),
            (word, _) => {
                let name: String = word.chars().take_while(char::is_ascii_alphanumeric).collect();
                let is_section = matches!(name.as_str(), "connections" | "secrets" | "pools");
                let is_open = line.contains('{') || line.trim_end() == name;
                (is_section && is_open).then_some(SourceFormat::SwanctlConf)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_recognized_by_their_content() {
        let cases = [
            ("\n# x\npushd ipsec static\n", SourceFormat::Netsh),
            ("@echo off\nnetsh ipsec static add policy x\n", SourceFormat::Netsh),
            ("add filterlist name=x\n", SourceFormat::Netsh),
            ("# ipsec.conf\nconfig setup\n", SourceFormat::IpsecConf),
            ("conn a\n  left=10.0.0.1\n", SourceFormat::IpsecConf),
            ("connections {\n", SourceFormat::SwanctlConf),
            ("secrets{}\nconnections{}", SourceFormat::SwanctlConf),
            (" [ ]", SourceFormat::PowerShell),
            ("<?xml version=\"1.0\"?>\n<wfpstate>", SourceFormat::WfpState),
        ];
        for (text, format) in cases {
            assert_eq!(import(text.as_bytes(), &[]).unwrap().format, format, "{text}");
        }
        assert_eq!(import(b"", &[]), Err(ImportError::Unknown));
        assert_eq!(import(b"\x7fELF", &[]), Err(ImportError::Unknown));
    }

    #[test]
    fn utf16_is_read_as_powershell_writes_it() {
        let text = "netsh ipsec static add policy name=ä\r\n";
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(import(&bytes, &[]).unwrap().format, SourceFormat::Netsh);
        assert_eq!(text_of(&bytes), (text.to_owned(), true));
    }

    #[test]
    fn an_export_that_repeats_itself_takes_no_time() {
        let filter = "add filter l 10.0.0.1-10.9.9.9 10.0.0.1-10.9.9.9\n".repeat(2_000);
        let rules = "add rule r p l a\ndelete rule r\nadd rule r p l a\n".repeat(2_000);
        let netsh = format!("pushd ipsec static\nadd filteraction a\n{filter}{rules}");
        let also = (0..5_000).map(|at| format!("conn c{at}\n also=c{}\n auto=route\n", at + 1));
        let deep = format!("connections {}", "{ a ".repeat(50_000));
        let names = "connections { a : b.c.d, a, a { children { x { } y { } } } }".repeat(2_000);
        for text in [netsh, also.collect(), deep, names, "[".repeat(100_000)] {
            if let Ok(imported) = import(text.as_bytes(), &[]) {
                assert!(imported.notes.len() < 3_000);
                super::super::parse(&imported.toml).unwrap();
            }
        }
    }

    /// Words that lead deep into the importers.
    const WORDS: &str = "(netsh|ipsec|static|dynamic|pushd|popd|add|set|delete|filter|filterlist|\
        filteraction|rule|policy|name=a|a|l|srcaddr=me|dstaddr=any|10.0.0.1|10.0.0.0/8|mirrored=no|\
        action=permit|soft=yes|qmsec=ESP\\[DES,MD5\\]|conn|also=a|left=|right=%any|leftsubnet=|auto=route|\
        type=transport|connections|children|\\{|\\}|:|=|,|local_ts=|remote_ts=|tcp/445|\\[|\\]|#|include|\"|\
        %default|config|setup|[0-9]{1,6}|\\PC)([ \t]|\n|\n )";

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            if let Ok(imported) = import(&bytes, &[]) {
                super::super::parse(&imported.toml).unwrap();
            }
        }

        #[test]
        fn no_words_make_it_panic_and_a_policy_comes_out(
            begin in "(netsh ipsec\n|conn a\n |connections \\{\n|)",
            words in proptest::collection::vec(WORDS, 0..60),
        ) {
            let text = begin + &words.concat();
            if let Ok(imported) = import(text.as_bytes(), &[]) {
                super::super::parse(&imported.toml).unwrap();
            }
        }

        #[test]
        fn no_rule_of_windows_makes_it_panic(
            name: String, address in "(Any|10\\.0\\.0\\.[0-9]{1,3}(-10\\.0\\.1\\.1)?|\\PC{0,5})",
            port in "(Any|[0-9]{1,6}(-[0-9]{1,6})?|\\PC{0,3})", security in 0..4,
        ) {
            let rule = serde_json::json!([{
                "DisplayName": name, "InboundSecurity": security, "OutboundSecurity": 2,
                "LocalAddress": address, "RemoteAddress": ["Any", address], "Protocol": "UDP",
                "LocalPort": port,
            }]);
            let imported = import(rule.to_string().as_bytes(), &[]).unwrap();
            super::super::parse(&imported.toml).unwrap();
        }
    }
}
