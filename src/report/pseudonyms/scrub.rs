//! What identifies somebody in a text, replaced where it is.
//!
//! Addresses, hardware addresses, SPIs, cookies and SIDs are recognized by their form, names by the report's own
//! list of them. The same original has the same pseudonym in every text.

use super::secret::Secret;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Texts with originals on one side, with pseudonyms on the other.
pub(super) struct Scrubber {
    secret: Secret,
    known: Known,
    /// What was given so far: the original of each pseudonym.
    given: BTreeMap<String, String>,
}

/// What is known to identify somebody, in lower case.
#[derive(Default)]
pub(super) struct Known {
    /// Names, and the parts of names between dots.
    labels: BTreeSet<String>,
    /// Those that are replaced where they are alone.
    words: BTreeSet<String>,
    /// Names that are more than a word.
    phrases: BTreeSet<String>,
    /// Names of files and folders.
    files: BTreeSet<String>,
    /// Paths that are more than words.
    paths: BTreeSet<String>,
    /// SPIs of ESP and AH.
    spis: BTreeSet<u32>,
}

impl Known {
    /// A host, a domain, a user.
    pub(super) fn name(&mut self, name: &str) {
        let name = name.trim().trim_end_matches('$').to_lowercase();
        if name.len() < SHORTEST || name.parse::<IpAddr>().is_ok() || is_number(&name) {
            return;
        }
        if !name.chars().all(|c| is_of_word(c) || c == '\\') {
            self.phrases.insert(name);
            return;
        }
        let parts: Vec<&str> =
            name.split(['.', '@', '\\', ':']).filter(|p| !p.is_empty()).collect();
        self.labels.extend(parts.iter().map(|part| (*part).to_owned()));
        // The last part of `fs01.corp.example` is a word of any text.
        let alone =
            if parts.len() > 1 && name.contains('.') { parts.len() - 1 } else { parts.len() };
        let alone =
            parts.iter().take(alone).filter(|part| part.len() >= SHORTEST && !is_number(part));
        self.words.extend(alone.map(|part| (*part).to_owned()));
    }

    /// An SPI as the report writes it.
    pub(super) fn spi(&mut self, spi: &str) {
        let digits = spi.strip_prefix("0x").unwrap_or(spi);
        self.spis.extend(u32::from_str_radix(digits, 16).ok().filter(|spi| *spi > MOST_RESERVED));
    }

    /// A path of evidence.
    pub(super) fn path(&mut self, path: &str) {
        let parts = path.split('/').map(|part| part.trim_end_matches('!').to_lowercase());
        for part in parts.filter(|part| !is_no_name(part)) {
            // A folder of several words is named in no sentence by itself.
            if part.contains('.') && !part.chars().all(is_of_word) {
                self.paths.insert(part.clone());
            }
            self.files.insert(part);
        }
        if !path.chars().all(|c| is_of_word(c) || c == '/') {
            self.paths.insert(path.to_lowercase());
        }
    }
}

/// Where a word is.
#[derive(Clone, Copy)]
enum Around {
    /// In a display filter, whose words are those of the program that reads it.
    Filter,
    Sentence,
    Path,
}

impl Scrubber {
    pub(super) fn new(secret: Secret, known: Known) -> Self {
        Self { secret, known, given: BTreeMap::new() }
    }

    /// The original of each pseudonym.
    pub(super) fn into_given(self) -> BTreeMap<String, String> {
        self.given
    }

    fn give(&mut self, original: &str, pseudonym: String) -> String {
        if pseudonym != original {
            self.given.entry(pseudonym.clone()).or_insert_with(|| original.to_owned());
        }
        pseudonym
    }

    /// A sentence: forms and names are replaced.
    pub(super) fn prose(&mut self, text: &str) -> String {
        let text = self.without(text, false);
        let text = self.without(&text, true);
        self.words(&text, true)
    }

    /// A sentence without the names, or the paths, that are more than a word; the longest first.
    fn without(&mut self, text: &str, names: bool) -> String {
        let known = if names { &self.known.phrases } else { &self.known.paths };
        if known.is_empty() {
            return text.to_owned();
        }
        let lower = text.to_lowercase();
        let mut held: Vec<String> =
            known.iter().filter(|phrase| lower.contains(*phrase)).cloned().collect();
        held.sort_by_key(|phrase| std::cmp::Reverse(phrase.len()));
        let mut text = text.to_owned();
        for phrase in held {
            let made = if names { self.label(&phrase) } else { self.path(&phrase) };
            text = replaced(&text, &phrase, &made).unwrap_or_else(|| self.whole(&text));
        }
        text
    }

    /// A display filter: only forms are replaced, since its words are those of the program that reads it.
    pub(super) fn filter(&mut self, text: &str) -> String {
        self.words(text, false)
    }

    /// A name of a host or a user.
    pub(super) fn name(&mut self, name: &str) -> String {
        if let Some(form) = self.form(name) {
            return form;
        }
        if is_no_name(name) {
            return name.to_owned();
        }
        if name.chars().all(is_of_word) { self.labels(name) } else { self.label(name) }
    }

    /// A text of evidence: it is replaced whole, unless it is a number or an address.
    pub(super) fn whole(&mut self, text: &str) -> String {
        if is_no_name(text) {
            return text.to_owned();
        }
        if let Some(form) = self.form(text) {
            return form;
        }
        if is_number(text) {
            return text.to_owned();
        }
        let pseudonym = format!("{TEXT}{}", self.secret.digits("text", text, 8));
        self.give(text, pseudonym)
    }

    /// A path: each part becomes another, and what says the format stays.
    pub(super) fn path(&mut self, path: &str) -> String {
        let parts: Vec<String> = path.split('/').map(|part| self.part(part)).collect();
        parts.join("/")
    }

    fn part(&mut self, part: &str) -> String {
        let (name, mark) = part.strip_suffix('!').map_or((part, ""), |name| (name, "!"));
        if is_no_name(name) {
            return part.to_owned();
        }
        let mut stem = name;
        while let Some((before, end)) = stem.rsplit_once('.')
            && !before.is_empty()
            && ENDS.contains(&end.to_lowercase().as_str())
        {
            stem = before;
        }
        let ends = name.get(stem.len()..).unwrap_or_default().to_lowercase();
        let made = format!("f{}{ends}", self.secret.digits("file", &name.to_lowercase(), 8));
        self.give(name, made) + mark
    }

    /// A reference that was made from what is replaced.
    pub(super) fn reference(&mut self, reference: &str) -> String {
        let (digits, behind) = reference.split_once('-').unwrap_or((reference, ""));
        let made = self.secret.digits("reference", digits, digits.len());
        let made = self.give(digits, made);
        if behind.is_empty() { made } else { format!("{made}-{behind}") }
    }

    /// Replaces forms, and with `named` names, in a text of many words.
    fn words(&mut self, text: &str, named: bool) -> String {
        let mut kept = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let between = rest.find(is_of_word).unwrap_or(rest.len());
            let (apart, from) = rest.split_at(between);
            kept.push_str(apart);
            let end = from.find(|c| !is_of_word(c)).unwrap_or(from.len());
            let (word, behind) = from.split_at(end);
            let is_of_path = kept.ends_with('/') || behind.starts_with('/');
            let around = match (named, is_of_path) {
                (false, _) => Around::Filter,
                (true, false) => Around::Sentence,
                (true, true) => Around::Path,
            };
            let (made, taken) = match self.network(word, behind) {
                Some(network) => network,
                None => (self.word(word, around), 0),
            };
            kept.push_str(&made);
            rest = behind.get(taken..).unwrap_or_default();
        }
        kept
    }

    /// An address with the length of a network behind it; how many bytes that takes.
    fn network(&mut self, word: &str, behind: &str) -> Option<(String, usize)> {
        let (bits, taken) = network_length(behind)?;
        let made = self.network_of(word.parse().ok()?, bits);
        Some((self.give(&format!("{word}/{bits}"), format!("{made}/{bits}")), taken))
    }

    fn word(&mut self, word: &str, around: Around) -> String {
        if word.is_empty() {
            return String::new();
        }
        // No identifier is so long; what evidence makes so long is not taken apart.
        if word.len() > LONGEST {
            return self.whole(word);
        }
        if let Some(made) = self.form(word) {
            return made;
        }
        // What ends a sentence, or introduces what follows.
        let bare = word.trim_end_matches(['.', ':', '-', '_']);
        if bare.len() < word.len() {
            return self.word(bare, around) + word.get(bare.len()..).unwrap_or_default();
        }
        for apart in [':', '@', '%', '-'] {
            if let Some((one, other)) = word.split_once(apart)
                && (apart != '-' || one.parse::<IpAddr>().is_ok())
            {
                return format!("{}{apart}{}", self.word(one, around), self.word(other, around));
            }
        }
        let name = match around {
            Around::Filter => None,
            Around::Sentence => self.known_name(word, false),
            Around::Path => self.known_name(word, true),
        };
        name.unwrap_or_else(|| word.to_owned())
    }

    fn known_name(&mut self, word: &str, of_path: bool) -> Option<String> {
        let lower = word.to_lowercase();
        let is_telling =
            of_path || lower.contains(|c: char| c.is_ascii_digit() || "._-".contains(c));
        if is_telling && self.known.files.contains(&lower) {
            return Some(self.part(word));
        }
        let base = lower.trim_end_matches('$');
        let is_known = self.known.words.contains(base)
            || base.contains('.') && base.split('.').any(|part| self.known.labels.contains(part));
        is_known.then(|| self.labels(word))
    }

    /// A name part by part, so that `FS01` and `FS01.corp.example` begin alike.
    fn labels(&mut self, name: &str) -> String {
        let (base, sign) = name.strip_suffix('$').map_or((name, ""), |base| (base, "$"));
        let parts = base
            .split('.')
            .map(|part| if part.is_empty() { String::new() } else { self.label(part) });
        let made = parts.collect::<Vec<_>>().join(".") + sign;
        self.give(name, made)
    }

    fn label(&mut self, label: &str) -> String {
        let made = format!("h{}", self.secret.digits("name", &label.to_lowercase(), 8));
        self.give(label, made)
    }

    fn network_of(&mut self, address: IpAddr, bits: u32) -> IpAddr {
        match self.secret.address(address) {
            IpAddr::V4(v4) => {
                let host = u32::MAX.checked_shr(bits).unwrap_or_default();
                std::net::Ipv4Addr::from_bits(v4.to_bits() & !host).into()
            }
            IpAddr::V6(v6) => {
                let host = u128::MAX.checked_shr(bits).unwrap_or_default();
                std::net::Ipv6Addr::from_bits(v6.to_bits() & !host).into()
            }
        }
    }

    /// What is recognized by its form; `None` where it is nothing of that kind.
    fn form(&mut self, word: &str) -> Option<String> {
        if let Ok(address) = word.parse::<IpAddr>() {
            let made = self.secret.address(address).to_string();
            return Some(self.give(word, made));
        }
        if let Some((address, port)) = word.rsplit_once(':')
            && let Ok(IpAddr::V4(address)) = address.parse::<IpAddr>()
            && is_number(port)
        {
            let made = self.secret.address(address.into()).to_string();
            return Some(format!("{}:{port}", self.give(&address.to_string(), made)));
        }
        if let Some(inner) = word.strip_prefix('[')
            && let Some((address, port)) = inner.split_once(']')
            && let Ok(address) = address.parse::<IpAddr>()
        {
            let made = self.secret.address(address).to_string();
            return Some(format!("[{}]{port}", self.give(&address.to_string(), made)));
        }
        self.octets(word).or_else(|| self.number(word)).or_else(|| self.sid(word))
    }

    /// Hardware addresses and cookies: pairs of digits, or digits alone.
    fn octets(&mut self, word: &str) -> Option<String> {
        let (apart, digits) = match word.chars().find(|c| !c.is_ascii_hexdigit()) {
            None => (None, word.to_owned()),
            Some(apart @ (':' | '-' | '.')) => {
                let parts: Vec<&str> = word.split(apart).collect();
                let length = if apart == '.' { 4 } else { 2 };
                let is_even = parts.iter().all(|part| part.len() == length);
                (is_even.then_some(apart).map(Some)?, parts.concat())
            }
            Some(_) => return None,
        };
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let lower = digits.to_lowercase();
        let is_zero = lower.bytes().all(|digit| digit == b'0');
        let made = match (lower.len(), apart) {
            _ if is_zero || lower.bytes().all(|digit| digit == b'f') => return None,
            (12, Some(_)) => format!("02{}", self.secret.digits("mac", &lower, 10)),
            (16, None | Some(_)) => self.secret.digits("cookie", &lower, 16),
            (8, None) => {
                let spi = u32::from_str_radix(&lower, 16).ok()?;
                let is_known = self.known.spis.contains(&spi);
                is_known.then(|| format!("{:08x}", self.secret.number("spi", spi)))?
            }
            _ => return None,
        };
        let made = match apart {
            None => made,
            Some(apart) => {
                let length = if apart == '.' { 4 } else { 2 };
                let pieces = made.as_bytes().chunks(length).map(String::from_utf8_lossy);
                pieces.collect::<Vec<_>>().join(&apart.to_string())
            }
        };
        Some(self.give(word, made))
    }

    /// SPIs in hexadecimal and decimal, and addresses as a number.
    fn number(&mut self, word: &str) -> Option<String> {
        if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
            let spi = u32::from_str_radix(digits, 16).ok()?;
            let is_known = self.known.spis.contains(&spi);
            let made = is_known.then(|| format!("0x{:08x}", self.secret.number("spi", spi)))?;
            return Some(self.give(word, made));
        }
        let number =
            word.parse::<u32>().ok().filter(|number| is_number(word) && *number > MOST_COUNT)?;
        if self.known.spis.contains(&number) {
            let made = self.secret.number("spi", number).to_string();
            return Some(self.give(word, made));
        }
        let address = [number, number.swap_bytes()].map(std::net::Ipv4Addr::from_bits);
        let known = address.iter().position(|address| self.is_original(&address.to_string()))?;
        let IpAddr::V4(made) = self.secret.address(address.get(known).copied()?.into()) else {
            return None;
        };
        let made = if known == 0 { made.to_bits() } else { made.to_bits().swap_bytes() };
        Some(self.give(word, made.to_string()))
    }

    fn is_original(&mut self, address: &str) -> bool {
        let Ok(parsed) = address.parse::<IpAddr>() else { return false };
        let made = self.secret.address(parsed).to_string();
        self.given.get(&made).is_some_and(|original| original == address)
    }

    /// A user or group of a domain; those that every system has stay ([MS-DTYP] 2.4.2.4).
    fn sid(&mut self, word: &str) -> Option<String> {
        let is_sid =
            word.len() > 4 && word.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("S-1-"));
        let is_of_domain =
            word.matches('-').count() > 4 && word.ends_with(|c: char| c.is_ascii_digit());
        (is_sid && is_of_domain).then(|| {
            let made = format!("sid-{}", self.secret.digits("sid", &word.to_lowercase(), 8));
            self.give(word, made)
        })
    }
}

/// A text with a phrase in lower case replaced, in whatever case it is there; `None` where lower case has another
/// length, so that places in both do not agree.
fn replaced(text: &str, phrase: &str, made: &str) -> Option<String> {
    let lower = text.to_lowercase();
    if lower.len() != text.len() {
        return None;
    }
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for (at, found) in lower.match_indices(phrase) {
        kept.push_str(text.get(from..at)?);
        kept.push_str(made);
        from = at + found.len();
    }
    kept.push_str(text.get(from..)?);
    Some(kept)
}

/// The first original that is in a text that must hold none.
pub(super) fn left_over<'t>(text: &'t str, given: &BTreeMap<String, String>) -> Option<&'t str> {
    // What a field holds may be a word that means something else elsewhere, such as the name of an algorithm.
    let of_forms = given.iter().filter(|(pseudonym, _)| !pseudonym.starts_with(TEXT));
    let is_telling = |original: &&String| {
        let has_marks = original.contains(|c: char| c.is_ascii_digit() || ".@:-".contains(c));
        original.len() > 4 && has_marks && !is_number(original)
    };
    let originals = of_forms.map(|(_, original)| original).filter(is_telling);
    // An address may be the pseudonym of another one.
    let originals = originals.filter(|original| !given.contains_key(*original));
    let originals: BTreeSet<String> = originals.map(|original| original.to_lowercase()).collect();
    let words = text.split(|c| !is_of_word(c)).map(|word| word.trim_end_matches(['.', ':', '-']));
    let mut words = words.filter(|word| !word.is_empty());
    words.find(|word| originals.contains(&word.to_lowercase()))
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || "._-:@$%".contains(c)
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|digit| digit.is_ascii_digit())
}

fn is_no_name(text: &str) -> bool {
    matches!(text, "" | "-" | "." | ".." | "*")
}

/// The length of a network and the bytes it takes, of what is behind an address.
fn network_length(behind: &str) -> Option<(u32, usize)> {
    let digits: String =
        behind.strip_prefix('/')?.chars().take_while(char::is_ascii_digit).collect();
    let is_over =
        behind.get(1 + digits.len()..)?.chars().next().is_none_or(|c| !c.is_alphanumeric());
    let bits = digits.parse().ok().filter(|bits| *bits <= 128 && is_over)?;
    Some((bits, 1 + digits.len()))
}

/// Bytes of a word that is looked into.
const LONGEST: usize = 300;
/// What the pseudonyms of texts begin with.
const TEXT: &str = "text-";
/// Names of fewer letters are words of any text.
const SHORTEST: usize = 2;
/// SPIs up to here are reserved (RFC 4303 §2.1).
const MOST_RESERVED: u32 = 255;
/// Smaller numbers are counts and ports in any text.
const MOST_COUNT: u32 = 65_535;
/// Ends of names that say a format.
const ENDS: &[&str] = &[
    "pcap", "pcapng", "cap", "etl", "evtx", "evt", "xml", "json", "csv", "txt", "log", "gz", "tgz",
    "zst", "xz", "lz4", "bz2", "zip", "tar", "7z", "cab", "summary", "toml", "md", "snoop",
];
