//! What the demo has to say at the end.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{api::Offboarding, judge::Findings};

/// The result.
pub(super) struct Report {
    pub(super) offboarding: Offboarding,
    pub(super) evidence: Value,
    pub(super) quota: Value,
    pub(super) findings: Findings,
    pub(super) seconds: f64,
}

impl Report {
    /// Whether product and sandbox agree that the person is gone and nobody else was touched.
    pub(super) fn is_proved(&self) -> bool {
        self.offboarding.state == "completed" && self.findings.objections.is_empty()
    }

    /// Prints it on standard output.
    pub(super) fn print(&self, as_json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if as_json {
            writeln!(out, "{}", self.to_json())?;
        } else {
            self.write_record(&mut out)?;
            self.write_summary(&mut out)?;
        }
        out.flush()
    }

    fn to_json(&self) -> Value {
        json!({
            "proved": self.is_proved(),
            "seconds": self.seconds,
            "offboarding": self.offboarding,
            "sandbox": self.findings,
            "quota": self.quota,
            "evidence": self.evidence,
        })
    }

    fn write_record(&self, out: &mut impl Write) -> io::Result<()> {
        let evidence = &self.evidence;
        writeln!(out, "\nEvidence {}", text(&evidence["id"]))?;
        for part in ["request", "plan"] {
            let Some(fields) = evidence[part].as_object() else { continue };
            writeln!(out, "\n  {part}")?;
            for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                writeln!(out, "    {name:<18} {}", text(value))?;
            }
        }
        writeln!(out, "\n  calls to Podio")?;
        for call in list(&evidence["calls"]) {
            write_call(out, call)?;
        }
        writeln!(out, "\n  spaces")?;
        for space in list(&evidence["spaces"]) {
            let (id, name) = (text(&space["space_id"]), text(&space["name"]));
            writeln!(out, "    {id:<10} {:<22} {name}", text(&space["state"]))?;
        }
        writeln!(out, "\n  verification")?;
        for call in list(&evidence["verification"]["read_backs"]) {
            write_call(out, call)?;
        }
        let (seal, integrity) = (&evidence["seal"], text(&evidence["integrity"]));
        writeln!(out, "\n  {integrity}, last hash {}", text(&evidence["chain"]["head"]))?;
        if !seal.is_null() {
            writeln!(out, "  {} {}", text(&seal["algorithm"]), text(&seal["signature"]))?;
        }
        Ok(())
    }

    fn write_summary(&self, out: &mut impl Write) -> io::Result<()> {
        let (offboarding, findings) = (&self.offboarding, &self.findings);
        let (user, counts) = (&offboarding.user, &offboarding.progress);
        let who = user.name.as_deref().or(user.email.as_deref()).unwrap_or("somebody");
        writeln!(out, "\nSummary")?;
        writeln!(out, "  who              {who} (Podio user {})", findings.user_id)?;
        let outcome = offboarding.outcome.as_deref().map(|outcome| format!(", {outcome}")).unwrap_or_default();
        writeln!(out, "  state            {}{outcome}", offboarding.state)?;
        writeln!(
            out,
            "  spaces           {} of {} removed, {} already gone, {} left to the org removal",
            counts.spaces_removed, counts.spaces_total, counts.spaces_already_gone, counts.spaces_left_to_org_removal
        )?;
        if let Some(space) = findings.new_space_id {
            writeln!(out, "  new space        {space}, made meanwhile")?;
        }
        writeln!(out, "  hook             {}", findings.hook_id)?;
        writeln!(out, "  Podio calls      {} ({} turned down)", findings.calls, findings.rejected)?;
        let (used, limit) = (text(&self.quota["used"]), text(&self.quota["limit"]));
        writeln!(out, "  quota            {used} of {limit} used, {} free now", text(&self.quota["free_now"]))?;
        writeln!(out, "  time             {:.1} s from the POST", self.seconds)?;
        if let Some(call) = list(&self.evidence["verification"]["read_backs"]).last() {
            let (method, path, status) = (text(&call["method"]), text(&call["path"]), text(&call["status"]));
            writeln!(out, "  verified by      {method} {path} → {status}")?;
        }
        for (kind, detail) in [("held", &offboarding.hold), ("failed", &offboarding.failure)] {
            if let Some(detail) = detail {
                writeln!(out, "  {kind:<16} {detail}")?;
            }
        }
        if self.is_proved() {
            let meanwhile = if findings.new_space_id.is_some() { ", from the new space too" } else { "" };
            writeln!(out, "\nThe sandbox agrees: the person is gone{meanwhile}, and nobody else was touched.")
        } else {
            writeln!(out, "\nNot proved:")?;
            if offboarding.state != "completed" {
                writeln!(out, "  - the offboarding is {}", offboarding.state)?;
            }
            findings.objections.iter().try_for_each(|objection| writeln!(out, "  - {objection}"))
        }
    }
}

fn write_call(out: &mut impl Write, call: &Value) -> io::Result<()> {
    let (time, method, path) = (text(&call["time"]), text(&call["method"]), text(&call["path"]));
    writeln!(out, "    {time:<32} {method:<6} {path} → {} {}", text(&call["status"]), text(&call["request_id"]))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
