//! Reads minisign's key files, and asks for their password.

use super::Failure;
use crate::report::{SigningKey, VerifyingKey};
use anyhow::Context as _;
use std::path::Path;

/// The secret key in a file; its password is asked for on the terminal, without echo.
pub(super) fn signing(path: &Path) -> Result<SigningKey, Failure> {
    let shown = crate::evidence::shown_path(path);
    let ask = || rpassword::prompt_password(format!("Password of {shown}: "));
    let read = std::fs::read_to_string(path).map_err(anyhow::Error::new);
    let key = read.and_then(|file| Ok(SigningKey::read(&file, ask)?));
    key.with_context(|| format!("cannot sign with `{shown}`")).map_err(|error| {
        let hint = "create a key with `minisign -G`; one without a password (-W) needs no terminal";
        Failure::usage(error, hint)
    })
}

/// A public key: a file, or the line from one.
pub(super) fn verifying(given: &str) -> Result<VerifyingKey, Failure> {
    let text = match std::fs::read_to_string(given) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(anyhow::Error::new(error))
        }
        Err(_) if !is_a_key(given) => Err(anyhow::anyhow!("no such file")),
        Err(_) => Ok(given.to_owned()),
        Ok(text) => Ok(text),
    };
    let key = text.and_then(|text| Ok(VerifyingKey::read(&text)?));
    key.with_context(|| format!("cannot use the key `{given}`")).map_err(|error| {
        Failure::usage(error, "name the file that `minisign -G` wrote, or its public-key line")
    })
}

/// Minisign's public keys are 56 characters of base64 with the same beginning.
fn is_a_key(given: &str) -> bool {
    given.len() == 56 && given.starts_with("RW")
}
