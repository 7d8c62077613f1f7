//! Why a rule of another system cannot be expressed in a policy.

use super::names::named;

/// Why a rule of another system cannot be expressed in a policy. Texts are those of the source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RuleFault {
    /// It would take this many rules.
    #[error("it would take {0} rules")]
    TooManyRules(usize),
    #[error("it names no hosts")]
    NoHosts,
    #[error("a policy cannot name ports of both sides")]
    PortsOfBothSides,
    #[error("it names ports of a protocol that has none")]
    PortsWithoutProtocol,
    /// From the first port to the last.
    #[error("a policy has no port ranges such as {0} to {1}")]
    PortRange(u16, u16),
    #[error("it names a list of ports")]
    PortList,
    #[error("{} is not a port", named(.0))]
    NotAPort(String),
    #[error("its port {} is not a number", named(.0))]
    PortNotANumber(String),
    #[error("a port of it cannot be read")]
    UnreadablePort,
    #[error("its protocol {} is not known", named(.0))]
    UnknownProtocol(String),
    #[error("its protocol cannot be read")]
    UnreadableProtocol,
    #[error("its sides name different protocols")]
    DifferentProtocols,
    #[error("the export does not hold its addresses (see docs/policy.md, import)")]
    NoAddresses,
    #[error("{} is not an address: put the addresses it names into a rule", named(.0))]
    NameAsAddress(String),
    #[error("{} is not an address", named(.0))]
    NotAnAddress(String),
    #[error("an address of it cannot be read")]
    UnreadableAddress,
    /// It lacks its source or destination.
    #[error("it names no {0}")]
    NoSide(&'static str),
    #[error("its {side} {} is not an address: put the addresses it names into a rule", named(.text))]
    SideNotAnAddress { side: &'static str, text: String },
    #[error("its {side} mask {} is not a mask", named(.text))]
    NotAMask { side: &'static str, text: String },
    #[error("its traffic selector {} is not a network", named(.0))]
    SelectorNotANetwork(String),
    #[error("it has too many traffic selectors")]
    TooManySelectors,
    #[error("its other side is any host that connects")]
    AnyPeer,
    #[error("a condition has no value")]
    NoValue,
    /// A condition on this field.
    #[error("its condition on {0} is not an equality")]
    NoEquality(String),
    /// A condition on this field.
    #[error("it has a condition on {0}")]
    OtherCondition(String),
    #[error("its quick mode policy is not in the file")]
    NoQuickModePolicy,
    #[error("filters were deleted from its list {}", named(.0))]
    DeletedFilters(String),
    #[error("its filter list {} is empty", named(.0))]
    EmptyList(String),
    #[error("it protects one direction only (mirrored=no)")]
    OneDirection,
}
