//! The event that Lambda makes of a batch.

use podio_aws::queue::twin::Received;
use serde_json::{Value, json};

use crate::sqs::ACCOUNT;

/// The `SQSEvent` of `batch`.
pub fn sqs_event(batch: &[Received], arn: &str, region: &str) -> Value {
    let records: Vec<_> = batch.iter().map(|message| record(message, arn, region)).collect();
    json!({"Records": records})
}

fn record(message: &Received, arn: &str, region: &str) -> Value {
    json!({
        "messageId": message.message_id.as_str(),
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": message.receive_count.to_string(),
            "SentTimestamp": message.sent_at.as_millisecond().to_string(),
            "SenderId": ACCOUNT,
            "ApproximateFirstReceiveTimestamp": message.first_received_at.as_millisecond().to_string(),
        },
        "messageAttributes": {},
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": region,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use podio_aws::queue::twin::{NewMessage, Receive, Settings, Sqs};

    use super::*;

    #[test]
    fn a_record_carries_what_lambda_puts_in_it() {
        let mut sqs = Sqs::new(1);
        let now = Timestamp::from_millisecond(1_800_000_000_123).unwrap();
        sqs.create_queue("jobs", Settings::default()).unwrap();
        let sent = sqs.send("jobs", NewMessage::new("hello"), now).unwrap();
        let batch = sqs.receive("jobs", &Receive::up_to(10), now).unwrap();

        let arn = "arn:aws:sqs:eu-central-1:000000000000:jobs";
        let event = sqs_event(&batch, arn, "eu-central-1");
        let expected = json!({"Records": [{
            "messageId": sent.message_id.as_str(),
            "receiptHandle": batch[0].receipt_handle,
            "body": "hello",
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1800000000123",
                "SenderId": "000000000000",
                "ApproximateFirstReceiveTimestamp": "1800000000123",
            },
            "messageAttributes": {},
            "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
            "eventSource": "aws:sqs",
            "eventSourceARN": arn,
            "awsRegion": "eu-central-1",
        }]});
        assert_eq!(event, expected);
    }
}
