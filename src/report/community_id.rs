//! Community ID, version 1, seed 0: one text for a flow, the same in Zeek, Suricata and Wireshark.
//!
//! Source: the Community ID specification, github.com/corelight/community-id-spec.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use std::net::IpAddr;

/// The id of a flow with ports; `a` and `b` in either order.
pub(super) fn community_id(a: (IpAddr, u16), b: (IpAddr, u16), protocol: u8) -> String {
    // The lower address comes first; between equal ones the lower port does.
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    let mut hasher = Sha1::new();
    hasher.update([0, 0]);
    for (address, _) in [first, second] {
        match address {
            IpAddr::V4(v4) => hasher.update(v4.octets()),
            IpAddr::V6(v6) => hasher.update(v6.octets()),
        }
    }
    hasher.update([protocol, 0]);
    hasher.update(first.1.to_be_bytes());
    hasher.update(second.1.to_be_bytes());
    format!("1:{}", STANDARD.encode(hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_baseline_holds() {
        // community-id-spec, baseline/baseline_deflt.json.
        let a = ("128.232.110.120".parse().unwrap(), 34855);
        let b = ("66.35.250.204".parse().unwrap(), 80);
        for (one, other) in [(a, b), (b, a)] {
            assert_eq!(community_id(one, other, 6), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        }
    }
}
