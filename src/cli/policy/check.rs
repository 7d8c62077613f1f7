//! `plainsight policy check`: what each rule means, and which rule matches a packet.

use crate::cli::{ExitStatus, Failure, terminal};
use crate::hosts::HostPair;
use crate::policy::{Action, AskedPacket, ExpectationSource, Fit, Level, Policy, Rule, SideOf};
use crate::protection::{ExemptKind, NamedPorts, Stream, classify_header};
use crate::report;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::PathBuf;

/// Explain the rules of a policy, and show which rule matches a packet
///
/// The packet is judged as `analyze` judges a clear packet: the server side is determined by the ports
/// that the policy names, by registered ports, and by ports below 1024.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The policy (TOML); `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Show which rule matches this packet (repeatable): 10.0.0.1:1025>10.0.0.5:445/tcp
    #[arg(long, value_name = "SRC:PORT>DST:PORT/PROTOCOL")]
    packet: Vec<AskedPacket>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let (policy, sha256) = super::read_policy(&args.file)?;
    let judged: Vec<Judged<'_>> = args.packet.iter().map(|packet| judge(&policy, packet)).collect();
    let mut out = anstream::stdout().lock();
    if args.json {
        let all = as_json(args, &sha256, &policy, &judged);
        out.write_all(&report::to_json(&all).map_err(crate::cli::failure::broken)?)?;
    } else {
        print_checks(&mut out, &policy, &judged)?;
    }
    out.flush()?;
    Ok(ExitStatus::Done)
}

/// A packet under the policy.
struct Judged<'a> {
    packet: &'a AskedPacket,
    /// The port of the side that serves.
    port: Option<u16>,
    /// The requirement: encrypted, protected, nothing, …
    required: &'static str,
    /// What decides it: a rule, an exemption, the packet itself.
    decided_by: String,
    /// How each rule fits; empty where rules do not apply.
    fits: Vec<Fit>,
    /// What the header alone cannot show.
    but: Option<&'static str>,
}

fn judge<'a>(policy: &Policy, packet: &'a AskedPacket) -> Judged<'a> {
    let named = NamedPorts(policy.named_ports());
    let (source, destination) = (packet.source, packet.destination);
    let stream = classify_header(source, destination, packet.protocol, packet.ports, &named);
    let unasked = |required, decided_by: String| Judged {
        packet,
        port: None,
        required,
        decided_by,
        fits: Vec::new(),
        but: None,
    };
    let service = match stream {
        Stream::Clear { ports, .. } => ports.service(&named),
        Stream::Exempt(kind) => {
            return unasked(MAY_PASS, format!("exempt under every policy: {}", exempt(kind)));
        }
        Stream::Esp(..) | Stream::WespIntegrityOnly(..) | Stream::Ah(..) => {
            return unasked("nothing more", "it is already IPsec".to_owned());
        }
        Stream::Ike | Stream::NattKeepalive => {
            return unasked("nothing", "it is IKE, which no rule covers".to_owned());
        }
        Stream::Undecodable(_) => {
            return unasked("nothing", "its class cannot be determined".to_owned());
        }
    };
    let pair = HostPair::new(source, destination);
    // The sender to a service opens the connection.
    let answers = packet.ports.is_some_and(|(from, to)| service.port == Some(from) && from != to);
    let opener = if answers { destination } else { source };
    let trace = policy.trace((pair, Some(opener)), service.protocol, service.port);
    let rule = policy.rules.iter().find(|rule| rule.source == trace.source);
    let required = match (rule.map(|rule| rule.action), &trace.source) {
        (Some(Action::Protect(Level::Encrypt)), _) => "encryption by ESP",
        (Some(Action::Protect(Level::Authenticate)), _) => "protection by AH or ESP",
        (Some(Action::Exempt), _) | (None, ExpectationSource::DefaultExemption(_)) => MAY_PASS,
        (
            None,
            ExpectationSource::None
            | ExpectationSource::PolicyFile { .. }
            | ExpectationSource::ProtectOption(_)
            | ExpectationSource::Inferred(_),
        ) => "nothing",
    };
    let decided_by = match &trace.source {
        ExpectationSource::None => "no rule covers it".to_owned(),
        source => source.to_string(),
    };
    let is_ike_port = |port| matches!(port, 500 | 4500);
    let is_on_ike = packet.protocol == 17
        && packet.ports.is_some_and(|(one, other)| is_ike_port(one) || is_ike_port(other));
    let but = is_on_ike.then_some(
        "if it carries IKE, as its port suggests, it is classified as IKE and no rule applies",
    );
    Judged { packet, port: service.port, required, decided_by, fits: trace.fits, but }
}

const MAY_PASS: &str = "no protection";

const fn exempt(kind: ExemptKind) -> &'static str {
    match kind {
        ExemptKind::Icmp => "ICMP",
        ExemptKind::Echo => "ICMP echo",
        ExemptKind::Arp => "ARP",
        ExemptKind::Igmp => "IGMP",
        ExemptKind::Multicast => "multicast",
        ExemptKind::Broadcast => "broadcast",
        ExemptKind::Dhcp => "DHCP",
        ExemptKind::NeighbourDiscovery => "neighbour discovery",
    }
}

fn print_checks(out: &mut impl Write, policy: &Policy, judged: &[Judged<'_>]) -> io::Result<()> {
    writeln!(out, "Exempt by default: {}", let_through(policy))?;
    for (name, addresses) in &policy.hosts {
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let addresses = if addresses.is_empty() { "nobody".into() } else { addresses.join(", ") };
        writeln!(out, "{} is {addresses}", terminal::escape(name))?;
    }
    match policy.rules.len() {
        0 => writeln!(out, "No rules: nothing must be protected")?,
        1 => writeln!(out, "1 rule:")?,
        many => writeln!(out, "{many} rules; the first that matches applies:")?,
    }
    for rule in &policy.rules {
        writeln!(out, "  line {:<4} {rule}", line(rule))?;
    }
    judged.iter().try_for_each(|judged| print_packet(out, policy, judged))
}

fn print_packet(out: &mut impl Write, policy: &Policy, judged: &Judged<'_>) -> io::Result<()> {
    writeln!(out, "\n{}", terminal::escape(&judged.packet.typed))?;
    writeln!(out, "  required: {} ({})", judged.required, judged.decided_by)?;
    if let Some(but) = judged.but {
        writeln!(out, "  but {but}")?;
    }
    // Rules after the one that matches do not apply.
    for (rule, fit) in policy.rules.iter().zip(&judged.fits) {
        writeln!(out, "  line {:<4} {}", line(rule), fit.words(judged.port))?;
        if *fit == Fit::Takes {
            break;
        }
    }
    Ok(())
}

fn let_through(policy: &Policy) -> String {
    let label = policy.exemptions.label();
    let kerberos = policy.exemptions.let_through(6, Some(88));
    let more = if kerberos { ", Kerberos and RSVP" } else { "" };
    format!("IKE, ICMP, ARP, IGMP, DHCP, multicast and broadcast{more} ({label})")
}

fn line(rule: &Rule) -> usize {
    match &rule.source {
        ExpectationSource::PolicyFile { line } => *line,
        ExpectationSource::None
        | ExpectationSource::ProtectOption(_)
        | ExpectationSource::DefaultExemption(_)
        | ExpectationSource::Inferred(_) => 0,
    }
}

fn as_json(args: &Args, sha256: &str, policy: &Policy, judged: &[Judged<'_>]) -> Value {
    let rules: Vec<Value> = policy.rules.iter().map(rule_json).collect();
    let packets: Vec<Value> = judged.iter().map(|judged| packet_json(policy, judged)).collect();
    let hosts: serde_json::Map<String, Value> =
        policy.hosts.iter().map(|(name, addresses)| (name.clone(), json!(addresses))).collect();
    json!({
        "policy": args.file.to_string_lossy(),
        "policy_sha256": sha256,
        "default_exemptions": policy.exemptions.as_str(),
        "no_default_exempt": policy.exemptions.no_default_exempt().map(|v| v.number()),
        "hosts": hosts,
        "rules": rules,
        "packets": packets,
    })
}

fn rule_json(rule: &Rule) -> Value {
    let (action, level) = match rule.action {
        Action::Protect(Level::Encrypt) => ("protect", Some("encrypt")),
        Action::Protect(Level::Authenticate) => ("protect", Some("authenticate")),
        Action::Exempt => ("exempt", None),
    };
    let [one, other] = &rule.between;
    let opener = rule.opened_by.map(|side| match side {
        SideOf::First => one,
        SideOf::Second => other,
    });
    json!({
        "line": line(rule),
        "action": action,
        "level": level,
        "protocol": rule.protocol,
        "port": rule.port,
        "opened_by": opener.map(ToString::to_string),
        "meaning": rule.to_string(),
    })
}

fn packet_json(policy: &Policy, judged: &Judged<'_>) -> Value {
    let fits = policy.rules.iter().zip(&judged.fits).map(|(rule, fit)| {
        let words = fit.words(judged.port);
        json!({ "line": line(rule), "takes": *fit == Fit::Takes, "why": words })
    });
    json!({
        "packet": judged.packet.typed,
        "service_port": judged.port,
        "owes": judged.required,
        "decided_by": judged.decided_by,
        "but": judged.but,
        "rules": fits.collect::<Vec<_>>(),
    })
}
