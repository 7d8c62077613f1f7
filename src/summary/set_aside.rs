//! Why clear packets are no leaks.

use crate::capture::SeenAt;
use crate::protection::ProtectionClass;
use serde::{Deserialize, Serialize};

/// Why clear packets are no leaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SetAside {
    /// They show again, decrypted, what was captured inside ESP too.
    DecryptedCopy,
    /// Another capture shows them inside ESP: this one was taken on the inner side of a gateway.
    InsideOtherCapture,
    /// They were captured on their sender, before its network card encrypted them.
    IpsecOffload,
    /// They were captured at an adapter of a tunnel, inside that tunnel.
    InsideTunnel,
    /// They were captured above IPsec, where what it protects is clear.
    AboveIpsec,
    /// They were captured at a virtual switch, between its ports.
    AtSwitch,
    /// They were captured at a component that the trace does not describe: it may be inside a tunnel.
    PlaceUnknown,
}

impl SetAside {
    /// The reason as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DecryptedCopy => "decrypted_twin",
            Self::InsideOtherCapture => "decrypted_in_other_capture",
            Self::IpsecOffload => "before_encryption",
            Self::InsideTunnel => "inside_tunnel",
            Self::AboveIpsec => "above_ipsec",
            Self::AtSwitch => "at_switch",
            Self::PlaceUnknown => "place_unknown",
        }
    }

    /// Why a packet of this class that was seen there is set aside; `None` where it is judged as on a wire. ESP proves
    /// protection wherever it is seen, but for what is inside something else.
    #[must_use]
    pub fn of_place(seen_at: SeenAt, class: ProtectionClass) -> Option<Self> {
        let clear = Some(class).filter(|class| *class == ProtectionClass::Clear);
        match seen_at {
            SeenAt::Wire => None,
            SeenAt::InsideTunnel => Some(Self::InsideTunnel),
            SeenAt::AboveIpsec => Some(Self::AboveIpsec),
            SeenAt::Switch => clear.map(|_| Self::AtSwitch),
            SeenAt::Unknown => clear.map(|_| Self::PlaceUnknown),
        }
    }
}
