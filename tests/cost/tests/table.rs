//! The bill in the guide is the one that is counted, and a space removal costs no more than it may.
#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::io::Write as _;

use cost_table::{bill, product::Product};

/// Write units for each space removal, at most: three store it and one claims it, four are the evidence of its call, and six
/// the transaction that settles it; the rest is its share of the quota's record and of the text that is sealed.
const WRITES: f64 = 15.25;
/// Requests to SQS for each space removal, at most.
const REQUESTS: f64 = 2.0;

fn file(name: &str) -> String {
    let path = format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn the_guides_bill_is_the_counted_one() {
    let mut product = Product::start().await.unwrap();
    // The first one pays for what is learned once, and for the token.
    product.offboard(1, 3).await.unwrap();
    let sweep = product.sweep().await.unwrap();
    let counted = product.offboard(5, 12).await.unwrap();
    let alarms = file("template.yaml").matches("Type: AWS::CloudWatch::Alarm").count();

    let guide = file("infra/guide/cost.md");
    let tables = [
        bill::table("1,000 offboardings of 12 spaces", &bill::for_a_thousand(&counted)),
        bill::table("a month", &bill::for_a_month(&sweep, u32::try_from(alarms).unwrap())),
    ];
    for table in tables {
        assert!(guide.contains(&table), "`cargo cost-table` prints what the guide is to say:\n{table}\n{counted:?}");
    }
}

/// Write units and requests to SQS for each space removal of somebody who leaves for that reason: what twelve more spaces
/// cost more.
async fn for_each_space(reason: &str) -> (f64, f64) {
    let mut product = Product::start().await.unwrap();
    product.offboard(1, 3).await.unwrap();
    product.reason = reason.to_owned();
    let few = product.offboard(2, 12).await.unwrap();
    let many = product.offboard(2, 24).await.unwrap();
    let spaces = f64::from(many.spaces - few.spaces);
    let writes = (many.dynamodb.write_units - few.dynamodb.write_units) / spaces;
    let requests = (many.sqs_requests() - few.sqs_requests()) as f64 / spaces;
    assert!(writes > 0.0 && requests > 0.0, "nothing was counted");
    let told = format!("{writes:.2} write units and {requests:.2} requests to SQS for each space removal\n");
    std::io::stderr().write_all(told.as_bytes()).unwrap();
    (writes, requests)
}

#[tokio::test]
async fn a_space_removal_takes_fifteen_and_a_quarter_writes_and_two_requests_at_most() {
    let (writes, requests) = for_each_space("end of contract").await;
    assert!(writes <= WRITES, "{writes} write units");
    assert!(requests <= REQUESTS, "{requests} requests to SQS");
}

#[tokio::test]
async fn a_record_of_two_kilobytes_takes_two_writes_more_for_each_space_removal() {
    let (usual, _) = for_each_space("end of contract").await;
    let (long, _) = for_each_space(&"a long story ".repeat(40)).await;
    // The record is written with each removal; the little that is left over is the longer text that is sealed.
    assert!((2.0..2.1).contains(&(long - usual)), "{long} and {usual} write units");
}

#[tokio::test]
async fn the_same_is_counted_each_time() {
    let mut counts = Vec::new();
    for _ in 0..2 {
        let mut product = Product::start().await.unwrap();
        product.offboard(1, 3).await.unwrap();
        counts.push(product.offboard(2, 12).await.unwrap());
    }
    assert_eq!(counts[0], counts[1]);
}
