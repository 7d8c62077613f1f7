//! The picture of the old method: what a capture holds beside what a healthy one does.

use super::schema::{ByClass, Count};

/// Kinds of packets in words, what of them a healthy capture holds, and what this one does.
#[must_use]
pub fn picture(c: &ByClass) -> Vec<(&'static str, &'static str, Count)> {
    vec![
        ("ESP", "nearly everything", c.esp),
        ("ESP without encryption (NULL)", "none", c.esp_null),
        ("AH", "none, unless the policy wants integrity alone", c.ah),
        ("IKE", "a little, at the start and at each rekey", c.ike),
        ("NAT-T keepalives", "a few, behind address translation", c.natt_keepalive),
        ("Exempt (ICMP, ARP, DHCP, multicast …)", "a little", c.exempt),
        ("Clear text", "none between hosts that must use protection", c.clear),
        ("Not IP", "a little", c.non_ip),
        ("Undecodable", "none", c.undecodable),
    ]
}
