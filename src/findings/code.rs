//! The closed list of findings; their words are in `words`.

/// Which rule makes a finding. The spelling is a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingCode {
    /// Traffic that had to be protected travelled in clear.
    CleartextWindow,
    /// ESP carried readable data.
    ReadableEsp,
    /// Only AH protected the traffic.
    AuthenticationOnly,
    /// Clear text that nothing demands to be protected.
    NoExpectation,
    /// A rule of the policy met no packet.
    RuleWithoutTraffic,
    /// Negotiations failed and nothing passed in clear.
    FailedClosed,
    /// Negotiations failed beside protection that went on.
    IkeFailing,
    /// More negotiations than are kept apart.
    NegotiationsUncounted,
    /// A host says that it dropped clear text that ought to have been protected.
    CleartextDropped,
    /// A host says that it dropped protected packets.
    ProtectedDropped,
    /// A service that IPsec needs went down.
    ServiceDown,
    /// A log was cleared.
    LogCleared,
    /// Auditing of IPsec was turned off.
    AuditingReduced,
    /// A log says itself that events are missing.
    EventsLost,
    /// A log skips record numbers.
    RecordGap,
    /// A log's clock was wrong by much.
    ClockWrong,
    /// A log's times could not be compared with the captures'.
    ClockUnknown,
    /// Evidence could not be read in full.
    EvidenceDamaged,
    /// The capturer lost frames.
    FramesLost,
    /// A capture shows packets again after decryption.
    DecryptedTwins,
    /// Negotiations of very many pairs failed.
    IkeFlood,
    /// Hosts agreed on an algorithm that is not to be used.
    WeakAlgorithmChosen,
    /// A host offers an algorithm that is not to be used.
    WeakAlgorithmOffered,
    /// Aggressive mode under a pre-shared key.
    AggressiveModePsk,
    /// IKEv1 is in use.
    Ikev1InUse,
    /// A capture shows packets more than once.
    DuplicatePackets,
    /// ESP packets are missing from a capture.
    EspGaps,
    /// Credentials passed in clear text.
    CredentialsInClear,
    /// A capture lost bytes of TCP.
    TcpGaps,
    /// Packets were captured before their network card encrypted them.
    BeforeEncryption,
    /// Packets were captured elsewhere than on a wire.
    OffWire,
    /// A capture was taken through a filter.
    CaptureFiltered,
    /// A host's negotiations were not audited.
    AuditingOff,
    /// A host audits logons and, it seems, not negotiations.
    DisableIkeAuditsSuspected,
    /// Whether a host would have logged its negotiations is not known.
    AuditingUnknown,
    /// No log of a host reaches into the time of a window.
    LogNotCovering,
    /// The IPsec driver let everything through for a measured time.
    DriverBypassSpan,
    /// A host says that its policy let clear text through.
    CleartextPermitted,
    /// More than one computer claims an address.
    AddressAmbiguous,
    /// What the cleartext windows of two hosts have in common.
    LeakPattern,
    /// Somebody may have made the hosts fall back.
    ForcedFallbackSuspected,
    /// Something else travels as what is exempt.
    ExemptionAbuse,
    /// A clear tunnel carried only protected packets.
    TunnelAroundProtected,
    /// L2TP passed in clear between hosts without a sign of IPsec.
    L2tpWithoutIpsec,
    /// Another station began to use an IP address.
    OtherStation,
    /// Log and capture say different things of the same negotiation.
    LogContradictsCapture,
    /// A log file holds records that are no longer part of the log.
    RecoveredRecords,
    /// Records were hidden inside others.
    HiddenRecords,
    /// More pairs of hosts than are kept apart.
    PairsFolded,
    /// More of something in a capture than is kept apart.
    BoundsReached,
    /// Frames could not be looked into, or too much of a pair's traffic could not be judged.
    BlindSpot,
    /// Clear packets carry no usable time.
    FramesWithoutTime,
    /// A host sent IKE to many others without an answer.
    IkeScan,
    /// The span that was asked for holds no frame.
    SpanWithoutEvidence,
    /// Hosts that use IPsec with others talked in clear with each other.
    IpsecHostsInClear,
}
