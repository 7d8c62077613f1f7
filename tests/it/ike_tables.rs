//! The tables of IKE's numbers against Wireshark's, which are kept by others from IANA's registries
//! (`tshark -G values`). Where the two differ, the RFC decides, and the row is listed here with it.

use crate::support::tool_is_there;
use plainsight::catalogue::{
    NotifySpace, exchange_type, ike_group, ike_protocol, ikev1_authentication, ikev1_encryption,
    ikev1_hash, ikev2_transform, notify,
};
use std::collections::{BTreeMap, BTreeSet};

/// The names of single numbers in one table of Wireshark, as often as it has that field's table.
type Table = Vec<(u16, String)>;

fn tables() -> Option<BTreeMap<String, Table>> {
    if !tool_is_there("tshark", "tshark") {
        return None;
    }
    let output = std::process::Command::new("tshark").args(["-G", "values"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let (field, number, name) = match fields[..] {
            ["V", field, number, name] => (field, number, name),
            ["R", field, from, to, name] if from == to => (field, from, name),
            _ => continue,
        };
        let Ok(number) = number.parse() else { continue };
        tables.entry(field.to_owned()).or_default().push((number, name.trim().to_owned()));
    }
    Some(tables)
}

/// The parts of a name: words and numbers, in capitals, without what only fills a sentence.
fn parts(name: &str) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    let mut part = String::new();
    for c in name.chars().chain(['-']) {
        let goes_on = part.chars().next_back().is_some_and(|last| {
            c.is_ascii_alphanumeric() && last.is_ascii_digit() == c.is_ascii_digit()
        });
        if !goes_on && !part.is_empty() {
            parts.insert(std::mem::take(&mut part));
        }
        if c.is_ascii_alphanumeric() {
            part.push(c.to_ascii_uppercase());
        }
    }
    parts.retain(|part| !FILLING.contains(&part.as_str()));
    parts
}

/// The same numbers, and all words of the shorter name.
fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (parts(one), parts(other));
    let numbers = |parts: &BTreeSet<String>| -> BTreeSet<String> {
        parts
            .iter()
            .filter(|part| part.starts_with(|c: char| c.is_ascii_digit()))
            .cloned()
            .collect()
    };
    numbers(&one) == numbers(&other) && (one.is_subset(&other) || other.is_subset(&one))
}

const FILLING: &[&str] = &[
    "ENCR",
    "AUTH",
    "WITH",
    "A",
    "AN",
    "OCTET",
    "ICV",
    "BIT",
    "GROUP",
    "SUBGROUP",
    "PRIME",
    "ORDER",
    "RANDOM",
    "DEFAULT",
    "ALTERNATE",
    "ON",
    "OVER",
    "GP",
    "GF",
    "IPSEC",
];

/// What differs and is right here: Wireshark's field, the number, and why.
const DIFFERENT: &[(&str, u16, &str)] = &[
    ("isakmp.tf.id.prf", 4, "RFC 4434: AES-XCBC-PRF-128"),
    ("isakmp.tf.id.prf", 8, "RFC 4615: AES-CMAC-PRF-128, without a 6"),
    ("isakmp.tf.id.dh", 0, "no group"),
    ("isakmp.tf.id.dh", 33, "RFC 9385: GOST3410_2012_256, here without the year"),
    ("isakmp.tf.id.dh", 34, "RFC 9385: GOST3410_2012_512, here without the year"),
    (
        "isakmp.ike.attr.encryption_algorithm",
        4,
        "RFC 2409 appendix A: RC5-R16-B64-CBC, here RC5-CBC",
    ),
    ("isakmp.ike.attr.encryption_algorithm", 127, "GM/T 0022, no RFC"),
    ("isakmp.ike.attr.encryption_algorithm", 128, "GM/T 0022, no RFC"),
    ("isakmp.ike.attr.encryption_algorithm", 129, "GM/T 0022, no RFC"),
    ("isakmp.ike.attr.hash_algorithm", 2, "RFC 2409 appendix A: SHA, which is SHA-1"),
    ("isakmp.ike.attr.hash_algorithm", 20, "GM/T 0022, no RFC"),
];

fn differs(field: &str, number: u16) -> bool {
    DIFFERENT.iter().any(|row| (row.0, row.1) == (field, number))
}

fn is_a_name(name: &str) -> bool {
    let unused = ["RESERVED", "UNASSIGNED", "<UNKNOWN>", "PRIVATE"];
    !unused.iter().any(|word| name.to_uppercase().starts_with(word))
}

#[test]
fn algorithms_have_the_names_of_wiresharks_tables() {
    let Some(tables) = tables() else { return };
    type Lookup = fn(u16) -> Option<&'static str>;
    let compared: [(&str, usize, Lookup); 7] = [
        ("isakmp.tf.id.encr", 25, |number| ikev2_transform(1, number)),
        ("isakmp.tf.id.prf", 8, |number| ikev2_transform(2, number)),
        ("isakmp.tf.id.integ", 15, |number| ikev2_transform(3, number)),
        ("isakmp.tf.id.dh", 30, ike_group),
        ("isakmp.ike.attr.group_description", 30, ike_group),
        ("isakmp.ike.attr.encryption_algorithm", 8, ikev1_encryption),
        ("isakmp.ike.attr.hash_algorithm", 6, ikev1_hash),
    ];
    let mut wrong = Vec::new();
    for (field, fewest, lookup) in compared {
        let table = &tables[field];
        assert!(table.len() >= fewest, "{field}: {} rows", table.len());
        for (number, name) in table.iter().filter(|(_, name)| is_a_name(name)) {
            let own = lookup(*number);
            let of = if field.ends_with("group_description") { "isakmp.tf.id.dh" } else { field };
            if !own.is_some_and(|own| is_same(own, name)) && !differs(of, *number) {
                wrong.push(format!("{field} {number}: {name}, here {own:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The names of methods are short here, so each is compared by what it is made of.
#[test]
fn methods_of_authentication_are_those_of_wiresharks_table() {
    let Some(tables) = tables() else { return };
    let table = &tables["isakmp.ike.attr.authentication_method"];
    assert!(table.len() >= 20);
    let words = [
        ("xauth", "XAUTH"),
        ("hybrid", "HYBRID"),
        ("resp", "RESPONDER"),
        ("pre-shared", "PSK"),
        ("preshared", "PSK"),
        ("dss", "DSS"),
        ("rsa", "RSA"),
        ("encryption", "ENC"),
        ("revised", "REV"),
        ("el-gamal", "ELGAMAL"),
        ("ecdsa", "ECDSA"),
        ("p-256", "256"),
        ("p-384", "384"),
        ("p-521", "521"),
    ];
    for (number, name) in table.iter().filter(|(number, _)| *number != 0) {
        let own = ikev1_authentication(*number).unwrap_or_else(|| panic!("{number}: {name}"));
        let (name, parts) = (name.to_lowercase(), parts(own));
        for (word, part) in words {
            // Both spellings of a pre-shared key stand for one part.
            let is_there = name.contains(word) || part == "PSK" && name.contains("shared");
            assert_eq!(is_there, parts.contains(part), "{number}: {name}, here {own}");
        }
    }
}

#[test]
fn exchanges_and_protocols_are_those_of_wiresharks_tables() {
    let Some(tables) = tables() else { return };
    let exchanges = &tables["isakmp.exchangetype"];
    for (number, name) in exchanges.iter().filter(|(number, _)| *number != 0) {
        let own = u8::try_from(*number).ok().and_then(exchange_type);
        let own = own.unwrap_or_else(|| panic!("{number}: {name}")).name.to_lowercase();
        let name = name.to_lowercase();
        assert!(own.starts_with(&name) || name.contains(&own), "{number}: {name}, {own}");
    }
    // The second table of the field is IKEv2's.
    let protocols = &tables["isakmp.prop.protoid"];
    let second = protocols.iter().rposition(|(number, _)| *number == 0).unwrap();
    for (number, name) in protocols.iter().skip(second + 1) {
        let own = u8::try_from(*number).ok().and_then(ike_protocol);
        assert_eq!(own, Some(name.as_str()), "{number}");
    }
}

#[test]
fn notifies_have_the_names_of_wiresharks_tables() {
    let Some(tables) = tables() else { return };
    let rows = &tables["isakmp.notify.msgtype"];
    let second = rows.iter().rposition(|(number, _)| *number == 0).unwrap();
    let (first, second) = rows.split_at(second);
    assert!(first.len() > 30 && second.len() > 60, "{} {}", first.len(), second.len());
    let differs = [
        // Private numbers of Cisco's, in no RFC.
        (NotifySpace::V1, 40501),
        (NotifySpace::V1, 40502),
        (NotifySpace::V1, 40503),
        // IANA "IKEv2 Notify Message Error Types": AUTHORIZATION_FAILED; 44 is CHILD_SA_NOT_FOUND.
        (NotifySpace::V2, 46),
    ];
    let mut wrong = Vec::new();
    for (space, rows) in [(NotifySpace::V1, first), (NotifySpace::V2, second)] {
        for (number, name) in rows.iter().filter(|(_, name)| is_a_name(name)) {
            let own = notify(space, *number).map(|row| row.name);
            let plain = |name: &str| name.replace('-', "_").to_uppercase();
            let is_same = own.is_some_and(|own| plain(own) == plain(name));
            if !is_same && !differs.contains(&(space, *number)) {
                wrong.push(format!("{space:?} {number}: {name}, here {own:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
