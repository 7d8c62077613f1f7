//! The error codes of remote access that mean IPsec or IKE, 766 to 835.
//!
//! They share numbers with Windows errors of another meaning, so they are looked up apart, and only for
//! records of remote access.

use super::{Reason, WindowsError};

/// The row of a remote access error; `None` for one that has nothing to do with IPsec.
#[must_use]
pub fn ras_error(code: u32) -> Option<&'static WindowsError> {
    RAS_ERRORS.iter().find(|row| row.code == code)
}

const fn row(code: u32, name: &'static str, reason: Reason, text: &'static str) -> WindowsError {
    WindowsError { code, name, reason: Some(reason), text }
}

/// Source: raserror.h and Microsoft, "Routing and Remote Access Error Codes"; texts in our words.
#[rustfmt::skip]
static RAS_ERRORS: &[WindowsError] = &[
    row(766, "ERROR_NO_CERTIFICATE",            Reason::CertificateInvalid,   "L2TP over IPsec needs a machine certificate and none was found."),
    row(786, "ERROR_OAKLEY_NO_CERT",            Reason::CertificateInvalid,   "There is no valid machine certificate for L2TP over IPsec."),
    row(787, "ERROR_OAKLEY_AUTH_FAIL",          Reason::AuthenticationFailed, "The security layer could not authenticate the remote computer."),
    row(788, "ERROR_OAKLEY_ATTRIB_FAIL",        Reason::NoProposalChosen,     "The security layer could not agree on parameters with the remote computer."),
    row(789, "ERROR_OAKLEY_GENERAL_PROCESSING", Reason::Other,                "The security layer met a processing error in the first negotiation."),
    row(790, "ERROR_OAKLEY_NO_PEER_CERT",       Reason::CertificateInvalid,   "The remote computer's certificate could not be validated."),
    row(791, "ERROR_OAKLEY_NO_POLICY",          Reason::PolicyMismatch,       "There is no security policy for the connection."),
    row(792, "ERROR_OAKLEY_TIMED_OUT",          Reason::Timeout,              "The security negotiation timed out."),
    row(793, "ERROR_OAKLEY_ERROR",              Reason::Other,                "An error came up in the security negotiation."),
    row(809, "ERROR_VPN_TIMEOUT",               Reason::NoResponse,           "The remote server does not answer; something on the way may stop UDP 500 or 4500."),
    row(835, "RAS error 835",                   Reason::CertificateInvalid,   "Fields of the remote server's certificate do not fit the destination."),
];
