//! DynamoDB in this process, spoken to over HTTP as ever.

use aws_sdk_dynamodb::Client;
use podio_aws::{DynamoCredentials, DynamoStore, tables, twin::sdk};

/// The state table's name.
pub const STATE: &str = "state";
const CREDENTIALS: &str = "credentials";
const EVIDENCE: &str = "evidence";

/// An emulator with all tables, empty. It ends with the test's runtime.
pub struct Emulator {
    client: Client,
}

impl Emulator {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let database = dynoxide::Database::memory().unwrap();
        tokio::spawn(dynoxide::server::serve_on(listener, database));
        let emulator = Self { client: Client::new(&sdk(endpoint)) };
        emulator.create_tables().await;
        emulator
    }

    /// Creates the tables that do not exist.
    pub async fn create_tables(&self) {
        tables::create_tables(&self.client, STATE, CREDENTIALS, EVIDENCE).await.unwrap();
    }

    /// The client.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The state table and the evidence table.
    pub fn store(&self) -> DynamoStore {
        DynamoStore::new(self.client(), STATE).with_evidence(EVIDENCE)
    }

    /// The credentials table.
    pub fn credentials(&self) -> DynamoCredentials {
        DynamoCredentials::new(self.client(), CREDENTIALS)
    }
}
