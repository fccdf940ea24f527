//! Why a request is refused, in SCIM's own terms (RFC 7644, section 3.12).

use std::borrow::Cow;

/// The kinds of faults that SCIM has words for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The filter is none that is understood here.
    InvalidFilter,
    /// The body's structure is not what SCIM describes.
    InvalidSyntax,
    /// A path cannot be read.
    InvalidPath,
    /// A value is missing, or cannot be what it should.
    InvalidValue,
    /// A path leads to no one value.
    NoTarget,
    /// An attribute that must be there would go.
    Mutability,
    /// More than is taken at once.
    TooMany,
    /// Another user has that `userName`.
    Uniqueness,
}

impl Fault {
    /// The word of RFC 7644.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::InvalidValue => "invalidValue",
            Self::NoTarget => "noTarget",
            Self::Mutability => "mutability",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
        }
    }
}

/// A request that is refused whole. The detail names attributes and never repeats a value, so that it may be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refused {
    /// What kind of fault it is.
    pub fault: Fault,
    /// What to do differently.
    pub detail: Cow<'static, str>,
}

impl Refused {
    /// Refuses for that reason.
    pub fn new(fault: Fault, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { fault, detail: detail.into() }
    }
}
