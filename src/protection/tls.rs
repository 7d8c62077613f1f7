//! What a TLS handshake says in clear: the server's name and the version (RFC 8446 §4.1, RFC 6066 §3).

use serde::{Deserialize, Serialize};

/// A greeting of either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hello {
    /// The client's, with the name of the server it wants, where that is in the same segment.
    Client(Option<String>),
    /// The server's, with the version it chose.
    Server(TlsVersion),
}

/// A version of TLS, by its number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TlsVersion(pub u16);

impl std::fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0x0300 => f.write_str("SSL 3.0"),
            0x0301 => f.write_str("TLS 1.0"),
            0x0302 => f.write_str("TLS 1.1"),
            0x0303 => f.write_str("TLS 1.2"),
            0x0304 => f.write_str("TLS 1.3"),
            other => write!(f, "0x{other:04x}"),
        }
    }
}

/// The greeting at the beginning of a TCP segment; what is cut over several segments is reported as far
/// as it is in the first.
#[must_use]
pub fn hello(segment: &[u8]) -> Option<Hello> {
    // A handshake record; a handshake message with three bytes of length.
    let [22, 3, 0..=4, _, _, kind @ (1 | 2), _, _, _, body @ ..] = segment else { return None };
    let mut body = Octets(body);
    let legacy = TlsVersion(body.number()?);
    body.take(32)?;
    body.counted_by_byte()?;
    if *kind == 2 {
        // The suite and the compression.
        body.take(3)?;
        let chosen = extension(body, SUPPORTED_VERSIONS).and_then(|mut bytes| bytes.number());
        return Some(Hello::Server(chosen.map_or(legacy, TlsVersion)));
    }
    let name = (|| {
        body.counted()?;
        body.counted_by_byte()?;
        server_name(extension(body, SERVER_NAME)?)
    })();
    Some(Hello::Client(name))
}

fn server_name(mut list: Octets<'_>) -> Option<String> {
    let mut names = Octets(list.counted()?);
    // Type 0 is a host name; no other was ever defined.
    let [0] = names.take(1)? else { return None };
    let name = names.counted()?;
    let is_host = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte));
    is_host.then(|| String::from_utf8_lossy(name).to_ascii_lowercase())
}

/// The content of one extension of those that follow.
fn extension<'a>(mut bytes: Octets<'a>, wanted: u16) -> Option<Octets<'a>> {
    bytes.number()?;
    // Each takes four bytes at the least.
    for _ in 0..MOST_EXTENSIONS {
        let kind = bytes.number()?;
        let content = bytes.counted()?;
        if kind == wanted {
            return Some(Octets(content));
        }
    }
    None
}

#[derive(Clone, Copy)]
struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(*self.take(2)?.first_chunk()?))
    }

    fn counted(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(length.into())
    }

    fn counted_by_byte(&mut self) -> Option<&'a [u8]> {
        let length = *self.take(1)?.first()?;
        self.take(length.into())
    }
}

const SERVER_NAME: u16 = 0;
const SUPPORTED_VERSIONS: u16 = 43;
/// RFC 1035 §2.3.4.
const LONGEST_NAME: usize = 255;
const MOST_EXTENSIONS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn client(extensions: &[u8]) -> Vec<u8> {
        let mut hello = vec![22, 3, 1, 0, 0, 1, 0, 0, 0, 3, 3];
        hello.extend([7; 32]);
        hello.extend([0, 0, 2, 0x13, 1, 1, 0]);
        hello.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        hello.extend(extensions);
        hello
    }

    #[test]
    fn the_servers_name_is_read() {
        let mut extensions = vec![0x1a, 0x1a, 0, 0, 0, 0, 0, 11, 0, 9, 0, 0, 6];
        extensions.extend(b"A.test");
        assert_eq!(hello(&client(&extensions)), Some(Hello::Client(Some("a.test".to_owned()))));
        assert_eq!(hello(&client(&[])), Some(Hello::Client(None)));
        let last = extensions.len() - 1;
        extensions[last] = b'<';
        assert_eq!(hello(&client(&extensions)), Some(Hello::Client(None)), "no name of a host");
    }

    #[test]
    fn the_chosen_version_counts_and_not_the_legacy_one() {
        let mut server = vec![22, 3, 3, 0, 0, 2, 0, 0, 0, 3, 3];
        server.extend([7; 32]);
        server.extend([0, 0x13, 1, 0]);
        assert_eq!(hello(&server), Some(Hello::Server(TlsVersion(0x0303))));
        server.extend([0, 6, 0, 43, 0, 2, 3, 4]);
        assert_eq!(hello(&server), Some(Hello::Server(TlsVersion(0x0304))));
        assert_eq!(TlsVersion(0x0304).to_string(), "TLS 1.3");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = hello(&bytes);
            let _ = hello(&client(&bytes));
        }
    }
}
