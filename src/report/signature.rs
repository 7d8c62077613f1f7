//! Signatures in minisign's format over manifest.json, which names the digest of everything else.
//!
//! Makes and checks them; asks for no password and reads no file. Signing and checking are done by
//! two crates that share no code.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io;

/// A secret key that can sign.
pub struct SigningKey {
    secret: minisign::SecretKey,
    public: minisign::PublicKey,
}

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
    Locked(minisign::PError),
    /// It does not sign.
    #[error("it does not sign: {0}")]
    Unusable(minisign::PError),
}

impl SigningKey {
    /// The key in the text of a file that `minisign -G` wrote. `password` is called only where the
    /// key is locked.
    ///
    /// # Errors
    /// Where it is no key, or cannot be unlocked.
    pub fn read(
        file: &str,
        password: impl FnOnce() -> io::Result<String>,
    ) -> Result<Self, KeyError> {
        let not_a_key = |cause: String| KeyError::NotAKey { kind: "secret", cause };
        let line = file.lines().nth(1).ok_or_else(|| not_a_key("a second line".to_owned()))?;
        let octets = STANDARD.decode(line.trim()).map_err(|error| not_a_key(error.to_string()))?;
        let secret = minisign::SecretKey::from_bytes(&octets)
            .map_err(|error| not_a_key(error.to_string()))?;
        // A key without a password is taken as it is: minisign 0.11 writes it without a checksum.
        let secret = if secret.is_encrypted() {
            let password = password().map_err(KeyError::NoPassword)?;
            let file = minisign::SecretKeyBox::from(file.to_owned());
            file.into_secret_key(Some(password)).map_err(KeyError::Locked)?
        } else {
            secret
        };
        let public = minisign::PublicKey::from_secret_key(&secret).map_err(KeyError::Unusable)?;
        Ok(Self { secret, public })
    }

    /// The key's id as minisign shows it: sixteen hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        self.secret.keynum().iter().rev().map(|octet| format!("{octet:02X}")).collect()
    }

    /// The signature file over a manifest; `time` (seconds since 1970) stands in its trusted comment.
    ///
    /// # Errors
    /// Where the key is damaged.
    pub fn sign(&self, manifest: &[u8], time: i64) -> Result<Vec<u8>, KeyError> {
        let trusted = format!("timestamp:{time}\tfile:manifest.json\thashed");
        let untrusted = "signature of plainsight over manifest.json";
        let public = Some(&self.public);
        let signed =
            minisign::sign(public, &self.secret, manifest, Some(&trusted), Some(untrusted));
        signed.map(|signature| signature.to_bytes()).map_err(KeyError::Unusable)
    }
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
        let octets = STANDARD.decode(line.unwrap_or_default());
        let octets = octets.map_err(|error| not_a_key(error.to_string()))?;
        let id = octets.get(2..10).unwrap_or_default().iter().rev();
        Ok(Self { key, id: id.map(|octet| format!("{octet:02X}")).collect() })
    }

    /// Whether this is the key with such an id, as [`SigningKey::id`] tells it. The octets of a public key are
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
