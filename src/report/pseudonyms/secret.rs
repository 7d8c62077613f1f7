//! The secret behind pseudonyms, and what it makes of addresses, names and numbers.
//!
//! The same original has the same pseudonym wherever the same secret is used; without the secret nothing leads back.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A key file: the secret, and the original of every pseudonym that it gave.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    /// What this is.
    format: String,
    /// 64 hexadecimal digits.
    secret: String,
    /// The original of each pseudonym.
    pub pseudonyms: BTreeMap<String, String>,
}

impl KeyFile {
    /// A new one.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        Ok(Self { format: FORMAT.to_owned(), secret: hex(&secret), pseudonyms: BTreeMap::new() })
    }

    /// Reads one; `None` where the text is none.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let file: Self = serde_json::from_slice(text).ok()?;
        let is_ours = file.format == FORMAT && unhex(&file.secret).is_some();
        is_ours.then_some(file)
    }

    /// The secret; `None` where it is none.
    pub(super) fn secret(&self) -> Option<Secret> {
        Some(Secret { key: unhex(&self.secret)?, v4: BTreeMap::new(), v6: BTreeMap::new() })
    }
}

/// The secret at work.
pub(super) struct Secret {
    key: [u8; 32],
    /// One bit for each prefix of an address that was met.
    v4: BTreeMap<(u32, u32), bool>,
    v6: BTreeMap<(u128, u32), bool>,
}

impl Secret {
    /// So many hexadecimal digits, at most 64.
    pub(super) fn digits(&self, kind: &str, original: &str, digits: usize) -> String {
        let mut all = hex(&self.mac(kind, original.as_bytes()));
        all.truncate(digits);
        all
    }

    /// A number of 32 bits above those that have a meaning.
    pub(super) fn number(&self, kind: &str, original: u32) -> u32 {
        let mac = self.mac(kind, &original.to_be_bytes());
        let first = mac.first_chunk().copied().map_or(0, u32::from_be_bytes);
        first | RESERVED_SPIS
    }

    fn mac(&self, kind: &str, original: &[u8]) -> [u8; 32] {
        // A key of any length is a key to HMAC.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return [0; 32] };
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(original);
        mac.finalize().into_bytes().into()
    }

    /// Another address. Two addresses share as many leading bits as their originals do (Crypto-PAn: J. Xu and
    /// others, "Prefix-preserving IP address anonymization", ICNP 2002). What says of which kind an address is, such
    /// as 10.0.0.0/8, stays; so do addresses that belong to nobody.
    pub(super) fn address(&mut self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(v4) => self.v4(v4).into(),
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => self.v4(v4).to_ipv6_mapped().into(),
                None => self.v6(v6).into(),
            },
        }
    }

    fn v4(&mut self, address: Ipv4Addr) -> Ipv4Addr {
        if is_nobodys_v4(address) {
            return address;
        }
        let block = block_of_v4(address);
        let fixed = block.map_or(0, |(_, bits)| bits);
        let mut bits = address.to_bits();
        // An address of no block is moved on until it is again of none: so two never become one.
        for _ in 0..MOST_STEPS {
            bits = self.scrambled_v4(bits, fixed);
            let now = Ipv4Addr::from_bits(bits);
            if block_of_v4(now) == block && !is_nobodys_v4(now) {
                break;
            }
        }
        Ipv4Addr::from_bits(bits)
    }

    fn scrambled_v4(&mut self, bits: u32, fixed: u32) -> u32 {
        let mut scrambled = 0;
        for at in 0..u32::BITS {
            let shift = u32::BITS - 1 - at;
            let bit = (bits >> shift) & 1;
            let prefix = bits.checked_shr(shift + 1).unwrap_or_default();
            let flip = at >= fixed && self.flips_v4(prefix, at);
            scrambled = scrambled << 1 | (bit ^ u32::from(flip));
        }
        scrambled
    }

    fn flips_v4(&mut self, prefix: u32, length: u32) -> bool {
        if let Some(known) = self.v4.get(&(prefix, length)) {
            return *known;
        }
        let flips = self.bit("v4", &format!("{prefix}/{length}"));
        self.v4.insert((prefix, length), flips);
        flips
    }

    fn v6(&mut self, address: Ipv6Addr) -> Ipv6Addr {
        let [first, ..] = address.octets();
        if address.is_unspecified() || address.is_loopback() || first == 0xff {
            return address;
        }
        // 2000::/3, fc00::/7 and fe80::/10 stay what they are.
        let fixed = match first {
            0xfc | 0xfd => 8,
            0xfe => 10,
            _ => 3,
        };
        let bits = address.to_bits();
        let mut scrambled = 0;
        for at in 0..u128::BITS {
            let shift = u128::BITS - 1 - at;
            let bit = (bits >> shift) & 1;
            let prefix = bits.checked_shr(shift + 1).unwrap_or_default();
            let flip = at >= fixed && self.flips_v6(prefix, at);
            scrambled = scrambled << 1 | (bit ^ u128::from(flip));
        }
        Ipv6Addr::from_bits(scrambled)
    }

    fn flips_v6(&mut self, prefix: u128, length: u32) -> bool {
        if let Some(known) = self.v6.get(&(prefix, length)) {
            return *known;
        }
        let flips = self.bit("v6", &format!("{prefix}/{length}"));
        self.v6.insert((prefix, length), flips);
        flips
    }

    fn bit(&self, kind: &str, original: &str) -> bool {
        self.mac(kind, original.as_bytes()).first().is_some_and(|byte| byte & 1 == 1)
    }
}

/// Unspecified, loopback, multicast, broadcast and netmasks: they name no host.
fn is_nobodys_v4(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    matches!(first, 0 | 127) || first >= 224
}

/// The block of private or special use that an address is of (RFC 1918, RFC 3927, RFC 6598).
fn block_of_v4(address: Ipv4Addr) -> Option<(u32, u32)> {
    let bits = address.to_bits();
    BLOCKS.into_iter().find(|(block, length)| bits >> (32 - length) == block >> (32 - length))
}

const BLOCKS: [(u32, u32); 5] =
    [(0x0a00_0000, 8), (0xac10_0000, 12), (0xc0a8_0000, 16), (0xa9fe_0000, 16), (0x6440_0000, 10)];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

const FORMAT: &str = "plainsight pseudonyms 1";
/// SPIs below 256 are reserved (RFC 4303 §2.1); a pseudonym is none of them.
const RESERVED_SPIS: u32 = 0x8000_0000;
/// More than an orbit has in practice: seven of eight addresses are of no block.
const MOST_STEPS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn secret() -> Secret {
        KeyFile::new().unwrap().secret().unwrap()
    }

    fn shared(one: IpAddr, other: IpAddr) -> u32 {
        match (one, other) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                (one.to_bits() ^ other.to_bits()).leading_zeros()
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => {
                (one.to_bits() ^ other.to_bits()).leading_zeros()
            }
            _ => 0,
        }
    }

    #[test]
    fn addresses_keep_their_networks_and_kinds() {
        let mut secret = secret();
        let all = ["10.77.3.11", "10.77.3.20", "10.78.3.20", "10.200.0.1", "fd00::1", "fd00::2:1"];
        let all: Vec<IpAddr> = all.iter().map(|text| text.parse().unwrap()).collect();
        let made: Vec<IpAddr> = all.iter().map(|address| secret.address(*address)).collect();
        for (at, one) in all.iter().enumerate() {
            assert_ne!(*one, made[at]);
            for (other, as_other) in all.iter().zip(&made) {
                assert_eq!(shared(*one, *other), shared(made[at], *as_other), "{one} {other}");
            }
        }
        assert!(made.iter().take(4).all(|a| a.to_string().starts_with("10.")), "{made:?}");
        assert!(made.iter().skip(4).all(|a| a.to_string().starts_with("fd")), "{made:?}");
        for same in ["0.0.0.0", "255.255.255.0", "224.0.0.1", "127.0.0.1", "::", "ff02::1"] {
            let same: IpAddr = same.parse().unwrap();
            assert_eq!(secret.address(same), same);
        }
    }

    #[test]
    fn no_two_addresses_become_one_and_none_changes_its_kind() {
        let mut secret = secret();
        let mut seen = BTreeSet::new();
        for number in 0..4_000u32 {
            let address = Ipv4Addr::from_bits(number.wrapping_mul(2_654_435_761));
            let made = secret.v4(address);
            assert!(seen.insert(made), "{address} {made}");
            assert_eq!(block_of_v4(address), block_of_v4(made), "{address} {made}");
        }
    }

    #[test]
    fn a_key_file_gives_the_same_again() {
        let file = KeyFile::new().unwrap();
        let again = KeyFile::read(&serde_json::to_vec(&file).unwrap()).unwrap();
        let (one, other) = (file.secret().unwrap(), again.secret().unwrap());
        assert_eq!(one.digits("name", "fs01", 8), other.digits("name", "fs01", 8));
        assert_ne!(one.digits("name", "fs01", 8), one.digits("file", "fs01", 8));
        assert!(KeyFile::read(b"{}").is_none());
    }
}
