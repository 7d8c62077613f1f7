//! Extracts the values of an event from the text that Windows shows for it, in any language.

use super::super::LogRecord;
use crate::catalogue::{MessageLayout, field_names, message_layouts, parameter_of_text};

impl LogRecord {
    /// Takes the record's values from its message; `false` where the message has no layout that the catalogue
    /// knows. The record's provider and number determine which layouts are possible.
    pub(in crate::eventlog) fn fill_from_message(&mut self, message: &str) -> bool {
        message_layouts(self.event_id).any(|layout| self.fill_by(layout, message))
    }

    fn fill_by(&mut self, layout: MessageLayout, message: &str) -> bool {
        let values = match layout {
            MessageLayout::NoValues => return true,
            MessageLayout::Whole => Some(vec![message.trim().to_owned()]),
            MessageLayout::Lines(places) => by_lines(places, message),
            MessageLayout::Sections(counts) => sections(counts, message),
            MessageLayout::Sentence(words) => by_words(words, message),
        };
        values.is_some_and(|values| self.name_values(values))
    }

    /// Names the values by their position in the event; `false` where an audit has another number of values
    /// than any known layout.
    pub(in crate::eventlog) fn name_values(&mut self, values: Vec<String>) -> bool {
        let is_service = self.provider.eq_ignore_ascii_case("Service Control Manager");
        if is_service {
            let named = values.into_iter().zip(1..);
            self.named = named.map(|(value, place)| (format!("param{place}"), value)).collect();
        } else if let Some(names) = field_names(self.event_id, values.len()) {
            let named = names.into_iter().zip(values);
            self.named = named.map(|(name, value)| (name.to_owned(), value)).collect();
        } else {
            let is_audit = self.provider.eq_ignore_ascii_case(AUDITING);
            let are_nameless = is_audit && !values.is_empty();
            self.positional = values;
            return !are_nameless;
        }
        true
    }
}

/// The values of lines, in the order of the event.
fn by_lines(places: &[u8], message: &str) -> Option<Vec<String>> {
    let shown: Vec<&str> = message.lines().filter_map(value_of).collect();
    if shown.len() != places.len() {
        return None;
    }
    let mut values: Vec<_> = places.iter().zip(shown).filter(|(place, _)| **place > 0).collect();
    values.sort_by_key(|(place, _)| **place);
    Some(values.into_iter().map(|(_, value)| parameter_of_text(value)).collect())
}

/// The value of a line: what follows its label and a tab. Headings and sentences have none.
fn value_of(line: &str) -> Option<&str> {
    let inner = line.trim_start_matches('\t');
    let is_indented = inner.len() < line.len();
    if inner.trim().is_empty() {
        return None;
    }
    match inner.split_once('\t') {
        Some((_, value)) => Some(value.trim()),
        // Some writers drop the tabs after a label without a value.
        None if is_indented => inner.split_once(':').map(|(_, value)| value.trim()),
        None => None,
    }
}

/// The texts under labels with a line of their own. For events with a fixed first one, the rest.
fn sections(counts: &[u8], message: &str) -> Option<Vec<String>> {
    let mut sections: Vec<String> = Vec::new();
    for line in message.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.ends_with(':') {
            sections.push(String::new());
        } else if let Some(section) = sections.last_mut() {
            section.push_str(line);
            section.push_str("\r\n");
        }
    }
    let is_known = counts.iter().any(|count| usize::from(*count) == sections.len());
    is_known.then_some(sections)
}

/// The texts between words that follow each other in the message.
fn by_words(words: &[&str], message: &str) -> Option<Vec<String>> {
    let (first, others) = words.split_first()?;
    let mut rest = message.strip_prefix(first)?;
    let mut values = Vec::new();
    for word in others {
        let (value, behind) = if word.is_empty() { (rest, "") } else { rest.split_once(word)? };
        values.push(value.trim().to_owned());
        rest = behind;
    }
    Some(values)
}

const AUDITING: &str = "Microsoft-Windows-Security-Auditing";
