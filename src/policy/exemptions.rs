//! What Windows exempts by default, before any rule.
//!
//! ICMP, ARP, IGMP, group addresses, broadcast and DHCP are a class of their own (`protection`) under every
//! choice, and so is IKE; these rows are what a system exempts in addition.

/// The system whose default exemptions apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DefaultExemptions {
    /// Nothing in addition.
    #[default]
    None,
    /// Windows 2000 and XP: Kerberos and RSVP as well, unless `NoDefaultExempt` is 1 (Microsoft
    /// knowledge base 253169, 254728 and 811832).
    Windows2000(NoDefaultExempt),
    /// Windows Server 2003: only IKE, unless `NoDefaultExempt` is below 3 (knowledge base 810207,
    /// and "Specifying Default Exemptions to IPSec Filtering", cc756041).
    Windows2003(NoDefaultExempt),
    /// Windows Vista and later: only IKE, neighbour discovery and DHCP (Microsoft, "IKE
    /// Exemptions", and `IPsecExempt` in MS-GPFAS 2.2.1.5).
    WindowsVista,
}

/// The registry's value `NoDefaultExempt`, and `netsh ipsec dynamic set config ipsecexempt`: which of the
/// default exemptions are removed (cc756041).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoDefaultExempt {
    /// 0: multicast, broadcast, RSVP, Kerberos and IKE are exempt.
    Nothing,
    /// 1: Kerberos and RSVP are not exempt.
    KerberosRsvp,
    /// 2: multicast and broadcast are not exempt.
    Groups,
    /// 3: only IKE is exempt.
    AllButIke,
}

impl NoDefaultExempt {
    /// Every value, by its number.
    pub const ALL: [Self; 4] = [Self::Nothing, Self::KerberosRsvp, Self::Groups, Self::AllButIke];

    /// The number in the registry.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::KerberosRsvp => 1,
            Self::Groups => 2,
            Self::AllButIke => 3,
        }
    }

    /// The value with a number.
    #[must_use]
    pub fn numbered(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|value| i64::from(value.number()) == number)
    }

    const fn exempts_kerberos(self) -> bool {
        match self {
            Self::Nothing | Self::Groups => true,
            Self::KerberosRsvp | Self::AllButIke => false,
        }
    }
}

impl DefaultExemptions {
    /// Every system, without a value in its registry.
    pub const ALL: [Self; 4] = [
        Self::None,
        Self::Windows2000(NoDefaultExempt::Nothing),
        Self::Windows2003(NoDefaultExempt::AllButIke),
        Self::WindowsVista,
    ];

    /// The system as the policy file spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Windows2000(_) => "windows-2000",
            Self::Windows2003(_) => "windows-2003",
            Self::WindowsVista => "windows-vista",
        }
    }

    /// The system with its registry value, where it differs from the system's default.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Windows2000(NoDefaultExempt::KerberosRsvp) => "windows-2000, NoDefaultExempt 1",
            Self::Windows2003(NoDefaultExempt::Nothing) => "windows-2003, NoDefaultExempt 0",
            Self::Windows2003(NoDefaultExempt::KerberosRsvp) => "windows-2003, NoDefaultExempt 1",
            Self::Windows2003(NoDefaultExempt::Groups) => "windows-2003, NoDefaultExempt 2",
            Self::None
            | Self::Windows2000(_)
            | Self::Windows2003(NoDefaultExempt::AllButIke)
            | Self::WindowsVista => self.as_str(),
        }
    }

    /// The registry value; `None` where the system has none.
    #[must_use]
    pub const fn no_default_exempt(self) -> Option<NoDefaultExempt> {
        match self {
            Self::Windows2000(value) | Self::Windows2003(value) => Some(value),
            Self::None | Self::WindowsVista => None,
        }
    }

    /// The system with another registry value; `None` where it does not accept that value (Windows 2000 and XP
    /// accept 0 and 1, knowledge base 811832).
    #[must_use]
    pub const fn with(self, value: NoDefaultExempt) -> Option<Self> {
        match (self, value) {
            (Self::Windows2003(_), value) => Some(Self::Windows2003(value)),
            (Self::Windows2000(_), NoDefaultExempt::Nothing | NoDefaultExempt::KerberosRsvp) => {
                Some(Self::Windows2000(value))
            }
            (Self::Windows2000(_), NoDefaultExempt::Groups | NoDefaultExempt::AllButIke)
            | (Self::None | Self::WindowsVista, _) => None,
        }
    }

    /// Whether the system exempts this traffic by default.
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
            Self::Windows2000(value) | Self::Windows2003(value) if value.exempts_kerberos() => {
                KERBEROS_AND_RSVP
            }
            Self::None | Self::Windows2000(_) | Self::Windows2003(_) | Self::WindowsVista => &[],
        }
    }
}

/// TCP and UDP 88 are Kerberos, protocol 46 is RSVP.
const KERBEROS_AND_RSVP: &[(u8, Option<u16>)] = &[(6, Some(88)), (17, Some(88)), (46, None)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kerberos_passes_as_the_registry_says() {
        let kerberos = |system: DefaultExemptions| system.let_through(17, Some(88));
        let [_, old, new, vista] = DefaultExemptions::ALL;
        assert!(kerberos(old) && !kerberos(new) && !kerberos(vista));
        let passes = NoDefaultExempt::ALL.map(|value| new.with(value).is_some_and(kerberos));
        assert_eq!(passes, [true, false, true, false]);
        let known = NoDefaultExempt::ALL.map(|value| old.with(value).is_some());
        assert_eq!(known, [true, true, false, false]);
        assert!(new.with(NoDefaultExempt::Groups).unwrap().let_through(46, None));
        assert!(vista.with(NoDefaultExempt::Nothing).is_none());
    }
}
