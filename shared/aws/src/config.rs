//! How the AWS SDK is set up: TLS by `ring`, short timeouts, three tries, credentials from the environment.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, ConfigLoader, SdkConfig,
    ecs::EcsCredentialsProvider,
    environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider},
    meta::credentials::CredentialsProviderChain,
    retry::RetryConfig,
    timeout::TimeoutConfig,
};
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

/// The set-up that all functions share, for a caller that still has something to add.
///
/// Region, endpoint and credentials come from the SDK's own environment variables, or from the container's credentials
/// endpoint: where functions run, nothing else exists, and nothing else is waited for.
pub fn loader() -> ConfigLoader {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let environment = EnvironmentVariableCredentialsProvider::new();
    let container = EcsCredentialsProvider::builder().build();
    let credentials = CredentialsProviderChain::first_try("environment", environment).or_else("container", container);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .region(EnvironmentVariableRegionProvider::new())
        .credentials_provider(credentials)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(BACKOFF))
}

/// The set-up from the environment.
pub async fn sdk_config() -> SdkConfig {
    loader().load().await
}
