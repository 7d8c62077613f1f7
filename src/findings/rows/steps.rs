//! Steps and controls that several findings share.
//!
//! Commands are those of the systems' own tools; where they differ by version of Windows, the step names the version.

use crate::findings::Control;

pub(super) const TRANSMISSION: &[Control] = &[Control::Sp80077, Control::Sc8, Control::Pci421];

pub(super) const RESTART: &str = "Restart the IPsec services and check whether protection returns: net stop policyagent & net start policyagent (from Vista on also: net stop ikeext & net start ikeext; strongSwan: systemctl restart strongswan). On a server with RRAS and L2TP, restart RemoteAccess after the Policy Agent, or its L2TP policy is lost.";
pub(super) const SHOW: &str = "Inspect the policy and the security associations in use: netsh ipsec dynamic show all (Windows 2000 to Server 2003); Get-NetIPsecMainModeSA, Get-NetIPsecQuickModeSA, Get-NetIPsecRule -PolicyStore ActiveStore (later); swanctl --list-sas, ip xfrm policy (Linux).";
pub(super) const RECAPTURE: &str = "Capture again where both hosts' traffic passes, without a capture filter, and compare the two captures.";
pub(super) const INIT: &str =
    "Generate a proposed policy from the evidence and edit it: plainsight policy init EVIDENCE.";
pub(super) const CHECK: &str = "Find out which rule matches a packet: plainsight policy check POLICY --packet 'A:PORT>B:PORT/tcp'.";
pub(super) const CREDENTIALS: &str = "Check credentials: certutil -store My and certutil -verify -urlfetch CERT.cer for certificates, nltest /sc_verify:DOMAIN for Kerberos, the pre-shared key on both sides.";
pub(super) const AUTOSTART: &str = "Let the services start automatically: sc config policyagent start= auto; from Vista on also sc config ikeext start= auto, sc config bfe start= auto, sc config mpssvc start= auto.";
pub(super) const COPIES: &str = "Look for copies: forwarded events, archived logs beside the log (Archive-Security-*.evtx), backups, vssadmin list shadows.";
pub(super) const AUDIT: &str = "From Vista on: auditpol /set /subcategory:\"{0CCE9218-69AE-11D9-BED3-505054503030}\" /success:enable /failure:enable, the same for {0CCE9219-…} (quick mode), {0CCE9213-…} (driver) and {0CCE9233-…} (policy); before: secpol.msc, Audit Policy, logon events, policy change and system events. docs/event-logs.md has every command.";
pub(super) const REGISTRY: &str = "reg add \"HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa\\Audit\" /v DisableIKEAudits /t REG_DWORD /d 0 /f, then net stop policyagent & net start policyagent.";
pub(super) const ENLARGE: &str = "Enlarge the log: wevtutil sl Security /ms:1073741824; before Vista eventvwr.msc, Security, Properties.";
pub(super) const CLOCK: &str = "Compare and set the clock: w32tm /query /status, w32tm /stripchart /computer:SERVER, w32tm /resync (Server 2003: w32tm /resync /rediscover).";
pub(super) const BUFFER: &str = "Capture with a larger buffer: dumpcap -B 256, tcpdump -B 262144, netsh trace start capture=yes maxsize=4096.";
pub(super) const PROPOSALS: &str = "Change the proposals on both sides: Set-NetIPsecMainModeCryptoSet, Set-NetIPsecQuickModeCryptoSet; secpol.msc, IP Security Policies (Windows 2000 to Server 2003); proposals and esp_proposals in swanctl.conf.";
pub(super) const KEY: &str = "Change the passwords or keys that were exposed, on every system that uses them, before anything else.";
pub(super) const OFFLOAD: &str = "Disable the network card's offload for the capture: Set-NetAdapterIPsecOffload -Name NIC -Enabled $false; ethtool -K NIC esp-hw-offload off.";
pub(super) const REQUIRE: &str = "Require security: netsh ipsec static set filteraction name=NAME soft=no inpass=no (Windows 2000 to Server 2003); Set-NetIPsecRule -DisplayName NAME -InboundSecurity Require -OutboundSecurity Require (later).";
pub(super) const EXEMPTIONS: &str = "Remove exemptions: netsh ipsec dynamic set config property=ipsecexempt value=3 (Server 2003; reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\IPSEC /v NoDefaultExempt /t REG_DWORD /d 1 on Windows 2000 and XP); Set-NetFirewallSetting -Exemptions None (later).";
pub(super) const BOOT_MODE: &str = "netsh ipsec dynamic set config property=bootmode value=block, and netsh ipsec dynamic set config property=bootexemptions for what startup needs.";
