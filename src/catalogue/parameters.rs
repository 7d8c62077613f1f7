//! The numbered texts (`%%nnnn`) that audit events carry in place of words.
//!
//! They are in Windows' msobjs.dll and are the same numbers on every language of the system.
//! Newer wordings are used where Vista's differ. Texts that a record spells out are not here.

/// The English text behind a `%%nnnn` number.
#[must_use]
pub fn parameter(number: u32) -> Option<&'static str> {
    let at = PARAMETERS.binary_search_by_key(&number, |row| row.0).ok()?;
    PARAMETERS.get(at).map(|row| row.1)
}

/// What a numbered text shows of a negotiation or an audit policy, beyond its words.
#[must_use]
pub fn parameter_note(number: u32) -> Option<&'static str> {
    NOTES.iter().find(|row| row.0 == number).map(|row| row.1)
}

/// The number of a value that is `%%nnnn` and nothing else, spaces around it aside.
#[must_use]
pub fn parameter_number(value: &str) -> Option<u32> {
    let digits = value.trim().strip_prefix("%%")?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// A value with every `%%nnnn` that is known replaced by its text; the rest unchanged.
#[must_use]
pub fn with_parameters_spelled(value: &str) -> String {
    let mut spelled = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("%%") {
        spelled.push_str(before);
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = after.split_at_checked(digits).unwrap_or(("", after));
        match number.parse().ok().and_then(parameter) {
            Some(text) => spelled.push_str(text),
            None => {
                spelled.push_str("%%");
                spelled.push_str(number);
            }
        }
        rest = tail;
    }
    spelled.push_str(rest);
    spelled
}

/// Where the texts are in a record and what follows from them.
const NOTES: &[(u32, &str)] = &[
    (
        8199,
        "As the failure point: this host ended the negotiation. Look at its own policy, certificates and keys.",
    ),
    (
        8200,
        "As the failure point: the peer ended it or never answered. Look at the peer's log for the same time.",
    ),
    (8201, "As the state of main mode: it failed before a message was sent."),
    (
        8202,
        "As the state of main mode: the first message was sent. With a responder cookie of zeros the peer never answered: check that it is up and UDP 500 and 4500 pass.",
    ),
    (
        8203,
        "As the state of main mode: the two agreed on algorithms and failed in the key exchange.",
    ),
    (
        8204,
        "As the state of main mode: the identities were sent, so it failed in authentication. Compare keys, certificates and clocks.",
    ),
    (8207, "As the state of quick mode: it failed before a message was sent."),
    (
        8208,
        "As the state of quick mode: its first message was sent; the two do not agree on algorithms or selectors, or the answer was lost.",
    ),
    (8209, "As the state of quick mode: its final message was sent."),
    (
        8448,
        "Successes of this subcategory are not recorded from here on. Turn it on: auditpol /set /subcategory:{GUID} /success:enable",
    ),
    (8449, "Successes of this subcategory are recorded from here on."),
    (
        8450,
        "Failures of this subcategory are not recorded from here on. Turn it on: auditpol /set /subcategory:{GUID} /failure:enable",
    ),
    (8451, "Failures of this subcategory are recorded from here on."),
];

/// A value of words as the numbers they mean, as records have it before it is put into words;
/// the text as it is where one of its parts is not known. Lists are parted by commas.
#[must_use]
pub fn parameter_of_text(text: &str) -> String {
    let number = |part: &str| {
        let row = PARAMETERS.iter().chain(VISTA).find(|row| row.1.eq_ignore_ascii_case(part));
        row.map(|row| format!("%%{}", row.0))
    };
    let parts: Option<Vec<String>> =
        text.split(", ").map(|part| number(part.trim().trim_end_matches('.'))).collect();
    parts.map_or_else(|| text.to_owned(), |parts| parts.join(", "))
}

/// Wordings of Vista that newer systems changed.
const VISTA: &[(u32, &str)] = &[
    (8214, "IKE DoS-prevention mode started"),
    (8215, "IKE DoS-prevention mode stopped"),
    (8222, "IKE"),
    (8232, "DH group 2048"),
];

/// Source: libyal winevt-kb, message table of msobjs.dll; sorted by number.
#[rustfmt::skip]
static PARAMETERS: &[(u32, &str)] = &[
    (8192, "Kerberos"),
    (8193, "Preshared key"),
    (8194, "Unknown authentication"),
    (8195, "DES"),
    (8196, "3DES"),
    (8197, "MD5"),
    (8198, "SHA1"),
    (8199, "Local computer"),
    (8200, "Remote computer"),
    (8201, "No state"),
    (8202, "Sent first (SA) payload"),
    (8203, "Sent second (KE) payload"),
    (8204, "Sent third (ID) payload"),
    (8205, "Initiator"),
    (8206, "Responder"),
    (8207, "No state"),
    (8208, "Sent first (SA) payload"),
    (8209, "Sent final payload"),
    (8210, "Complete"),
    (8211, "Unknown"),
    (8212, "Transport"),
    (8213, "Tunnel"),
    (8214, "IKE/AuthIP DoS prevention mode started"),
    (8215, "IKE/AuthIP DoS prevention mode stopped"),
    (8216, "Enabled"),
    (8217, "Not enabled"),
    (8218, "No state"),
    (8219, "Sent first (EM attributes) payload"),
    (8220, "Sent second (SSPI) payload"),
    (8221, "Sent third (hash) payload"),
    (8222, "IKEv1"),
    (8223, "AuthIP"),
    (8224, "Anonymous"),
    (8225, "NTLM V2"),
    (8226, "CGA"),
    (8227, "Certificate"),
    (8228, "SSL"),
    (8229, "None"),
    (8230, "DH group 1"),
    (8231, "DH group 2"),
    (8232, "DH group 14"),
    (8233, "DH group ECP 256"),
    (8234, "DH group ECP 384"),
    (8235, "AES-128"),
    (8236, "AES-192"),
    (8237, "AES-256"),
    (8238, "Certificate ECDSA P256"),
    (8239, "Certificate ECDSA P384"),
    (8240, "SSL ECDSA P256"),
    (8241, "SSL ECDSA P384"),
    (8242, "SHA 256"),
    (8243, "SHA 384"),
    (8244, "IKEv2"),
    (8245, "EAP payload sent"),
    (8246, "Authentication payload sent"),
    (8247, "EAP"),
    (8248, "DH group 24"),
    (8272, "System"),
    (8273, "Logon/Logoff"),
    (8274, "Object Access"),
    (8275, "Privilege Use"),
    (8276, "Detailed Tracking"),
    (8277, "Policy Change"),
    (8278, "Account Management"),
    (8279, "DS Access"),
    (8280, "Account Logon"),
    (8448, "Success removed"),
    (8449, "Success Added"),
    (8450, "Failure removed"),
    (8451, "Failure added"),
    (8452, "Success include removed"),
    (8453, "Success include added"),
    (8454, "Success exclude removed"),
    (8455, "Success exclude added"),
    (8456, "Failure include removed"),
    (8457, "Failure include added"),
    (8458, "Failure exclude removed"),
    (8459, "Failure exclude added"),
    (12288, "Security State Change"),
    (12289, "Security System Extension"),
    (12290, "System Integrity"),
    (12291, "IPsec Driver"),
    (12292, "Other System Events"),
    (12544, "Logon"),
    (12545, "Logoff"),
    (12546, "Account Lockout"),
    (12547, "IPsec Main Mode"),
    (12548, "Special Logon"),
    (12549, "IPsec Quick Mode"),
    (12550, "IPsec Extended Mode"),
    (12551, "Other Logon/Logoff Events"),
    (12552, "Network Policy Server"),
    (12553, "User / Device Claims"),
    (12554, "Group Membership"),
    (12800, "File System"),
    (12801, "Registry"),
    (12802, "Kernel Object"),
    (12803, "SAM"),
    (12804, "Other Object Access Events"),
    (12805, "Certification Services"),
    (12806, "Application Generated"),
    (12807, "Handle Manipulation"),
    (12808, "File Share"),
    (12809, "Filtering Platform Packet Drop"),
    (12810, "Filtering Platform Connection"),
    (12811, "Detailed File Share"),
    (12812, "Removable Storage"),
    (12813, "Central Policy Staging"),
    (13568, "Audit Policy Change"),
    (13569, "Authentication Policy Change"),
    (13570, "Authorization Policy Change"),
    (13571, "MPSSVC Rule-Level Policy Change"),
    (13572, "Filtering Platform Policy Change"),
    (13573, "Other Policy Change Events"),
    (14592, "Inbound"),
    (14593, "Outbound"),
    (14594, "Forward"),
    (14595, "Bidirectional"),
    (14596, "IP Packet"),
    (14597, "Transport"),
    (14598, "Forward"),
    (14599, "Stream"),
    (14600, "Datagram Data"),
    (14601, "ICMP Error"),
    (14602, "MAC 802.3"),
    (14603, "MAC Native"),
    (14604, "vSwitch"),
    (14608, "Resource Assignment"),
    (14609, "Listen"),
    (14610, "Receive/Accept"),
    (14611, "Connect"),
    (14612, "Flow Established"),
    (14614, "Resource Release"),
    (14615, "Endpoint Closure"),
    (14616, "Connect Redirect"),
    (14617, "Bind Redirect"),
    (16384, "Add"),
    (16385, "Delete"),
    (16386, "Boot-time"),
    (16387, "Persistent"),
    (16388, "Not persistent"),
    (16389, "Block"),
    (16390, "Permit"),
    (16391, "Callout"),
    (16392, "MD5"),
    (16393, "SHA-1"),
    (16394, "SHA-256"),
    (16395, "AES-GCM 128"),
    (16396, "AES-GCM 192"),
    (16397, "AES-GCM 256"),
    (16398, "DES"),
    (16399, "3DES"),
    (16400, "AES-128"),
    (16401, "AES-192"),
    (16402, "AES-256"),
    (16403, "Transport"),
    (16404, "Tunnel"),
    (16405, "Responder"),
    (16406, "Initiator"),
    (16407, "AES-GMAC 128"),
    (16408, "AES-GMAC 192"),
    (16409, "AES-GMAC 256"),
    (16416, "AuthNoEncap Transport"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_sorted_and_unique() {
        assert!(PARAMETERS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn lists_of_numbers_are_spelled_and_unknown_ones_kept() {
        assert_eq!(with_parameters_spelled("%%8448, %%8450"), "Success removed, Failure removed");
        assert_eq!(with_parameters_spelled("100%% of %%99999 %%"), "100%% of %%99999 %%");
        assert_eq!(with_parameters_spelled("plain"), "plain");
    }

    #[test]
    fn words_become_the_numbers_that_records_have() {
        assert_eq!(parameter_of_text("Success removed, Failure removed"), "%%8448, %%8450");
        assert_eq!(parameter_of_text("IKE"), "%%8222");
        assert_eq!(parameter_of_text("Lokaler Computer"), "Lokaler Computer");
        assert_eq!(parameter_of_text(""), "");
    }

    #[test]
    fn only_a_lone_number_is_a_parameter_number() {
        assert_eq!(parameter_number(" %%8205 "), Some(8205));
        assert_eq!(parameter_number("%%8205 x"), None);
        assert_eq!(parameter_number("%%99999999999"), None);
        assert_eq!(parameter_number("%%"), None);
    }
}
