//! Prints what offboardings cost on AWS, as the guide has it; with `--json` what was counted.

use std::io::Write as _;

use cost_table::{bill, product::Product};

// On one thread, as the test counts: what runs side by side would take turns in another order each time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let json = std::env::args().skip(1).any(|argument| argument == "--json");
    let mut product = Product::start().await?;
    product.offboard(1, 3).await?;
    let sweep = product.sweep().await?;
    let counted = product.offboard(5, 12).await?;
    let alarms = include_str!("../../../template.yaml").matches("Type: AWS::CloudWatch::Alarm").count();
    let (thousand, month) = (bill::for_a_thousand(&counted), bill::for_a_month(&sweep, u32::try_from(alarms)?));
    let mut out = std::io::stdout().lock();
    if json {
        let lines = |lines: &[bill::Line]| -> Vec<_> {
            lines
                .iter()
                .map(|line| serde_json::json!({"service": line.service, "what": line.what, "dollars": line.dollars}))
                .collect()
        };
        writeln!(out, "{:#}", serde_json::json!({"thousand_offboardings": lines(&thousand), "month": lines(&month)}))?;
    } else {
        writeln!(out, "{}", bill::table("1,000 offboardings of 12 spaces", &thousand))?;
        writeln!(out, "{}", bill::table("a month", &month))?;
    }
    Ok(())
}
