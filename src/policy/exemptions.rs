//! What Windows lets through unprotected by itself, before any rule.
//!
//! ICMP, ARP, IGMP, group addresses and DHCP are a class of their own (`protection`) under every
//! choice; these rows are what a system exempts besides.

/// The system whose default exemptions hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DefaultExemptions {
    /// Nothing besides.
    #[default]
    None,
    /// Windows 2000 and XP before their service packs of 2003: Kerberos and RSVP as well
    /// (Microsoft knowledge base 253169 and 811832, `NoDefaultExempt` 0).
    Windows2000,
    /// Windows Server 2003: only IKE (knowledge base 811832, `NoDefaultExempt` 3).
    Windows2003,
    /// Windows Vista and later: only IKE, neighbour discovery and DHCP (Microsoft, "IKE
    /// Exemptions", and `IPsecExemptions` of the firewall profile).
    WindowsVista,
}

impl DefaultExemptions {
    /// Every choice.
    pub const ALL: [Self; 4] =
        [Self::None, Self::Windows2000, Self::Windows2003, Self::WindowsVista];

    /// The choice as the policy file spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Windows2000 => "windows-2000",
            Self::Windows2003 => "windows-2003",
            Self::WindowsVista => "windows-vista",
        }
    }

    /// Whether the system lets this traffic through by itself.
    #[must_use]
    pub fn let_through(self, protocol: u8, port: Option<u16>) -> bool {
        self.rows().iter().any(|row| row.0 == protocol && (row.1.is_none() || row.1 == port))
    }

    /// The ports it names, by protocol.
    pub(super) fn ports(self) -> impl Iterator<Item = (u8, u16)> {
        self.rows().iter().filter_map(|row| row.1.map(|port| (row.0, port)))
    }

    const fn rows(self) -> &'static [(u8, Option<u16>)] {
        match self {
            // TCP and UDP 88 are Kerberos, protocol 46 is RSVP.
            Self::Windows2000 => &[(6, Some(88)), (17, Some(88)), (46, None)],
            Self::None | Self::Windows2003 | Self::WindowsVista => &[],
        }
    }
}
