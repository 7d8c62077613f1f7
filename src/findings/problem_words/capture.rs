//! Problems of captures and of the IKE messages in them.

use super::{byte, subject};
use crate::evidence::{
    BlockFault, CaptureProblem, FieldFault, FrameFault, IkeProblem, Problem, ProblemCode,
    TableFault,
};
use crate::findings::with_separators as n;

pub(super) fn capture(kind: &CaptureProblem, problem: &Problem) -> String {
    let frame = subject(problem);
    match kind {
        CaptureProblem::HeaderCut(bytes) => {
            format!("the file ends inside its header of {bytes} bytes")
        }
        CaptureProblem::HeaderUnreadable => "the pcap header is not readable".to_owned(),
        CaptureProblem::SnoopVersion(version) => {
            format!("version {version} of snoop, expected 2; nothing was read")
        }
        CaptureProblem::NetmonVersion(version) => {
            format!("version {version} of Network Monitor, expected 1 or 2")
        }
        CaptureProblem::TooLargeToHold(read) => {
            format!("files of this format are held in memory: only the first {} bytes were read", n(*read))
        }
        CaptureProblem::FrameHeaderCut => format!("the file ends inside the header of {frame}"),
        CaptureProblem::Frame(fault) => {
            let rest = match kind.code() {
                ProblemCode::Corrupt => "; the rest was not read",
                _ => "",
            };
            format!("{frame} {}{rest}", of_frame(*fault))
        }
        CaptureProblem::FrameSkipped { fault, bytes, next } => format!(
            "{frame} {}; {} bytes were skipped, up to the next plausible record at byte {next}",
            of_frame(*fault),
            n(*bytes)
        ),
        CaptureProblem::RecordCut { claimed, remain } => {
            format!("{frame} claims a record of {claimed} bytes, {remain} remain")
        }
        CaptureProblem::FrameLengths => {
            format!("the lengths of {frame} contradict each other; the rest was not read")
        }
        CaptureProblem::FrameOutsideBlock => format!(
            "{frame} refers to an unknown interface, or its length does not fit its block; it was skipped"
        ),
        CaptureProblem::Joined => format!(
            "another pcap header begins at byte {}: captures were concatenated; reading continues",
            byte(problem)
        ),
        CaptureProblem::Block(fault) => of_block(*fault),
        CaptureProblem::NoSectionHeader => {
            "the file does not begin with a section header".to_owned()
        }
        CaptureProblem::NoByteOrder => {
            "a section header names no byte order; the rest was not read".to_owned()
        }
        CaptureProblem::TooManyInterfaces(most) => format!(
            "more than {most} interface descriptions; frames of further interfaces were skipped"
        ),
        CaptureProblem::InterfaceDamaged => {
            "an interface description is damaged; its frames are counted as undecodable".to_owned()
        }
        CaptureProblem::Table(fault) => of_table(*fault, byte(problem)),
        CaptureProblem::NoTimes(frames) => format!(
            "{} frames have no determinable time; each is placed at the time of the frame before it",
            n(*frames)
        ),
        CaptureProblem::LocalTime => "its times are of the capturing computer's local clock and the file does not name the time zone; they are read as UTC".to_owned(),
        CaptureProblem::WrongLinktype(frames) => format!(
            "the capture labels its frames as Ethernet, but the headers of {} frames show raw IP or 802.11; the first is {frame}",
            n(*frames)
        ),
        CaptureProblem::TimesGoBack(by) => format!(
            "{frame} is {by} s earlier than a preceding frame: the clock was set back, or captures were joined; the order of the frames is used"
        ),
    }
}

fn of_frame(fault: FrameFault) -> String {
    match fault {
        FrameFault::TooLong { claimed, most } => {
            format!("claims {claimed} captured bytes; at most {most} are possible")
        }
        FrameFault::NothingFollows { claimed, wire } => {
            format!("claims {claimed} captured bytes of {wire}, and no record follows them")
        }
        FrameFault::Cut { claimed, remain } => {
            format!("claims {claimed} captured bytes, {remain} remain")
        }
    }
}

fn of_block(fault: BlockFault) -> String {
    match fault {
        BlockFault::Length(length) => format!(
            "a block claims a length of {length} bytes, which no block can have; the rest was not read"
        ),
        BlockFault::TooLong(length) => format!(
            "a block claims {length} bytes, more than any frame can need; the rest was not read"
        ),
        BlockFault::Cut { claimed, remain } => {
            format!("a block claims {claimed} bytes, {remain} remain")
        }
        BlockFault::LengthsDiffer => {
            "a block's two lengths differ; the rest was not read".to_owned()
        }
    }
}

fn of_table(fault: TableFault, at: u64) -> String {
    match fault {
        TableFault::Length(length) => {
            format!("the frame table has {length} bytes, not a multiple of 4")
        }
        TableFault::Outside { length, file } => format!(
            "the frame table of {length} bytes at byte {at} is not in the file of {file} bytes; frames were read in the order of the file"
        ),
        TableFault::FrameOutside => format!("the frame at byte {at} is not inside the file"),
        TableFault::FrameOverlaps => {
            format!("the frame at byte {at} overlaps what was read before")
        }
        TableFault::FrameScattered => {
            format!(
                "the frame at byte {at} was skipped: the frames are in too many separate places of the file"
            )
        }
    }
}

pub(super) fn ike(kind: &IkeProblem, problem: &Problem) -> String {
    let (field, at, fault) = match kind {
        IkeProblem::Field { field, at, fault } => (field, at, fault),
        IkeProblem::More(count) => return format!("{} more IKE messages are malformed", n(*count)),
    };
    let frame = subject(problem);
    let place = format!("{field} at byte {at} of the message");
    match fault {
        FieldFault::Short { needed, have } => {
            format!("{frame}: {place} needs {needed} bytes, {have} are available")
        }
        FieldFault::Length { value, minimum } => {
            format!("{frame}: {place} is {value}, less than the {minimum} bytes it counts")
        }
        FieldFault::TooMany { limit } => {
            format!("{frame}: more than {limit} {field} up to byte {at} of the message")
        }
        FieldFault::Unexpected { value, expected } => {
            format!("{frame}: {place} is {value}, expected {expected}")
        }
    }
}
