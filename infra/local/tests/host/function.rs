//! A function in a page, without dependencies: it answers what it was told, or dies when it is told to.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

fn main() {
    let api = env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let api = api.strip_prefix("http://").unwrap();
    let (host, base) = api.split_once('/').unwrap();
    loop {
        let (headers, event) = call(host, "GET", &format!("/{base}/2018-06-01/runtime/invocation/next"), "");
        // Without an invocation there is no host any more.
        let header = |name: &str| match headers.iter().find(|(n, _)| n == name) {
            Some((_, value)) => value.clone(),
            None => std::process::exit(1),
        };
        let id = header("lambda-runtime-aws-request-id");
        if event.contains("die") {
            std::process::abort();
        }
        let outcome = if event.contains("fail") { "error" } else { "response" };
        let answer = format!(
            r#"{{"pid":{},"deadline":{},"table":"{}"}}"#,
            std::process::id(),
            header("lambda-runtime-deadline-ms"),
            env::var("TABLE_NAME").unwrap_or_default()
        );
        call(host, "POST", &format!("/{base}/2018-06-01/runtime/invocation/{id}/{outcome}"), &answer);
    }
}

fn call(host: &str, method: &str, path: &str, body: &str) -> (Vec<(String, String)>, String) {
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the runtime API is gone");
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let mut body = String::new();
    reader.read_to_string(&mut body).unwrap();
    let header = |line: &String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    (lines.iter().filter_map(header).collect(), body)
}
