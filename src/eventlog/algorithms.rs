//! What a log shows about the algorithms of an SA.

use super::LogEvent;
use super::legacy::INTEGRITY_ONLY;
use crate::catalogue::{logged_cipher, logged_digest, parameter};

impl LogEvent {
    /// Whether it records the creation of an SA that authenticates but does not encrypt: 5451 with a digest of
    /// ESP and no cipher (catalogue, "algorithms": `-` and `%%8229` are none), 541 of quick mode with a digest
    /// or AH and no cipher or the NULL one (catalogue, "soft SA").
    #[must_use]
    pub fn is_integrity_only(&self) -> bool {
        match self.event_id {
            QUICK_MODE_UP => {
                self.field("EspAuthType").is_some_and(is_digest) && self.has_no_cipher()
            }
            LEGACY_SA_UP => self.field(INTEGRITY_ONLY).is_some(),
            _ => false,
        }
    }

    /// Whether 5451 names no cipher. Where a tool wrote the code `%%8229` in the language of its system, the
    /// word is the one that stands for AH, which an SA of ESP alone does not use, and names no algorithm.
    fn has_no_cipher(&self) -> bool {
        let Some(cipher) = self.field("CipherType").map(str::trim) else { return false };
        let is_code = matches!(cipher, "" | "-" | NONE_AS_CODE) || Some(cipher) == parameter(NONE);
        let is_null = logged_cipher(cipher) == Some("NULL");
        let is_unnamed = logged_cipher(cipher).is_none() && logged_digest(cipher).is_none();
        let header = self.field("AhAuthType").map(str::trim);
        is_code || is_null || is_unnamed && header == Some(cipher)
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The names of algorithms are the same in every language; a code without a name is another one.
fn is_digest(value: &str) -> bool {
    let value = value.trim();
    // AES without another word is GMAC here (RFC 4543).
    let is_cipher = logged_cipher(value).is_some_and(|cipher| cipher != "NULL");
    let is_code = value.starts_with("%%") && value != NONE_AS_CODE;
    logged_digest(value).is_some() || is_cipher || is_code
}

const QUICK_MODE_UP: u16 = 5451;
const LEGACY_SA_UP: u16 = 541;
/// The audit parameter for "none" (msobjs.dll).
const NONE: u32 = 8229;
const NONE_AS_CODE: &str = "%%8229";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eventlog::{AuditOutcome, LogRecord};
    use crate::evidence::{EvidenceId, RecordRef};

    fn is_integrity_only(ah: &str, digest: &str, cipher: &str) -> bool {
        let named = [("AhAuthType", ah), ("EspAuthType", digest), ("CipherType", cipher)];
        let record = LogRecord {
            record: RecordRef { evidence: EvidenceId(1), record: 1 },
            written_as: None,
            is_numbered: true,
            provider: "Microsoft-Windows-Security-Auditing".to_owned(),
            channel: "Security".to_owned(),
            computer: String::new(),
            event_id: QUICK_MODE_UP,
            version: 1,
            time: None,
            audit: AuditOutcome::Success,
            named: named.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            positional: Vec::new(),
            binary: Vec::new(),
        };
        LogEvent::from_record(&record).unwrap().is_integrity_only()
    }

    #[test]
    fn an_sa_without_a_cipher_is_integrity_only_in_any_language() {
        for none in ["%%8229", "-", "None", "Keine", "Aucun", "Ninguno", "なし", "无", "Нет"]
        {
            assert!(is_integrity_only(none, "%%16393", none), "{none}");
            assert!(is_integrity_only(none, "SHA-256", none), "{none}");
            assert!(!is_integrity_only(none, none, none), "{none}");
            assert!(!is_integrity_only(none, "SHA-1", "AES-128"), "{none}");
        }
        assert!(is_integrity_only("%%8229", "%%16394", "NULL"));
        assert!(is_integrity_only("SHA-1", "SHA-1", "%%8229"));
    }

    #[test]
    fn a_cipher_that_is_not_known_is_a_cipher() {
        assert!(!is_integrity_only("None", "SHA-1", "ChaCha20-Poly1305"));
        assert!(!is_integrity_only("Keine", "SHA-1", "Camellia"));
        assert!(!is_integrity_only("SHA-1", "SHA-1", "SHA-1"));
        assert!(!is_integrity_only("None", "Whirlpool", "None"));
    }
}
