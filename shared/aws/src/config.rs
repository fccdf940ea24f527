//! How the AWS SDK is set up: three tries, short timeouts, credentials from the environment.

use std::time::Duration;

use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, StalledStreamProtectionConfig,
    retry::{ReconnectMode, RetryConfig},
    timeout::TimeoutConfig,
};
use aws_types::SdkConfig;

use crate::http;

const CONNECT: Duration = Duration::from_secs(2);
/// One try. DynamoDB and SQS answer within milliseconds; a try that takes longer is better done over.
const ATTEMPT: Duration = Duration::from_secs(5);
/// All tries together, well within the time of a function that nobody waits for.
const OPERATION: Duration = Duration::from_secs(15);
/// What a door, whose caller waits, gives an operation on storage: all tries together.
pub const DOOR_STORAGE: Duration = Duration::from_secs(4);
/// The same for the queue, which a door can do without: the sweep sends what it did not take.
pub const DOOR_QUEUE: Duration = Duration::from_secs(2);
const ATTEMPTS: u32 = 3;
/// The first pause between tries, at most: somebody waits for the answer.
const BACKOFF: Duration = Duration::from_millis(200);

/// The set-up that all functions share. The program must have installed TLS ([`crate::runtime::install_tls`]) before.
///
/// Region, endpoint and credentials come from the SDK's own environment variables: where functions run, nothing else
/// exists. `aws-config` would bring along every other way to find them, which makes each package larger.
pub fn sdk_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder().operation_timeout(OPERATION).build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(BACKOFF)
        // The connections see to that themselves.
        .with_reconnect_mode(ReconnectMode::ReuseAllConnections);
    let mut config = SdkConfig::builder();
    config.set_region(variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).map(Region::new));
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    config.set_credentials_provider(credentials().map(SharedCredentialsProvider::new));
    config
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(http::client(CONNECT, ATTEMPT))
        .timeout_config(timeouts)
        .retry_config(retries)
        // Bodies are small and in memory, and a try is bounded as a whole.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

/// The same set-up for operations that take no longer than `operation` in all: [`DOOR_STORAGE`] or [`DOOR_QUEUE`]. A try takes half
/// of it, so that one that hangs leaves time for another.
pub fn hurried(sdk: &SdkConfig, operation: Duration) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().operation_timeout(operation).operation_attempt_timeout(operation / 2);
    sdk.to_builder().timeout_config(timeouts.build()).build()
}

/// What Lambda gives a function; it stays the same for as long as the process lives.
fn credentials() -> Option<Credentials> {
    let (id, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
    Some(Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "environment"))
}

/// DynamoDB.
pub fn dynamodb(sdk: &SdkConfig) -> aws_sdk_dynamodb::Client {
    let mut config = aws_sdk_dynamodb::config::Builder::from(sdk);
    if let Some(url) = variable("AWS_ENDPOINT_URL_DYNAMODB") {
        config = config.endpoint_url(url);
    }
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// SQS.
pub fn sqs(sdk: &SdkConfig) -> aws_sdk_sqs::Client {
    let mut config = aws_sdk_sqs::config::Builder::from(sdk);
    if let Some(url) = variable("AWS_ENDPOINT_URL_SQS") {
        config = config.endpoint_url(url);
    }
    aws_sdk_sqs::Client::from_conf(config.build())
}

/// EventBridge.
pub fn eventbridge(sdk: &SdkConfig) -> aws_sdk_eventbridge::Client {
    let mut config = aws_sdk_eventbridge::config::Builder::from(sdk);
    if let Some(url) = variable("AWS_ENDPOINT_URL_EVENTBRIDGE") {
        config = config.endpoint_url(url);
    }
    aws_sdk_eventbridge::Client::from_conf(config.build())
}

/// Secrets Manager.
pub fn secrets_manager(sdk: &SdkConfig) -> aws_sdk_secretsmanager::Client {
    let mut config = aws_sdk_secretsmanager::config::Builder::from(sdk);
    if let Some(url) = variable("AWS_ENDPOINT_URL_SECRETS_MANAGER") {
        config = config.endpoint_url(url);
    }
    aws_sdk_secretsmanager::Client::from_conf(config.build())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
