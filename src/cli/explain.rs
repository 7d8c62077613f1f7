//! `plainsight explain`: what a code means, why it comes about and what to do.

use super::{ExitStatus, Failure, terminal};
use crate::catalogue::{
    Explained, NotifyEntry, NotifySpace, Reason, exchange_types, explain, notifies, parameter_note,
};
use crate::correlate::{ClosedBy, LimitCode, Verdict};
use crate::evidence::ProblemCode;
use crate::findings::FindingCode;
use crate::ike::Outcome;
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
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let mut out = anstream::stdout().lock();
    let mut unknown = Vec::new();
    for (at, code) in args.codes.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        if !tell(&mut out, code.trim())? {
            unknown.push(format!("`{code}`"));
        }
    }
    out.flush()?;
    if unknown.is_empty() {
        return Ok(ExitStatus::Done);
    }
    let cause = anyhow::anyhow!("unknown code: {}", unknown.join(", "));
    Err(Failure::usage(
        cause,
        "codes appear in report.json; `plainsight explain --help` lists their kinds",
    ))
}

/// Explains everything the code can mean; false where it means nothing.
fn tell(out: &mut impl Write, code: &str) -> io::Result<bool> {
    let mut found = false;
    for row in FindingCode::all().iter().filter(|row| row.name.eq_ignore_ascii_case(code)) {
        found = true;
        writeln!(out, "{} (finding)\n  {}", row.name, row.meaning)?;
        let guide = row.code.guide();
        writeln!(out, "  Severity: {}", guide.severity)?;
        writeln!(out, "  What to do: {}", row.what_to_do)?;
        for step in guide.steps {
            writeln!(out, "  - {step}")?;
        }
        for control in guide.controls {
            writeln!(out, "  Related control: {} ({})", control.as_str(), control.meaning())?;
        }
    }
    for reason in Reason::ALL.into_iter().filter(|r| r.as_str().eq_ignore_ascii_case(code)) {
        found = true;
        writeln!(out, "{} (reason)", reason.as_str())?;
        advise(out, reason)?;
    }
    for explained in explain(code) {
        found = true;
        self::explained(out, explained)?;
    }
    let number = code.parse::<u16>().ok();
    let is_named = |name: &str| name.eq_ignore_ascii_case(code);
    for space in NotifySpace::ALL {
        let of_code = |row: &&NotifyEntry| number == Some(row.number) || is_named(row.name);
        for row in notifies(space).iter().filter(of_code) {
            found = true;
            tell_notify(out, space, row)?;
        }
    }
    for row in exchange_types() {
        if number == Some(row.number.into()) || is_named(row.name) {
            found = true;
            writeln!(out, "{} (IKE exchange type {})", row.name, row.number)?;
            writeln!(out, "  {} ({}).", row.meaning, row.source)?;
        }
    }
    for outcome in Outcome::ALL.into_iter().filter(|outcome| is_named(outcome.as_str())) {
        found = true;
        writeln!(out, "{} (outcome of an IKE negotiation)", outcome.as_str())?;
        writeln!(out, "  {}", outcome.meaning())?;
        writeln!(out, "  Rules: docs/ike-outcomes.md")?;
    }
    found |= words_of_the_report(out, is_named)?;
    Ok(found)
}

/// Verdicts and their limits, endings of windows and problems of the evidence.
fn words_of_the_report(out: &mut impl Write, is_named: impl Fn(&str) -> bool) -> io::Result<bool> {
    let verdicts = Verdict::ALL.into_iter().map(|v| (v.as_str(), "verdict", v.meaning()));
    let limits =
        LimitCode::ALL.into_iter().map(|l| (l.as_str(), "limit of a verdict", l.meaning()));
    let closings = ClosedBy::ALL.into_iter().map(|c| (c.as_str(), "end of a window", c.meaning()));
    let problems = ProblemCode::ALL
        .into_iter()
        .map(|p| (p.as_str(), "problem with the evidence", p.meaning()));
    let mut found = false;
    for (name, kind, meaning) in verdicts.chain(limits).chain(closings).chain(problems) {
        if is_named(name) {
            found = true;
            writeln!(out, "{name} ({kind})\n  {meaning}")?;
        }
    }
    Ok(found)
}

fn tell_notify(out: &mut impl Write, space: NotifySpace, row: &NotifyEntry) -> io::Result<()> {
    let version = match space {
        NotifySpace::V1 => "IKEv1",
        NotifySpace::V2 => "IKEv2",
    };
    writeln!(out, "{} (notify message {} of {version})", row.name, row.number)?;
    writeln!(out, "  Meaning: {} ({}).", row.meaning, row.source)?;
    match row.reason {
        Some(reason) => advise(out, reason),
        None => writeln!(out, "  A status, not a failure."),
    }
}

fn explained(out: &mut impl Write, explained: Explained) -> io::Result<()> {
    match explained {
        Explained::Event(row) => {
            writeln!(out, "{} (event of {}, channel {})", row.id, row.provider, row.channel)?;
            writeln!(out, "  {}", row.meaning)?;
            if !row.subcategory.is_empty() {
                writeln!(out, "  Written where \"{}\" is audited.", row.subcategory)?;
            }
            let guide = row.category.guide();
            writeln!(out, "  It proves: {}.", guide.proves)?;
            writeln!(out, "  It does not prove: {}.", guide.does_not)?;
            if let Some(reason) = row.reason {
                advise(out, reason)?;
            }
        }
        Explained::WindowsError(row) => {
            writeln!(out, "{} (Windows error {}, 0x{:X})", row.name, row.code, row.code)?;
            writeln!(out, "  {}", row.text)?;
            if let Some(reason) = row.reason {
                advise(out, reason)?;
            }
        }
        Explained::RasError(row) => {
            writeln!(out, "{} (remote access error {})", row.name, row.code)?;
            writeln!(out, "  {}", row.text)?;
            if let Some(reason) = row.reason {
                advise(out, reason)?;
            }
        }
        Explained::Uptime => {
            writeln!(out, "6013 (event of EventLog, channel System)")?;
            writeln!(
                out,
                "  The uptime of the system in seconds, written once a day and at a start."
            )?;
            writeln!(
                out,
                "  It proves: since when the system has run, so that there was no start in between."
            )?;
            writeln!(out, "  It does not prove: that a service ran in that time.")?;
        }
        Explained::Parameter(number, text) => {
            writeln!(out, "%%{number} (text of audit events)\n  {}", terminal::escape(text))?;
            if let Some(note) = parameter_note(number) {
                writeln!(out, "  {note}")?;
            }
        }
    }
    Ok(())
}

fn advise(out: &mut impl Write, reason: Reason) -> io::Result<()> {
    let advice = reason.advice();
    writeln!(out, "  {}", advice.meaning)?;
    writeln!(out, "  Why: {}", advice.why)?;
    writeln!(out, "  What to do: {}", advice.what_to_do)
}
