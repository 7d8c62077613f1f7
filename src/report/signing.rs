//! Makes signatures in minisign's format over manifest.json; asks for no password and reads no file.

use super::KeyError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io;

/// A secret key that can sign.
pub struct SigningKey {
    secret: minisign::SecretKey,
    public: minisign::PublicKey,
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
        let bytes = STANDARD.decode(line.trim()).map_err(|error| not_a_key(error.to_string()))?;
        let secret = minisign::SecretKey::from_bytes(&bytes)
            .map_err(|error| not_a_key(error.to_string()))?;
        // A key without a password is taken as it is: minisign 0.11 writes it without a checksum.
        let secret = if secret.is_encrypted() {
            let password = password().map_err(KeyError::NoPassword)?;
            let file = minisign::SecretKeyBox::from(file.to_owned());
            file.into_secret_key(Some(password)).map_err(|error| KeyError::Locked(error.into()))?
        } else {
            secret
        };
        let public = minisign::PublicKey::from_secret_key(&secret)
            .map_err(|error| KeyError::Unusable(error.into()))?;
        Ok(Self { secret, public })
    }

    /// The key's id as minisign shows it: sixteen hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        self.secret.keynum().iter().rev().map(|byte| format!("{byte:02X}")).collect()
    }

    /// The signature file over a manifest; `time` (seconds since 1970) is in its trusted comment.
    ///
    /// # Errors
    /// Where the key is damaged.
    pub fn sign(&self, manifest: &[u8], time: i64) -> Result<Vec<u8>, KeyError> {
        let trusted = format!("timestamp:{time}\tfile:manifest.json\thashed");
        let untrusted = "signature of plainsight over manifest.json";
        let public = Some(&self.public);
        let signed =
            minisign::sign(public, &self.secret, manifest, Some(&trusted), Some(untrusted));
        signed
            .map(|signature| signature.to_bytes())
            .map_err(|error| KeyError::Unusable(error.into()))
    }
}
