//! What adapters and twins must have in common, and what only AWS does.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod emulator;
mod events;
mod faults;
mod hanging;
mod ports;
mod queue;
mod scripted;
mod sqs_wire;
mod store;

use aws_sdk_dynamodb::config::{Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use podio_aws::{config, runtime};

/// The SDK as the functions set it up, sent to a place on this machine.
fn sdk(endpoint: String) -> SdkConfig {
    runtime::install_tls();
    let credentials = Credentials::new("local", "local", None, None, "tests");
    config::sdk_config()
        .to_builder()
        .endpoint_url(endpoint)
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}
