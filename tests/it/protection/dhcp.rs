//! What DHCP and router advertisements hold: addresses whose bytes are letters and signs, names and makers' words are
//! theirs, and sentences in the same places are clear text.

use super::Frames;
use super::content::{ascii, beside_esp, dhcp, told, utf16};
use crate::support::ike_builder::udp;

type Options = Vec<(u8, Vec<u8>)>;

/// How many of ten answers with these options, beside ESP of the two, are clear text.
fn clear_of(options: &[(u8, Vec<u8>)]) -> u64 {
    told(&beside_esp((0..10).map(|_| dhcp(true, options)))).1
}

fn text(code: u8, words: &str) -> (u8, Vec<u8>) {
    (code, words.as_bytes().to_vec())
}

/// Addresses of one site, whose bytes are all letters, digits and signs.
fn addresses(count: u8) -> Vec<u8> {
    (33..33 + count).flat_map(|host| [10, 10, 33 + host % 7, host]).collect()
}

#[test]
fn addresses_of_ten_dot_ten_are_no_text() {
    let routes: Vec<u8> =
        (33..55).flat_map(|net| [24, 10, 10, net, 10, 10, 33, net + 40]).collect();
    let ordinary: Options = vec![
        (3, addresses(4)),
        (6, addresses(12)),
        (42, addresses(20)),
        (33, addresses(16)),
        (44, [addresses(9), vec![62, 80, 100, 33]].concat()),
        (121, routes.clone()),
        (249, routes),
    ];
    assert_eq!(clear_of(&ordinary), 0);
    let asked = vec![(55, (1..=250).collect())];
    assert_eq!(told(&beside_esp((0..10).map(|_| dhcp(false, &asked)))).1, 0);
    for code in [3, 6, 33, 42, 55, 121] {
        for sentences in [ascii(200), utf16(200), [vec![32], ascii(199)].concat()] {
            assert_eq!(clear_of(&[(code, sentences)]), 10, "{code}");
        }
    }
}

#[test]
fn names_of_directories_pages_and_users_are_text_and_of_two_makers_too() {
    let directories = [
        text(86, "CONTOSO-CORPORATE-TREE-OF-ALL-OFFICES"),
        text(87, "OU=Workstations.OU=Marketing.OU=Berlin.O=Contoso"),
        text(98, "https://login.emea.corp.example.com/authenticate"),
        text(95, "ldap://directory.emea.corp.example.com/dc=example,dc=com"),
        text(79, "\x01PRINTERS-OF-BERLIN,SCANNERS-OF-BERLIN,DEFAULT"),
    ];
    assert_eq!(clear_of(&directories), 0);
    let phones = [
        text(43, "https://provisioning.phones.example.com/polycom/of-berlin/configuration"),
        text(128, "tftp.phones.emea.corp.example.com/mitel"),
        text(129, "http://callserver.phones.emea.corp.example.com"),
        text(130, "MITEL IP PHONE of the fifth generation"),
        text(160, "https://provisioning.phones.example.com/polycom"),
        text(161, "https://thinclients.emea.corp.example.com/wyse/"),
        text(242, "MCIPADD=10.5.0.20,MCPORT=1719,HTTPSRVR=10.5.0.21,TLSSRVR=10.5.0.22"),
    ];
    assert_eq!(clear_of(&phones), 0);
    for code in [86, 98, 129] {
        let pages = [(code, ascii(200)), (161, ascii(200)), (162, ascii(200))];
        assert_eq!(clear_of(&pages), 10, "{code}");
    }
    assert_eq!(clear_of(&[(57, ascii(40))]), 10, "an option of two bytes");
}

#[test]
fn what_is_too_long_for_one_option_comes_in_several() {
    let long = "http://acs.provider.example.com/devices/";
    let whole: Vec<u8> = long.bytes().cycle().take(300).collect();
    let (first, rest) = whole.split_at(255);
    assert_eq!(clear_of(&[(43, first.to_vec()), (43, rest.to_vec())]), 0);
    let (first, rest) = whole.split_at(100);
    assert_eq!(clear_of(&[(43, first.to_vec()), (43, rest.to_vec())]), 10, "not too long");
}

/// An answer whose file and server's name hold this.
fn overloaded(fields: u8, file: &[u8], name: &[u8]) -> Vec<u8> {
    let mut answer = dhcp(true, &[(52, vec![fields]), text(15, "emea.corp.example.com")]);
    answer[42 + 44..42 + 44 + name.len()].copy_from_slice(name);
    answer[42 + 108..42 + 108 + file.len()].copy_from_slice(file);
    // No checksum.
    answer[40..42].fill(0);
    answer
}

#[test]
fn fields_of_names_hold_options_where_they_say_so() {
    let clear = |fields: u8, file: &[u8], name: &[u8]| {
        told(&beside_esp((0..10).map(|_| overloaded(fields, file, name)))).1
    };
    let option =
        |code: u8, words: &[u8]| [&[code, u8::try_from(words.len()).unwrap()][..], words].concat();
    let server = option(66, b"deployment01.emea.corp.example.com");
    let file = option(67, b"boot/images/capture/pxeboot-n12.n12");
    let whole = [&[3, 4, 10, 0, 0, 1][..], &server, &[0, 0], &file, &[255]].concat();
    let name = [&option(12, b"workstation-of-the-fifth-floor-0017")[..], &[0, 255]].concat();
    assert_eq!(clear(1, &whole, b"server.example.com"), 0);
    assert_eq!(clear(3, &whole, &name), 0);
    assert_eq!(clear(2, b"boot/pxelinux.0", &name), 0);
    // The same where no option says so, and sentences behind the end or in an option without a place for them.
    assert_eq!(clear(0, &whole, b"server.example.com"), 10);
    let behind = [&[3, 4, 10, 0, 0, 1, 255][..], &ascii(60)].concat();
    assert_eq!(clear(1, &behind, &[]), 10);
    assert_eq!(clear(1, &[&option(57, &ascii(60))[..], &[255]].concat(), &[]), 10);
    assert_eq!(clear(1, &ascii(128), &[]), 10);
}

/// A datagram or message of IPv6 between two hosts' link-local addresses, or two global ones.
fn v6(is_global: bool, protocol: u8, hops: u8, body: &[u8]) -> Vec<u8> {
    let network = if is_global { [0x20, 1, 0xd, 0xb8] } else { [0xfe, 0x80, 0, 0] };
    let address = |host: u8| [&network[..], &[0; 11], &[host]].concat();
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let head = [0x60, 0, 0, 0, length[0], length[1], protocol, hops];
    [&[2; 6][..], &[4; 6], &[0x86, 0xdd], &head, &address(1), &address(2), body].concat()
}

/// A reply of DHCP for IPv6 to a relay.
fn reply(options: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut message = vec![7, 1, 2, 3];
    for (code, value) in options {
        message.extend(code.to_be_bytes());
        message.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        message.extend(value);
    }
    let datagram = udp(1, 2, (547, 546), &message);
    let mut body = datagram[34..].to_vec();
    body[6..8].fill(0);
    v6(true, 17, 64, &body)
}

fn clear_of_v6(frame: &[u8]) -> u64 {
    let frames: Frames = (0..10).map(|n| (n * 50, frame.to_vec())).collect();
    told(&frames).1
}

const DOMAIN: &[u8] = b"\x0aresolvers1\x0dnetworks-emea\x0acontosobiz\x03com\0";

#[test]
fn resolvers_and_realms_have_names_in_dhcp_of_ipv6() {
    let resolver = [&[0, 1, 0, 41][..], DOMAIN, &[0, 16], &[0x2a; 16], &[0, 1, 0, 3], b"\x02h2"];
    let servers: Vec<u8> = (33..43)
        .flat_map(|host| [&[0x2a, 0x0a, 0x4e, 0x40, 0x41, 0x42][..], &[host; 10]].concat())
        .collect();
    let asked: Vec<u8> = (33..90).flat_map(|code| [0, code]).collect();
    let ordinary = [
        (144, resolver.concat()),
        (24, DOMAIN.to_vec()),
        (23, servers),
        (6, asked),
        (76, b"realm=KERBEROS.EMEA.CORP.EXAMPLE.COM".to_vec()),
        (112, b"https://things.example.com/lamps/of/the/hall.json".to_vec()),
    ];
    assert_eq!(clear_of_v6(&reply(&ordinary)), 0);
    // A lease that a relay asks for, in options inside an option.
    let client = [&[0, 39, 0, 39, 0][..], &DOMAIN[..38]].concat();
    assert_eq!(clear_of_v6(&reply(&[(45, client)])), 0);
    for (code, words) in [(23, ascii(208)), (6, ascii(200)), (144, ascii(600)), (45, ascii(200))] {
        assert_eq!(clear_of_v6(&reply(&[(code, words)])), 10, "{code}");
    }
}

#[test]
fn a_router_names_the_resolvers_that_it_knows() {
    let advertised = |value: &[u8]| {
        let mut option = [&[144, 0][..], value].concat();
        option.resize(option.len().next_multiple_of(8), 0);
        option[1] = u8::try_from(option.len() / 8).unwrap();
        let head = [134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
        clear_of_v6(&v6(false, 58, 255, &[&head[..], &option].concat()))
    };
    let head = [0, 1, 0, 0, 7, 8, 0, 41];
    assert_eq!(advertised(&[&head[..], DOMAIN].concat()), 0);
    let addresses = [&head[..], DOMAIN, &[0, 16], &[0x2a; 16], &[0, 7, 0, 1, 0, 3, 2], b"h2"];
    assert_eq!(advertised(&addresses.concat()), 0);
    assert_eq!(advertised(&[&head[..], &ascii(41)].concat()), 10);
    assert_eq!(advertised(&[&head[..], DOMAIN, &ascii(80)].concat()), 10);
}
