//! How the AWS SDK is set up: TLS by `ring`, short timeouts, three tries, credentials from the environment.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, ecs::EcsCredentialsProvider,
    environment::EnvironmentVariableCredentialsProvider, meta::credentials::CredentialsProviderChain,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

const CONNECT: Duration = Duration::from_secs(2);
/// One try. DynamoDB and SQS answer within milliseconds; a try that takes longer is better done over.
const ATTEMPT: Duration = Duration::from_secs(5);
/// All tries together, well within a function's time.
const OPERATION: Duration = Duration::from_secs(15);
const ATTEMPTS: u32 = 3;
/// The first pause between tries, at most: somebody waits for the answer.
const BACKOFF: Duration = Duration::from_millis(200);

/// The set-up that all functions share.
///
/// Region, endpoint and credentials come from the SDK's own environment variables, or from the container's credentials
/// endpoint: where functions run, nothing else exists, and nothing else is waited for. `aws_config`'s own loader would bring
/// along every other way to find them, which makes each package larger.
pub fn sdk_config() -> SdkConfig {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let environment = EnvironmentVariableCredentialsProvider::new();
    let container = EcsCredentialsProvider::builder().build();
    let credentials = CredentialsProviderChain::first_try("environment", environment).or_else("container", container);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let mut config = SdkConfig::builder();
    config.set_region(variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).map(Region::new));
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    config
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(BACKOFF))
        .build()
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
