//! What SQS refuses, with the codes that its two protocols use.

/// A refusal of SQS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqsError {
    /// No queue of that name.
    #[error("The specified queue does not exist.")]
    QueueDoesNotExist,
    /// The name is taken by a queue with other settings.
    #[error("A queue already exists with the same name and a different value for an attribute.")]
    QueueNameExists,
    /// Not 1 to 80 letters, digits, hyphens and underscores.
    #[error("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")]
    InvalidQueueName,
    /// An attribute that a standard queue does not have.
    #[error("Unknown Attribute {0}.")]
    InvalidAttributeName(String),
    /// An attribute's value is out of its range.
    #[error("Invalid value for the parameter {name}. Reason: {reason}.")]
    InvalidAttributeValue {
        /// The attribute.
        name: String,
        /// What it must be.
        reason: &'static str,
    },
    /// A parameter's value is out of its range.
    #[error("Value for parameter {parameter} is invalid. Reason: {reason}.")]
    InvalidParameterValue {
        /// The parameter.
        parameter: &'static str,
        /// What it must be.
        reason: &'static str,
    },
    /// A parameter is missing.
    #[error("The request must contain the parameter {0}.")]
    MissingParameter(&'static str),
    /// The body holds a character that XML cannot carry.
    #[error("The message contains characters outside the allowed set.")]
    InvalidMessageContents,
    /// A batch without entries.
    #[error("There should be at least one entry in the request.")]
    EmptyBatchRequest,
    /// More than ten entries.
    #[error("Maximum number of entries per request are 10.")]
    TooManyEntriesInBatchRequest,
    /// Two entries with the same id.
    #[error("Two or more batch entries in the request have the same Id.")]
    BatchEntryIdsNotDistinct,
    /// An entry's id is not 1 to 80 letters, digits, hyphens and underscores.
    #[error("A batch entry id can only contain alphanumeric characters, hyphens and underscores. 1 to 80 in length.")]
    InvalidBatchEntryId,
    /// All bodies together are longer than a request may be.
    #[error("Batch requests cannot be longer than 1048576 bytes.")]
    BatchRequestTooLong,
    /// The queue never gave this handle.
    #[error("The input receipt handle is invalid.")]
    ReceiptHandleIsInvalid,
    /// The message is gone, visible again, or held by a later receive.
    #[error("The specified message isn't in flight.")]
    MessageNotInflight,
    /// The message would be in flight for more than twelve hours.
    #[error("Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")]
    VisibilityBeyondLimit,
    /// The queue was purged less than 60 seconds ago.
    #[error("Only one PurgeQueue operation is allowed every 60 seconds.")]
    PurgeQueueInProgress,
    /// 120,000 messages are in flight.
    #[error("The maximum number of in flight messages is reached.")]
    OverLimit,
}

impl SqsError {
    /// The code of the query protocol, which SDKs and batch results show.
    pub fn code(&self) -> &'static str {
        match self {
            Self::QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue",
            Self::QueueNameExists => "QueueAlreadyExists",
            Self::InvalidAttributeName(_) => "InvalidAttributeName",
            Self::InvalidAttributeValue { .. } => "InvalidAttributeValue",
            Self::InvalidQueueName | Self::InvalidParameterValue { .. } | Self::VisibilityBeyondLimit => {
                "InvalidParameterValue"
            }
            Self::MissingParameter(_) => "MissingParameter",
            Self::InvalidMessageContents => "InvalidMessageContents",
            Self::EmptyBatchRequest => "AWS.SimpleQueueService.EmptyBatchRequest",
            Self::TooManyEntriesInBatchRequest => "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            Self::BatchEntryIdsNotDistinct => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            Self::InvalidBatchEntryId => "AWS.SimpleQueueService.InvalidBatchEntryId",
            Self::BatchRequestTooLong => "AWS.SimpleQueueService.BatchRequestTooLong",
            Self::ReceiptHandleIsInvalid => "ReceiptHandleIsInvalid",
            Self::MessageNotInflight => "AWS.SimpleQueueService.MessageNotInflight",
            Self::PurgeQueueInProgress => "AWS.SimpleQueueService.PurgeQueueInProgress",
            Self::OverLimit => "OverLimit",
        }
    }

    /// The shape's name in the JSON protocol's `__type`, without its namespace.
    pub fn shape(&self) -> &'static str {
        match self {
            Self::QueueDoesNotExist => "QueueDoesNotExist",
            Self::QueueNameExists => "QueueNameExists",
            // The other shapes are named like their code, less the service's prefix.
            other => other.code().rsplit('.').next().unwrap_or_default(),
        }
    }
}
