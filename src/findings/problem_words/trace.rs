//! Problems of event traces.

use crate::evidence::{TraceFailure, TraceProblem};
use crate::findings::with_separators as n;

pub(super) fn trace(kind: &TraceProblem) -> String {
    match kind {
        TraceProblem::IncompletePackets(count) => {
            format!("{} incomplete packets; they were not read", n(*count))
        }
        TraceProblem::ShortEvents(count) => format!(
            "{} events contain less of a packet than they claim; they were not read",
            n(*count)
        ),
        TraceProblem::ShortIpsecEvents(count) => {
            format!("{} events are shorter than their layout requires; they were not read", n(*count))
        }
        TraceProblem::PacketsBeyondMemory(count) => format!(
            "{} packets exceed what may be held in memory; they were not read",
            n(*count)
        ),
        TraceProblem::EventsBeyondMemory(count) => {
            format!("{} more events of IPsec; they were not read", n(*count))
        }
        TraceProblem::NoHeader => {
            "the first buffer does not begin with the record that describes the trace".to_owned()
        }
        TraceProblem::BufferRecords(at) => format!(
            "no trace record begins {at} bytes into the records of this buffer; the rest of the buffer was not read"
        ),
        TraceProblem::NoBuffer => {
            "no trace buffer begins here, and nothing shows where the next one does".to_owned()
        }
        TraceProblem::BufferDamaged => {
            "the header of this buffer is damaged; the next buffer was read".to_owned()
        }
        TraceProblem::BufferRepeated(before) => format!(
            "this buffer repeats the buffer at byte {before}, with the same number; its records count once"
        ),
        TraceProblem::OtherTrace => "another trace, with a clock of its own, begins here and was not read; save it as a file of its own".to_owned(),
        TraceProblem::BufferCut => "the file ends inside this buffer".to_owned(),
        TraceProblem::BufferUnpacking(buffer) => format!(
            "the compressed records of the buffer at byte {buffer} are damaged; the records before that were read"
        ),
        TraceProblem::BuffersExpansion => {
            "the buffers unpack to more than the limit; the rest was not read"
                .to_owned()
        }
        TraceProblem::BuffersMissing(count) => format!(
            "{} buffers are missing between those of the file, by their numbers; the events in them are lost",
            n(*count)
        ),
        TraceProblem::Failed(failure, code) => {
            let what = match failure {
                TraceFailure::Driver => "the driver that captures packets did not load",
                TraceFailure::Layer => "a layer that captures packets did not load",
                TraceFailure::Rule => "a capture rule was refused",
            };
            format!("{what} (code 0x{code:08x}); packets may be missing")
        }
        TraceProblem::OnlyWppMessages => "the trace holds WPP messages but no packets. Their text can only be decoded with the symbols of the program that wrote them: ask Microsoft's support, or trace again with `netsh trace start capture=yes`".to_owned(),
    }
}
