//! The controls of standards that findings affect.

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
