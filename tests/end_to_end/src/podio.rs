//! What the sandbox Podio saw: the one witness that the product cannot influence.

use reqwest::Client;
use serde_json::Value;

/// The sandbox's log and state.
pub struct PodioLog {
    http: Client,
    url: String,
}

impl PodioLog {
    /// Of the sandbox at `url`.
    pub fn of(url: &str) -> Self {
        Self { http: Client::builder().no_proxy().build().unwrap(), url: url.to_owned() }
    }

    async fn read(&self, what: &str) -> Value {
        self.http.get(format!("{}/_sandbox/{what}", self.url)).send().await.unwrap().json().await.unwrap()
    }

    /// Every call, in order.
    pub async fn calls(&self) -> Vec<Value> {
        let log = self.read("log").await;
        log.as_array().cloned().unwrap_or_else(|| log["calls"].as_array().cloned().expect("a list of calls"))
    }

    /// Calls that Podio counts against the quota.
    pub async fn counted(&self) -> usize {
        self.calls().await.iter().filter(|call| !path(call).starts_with("/oauth/")).count()
    }

    /// Calls that were turned down for the quota.
    pub async fn rejections(&self) -> usize {
        self.calls().await.iter().filter(|call| call["rejected_420"] == true).count()
    }

    /// The paths of all `DELETE`s, in order.
    pub async fn deletes(&self) -> Vec<String> {
        let calls = self.calls().await;
        calls.iter().filter(|call| call["method"] == "DELETE").map(|call| path(call).to_owned()).collect()
    }

    /// The organization was left exactly once, after the last space.
    pub async fn assert_order(&self, spaces: usize) {
        let deletes = self.deletes().await;
        let from_org: Vec<_> = deletes.iter().filter(|path| path.starts_with("/org/")).collect();
        assert_eq!(from_org.len(), 1, "{deletes:?}");
        assert!(deletes.last().is_some_and(|last| last.starts_with("/org/")), "{deletes:?}");
        let mut left: Vec<_> = deletes.iter().filter(|path| path.starts_with("/space/")).collect();
        left.sort();
        left.dedup();
        assert_eq!(left.len(), spaces, "{deletes:?}");
    }

    /// Everybody's memberships, but one person's: to see that nobody else was touched.
    pub async fn state(&self) -> Value {
        self.read("state").await
    }
}

fn path(call: &Value) -> &str {
    call["path"].as_str().unwrap()
}
