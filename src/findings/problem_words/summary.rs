//! Problems of summaries that are judged together.

use crate::evidence::SummaryProblem;

pub(super) fn summary(kind: &SummaryProblem) -> String {
    match kind {
        SummaryProblem::NotGiven => "it was summarized together with the others, but its summary was not provided; it was not judged".to_owned(),
        SummaryProblem::OnlyListed => "--expect lists it, but no summary holds it; it was not judged, and its length is unknown".to_owned(),
        SummaryProblem::Unreadable(error) => {
            format!("{error}; nothing in it was judged")
        }
        SummaryProblem::PartUnreadable(error) => format!("{error}; it was not judged"),
        SummaryProblem::HeldBy(count) => {
            format!("{count} of the summaries hold it; it counts once")
        }
        SummaryProblem::OtherVersion { read, judges } => format!(
            "read by version {read} and judged by version {judges}; one of the two versions may recognize more in it"
        ),
        SummaryProblem::SamePath { first, more } => {
            let named: Vec<String> = first.iter().map(ToString::to_string).collect();
            let rest = if *more > 0 { format!(" and {more} more") } else { String::new() };
            format!(
                "{}{rest} have this path but different content, and each counts. Distinguish machines with `summarize --host`, and leave out summaries of files that were still growing",
                named.join(", ")
            )
        }
    }
}
