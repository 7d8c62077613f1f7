//! Which files are numbered as one series, by names that differ in a counter or a date alone.
//!
//! Not each number in a name counts: `eth0_00001` and `eth1_00001` are of two series. The times of the files show which
//! numbers count: files of one series follow each other, and the numbers that count rise with them.

use super::DISORDER;
use crate::evidence::EvidenceId;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// A capture's file, and when it was taken.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) id: EvidenceId,
    pub(super) path: &'a str,
    pub(super) span: (Timestamp, Timestamp),
}

/// A number as it is compared: without leading zeros, the shorter one is less, and least is a missing one.
type Number<'a> = (usize, &'a str);

/// A file with the numbers of its name.
struct Numbered<'a> {
    file: File<'a>,
    numbers: Vec<Number<'a>>,
}

/// Files whose names are the same but for their numbers.
struct Family<'a>(Vec<Numbered<'a>>);

/// The series of each file that has others beside it; `files` in order of time.
pub(super) fn series(files: &[File<'_>]) -> BTreeMap<EvidenceId, usize> {
    let mut families: BTreeMap<Vec<&str>, Family<'_>> = BTreeMap::new();
    for file in files {
        let (texts, numbers) = split(file.path);
        let family = families.entry(texts).or_insert_with(|| Family(Vec::new()));
        family.0.push(Numbered { file: *file, numbers });
    }
    let mut of_files = BTreeMap::new();
    let mut next = 0;
    for family in families.values() {
        let series = family.series().into_values().filter(|series| series.len() > 1);
        for series in series {
            of_files.extend(series.iter().map(|numbered| (numbered.file.id, next)));
            next += 1;
        }
    }
    of_files
}

/// The texts and the numbers of a name. Before a dot and at the end a number may be missing: tcpdump begins with `cap.pcap` and
/// goes on with `cap.pcap1`.
fn split(path: &str) -> (Vec<&str>, Vec<Number<'_>>) {
    let (mut texts, mut numbers) = (Vec::new(), Vec::new());
    let part = |from: usize, to: usize| path.get(from..to).unwrap_or_default();
    let is_digit = |at: usize| path.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let (mut text, mut at, mut follows_number) = (0, 0, false);
    while at <= path.len() {
        let ends = (at..).find(|at| !is_digit(*at)).unwrap_or(at);
        let may_miss = at == path.len() || part(at, at + 1) == ".";
        if ends > at {
            let number = part(at, ends).trim_start_matches('0');
            texts.push(part(text, at));
            numbers.push((1 + number.len(), number));
            (text, at, follows_number) = (ends, ends, true);
            continue;
        }
        if may_miss && !follows_number {
            texts.push(part(text, at));
            numbers.push((0, ""));
            text = at;
        }
        (at, follows_number) = (at + 1, false);
    }
    texts.push(part(text, path.len()));
    (texts, numbers)
}

impl<'a> Family<'a> {
    /// The family's series, by the numbers that name each.
    fn series(&self) -> BTreeMap<Vec<Number<'a>>, Vec<&Numbered<'a>>> {
        let groups = self.0.first().map_or(0, |first| first.numbers.len());
        let differs = |at: &usize| {
            let mut numbers = self.0.iter().map(|file| file.numbers.get(*at));
            let first = numbers.next();
            numbers.any(|number| Some(number) != first)
        };
        let differing: Vec<usize> = (0..groups).filter(differs).take(MOST_NUMBERS).collect();
        let none = std::iter::once(Vec::new());
        let one = differing.iter().map(|at| vec![*at]);
        let several = (2..=differing.len()).filter_map(|n| differing.get(..n).map(<[_]>::to_vec));
        // Of equals the first: a name has no more parts than it must.
        let names = none.chain(one).chain(several);
        let parted = names.map(|name| self.parted(&name));
        parted
            .min_by_key(|(contradictions, series)| 2 * contradictions + series.len())
            .map_or_else(BTreeMap::new, |(_, series)| series)
    }

    /// The family's series where these numbers name them, and how often the files of one contradict it: by their times,
    /// and by numbers that do not rise.
    fn parted(&self, name: &[usize]) -> (usize, BTreeMap<Vec<Number<'a>>, Vec<&Numbered<'a>>>) {
        let mut all: BTreeMap<Vec<Number<'a>>, Vec<&Numbered<'a>>> = BTreeMap::new();
        for file in &self.0 {
            let named = name.iter().filter_map(|at| file.numbers.get(*at).copied()).collect();
            all.entry(named).or_default().push(file);
        }
        let contradictions = all.values().map(|files| overlaps(files) + falls(files, name)).sum();
        (contradictions, all)
    }
}

/// How many files begin before those before them end.
fn overlaps(files: &[&Numbered<'_>]) -> usize {
    let mut until: Option<Timestamp> = None;
    let mut count = 0;
    for (first, last) in files.iter().map(|numbered| numbered.file.span) {
        count += usize::from(until.is_some_and(|until| until.since(first) > DISORDER));
        until = until.max(Some(last));
    }
    count
}

/// How many files have no higher number than the one before. A date may stand behind a counter that begins again, so the
/// numbers count from the place on from which they rise best.
fn falls(files: &[&Numbered<'_>], name: &[usize]) -> usize {
    let groups = files.first().map_or(0, |first| first.numbers.len());
    let falls = |from: usize| {
        let rises = |one: &Numbered<'_>, next: &Numbered<'_>| {
            let both = one.numbers.iter().zip(&next.numbers).enumerate().skip(from);
            let mut counted = both.filter(|(at, _)| !name.contains(at)).map(|(_, both)| both);
            counted.find(|(one, next)| one != next).is_some_and(|(one, next)| one < next)
        };
        let pairs = files.iter().zip(files.iter().skip(1));
        pairs.filter(|(one, next)| !rises(one, next)).count()
    };
    (0..groups).filter(|at| !name.contains(at)).take(MOST_NUMBERS).map(falls).min().unwrap_or(0)
}

/// Numbers of a name that are compared.
const MOST_NUMBERS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// The series of files of these names and seconds, by the places of their first files.
    fn of(files: &[(&str, i64, i64)]) -> Vec<Option<usize>> {
        let time = |seconds: i64| Timestamp(seconds * 1_000_000_000);
        let mut all: Vec<File<'_>> = (0..)
            .zip(files)
            .map(|(id, (path, first, last))| File {
                id: EvidenceId(id),
                path,
                span: (time(*first), time(*last)),
            })
            .collect();
        all.sort_by_key(|file| file.span);
        let found = series(&all);
        let of_file = |id: u32| found.get(&EvidenceId(id)).copied();
        let first = |one: usize| (0..).find(|id| of_file(*id) == Some(one)).map(|id| id as usize);
        (0..).zip(files).map(|(id, _)| of_file(id).and_then(first)).collect()
    }

    #[test]
    fn interfaces_with_numbers_are_series_of_their_own() {
        let dumpcap = [
            ("eth0_00000_20260101100000.pcap", 0, 10),
            ("eth1_00000_20260101095955.pcap", -5, 7),
            ("eth0_00001_20260101100010.pcap", 10, 20),
            ("eth1_00001_20260101100007.pcap", 7, 18),
            ("eth1_00002_20260101100018.pcap", 18, 30),
        ];
        assert_eq!(of(&dumpcap), [Some(0), Some(1), Some(0), Some(1), Some(1)]);
        // The number behind the counter, folders, and dates whose parts begin again.
        let behind =
            [("c1-port1", 0, 9), ("c1-port2", 0, 8), ("c2-port1", 9, 20), ("c2-port2", 8, 19)];
        assert_eq!(of(&behind), [Some(0), Some(1), Some(0), Some(1)]);
        let folders = [
            ("gw1/2026-01-01-23-50.pcap", 0, 600),
            ("gw2/2026-01-01-23-50.pcap", 1, 601),
            ("gw1/2026-01-02-00-00.pcap", 600, 1200),
            ("gw2/2026-01-02-00-00.pcap", 601, 1201),
        ];
        assert_eq!(of(&folders), [Some(0), Some(1), Some(0), Some(1)]);
    }

    #[test]
    fn one_capture_is_one_series_however_it_is_numbered() {
        for names in [
            ["cap.pcap", "cap.pcap1", "cap.pcap2"],
            ["a_00009_20260101095959", "a_00010_20260101100000", "a_00011_20260101100001"],
            // Begun again, and a clock that goes on.
            ["a_00001_20260101095959", "a_00002_20260101100000", "a_00001_20260101100001"],
            ["2026/1/31/a.pcap", "2026/2/1/a.pcap", "2026/2/2/a.pcap"],
        ] {
            let files: Vec<_> =
                (0..).step_by(10).zip(names).map(|(t, name)| (name, t, t + 10)).collect();
            assert_eq!(of(&files), [Some(0); 3], "{names:?}");
        }
        assert_eq!(of(&[("lan.pcap", 0, 10), ("wan.pcap", 10, 20)]), [None, None]);
        assert_eq!(of(&[("eth0.pcap", 0, 10), ("eth1.pcap", 5, 20)]), [None, None]);
    }
}
