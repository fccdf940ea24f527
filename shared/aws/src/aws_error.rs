//! What may be told of an AWS error: its code or its kind, never its message, which can quote what was sent.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// The service's code for the error, or which part of the call failed.
pub(crate) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> &str {
    match error {
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "connect timeout",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ResponseError(_) => "unreadable answer",
        SdkError::ConstructionFailure(_) => "malformed request",
        SdkError::ServiceError(service) => service.err().code().unwrap_or("unknown code"),
        _ => "unknown",
    }
}
