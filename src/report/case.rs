//! Case data: who ordered an examination, who makes it and for what. Nothing in it changes what is found.

use super::schema::Case;
use crate::time::Zone;
use serde::Deserialize;

/// What is wrong with a file of case data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaseError {
    /// It is no TOML, or a key or value is not one of case data.
    #[error("line {line}: {message}")]
    Malformed {
        /// From 1.
        line: usize,
        /// What was found and what was expected.
        message: String,
    },
    /// A value holds no text.
    #[error("`{0}` is empty")]
    Empty(&'static str),
    /// A value is longer than a cover can show.
    #[error("`{key}` has {found} characters; at most {most} are allowed")]
    TooLong {
        /// The key.
        key: &'static str,
        /// Characters found.
        found: usize,
        /// Characters allowed.
        most: usize,
    },
    /// A value holds a control character, such as an escape.
    #[error("`{0}` holds a control character")]
    Control(&'static str),
    /// The time zone is not known.
    #[error(
        "`time_zone` is `{0}`: expected UTC, an offset such as +01:00, or a name such as Europe/Berlin"
    )]
    Zone(String),
    /// No value is given at all.
    #[error("it holds no case data")]
    Nothing,
}

/// Reads the text of a file of case data.
///
/// ```
/// let case = plainsight::report::read_case("number = \"4711/26\"\ntime_zone = \"europe/berlin\"\n");
/// let case = case.unwrap_or_default();
/// assert_eq!(case.number.as_deref(), Some("4711/26"));
/// assert_eq!(case.time_zone.as_deref(), Some("Europe/Berlin"));
/// assert!(plainsight::report::read_case("nummer = \"4711/26\"\n").is_err());
/// ```
///
/// # Errors
/// The first thing in it that is no case data.
pub fn read_case(text: &str) -> Result<Case, CaseError> {
    let file: File = toml::from_str(text).map_err(|error| {
        let before = text.get(..error.span().unwrap_or_default().start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        CaseError::Malformed { line, message: error.message().trim_end().to_owned() }
    })?;
    let File { number, organisation, examiner, purpose, notes, time_zone } = file;
    let line = |key, value| checked(key, value, MOST_LINE, false);
    let zone = time_zone.map(|typed| {
        let zone = Zone::parse(&typed);
        zone.map(|zone| zone.name().to_owned()).ok_or(CaseError::Zone(typed))
    });
    let case = Case {
        number: line("number", number)?,
        organisation: line("organisation", organisation)?,
        examiner: line("examiner", examiner)?,
        purpose: checked("purpose", purpose, MOST_TEXT, true)?,
        notes: checked("notes", notes, MOST_TEXT, true)?,
        time_zone: zone.transpose()?,
    };
    if case == Case::default() { Err(CaseError::Nothing) } else { Ok(case) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    number: Option<String>,
    organisation: Option<String>,
    examiner: Option<String>,
    purpose: Option<String>,
    notes: Option<String>,
    time_zone: Option<String>,
}

fn checked(
    key: &'static str,
    value: Option<String>,
    most: usize,
    may_break: bool,
) -> Result<Option<String>, CaseError> {
    let Some(value) = value else { return Ok(None) };
    let value = value.trim();
    let found = value.chars().count();
    if value.is_empty() {
        return Err(CaseError::Empty(key));
    }
    if found > most {
        return Err(CaseError::TooLong { key, found, most });
    }
    if value.chars().any(|c| c.is_control() && !(may_break && matches!(c, '\n' | '\t'))) {
        return Err(CaseError::Control(key));
    }
    Ok(Some(value.to_owned()))
}

/// Characters of a value of one line.
const MOST_LINE: usize = 200;
/// Characters of a text.
const MOST_TEXT: usize = 4_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_named() {
        let error = |text: &str| read_case(text).unwrap_err();
        let malformed = |text| match error(text) {
            CaseError::Malformed { line, .. } => line,
            other => panic!("{other}"),
        };
        assert_eq!(malformed("number = \"1\"\nexaminor = \"A\"\n"), 2);
        assert_eq!(malformed("number = \"1\"\n\npurpose = 5\n"), 3);
        assert_eq!(malformed("number = 4711\n"), 1);
        assert_eq!(error(""), CaseError::Nothing);
        assert_eq!(error("number = \" \""), CaseError::Empty("number"));
        assert_eq!(error("number = \"a\\u001b[2J\""), CaseError::Control("number"));
        assert_eq!(error("number = \"a\\nb\""), CaseError::Control("number"));
        assert_eq!(error("time_zone = \"Berlin\""), CaseError::Zone("Berlin".to_owned()));
        let long = format!("notes = \"{}\"", "x".repeat(4_001));
        let (key, found, most) = ("notes", 4_001, MOST_TEXT);
        assert_eq!(error(&long), CaseError::TooLong { key, found, most });
        assert!(read_case("notes = \"\"\"\nfirst\nsecond\n\"\"\"").is_ok());
    }
}
