//! What can be wrong with an export of a log or of a host's state. The record that a problem is about is its position.

use super::ProblemCode;
use serde::{Deserialize, Serialize};

/// What is wrong with an export.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ExportProblem {
    /// Bytes of an export could not be read as an event.
    Skipped {
        /// How many.
        bytes: u64,
        /// Why.
        fault: EventFault,
    },
    /// The file ends inside an event.
    EventCut,
    /// Bytes that are not UTF-8 were replaced.
    NotUtf8,
    /// Records without their values, or with values in an unknown layout.
    NoValues {
        /// How many.
        count: u64,
        /// Their event number.
        event: u16,
        /// What wrote the export.
        tool: ExportTool,
    },
    /// Records of an event number that name no known source and no known log.
    NoSource {
        /// How many.
        count: u64,
        /// Their event number.
        event: u16,
        /// What wrote the export.
        tool: ExportTool,
    },
    /// Records whose number and format identified the provider.
    SourceInferred {
        /// How many.
        count: u64,
        /// The source they name; empty where they name none.
        source: String,
        /// The provider.
        provider: String,
    },
    /// Changes of the audit policy in unknown words.
    UnknownAuditChanges(u64),
    /// Settings of auditing in unknown words.
    UnknownAuditSettings(u64),
    /// An export holds fewer events than it says.
    EventsMissing {
        /// The events it claims.
        claimed: u64,
        /// The events it holds.
        found: u64,
    },
    /// Connections beyond those that are listed.
    UnlistedConnections {
        /// How many.
        more: u64,
        /// How many are listed.
        listed: u64,
    },
    /// No line is of a known daemon.
    NoDaemon,
}

/// Why a part of an export is no event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EventFault {
    /// It is not well formed; the parser's error.
    NotWellFormed(String),
    /// The event schema demands the element `System`.
    NoSystem,
    /// The event schema demands the element `EventID`.
    NoEventId,
    /// An event of `netsh wfp` has an element `header`.
    NoHeader,
    /// An event of `netsh wfp` has an element `type`.
    NoType,
    /// The line of the event's number holds none.
    NoNumber,
    /// No known tool writes such names, or the event's number is missing.
    UnknownNames,
    /// It is longer than this many bytes.
    TooLong(u64),
    /// It does not end.
    NoEnd,
    /// It does not begin.
    NoBeginning,
    /// A line is longer than this many bytes.
    LineTooLong(u64),
    /// A row is longer than any row is.
    RowTooLong,
    /// Text that is no row.
    NoRow,
    /// Text that is no event.
    NoEvent,
}

/// What wrote an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ExportTool {
    /// Event Viewer, saving events as text.
    EventViewer,
    /// Event Viewer, copying an event.
    EventViewerCopy,
    /// wevtutil.
    Wevtutil,
    /// PowerShell's Get-WinEvent.
    PowerShell,
    /// Get-NetIPsecMainModeSA and Get-NetIPsecQuickModeSA.
    NetIpsecCmdlets,
    /// evtx_dump and tools with the same form.
    EvtxDump,
    /// EvtxECmd.
    EvtxECmd,
    /// hayabusa.
    Hayabusa,
    /// Winlogbeat or Elastic Agent.
    Winlogbeat,
    /// NXLog.
    NxLog,
    /// Velociraptor's Windows.EventLogs.EvtxHunter.
    Velociraptor,
}

impl ExportProblem {
    /// The code it has in the report.
    #[must_use]
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::EventCut => ProblemCode::Truncated,
            Self::Skipped { .. }
            | Self::NotUtf8
            | Self::EventsMissing { .. }
            | Self::UnlistedConnections { .. } => ProblemCode::Skipped,
            Self::NoValues { .. }
            | Self::NoSource { .. }
            | Self::UnknownAuditChanges(_)
            | Self::UnknownAuditSettings(_) => ProblemCode::FieldsMissing,
            Self::SourceInferred { .. } => ProblemCode::SourceInferred,
            Self::NoDaemon => ProblemCode::NotEvidence,
        }
    }
}
