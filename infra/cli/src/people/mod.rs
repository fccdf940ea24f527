//! `podio-lifecycle members`, `changes`, `audit` and `reconcile`.

mod show;

use std::{fs, io::Write as _, path::PathBuf, time::Duration};

use clap::Subcommand;
use serde_json::Value;

pub(crate) use self::show::line;
use self::show::table;
use crate::{
    api::{Api, Failed},
    exit::Exit,
};

/// Rows that are asked for at once.
const PAGE: &str = "1000";
/// How often a running audit is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What can be asked about people.
#[derive(Subcommand)]
pub enum Command {
    /// Who is a member, as last audited.
    Members {
        /// active, inactive, left or all.
        #[arg(long)]
        status: Option<String>,
        /// The role, such as admin.
        #[arg(long)]
        role: Option<String>,
        /// employee, external, guest or service.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
        /// Only those who were not seen for too long.
        #[arg(long)]
        stale: bool,
        /// Words of the name or address.
        #[arg(long)]
        q: Option<String>,
        /// Prints one JSON document for each line.
        #[arg(long)]
        json: bool,
    },
    /// What audits have found to differ, in the order of time.
    Changes {
        /// Since when, such as 2026-12-01T00:00:00Z.
        #[arg(long)]
        since: Option<String>,
        /// joined, left, returned, role_changed, …
        #[arg(long)]
        kind: Option<String>,
        /// Prints one JSON document for each line.
        #[arg(long)]
        json: bool,
    },
    /// Audits the members now, and waits for the end.
    ///
    /// Exits with 4 if the audit fails.
    Audit {
        /// Does not wait.
        #[arg(long)]
        no_wait: bool,
        /// Prints one line of JSON.
        #[arg(long)]
        json: bool,
    },
    /// Compares a roster with the members as last audited.
    ///
    /// Exits with 7 if anything but members that match is found.
    Reconcile {
        /// CSV with a column called email, or JSON.
        roster: PathBuf,
        /// Prints one JSON document for each line.
        #[arg(long)]
        json: bool,
    },
}

/// Runs a command.
pub async fn answer(command: Command) -> Result<Exit, Failed> {
    let api = Api::of_environment()?;
    match command {
        Command::Members { status, role, kind, stale, q, json } => {
            let stale = stale.then(|| "true".to_owned());
            let filters = [("status", status), ("role", role), ("type", kind), ("stale", stale), ("q", q)];
            let members = all(&api, "/members", "members", PAGE, query(filters)).await?;
            print(&members, &["user_id", "name", "email", "type", "role", "status", "last_seen_at"], json);
            Ok(Exit::Done)
        }
        Command::Changes { since, kind, json } => {
            let changes = all(&api, "/changes", "changes", PAGE, query([("since", since), ("kind", kind)])).await?;
            print(&changes, &["at", "kind", "user_id", "before", "after"], json);
            Ok(Exit::Done)
        }
        Command::Audit { no_wait, json } => audit(&api, no_wait, json).await,
        Command::Reconcile { roster, json } => {
            let name = roster.display().to_string();
            let body = fs::read(&roster).map_err(|error| Failed::new(format!("{name}: {error}")))?;
            let media_type = if name.to_lowercase().ends_with(".json") { "application/json" } else { "text/csv" };
            let taken = api.put("/roster", media_type, body).await?;
            for bad in taken["rejected"].as_array().into_iter().flatten() {
                eprintln!("{name}: row {}: {}", bad["row"], bad["detail"].as_str().unwrap_or_default());
            }
            let created = api.post("/reconciliations", None).await?;
            let url = created["url"].as_str().ok_or_else(|| Failed::new("the API names no reconciliation"))?;
            let mut findings = all(&api, url, "findings", PAGE, Vec::new()).await?;
            findings.retain(|finding| finding["finding"] != "matched");
            print(&findings, &["finding", "user_id", "name", "email", "matched_by", "suggested_action"], json);
            eprintln!("{}", created["id"].as_str().unwrap_or_default());
            Ok(if findings.is_empty() { Exit::Done } else { Exit::Findings })
        }
    }
}

async fn audit(api: &Api, no_wait: bool, json: bool) -> Result<Exit, Failed> {
    let begun = api.post("/audits", None).await?;
    let url = begun["url"].as_str().ok_or_else(|| Failed::new("the API names no audit"))?;
    let audit = if no_wait { begun.clone() } else { ended(api, url).await? };
    if json {
        println!("{audit}");
    } else if no_wait {
        println!("{} {}", line(&audit["id"]), line(&audit["state"]));
    } else {
        println!(
            "{} {}: {} members, {} changes, {} entries unreadable, {} calls",
            line(&audit["id"]),
            line(&audit["state"]),
            line(&audit["members"]),
            line(&audit["changes"]),
            line(&audit["unreadable"]),
            line(&audit["calls"]),
        );
    }
    if audit["state"] == "failed" {
        eprintln!("error: {}", line(&audit["failure"]["detail"]));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

/// The audit once it is over.
async fn ended(api: &Api, url: &str) -> Result<Value, Failed> {
    loop {
        let audit = api.get(url, &[]).await?;
        if !matches!(audit["state"].as_str(), Some("listing" | "confirming")) {
            return Ok(audit);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

pub(crate) fn query<const N: usize>(filters: [(&'static str, Option<String>); N]) -> Vec<(&'static str, String)> {
    filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// All pages of a list.
pub(crate) async fn all(
    api: &Api,
    path: &str,
    of: &str,
    at_once: &str,
    filters: Vec<(&'static str, String)>,
) -> Result<Vec<Value>, Failed> {
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = filters.clone();
        query.push(("limit", at_once.to_owned()));
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let mut page = api.get(path, &query).await?;
        if let Value::Array(items) = page[of].take() {
            found.extend(items);
        }
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return Ok(found);
        }
    }
}

pub(crate) fn print(items: &[Value], columns: &[&str], json: bool) {
    let text = if json { items.iter().map(|item| format!("{item}\n")).collect() } else { table(items, columns) };
    // Whoever reads may have seen enough, such as `head`.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
