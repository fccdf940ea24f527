//! From what was counted to what it costs.

use crate::{
    prices::{
        ALARM_MONTH, API_REQUEST, AWS_SECONDS, GB_SECOND, IDLE_POLLS_MONTH, INVOCATION, KEY_MONTH, MEMORY_GB,
        MINUTES_MONTH, READ_UNIT, SECRET_MONTH, SQS_REQUEST, WRITE_UNIT,
    },
    product::Counted,
};

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Who is paid.
    pub service: &'static str,
    /// For what.
    pub what: String,
    /// So many dollars.
    pub dollars: f64,
}

/// So many offboardings are billed together.
const OFFBOARDINGS: f64 = 1_000.0;

/// What a thousand offboardings cost, given what some have used.
pub fn for_a_thousand(counted: &Counted) -> Vec<Line> {
    let times = OFFBOARDINGS / f64::from(counted.leavers);
    let of = |count: f64| count * times;
    let (invocations, seconds) = (of(counted.invocations()), of(counted.seconds()));
    let (writes, reads) = (of(counted.dynamodb.write_units), of(counted.dynamodb.read_units));
    let (sqs, api) = (of(counted.sqs_requests() as f64), of(counted.api_requests as f64));
    vec![
        Line {
            service: "Lambda",
            what: format!("{} invocations, {} seconds", round(invocations), round(seconds)),
            dollars: invocations * INVOCATION + seconds * MEMORY_GB * GB_SECOND,
        },
        Line {
            service: "DynamoDB",
            what: format!("{} write units, {} read units", round(writes), round(reads)),
            dollars: writes * WRITE_UNIT + reads * READ_UNIT,
        },
        Line { service: "SQS", what: format!("{} requests", round(sqs)), dollars: sqs * SQS_REQUEST },
        Line { service: "API Gateway", what: format!("{} requests", round(api)), dollars: api * API_REQUEST },
    ]
}

/// What a month costs in which nothing happens, given one sweep's requests and the number of alarms.
pub fn for_a_month(sweep: &Counted, alarms: u32) -> Vec<Line> {
    let sweeping = MINUTES_MONTH * (INVOCATION + sweep.aws_requests() as f64 * AWS_SECONDS * MEMORY_GB * GB_SECOND);
    let (writing, reading) = (MINUTES_MONTH * sweep.dynamodb.write_units, MINUTES_MONTH * sweep.dynamodb.read_units);
    let polling = IDLE_POLLS_MONTH + MINUTES_MONTH * sweep.sqs_requests() as f64;
    vec![
        Line { service: "KMS", what: "one key".to_owned(), dollars: KEY_MONTH },
        Line { service: "CloudWatch", what: format!("{alarms} alarms"), dollars: f64::from(alarms) * ALARM_MONTH },
        Line { service: "Secrets Manager", what: "one secret".to_owned(), dollars: SECRET_MONTH },
        Line { service: "SQS", what: format!("{} polls", round(polling)), dollars: polling * SQS_REQUEST },
        Line { service: "Lambda", what: format!("{} sweeps", round(MINUTES_MONTH)), dollars: sweeping },
        Line {
            service: "DynamoDB",
            what: format!("{} write units, {} read units", round(writing), round(reading)),
            dollars: writing * WRITE_UNIT + reading * READ_UNIT,
        },
    ]
}

/// A table as the guide has it.
pub fn table(head: &str, lines: &[Line]) -> String {
    let total: f64 = lines.iter().map(|line| line.dollars).sum();
    let mut text = format!("| {head} | | US dollars |\n|---|---|---|\n");
    for Line { service, what, dollars } in lines {
        text += &format!("| {service} | {what} | {dollars:.3} |\n");
    }
    text + &format!("| together | | {total:.2} |\n")
}

/// Two figures, for people; what comes after them says nothing.
fn round(count: f64) -> String {
    let step = 10f64.powf((count.max(1.0).log10()).floor() - 1.0).max(1.0);
    let whole = ((count / step).round() * step) as u64;
    let digits = whole.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_by_two_figures() {
        let told: Vec<String> = [0.0, 7.4, 99.6, 1_234.0, 43_200.0, 987_654.0].into_iter().map(round).collect();
        assert_eq!(told, ["0", "7", "100", "1,200", "43,000", "990,000"]);
    }

    #[test]
    fn the_total_is_the_sum() {
        let line = |dollars| Line { service: "SQS", what: "requests".to_owned(), dollars };
        assert!(table("x", &[line(0.1), line(0.25)]).ends_with("| together | | 0.35 |\n"));
    }
}
