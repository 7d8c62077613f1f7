//! Checks signatures in minisign's format over manifest.json, which names the digest of everything else.
//!
//! Signing ([`super::signing`]) and checking are done by two crates that share no code.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::error::Error;
use std::io;

/// A public key to check a signature with.
pub struct VerifyingKey {
    key: minisign_verify::PublicKey,
    id: String,
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is no key file of minisign's.
    #[error("not a {kind} key of minisign: {cause}")]
    NotAKey {
        /// `secret` or `public`.
        kind: &'static str,
        /// What was expected.
        cause: String,
    },
    /// A password is needed, and nobody can be asked for it.
    #[error("cannot ask for its password: {0}")]
    NoPassword(io::Error),
    /// The password is wrong, or the key cannot be unlocked.
    #[error("cannot unlock it: {0}")]
    Locked(Box<dyn Error + Send + Sync>),
    /// It does not sign.
    #[error("it does not sign: {0}")]
    Unusable(Box<dyn Error + Send + Sync>),
}

impl VerifyingKey {
    /// The key in a file that `minisign -G` wrote, or its one line of base64 alone.
    ///
    /// # Errors
    /// Where it is no key.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        use minisign_verify::PublicKey;
        let not_a_key = |cause: String| KeyError::NotAKey { kind: "public", cause };
        let key = PublicKey::decode(text).or_else(|_| PublicKey::from_base64(text.trim()));
        let key = key.map_err(|error| not_a_key(error.to_string()))?;
        // `minisign_verify` keeps the id to itself.
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
        let bytes = STANDARD.decode(line.unwrap_or_default());
        let bytes = bytes.map_err(|error| not_a_key(error.to_string()))?;
        let id = bytes.get(2..10).unwrap_or_default().iter().rev();
        Ok(Self { key, id: id.map(|byte| format!("{byte:02X}")).collect() })
    }

    /// Whether this is the key with such an id, as `SigningKey::id` shows it. The bytes of a public key are
    /// two that name the algorithm, eight of the id, the lower first, and the key.
    pub(super) fn is_named(&self, id: &str) -> bool {
        self.id.eq_ignore_ascii_case(id)
    }

    /// Checks a signature file over a manifest; gives its trusted comment, or what is wrong with it.
    pub(super) fn check(&self, manifest: &[u8], signature: &str) -> Result<String, String> {
        let signature = minisign_verify::Signature::decode(signature)
            .map_err(|error| format!("is not a signature: {error}"))?;
        match self.key.verify(manifest, &signature, true) {
            Ok(()) => Ok(signature.trusted_comment().to_owned()),
            Err(error) => Err(format!("is not this key's signature of manifest.json: {error}")),
        }
    }
}
