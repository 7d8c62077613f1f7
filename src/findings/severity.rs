//! How bad a finding is: the closed list.

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know.
    Info,
    /// To be looked at some day.
    Low,
    /// Protection, or the evidence for it, is weaker than it seems.
    Medium,
    /// Traffic was not protected, or evidence was removed.
    High,
    /// Traffic that was explicitly demanded to be protected could be read.
    Critical,
}

impl Severity {
    /// Every severity, from the least on.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The severity as the report spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}
