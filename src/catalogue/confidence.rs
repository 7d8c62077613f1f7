//! How sure a statement is: the one scale of findings, causes and IKE outcomes.

/// How much a statement can bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// It fits, and other explanations fit as well.
    Low,
    /// It is inferred from what is seen.
    Medium,
    /// It was read, and the times agree.
    High,
}

impl Confidence {
    /// The confidence as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// From a score of 0 to 100.
    #[must_use]
    pub const fn of_score(score: u8) -> Self {
        match score {
            80.. => Self::High,
            50..80 => Self::Medium,
            0..50 => Self::Low,
        }
    }
}
