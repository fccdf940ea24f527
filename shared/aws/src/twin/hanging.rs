//! An AWS on this machine, and one that never answers.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use aws_sdk_dynamodb::config::{Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;

use crate::{config, runtime};

/// The SDK as the functions set it up, sent to an endpoint on this machine.
pub fn sdk(endpoint: impl Into<String>) -> SdkConfig {
    runtime::install_tls();
    let credentials = Credentials::new("local", "local", None, None, "tests");
    config::sdk_config()
        .to_builder()
        .endpoint_url(endpoint)
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// A service that takes every connection and never answers, for as long as this value lives. The operating system takes
/// the connections; nobody here accepts them.
#[derive(Debug)]
pub struct Hanging {
    address: SocketAddr,
    _listener: TcpListener,
}

impl Hanging {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// There is no free port.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self { address: listener.local_addr()?, _listener: listener })
    }

    /// The SDK, sent there.
    pub fn sdk(&self) -> SdkConfig {
        sdk(format!("http://{}", self.address))
    }
}
