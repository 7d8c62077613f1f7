//! Any text as a policy, asked about a pair where it is one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::hosts::HostPair;
use plainsight::policy::{Expectation, parse};
use std::net::Ipv4Addr;

fuzz_target!(|text: &str| {
    match parse(text) {
        Ok(policy) => {
            let hosts = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 1, 5)];
            let pair = HostPair::new(hosts[0].into(), hosts[1].into());
            let strictest = policy.of_pair(pair).0;
            for (protocol, port) in policy.named_ports() {
                for opener in [None, Some(hosts[0].into()), Some(hosts[1].into())] {
                    let expected = policy.of_traffic((pair, opener), protocol, Some(port)).0;
                    assert!(expected == Expectation::Exempt || expected <= strictest);
                }
            }
        }
        Err(error) => {
            assert!((1..=text.matches('\n').count() + 1).contains(&error.line));
            assert!((1..=text.chars().count() + 1).contains(&error.column));
            assert!(!error.message.is_empty() && !error.hint.is_empty());
        }
    }
});
