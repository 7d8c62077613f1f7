//! The names of events' fields in the order of their values, for exports that show values alone.
//!
//! The same event and version differ between builds of Windows, so a list is chosen by the number
//! of its values. Events without fields have no row.

/// The names of an audit event's values, where one of its layouts has so many.
#[must_use]
pub fn field_names(id: u16, count: usize) -> Option<Vec<&'static str>> {
    let names = FIELDS.iter().filter(|row| row.0 == id).map(|row| row.1.split(' '));
    names.map(Iterator::collect).find(|names: &Vec<_>| names.len() == count)
}

/// Whether an audit event has a field of that name, in one of its layouts.
#[must_use]
pub fn is_field_of(id: u16, name: &str) -> bool {
    let mut layouts = FIELDS.iter().filter(|row| row.0 == id);
    layouts.any(|row| row.1.split(' ').any(|field| field == name))
}

/// Sources: the manifests of Microsoft-Windows-Security-Auditing in Windows 7, 10 and 11
/// (repnz/etw-providers-docs, jdu2600/Windows10EtwEvents); of 1102, real logs.
#[rustfmt::skip]
const FIELDS: &[(u16, &str)] = &[
    (1102, "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId"),
    (1102, "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId ClientProcessId ClientProcessStartKey"),
    (4616, "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId PreviousTime NewTime ProcessId ProcessName"),
    (4616, "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId PreviousDate PreviousTime NewDate NewTime ProcessId ProcessName"),
    (4646, "notification"),
    (4650, "LocalMMPrincipalName RemoteMMPrincipalName LocalAddress LocalKeyModPort RemoteAddress RemoteKeyModPort KeyModName MMAuthMethod MMCipherAlg MMIntegrityAlg DHGroup MMLifetime QMLimit Role MMImpersonationState MMFilterID MMSAID"),
    (4651, "LocalMMPrincipalName LocalMMCertHash LocalMMIssuingCA LocalMMRootCA RemoteMMPrincipalName RemoteMMCertHash RemoteMMIssuingCA RemoteMMRootCA LocalAddress LocalKeyModPort RemoteAddress RemoteKeyModPort KeyModName MMAuthMethod MMCipherAlg MMIntegrityAlg DHGroup MMLifetime QMLimit Role MMImpersonationState MMFilterID MMSAID"),
    (4652, "LocalMMPrincipalName LocalMMCertHash LocalMMIssuingCA LocalMMRootCA RemoteMMPrincipalName RemoteMMCertHash RemoteMMIssuingCA RemoteMMRootCA LocalAddress LocalKeyModPort RemoteAddress RemoteKeyModPort KeyModName FailurePoint FailureReason MMAuthMethod State Role MMImpersonationState MMFilterID InitiatorCookie ResponderCookie"),
    (4653, "LocalMMPrincipalName RemoteMMPrincipalName LocalAddress LocalKeyModPort RemoteAddress RemoteKeyModPort KeyModName FailurePoint FailureReason MMAuthMethod State Role MMImpersonationState MMFilterID InitiatorCookie ResponderCookie"),
    (4654, "LocalAddress LocalAddressMask LocalPort LocalTunnelEndpoint RemoteAddress RemoteAddressMask RemotePort RemoteTunnelEndpoint Protocol RemotePrivateAddress KeyModName FailurePoint FailureReason Mode State Role MessageID QMFilterID MMSAID"),
    (4654, "LocalAddress LocalAddressMask LocalPort LocalTunnelEndpoint RemoteAddress RemoteAddressMask RemotePort RemoteTunnelEndpoint Protocol RemotePrivateAddress KeyModName FailurePoint FailureReason Mode State Role MessageID QMFilterID MMSAID TunnelId TrafficSelectorId"),
    (4655, "LocalAddress RemoteAddress KeyModName MMSAID"),
    (4709, "param1 param2 param3"),
    (4710, "param1 param2"),
    (4711, "param1"),
    (4712, "param1"),
    (4719, "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId CategoryId SubcategoryId SubcategoryGuid AuditPolicyChanges"),
    (4719, "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId CategoryId SubcategoryId SubcategoryGuid AuditPolicyChanges ClientProcessId ClientProcessStartKey"),
    (4912, "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId TargetUserSid CategoryId SubcategoryId SubcategoryGuid AuditPolicyChanges"),
    (4960, "RemoteAddress SPI"),
    (4961, "RemoteAddress SPI"),
    (4962, "RemoteAddress SPI"),
    (4963, "RemoteAddress SPI"),
    (4965, "RemoteAddress SPI"),
    (4976, "LocalAddress RemoteAddress KeyModName"),
    (4977, "LocalAddress RemoteAddress KeyModName"),
    (4978, "LocalAddress RemoteAddress KeyModName"),
    (4979, "LocalMMPrincipalName RemoteMMPrincipalName LocalAddress LocalKeyModPort RemoteAddress RemoteKeyModPort MMAuthMethod MMCipherAlg MMIntegrityAlg DHGroup MMLifetime QMLimit Role MMImpersonationState MMFilterID MMSAID LocalEMPrincipalName RemoteEMPrincipalName EMAuthMethod EMImpersonationState QMFilterID"),
    (4980, "LocalMMPrincipalName RemoteMMPrincipalName LocalAddress LocalKeyModPort RemoteAddress RemoteKeyModPort MMAuthMethod MMCipherAlg MMIntegrityAlg DHGroup MMLifetime QMLimit Role MMImpersonationState MMFilterID MMSAID LocalEMPrincipalName LocalEMCertHash LocalEMIssuingCA LocalEMRootCA RemoteEMPrincipalName RemoteEMCertHash RemoteEMIssuingCA RemoteEMRootCA EMImpersonationState QMFilterID"),
    (4981, "LocalMMPrincipalName LocalMMCertHash LocalMMIssuingCA LocalMMRootCA RemoteMMPrincipalName RemoteMMCertHash RemoteMMIssuingCA RemoteMMRootCA LocalAddress LocalKeyModPort RemoteAddress RemoteKeyModPort MMCipherAlg MMIntegrityAlg DHGroup MMLifetime QMLimit Role MMImpersonationState MMFilterID MMSAID LocalEMPrincipalName RemoteEMPrincipalName EMAuthMethod EMImpersonationState QMFilterID"),
    (4982, "LocalMMPrincipalName LocalMMCertHash LocalMMIssuingCA LocalMMRootCA RemoteMMPrincipalName RemoteMMCertHash RemoteMMIssuingCA RemoteMMRootCA LocalKeyModPort RemoteAddress RemoteKeyModPort MMCipherAlg MMIntegrityAlg DHGroup MMLifetime QMLimit Role MMImpersonationState MMFilterID MMSAID LocalEMPrincipalName LocalEMCertHash LocalEMIssuingCA LocalEMRootCA RemoteEMPrincipalName RemoteEMCertHash RemoteEMIssuingCA RemoteEMRootCA EMImpersonationState QMFilterID"),
    (4983, "LocalEMPrincipalName LocalEMCertHash LocalEMIssuingCA LocalEMRootCA RemoteEMPrincipalName RemoteEMCertHash RemoteEMIssuingCA RemoteEMRootCA LocalAddress LocalKeyModPort RemoteAddress RemoteKeyModPort FailurePoint FailureReason State Role EMImpersonationState QMFilterID"),
    (4984, "LocalEMPrincipalName RemoteEMPrincipalName LocalAddress LocalKeyModPort RemoteAddress RemoteKeyModPort FailurePoint FailureReason EMAuthMethod State Role EMImpersonationState QMFilterID"),
    (5040, "ProfileChanged AuthenticationSetId AuthenticationSetName"),
    (5041, "ProfileChanged AuthenticationSetId AuthenticationSetName"),
    (5042, "ProfileChanged AuthenticationSetId AuthenticationSetName"),
    (5043, "ProfileChanged ConnectionSecurityRuleId ConnectionSecurityRuleName"),
    (5044, "ProfileChanged ConnectionSecurityRuleId ConnectionSecurityRuleName"),
    (5045, "ProfileChanged ConnectionSecurityRuleId ConnectionSecurityRuleName"),
    (5046, "ProfileChanged CryptographicSetId CryptographicSetName"),
    (5047, "ProfileChanged CryptographicSetId CryptographicSetName"),
    (5048, "ProfileChanged CryptographicSetId CryptographicSetName"),
    (5049, "ProfileChanged IpSecSecurityAssociationId IpSecSecurityAssociationName"),
    (5148, "Type"),
    (5149, "Type PacketsDiscarded"),
    (5449, "ProcessId UserSid UserName ProviderKey ProviderName ChangeType ProviderContextKey ProviderContextName ProviderContextType"),
    (5451, "LocalAddress LocalAddressMask LocalPort LocalTunnelEndpoint RemoteAddress RemoteAddressMask RemotePort PeerPrivateAddress RemoteTunnelEndpoint IpProtocol KeyingModuleName AhAuthType EspAuthType CipherType LifetimeSeconds LifetimeKilobytes LifetimePackets Mode Role TransportFilterId MainModeSaId QuickModeSaId InboundSpi OutboundSpi"),
    (5451, "LocalAddress LocalAddressMask LocalPort LocalTunnelEndpoint RemoteAddress RemoteAddressMask RemotePort PeerPrivateAddress RemoteTunnelEndpoint IpProtocol KeyingModuleName AhAuthType EspAuthType CipherType LifetimeSeconds LifetimeKilobytes LifetimePackets Mode Role TransportFilterId MainModeSaId QuickModeSaId InboundSpi OutboundSpi TunnelId TrafficSelectorId"),
    (5452, "LocalAddress LocalPort LocalTunnelEndpoint RemoteAddress RemotePort RemoteTunnelEndpoint IpProtocol QuickModeSaId"),
    (5452, "LocalAddress LocalPort LocalTunnelEndpoint RemoteAddress RemotePort RemoteTunnelEndpoint IpProtocol QuickModeSaId TunnelId TrafficSelectorId"),
    (5452, "LocalAddress LocalAddressMask LocalPort LocalTunnelEndpoint RemoteAddress RemoteAddressMask RemotePort RemoteTunnelEndpoint IpProtocol QuickModeSaId TunnelId TrafficSelectorId"),
    (5456, "Policy"),
    (5457, "Policy Error"),
    (5458, "Policy"),
    (5459, "Policy Error"),
    (5460, "Policy"),
    (5461, "Policy Error"),
    (5462, "Policy Error"),
    (5471, "Policy"),
    (5472, "Policy Error"),
    (5473, "Policy"),
    (5474, "Policy Error"),
    (5477, "QuickModeFilter Error"),
    (5483, "Error"),
    (5484, "Error"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_chosen_by_its_number_of_values() {
        let old = field_names(5452, 8).unwrap_or_default();
        let new = field_names(5452, 12).unwrap_or_default();
        assert_eq!((old.get(1), new.get(1)), (Some(&"LocalPort"), Some(&"LocalAddressMask")));
        assert_eq!(field_names(5452, 9), None);
        assert_eq!(field_names(4624, 4), None);
    }

    #[test]
    fn every_row_is_of_a_known_event_and_no_two_have_the_same_length() {
        for (at, (id, names)) in FIELDS.iter().enumerate() {
            assert!(!crate::catalogue::events_numbered(*id).is_empty(), "{id}");
            let same = |row: &&(u16, &str)| {
                row.0 == *id && row.1.split(' ').count() == names.split(' ').count()
            };
            assert_eq!(FIELDS.iter().filter(same).count(), 1, "{at} {id}");
        }
    }
}
