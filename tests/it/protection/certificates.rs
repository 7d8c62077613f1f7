//! IKEv1 sends names of authorities and certificates in clear, and they come in fragments of IP: their strings are none of
//! the two hosts' own text. The same strings in other protocols' fragments, and sentences in these, are clear text.

use super::Frames;
use super::content::{ascii, beside_esp, dhcp, fragments, in_fragments, told};
use crate::support::ike_builder::udp;

/// The name of an authority in DER.
fn name(organization: &str, unit: &str, number: usize) -> Vec<u8> {
    let wrap = |tag: u8, content: &[u8]| match u8::try_from(content.len()).unwrap() {
        length @ 0..=127 => [&[tag, length][..], content].concat(),
        length => [&[tag, 0x81, length][..], content].concat(),
    };
    let part = |kind: u8, tag: u8, text: &str| {
        let pair = [&[0x06, 3, 0x55, 4, kind][..], &wrap(tag, text.as_bytes())].concat();
        wrap(0x31, &wrap(0x30, &pair))
    };
    let common = format!("Authority for signatures of servers, class {number}");
    let parts = [
        part(6, 0x13, "US"),
        part(10, 0x13, organization),
        part(11, 0x0c, unit),
        part(3, 0x16, &common),
    ];
    wrap(0x30, &parts.concat())
}

fn names(count: usize) -> Vec<Vec<u8>> {
    let all = (0..count).map(|number| {
        let organization = ["Example Trust Network, Inc.", "Contoso Deutschland GmbH & Co. KG"];
        name(organization[number % 2], "(c) 1999 Example - For authorized use only", number)
    });
    all.collect()
}

/// A message of main mode with a nonce and a request for certificates of each authority.
fn asking(n: u32, flags: u8, of: &[Vec<u8>]) -> Vec<u8> {
    let payload = |next: u8, content: &[u8]| {
        let length = u16::try_from(4 + content.len()).unwrap().to_be_bytes();
        [&[next, 0, length[0], length[1]][..], content].concat()
    };
    let mut body = payload(7, &[0x9c; 20]);
    for (at, name) in of.iter().enumerate() {
        let next = if at + 1 < of.len() { 7 } else { 0 };
        body.extend(payload(next, &[&[4][..], name].concat()));
    }
    let head = [&[0x5a; 8][..], &[0x6b; 8], &[10, 0x10, 2, flags, 0, 0, 0, 0]].concat();
    let length = u32::try_from(28 + body.len()).unwrap().to_be_bytes();
    let message = [&head[..], &length, &body].concat();
    let mut datagram = udp(1, 2, (500, 500), &message);
    datagram[18..20].copy_from_slice(&(7_000 + u16::try_from(n).unwrap()).to_be_bytes());
    datagram
}

fn clear_of(frames: Vec<Vec<u8>>) -> u64 {
    told(&beside_esp(frames)).1
}

#[test]
fn requests_for_certificates_of_many_authorities_are_ike_in_every_fragment() {
    for count in [12, 25, 61] {
        let asked: Vec<_> = (0..20).map(|n| asking(n, 0, &names(count))).collect();
        for first in [104, 552, 1_400] {
            assert_eq!(clear_of(in_fragments(asked.clone(), first)), 0, "{count} {first}");
        }
    }
}

#[test]
fn sentences_in_fragments_of_such_a_request_are_clear_text() {
    let request = |n: u32, rest: &[u8]| {
        let mut of = names(5);
        of.push(rest.to_vec());
        asking(n, 0, &of)
    };
    let prose = || (0..20).map(|n| request(n, &ascii(2_600))).collect::<Vec<_>>();
    assert_eq!(clear_of(in_fragments(prose(), 1_400)), 40, "the second and the third");
    // In the form of a name, but without its identifiers.
    let tagged: Vec<u8> =
        ascii(4_000).chunks(100).flat_map(|t| [&[0x0c, 100][..], t].concat()).collect();
    let tagged = (0..20).map(|n| request(n, &[&[0x30, 0x82, 9, 9, 0x31][..], &tagged].concat()));
    assert_eq!(clear_of(in_fragments(tagged.collect::<Vec<_>>(), 1_400)), 60);
    // The same in one packet.
    let whole = |rest: Vec<u8>| (0..20).map(|n| request(n, &rest)).collect::<Vec<_>>();
    let head = [0x30, 0x82, 4, 4, 0x31];
    assert_eq!(clear_of(whole([&head[..], &ascii(900)].concat())), 20);
    assert_eq!(clear_of((0..20).map(|n| asking(n, 0, &names(8))).collect()), 0);
}

#[test]
fn names_have_a_place_in_no_other_fragments() {
    let list = names(25).concat();
    let encrypted = (0..20).map(|n| asking(n, 1, &names(25)));
    assert!(clear_of(in_fragments(encrypted.collect::<Vec<_>>(), 104)) >= 40);
    let dhcp_of = |_| {
        let mut message = dhcp(true, &[(12, b"server".to_vec())])[42..].to_vec();
        message.extend(&list);
        udp(2, 1, (67, 68), &message)
    };
    let answers: Vec<_> = (0..20).map(dhcp_of).collect();
    assert!(clear_of(in_fragments(answers, 1_400)) >= 40);
}

#[test]
fn copies_of_readable_fragments_have_the_class_of_the_first() {
    let mut request = names(5);
    request.push(ascii(2_600));
    let mut frames: Frames = beside_esp([]);
    for n in 0..20 {
        let parts = fragments(&asking(n, 0, &request), 1_400);
        let at = 2_000 + n * 40;
        // The middle one is repeated once, by its sender.
        let repeated = [&parts[0], &parts[1], &parts[1], &parts[2]];
        frames.extend(repeated.map(|part| (at, part.clone())));
    }
    let (_, clear) = told(&frames);
    assert_eq!(clear, 60);
}
