//! Folders of mutated evidence, and what must hold of each: it is read to the end, alike by any number of
//! threads, and summaries judged later give the same report to the byte.

use super::numbers::Numbers;
use plainsight::analysis::{Analysis, Question, Request, Unwatched, analyze, judge, read_parts};
use plainsight::correlate::GapRule;
use plainsight::evidence::ProblemCode;
use plainsight::policy::Policy;
use plainsight::report::schema::Options;
use plainsight::report::{Sources, build, to_json};
use plainsight::summary::{
    MOST_PAIRS, Member, Part, ReadWith, SummaryFile, SummarySet, join_summaries, write_summary,
};
use plainsight::time::Span;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Files of evidence in a folder.
const FILES: usize = 200;

/// Mutates `count` files of those under `seeds`, folder by folder; shows what does not hold.
///
/// # Errors
/// The first folder's number and what is different about it.
pub(crate) fn hold(seeds: &Path, count: usize, first: u64) -> Result<(), String> {
    let seeds = evidence_under(seeds);
    let folders = count.div_ceil(FILES) as u64;
    for number in first..first + folders {
        let mut any = Numbers(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        for file in 0..FILES.min(count) {
            let seed = &seeds[any.below(seeds.len())];
            let name = folder.path().join(format!("{file:03}"));
            let mutated = mutate(&mut any, seed);
            let written = fs::File::create(name).and_then(|mut file| file.write_all(&mutated));
            written.map_err(|error| error.to_string())?;
        }
        same(folder.path()).map_err(|what| format!("folder {number}: {what}"))?;
    }
    Ok(())
}

/// Whether the folder is read alike in each way.
fn same(folder: &Path) -> Result<(), String> {
    let request = Request::of(vec![folder.to_owned()], Policy::default());
    let analyzed = |threads| analyze(&request, Some(threads), &Unwatched).map(|it| json(&it));
    let one = analyzed(1).map_err(|error| error.to_string())?;
    if analyzed(8).as_ref() != Ok(&one) {
        return Err("eight threads make another report than one".to_owned());
    }
    let parts = read_parts(&request, Some(8), &Unwatched).map_err(|error| error.to_string())?;
    let faults = parts.iter().flat_map(|part| &part.evidence.problems);
    if faults.into_iter().any(|problem| problem.code() == ProblemCode::InternalError) {
        return Err("a fault of plainsight".to_owned());
    }
    if json(&correlated(&parts)?) != one {
        return Err("summaries make another report than the evidence".to_owned());
    }
    Ok(())
}

fn correlated(parts: &[Part]) -> Result<Analysis, String> {
    let set = SummarySet {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        read_with: ReadWith {
            hash: true,
            max_pairs: MOST_PAIRS as u64,
            from: None,
            to: None,
            timezone: None,
            ports: [].into(),
        },
        paths: Vec::new(),
        members: parts.iter().map(|part| Member::of(&part.evidence)).collect(),
    };
    let numbered: Vec<(usize, &Part)> = parts.iter().enumerate().collect();
    let bytes = write_summary(&set, &numbered).map_err(|error| error.to_string())?;
    let file = SummaryFile::read("all.summary", bytes).map_err(|error| error.to_string())?;
    let joined = join_summaries(&[file], &[].into()).map_err(|error| error.to_string())?;
    let policy = Policy::default();
    let gap = GapRule::with_gap(Span::from_seconds(30));
    Ok(judge(joined.parts, &Question { policy: &policy, gap, clock_offsets: &[], vantages: &[] }))
}

fn json(analysis: &Analysis) -> Vec<u8> {
    let sources = Sources {
        evidence: &analysis.evidence,
        outside_span: analysis.outside_span,
        facts: &analysis.facts,
        findings: &analysis.findings,
    };
    to_json(&build(&sources, Options::of_inspection(&[]))).unwrap_or_default()
}

/// Captures and logs, short enough that a mutation hits something.
fn evidence_under(folder: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_evidence = path.extension().is_some_and(|extension| {
                ["pcap", "pcapng", "evtx", "evt", "xml", "csv", "cap", "gz", "xz", "zst", "lz4"]
                    .iter()
                    .any(|known| extension == *known)
            });
            if path.is_dir() {
                folders.push(path);
            } else if is_evidence {
                files.push(path);
            }
        }
    }
    files.sort();
    let read = files.iter().filter_map(|path| fs::read(path).ok());
    let cut = read.map(|mut bytes| {
        bytes.truncate(LONGEST);
        bytes
    });
    cut.filter(|bytes| !bytes.is_empty()).collect()
}

/// One to eight changes: a byte set, a bit turned, bytes taken out, put in, repeated, a length that lies,
/// or the end cut.
fn mutate(any: &mut Numbers, seed: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=any.below(8) {
        // Mostly beginnings, so that the damage hits what is read first.
        let reach = if any.below(4) == 0 { bytes.len() } else { bytes.len().min(4_000) };
        let at = any.below(reach.max(1)).min(bytes.len());
        let end = (at + any.below(200)).min(bytes.len());
        match any.below(7) {
            0 if at < bytes.len() => bytes[at] = any.bytes(1)[0],
            1 if at < bytes.len() => bytes[at] ^= 1 << any.below(8),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let filling = any.bytes(end - at);
                bytes.splice(at..at, filling);
            }
            4 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            5 if at + 4 <= bytes.len() => {
                let lie = [0, 1, 4, 0x7fff_ffff, u32::MAX][any.below(5)];
                bytes[at..at + 4].copy_from_slice(&lie.to_le_bytes());
            }
            _ => bytes.truncate(at.max(24)),
        }
    }
    bytes
}

/// Two chunks of a .evtx log and its header.
const LONGEST: usize = 4_096 + 2 * 65_536;
