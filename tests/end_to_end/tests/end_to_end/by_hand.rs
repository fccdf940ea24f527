//! The doors served by `cargo lambda watch`, by hand, beside a running stack.
#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::{ffi::OsString, net::TcpListener, process::Stdio, time::Duration};

use end_to_end::{Caller, Local, without_the_tests_package, workspace};
use podio_sandbox::population::LEAVER;
use reqwest::Client;
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::BUILDING;

const SOON: Duration = Duration::from_secs(60);
/// It builds the function first.
const SERVING: Duration = Duration::from_secs(15 * 60);

#[tokio::test]
async fn lambda_watch_serves_the_doors_of_a_running_stack() {
    let _alone = BUILDING.lock().await;
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let local = Local::up(&["--data", folder], &[("HOOK_SECRET", "it's a secret of this test")]).await;

    let by_port = Local::env(&["--port", &local.port().to_string()]).await;
    let by_data = Local::env(&["--data", folder]).await;
    assert!(by_port.status.success());
    assert_eq!(by_port.stdout, by_data.stdout);
    let lines = String::from_utf8(by_port.stdout).unwrap();
    assert!(lines.lines().all(|line| line.starts_with("export ")), "nothing else is on standard output");
    assert!(lines.contains(r"export HOOK_SECRET='it'\''s a secret of this test'"));

    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _watch = watch(&lines, port);
    let url = format!("http://127.0.0.1:{port}");
    let http = Client::builder().no_proxy().build().unwrap();
    let serving = async {
        while !http.get(format!("{url}/health")).send().await.is_ok_and(|answer| answer.status().is_success()) {
            sleep(Duration::from_millis(200)).await;
        }
    };
    timeout(SERVING, serving).await.unwrap();

    // Posted by hand, done by the stack's worker, and seen at both doors.
    let id = Caller::new(&url).leaver(LEAVER).await;
    assert_eq!(local.caller.rested(&id, SOON).await["state"], "completed");
    let hook = http.post(format!("{url}/hooks/podio/app/1/00")).body("type=item.create").send().await.unwrap();
    assert_eq!(
        (hook.status().as_u16(), &hook.headers()["content-type"]),
        (404, &"application/problem+json".parse().unwrap())
    );

    let named = local.port().to_string();
    assert_eq!(local.stop().await, Some(0));
    let gone = Local::env(&["--port", &named]).await;
    assert_eq!((gone.status.code(), gone.stdout.len()), (Some(1), 0));
    assert_eq!(
        String::from_utf8(gone.stderr).unwrap(),
        format!("error: no stack runs on port {named}; start one with `cargo local up`\n")
    );
}

/// `cargo lambda watch` in a shell that has read these lines.
fn watch(lines: &str, port: u16) -> Child {
    let script = format!(
        "{lines}\nexec cargo-lambda lambda watch --ignore-changes --invoke-address 127.0.0.1 --invoke-port {port}"
    );
    let mut shell = Command::new("sh");
    without_the_tests_package(&mut shell);
    shell
        .args(["-c", &script])
        .current_dir(workspace())
        .env("PATH", path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// The caller's, and behind it where a stack installs cargo-lambda.
fn path() -> OsString {
    let tools = std::fs::read_dir(workspace().join(".cache")).into_iter().flatten().flatten();
    let tools = tools.map(|tool| tool.path().join("bin"));
    let own = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::env::split_paths(&own).chain(tools)).unwrap()
}
