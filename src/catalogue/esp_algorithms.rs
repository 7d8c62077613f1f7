//! What Windows calls the algorithms of ESP and AH in its logs, as IANA's registries name them.
//!
//! The words are English in every language of Windows: they come from the audit parameters 16392 to 16409
//! (msobjs.dll) and, before Vista, from msaudite.dll and oakley.dll. The words before them are a label.

/// The cipher that a log names; `None` where it names none that is known.
#[must_use]
pub fn logged_cipher(text: &str) -> Option<&'static str> {
    last_match(text, CIPHERS)
}

/// The integrity algorithm that a log names; `None` where it names none that is known.
#[must_use]
pub fn logged_digest(text: &str) -> Option<&'static str> {
    last_match(text, DIGESTS)
}

/// Letters and digits alone, capital: `AES-GCM 128` and `AES-GCM-128` are the same.
fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// The row whose words end the text; the longest wins.
fn last_match(text: &str, table: &[(&str, &'static str)]) -> Option<&'static str> {
    let text = plain(text);
    let rows = table.iter().filter(|(words, _)| text.ends_with(words));
    rows.max_by_key(|(words, _)| words.len()).map(|(_, name)| *name)
}

static CIPHERS: &[(&str, &str)] = &[
    ("DES", "DES-CBC"),
    ("DESCBC", "DES-CBC"),
    ("3DES", "3DES-CBC"),
    ("3DESCBC", "3DES-CBC"),
    ("TRIPLEDES", "3DES-CBC"),
    ("TRIPLEDESCBC", "3DES-CBC"),
    ("NULL", "NULL"),
    ("NULLDES", "NULL"),
    ("AES128", "AES-CBC-128"),
    ("AES192", "AES-CBC-192"),
    ("AES256", "AES-CBC-256"),
    ("AESCBC128", "AES-CBC-128"),
    ("AESCBC192", "AES-CBC-192"),
    ("AESCBC256", "AES-CBC-256"),
    ("AESGCM128", "AES-GCM-16-128"),
    ("AESGCM192", "AES-GCM-16-192"),
    ("AESGCM256", "AES-GCM-16-256"),
];

static DIGESTS: &[(&str, &str)] = &[
    ("MD5", "HMAC-MD5-96"),
    ("SHA", "HMAC-SHA1-96"),
    ("SHA1", "HMAC-SHA1-96"),
    ("SHA256", "HMAC-SHA2-256-128"),
    ("AESGCM128", "AES-GCM-16-128"),
    ("AESGCM192", "AES-GCM-16-192"),
    ("AESGCM256", "AES-GCM-16-256"),
    ("AESGMAC128", "AES-GMAC-128"),
    ("AESGMAC192", "AES-GMAC-192"),
    ("AESGMAC256", "AES-GMAC-256"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_spelling_do_not_matter() {
        assert_eq!(logged_cipher("ESP Algorithm Triple DES CBC"), Some("3DES-CBC"));
        assert_eq!(logged_cipher("ESP-Algorithmus DES CBC"), Some("DES-CBC"));
        assert_eq!(logged_cipher("AES-GCM 128"), Some("AES-GCM-16-128"));
        assert_eq!(logged_cipher("NULL DES"), Some("NULL"));
        assert_eq!(logged_digest("HMAC Algorithm SHA"), Some("HMAC-SHA1-96"));
        assert_eq!(logged_digest("SHA-256"), Some("HMAC-SHA2-256-128"));
        for none in ["", "-", "None", "ESP Algorithm None", "256"] {
            assert_eq!((logged_cipher(none), logged_digest(none)), (None, None), "{none}");
        }
    }
}
