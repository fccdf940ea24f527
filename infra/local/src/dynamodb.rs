//! DynamoDB in process: dynoxide on a loopback port, its data in memory or in a file.

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::Context as _;
use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
};
use dynoxide::{Database, server};
use tokio::{net::TcpListener, time::interval};

use crate::task::Task;

/// AWS deletes expired items within days; nothing may rely on more than that.
const TTL_PACE: Duration = Duration::from_secs(60);

/// The server; it ends when this is dropped.
pub struct Server {
    address: SocketAddr,
    region: String,
    serving: Task,
    expiring: Task,
}

impl Server {
    /// Serves the data in `file`, or none that lasts, on a free loopback port.
    ///
    /// # Errors
    /// The file is no database, or no port is to be had.
    pub async fn start(file: Option<&Path>, region: &str) -> anyhow::Result<Self> {
        let database = match file {
            Some(file) => {
                let path = file.to_str().context("the data folder's path is not UTF-8")?;
                Database::new(path).with_context(|| format!("cannot open {path}"))?
            }
            None => Database::memory().context("cannot open DynamoDB in memory")?,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no loopback port for DynamoDB")?;
        let address = listener.local_addr()?;
        let serving = Task::spawn("dynamodb", server::serve_on(listener, database.clone()));
        let expiring = Task::spawn("dynamodb ttl", expire(database));
        Ok(Self { address, region: region.to_owned(), serving, expiring })
    }

    /// Ends it.
    pub async fn stop(self) {
        self.expiring.stop().await;
        self.serving.stop().await;
    }

    /// What `AWS_ENDPOINT_URL_DYNAMODB` is to be.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Creates the tables that are not there yet.
    ///
    /// # Errors
    /// DynamoDB refuses.
    pub async fn create_tables(
        &self,
        table: &str,
        credentials_table: &str,
        evidence_table: &str,
    ) -> anyhow::Result<()> {
        let client = self.client();
        podio_aws::tables::create_tables(&client, table, credentials_table, evidence_table).await?;
        Ok(())
    }

    /// The AWS SDK, pointed here.
    pub fn client(&self) -> Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .endpoint_url(self.url())
            .credentials_provider(Credentials::new("local", "local", None, None, "local stack"))
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Client::from_conf(config)
    }
}

async fn expire(database: Database) {
    let mut beat = interval(TTL_PACE);
    loop {
        beat.tick().await;
        let database = database.clone();
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        if let Ok(Err(error)) = swept {
            tracing::warn!(%error, "expired items were not deleted");
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;

    #[tokio::test]
    async fn the_tables_are_created_once_and_outlive_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dynamodb.sqlite");
        let text = |text: &str| AttributeValue::S(text.to_owned());

        let server = Server::start(Some(&file), "eu-central-1").await.unwrap();
        server.create_tables("state", "credentials", "evidence").await.unwrap();
        let put = server.client().put_item().table_name("state");
        put.item("pk", text("a")).item("sk", text("b")).send().await.unwrap();
        drop(server);

        let server = Server::start(Some(&file), "eu-central-1").await.unwrap();
        server.create_tables("state", "credentials", "evidence").await.unwrap();
        let get = server.client().get_item().table_name("state");
        assert!(get.key("pk", text("a")).key("sk", text("b")).send().await.unwrap().item.is_some());
    }
}
