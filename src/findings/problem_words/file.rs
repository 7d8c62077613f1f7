//! Problems of files and archives, whatever they hold.

use crate::evidence::{
    CollectionProblem, FileChange, FileProblem, FormatProblem, MemberFault, Own, Packing,
    PackingFault,
};
use crate::findings::with_separators as n;

pub(super) fn file(problem: &FileProblem) -> String {
    let fixed = match problem {
        FileProblem::CannotOpen(error) => return format!("cannot open it: {error}"),
        FileProblem::CannotFind(error) => return format!("cannot read it: {error}"),
        FileProblem::LinkLoop => "cannot read it: links form a loop",
        FileProblem::LinkInFolder => "a link inside a folder is not followed; name its target",
        FileProblem::NoFile => "neither a file nor a folder; it was not opened",
        FileProblem::ReadingStopped(error) => return format!("reading stopped: {error}"),
        FileProblem::Bug => {
            "a bug in plainsight ended the reading of this file; nothing of it is in the report. Please report it"
        }
        FileProblem::Changed(change) => {
            return format!(
                "the file changed while it was read: {}. The digest covers the bytes that were read; other problems of this file may be a consequence",
                changed(*change)
            );
        }
        FileProblem::Empty => "the file is empty",
        FileProblem::Duplicate { first, path } => {
            return format!("identical to {first} ({path}); counted once, under that path");
        }
        FileProblem::TooLargeUnpacked { unpacked, read } => {
            return format!(
                "it must be held in memory and unpacks to {} bytes; the first {} were read: unpack it and name the file",
                n(*unpacked),
                n(*read)
            );
        }
        FileProblem::Packed(packing, fault) => return packed(*packing, fault),
    };
    fixed.to_owned()
}

fn changed(change: FileChange) -> String {
    match change {
        FileChange::Removed => "it no longer exists".to_owned(),
        FileChange::Replaced => "it was replaced by another file".to_owned(),
        FileChange::Resized { was, is } => format!("it had {} bytes and has {}", n(was), n(is)),
        FileChange::Modified => "its modification time changed".to_owned(),
    }
}

fn packed(packing: Packing, fault: &PackingFault) -> String {
    let (name, command) = (packing.as_str(), packing.command());
    match fault {
        PackingFault::Empty => format!("the {name} data is empty"),
        PackingFault::Unsupported(error) => format!(
            "this version does not support the {name} data ({error}); unpack it with `{command}`"
        ),
        PackingFault::Truncated(error) => {
            format!("the {name} data ends too early ({error}); the rest was not read")
        }
        PackingFault::Corrupt(error) => {
            format!("the {name} data is damaged ({error}); the rest was not read")
        }
        PackingFault::Expansion { packed, unpacked, most } => format!(
            "{} bytes of {name} data unpack to at least {} bytes, more than {most} times their size; the rest was not read",
            n(*packed),
            n(*unpacked)
        ),
        PackingFault::Nested => format!(
            "{name} inside another compression; one layer is unpacked: unpack the file, then `{command}`"
        ),
    }
}

pub(super) fn format(problem: &FormatProblem) -> String {
    const KNOWN: &str = "expected a capture (pcap, pcapng, snoop, Network Monitor) or an event log (evtx, evt, or their text exports)";
    let fixed = match problem {
        FormatProblem::Archive(archive) => {
            return format!(
                "a {} archive that cannot be read; unpack it and name the files",
                archive.as_str()
            );
        }
        FormatProblem::Unread(unread) => {
            return format!("{} is not supported by this version; {}", unread.name, unread.remedy);
        }
        FormatProblem::Own(Own::LeftOver) => {
            "left over from an interrupted run of plainsight; it was not read. Name the file itself to read it"
        }
        FormatProblem::Own(Own::OfReport) => {
            "a file of a report that plainsight wrote; it was not read"
        }
        FormatProblem::Carved => {
            "packets that plainsight carved out of evidence; they were not read. Name the file itself to read it"
        }
        FormatProblem::OwnSummary => "a summary that plainsight wrote; it was not read",
        FormatProblem::TextBeside => "a text file beside the evidence; it was not read",
        FormatProblem::RenderedMessages => {
            "rendered messages of an archived log; its fields are in the log"
        }
        FormatProblem::PolicyExport => {
            "a policy of `netsh ipsec static exportpolicy`, whose format is not documented; print it as a script with `netsh ipsec dump`, for `plainsight policy import`"
        }
        FormatProblem::UnknownJson => {
            "it looks like JSON, but its field names belong to no supported tool; provide the event file (.evtx) itself, or export with evtx_dump or `Get-WinEvent | ConvertTo-Json`"
        }
        FormatProblem::UnknownText => return format!("it begins with text; {KNOWN}"),
        FormatProblem::UnknownBytes(first) => {
            let hex: Vec<String> = first.iter().map(|byte| format!("{byte:02x}")).collect();
            return format!("it begins with {}; {KNOWN}", hex.join(" "));
        }
    };
    fixed.to_owned()
}

pub(super) fn collection(problem: &CollectionProblem) -> String {
    match problem {
        CollectionProblem::TooManyMembers(most) => format!(
            "it holds more than {} files of evidence; the others were not read: unpack it",
            n(*most)
        ),
        CollectionProblem::NoDirectory(archive, error) => {
            format!("the directory of the {} archive cannot be read ({error})", archive.as_str())
        }
        CollectionProblem::SameNames(count) => format!(
            "{} members have the name of another member and were not read; unpack it with a tool that shows all",
            n(*count)
        ),
        CollectionProblem::Truncated(archive) => {
            format!("the {} archive ends too early", archive.as_str())
        }
        CollectionProblem::Corrupt(archive) => format!(
            "no member of the {} archive begins here; the rest was not read",
            archive.as_str()
        ),
        CollectionProblem::Expansion(archive) => format!(
            "the {} archive unpacks to more than the limit, or holds too many files; the rest was not read: unpack it and name the folder",
            archive.as_str()
        ),
        CollectionProblem::CannotUnpack(archive, error) => format!(
            "members of the {} archive cannot be unpacked ({error}) and were not read; unpack it and name the files",
            archive.as_str()
        ),
        CollectionProblem::Unlisted(count) => {
            format!("{} more problems are not listed", n(*count))
        }
        CollectionProblem::Member { name, fault } => format!("{name}: {}", member(fault)),
        CollectionProblem::CollectorTables { count, first } => format!(
            "{} of its files are tables and logs that the collector wrote (the first is {first}); they were not read",
            n(*count)
        ),
        CollectionProblem::OtherFormats { count, first } => format!(
            "{} of its files have a format that is not read (the first is {first})",
            n(*count)
        ),
    }
}

fn member(fault: &MemberFault) -> String {
    let fixed = match fault {
        MemberFault::Encrypted => "it is encrypted; unpack it with its password and name the files",
        MemberFault::NoHeader => "its header cannot be read",
        MemberFault::Compression(method) => {
            return format!(
                "it is compressed by {method}, which is not supported; unpack it and name the file"
            );
        }
        MemberFault::SharedBytes => "it shares its bytes with another member",
        MemberFault::SparseFile => "it is a sparse file of GNU tar, which is not read",
        MemberFault::FarBehind => {
            "too much has to be unpacked before it; unpack the archive and name the folder"
        }
        MemberFault::CannotUnpack(error) => return format!("it cannot be unpacked ({error})"),
        MemberFault::TooDeep => {
            "archives inside archives are read one level deep; unpack it and name the file"
        }
        MemberFault::Expansion => "it unpacks to more than the limit; unpack it and name the file",
        MemberFault::NoRoom => {
            "the archives inside this one unpack to more than the limit; unpack it and name the folder"
        }
    };
    fixed.to_owned()
}
