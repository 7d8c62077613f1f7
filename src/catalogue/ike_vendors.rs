//! Vendor IDs: bytes by which IKE peers announce what they are and what they can do.
//!
//! Only IDs whose origin is certain: most are the MD5 of a published string, which the row names.

/// One known vendor ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IkeVendor {
    /// The bytes a vendor ID begins with, in lower-case hexadecimal.
    pub prefix: &'static str,
    /// What it means.
    pub name: &'static str,
    /// Where it comes from.
    pub source: &'static str,
}

/// The vendor whose ID these bytes are; the longest matching row wins.
#[must_use]
pub fn ike_vendor(id: &[u8]) -> Option<&'static IkeVendor> {
    VENDORS.iter().filter(|row| starts_with(id, row.prefix)).max_by_key(|row| row.prefix.len())
}

fn starts_with(id: &[u8], prefix: &str) -> bool {
    if id.len() * 2 < prefix.len() {
        return false;
    }
    let digits = id.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    digits.zip(prefix.bytes()).all(|(digit, wanted)| hex_digit(wanted) == Some(digit))
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => digit.checked_sub(b'0'),
        b'a'..=b'f' => digit.checked_sub(b'a').map(|value| value + 10),
        _ => None,
    }
}

const fn row(prefix: &'static str, name: &'static str, source: &'static str) -> IkeVendor {
    IkeVendor { prefix, name, source }
}

/// The known vendor IDs.
static VENDORS: &[IkeVendor] = &[
    row("1e2b516905991c7d7c96fcbfb587e461", "Windows", "MD5 of `MS NT5 ISAKMPOAKLEY`"),
    row("1e2b516905991c7d7c96fcbfb587e46100000002", "Windows 2000", "[MS-IKEE] appendix A"),
    row("1e2b516905991c7d7c96fcbfb587e46100000003", "Windows XP", "[MS-IKEE] appendix A"),
    row("1e2b516905991c7d7c96fcbfb587e46100000004", "Windows Server 2003", "[MS-IKEE] appendix A"),
    row("1e2b516905991c7d7c96fcbfb587e46100000005", "Windows Vista", "[MS-IKEE] appendix A"),
    row("1e2b516905991c7d7c96fcbfb587e46100000006", "Windows Server 2008", "[MS-IKEE] appendix A"),
    row("1e2b516905991c7d7c96fcbfb587e46100000007", "Windows 7", "[MS-IKEE] appendix A"),
    row(
        "1e2b516905991c7d7c96fcbfb587e46100000008",
        "Windows Server 2008 R2",
        "[MS-IKEE] appendix A",
    ),
    row(
        "1e2b516905991c7d7c96fcbfb587e46100000009",
        "Windows 8/Server 2012 or later",
        "[MS-IKEE] appendix A",
    ),
    row("621b04bb09882ac1e15935fefa24aeee", "Windows GSS-API", "MD5 of `GSSAPI`"),
    row(
        "26244d38eddb61b3172a36e3d0cfb819",
        "Windows initial contact",
        "MD5 of `Vid-Initial-Contact`",
    ),
    row(
        "fb1de3cdf341b7ea16b7e5be0855f120",
        "Windows negotiation discovery",
        "MD5 of `MS-Negotiation Discovery Capable`",
    ),
    row("e3a5966a76379fe707228231e5ce8652", "Windows CGA", "MD5 of `IKE CGA version 1`"),
    row("214ca4faffa7f32d6748e5303395ae83", "Windows AuthIP", "MD5 of `MS-MamieExists`"),
    row("882fe56d6fd20dbc2251613b2ebe5beb", "strongSwan", "MD5 of `strongSwan`"),
    row("4a131c81070358455c5728f20e95452f", "NAT traversal", "MD5 of `RFC 3947`"),
    row(
        "4485152d18b6bbcd0be8a8469579ddcc",
        "NAT traversal draft 00",
        "MD5 of `draft-ietf-ipsec-nat-t-ike-00`",
    ),
    row(
        "cd60464335df21f87cfdb2fc68b6a448",
        "NAT traversal draft 02",
        "MD5 of `draft-ietf-ipsec-nat-t-ike-02`",
    ),
    row(
        "90cb80913ebb696e086381b5ec427b1f",
        "NAT traversal draft 02",
        "MD5 of `draft-ietf-ipsec-nat-t-ike-02` and a line feed",
    ),
    row(
        "7d9419a65310ca6f2c179d9215529d56",
        "NAT traversal draft 03",
        "MD5 of `draft-ietf-ipsec-nat-t-ike-03`",
    ),
    row("afcad71368a1f1c96b8696fc77570100", "dead peer detection", "RFC 3706 §5.1"),
    row("4048b7d56ebce88525e7de7f00d6c2d3", "fragmentation", "MD5 of `FRAGMENTATION`"),
    row(
        "09002689dfd6b712",
        "XAUTH",
        "MD5 of `draft-ietf-ipsra-isakmp-xauth-06.txt`, first 8 bytes",
    ),
    row(
        "12f5f28c457168a9702d9fe274cc",
        "Cisco Unity",
        "MD5 of `CISCO-UNITY`, last 2 bytes the version",
    ),
    row("7003cbc1097dbe9c2600ba6983bc8b35", "KAME racoon", "MD5 of `KAME/racoon`"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_row_shows_the_generation_of_windows() {
        let mut id = vec![0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d];
        id.extend([0x7c, 0x96, 0xfc, 0xbf, 0xb5, 0x87, 0xe4, 0x61]);
        assert_eq!(ike_vendor(&id).map(|v| v.name), Some("Windows"));
        id.extend([0, 0, 0, 2]);
        assert_eq!(ike_vendor(&id).map(|v| v.name), Some("Windows 2000"));
    }

    #[test]
    fn bytes_after_a_known_prefix_do_not_matter() {
        let fragmentation = [
            0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85, 0x25, 0xe7, 0xde, 0x7f, 0x00, 0xd6,
            0xc2, 0xd3, 0x80, 0, 0, 0,
        ];
        assert_eq!(ike_vendor(&fragmentation).map(|v| v.name), Some("fragmentation"));
        assert_eq!(ike_vendor(&[0x40, 0x48]), None);
        assert_eq!(ike_vendor(&[]), None);
    }

    #[test]
    fn prefixes_are_lower_case_hexadecimal() {
        for vendor in VENDORS {
            assert!(vendor.prefix.bytes().all(|d| hex_digit(d).is_some()), "{}", vendor.prefix);
            assert_eq!(vendor.prefix.len() % 2, 0);
        }
    }
}
