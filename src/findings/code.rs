//! The closed list of findings; what is known of each is in `rows`.

/// Which rule makes a finding. The spelling is a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingCode {
    /// Traffic that had to be protected travelled in clear.
    CleartextWindow,
    /// ESP carried readable data.
    ReadableEsp,
    /// Only AH protected the traffic.
    AuthenticationOnly,
    /// Clear text that nothing requires to be protected.
    NoExpectation,
    /// A rule of the policy met no packet.
    RuleWithoutTraffic,
    /// Negotiations failed and nothing passed in clear.
    FailedClosed,
    /// Negotiations failed while protection continued.
    IkeFailing,
    /// More negotiations than are kept apart.
    NegotiationsUncounted,
    /// A host reports that it dropped clear text that should have been protected.
    CleartextDropped,
    /// A host reports that it dropped protected packets.
    ProtectedDropped,
    /// A service that IPsec needs went down.
    ServiceDown,
    /// A log was cleared.
    LogCleared,
    /// Auditing of IPsec was turned off.
    AuditingReduced,
    /// A log reports that events are missing.
    EventsLost,
    /// A log skips record numbers.
    RecordGap,
    /// A log's clock was wrong by a large amount.
    ClockWrong,
    /// A log's times could not be compared with the captures'.
    ClockUnknown,
    /// Evidence could not be read in full.
    EvidenceDamaged,
    /// The capturer lost frames.
    FramesLost,
    /// A capture shows packets again after decryption.
    DecryptedCopies,
    /// Negotiations of very many pairs failed.
    IkeFlood,
    /// Hosts agreed on a weak algorithm.
    WeakAlgorithmChosen,
    /// A host offers a weak algorithm.
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
    /// A host audits logons but apparently not negotiations.
    DisableIkeAuditsSuspected,
    /// Whether a host would have logged its negotiations is not known.
    AuditingUnknown,
    /// No log of a host covers the time of a window.
    LogNotCovering,
    /// The IPsec driver let all traffic through for a measured time.
    DriverBypassSpan,
    /// A host reports that its policy let clear text through.
    CleartextPermitted,
    /// More than one computer claims an address.
    AddressAmbiguous,
    /// What the cleartext windows of two hosts have in common.
    LeakPattern,
    /// An attacker may have made the hosts fall back to clear text.
    ForcedFallbackSuspected,
    /// Other traffic is disguised as exempt traffic.
    ExemptionAbuse,
    /// A clear tunnel carried only protected packets.
    TunnelAroundProtected,
    /// L2TP passed in clear between hosts that show no sign of IPsec.
    L2tpWithoutIpsec,
    /// Another station began to use an IP address.
    OtherStation,
    /// Log and capture contradict each other about the same negotiation.
    LogContradictsCapture,
    /// A log file holds records that are no longer part of the log.
    RecoveredRecords,
    /// Records were hidden inside others.
    HiddenRecords,
    /// More pairs of hosts than are kept apart.
    PairsFolded,
    /// A capture holds more of something than is kept apart.
    BoundsReached,
    /// Frames could not be decoded, or too much of a pair's traffic could not be judged.
    BlindSpot,
    /// Clear packets have no usable time.
    FramesWithoutTime,
    /// A host sent IKE to many others without an answer.
    IkeScan,
    /// The span that was asked for holds no frame.
    SpanWithoutEvidence,
    /// Hosts that use IPsec with others talked in clear with each other.
    IpsecHostsInClear,
}
