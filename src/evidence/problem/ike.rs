//! What can be wrong with IKE messages. The frame that a problem is about is its position.

use super::ProblemCode;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What is wrong with IKE messages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum IkeProblem {
    /// A field of a message breaks the format; what precedes it was read.
    Field {
        /// The field, as its RFC names it.
        field: Cow<'static, str>,
        /// Its offset in the message, in bytes.
        at: u64,
        /// What is wrong with it.
        fault: FieldFault,
    },
    /// This many more messages are malformed.
    More(u64),
}

/// What is wrong with a field of an IKE message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FieldFault {
    /// The bytes end before the field does.
    Short {
        /// The bytes it takes.
        needed: u64,
        /// The bytes that are left.
        have: u64,
    },
    /// A length smaller than the fixed part that it counts.
    Length {
        /// Its value.
        value: u64,
        /// The least that is possible.
        minimum: u64,
    },
    /// More items than any sound message has.
    TooMany {
        /// How many were read.
        limit: u64,
    },
    /// A value that the format does not allow.
    Unexpected {
        /// Its value.
        value: u8,
        /// The values that are allowed.
        expected: Cow<'static, str>,
    },
}

impl IkeProblem {
    /// The code it has in the report.
    #[must_use]
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::Field { .. } | Self::More(_) => ProblemCode::MalformedIke,
        }
    }
}
