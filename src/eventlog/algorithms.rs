//! What a log shows about the algorithms of an SA.

use super::LogEvent;
use super::legacy::INTEGRITY_ONLY;

impl LogEvent {
    /// Whether it records the creation of an SA that authenticates but does not encrypt: 5451 with an ESP
    /// authentication type and no cipher (catalogue, "algorithms": `-` and `%%8229` are none), 541 of quick
    /// mode with a digest or AH and no cipher or the NULL one (catalogue, "soft SA").
    #[must_use]
    pub fn is_integrity_only(&self) -> bool {
        let is_none = |value: &str| matches!(value.trim(), "" | "-" | "None" | "NULL");
        let authenticates = self.field("EspAuthType").is_some_and(|value| !is_none(value));
        match self.event_id {
            QUICK_MODE_UP => authenticates && self.field("CipherType").is_some_and(is_none),
            LEGACY_SA_UP => self.field(INTEGRITY_ONLY).is_some(),
            _ => false,
        }
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

const QUICK_MODE_UP: u16 = 5451;
const LEGACY_SA_UP: u16 = 541;
