//! Policies and filters of IPsec in a state of the filtering platform: what hosts offer each other, whether
//! they may fall back to clear text, and which packets are handed to IPsec.
//!
//! Source: two real files for AuthIP's policies and for filters; for others IKEEXT_POLICY0,
//! IPSEC_TRANSPORT_POLICY0, IPSEC_PROPOSAL0 and FWPM_FILTER0 of iketypes.h, ipsectypes.h and fwpmtypes.h, whose
//! members the file names.

use crate::xml::Element;

/// A field of a record: name and value.
type Fields = Vec<(String, String)>;

/// The fields of a policy; `None` for any other context of a provider.
pub(super) fn policy(item: &Element) -> Option<Fields> {
    let kind = item.text_of("type").strip_prefix("FWPM_IPSEC_")?;
    let body = item.children.iter().find(|child| child.name.ends_with("Policy"))?;
    let mut fields = Fields::new();
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            fields.push((name.to_owned(), value.to_owned()));
        }
    };
    add("PolicyName", item.at(&["displayData", "name"]).map_or("", |name| name.text.trim()));
    add("PolicyType", kind.strip_suffix("_CONTEXT").unwrap_or(kind));
    let key = item.text_of("providerContextKey");
    add("ProviderContextKey", key);
    add("ProviderContextId", item.text_of("providerContextId"));
    // Every Windows has one pair of these; no administrator created them.
    add("IsBuiltIn", if key.starts_with("FWPM_PROVIDER_CONTEXT_") { "true" } else { "false" });
    add("QuickModeProposals", &joined(body, "ipsecProposals", quick_mode));
    add("MainModeProposals", &joined(body, "ikeProposals", main_mode));
    add("AuthenticationMethods", &joined(body, "authenticationMethods", method));
    let flags = texts(body, "flags");
    add("PolicyFlags", &flags.join(" "));
    let has = |end: &str| flags.iter().any(|flag| flag.ends_with(end));
    if kind.contains("_QM_") {
        add("NdSecure", if has("ND_SECURE") { "true" } else { "false" });
        add("NdBoundary", if has("ND_BOUNDARY") { "true" } else { "false" });
    }
    add("NdAllowClearTimeoutSeconds", body.text_of("ndAllowClearTimeoutSeconds"));
    Some(fields)
}

/// The fields of a filter; `None` where it does not hand packets to IPsec.
pub(super) fn filter(item: &Element) -> Option<Fields> {
    let callout = item.at(&["action", "filterType"])?.text.trim();
    let callout = callout.strip_prefix("FWPM_CALLOUT_IPSEC_")?;
    let mut fields = Fields::new();
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            fields.push((name.to_owned(), value.to_owned()));
        }
    };
    add("FilterName", item.at(&["displayData", "name"]).map_or("", |name| name.text.trim()));
    add("FilterId", item.text_of("filterId"));
    add("IpsecCallout", callout);
    add("Layer", item.text_of("layerKey"));
    add("ProviderContextKey", item.text_of("providerContextKey"));
    let conditions = item.child("filterCondition").map_or(&[][..], |list| &list.children);
    let conditions: Vec<String> = conditions.iter().take(MOST_SHOWN).map(condition).collect();
    add("Conditions", &conditions.join("; "));
    Some(fields)
}

/// `IP_REMOTE_ADDRESS 10.0.0.0-10.0.0.255`.
fn condition(item: &Element) -> String {
    let field = item.text_of("fieldKey");
    let field = field.strip_prefix("FWPM_CONDITION_").unwrap_or(field);
    let kind = item.text_of("matchType");
    let kind = kind.strip_prefix("FWP_MATCH_").unwrap_or(kind);
    let value = item.child("conditionValue").map(value).unwrap_or_default();
    let kind = if matches!(kind, "EQUAL" | "RANGE") { String::new() } else { format!(" {kind}") };
    format!("{field}{kind} {value}")
}

fn value(of: &Element) -> String {
    if let Some(range) = of.child("rangeValue") {
        let end = |name| range.child(name).map(value).unwrap_or_default();
        return format!("{}-{}", end("valueLow"), end("valueHigh"));
    }
    let value = of.children.iter().find(|child| child.name != "type");
    value.map_or_else(String::new, |value| {
        let inner: Vec<&str> = value.children.iter().map(|child| child.text.trim()).collect();
        if inner.is_empty() { value.text.trim().to_owned() } else { inner.join("/") }
    })
}

fn joined(body: &Element, list: &str, spelled: fn(&Element) -> String) -> String {
    let items = body.child(list).map_or(&[][..], |list| &list.children);
    items.iter().take(MOST_SHOWN).map(spelled).collect::<Vec<_>>().join(", ")
}

fn texts<'e>(body: &'e Element, list: &str) -> Vec<&'e str> {
    let items = body.child(list).map_or(&[][..], |list| &list.children);
    items.iter().map(|item| item.text.trim()).collect()
}

/// `ESP SHA-256-128 + AES-256-CBC`; of several transforms, AH before ESP.
fn quick_mode(proposal: &Element) -> String {
    let transforms = proposal.child("saTransforms").map_or(&[][..], |list| &list.children);
    let spelled = transforms.iter().take(MOST_SHOWN).map(|transform| {
        let kind = transform.text_of("ipsecTransformType");
        let protocol = if kind.contains("_AH") { "AH" } else { "ESP" };
        let algorithms = ["authConfig", "cipherConfig"].map(|name| find(transform, name));
        let algorithms: Vec<String> =
            algorithms.into_iter().flatten().map(|config| algorithm(&config.text)).collect();
        format!("{protocol} {}", algorithms.join(" + "))
    });
    spelled.collect::<Vec<_>>().join(" and ")
}

fn main_mode(proposal: &Element) -> String {
    let identifier = |name: &str, prefix: &str| {
        let text = proposal.at(&[name, "algoIdentifier"]).map_or("", |id| id.text.trim());
        text.strip_prefix(prefix).unwrap_or(text).replace('_', "-")
    };
    let group = proposal.text_of("dhGroup");
    let group = group.strip_prefix("IKEEXT_DH_").unwrap_or(group).replace('_', "-");
    let cipher = identifier("cipherAlgorithm", "IKEEXT_CIPHER_");
    let integrity = identifier("integrityAlgorithm", "IKEEXT_INTEGRITY_");
    format!("{cipher} {integrity} {group}")
}

fn method(item: &Element) -> String {
    let method = item.text_of("authenticationMethodType");
    method.strip_prefix("IKEEXT_").unwrap_or(method).to_owned()
}

/// The first element with a name, at any depth.
fn find<'e>(element: &'e Element, name: &str) -> Option<&'e Element> {
    element
        .children
        .iter()
        .find_map(|child| if child.name == name { Some(child) } else { find(child, name) })
}

/// `SHA-256-128` of `IPSEC_AUTH_CONFIG_HMAC_SHA_256_128`, `AES-256-CBC` of `IPSEC_CIPHER_CONFIG_CBC_AES_256`.
fn algorithm(config: &str) -> String {
    let config = config.trim();
    let name = config
        .strip_prefix("IPSEC_AUTH_CONFIG_")
        .or_else(|| config.strip_prefix("IPSEC_CIPHER_CONFIG_"))
        .unwrap_or(config);
    let name = name.strip_prefix("HMAC_").unwrap_or(name);
    match name.split_once('_') {
        Some((mode @ ("CBC" | "GCM"), cipher)) => format!("{}-{mode}", cipher.replace('_', "-")),
        _ => name.replace('_', "-"),
    }
}

/// The limit for proposals and conditions.
const MOST_SHOWN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_are_spelled_as_people_do() {
        for (config, spelled) in [
            ("IPSEC_AUTH_CONFIG_HMAC_SHA_256_128", "SHA-256-128"),
            ("IPSEC_CIPHER_CONFIG_CBC_AES_256", "AES-256-CBC"),
            ("IPSEC_CIPHER_CONFIG_GCM_AES_128", "AES-128-GCM"),
            ("IPSEC_CIPHER_CONFIG_CBC_3DES", "3DES-CBC"),
            ("IPSEC_AUTH_CONFIG_GCM_AES_192", "AES-192-GCM"),
            ("99", "99"),
        ] {
            assert_eq!(algorithm(config), spelled);
        }
    }

    #[test]
    fn a_filter_shows_which_packets_it_hands_to_ipsec() {
        let text = "<item><filterKey>{1}</filterKey><displayData><name>n</name></displayData>\
            <layerKey>FWPM_LAYER_INBOUND_TRANSPORT_V4</layerKey><filterCondition numItems=\"2\"><item>\
            <fieldKey>FWPM_CONDITION_IP_REMOTE_ADDRESS</fieldKey><matchType>FWP_MATCH_EQUAL</matchType>\
            <conditionValue><type>FWP_V4_ADDR_MASK</type><v4AddrMask><addr>10.0.0.0</addr><mask>255.0.0.0</mask>\
            </v4AddrMask></conditionValue></item><item><fieldKey>FWPM_CONDITION_IP_LOCAL_PORT</fieldKey>\
            <matchType>FWP_MATCH_RANGE</matchType><conditionValue><type>FWP_RANGE_TYPE</type><rangeValue>\
            <valueLow><type>FWP_UINT16</type><uint16>1</uint16></valueLow><valueHigh><type>FWP_UINT16</type>\
            <uint16>9</uint16></valueHigh></rangeValue></conditionValue></item></filterCondition><action>\
            <type>FWP_ACTION_CALLOUT_TERMINATING</type>\
            <filterType>FWPM_CALLOUT_IPSEC_INBOUND_TRANSPORT_V4</filterType></action></item>";
        let fields = filter(&Element::parse(text).unwrap()).unwrap();
        let conditions = &fields.iter().find(|field| field.0 == "Conditions").unwrap().1;
        assert_eq!(conditions, "IP_REMOTE_ADDRESS 10.0.0.0/255.0.0.0; IP_LOCAL_PORT 1-9");
        let other = text.replace("FWPM_CALLOUT_IPSEC_", "FWPM_CALLOUT_");
        assert_eq!(filter(&Element::parse(&other).unwrap()), None);
    }
}
