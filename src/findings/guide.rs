//! For each finding: the severity rule, the steps to take, and the controls that it affects.
//!
//! Commands are those of the systems' own tools; where they differ by version of Windows, the step names the
//! version. docs/findings.md is generated from this file and from [`FindingCode::words`].

use super::FindingCode;

/// What a reader needs in addition to a finding's words.
#[derive(Clone, Copy, Debug)]
pub struct Guide {
    /// The severity, and the condition for each.
    pub severity: &'static str,
    /// What to do, in order, with the commands.
    pub steps: &'static [&'static str],
    /// The controls that it affects.
    pub controls: &'static [Control],
}

/// A control of a standard that auditors apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Control {
    /// NIST's guide to IPsec VPNs.
    Sp80077,
    /// Storage capacity of audit logs.
    Au4,
    /// Response to failures of audit logging.
    Au5,
    /// Time stamps.
    Au8,
    /// Protection of audit information.
    Au9,
    /// Generation of audit records.
    Au12,
    /// Configuration settings.
    Cm6,
    /// Management of authenticators.
    Ia5,
    /// Confidentiality and integrity of transmission.
    Sc8,
    /// Establishment and management of cryptographic keys.
    Sc12,
    /// Cryptographic protection.
    Sc13,
    /// Failing in a known state.
    Sc24,
    /// Monitoring of systems.
    Si4,
    /// Strong cryptography in transmission, by the payment card industry.
    Pci421,
}

impl Control {
    /// Every control.
    pub const ALL: [Self; 14] = [
        Self::Sp80077,
        Self::Au4,
        Self::Au5,
        Self::Au8,
        Self::Au9,
        Self::Au12,
        Self::Cm6,
        Self::Ia5,
        Self::Sc8,
        Self::Sc12,
        Self::Sc13,
        Self::Sc24,
        Self::Si4,
        Self::Pci421,
    ];

    /// The control as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sp80077 => "NIST SP 800-77r1",
            Self::Au4 => "NIST SP 800-53r5 AU-4",
            Self::Au5 => "NIST SP 800-53r5 AU-5",
            Self::Au8 => "NIST SP 800-53r5 AU-8",
            Self::Au9 => "NIST SP 800-53r5 AU-9",
            Self::Au12 => "NIST SP 800-53r5 AU-12",
            Self::Cm6 => "NIST SP 800-53r5 CM-6",
            Self::Ia5 => "NIST SP 800-53r5 IA-5",
            Self::Sc8 => "NIST SP 800-53r5 SC-8",
            Self::Sc12 => "NIST SP 800-53r5 SC-12",
            Self::Sc13 => "NIST SP 800-53r5 SC-13",
            Self::Sc24 => "NIST SP 800-53r5 SC-24",
            Self::Si4 => "NIST SP 800-53r5 SI-4",
            Self::Pci421 => "PCI DSS 4.0 4.2.1",
        }
    }

    /// What the control requires.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Sp80077 => "guide to IPsec VPNs",
            Self::Au4 => "audit log storage capacity",
            Self::Au5 => "response to audit logging process failures",
            Self::Au8 => "time stamps",
            Self::Au9 => "protection of audit information",
            Self::Au12 => "audit record generation",
            Self::Cm6 => "configuration settings",
            Self::Ia5 => "authenticator management",
            Self::Sc8 => "transmission confidentiality and integrity",
            Self::Sc12 => "cryptographic key establishment and management",
            Self::Sc13 => "cryptographic protection",
            Self::Sc24 => "fail in known state",
            Self::Si4 => "system monitoring",
            Self::Pci421 => {
                "strong cryptography wherever account data crosses open, public networks"
            }
        }
    }
}

impl FindingCode {
    /// The severity rule, the steps and the controls of this finding.
    #[must_use]
    #[allow(clippy::too_many_lines, reason = "a table: one row a code")]
    pub const fn guide(self) -> Guide {
        let (severity, steps, controls): (_, &[_], &[_]) = match self {
            Self::CleartextWindow => (
                "critical where a policy or --protect requires protection and the traffic was readable; high where only one of the two holds; medium where neither does, where IPsec was only attempted, or where an inferred requirement may not cover this traffic; low where no payload passed, or where a tunnel carried only protected packets",
                &[RESTART, SHOW, RECAPTURE],
                TRANSMISSION,
            ),
            Self::ReadableEsp => (
                "high where encryption is required; info where the policy accepts integrity alone",
                &[SHOW, RECAPTURE],
                &[Control::Sp80077, Control::Sc8, Control::Sc13, Control::Pci421],
            ),
            Self::AuthenticationOnly => (
                "medium where encryption is required; info where the policy accepts integrity alone",
                &[SHOW, RECAPTURE],
                &[Control::Sp80077, Control::Sc8, Control::Sc13, Control::Pci421],
            ),
            Self::NoExpectation => ("info", &[INIT], &[Control::Sc8]),
            Self::RuleWithoutTraffic => ("low", &[CHECK], &[Control::Sc8]),
            Self::FailedClosed => (
                "medium where a log records dropped packets; otherwise low",
                &[SHOW, CREDENTIALS],
                &[Control::Sp80077, Control::Sc24],
            ),
            Self::IkeFailing => ("low", &[SHOW, CREDENTIALS], &[Control::Sp80077, Control::Sc12]),
            Self::NegotiationsUncounted => ("medium", &[], &[Control::Si4]),
            Self::CleartextDropped => ("high", &[RESTART, SHOW], TRANSMISSION),
            Self::ProtectedDropped => ("medium", &[SHOW], &[Control::Sp80077, Control::Si4]),
            Self::ServiceDown => ("low", &[AUTOSTART, RESTART], &[Control::Sp80077, Control::Cm6]),
            Self::LogCleared => ("high", &[COPIES], &[Control::Au9]),
            Self::AuditingReduced => ("high", &[AUDIT], &[Control::Au9, Control::Au12]),
            Self::EventsLost => ("medium", &[ENLARGE], &[Control::Au4, Control::Au5]),
            Self::RecordGap => ("medium", &[COPIES], &[Control::Au9]),
            Self::ClockWrong => ("medium", &[CLOCK], &[Control::Au8, Control::Ia5]),
            Self::ClockUnknown => ("low", &[CLOCK, AUDIT], &[Control::Au8]),
            Self::EvidenceDamaged => ("medium", &[COPIES], &[Control::Au9]),
            Self::FramesLost => ("medium", &[BUFFER], &[Control::Si4]),
            Self::DecryptedTwins => ("info", &[], &[]),
            Self::IkeFlood => ("medium", &[], &[Control::Si4]),
            Self::WeakAlgorithmChosen => (
                "medium where the algorithm is no longer acceptable; low where it should not be used",
                &[PROPOSALS],
                &[Control::Sp80077, Control::Sc12, Control::Sc13, Control::Pci421],
            ),
            Self::WeakAlgorithmOffered => {
                ("info", &[PROPOSALS], &[Control::Sp80077, Control::Sc12, Control::Sc13])
            }
            Self::AggressiveModePsk => (
                "medium where the peer answered, so that its hash was seen; low where it did not",
                &[KEY],
                &[Control::Sp80077, Control::Ia5, Control::Sc12],
            ),
            Self::Ikev1InUse => ("info", &[], &[Control::Sp80077, Control::Sc12]),
            Self::DuplicatePackets => ("info", &[], &[]),
            Self::EspGaps => (
                "low where more than 1 % of the packets are missing; otherwise info",
                &[BUFFER],
                &[Control::Si4],
            ),
            Self::CredentialsInClear => (
                "high where protection is required; otherwise medium",
                &[KEY],
                &[Control::Ia5, Control::Sc8, Control::Pci421],
            ),
            Self::TcpGaps => ("info", &[BUFFER], &[Control::Si4]),
            Self::BeforeEncryption => ("low", &[OFFLOAD, RECAPTURE], &[]),
            Self::OffWire => ("info", &[RECAPTURE], &[]),
            Self::CaptureFiltered => ("low", &[RECAPTURE], &[Control::Si4]),
            Self::AuditingOff => ("medium", &[AUDIT], &[Control::Au12]),
            Self::DisableIkeAuditsSuspected => ("medium", &[REGISTRY], &[Control::Au12]),
            Self::AuditingUnknown => ("low", &[AUDIT], &[Control::Au12]),
            Self::LogNotCovering => ("low", &[ENLARGE, COPIES], &[Control::Au4, Control::Au12]),
            Self::DriverBypassSpan => (
                "medium where the log does not record the end of the span; otherwise low",
                &[BOOT_MODE],
                &[Control::Sp80077, Control::Sc24],
            ),
            Self::CleartextPermitted => ("medium", &[SHOW], TRANSMISSION),
            Self::AddressAmbiguous => ("low", &[], &[]),
            Self::PairsFolded => ("medium", &[], &[Control::Si4]),
            Self::BoundsReached => (
                "medium where a verdict may differ because of it; otherwise info",
                &[],
                &[Control::Si4],
            ),
            Self::BlindSpot => ("medium", &[RECAPTURE], &[Control::Sc8, Control::Si4]),
            Self::FramesWithoutTime => ("medium", &[RECAPTURE], &[Control::Au8]),
            Self::SpanWithoutEvidence => ("medium", &[], &[Control::Au8]),
            Self::IpsecHostsInClear => ("medium", &[INIT], &[Control::Sc8]),
            Self::IkeScan => ("info", &[], &[Control::Si4]),
            Self::LeakPattern => ("info", &[SHOW, RECAPTURE], TRANSMISSION),
            Self::ForcedFallbackSuspected => {
                ("medium", &[REQUIRE, SHOW], &[Control::Sp80077, Control::Sc8, Control::Si4])
            }
            Self::ExemptionAbuse => (
                "medium; low for large ICMP messages, because tests look the same",
                &[EXEMPTIONS],
                &[Control::Sp80077, Control::Cm6, Control::Sc8],
            ),
            Self::TunnelAroundProtected => ("info", &[], &[Control::Sc8]),
            Self::L2tpWithoutIpsec => ("low", &[SHOW], TRANSMISSION),
            Self::OtherStation => ("low", &[COPIES], &[Control::Au12]),
            Self::LogContradictsCapture => {
                ("medium", &[COPIES, CLOCK], &[Control::Au8, Control::Au9])
            }
            Self::RecoveredRecords => ("info", &[COPIES], &[Control::Au9]),
            Self::HiddenRecords => ("high", &[COPIES], &[Control::Au9]),
        };
        Guide { severity, steps, controls }
    }
}

const TRANSMISSION: &[Control] = &[Control::Sp80077, Control::Sc8, Control::Pci421];

const RESTART: &str = "Restart the IPsec services and check whether protection returns: net stop policyagent & net start policyagent (from Vista on also: net stop ikeext & net start ikeext; strongSwan: systemctl restart strongswan). On a server with RRAS and L2TP, restart RemoteAccess after the Policy Agent, or its L2TP policy is lost.";
const SHOW: &str = "Inspect the policy and the security associations in use: netsh ipsec dynamic show all (Windows 2000 to Server 2003); Get-NetIPsecMainModeSA, Get-NetIPsecQuickModeSA, Get-NetIPsecRule -PolicyStore ActiveStore (later); swanctl --list-sas, ip xfrm policy (Linux).";
const RECAPTURE: &str = "Capture again where both hosts' traffic passes, without a capture filter, and compare the two captures.";
const INIT: &str =
    "Generate a proposed policy from the evidence and edit it: plainsight policy init EVIDENCE.";
const CHECK: &str = "Find out which rule matches a packet: plainsight policy check POLICY --packet 'A:PORT>B:PORT/tcp'.";
const CREDENTIALS: &str = "Check credentials: certutil -store My and certutil -verify -urlfetch CERT.cer for certificates, nltest /sc_verify:DOMAIN for Kerberos, the pre-shared key on both sides.";
const AUTOSTART: &str = "Let the services start automatically: sc config policyagent start= auto; from Vista on also sc config ikeext start= auto, sc config bfe start= auto, sc config mpssvc start= auto.";
const COPIES: &str = "Look for copies: forwarded events, archived logs beside the log (Archive-Security-*.evtx), backups, vssadmin list shadows.";
const AUDIT: &str = "From Vista on: auditpol /set /subcategory:\"{0CCE9218-69AE-11D9-BED3-505054503030}\" /success:enable /failure:enable, the same for {0CCE9219-…} (quick mode), {0CCE9213-…} (driver) and {0CCE9233-…} (policy); before: secpol.msc, Audit Policy, logon events, policy change and system events. docs/event-logs.md has every command.";
const REGISTRY: &str = "reg add \"HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa\\Audit\" /v DisableIKEAudits /t REG_DWORD /d 0 /f, then net stop policyagent & net start policyagent.";
const ENLARGE: &str = "Enlarge the log: wevtutil sl Security /ms:1073741824; before Vista eventvwr.msc, Security, Properties.";
const CLOCK: &str = "Compare and set the clock: w32tm /query /status, w32tm /stripchart /computer:SERVER, w32tm /resync (Server 2003: w32tm /resync /rediscover).";
const BUFFER: &str = "Capture with a larger buffer: dumpcap -B 256, tcpdump -B 262144, netsh trace start capture=yes maxsize=4096.";
const PROPOSALS: &str = "Change the proposals on both sides: Set-NetIPsecMainModeCryptoSet, Set-NetIPsecQuickModeCryptoSet; secpol.msc, IP Security Policies (Windows 2000 to Server 2003); proposals and esp_proposals in swanctl.conf.";
const KEY: &str = "Change what was exposed, on every system that knows it, before anything else.";
const OFFLOAD: &str = "Turn the card's offload off for the capture: Set-NetAdapterIPsecOffload -Name NIC -Enabled $false; ethtool -K NIC esp-hw-offload off.";
const REQUIRE: &str = "Require security: netsh ipsec static set filteraction name=NAME soft=no inpass=no (Windows 2000 to Server 2003); Set-NetIPsecRule -DisplayName NAME -InboundSecurity Require -OutboundSecurity Require (later).";
const EXEMPTIONS: &str = "Remove exemptions: netsh ipsec dynamic set config property=ipsecexempt value=3 (Server 2003; reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\IPSEC /v NoDefaultExempt /t REG_DWORD /d 1 on Windows 2000 and XP); Set-NetFirewallSetting -Exemptions None (later).";
const BOOT_MODE: &str = "netsh ipsec dynamic set config property=bootmode value=block, and netsh ipsec dynamic set config property=bootexemptions for what startup needs.";
