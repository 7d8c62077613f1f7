//! Content that must be encrypted, or that has no place where it stands: read wherever in a packet it is and whatever
//! encoding it has. Beside each kind stands ordinary traffic that looks like it.

use super::{Frames, esp, frames_of, ip, numbers};
use crate::support::ike_builder::{capture, udp, write};
use crate::support::numbers::Numbers;
use crate::support::program::analyze;
use plainsight::report::schema::Report;

const LINE: &str = "Minutes of the board, in clear: the offer of 4,200,000 stands. ";
const CYRILLIC: &str = "Протокол заседания совета директоров: предложение окончательное. ";

pub(super) fn ascii(len: usize) -> Vec<u8> {
    LINE.bytes().cycle().take(len).collect()
}

pub(super) fn utf16(len: usize) -> Vec<u8> {
    LINE.encode_utf16().cycle().flat_map(u16::to_le_bytes).take(len).collect()
}

/// Samples of sixteen bits.
fn sound(len: usize) -> Vec<u8> {
    let wave = (0..len).map(|n| i16::try_from(n * 37 % 211).unwrap() - 105);
    wave.flat_map(i16::to_le_bytes).take(len).collect()
}

pub(super) fn report(frames: &Frames) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.pcap");
    write(&path, &capture(frames));
    analyze(&[&path], &["--protect", "10.0.0.1=10.0.0.2"])
}

/// The verdict, and how many frames are clear text.
pub(super) fn told(frames: &Frames) -> (String, u64) {
    let report = report(frames);
    let clear = frames_of(&report, "clear");
    (report.verdict, clear)
}

/// Genuine ESP both ways beside the frames of others, ten milliseconds apart.
pub(super) fn beside_esp(others: impl IntoIterator<Item = Vec<u8>>) -> Frames {
    let mut any = numbers();
    let mut frames = Frames::new();
    for n in 0..60 {
        frames.push((n * 20, ip(1, 2, 50, &esp(0xc0de_0001, n + 1, 100, &mut any))));
        frames.push((n * 20 + 5, ip(2, 1, 50, &esp(0xc0de_0002, n + 1, 100, &mut any))));
    }
    frames.extend((0..).zip(others).map(|(n, other)| (2_000 + n * 10, other)));
    frames
}

/// ESP both ways under numbers that rise; what the packets from 1 to 2 carry changes.
fn esp_with(content: impl Fn(u32, &mut Numbers) -> Vec<u8>) -> (String, u64) {
    let mut any = numbers();
    let frames = (0..500_u32).flat_map(|n| {
        let head = [&0xc0de_0001_u32.to_be_bytes()[..], &(n + 1).to_be_bytes()].concat();
        let forth = ip(1, 2, 50, &[head, content(n, &mut any)].concat());
        let back = ip(2, 1, 50, &esp(0xc0de_0002, n + 1, 80, &mut any));
        [(n * 20, forth), (n * 20 + 5, back)]
    });
    told(&frames.collect())
}

/// A packet in fragments, of which the first holds so many bytes.
pub(super) fn fragments(whole: &[u8], first: usize) -> Vec<Vec<u8>> {
    let (link, packet) = whole.split_at(14);
    let (header, content) = packet.split_at(20);
    let part = |at: usize, content: &[u8], more: bool| {
        let mut header = header.to_vec();
        let total = u16::try_from(20 + content.len()).unwrap();
        header[2..4].copy_from_slice(&total.to_be_bytes());
        let place = u16::try_from(at / 8).unwrap() | if more { 0x2000 } else { 0 };
        header[6..8].copy_from_slice(&place.to_be_bytes());
        [link, &header, content].concat()
    };
    let (head, rest) = content.split_at(first);
    let later = rest.chunks(1_400).enumerate().map(|(n, content)| {
        let at = first + n * 1_400;
        part(at, content, at + content.len() < first + rest.len())
    });
    std::iter::once(part(0, head, true)).chain(later).collect()
}

/// Packets under identifications of their own, each in fragments.
pub(super) fn in_fragments(
    packets: impl IntoIterator<Item = Vec<u8>>,
    first: usize,
) -> Vec<Vec<u8>> {
    let numbered = (0_u16..).zip(packets).flat_map(|(n, mut packet)| {
        packet[18..20].copy_from_slice(&n.to_be_bytes());
        fragments(&packet, first)
    });
    numbered.collect()
}

#[test]
fn esp_that_turns_readable_is_not_protected_wherever_it_shows() {
    let not_determined = ("not_determined".to_owned(), 0);
    for turned in [ascii, utf16, sound] {
        let turns = |n: u32, any: &mut Numbers| {
            if n < 100 { any.bytes(1_200) } else { [any.bytes(16), turned(1_184)].concat() }
        };
        assert_eq!(esp_with(turns), not_determined);
        let behind = |n: u32, any: &mut Numbers| {
            let rest = if n < 100 { any.bytes(600) } else { turned(600) };
            [any.bytes(600), rest].concat()
        };
        assert_eq!(esp_with(behind), not_determined);
    }
}

#[test]
fn esp_of_every_size_behind_a_counting_vector_stays_protected() {
    let protected = ("protected".to_owned(), 0);
    let sizes = |n: u32, any: &mut Numbers| {
        let counter = u64::from(n).to_be_bytes();
        [&counter[..], &any.bytes(32 + n as usize % 9 * 160)].concat()
    };
    assert_eq!(esp_with(sizes), protected);
    // One packet that anybody can have sent under the SPI.
    let forged = |n: u32, any: &mut Numbers| {
        if n == 207 { ascii(1_200) } else { any.bytes(1_200) }
    };
    assert_eq!(esp_with(forged), protected);
}

#[test]
fn later_fragments_are_read_too() {
    let mut any = numbers();
    let mut esp_of = |rest: Vec<u8>, n: u32| {
        ip(1, 2, 50, &[esp(0xc0de_0009, n + 1, 1_392, &mut any), rest].concat())
    };
    let text: Vec<_> = (0..60).map(|n| esp_of(ascii(1_200), n)).collect();
    let told_of = |packets, first| told(&beside_esp(in_fragments(packets, first)));
    assert_eq!(told_of(text, 1_400), ("not_determined".to_owned(), 0));
    let mut more = numbers();
    let opaque: Vec<_> = (0..60).map(|n| esp_of(more.bytes(1_200), n)).collect();
    assert_eq!(told_of(opaque, 1_400), ("protected".to_owned(), 0));
}

/// An IKEv2 message with one payload in two hosts' IKE SA.
fn ike(exchange: u8, payload: u8, id: u32, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(32 + content.len()).unwrap();
    let mut message = vec![0x5a; 16];
    message.extend([payload, 0x20, exchange, 8]);
    message.extend(id.to_be_bytes());
    message.extend(length.to_be_bytes());
    message.extend([0, 0]);
    message.extend(u16::try_from(4 + content.len()).unwrap().to_be_bytes());
    message.extend(content);
    udp(1, 2, (500, 500), &message)
}

const SK: u8 = 46;

#[test]
fn what_ike_encrypts_cannot_be_read_in_any_encoding() {
    let mut any = numbers();
    let cyrillic: Vec<u8> = CYRILLIC.bytes().cycle().take(1_000).collect();
    for content in [ascii(1_000), utf16(1_000), cyrillic, sound(1_000)] {
        let mixed = [any.bytes(200), content, any.bytes(200)].concat();
        let frames = beside_esp((0..20).map(|n| ike(37, SK, n, &mixed)));
        assert_eq!(told(&frames), ("partially_protected".to_owned(), 20));
    }
    let blotted = [any.bytes(40), vec![0; 400]].concat();
    for content in [any.bytes(40), any.bytes(1_400), blotted] {
        let frames = beside_esp((0..20).map(|n| ike(37, SK, n, &content)));
        assert_eq!(told(&frames).1, 0);
    }
}

#[test]
fn fragments_of_ike_are_read_and_certificates_stay_ike() {
    let mut any = numbers();
    let with = |content: Vec<u8>| (0..20).map(|n| ike(35, SK, n, &content)).collect::<Vec<_>>();
    let text = with([any.bytes(60), ascii(4_000)].concat());
    assert_eq!(told(&beside_esp(in_fragments(text, 104))).1, 60);
    let opaque = with(any.bytes(4_000));
    assert_eq!(told(&beside_esp(in_fragments(opaque, 1_400))).1, 0);
}

#[test]
fn messages_in_clear_have_no_place_for_long_text() {
    let vendor = |len: usize| (0..20).map(move |n| ike(34, 43, n, &ascii(len)));
    assert_eq!(told(&beside_esp(vendor(1_200))).1, 20);
    // What negotiates nothing needs no words at all.
    assert_eq!(told(&beside_esp(vendor(60))).1, 20);
    let notify = |len: usize| {
        let content = [&[0, 0, 0x40, 0][..], &ascii(len)].concat();
        (0..20).map(move |n| ike(34, 41, n, &content))
    };
    assert_eq!(told(&beside_esp(notify(1_200))).1, 20);
    assert_eq!(told(&beside_esp(notify(100))).1, 0);
}

fn echo(kind: u8, number: u16, data: &[u8]) -> Vec<u8> {
    let number = number.to_be_bytes();
    let message = [&[kind, 0, 0, 0, 0, 1, number[0], number[1]][..], data].concat();
    if kind == 8 { ip(1, 2, 1, &message) } else { ip(2, 1, 1, &message) }
}

pub(super) fn abuses(report: &Report) -> usize {
    report.findings.iter().filter(|finding| finding.code == "exemption_abuse").count()
}

#[test]
fn echoes_that_do_not_return_what_was_sent_are_a_tunnel() {
    let mut any = numbers();
    let tunnel = (0..40).flat_map(|n| [echo(8, n, &any.bytes(700)), echo(0, n, &any.bytes(700))]);
    let report = report(&beside_esp(tunnel.collect::<Vec<_>>()));
    assert_eq!((frames_of(&report, "clear"), abuses(&report)), (80, 1));
}

#[test]
fn pings_of_all_systems_are_exempt() {
    let windows = |len: usize| (b'a'..=b'w').cycle().take(len).collect::<Vec<u8>>();
    let linux = |len: usize| {
        let time = 0x1234_5678_9abc_u64.to_be_bytes();
        let filling = (0x10..=0xff_u8).chain(0..0x10).cycle().take(len - 16);
        time.into_iter().chain(time).chain(filling).collect::<Vec<u8>>()
    };
    for data in [windows(32), windows(1_000), linux(56), linux(1_000), vec![b'U'; 800]] {
        let pings = (0..40).flat_map(|n| [echo(8, n, &data), echo(0, n, &data)]);
        let report = report(&beside_esp(pings.collect::<Vec<_>>()));
        assert_eq!((frames_of(&report, "clear"), abuses(&report)), (0, 0), "{data:?}");
    }
    let large = (0..4).flat_map(|n| [echo(8, n, &windows(4_000)), echo(0, n, &windows(4_000))]);
    let frames = beside_esp(in_fragments(large.collect::<Vec<_>>(), 1_400));
    assert_eq!(told(&frames), ("protected".to_owned(), 0));
}

#[test]
fn what_is_exempt_and_short_comes_in_no_fragments() {
    let report = [&[0x16, 0, 0, 0, 239, 1, 1, 1][..], &ascii(4_000)].concat();
    let timestamp = [&[13, 0, 0, 0, 0, 1, 0, 1][..], &[0; 8], &ascii(4_000)].concat();
    for (protocol, content, first) in [(2, report, 8), (1, timestamp, 16)] {
        let packets = (0..20).map(|_| {
            let mut packet = ip(1, 2, protocol, &content);
            // The time to live that IGMP has.
            packet[22] = 1;
            packet
        });
        let (verdict, clear) = told(&beside_esp(in_fragments(packets, first)));
        assert_eq!((verdict.as_str(), clear), ("partially_protected", 80), "{protocol}");
    }
}

/// A DHCP request or answer between two hosts.
pub(super) fn dhcp(is_answer: bool, options: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut message = vec![0; 236];
    message[..3].copy_from_slice(&[1 + u8::from(is_answer), 1, 6]);
    message.extend([0x63, 0x82, 0x53, 0x63, 53, 1, if is_answer { 5 } else { 3 }]);
    for (code, value) in options {
        message.extend([*code, u8::try_from(value.len()).unwrap()]);
        message.extend(value);
    }
    message.push(255);
    if is_answer { udp(2, 1, (67, 68), &message) } else { udp(1, 2, (68, 67), &message) }
}

#[test]
fn options_of_makers_are_exempt_and_pages_of_text_are_not() {
    let search = b"\x09marketing\x0ddepartment-it\x0acontosobiz\x03com\0".to_vec();
    let option = |code: u8, text: &str| (code, text.as_bytes().to_vec());
    let ordinary = [
        option(66, "deployment01.emea.corp.example.com"),
        option(67, "boot\\x64\\images\\capture\\pxeboot-n12.n12"),
        option(252, "http://wpad.emea.corp.example.com/wpad.dat"),
        option(242, "MCIPADD=10.5.0.20,MCPORT=1719,HTTPSRVR=10.5.0.21"),
        option(161, "ftp.thinclients.emea.corp.example.com"),
        option(125, "id:phone.example.com;sw_tftp=10.5.0.20;vlan=2;"),
        (119, search),
    ];
    let asked = [option(124, "Microsoft Windows Embedded POSReady 2009"), option(60, "MSFT 5.0")];
    let renewals = (0..10).flat_map(|_| [dhcp(false, &asked), dhcp(true, &ordinary)]);
    assert_eq!(told(&beside_esp(renewals)).1, 0);
    for text in [ascii, utf16] {
        let pages: Vec<(u8, Vec<u8>)> = (128..132).map(|code| (code, text(240))).collect();
        assert_eq!(told(&beside_esp((0..10).map(|_| dhcp(false, &pages)))).1, 10);
    }
}

#[test]
fn text_behind_packets_and_in_options_is_named() {
    let mut any = numbers();
    let mut with = |behind: &[u8]| {
        let frames = (0..40).map(|n| {
            let packet = ip(1, 2, 50, &esp(0xc0de_0001, n + 1, 100, &mut any));
            (n * 20, [&packet[..], behind].concat())
        });
        abuses(&report(&frames.collect()))
    };
    assert_eq!(with(&ascii(400)), 1);
    assert_eq!(with(&utf16(80)), 1);
    // A check sequence, a time stamp of a tap, and what a card fills up with.
    for behind in [&[0x9c, 0x31, 7, 0xee][..], &[0; 60][..], &ascii(26)[..]] {
        assert_eq!(with(behind), 0);
    }
}

/// A frame as netfilter's log hands it over: a message with a prefix of words, and the packet.
fn logged(frame: &[u8], prefix: &str) -> Vec<u8> {
    let attribute = |kind: u8, value: &[u8]| {
        let length = u16::try_from(4 + value.len()).unwrap().to_le_bytes();
        let mut attribute = [&length[..], &[kind, 0], value].concat();
        attribute.resize(attribute.len().next_multiple_of(4), 0);
        attribute
    };
    let words = attribute(10, prefix.as_bytes());
    [&[2, 0, 0, 5][..], &words, &attribute(9, &frame[14..])].concat()
}

#[test]
fn words_that_a_capture_puts_before_packets_are_none_of_the_senders() {
    let mut any = numbers();
    let prefix = "ACCEPT forwarded from lan to wan, rule 17 of the firewall: ";
    let mut with = |words: &str, behind: &[u8]| {
        let frames: Frames = (0..40)
            .map(|n| {
                let mut packet = ip(1, 2, 50, &esp(0xc0de_0001, n + 1, 100, &mut any));
                packet.extend(behind);
                (n * 20, logged(&packet, words))
            })
            .collect();
        let mut file = capture(&frames);
        // LINKTYPE_NFLOG.
        file[20] = 239;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("capture.pcap");
        write(&path, &file);
        let report = analyze(&[&path], &["--protect", "10.0.0.1=10.0.0.2"]);
        (frames_of(&report, "esp"), abuses(&report))
    };
    assert_eq!(with(prefix, &[]), (40, 0));
    assert_eq!(with("short", &[]), (40, 0));
    assert_eq!(with(prefix, &ascii(80)), (40, 1), "behind the packet it is the sender's");
}

#[test]
fn text_in_options_of_ip_is_named_on_every_link() {
    let mut any = numbers();
    let mut with = |options: &[u8], tags: &[u8]| {
        let frames = (0..40).map(|n| {
            let mut packet = ip(1, 2, 50, &esp(0xc0de_0001, n + 1, 100, &mut any));
            packet[14] = 0x45 + u8::try_from(options.len() / 4).unwrap();
            packet[17] += u8::try_from(options.len()).unwrap();
            packet.splice(34..34, options.iter().copied());
            packet.splice(12..12, tags.iter().copied());
            (n * 20, packet)
        });
        let report = report(&frames.collect());
        (frames_of(&report, "esp"), abuses(&report))
    };
    // RFC 791 §3.1: an experimental option (RFC 4727 §3) whose content is text, and a record of routes.
    let text = [&[0x5e, 38][..], &ascii(36), &[1, 0]].concat();
    let routes: Vec<u8> =
        [7, 39, 4].into_iter().chain([10, 10, 33, 1].repeat(9)).chain([0]).collect();
    for tags in [&[][..], &[0x81, 0, 0, 7]] {
        assert_eq!(with(&text, tags), (40, 1));
        assert_eq!(with(&routes, tags), (40, 0));
        assert_eq!(with(&[1; 40], tags), (40, 0));
    }
}

#[test]
fn esp_behind_the_marker_of_old_drafts_is_esp() {
    let mut any = numbers();
    let mut old = |spi: u32, n: u32| [&[0; 8][..], &esp(spi, n + 1, 100, &mut any)].concat();
    let frames = (0..40).flat_map(|n| {
        let forth = udp(1, 2, (500, 500), &old(0xc0de_0001, n));
        [(n * 20, forth), (n * 20 + 5, udp(2, 1, (500, 500), &old(0xc0de_0002, n)))]
    });
    assert_eq!(told(&frames.collect()), ("protected".to_owned(), 0));
    let text = |_| udp(1, 2, (500, 500), &[&[0; 8][..], &ascii(200)].concat());
    assert_eq!(told(&beside_esp((0..20).map(text))).1, 20);
}
