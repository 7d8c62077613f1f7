//! The second pass over the captures that findings cite: each packet to the finding it is behind.
//!
//! One capture after the other, in the order of their numbers, so that the bytes written are the same
//! for any number of threads. Holds some mebibytes of what is to be written, and nothing else.

use super::pcapng::{self, Captured, Ticks};
use super::selection::{Index, Kind, Reach, Selection, Stretch};
use crate::analysis::{AgainError, Analysis, Request, Watch, frames_again};
use crate::capture::RawFrame;
use crate::evidence::{Content, Evidence, EvidenceId, Interface, discover};
use crate::findings::Finding;
use crate::hosts::HostPair;
use crate::packet::{IpPacket, Packet, decode, layer};
use crate::time::Resolution;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

/// What is to be carved, and how much of it.
#[derive(Clone, Copy, Debug)]
pub struct Carving<'a> {
    /// What was analysed.
    pub analysis: &'a Analysis,
    /// What was asked: it leads to the files.
    pub request: &'a Request,
    /// How much of a window.
    pub reach: Reach,
}

/// Shows `put` the bytes of a capture for each finding that packets are behind: the capture's name
/// and what comes next in it. Names are `F1.pcapng`, by the finding's id.
///
/// # Errors
/// Where a capture cannot be read again or is another one by now, where `put` fails, and where the
/// watcher ends it.
pub fn carve(
    carving: Carving<'_>,
    watch: &dyn Watch,
    put: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>,
) -> Result<(), AgainError> {
    let analysis = carving.analysis;
    let index = Index::of(&analysis.facts, &analysis.evidence);
    let select = |finding: &Finding| index.select(finding, carving.reach);
    let selections: Vec<Selection> = analysis.findings.iter().map(select).collect();
    let cited = |file: &&Evidence| selections.iter().any(|s| s.is_in(file.id));
    let places = places(carving.request);
    let files: Vec<&Evidence> = analysis.evidence.iter().filter(cited).collect();
    watch.expects(files.len(), files.iter().map(|file| file.size).sum());
    let mut sinks = Sinks::of(&analysis.findings, put);
    for file in files {
        let path = place_of(&places, &file.path);
        let wanted = Wanted::of(&selections, file.id);
        let mut behind = Vec::new();
        let mut failure = None;
        watch.begins(&file.path);
        frames_again(file, path, watch, &mut |frame| {
            wanted.find(frame, &mut behind);
            let written = behind.iter().try_for_each(|at| sinks.packet(*at, file, frame));
            failure = written.err();
            failure.is_none()
        })?;
        failure.map_or(Ok(()), Err)?;
        watch.ended();
    }
    Ok(sinks.flush()?)
}

/// Where the files are: what a report shows of a path is not always enough to open it.
fn places(request: &Request) -> BTreeMap<String, PathBuf> {
    let found = discover(&request.paths, request.excluded.as_deref());
    found.into_iter().map(|file| (file.shown, file.path)).collect()
}

/// The file to open: for a member of a collection, that collection.
fn place_of<'p>(places: &'p BTreeMap<String, PathBuf>, shown: &'p str) -> &'p Path {
    let ends = shown.match_indices("!/").filter_map(|(at, _)| shown.get(..at)).chain([shown]);
    let mut known = ends.filter_map(|outer| places.get(outer));
    known.next().map_or(Path::new(shown), PathBuf::as_path)
}

/// What findings want of one capture.
struct Wanted {
    /// Findings by the number of a frame.
    numbered: HashMap<u64, Vec<usize>>,
    /// Findings by pair, each with its stretches in order.
    meanwhile: HashMap<HostPair, Vec<(usize, Kind, Vec<Stretch>)>>,
}

impl Wanted {
    fn of(selections: &[Selection], capture: EvidenceId) -> Self {
        let mut wanted = Self { numbered: HashMap::new(), meanwhile: HashMap::new() };
        for (at, selection) in selections.iter().enumerate().filter(|(_, s)| s.is_in(capture)) {
            for number in selection.frames.get(&capture).into_iter().flatten() {
                wanted.numbered.entry(*number).or_default().push(at);
            }
            for ((pair, kind), stretches) in &selection.stretches {
                let of_pair = wanted.meanwhile.entry(*pair).or_default();
                of_pair.push((at, *kind, stretches.clone()));
            }
        }
        wanted
    }

    /// The findings that a frame is behind, each once.
    fn find(&self, frame: &RawFrame<'_>, behind: &mut Vec<usize>) {
        behind.clear();
        behind.extend(self.numbered.get(&frame.number.0).into_iter().flatten());
        if !self.meanwhile.is_empty()
            && let Packet::Ip(ip) = decode(frame)
        {
            self.find_meanwhile(frame, &ip, behind);
            for around in (0..ip.nested).filter_map(|nested| layer(frame, nested)) {
                self.find_meanwhile(frame, &around, behind);
            }
        }
        behind.sort_unstable();
        behind.dedup();
    }

    fn find_meanwhile(&self, frame: &RawFrame<'_>, ip: &IpPacket<'_>, behind: &mut Vec<usize>) {
        let all = self.meanwhile.get(&ip.pair).into_iter().flatten();
        let here =
            all.filter(|(_, kind, stretches)| is_meant(*kind, ip) && is_within(frame, stretches));
        behind.extend(here.map(|(at, ..)| *at));
    }
}

const fn is_meant(kind: Kind, ip: &IpPacket<'_>) -> bool {
    match kind {
        Kind::All => true,
        Kind::Fragments => ip.fragment.is_some(),
    }
}

/// Stretches are in order and apart from each other.
fn is_within(frame: &RawFrame<'_>, stretches: &[Stretch]) -> bool {
    let begun = stretches.partition_point(|(start, _)| *start <= frame.time);
    let latest = begun.checked_sub(1).and_then(|at| stretches.get(at));
    latest.is_some_and(|(_, end)| frame.time <= *end)
}

/// The captures while they are written.
struct Sinks<'p, 'f> {
    findings: &'f [Finding],
    open: BTreeMap<usize, Sink>,
    waiting: usize,
    put: &'p mut dyn FnMut(&str, &[u8]) -> io::Result<()>,
}

/// One capture: what waits to be written, and the interfaces that were.
#[derive(Default)]
struct Sink {
    waiting: Vec<u8>,
    interfaces: BTreeMap<(EvidenceId, u32, Ticks), u32>,
}

impl<'p, 'f> Sinks<'p, 'f> {
    fn of(findings: &'f [Finding], put: &'p mut dyn FnMut(&str, &[u8]) -> io::Result<()>) -> Self {
        Self { findings, open: BTreeMap::new(), waiting: 0, put }
    }

    fn packet(&mut self, at: usize, file: &Evidence, frame: &RawFrame<'_>) -> io::Result<()> {
        let Some(finding) = self.findings.get(at) else { return Ok(()) };
        let (id, code) = (format!("F{}", at + 1), finding.code.as_str());
        let sink = self.open.entry(at).or_default();
        let before = sink.waiting.len();
        if sink.interfaces.is_empty() {
            let title = &finding.title;
            pcapng::section(&mut sink.waiting, &format!("packets behind {id} ({code}): {title}"));
        }
        let original = interface_of(file, frame);
        let ticks = Ticks::of(frame.time, original.resolution.digits());
        let next = u32::try_from(sink.interfaces.len()).unwrap_or(u32::MAX);
        let key = (file.id, frame.description, ticks);
        let interface = *sink.interfaces.entry(key).or_insert(next);
        if interface == next {
            let of_file = format!("{}: {}", file.id, file.path);
            pcapng::interface(&mut sink.waiting, &original, ticks, &of_file);
        }
        let digest = file.sha256.as_deref().unwrap_or("not taken");
        let comment = format!(
            "finding {id} ({code}); evidence {}, SHA-256 {digest}; frame {}",
            file.id, frame.number.0
        );
        let captured = Captured {
            interface,
            ticks,
            time: frame.time,
            original_len: frame.original_len,
            data: frame.data,
            comment: &comment,
        };
        pcapng::packet(&mut sink.waiting, &captured);
        self.waiting += sink.waiting.len() - before;
        if self.waiting >= MOST_WAITING { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        for (at, sink) in &mut self.open {
            if !sink.waiting.is_empty() {
                (self.put)(&format!("F{}.pcapng", at + 1), &sink.waiting)?;
                sink.waiting = Vec::new();
            }
        }
        self.waiting = 0;
        Ok(())
    }
}

/// As the capture describes it. One that it does not describe has no name and no limit.
fn interface_of(file: &Evidence, frame: &RawFrame<'_>) -> Interface {
    let described = match &file.content {
        Content::Capture { interfaces, .. } => {
            let place = usize::try_from(frame.description).unwrap_or(usize::MAX);
            interfaces.get(place).filter(|reported| reported.linktype == frame.linktype.0).cloned()
        }
        Content::Log { .. } | Content::Nothing => None,
    };
    described.unwrap_or(Interface {
        linktype: frame.linktype.0,
        snaplen: 0,
        resolution: Resolution::NANOSECONDS,
        name: None,
    })
}

/// Bytes of all captures together that wait to be written.
const MOST_WAITING: usize = 16 << 20;
