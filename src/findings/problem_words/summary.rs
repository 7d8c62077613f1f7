//! Problems of summaries that are judged together.

use crate::evidence::SummaryProblem;

pub(super) fn summary(kind: &SummaryProblem) -> String {
    match kind {
        SummaryProblem::NotGiven => "it was summarized together with the others, but its summary was not given; nothing of it is judged".to_owned(),
        SummaryProblem::OnlyListed => "the list of --expect names it, and no summary holds it; its length is not known, and nothing of it is judged".to_owned(),
        SummaryProblem::Unreadable(error) => {
            format!("{error}; nothing of what it held is judged")
        }
        SummaryProblem::PartUnreadable(error) => format!("{error}; nothing of it is judged"),
        SummaryProblem::HeldBy(count) => {
            format!("{count} of the summaries hold it; it counts once")
        }
        SummaryProblem::OtherVersion { read, judges } => format!(
            "read by version {read}, judged by {judges}; one of them may recognize more in it"
        ),
        SummaryProblem::SamePath { first, more } => {
            let named: Vec<String> = first.iter().map(ToString::to_string).collect();
            let rest = if *more > 0 { format!(" and {more} more") } else { String::new() };
            format!(
                "{}{rest} have this path and other bytes, and each counts; keep machines apart with `summarize --host`, and leave out what was summarized while it still grew",
                named.join(", ")
            )
        }
    }
}
