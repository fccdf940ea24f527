//! How one run of a job ended.

use jiff::Timestamp;
use podio_client::{Doubt, Meaning};
use podio_lifecycle::{
    ledger::NotCommitted,
    offboarding::{Failure, FailureCode},
    ports::{SaveError, StoreError},
};

/// Why a job could not go on.
#[derive(Debug)]
pub(crate) enum Halt {
    /// It needs more calls than it has moments for. No failure.
    Wait,
    /// Something else must happen first, and will have happened by then. No failure.
    Pause(Timestamp),
    /// Podio, or the way to it, is at fault: try again later, for as long as that lasts.
    Fault,
    /// It makes no sense to try again until a person has looked.
    Fail(Failure),
    /// Our own storage is at fault: try again soon, for as long as it takes.
    Storage(StoreError),
    /// The offboarding has moved on; look again whether there is anything left to do.
    Overtaken,
}

impl Halt {
    /// A failure that a person must look at.
    pub(crate) fn fail(code: FailureCode, detail: impl Into<String>) -> Self {
        Self::Fail(Failure { code, detail: detail.into() })
    }

    /// What an answer means that the job has no use for.
    pub(crate) fn of<T>(answer: &Meaning<T>, doing: &str) -> Self {
        match answer {
            // It contradicts what was asked before, so it is asked again.
            Meaning::Yes(_) => Self::Fault,
            Meaning::Unclear(doubt) => (*doubt).into(),
            Meaning::Denied(denial) if denial.lacks_a_right() => Self::fail(
                FailureCode::MissingRights,
                format!(
                    "Podio denied {doing}. The account that the service acts as must be an admin of the organization; \
                     check also that the organization id is right. Then retry."
                ),
            ),
            Meaning::Gone => Self::fail(
                FailureCode::UnknownOrg,
                format!(
                    "Podio knows no such organization ({doing}). Check the organization id; then post the leaver anew."
                ),
            ),
            Meaning::NotOffered => Self::not_accepted(doing, "no such operation"),
            Meaning::Denied(denial) => Self::not_accepted(doing, &denial.to_string()),
        }
    }

    fn not_accepted(doing: &str, why: &str) -> Self {
        let detail = format!(
            "Podio does not accept the request for {doing} ({why}). Report this as a bug; retry after an update."
        );
        Self::fail(FailureCode::UnexpectedAnswer, detail)
    }
}

impl From<Doubt> for Halt {
    fn from(doubt: Doubt) -> Self {
        match doubt {
            Doubt::NoAnswer | Doubt::Unreadable => Self::Fault,
            Doubt::Token => Self::fail(
                FailureCode::CredentialRejected,
                "Podio refuses the access token even after a renewal. Authorise the service anew, then retry.",
            ),
        }
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Storage(error)
    }
}

/// Whoever wrote in between has moved things on.
impl From<SaveError> for Halt {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Store(error) => Self::Storage(error),
            SaveError::Conflict | SaveError::PersonTaken(_) => Self::Overtaken,
        }
    }
}

impl From<NotCommitted> for Halt {
    fn from(error: NotCommitted) -> Self {
        match error {
            NotCommitted::Store(error) => Self::Storage(error),
            NotCommitted::Unknown
            | NotCommitted::Refused(_)
            | NotCommitted::Conflict
            | NotCommitted::PersonTaken(_)
            | NotCommitted::CannotSeal => Self::Overtaken,
        }
    }
}
