//! One payload of a message, as far as it is of use. What the two versions put into a payload is in `v1` and `v2`.

use super::proposal::Proposal;
use super::reader::Defect;

/// One payload.
#[derive(Clone, Debug)]
pub(super) struct Payload<'a> {
    /// Its type: a number of IANA's registry for its version.
    pub(super) kind: u8,
    pub(super) body: Body<'a>,
}

/// What a payload says that is of use; every type with a layout is read to its end all the same.
#[derive(Clone, Debug)]
pub(super) enum Body<'a> {
    /// What is offered, or chosen, and what ended the list early.
    SecurityAssociation(Vec<Proposal>, Option<Defect>),
    /// Key exchange data; IKEv2 names the group, IKEv1 does not.
    KeyExchange(Option<u16>),
    /// Who the sender says it is.
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
    /// The rest is encrypted: initialization vector, ciphertext and checksum of that many bytes.
    Encrypted {
        bytes: u32,
        fragment: Option<(u16, u16)>,
    },
    /// Another payload, or one that could not be read.
    Other,
}
