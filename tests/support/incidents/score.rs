//! Runs plainsight over incidents and counts what it says right.

use super::host::FIRST_RECORD;
use super::wire::MS;
use super::{Incident, make};
use plainsight::analysis::{Analysis, Request, Unwatched, analyze_sequentially};
use plainsight::catalogue::{Confidence, Reason};
use plainsight::correlate::{Cause, GapRule};
use plainsight::evidence::EvidenceId;
use plainsight::policy::{Policy, parse};
use plainsight::time::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) right: u64,
    pub(crate) of: u64,
}

impl Share {
    fn count(&mut self, is_right: bool) {
        self.right += u64::from(is_right);
        self.of += 1;
    }

    fn join(&mut self, other: Self) {
        self.right += other.right;
        self.of += other.of;
    }

    /// In tenths of a per cent; all of nothing is all.
    pub(crate) fn per_mille(&self) -> u64 {
        (self.right * 1000).checked_div(self.of).unwrap_or(1000)
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tenths = self.per_mille();
        write!(f, "{}.{} % ({} of {})", tenths / 10, tenths % 10, self.right, self.of)
    }
}

/// What was said first, how often, and how often that was right.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    share: Share,
    reasons: BTreeMap<Reason, u64>,
}

impl Said {
    fn count(&mut self, is_right: bool, reason: Reason) {
        self.share.count(is_right);
        *self.reasons.entry(reason).or_default() += 1;
    }

    fn join(&mut self, other: Self) {
        self.share.join(other.share);
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
    }
}

/// What came of many incidents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Score {
    /// Incidents whose windows are right to the frame.
    pub(crate) windows: Share,
    /// Windows whose first cause is one that the evidence allows.
    pub(crate) first_cause: Share,
    /// Windows of which what is first in `opened_by` is what the evidence allows; nothing counts as
    /// `unknown`.
    pub(crate) opened: Share,
    /// The same of `kept_open_by`.
    pub(crate) kept: Share,
    /// Windows of which what is first in `closed_by` is what the evidence allows.
    pub(crate) closed: Share,
    /// Of all causes called `high`, in every place, those that are true.
    pub(crate) high: Share,
    /// Logs whose every time, as corrected, is within the stated error.
    pub(crate) offsets: Share,
    /// Logs that have an offset.
    pub(crate) estimated: Share,
    /// Exact joins that name what the event is truly about.
    pub(crate) joins: Share,
    /// By story and role: what was said first, how often.
    pub(crate) said: BTreeMap<&'static str, BTreeMap<&'static str, Said>>,
    /// What was not right, in words.
    pub(crate) misses: Vec<String>,
}

/// Plays and judges incidents with these seeds, on all cores.
pub(crate) fn of(seeds: std::ops::Range<u64>) -> Score {
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let mut scores: Vec<(u64, Score)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let mine = seeds.clone().filter(move |seed| seed % threads == worker);
                scope.spawn(move || mine.map(|seed| (seed, judge(&make(seed)))).collect::<Vec<_>>())
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    scores.sort_by_key(|(seed, _)| *seed);
    scores.into_iter().fold(Score::default(), |all, (_, one)| all.joined(one))
}

/// What plainsight makes of an incident's files in a folder.
pub(crate) fn analysis(incident: &Incident, folder: &Path) -> Analysis {
    for (name, bytes) in &incident.files {
        File::create(folder.join(name)).unwrap().write_all(bytes).unwrap();
    }
    let policy = incident.policy.as_deref().map(|text| parse(text).unwrap());
    analyzed(folder, policy.unwrap_or_default())
}

/// What plainsight makes of a folder.
pub(crate) fn analyzed(folder: &Path, policy: Policy) -> Analysis {
    let request = Request {
        paths: vec![folder.to_owned()],
        excluded: None,
        policy,
        gap: GapRule::with_gap(Span::from_seconds(30)),
        hash: false,
        max_pairs: plainsight::summary::MOST_PAIRS,
        from: None,
        to: None,
        timezone: None,
        known: std::collections::BTreeSet::new(),
        for_later: false,
        clock_offsets: Vec::new(),
        vantages: Vec::new(),
    };
    analyze_sequentially(&request, &Unwatched).unwrap()
}

fn judge(incident: &Incident) -> Score {
    let folder = tempfile::tempdir().unwrap();
    let analysis = analysis(incident, folder.path());
    let mut score = Score::default();
    windows(incident, &analysis, &mut score);
    causes(incident, &analysis, &mut score);
    clocks(incident, &analysis, &mut score);
    joins(incident, &analysis, &mut score);
    score
}

fn windows(incident: &Incident, analysis: &Analysis, score: &mut Score) {
    let reported = analysis.facts.windows.iter().map(|w| w.window.run);
    let reported: BTreeSet<_> = reported.map(|run| (run.first.frame.0, run.last.frame.0)).collect();
    let expected: BTreeSet<_> = incident.truth.windows.keys().copied().collect();
    let is_right = expected == reported;
    score.windows.count(is_right);
    if !is_right {
        score.miss(incident, &format!("windows {reported:?}, expected {expected:?}"));
    }
}

fn causes(incident: &Incident, analysis: &Analysis, score: &mut Score) {
    let allowed = &incident.truth.allowed;
    let mut misses = Vec::new();
    for explained in &analysis.facts.windows {
        let kept: Vec<&Cause> = explained.kept_open_by.iter().map(|kept| &kept.cause).collect();
        let opened: Vec<&Cause> = explained.opened_by.iter().collect();
        let causes: Vec<&Cause> = explained.causes.iter().collect();
        let story = score.said.entry(incident.story).or_default();
        for (role, (reported, allowed, share)) in [
            ("first cause", (&causes, &allowed.first, &mut score.first_cause)),
            ("opened by", (&opened, &allowed.opened, &mut score.opened)),
            ("kept open by", (&kept, &allowed.kept, &mut score.kept)),
        ] {
            let leading = reported.first().map_or(Reason::Unknown, |cause| cause.reason);
            let is_right = allowed.contains(&leading);
            share.count(is_right);
            story.entry(role).or_default().count(is_right, leading);
            if !is_right {
                let all = reported.iter().map(|c| (c.reason.as_str(), c.score)).collect::<Vec<_>>();
                let allowed: Vec<&str> = allowed.iter().map(|reason| reason.as_str()).collect();
                let why = reported.first().map(|cause| plainsight::findings::why(cause));
                let window = explained.window.run.first;
                misses.push(format!("{role} {window}: {all:?} {why:?}; allowed {allowed:?}"));
            }
        }
        let run = explained.window.run;
        let leading = explained.closed_by.first().map(|closing| closing.code);
        let closings = incident.truth.windows.get(&(run.first.frame.0, run.last.frame.0));
        if let Some((closings, leading)) = closings.zip(leading) {
            let is_right = closings.contains(&leading);
            score.closed.count(is_right);
            if !is_right {
                let window = run.first;
                misses.push(format!("closed by {window}: {leading:?}; allowed {closings:?}"));
            }
        }
        let all = opened.iter().chain(&kept).chain(&causes);
        let high: BTreeSet<Reason> = all
            .filter(|cause| cause.confidence() == Confidence::High)
            .map(|cause| cause.reason)
            .collect();
        for reason in high {
            let is_true = allowed.beside.contains(&reason);
            score.high.count(is_true);
            if !is_true {
                let window = explained.window.run.first;
                misses.push(format!("{} of {window} is called high", reason.as_str()));
            }
        }
    }
    misses.iter().for_each(|miss| score.miss(incident, miss));
}

fn clocks(incident: &Incident, analysis: &Analysis, score: &mut Score) {
    for clock in &analysis.facts.clock_offsets {
        let short = clock.host.split('.').next().unwrap_or_default();
        let hosts = &incident.truth.hosts;
        let Some(host) = hosts.iter().find(|host| host.name.eq_ignore_ascii_case(short)) else {
            continue;
        };
        score.estimated.count(clock.offset.is_some());
        if clock.offset.is_none() {
            continue;
        }
        let is_system = is_system_log(analysis, clock.log.evidence);
        let kept = host.kept().into_iter().filter(|kept| kept.is_system == is_system);
        let truly: BTreeMap<u64, i64> = kept.map(|kept| (kept.record, kept.at)).collect();
        let bound = clock.error.map_or(0, |error| error.0);
        let events = analysis.facts.events.iter();
        let of_log = events.filter(|e| e.event.record.evidence == clock.log.evidence);
        let worst = of_log
            .filter_map(|e| Some((e.corrected?.0 - truly.get(&e.event.record.record)?).abs()))
            .max();
        let Some(worst) = worst else { continue };
        score.offsets.count(worst <= bound);
        if worst > bound {
            let what = format!(
                "a time of {} is off by {} ms, stated {} ms",
                clock.host,
                worst / MS,
                bound / MS
            );
            score.miss(incident, &what);
        }
    }
}

fn joins(incident: &Incident, analysis: &Analysis, score: &mut Score) {
    for placed in &analysis.facts.events {
        let Some(join) = placed.join else { continue };
        let short = placed.event.host.split('.').next().unwrap_or_default();
        let record = placed.event.record;
        let is_system = is_system_log(analysis, record.evidence);
        let mut hosts = incident.truth.hosts.iter();
        let host = hosts.find(|host| host.name.eq_ignore_ascii_case(short));
        let mut kept = host.into_iter().flat_map(|host| host.kept());
        let truly = kept.find(|kept| kept.is_system == is_system && kept.record == record.record);
        let cookie = join.exchange.and_then(|at| analysis.facts.exchanges.get(at));
        let cookie = cookie.map(|exchange| u64::from_be_bytes(exchange.initiator_spi.0));
        let is_right = truly.is_some_and(|kept| kept.is_about(cookie, join.sa.map(|sa| sa.1.0)));
        score.joins.count(is_right);
        if !is_right {
            score.miss(
                incident,
                &format!("a wrong join of {} by {}", record.record, join.key.as_str()),
            );
        }
    }
}

fn is_system_log(analysis: &Analysis, evidence: EvidenceId) -> bool {
    let of_log = analysis.evidence.iter().find(|file| file.id == evidence);
    of_log.is_some_and(|file| file.path.contains("System"))
}

impl Score {
    fn miss(&mut self, incident: &Incident, what: &str) {
        self.misses.push(format!("{} (seed {}): {what}", incident.story, incident.seed));
    }

    fn joined(mut self, other: Self) -> Self {
        self.windows.join(other.windows);
        self.first_cause.join(other.first_cause);
        self.high.join(other.high);
        self.opened.join(other.opened);
        self.kept.join(other.kept);
        self.closed.join(other.closed);
        self.offsets.join(other.offsets);
        self.estimated.join(other.estimated);
        self.joins.join(other.joins);
        for (story, roles) in other.said {
            let known = self.said.entry(story).or_default();
            for (role, said) in roles {
                known.entry(role).or_default().join(said);
            }
        }
        self.misses.extend(other.misses);
        self
    }

    /// The figures and the confusion matrix, as docs/accuracy.md has them.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        let figures = [
            ("windows right to the frame (incidents)", self.windows),
            ("first cause right (windows)", self.first_cause),
            ("opened by right (windows)", self.opened),
            ("kept open by right (windows)", self.kept),
            ("closed by right (windows)", self.closed),
            ("causes called high, in every place, that are true", self.high),
            ("logs with an offset", self.estimated),
            ("exact joins right (events)", self.joins),
            ("offset errors within the stated bound (logs)", self.offsets),
        ];
        let _ = writeln!(text, "| what | share |\n| --- | --- |");
        for (what, share) in figures {
            let _ = writeln!(text, "| {what} | {share} |");
        }
        let _ = writeln!(
            text,
            "\n| story | first cause | opened by | kept open by |\n| --- | --- | --- | --- |"
        );
        for (story, roles) in &self.said {
            let cell = |role: &str| {
                let Some(said) = roles.get(role) else { return String::new() };
                let counted = said
                    .reasons
                    .iter()
                    .map(|(reason, count)| format!("{} {count}", reason.as_str()));
                format!("{}: {}", said.share, counted.collect::<Vec<_>>().join(", "))
            };
            let cells = ["first cause", "opened by", "kept open by"].map(cell);
            let _ = writeln!(text, "| {story} | {} |", cells.join(" | "));
        }
        text
    }
}

/// The first record of every log that is made here.
const _: () = assert!(FIRST_RECORD == 1);
