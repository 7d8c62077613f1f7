//! Rows of the tables in saved summaries: by what names them, never by their place.
//!
//! A row that this version does not know is an error, not a guess.

/// An event by channel, provider and number.
pub mod event_row {
    use crate::catalogue::{EventEntry, event};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    /// Writes what names the row.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn serialize<S: Serializer>(
        row: &&'static EventEntry,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        (row.channel, row.provider, row.id).serialize(serializer)
    }

    /// Reads what names a row and looks it up.
    ///
    /// # Errors
    /// Where there is no such row.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<&'static EventEntry, D::Error> {
        let (channel, provider, id) = <(&str, &str, u16)>::deserialize(deserializer)?;
        event(channel, provider, id).ok_or_else(|| D::Error::custom("an event without a row"))
    }
}

/// A Windows error by its code.
pub mod error_row {
    use crate::catalogue::{WindowsError, windows_error};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    /// Writes the code.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn serialize<S: Serializer>(
        row: &Option<&'static WindowsError>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        row.map(|row| row.code).serialize(serializer)
    }

    /// Reads a code and looks it up.
    ///
    /// # Errors
    /// Where there is no such row.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<&'static WindowsError>, D::Error> {
        let code = Option::<u32>::deserialize(deserializer)?;
        let row = |code| windows_error(code).ok_or_else(|| D::Error::custom("an unknown error"));
        code.map(row).transpose()
    }
}

#[cfg(test)]
mod tests {
    use crate::catalogue::{event, events_numbered, windows_error};

    #[test]
    fn every_row_is_found_by_its_name() {
        let rows = (0..=u16::MAX).flat_map(events_numbered);
        let mut seen = 0;
        for row in rows {
            assert!(event(row.channel, row.provider, row.id).is_some_and(|r| std::ptr::eq(r, row)));
            seen += 1;
        }
        assert!(seen > 100, "{seen}");
        let errors = (13_000..14_000).filter_map(windows_error);
        for row in errors {
            assert!(windows_error(row.code).is_some_and(|known| std::ptr::eq(known, row)));
        }
    }
}
