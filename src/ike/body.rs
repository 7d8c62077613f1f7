//! One payload of a message, as far as it is used. `v1` and `v2` parse the payloads of the two versions.

use super::proposal::Proposal;
use super::reader::Defect;

/// One payload.
#[derive(Clone, Debug)]
pub(super) struct Payload<'a> {
    /// Its type: a number of IANA's registry for its version.
    pub(super) kind: u8,
    pub(super) body: Body<'a>,
}

/// The useful content of a payload; every type with a layout is read to its end anyway.
#[derive(Clone, Debug)]
pub(super) enum Body<'a> {
    /// The offer or the choice, and what ended the list early.
    SecurityAssociation(Vec<Proposal>, Option<Defect>),
    /// Key exchange data; IKEv2 names the group, IKEv1 does not.
    KeyExchange(Option<u16>),
    /// The identity that the sender claims.
    Identification {
        kind: u8,
        data: &'a [u8],
    },
    /// Proof of identity: IKEv1's hash or signature, IKEv2's AUTH.
    Authentication,
    /// A notify message: its number and its data.
    Notify {
        kind: u16,
        data: &'a [u8],
    },
    /// What is deleted: the SPIs of ESP or AH, or nothing where the IKE SA itself is.
    Delete {
        spis: &'a [u8],
    },
    VendorId(&'a [u8]),
    /// RFC 3947 §3.2: a hash over an address and a port.
    NatDetection(&'a [u8]),
    /// One part of a message in Cisco's and Microsoft's scheme (\[MS-IKEE\] 2.2.1).
    Fragment {
        number: u8,
        bytes: u32,
    },
    /// The rest is encrypted: initialization vector, ciphertext and checksum, with their length in bytes.
    Encrypted {
        bytes: u32,
        fragment: Option<(u16, u16)>,
    },
    /// Another payload, or one that could not be read.
    Other,
}
