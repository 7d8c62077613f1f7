//! The Win32 error codes of IPsec and IKE, 13000 to 13932, with the reason each one means.
//!
//! Windows writes them as numbers or as the bare system text, so they are found by number, by
//! name and by text. Texts are English; a text in another language is not found here.
//!
//! A code gives the reason that it alone supports. Two choices are worth knowing:
//! 13868 (policy match) is what Windows reports when no proposal fits, so it counts as
//! `no_proposal_chosen`; 13825 and 13850 (no policy at all) count as `policy_mismatch`.
//! Reasons are our reading; numbers, names and texts are Microsoft's.

use super::Reason;

/// One Win32 error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowsError {
    /// The code, as in `GetLastError`.
    pub code: u32,
    /// The symbolic name in winerror.h.
    pub name: &'static str,
    /// What it means as a cause; `None` where it is no failure or shows nothing.
    pub reason: Option<Reason>,
    /// The system's English text; empty for a mere range marker.
    pub text: &'static str,
}

/// The row of a code. Windows 2000's own status values (0xCBAD0321 to 0xCBAD0351) and the driver's
/// NTSTATUS (0xC0360001 to 0xC0360009, 0xC0368000 to 0xC0368005) are taken for their Win32 codes.
#[must_use]
pub fn windows_error(code: u32) -> Option<&'static WindowsError> {
    let decrypted_copy = TWINS.iter().find_map(|(first, last, base)| {
        (*first..=*last).contains(&code).then(|| base + (code - first))
    });
    let code = decrypted_copy.unwrap_or(code);
    let at = WINDOWS_ERRORS.binary_search_by_key(&code, |row| row.code).ok()?;
    WINDOWS_ERRORS.get(at)
}

/// The row with this symbolic name, in any case.
#[must_use]
pub fn windows_error_named(name: &str) -> Option<&'static WindowsError> {
    WINDOWS_ERRORS.iter().find(|row| row.name.eq_ignore_ascii_case(name.trim()))
}

/// The row whose text this is, punctuation, spacing and case aside. Older systems reported only the
/// first sentence of some texts, so that is enough. Where several codes share a text (13809 to
/// 13812), the lowest; their reasons agree.
#[must_use]
pub fn windows_error_from_text(text: &str) -> Option<&'static WindowsError> {
    letters(text).next()?;
    let same = |row: &&WindowsError| letters(text).eq(letters(row.text));
    let same_start = |row: &&WindowsError| {
        letters(text).eq(letters(row.text.split_once(". ").map_or(row.text, |(first, _)| first)))
    };
    let of_2000 = || {
        let text: String = letters(text).collect();
        let begins = |row: &&(u32, &str)| text.starts_with(&letters(row.1).collect::<String>());
        WINDOWS_2000.iter().find(begins).and_then(|row| windows_error(row.0))
    };
    let rows = || WINDOWS_ERRORS.iter();
    rows().find(same).or_else(|| rows().find(same_start)).or_else(of_2000)
}

/// What a record's reason or error field says: a number (decimal or 0x) or a text.
#[must_use]
pub fn windows_error_in(field: &str) -> Option<&'static WindowsError> {
    match parse_number(field) {
        Some(code) => windows_error(code),
        None => windows_error_from_text(field),
    }
}

/// A whole number in decimal or, behind `0x`, in hexadecimal.
#[must_use]
pub fn parse_number(text: &str) -> Option<u32> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The characters that show two texts apart.
fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
}

const fn row(
    code: u32,
    name: &'static str,
    reason: Option<Reason>,
    text: &'static str,
) -> WindowsError {
    WindowsError { code, name, reason, text }
}

/// Status codes that mean a Win32 code: the first and the last of a range, and what the first
/// one is. Windows 2000's IKE status 0xCBAD0320 + n is Win32 13800 + n, for n from 1 to 0x31; the
/// driver's NTSTATUS ([MS-ERREF] 2.3.1) begin at 0xC0360001, those of its flood protection at
/// 0xC0368000.
const TWINS: &[(u32, u32, u32)] = &[
    (0xCBAD_0321, 0xCBAD_0351, 13_801),
    (0xC036_0001, 0xC036_0009, 13_910),
    (0xC036_8000, 0xC036_8005, 13_925),
];

/// Texts of Windows 2000 that later systems worded anew. Source: message table of oakley.dll
/// 5.0.2195.6662 (libyal winevt-kb).
const WINDOWS_2000: &[(u32, &str)] = &[
    (13820, "No private key associated with machine certificate"),
    (13822, "Failure in Diffie-Helman computation"),
    (13855, "Failed to obtain Kerberos server credentials for ISAKMP/Oakley service."),
    (
        13856,
        "Failed to determine SSPI principal name for ISAKMP/Oakley service (QueryCredentialsAttributes).",
    ),
];

/// Source: Microsoft, "System Error Codes (12000-15999)"; sorted by code.
#[rustfmt::skip]
static WINDOWS_ERRORS: &[WindowsError] = &[
    row(13000, "ERROR_IPSEC_QM_POLICY_EXISTS", None, "The specified quick mode policy already exists."),
    row(13001, "ERROR_IPSEC_QM_POLICY_NOT_FOUND", None, "The specified quick mode policy was not found."),
    row(13002, "ERROR_IPSEC_QM_POLICY_IN_USE", None, "The specified quick mode policy is being used."),
    row(13003, "ERROR_IPSEC_MM_POLICY_EXISTS", None, "The specified main mode policy already exists."),
    row(13004, "ERROR_IPSEC_MM_POLICY_NOT_FOUND", None, "The specified main mode policy was not found."),
    row(13005, "ERROR_IPSEC_MM_POLICY_IN_USE", None, "The specified main mode policy is being used."),
    row(13006, "ERROR_IPSEC_MM_FILTER_EXISTS", None, "The specified main mode filter already exists."),
    row(13007, "ERROR_IPSEC_MM_FILTER_NOT_FOUND", None, "The specified main mode filter was not found."),
    row(13008, "ERROR_IPSEC_TRANSPORT_FILTER_EXISTS", None, "The specified transport mode filter already exists."),
    row(13009, "ERROR_IPSEC_TRANSPORT_FILTER_NOT_FOUND", None, "The specified transport mode filter does not exist."),
    row(13010, "ERROR_IPSEC_MM_AUTH_EXISTS", None, "The specified main mode authentication list exists."),
    row(13011, "ERROR_IPSEC_MM_AUTH_NOT_FOUND", None, "The specified main mode authentication list was not found."),
    row(13012, "ERROR_IPSEC_MM_AUTH_IN_USE", None, "The specified main mode authentication list is being used."),
    row(13013, "ERROR_IPSEC_DEFAULT_MM_POLICY_NOT_FOUND", None, "The specified default main mode policy was not found."),
    row(13014, "ERROR_IPSEC_DEFAULT_MM_AUTH_NOT_FOUND", None, "The specified default main mode authentication list was not found."),
    row(13015, "ERROR_IPSEC_DEFAULT_QM_POLICY_NOT_FOUND", None, "The specified default quick mode policy was not found."),
    row(13016, "ERROR_IPSEC_TUNNEL_FILTER_EXISTS", None, "The specified tunnel mode filter exists."),
    row(13017, "ERROR_IPSEC_TUNNEL_FILTER_NOT_FOUND", None, "The specified tunnel mode filter was not found."),
    row(13018, "ERROR_IPSEC_MM_FILTER_PENDING_DELETION", None, "The Main Mode filter is pending deletion."),
    row(13019, "ERROR_IPSEC_TRANSPORT_FILTER_PENDING_DELETION", None, "The transport filter is pending deletion."),
    row(13020, "ERROR_IPSEC_TUNNEL_FILTER_PENDING_DELETION", None, "The tunnel filter is pending deletion."),
    row(13021, "ERROR_IPSEC_MM_POLICY_PENDING_DELETION", None, "The Main Mode policy is pending deletion."),
    row(13022, "ERROR_IPSEC_MM_AUTH_PENDING_DELETION", None, "The Main Mode authentication bundle is pending deletion."),
    row(13023, "ERROR_IPSEC_QM_POLICY_PENDING_DELETION", None, "The Quick Mode policy is pending deletion."),
    row(13800, "ERROR_IPSEC_IKE_NEG_STATUS_BEGIN", None, ""),
    row(13801, "ERROR_IPSEC_IKE_AUTH_FAIL", Some(Reason::AuthenticationFailed), "IKE authentication credentials are unacceptable."),
    row(13802, "ERROR_IPSEC_IKE_ATTRIB_FAIL", Some(Reason::NoProposalChosen), "IKE security attributes are unacceptable."),
    row(13803, "ERROR_IPSEC_IKE_NEGOTIATION_PENDING", None, "IKE Negotiation in progress."),
    row(13804, "ERROR_IPSEC_IKE_GENERAL_PROCESSING_ERROR", Some(Reason::Other), "General processing error."),
    row(13805, "ERROR_IPSEC_IKE_TIMED_OUT", Some(Reason::Timeout), "Negotiation timed out."),
    row(13806, "ERROR_IPSEC_IKE_NO_CERT", Some(Reason::CertificateInvalid), "IKE failed to find valid machine certificate. Contact your Network Security Administrator about installing a valid certificate in the appropriate Certificate Store."),
    row(13807, "ERROR_IPSEC_IKE_SA_DELETED", Some(Reason::PeerDeleted), "IKE SA deleted by peer before establishment completed."),
    row(13808, "ERROR_IPSEC_IKE_SA_REAPED", Some(Reason::SaDeleted), "IKE SA deleted before establishment completed."),
    row(13809, "ERROR_IPSEC_IKE_MM_ACQUIRE_DROP", Some(Reason::Timeout), "Negotiation request sat in Queue too long."),
    row(13810, "ERROR_IPSEC_IKE_QM_ACQUIRE_DROP", Some(Reason::Timeout), "Negotiation request sat in Queue too long."),
    row(13811, "ERROR_IPSEC_IKE_QUEUE_DROP_MM", Some(Reason::Timeout), "Negotiation request sat in Queue too long."),
    row(13812, "ERROR_IPSEC_IKE_QUEUE_DROP_NO_MM", Some(Reason::Timeout), "Negotiation request sat in Queue too long."),
    row(13813, "ERROR_IPSEC_IKE_DROP_NO_RESPONSE", Some(Reason::NoResponse), "No response from peer."),
    row(13814, "ERROR_IPSEC_IKE_MM_DELAY_DROP", Some(Reason::Timeout), "Negotiation took too long."),
    row(13815, "ERROR_IPSEC_IKE_QM_DELAY_DROP", Some(Reason::Timeout), "Negotiation took too long."),
    row(13816, "ERROR_IPSEC_IKE_ERROR", Some(Reason::Other), "Unknown error occurred."),
    row(13817, "ERROR_IPSEC_IKE_CRL_FAILED", Some(Reason::CertificateInvalid), "Certificate Revocation Check failed."),
    row(13818, "ERROR_IPSEC_IKE_INVALID_KEY_USAGE", Some(Reason::CertificateInvalid), "Invalid certificate key usage."),
    row(13819, "ERROR_IPSEC_IKE_INVALID_CERT_TYPE", Some(Reason::CertificateInvalid), "Invalid certificate type."),
    row(13820, "ERROR_IPSEC_IKE_NO_PRIVATE_KEY", Some(Reason::CertificateInvalid), "IKE negotiation failed because the machine certificate used does not have a private key. IPsec certificates require a private key. Contact your Network Security administrator about replacing with a certificate that has a private key."),
    row(13821, "ERROR_IPSEC_IKE_SIMULTANEOUS_REKEY", None, "Simultaneous rekeys were detected."),
    row(13822, "ERROR_IPSEC_IKE_DH_FAIL", Some(Reason::InvalidKe), "Failure in Diffie-Hellman computation."),
    row(13823, "ERROR_IPSEC_IKE_CRITICAL_PAYLOAD_NOT_RECOGNIZED", Some(Reason::Other), "Don't know how to process critical payload."),
    row(13824, "ERROR_IPSEC_IKE_INVALID_HEADER", Some(Reason::Other), "Invalid header."),
    row(13825, "ERROR_IPSEC_IKE_NO_POLICY", Some(Reason::PolicyMismatch), "No policy configured."),
    row(13826, "ERROR_IPSEC_IKE_INVALID_SIGNATURE", Some(Reason::AuthenticationFailed), "Failed to verify signature."),
    row(13827, "ERROR_IPSEC_IKE_KERBEROS_ERROR", Some(Reason::KerberosFailed), "Failed to authenticate using Kerberos."),
    row(13828, "ERROR_IPSEC_IKE_NO_PUBLIC_KEY", Some(Reason::CertificateInvalid), "Peer's certificate did not have a public key."),
    row(13829, "ERROR_IPSEC_IKE_PROCESS_ERR", Some(Reason::Other), "Error processing error payload."),
    row(13830, "ERROR_IPSEC_IKE_PROCESS_ERR_SA", Some(Reason::Other), "Error processing SA payload."),
    row(13831, "ERROR_IPSEC_IKE_PROCESS_ERR_PROP", Some(Reason::Other), "Error processing Proposal payload."),
    row(13832, "ERROR_IPSEC_IKE_PROCESS_ERR_TRANS", Some(Reason::Other), "Error processing Transform payload."),
    row(13833, "ERROR_IPSEC_IKE_PROCESS_ERR_KE", Some(Reason::InvalidKe), "Error processing KE payload."),
    row(13834, "ERROR_IPSEC_IKE_PROCESS_ERR_ID", Some(Reason::AuthenticationFailed), "Error processing ID payload."),
    row(13835, "ERROR_IPSEC_IKE_PROCESS_ERR_CERT", Some(Reason::CertificateInvalid), "Error processing Cert payload."),
    row(13836, "ERROR_IPSEC_IKE_PROCESS_ERR_CERT_REQ", Some(Reason::CertificateInvalid), "Error processing Certificate Request payload."),
    row(13837, "ERROR_IPSEC_IKE_PROCESS_ERR_HASH", Some(Reason::AuthenticationFailed), "Error processing Hash payload."),
    row(13838, "ERROR_IPSEC_IKE_PROCESS_ERR_SIG", Some(Reason::AuthenticationFailed), "Error processing Signature payload."),
    row(13839, "ERROR_IPSEC_IKE_PROCESS_ERR_NONCE", Some(Reason::Other), "Error processing Nonce payload."),
    row(13840, "ERROR_IPSEC_IKE_PROCESS_ERR_NOTIFY", Some(Reason::Other), "Error processing Notify payload."),
    row(13841, "ERROR_IPSEC_IKE_PROCESS_ERR_DELETE", Some(Reason::Other), "Error processing Delete Payload."),
    row(13842, "ERROR_IPSEC_IKE_PROCESS_ERR_VENDOR", Some(Reason::Other), "Error processing VendorId payload."),
    row(13843, "ERROR_IPSEC_IKE_INVALID_PAYLOAD", Some(Reason::Other), "Invalid payload received."),
    row(13844, "ERROR_IPSEC_IKE_LOAD_SOFT_SA", Some(Reason::FallbackToClear), "Soft SA loaded."),
    row(13845, "ERROR_IPSEC_IKE_SOFT_SA_TORN_DOWN", Some(Reason::FallbackToClear), "Soft SA torn down."),
    row(13846, "ERROR_IPSEC_IKE_INVALID_COOKIE", Some(Reason::Other), "Invalid cookie received."),
    row(13847, "ERROR_IPSEC_IKE_NO_PEER_CERT", Some(Reason::CertificateInvalid), "Peer failed to send valid machine certificate."),
    row(13848, "ERROR_IPSEC_IKE_PEER_CRL_FAILED", Some(Reason::CertificateInvalid), "Certification Revocation check of peer's certificate failed."),
    row(13849, "ERROR_IPSEC_IKE_POLICY_CHANGE", Some(Reason::PolicyChanged), "New policy invalidated SAs formed with old policy."),
    row(13850, "ERROR_IPSEC_IKE_NO_MM_POLICY", Some(Reason::PolicyMismatch), "There is no available Main Mode IKE policy."),
    row(13851, "ERROR_IPSEC_IKE_NOTCBPRIV", Some(Reason::Other), "Failed to enabled TCB privilege."),
    row(13852, "ERROR_IPSEC_IKE_SECLOADFAIL", Some(Reason::Other), "Failed to load SECURITY.DLL."),
    row(13853, "ERROR_IPSEC_IKE_FAILSSPINIT", Some(Reason::KerberosFailed), "Failed to obtain security function table dispatch address from SSPI."),
    row(13854, "ERROR_IPSEC_IKE_FAILQUERYSSP", Some(Reason::KerberosFailed), "Failed to query Kerberos package to obtain max token size."),
    row(13855, "ERROR_IPSEC_IKE_SRVACQFAIL", Some(Reason::KerberosFailed), "Failed to obtain Kerberos server credentials for ISAKMP/ERROR_IPSEC_IKE service. Kerberos authentication will not function. The most likely reason for this is lack of domain membership. This is normal if your computer is a member of a workgroup."),
    row(13856, "ERROR_IPSEC_IKE_SRVQUERYCRED", Some(Reason::KerberosFailed), "Failed to determine SSPI principal name for ISAKMP/ERROR_IPSEC_IKE service (QueryCredentialsAttributes)."),
    row(13857, "ERROR_IPSEC_IKE_GETSPIFAIL", Some(Reason::PolicyMismatch), "Failed to obtain new SPI for the inbound SA from IPsec driver. The most common cause for this is that the driver does not have the correct filter. Check your policy to verify the filters."),
    row(13858, "ERROR_IPSEC_IKE_INVALID_FILTER", Some(Reason::PolicyMismatch), "Given filter is invalid."),
    row(13859, "ERROR_IPSEC_IKE_OUT_OF_MEMORY", Some(Reason::Other), "Memory allocation failed."),
    row(13860, "ERROR_IPSEC_IKE_ADD_UPDATE_KEY_FAILED", Some(Reason::Other), "Failed to add Security Association to IPsec Driver. The most common cause for this is if the IKE negotiation took too long to complete. If the problem persists, reduce the load on the faulting machine."),
    row(13861, "ERROR_IPSEC_IKE_INVALID_POLICY", Some(Reason::PolicyMismatch), "Invalid policy."),
    row(13862, "ERROR_IPSEC_IKE_UNKNOWN_DOI", Some(Reason::Other), "Invalid DOI."),
    row(13863, "ERROR_IPSEC_IKE_INVALID_SITUATION", Some(Reason::Other), "Invalid situation."),
    row(13864, "ERROR_IPSEC_IKE_DH_FAILURE", Some(Reason::InvalidKe), "Diffie-Hellman failure."),
    row(13865, "ERROR_IPSEC_IKE_INVALID_GROUP", Some(Reason::InvalidKe), "Invalid Diffie-Hellman group."),
    row(13866, "ERROR_IPSEC_IKE_ENCRYPT", Some(Reason::Other), "Error encrypting payload."),
    row(13867, "ERROR_IPSEC_IKE_DECRYPT", Some(Reason::Other), "Error decrypting payload."),
    row(13868, "ERROR_IPSEC_IKE_POLICY_MATCH", Some(Reason::NoProposalChosen), "Policy match error."),
    row(13869, "ERROR_IPSEC_IKE_UNSUPPORTED_ID", Some(Reason::PolicyMismatch), "Unsupported ID."),
    row(13870, "ERROR_IPSEC_IKE_INVALID_HASH", Some(Reason::AuthenticationFailed), "Hash verification failed."),
    row(13871, "ERROR_IPSEC_IKE_INVALID_HASH_ALG", Some(Reason::NoProposalChosen), "Invalid hash algorithm."),
    row(13872, "ERROR_IPSEC_IKE_INVALID_HASH_SIZE", Some(Reason::NoProposalChosen), "Invalid hash size."),
    row(13873, "ERROR_IPSEC_IKE_INVALID_ENCRYPT_ALG", Some(Reason::NoProposalChosen), "Invalid encryption algorithm."),
    row(13874, "ERROR_IPSEC_IKE_INVALID_AUTH_ALG", Some(Reason::NoProposalChosen), "Invalid authentication algorithm."),
    row(13875, "ERROR_IPSEC_IKE_INVALID_SIG", Some(Reason::CertificateInvalid), "Invalid certificate signature."),
    row(13876, "ERROR_IPSEC_IKE_LOAD_FAILED", Some(Reason::Other), "Load failed."),
    row(13877, "ERROR_IPSEC_IKE_RPC_DELETE", Some(Reason::SaDeleted), "Deleted via RPC call."),
    row(13878, "ERROR_IPSEC_IKE_BENIGN_REINIT", None, "Temporary state created to perform reinitialization. This is not a real failure."),
    row(13879, "ERROR_IPSEC_IKE_INVALID_RESPONDER_LIFETIME_NOTIFY", Some(Reason::PolicyMismatch), "The lifetime value received in the Responder Lifetime Notify is below the Windows 2000 configured minimum value. Please fix the policy on the peer machine."),
    row(13880, "ERROR_IPSEC_IKE_INVALID_MAJOR_VERSION", Some(Reason::PolicyMismatch), "The recipient cannot handle version of IKE specified in the header."),
    row(13881, "ERROR_IPSEC_IKE_INVALID_CERT_KEYLEN", Some(Reason::CertificateInvalid), "Key length in certificate is too small for configured security requirements."),
    row(13882, "ERROR_IPSEC_IKE_MM_LIMIT", Some(Reason::DosProtection), "Max number of established MM SAs to peer exceeded."),
    row(13883, "ERROR_IPSEC_IKE_NEGOTIATION_DISABLED", Some(Reason::PolicyMismatch), "IKE received a policy that disables negotiation."),
    row(13884, "ERROR_IPSEC_IKE_QM_LIMIT", None, "Reached maximum quick mode limit for the main mode. New main mode will be started."),
    row(13885, "ERROR_IPSEC_IKE_MM_EXPIRED", Some(Reason::SaDeleted), "Main mode SA lifetime expired or peer sent a main mode delete."),
    row(13886, "ERROR_IPSEC_IKE_PEER_MM_ASSUMED_INVALID", Some(Reason::NoResponse), "Main mode SA assumed to be invalid because peer stopped responding."),
    row(13887, "ERROR_IPSEC_IKE_CERT_CHAIN_POLICY_MISMATCH", Some(Reason::CertificateInvalid), "Certificate doesn't chain to a trusted root in IPsec policy."),
    row(13888, "ERROR_IPSEC_IKE_UNEXPECTED_MESSAGE_ID", Some(Reason::Other), "Received unexpected message ID."),
    row(13889, "ERROR_IPSEC_IKE_INVALID_AUTH_PAYLOAD", Some(Reason::AuthenticationFailed), "Received invalid authentication offers."),
    row(13890, "ERROR_IPSEC_IKE_DOS_COOKIE_SENT", Some(Reason::DosProtection), "Sent DoS cookie notify to initiator."),
    row(13891, "ERROR_IPSEC_IKE_SHUTTING_DOWN", Some(Reason::ServiceStopped), "IKE service is shutting down."),
    row(13892, "ERROR_IPSEC_IKE_CGA_AUTH_FAILED", Some(Reason::AuthenticationFailed), "Could not verify binding between CGA address and certificate."),
    row(13893, "ERROR_IPSEC_IKE_PROCESS_ERR_NATOA", Some(Reason::Other), "Error processing NatOA payload."),
    row(13894, "ERROR_IPSEC_IKE_INVALID_MM_FOR_QM", Some(Reason::PolicyMismatch), "Parameters of the main mode are invalid for this quick mode."),
    row(13895, "ERROR_IPSEC_IKE_QM_EXPIRED", Some(Reason::SaDeleted), "Quick mode SA was expired by IPsec driver."),
    row(13896, "ERROR_IPSEC_IKE_TOO_MANY_FILTERS", Some(Reason::DosProtection), "Too many dynamically added IKEEXT filters were detected."),
    row(13897, "ERROR_IPSEC_IKE_NEG_STATUS_END", None, ""),
    row(13898, "ERROR_IPSEC_IKE_KILL_DUMMY_NAP_TUNNEL", None, "NAP reauth succeeded and must delete the dummy NAP IKEv2 tunnel."),
    row(13899, "ERROR_IPSEC_IKE_INNER_IP_ASSIGNMENT_FAILURE", Some(Reason::PolicyMismatch), "Error in assigning inner IP address to initiator in tunnel mode."),
    row(13900, "ERROR_IPSEC_IKE_REQUIRE_CP_PAYLOAD_MISSING", Some(Reason::PolicyMismatch), "Require configuration payload missing."),
    row(13901, "ERROR_IPSEC_KEY_MODULE_IMPERSONATION_NEGOTIATION_PENDING", None, "A negotiation running as the security principle who issued the connection is in progress."),
    row(13902, "ERROR_IPSEC_IKE_COEXISTENCE_SUPPRESS", None, "SA was deleted due to IKEv1/AuthIP co-existence suppress check."),
    row(13903, "ERROR_IPSEC_IKE_RATELIMIT_DROP", Some(Reason::DosProtection), "Incoming SA request was dropped due to peer IP address rate limiting."),
    row(13904, "ERROR_IPSEC_IKE_PEER_DOESNT_SUPPORT_MOBIKE", None, "Peer does not support MOBIKE."),
    row(13905, "ERROR_IPSEC_IKE_AUTHORIZATION_FAILURE", Some(Reason::AuthenticationFailed), "SA establishment is not authorized."),
    row(13906, "ERROR_IPSEC_IKE_STRONG_CRED_AUTHORIZATION_FAILURE", Some(Reason::AuthenticationFailed), "SA establishment is not authorized because there is not a sufficiently strong PKINIT-based credential."),
    row(13907, "ERROR_IPSEC_IKE_AUTHORIZATION_FAILURE_WITH_OPTIONAL_RETRY", Some(Reason::AuthenticationFailed), "SA establishment is not authorized. You may need to enter updated or different credentials such as a smartcard."),
    row(13908, "ERROR_IPSEC_IKE_STRONG_CRED_AUTHORIZATION_AND_CERTMAP_FAILURE", Some(Reason::AuthenticationFailed), "SA establishment is not authorized because there is not a sufficiently strong PKINIT-based credential. This might be related to certificate-to-account mapping failure for the SA."),
    row(13909, "ERROR_IPSEC_IKE_NEG_STATUS_EXTENDED_END", None, ""),
    row(13910, "ERROR_IPSEC_BAD_SPI", Some(Reason::Other), "The SPI in the packet does not match a valid IPsec SA."),
    row(13911, "ERROR_IPSEC_SA_LIFETIME_EXPIRED", Some(Reason::SaDeleted), "Packet was received on an IPsec SA whose lifetime has expired."),
    row(13912, "ERROR_IPSEC_WRONG_SA", Some(Reason::PolicyMismatch), "Packet was received on an IPsec SA that does not match the packet characteristics."),
    row(13913, "ERROR_IPSEC_REPLAY_CHECK_FAILED", Some(Reason::Replay), "Packet sequence number replay check failed."),
    row(13914, "ERROR_IPSEC_INVALID_PACKET", Some(Reason::Other), "IPsec header and/or trailer in the packet is invalid."),
    row(13915, "ERROR_IPSEC_INTEGRITY_CHECK_FAILED", Some(Reason::IntegrityFailed), "IPsec integrity check failed."),
    row(13916, "ERROR_IPSEC_CLEAR_TEXT_DROP", None, "IPsec dropped a clear text packet."),
    row(13917, "ERROR_IPSEC_AUTH_FIREWALL_DROP", None, "IPsec dropped an incoming ESP packet in authenticated firewall mode. This drop is benign."),
    row(13918, "ERROR_IPSEC_THROTTLE_DROP", Some(Reason::DosProtection), "IPsec dropped a packet due to DoS throttling."),
    row(13925, "ERROR_IPSEC_DOSP_BLOCK", Some(Reason::DosProtection), "IPsec DoS Protection matched an explicit block rule."),
    row(13926, "ERROR_IPSEC_DOSP_RECEIVED_MULTICAST", Some(Reason::DosProtection), "IPsec DoS Protection received an IPsec specific multicast packet which is not allowed."),
    row(13927, "ERROR_IPSEC_DOSP_INVALID_PACKET", Some(Reason::DosProtection), "IPsec DoS Protection received an incorrectly formatted packet."),
    row(13928, "ERROR_IPSEC_DOSP_STATE_LOOKUP_FAILED", Some(Reason::DosProtection), "IPsec DoS Protection failed to look up state."),
    row(13929, "ERROR_IPSEC_DOSP_MAX_ENTRIES", Some(Reason::DosProtection), "IPsec DoS Protection failed to create state because the maximum number of entries allowed by policy has been reached."),
    row(13930, "ERROR_IPSEC_DOSP_KEYMOD_NOT_ALLOWED", Some(Reason::DosProtection), "IPsec DoS Protection received an IPsec negotiation packet for a keying module which is not allowed by policy."),
    row(13931, "ERROR_IPSEC_DOSP_NOT_INSTALLED", None, "IPsec DoS Protection has not been enabled."),
    row(13932, "ERROR_IPSEC_DOSP_MAX_PER_IP_RATELIMIT_QUEUES", Some(Reason::DosProtection), "IPsec DoS Protection failed to create a per internal IP rate limit queue because the maximum number of queues allowed by policy has been reached."),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn reason_of(field: &str) -> Option<Reason> {
        windows_error_in(field).and_then(|row| row.reason)
    }

    #[test]
    fn codes_are_sorted_and_unique() {
        assert!(WINDOWS_ERRORS.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn codes_that_share_a_text_share_the_reason() {
        for row in WINDOWS_ERRORS.iter().filter(|row| !row.text.is_empty()) {
            assert_eq!(reason_of(row.text), row.reason, "{}", row.code);
        }
    }

    #[test]
    fn texts_are_found_however_they_end() {
        let check = |text, reason| assert_eq!(reason_of(text), Some(reason), "{text}");
        check("IKE authentication credentials are unacceptable\r\n", Reason::AuthenticationFailed);
        check("Policy match error\r\n", Reason::NoProposalChosen);
        check("Negotiation timed out", Reason::Timeout);
        check("No response from peer.", Reason::NoResponse);
        check("IKE failed to find valid machine certificate", Reason::CertificateInvalid);
        check("Failed to authenticate using Kerberos", Reason::KerberosFailed);
    }

    #[test]
    fn numbers_are_found_in_both_notations() {
        assert_eq!(reason_of("13891"), Some(Reason::ServiceStopped));
        assert_eq!(reason_of("0x3643"), Some(Reason::ServiceStopped));
        assert_eq!(windows_error(0xCBAD_032D).map(|row| row.code), Some(13813));
        assert_eq!(windows_error(0xCBAD_0320), None);
    }

    #[test]
    fn nothing_and_foreign_words_are_no_error() {
        for field in ["", "-", "\r\n", "Zeitüberschreitung bei der Aushandlung", "99999"] {
            assert_eq!(windows_error_in(field), None, "{field}");
        }
    }

    #[test]
    fn names_are_found() {
        let row = windows_error_named("error_ipsec_ike_drop_no_response");
        assert_eq!(row.map(|row| row.code), Some(13813));
    }

    /// Every text that Windows 2000 has for the failure of a negotiation (oakley.dll 5.0.2195.6662);
    /// 13809 to 13812 share one, and 13814 and 13815.
    #[rustfmt::skip]
    const OF_WINDOWS_2000: &[(u32, &str)] = &[
        (13801, "IKE authentication credentials are unacceptable"),
        (13802, "IKE security attributes are unacceptable"),
        (13803, "IKE Negotiation in progress"),
        (13804, "General processing error"),
        (13805, "Negotiation timed out"),
        (13806, "IKE failed to find valid machine certificate"),
        (13807, "IKE SA deleted by peer before establishment completed"),
        (13808, "IKE SA deleted before establishment completed"),
        (13809, "Negotiation request sat in Queue too long"),
        (13813, "No response from peer"),
        (13814, "Negotiation took too long"),
        (13816, "Unknown error occurred"),
        (13817, "Certificate Revocation Check failed"),
        (13818, "Invalid certificate key usage"),
        (13819, "Invalid certificate type"),
        (13820, "No private key associated with machine certificate"),
        (13822, "Failure in Diffie-Helman computation"),
        (13824, "Invalid header"),
        (13825, "No policy configured"),
        (13826, "Failed to verify signature"),
        (13827, "Failed to authenticate using kerberos"),
        (13828, "Peer's certificate did not have a public key"),
        (13829, "Error processing error payload"),
        (13830, "Error processing SA payload"),
        (13831, "Error processing Proposal payload"),
        (13832, "Error processing Transform payload"),
        (13833, "Error processing KE payload"),
        (13834, "Error processing ID payload"),
        (13835, "Error processing Cert payload"),
        (13836, "Error processing Certificate Request payload"),
        (13837, "Error processing Hash payload"),
        (13838, "Error processing Signature payload"),
        (13839, "Error processing Nonce payload"),
        (13840, "Error processing Notify payload"),
        (13841, "Error processing Delete Payload"),
        (13842, "Error processing VendorId payload"),
        (13843, "Invalid payload received"),
        (13844, "Soft SA loaded"),
        (13845, "Soft SA torn down"),
        (13846, "Invalid cookie received."),
        (13847, "Peer failed to send valid machine certificate"),
        (13848, "Certification Revocation check of peer's certificate failed"),
        (13849, "New policy invalidated SAs formed with old policy"),
        (13855, "Failed to obtain Kerberos server credentials for ISAKMP/Oakley service.  Kerberos authentication will not function."),
        (13856, "Failed to determine SSPI principal name for ISAKMP/Oakley service (QueryCredentialsAttributes)."),
        (13857, "Failed to obtain new SPI for the inbound SA from Ipsec driver.  The most common cause for this is that the driver does not have the correct filter.  Check your policy to verify the filters."),
        (13858, "Given filter is invalid"),
        (13859, "Memory allocation failed.  "),
        (13860, "Failed to add Security Association to IPSec Driver.  The most common cause for this is if the IKE negotiation took too long to complete.  If the problem persists, reduce the load on the faulting machine."),
        (13861, "Invalid policy"),
        (13862, "Invalid DOI"),
        (13863, "Invalid situation"),
        (13864, "Diffie-Hellman failure"),
        (13865, "Invalid Diffie-Hellman group"),
        (13866, "Error encrypting payload"),
        (13867, "Error decrypting payload"),
        (13868, "Policy match error"),
        (13869, "Unsupported ID"),
        (13870, "Hash verification failed"),
        (13871, "Invalid hash algorithm"),
        (13872, "Invalid hash size"),
        (13873, "Invalid encryption algorithm"),
        (13874, "Invalid authentication algorithm"),
        (13875, "Invalid certificate signature"),
        (13876, "Load failed"),
    ];

    #[test]
    fn every_text_of_windows_2000_is_known() {
        for (code, text) in OF_WINDOWS_2000 {
            let text = format!("{text}\r\n");
            assert_eq!(windows_error_in(&text).map(|row| row.code), Some(*code), "{text}");
        }
    }
}
