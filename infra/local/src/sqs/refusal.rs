//! Why a request was not carried out: what SQS refuses, and what only this endpoint does.

use podio_aws::queue::twin::SqsError;

/// A request that was not carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// SQS itself would refuse.
    #[error(transparent)]
    Sqs(#[from] SqsError),
    /// The body is not the JSON of that action. The parser's sentence quotes no value of ours but may quote the caller's.
    #[error("The request is not the action's JSON: {0}")]
    Malformed(#[from] serde_json::Error),
    /// No such action, here or at all.
    #[error("The action {0} is not valid for this endpoint.")]
    UnknownAction(String),
    /// A part of SQS that the twin leaves out.
    #[error("Not served locally: {0}.")]
    Unsupported(&'static str),
}

impl Refusal {
    /// The code of the query protocol.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Sqs(error) => error.code(),
            Self::Malformed(_) => "SerializationException",
            Self::UnknownAction(_) => "InvalidAction",
            Self::Unsupported(_) => "AWS.SimpleQueueService.UnsupportedOperation",
        }
    }

    /// The shape's name in `__type`.
    pub(super) fn shape(&self) -> &'static str {
        match self {
            Self::Sqs(error) => error.shape(),
            other => other.code().rsplit('.').next().unwrap_or_default(),
        }
    }
}
