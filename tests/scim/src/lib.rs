//! How long the SCIM door takes for its answers where there are many users: the real function over an emulated DynamoDB.

pub mod bounds;
pub mod crowd;
