//! What Lambda does with a batch, going by the function's answer (`ReportBatchItemFailures`).
//!
//! "Using Lambda with Amazon SQS, success and failure conditions" in the Lambda guide: no failures, in any spelling of
//! nothing, is success; an answer that Lambda cannot read, or an identifier that is empty, null or not of this batch, fails
//! the batch as a whole.

use std::collections::BTreeSet;

use podio_aws::queue::twin::Received;
use serde_json::Value;

/// What becomes of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    /// These are done; the others of the batch come back.
    Delete(Vec<&'a Received>),
    /// All come back, for this reason.
    Fail(String),
}

/// Judges `batch` by the function's `answer`.
pub(super) fn judge<'a>(answer: &[u8], batch: &'a [Received]) -> Verdict<'a> {
    match failures(answer, batch) {
        Ok(failed) => {
            Verdict::Delete(batch.iter().filter(|message| !failed.contains(message.message_id.as_str())).collect())
        }
        Err(reason) => Verdict::Fail(reason.to_owned()),
    }
}

fn failures(answer: &[u8], batch: &[Received]) -> Result<BTreeSet<String>, &'static str> {
    if answer.trim_ascii().is_empty() {
        return Ok(BTreeSet::new());
    }
    let items = match serde_json::from_slice(answer) {
        Err(_) => return Err("the answer is not JSON"),
        Ok(Value::Null) => return Ok(BTreeSet::new()),
        Ok(Value::Object(mut answer)) => answer.remove("batchItemFailures").unwrap_or_default(),
        Ok(_) => return Err("the answer is not an object"),
    };
    match items {
        Value::Null => Ok(BTreeSet::new()),
        Value::Array(items) => items.iter().map(|item| failed_id(item, batch)).collect(),
        _ => Err("batchItemFailures is not a list"),
    }
}

fn failed_id(item: &Value, batch: &[Received]) -> Result<String, &'static str> {
    let id = item.get("itemIdentifier").and_then(Value::as_str).ok_or("a failure without an itemIdentifier")?;
    if batch.iter().any(|message| message.message_id.as_str() == id) {
        Ok(id.to_owned())
    } else {
        Err("an itemIdentifier that is not of this batch")
    }
}

/// The type of a function's error, for the log. Its message may hold anything and stays out.
pub(super) fn error_type(error: &[u8]) -> String {
    let kind =
        serde_json::from_slice::<Value>(error).ok().and_then(|error| Some(error["errorType"].as_str()?.to_owned()));
    kind.unwrap_or_else(|| "unknown error".to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use podio_aws::queue::twin::{NewMessage, Receive, Settings, Sqs};
    use serde_json::json;

    use super::*;

    fn batch() -> Vec<Received> {
        let mut sqs = Sqs::new(1);
        sqs.create_queue("jobs", Settings::default()).unwrap();
        for body in ["a", "b", "c"] {
            sqs.send("jobs", NewMessage::new(body), Timestamp::UNIX_EPOCH).unwrap();
        }
        sqs.receive("jobs", &Receive::up_to(10), Timestamp::UNIX_EPOCH).unwrap()
    }

    /// The bodies of what is deleted; none when the batch fails.
    fn deleted(answer: &str) -> Option<String> {
        let batch = batch();
        match judge(answer.as_bytes(), &batch) {
            Verdict::Delete(done) => Some(done.iter().map(|message| message.body.as_str()).collect()),
            Verdict::Fail(_) => None,
        }
    }

    #[test]
    fn every_spelling_of_no_failures_is_success() {
        let spellings = [
            "",
            "  \n",
            "null",
            "{}",
            r#"{"batchItemFailures":[]}"#,
            r#"{"batchItemFailures":null}"#,
            r#"{"other":1}"#,
        ];
        for answer in spellings {
            assert_eq!(deleted(answer).as_deref(), Some("abc"), "{answer:?}");
        }
    }

    #[test]
    fn a_named_failure_comes_back_and_the_others_are_done() {
        let failed = |ids: &[&str]| {
            let items: Vec<_> = ids.iter().map(|id| json!({"itemIdentifier": id})).collect();
            deleted(&json!({"batchItemFailures": items}).to_string())
        };
        let batch = batch();
        let ids: Vec<_> = batch.iter().map(|message| message.message_id.as_str()).collect();
        assert_eq!(failed(&[ids[1]]).as_deref(), Some("ac"));
        assert_eq!(failed(&[ids[1], ids[1], ids[0]]).as_deref(), Some("c"), "named twice, failed once");
        assert_eq!(failed(&ids).as_deref(), Some(""));
        assert_eq!(failed(&[ids[0], "unknown"]), None, "one bad identifier fails the batch");
    }

    #[test]
    fn an_answer_that_lambda_cannot_read_fails_the_batch() {
        let odd = [
            "{",
            "nonsense",
            r#""done""#,
            "[]",
            "7",
            r#"{"batchItemFailures":"x"}"#,
            r#"{"batchItemFailures":{}}"#,
            r#"{"batchItemFailures":["x"]}"#,
            r#"{"batchItemFailures":[null]}"#,
            r#"{"batchItemFailures":[{}]}"#,
            r#"{"batchItemFailures":[{"id":"x"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":7}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"unknown"}]}"#,
        ];
        for answer in odd {
            assert_eq!(deleted(answer), None, "{answer}");
        }
    }

    #[test]
    fn only_the_type_of_an_error_is_told() {
        assert_eq!(
            error_type(br#"{"errorType":"Runtime.ExitError","errorMessage":"jane@example.com"}"#),
            "Runtime.ExitError"
        );
        assert_eq!(error_type(b"<html>"), "unknown error");
    }
}
