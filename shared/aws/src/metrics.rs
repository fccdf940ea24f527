//! Metrics in CloudWatch's embedded metric format: a line of JSON on the standard output, which Lambda's log carries to
//! CloudWatch without a further request. Source: docs.aws.amazon.com, "Specification: Embedded metric format".

use std::io::Write;

use jiff::Timestamp;
use podio_lifecycle::ports::{Metric, Metrics};
use serde_json::json;

/// The namespace of all metrics.
pub const NAMESPACE: &str = "PodioLifecycle";

/// Writes metrics to the standard output.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmbeddedMetrics;

impl Metrics for EmbeddedMetrics {
    fn add(&self, metric: Metric, count: u64) {
        let line = line(metric, count, Timestamp::now());
        // A metric that cannot be written must not stop the work.
        writeln!(std::io::stdout().lock(), "{line}").ok();
    }
}

fn line(metric: Metric, count: u64, now: Timestamp) -> String {
    let name = metric.name();
    let directive = json!({
        "Namespace": NAMESPACE,
        "Dimensions": [[]],
        "Metrics": [{"Name": name, "Unit": "Count"}],
    });
    let mut line = json!({"_aws": {"Timestamp": now.as_millisecond(), "CloudWatchMetrics": [directive]}});
    line[name] = count.into();
    line.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_one_line_with_its_value_at_the_root() {
        let line = line(Metric::QuotaRejections, 3, Timestamp::UNIX_EPOCH);
        assert!(!line.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["QuotaRejections"], 3);
        assert_eq!(value["_aws"]["CloudWatchMetrics"][0]["Namespace"], NAMESPACE);
    }
}
