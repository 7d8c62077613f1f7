//! How two hosts authenticate in phase 1 of IKEv1, and what a refusal means under it.

use super::IkeVersion;
use super::conversation::Conversation;
use super::proposal::TransformKind;
use crate::catalogue::{Reason, ike_vendor};

/// XAUTH or hybrid mode: by the method (private numbers of draft-ietf-ipsec-isakmp-xauth-06 §7.2 and
/// draft-ietf-ipsec-isakmp-hybrid-auth-05 §3.2.1), or by the vendor id.
pub(super) fn is_user_authentication(talk: &Conversation<'_>) -> bool {
    let ids = talk.messages().filter_map(|m| m.clear()).flat_map(|clear| &clear.vendor_ids);
    method(talk).is_some_and(|method| matches!(method, 64221..=64224 | 65001..=65010))
        || ids.filter_map(|id| ike_vendor(id.bytes())).any(|v| v.name == "XAUTH")
}

/// What a refused authentication means under the method that was agreed on, read in clear.
pub(super) fn refusal_of(talk: &Conversation<'_>) -> Reason {
    match method(talk) {
        // RFC 2409 appendix A; XAUTH with pre-shared keys, asked for by either side.
        Some(1 | 65002) => Reason::PskMismatchSuspected,
        // The same private number means Kerberos on Windows ([MS-IKEE] 2.2.3.1) and XAUTH with a key
        // elsewhere.
        Some(65001) if is_windows(talk) => Reason::KerberosFailed,
        Some(65001) => Reason::PskMismatchSuspected,
        _ => Reason::AuthenticationFailed,
    }
}

/// The method of authentication that was chosen, else the first that was offered.
fn method(talk: &Conversation<'_>) -> Option<u16> {
    let set = talk.chosen().or_else(|| talk.offered().first());
    set.and_then(|p| p.first(TransformKind::Authentication)).map(|t| t.id)
}

fn is_windows(talk: &Conversation<'_>) -> bool {
    let ids = talk.messages().filter_map(|m| m.clear()).flat_map(|clear| &clear.vendor_ids);
    talk.version == IkeVersion::AuthIp
        || ids.filter_map(|id| ike_vendor(id.bytes())).any(|v| v.name.starts_with("Windows"))
}
