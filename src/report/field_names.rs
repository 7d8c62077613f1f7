//! Names of an event's fields, each given once: one that comes again gets a number.

use std::collections::HashMap;

/// The names that were given so far.
#[derive(Debug, Default)]
pub(super) struct FieldNames {
    /// By name, how often it was asked for; evidence chooses the names, so the hash is seeded.
    asked: HashMap<String, usize>,
}

impl FieldNames {
    /// The name itself, or with `#2`, `#3` and so on behind it where it was given before.
    pub(super) fn of(&mut self, name: &str) -> String {
        let Some(asked) = self.asked.get(name).copied() else {
            self.asked.insert(name.to_owned(), 1);
            return name.to_owned();
        };
        let mut number = asked + 1;
        let mut given = format!("{name}#{number}");
        while self.asked.contains_key(&given) {
            number += 1;
            given = format!("{name}#{number}");
        }
        self.asked.insert(name.to_owned(), number);
        self.asked.insert(given.clone(), 1);
        given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_again_gets_a_number() {
        let mut names = FieldNames::default();
        let given: Vec<String> =
            ["a", "a", "a#2", "a", "", ""].into_iter().map(|name| names.of(name)).collect();
        assert_eq!(given, ["a", "a#2", "a#2#2", "a#3", "", "#2"]);
    }
}
