//! Problems of exports of logs and of a host's state.

use crate::evidence::{EventFault, ExportProblem, ExportTool};
use crate::findings::{counted, with_separators as n};

pub(super) fn export(kind: &ExportProblem) -> String {
    match kind {
        ExportProblem::Skipped { bytes, fault } => {
            format!("{} were skipped: {}", counted(*bytes, "byte"), skipped(fault))
        }
        ExportProblem::EventCut => "the file ends inside an event".to_owned(),
        ExportProblem::NotUtf8 => "bytes that are not UTF-8 were replaced".to_owned(),
        ExportProblem::NoValues { count, event, tool } => format!(
            "{} records of event {event} do not show their values, or show them in an unknown layout. {}",
            n(*count),
            advice(*tool)
        ),
        ExportProblem::NoSource { count, event, tool } => format!(
            "{} records numbered {event} name no known source and no known log, and do not have the format of a single provider's event; they were left out. {}",
            n(*count),
            advice(*tool)
        ),
        ExportProblem::SourceInferred { count, source, provider } => {
            let named = if source.is_empty() {
                "name no source".to_owned()
            } else {
                format!("name the source `{source}`, which is in no table")
            };
            format!(
                "{} records {named}; their numbers and the format of their messages identify {provider}",
                n(*count)
            )
        }
        ExportProblem::UnknownAuditChanges(count) => format!(
            "{} changes of the audit policy are in words of an unknown language, so what is audited after them is unknown. Export them as XML, which uses numbers",
            n(*count)
        ),
        ExportProblem::UnknownAuditSettings(count) => format!(
            "{} settings about IPsec are in words of an unknown language, so what is audited is unknown. Export with `auditpol /backup /file:FILE`, which uses numbers",
            n(*count)
        ),
        ExportProblem::EventsMissing { claimed, found } => {
            format!("the file claims to hold {} events; {} were found", n(*claimed), n(*found))
        }
        ExportProblem::UnlistedConnections { more, listed } => {
            format!("{} more connections are not listed; the first {} are", n(*more), n(*listed))
        }
        ExportProblem::NoDaemon => "no line is from a known daemon (charon, pluto)".to_owned(),
    }
}

fn skipped(fault: &EventFault) -> String {
    let fixed = match fault {
        EventFault::NotWellFormed(error) => error,
        EventFault::NoSystem => "it has no System part",
        EventFault::NoEventId => "it has no EventID",
        EventFault::NoHeader => "it has no header",
        EventFault::NoType => "it has no type",
        EventFault::NoNumber => "it has no event number",
        EventFault::UnknownNames => {
            "its field names belong to no known tool, or it has no event number; provide the event file (.evtx) itself"
        }
        EventFault::TooLong(most) => {
            return format!("an event longer than {} MiB", most >> 20);
        }
        EventFault::NoEnd => "an event without its end",
        EventFault::NoBeginning => "an event without its beginning",
        EventFault::LineTooLong(most) => return format!("a line longer than {} bytes", n(*most)),
        EventFault::RowTooLong => "a line that is too long for a row",
        EventFault::NoRow => "text that is not a row",
        EventFault::NoEvent => "text that is not an event",
    };
    fixed.to_owned()
}

/// What to do where an export lacks something.
fn advice(tool: ExportTool) -> String {
    let (name, remedy) = match tool {
        ExportTool::EventViewer => {
            ("Event Viewer", "save the events as XML or as an event file (.evtx)")
        }
        ExportTool::EventViewerCopy => (
            "Event Viewer",
            "copy the event with its XML, or save the events as XML or as an event file (.evtx)",
        ),
        ExportTool::Wevtutil => {
            ("wevtutil", "export with /f:xml, or the log itself with wevtutil epl")
        }
        ExportTool::PowerShell => (
            "PowerShell",
            "export the properties Message, Properties, ProviderName and LogName too, or use wevtutil qe /f:xml",
        ),
        ExportTool::NetIpsecCmdlets => {
            ("Get-NetIPsecMainModeSA or Get-NetIPsecQuickModeSA", "export with `| ConvertTo-Json`")
        }
        ExportTool::EvtxDump => {
            ("evtx_dump or a similar tool", "export the whole event, with its EventData")
        }
        ExportTool::EvtxECmd => {
            ("EvtxECmd", "export with --json or --csv, whose column Payload has the values")
        }
        ExportTool::Hayabusa => {
            ("hayabusa", "run it with the profile all-field-info, or provide the log itself")
        }
        ExportTool::Winlogbeat => (
            "Winlogbeat or Elastic Agent",
            "export the fields winlog.event_data, winlog.channel and winlog.provider_name too",
        ),
        ExportTool::NxLog => {
            ("NXLog", "keep the fields of the event, SourceName and Channel in to_json()")
        }
        ExportTool::Velociraptor => (
            "Velociraptor",
            "keep the columns EventData and UserData, or collect the event files (.evtx) themselves",
        ),
    };
    format!("The export is from {name}: {remedy}")
}
