//! `plainsight explain`: the meaning of a code, its causes and what to do.

use super::{ExitStatus, Failure, terminal, wrap};
use crate::catalogue::{
    Explained, NotifyEntry, NotifySpace, Reason, exchange_types, explain, notifies, parameter_note,
};
use crate::correlate::{ClosedBy, LimitCode, Verdict};
use crate::evidence::ProblemCode;
use crate::findings::FindingCode;
use crate::ike::Outcome;
use crate::report::to_json;
use serde::Serialize;
use std::io::{self, Write};

/// Explain a code: its meaning, its causes and what to do
///
/// A code is an event number (4653, 0xC00010BC), a Windows error or status (13801, 0x35E9, ERROR_IPSEC_IKE_AUTH_FAIL),
/// an IKE notify message (24, AUTHENTICATION_FAILED), an IKE exchange type (34, IKE_AUTH) or outcome
/// (no_response), a text number (%%8205), a reason (psk_mismatch_suspected), a finding
/// (failed_closed), a verdict (protected) or its limit (sampled), the end of a window (traffic_ended), or a
/// problem with the evidence (truncated).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A code from a report or a log
    #[arg(required = true, value_name = "CODE")]
    codes: Vec<String>,
    /// Print what each code means as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let asked = args.codes.iter().map(|code| Asked { code, meanings: meanings(code.trim()) });
    let asked: Vec<Asked<'_>> = asked.collect();
    if args.json {
        let asked = to_json(&asked).map_err(super::failure::broken)?;
        anstream::stdout().lock().write_all(&asked)?;
    } else {
        let mut out = wrap::standard_output();
        print_explanations(&mut out, &asked)?;
        out.flush()?;
    }
    let unknown = asked.iter().filter(|asked| asked.meanings.is_empty());
    let unknown: Vec<String> = unknown.map(|asked| format!("`{}`", asked.code)).collect();
    if unknown.is_empty() {
        return Ok(ExitStatus::Done);
    }
    let cause = anyhow::anyhow!("unknown code: {}", unknown.join(", "));
    Err(Failure::usage(
        cause,
        "codes appear in report.json; `plainsight explain --help` lists their kinds",
    ))
}

/// A code as it was typed, and everything that it can mean.
#[derive(Serialize)]
struct Asked<'a> {
    code: &'a str,
    meanings: Vec<Meaning>,
}

/// One meaning of a code.
#[derive(Serialize)]
struct Meaning {
    /// The code as the tables spell it.
    name: String,
    /// The kind of code.
    kind: String,
    lines: Vec<Line>,
}

/// A sentence about it, with the kind of sentence.
#[derive(Serialize)]
struct Line {
    is: Is,
    text: String,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Is {
    Meaning,
    Severity,
    Why,
    WhatToDo,
    Step,
    Control,
    Audited,
    Proves,
    DoesNotProve,
    Note,
    Rules,
}

impl Meaning {
    fn new(name: impl ToString, kind: impl ToString, meaning: impl ToString) -> Self {
        Self { name: name.to_string(), kind: kind.to_string(), lines: Vec::new() }
            .with(Is::Meaning, meaning)
    }

    fn with(mut self, is: Is, text: impl ToString) -> Self {
        self.lines.push(Line { is, text: text.to_string() });
        self
    }

    /// Adds the words of the reason that the code implies, if any.
    fn advised(self, reason: Option<Reason>) -> Self {
        let Some(advice) = reason.map(Reason::advice) else { return self };
        let with = self.with(Is::Note, advice.meaning);
        with.with(Is::Why, advice.why).with(Is::WhatToDo, advice.what_to_do)
    }
}

fn print_explanations(out: &mut impl Write, asked: &[Asked<'_>]) -> io::Result<()> {
    for (at, asked) in asked.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        for Meaning { name, kind, lines } in &asked.meanings {
            writeln!(out, "{name} ({kind})")?;
            for Line { is, text } in lines {
                let text = terminal::escape(text);
                match is {
                    Is::Meaning | Is::Note => writeln!(out, "  {text}")?,
                    Is::Severity => writeln!(out, "  Severity: {text}")?,
                    Is::Why => writeln!(out, "  Why: {text}")?,
                    Is::WhatToDo => writeln!(out, "  What to do: {text}")?,
                    Is::Step => writeln!(out, "  - {text}")?,
                    Is::Control => writeln!(out, "  Related control: {text}")?,
                    Is::Audited => writeln!(out, "  Written where \"{text}\" is audited.")?,
                    Is::Proves => writeln!(out, "  It proves: {text}.")?,
                    Is::DoesNotProve => writeln!(out, "  It does not prove: {text}.")?,
                    Is::Rules => writeln!(out, "  Rules: {text}")?,
                }
            }
        }
    }
    Ok(())
}

/// Every meaning of the code.
fn meanings(code: &str) -> Vec<Meaning> {
    let is_named = |name: &str| name.eq_ignore_ascii_case(code);
    let number = code.parse::<u16>().ok();
    let findings = FindingCode::ALL.map(FindingCode::row).into_iter();
    let findings = findings.filter(|row| is_named(row.name)).map(|row| {
        let mut meaning = Meaning::new(row.name, "finding", row.meaning)
            .with(Is::Severity, row.severity_rule())
            .with(Is::WhatToDo, row.what_to_do);
        for step in row.steps {
            meaning = meaning.with(Is::Step, step);
        }
        for control in row.controls {
            let text = format!("{} ({})", control.as_str(), control.meaning());
            meaning = meaning.with(Is::Control, text);
        }
        meaning
    });
    let reasons = Reason::ALL.into_iter().filter(|reason| is_named(reason.as_str()));
    let reasons = reasons.map(|reason| {
        let advice = reason.advice();
        Meaning::new(reason.as_str(), "reason", advice.meaning)
            .with(Is::Why, advice.why)
            .with(Is::WhatToDo, advice.what_to_do)
    });
    let of_code = move |row: &&NotifyEntry| number == Some(row.number) || is_named(row.name);
    let notifies = NotifySpace::ALL
        .into_iter()
        .flat_map(|space| notifies(space).iter().map(move |row| (space, row)))
        .filter(|(_, row)| of_code(row))
        .map(|(space, row)| notify(space, row));
    let exchanges = exchange_types().iter();
    let exchanges = exchanges
        .filter(|row| number == Some(row.number.into()) || is_named(row.name))
        .map(|row| {
            let kind = format!("IKE exchange type {}", row.number);
            Meaning::new(row.name, kind, format!("{} ({}).", row.meaning, row.source))
        });
    let outcomes = Outcome::ALL.into_iter().filter(|outcome| is_named(outcome.as_str()));
    let outcomes = outcomes.map(|outcome| {
        Meaning::new(outcome.as_str(), "outcome of an IKE negotiation", outcome.meaning())
            .with(Is::Rules, "docs/ike-outcomes.md")
    });
    let tables = findings.chain(reasons).chain(explain(code).into_iter().map(explained));
    let tables = tables.chain(notifies).chain(exchanges).chain(outcomes);
    tables.chain(words_of_the_report(is_named)).collect()
}

/// Verdicts and their limits, endings of windows and problems of the evidence.
fn words_of_the_report(is_named: impl Fn(&str) -> bool) -> Vec<Meaning> {
    let verdicts = Verdict::ALL.into_iter().map(|v| (v.as_str(), "verdict", v.meaning()));
    let limits =
        LimitCode::ALL.into_iter().map(|l| (l.as_str(), "limit of a verdict", l.meaning()));
    let closings = ClosedBy::ALL.into_iter().map(|c| (c.as_str(), "end of a window", c.meaning()));
    let problems = ProblemCode::ALL
        .into_iter()
        .map(|p| (p.as_str(), "problem with the evidence", p.meaning()));
    let all = verdicts.chain(limits).chain(closings).chain(problems);
    let named = all.filter(|(name, _, _)| is_named(name));
    named.map(|(name, kind, meaning)| Meaning::new(name, kind, meaning)).collect()
}

fn notify(space: NotifySpace, row: &NotifyEntry) -> Meaning {
    let version = match space {
        NotifySpace::V1 => "IKEv1",
        NotifySpace::V2 => "IKEv2",
    };
    let kind = format!("notify message {} of {version}", row.number);
    let meaning = format!("{} ({}).", row.meaning, row.source);
    let meaning = Meaning::new(row.name, kind, meaning);
    match row.reason {
        Some(reason) => meaning.advised(Some(reason)),
        None => meaning.with(Is::Note, "A status, not a failure."),
    }
}

fn explained(explained: Explained) -> Meaning {
    match explained {
        Explained::Event(row) => {
            let kind = format!("event of {}, channel {}", row.provider, row.channel);
            let mut meaning = Meaning::new(row.id, kind, row.meaning);
            if !row.subcategory.is_empty() {
                meaning = meaning.with(Is::Audited, row.subcategory);
            }
            let guide = row.category.guide();
            let meaning = meaning.with(Is::Proves, guide.proves);
            meaning.with(Is::DoesNotProve, guide.does_not).advised(row.reason)
        }
        Explained::WindowsError(row) => {
            let kind = format!("Windows error {}, 0x{:X}", row.code, row.code);
            Meaning::new(row.name, kind, row.text).advised(row.reason)
        }
        Explained::RasError(row) => {
            let kind = format!("remote access error {}", row.code);
            Meaning::new(row.name, kind, row.text).advised(row.reason)
        }
        Explained::Uptime => {
            let meaning = "The uptime of the system in seconds, written once a day and at a start.";
            Meaning::new(6013, "event of EventLog, channel System", meaning)
                .with(
                    Is::Proves,
                    "since when the system has run, so that there was no start in between",
                )
                .with(Is::DoesNotProve, "that a service ran in that time")
        }
        Explained::Parameter(number, text) => {
            let meaning = Meaning::new(format!("%%{number}"), "text of audit events", text);
            match parameter_note(number) {
                Some(note) => meaning.with(Is::Note, note),
                None => meaning,
            }
        }
    }
}
