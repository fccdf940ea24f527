//! Prices in US dollars, without the free tiers, and what is assumed where nothing can be counted.
//!
//! List prices of us-east-1 for on-demand use, as aws.amazon.com publishes them for each service under `/pricing/`; the
//! latest change among them is DynamoDB's of November 2024. Other regions cost up to a third more.

/// A Lambda invocation. Source: aws.amazon.com/lambda/pricing.
pub const INVOCATION: f64 = 0.20 / 1e6;
/// A GB-second of Lambda on arm64.
pub const GB_SECOND: f64 = 0.000_013_333_4;
/// A request to a standard queue of SQS, up to 64 KiB. Source: aws.amazon.com/sqs/pricing.
pub const SQS_REQUEST: f64 = 0.40 / 1e6;
/// A write request unit of DynamoDB. Source: aws.amazon.com/dynamodb/pricing/on-demand.
pub const WRITE_UNIT: f64 = 0.625 / 1e6;
/// A read request unit of DynamoDB.
pub const READ_UNIT: f64 = 0.125 / 1e6;
/// A request to an HTTP API. Source: aws.amazon.com/api-gateway/pricing.
pub const API_REQUEST: f64 = 1.00 / 1e6;
/// A month of one customer-managed KMS key. Source: aws.amazon.com/kms/pricing.
pub const KEY_MONTH: f64 = 1.00;
/// A month of one secret. Source: aws.amazon.com/secrets-manager/pricing.
pub const SECRET_MONTH: f64 = 0.40;
/// A month of one alarm. Source: aws.amazon.com/cloudwatch/pricing. The dashboard is among the three that cost nothing.
pub const ALARM_MONTH: f64 = 0.10;

/// Memory of each function in GB, as in template.yaml.
pub const MEMORY_GB: f64 = 0.25;
/// What Podio takes to answer a call, in milliseconds.
pub const PODIO_MILLIS: i64 = 250;
/// What a request to DynamoDB or SQS takes, in seconds.
pub const AWS_SECONDS: f64 = 0.005;
/// Requests of the event source to an empty queue in a month: five pollers, twenty seconds each time.
pub const IDLE_POLLS_MONTH: f64 = 5.0 * 3.0 * MINUTES_MONTH;
/// Minutes in a month of thirty days, with a sweep in each.
pub const MINUTES_MONTH: f64 = 43_200.0;
