//! The function host with real processes: cargo-lambda over a workspace of one small function under four names.

#![allow(clippy::unwrap_used, reason = "a test may fail like this")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use local_stack::{
    functions::Function,
    host::{self, Config, Host, InvokeError, Supervisor, build, install},
    stack::workspace,
};
use serde_json::{Value, json};

const FUNCTION: &str = include_str!("host/function.rs");

/// Builds a workspace in `folder` and starts its host.
async fn start(folder: &Path, table: &str) -> (Host, Supervisor) {
    let cache = workspace().join(".cache");
    let cargo_lambda = install::cargo_lambda(&cache).await.unwrap();
    let mut manifest =
        "[package]\nname = \"functions\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n".to_owned();
    for function in Function::ALL {
        manifest += &format!("[[bin]]\nname = \"{function}\"\npath = \"function.rs\"\n");
    }
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("function.rs"), FUNCTION).unwrap();
    let binaries = build::functions(folder, false).await.unwrap();
    let config = Config {
        workspace: folder.to_owned(),
        cargo_lambda,
        binaries,
        cache,
        concurrency: 2,
        environment: BTreeMap::from([("TABLE_NAME".to_owned(), Some(table.to_owned()))]),
    };
    host::start(config).await.unwrap()
}

async fn invoke(host: &Host, event: Value) -> Value {
    serde_json::from_slice(&host.invoke(Function::Worker, &event).await.unwrap()).unwrap()
}

async fn failure(host: &Host, event: Value) -> Value {
    match host.invoke(Function::Worker, &event).await {
        Err(InvokeError::Function(error)) => serde_json::from_slice(&error).unwrap(),
        other => panic!("no function error: {other:?}"),
    }
}

fn is_alive(pid: u64) -> bool {
    // A zombie that waits for its parent is dead enough.
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn a_function_is_invoked_dies_and_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let (host, supervisor) = start(folder.path(), "mine").await;

    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let first = invoke(&host, json!({})).await;
    assert_eq!(first["table"], "mine");
    assert!(first["deadline"].as_u64().unwrap() >= now, "the deadline lies ahead");
    assert!(failure(&host, json!({"fail": true})).await["pid"].is_number());

    // As many deaths as there are instances, and one more: each fails its own invocation and nothing else.
    for _ in 0..3 {
        assert_eq!(failure(&host, json!({"die": true})).await["errorType"], "Runtime.ExitError");
    }
    let survivor = invoke(&host, json!({})).await["pid"].as_u64().unwrap();

    // Parallel invocations all come back.
    let all = futures::future::join_all((0..20).map(|_| invoke(&host, json!({})))).await;
    assert_eq!(all.len(), 20);

    supervisor.stop().await;
    for _ in 0..100 {
        if !is_alive(survivor) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the function outlived its host");
}

#[tokio::test]
async fn two_hosts_run_side_by_side_and_a_lost_one_comes_back() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (one, two) = tokio::join!(start(folders[0].path(), "one"), start(folders[1].path(), "two"));
    assert_eq!(invoke(&one.0, json!({})).await["table"], "one");
    assert_eq!(invoke(&two.0, json!({})).await["table"], "two");

    let url = one.0.url();
    one.1.kill_host().await;
    one.0.ready().await;
    assert_ne!(one.0.url(), url, "on another port");
    assert_eq!(invoke(&one.0, json!({})).await["table"], "one");
    one.1.stop().await;
    two.1.stop().await;
}
