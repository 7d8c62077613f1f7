//! Options that hold addresses, routes, numbers or names in the form of their RFC, and so no text, whatever their bytes
//! look like.
//!
//! That a length fits proves nothing: text has lengths, too. The addresses of one site begin alike, routes have a width of
//! 32 bits at the most, and nobody asks for an option twice; sentences do otherwise.

use super::are_names;

/// Whether an option of DHCP for IPv4 holds what it is for. It is asked only of what looks like text.
pub(super) fn is_of(code: u8, value: &[u8]) -> bool {
    match (code, value) {
        // RFC 2132 §3.5 to §3.13 and §8; RFC 2241, RFC 4280, RFC 3679, RFC 5192, RFC 5417, RFC 6153, RFC 8973,
        // RFC 5859.
        (
            3..=11
            | 41
            | 42
            | 44
            | 45
            | 48
            | 49
            | 65
            | 68..=76
            | 85
            | 89
            | 112
            | 136
            | 138
            | 142
            | 148
            | 150,
            addresses,
        ) => are_of_one_site::<4, 1>(addresses),
        // RFC 2132 §4.3 and §5.8: an address with a mask or a router.
        (21 | 33, pairs) => are_of_one_site::<8, 1>(pairs),
        // RFC 2610 §3, RFC 3361 §3.2: a byte, then addresses.
        (78, [0 | 1, addresses @ ..]) | (120, [1, addresses @ ..]) => {
            are_of_one_site::<4, 1>(addresses)
        }
        (55, codes) => are_different::<1>(codes),
        // RFC 3442; Microsoft's systems ask for the same under 249 (MS-DHCPE).
        (121 | 249, routes) => are_routes(routes),
        // RFC 4280, RFC 3397 §2, RFC 5223, RFC 6011, RFC 8973, RFC 5986; RFC 3361 §3.1.
        (88 | 119 | 137 | 141 | 147 | 213, names) | (120, [0, names @ ..]) => are_names(names),
        (_, _) => false,
    }
}

/// Whether an option of DHCP for IPv6 holds what it is for. It is asked only of what looks like text.
pub(super) fn is_of_ipv6(code: u16, value: &[u8]) -> bool {
    match code {
        // RFC 8415 §21.7.
        6 => are_different::<2>(value),
        // RFC 3319, RFC 3646, RFC 3898, RFC 4075, RFC 4280, RFC 5192, RFC 5007 §4.1.2.5, RFC 5417, RFC 8973, RFC 6153.
        22 | 23 | 27 | 28 | 31 | 34 | 40 | 48 | 52 | 142 | 143 => are_of_one_site::<16, 4>(value),
        // RFC 3319 §3.1, RFC 3646 §4, RFC 3898, RFC 4280, RFC 6610, RFC 5223, RFC 5986, RFC 6011, RFC 6334, RFC 6440, RFC 8973,
        // RFC 9527.
        21 | 24 | 29 | 30 | 33 | 49 | 51 | 57 | 58 | 64 | 65 | 73 | 141 | 145 => are_names(value),
        _ => false,
    }
}

/// Whether a value is a list of records two of three of which begin alike, as addresses of one site do. Of the letters of
/// sentences so many are not alike. Zeros, and the upper bytes of Greek and Cyrillic letters, are so in every text of two
/// bytes a letter; no host's address begins with 0 (RFC 1122 §3.2.1.3).
fn are_of_one_site<const RECORD: usize, const ALIKE: usize>(value: &[u8]) -> bool {
    let (records, rest) = value.as_chunks::<RECORD>();
    let heads = || records.iter().filter_map(|record| record.first_chunk::<ALIKE>());
    // What most have in common is left over when two that differ cancel each other out (Boyer and Moore).
    let (mut most, mut left) = (None, 0_usize);
    for head in heads() {
        match left {
            0 => (most, left) = (Some(head), 1),
            _ if most == Some(head) => left += 1,
            _ => left -= 1,
        }
    }
    let alike = heads().filter(|head| most == Some(head)).count();
    let may_be_address =
        most.and_then(|head| head.first()).is_some_and(|o| !matches!(o, 0 | 3 | 4));
    rest.is_empty() && may_be_address && alike * 3 >= records.len() * 2
}

/// Whether no number of so many bytes comes twice.
fn are_different<const BYTES: usize>(value: &[u8]) -> bool {
    let (numbers, rest) = value.as_chunks::<BYTES>();
    let mut known = std::collections::BTreeSet::new();
    rest.is_empty() && numbers.iter().all(|number| known.insert(*number))
}

/// RFC 3442: a width in bits, as many bytes of an address as it needs, and a router.
fn are_routes(mut value: &[u8]) -> bool {
    while let Some((width @ ..=32, rest)) = value.split_first() {
        let destination = usize::from(width.div_ceil(8));
        let Some(next) = rest.get(destination + 4..) else { return false };
        value = next;
    }
    value.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROSE: &[u8] =
        b"The board met at nine and heard that the offer from the other side had been raised again; it will answer by the \
end of the week, and nobody outside this room is to know of it before then, says the chairman in clear.";

    fn wide(order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let letters =
            PROSE.iter().map(|letter| u16::from(*letter)).chain("Протокол".encode_utf16());
        letters.flat_map(order).take(240).collect()
    }

    #[test]
    fn addresses_of_a_site_are_no_text_and_sentences_are_no_addresses() {
        let site: Vec<u8> = (33..65).flat_map(|host| [10, 10, 32 + host % 3, host]).collect();
        let mixed = [&site[..], &[62, 80, 100, 33, 84, 90, 33, 40]].concat();
        assert!(is_of(6, &site) && is_of(42, &mixed) && is_of(33, &site));
        assert!(!is_of(6, &site[1..]), "no whole addresses");
        for len in (32..PROSE.len()).step_by(8) {
            let prose = &PROSE[..len];
            assert!(![6, 33, 55, 78, 121, 249].into_iter().any(|code| is_of(code, prose)), "{len}");
            assert!(!is_of_ipv6(23, &PROSE[..len / 16 * 16]) && !is_of_ipv6(6, prose), "{len}");
        }
        let cyrillic: Vec<u8> =
            "протокол собрания".repeat(2).encode_utf16().flat_map(u16::to_be_bytes).collect();
        for text in [wide(u16::to_le_bytes), wide(u16::to_be_bytes), cyrillic] {
            let text = &text[..text.len() / 16 * 16];
            assert!(
                !is_of(6, text) && !is_of(33, text) && !is_of(121, text) && !is_of_ipv6(6, text)
            );
        }
    }

    #[test]
    fn routes_fill_their_option_and_codes_come_once() {
        let routes: Vec<u8> =
            (33..55).flat_map(|net| [24, 10, 10, net, 10, 10, 33, 34 + net]).collect();
        assert!(is_of(121, &routes) && is_of(249, &routes));
        assert!(!is_of(121, &[&routes[..], &[24, 10]].concat()));
        let codes: Vec<u8> = (1..=120).collect();
        assert!(is_of(55, &codes) && !is_of(55, &[&codes[..], &[66]].concat()));
    }

    #[test]
    fn addresses_of_ipv6_begin_alike() {
        let servers: Vec<u8> = (33..43)
            .flat_map(|host| [&[0x2a, 0x0a, 0x4e, 0x40, 0x41, 0x42][..], &[host; 10]].concat())
            .collect();
        assert!(is_of_ipv6(23, &servers) && !is_of_ipv6(23, &servers[1..]));
    }
}
