//! `podio-lifecycle leave`, `list`, `show`, `approve`, `cancel`, `retry`, `pause`, `resume` and `quota`.

use std::{
    io::{IsTerminal as _, Write as _},
    time::Duration,
};

use clap::Subcommand;
use serde_json::{Value, json};

use crate::{
    api::{Api, Failed},
    exit::Exit,
    people::{all, line, print, query},
};

/// How often an offboarding is looked at that is waited for.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What can be asked about leavers.
#[derive(Subcommand)]
pub enum Command {
    /// Takes people out of every space and out of the organization.
    ///
    /// Exits with 3 if somebody is held, and with 4 if an offboarding fails; both are known with --wait alone.
    Leave {
        /// Their addresses.
        #[arg(required = true)]
        mail: Vec<String>,
        /// From when on, such as 2026-12-01T17:00:00+01:00.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Plans and changes nothing.
        #[arg(long)]
        dry_run: bool,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
        /// Goes before all that is normal.
        #[arg(long)]
        urgent: bool,
        /// Each address once more, where nobody can be asked: it cannot be undone.
        #[arg(long, value_name = "MAIL")]
        confirm: Vec<String>,
        /// Waits until each is over, or waits for a person.
        #[arg(long)]
        wait: bool,
        /// Prints one JSON document for each line.
        #[arg(long)]
        json: bool,
    },
    /// Offboardings, newest first.
    List {
        /// Only those in this state, such as held.
        #[arg(long)]
        state: Option<String>,
        /// Only those of the person with this address.
        #[arg(long)]
        email: Option<String>,
        /// Only those of the person with this id.
        #[arg(long)]
        user_id: Option<u64>,
        /// Prints one JSON document for each line.
        #[arg(long)]
        json: bool,
    },
    /// One offboarding. Exits with 3 if it is held, and with 4 if it has failed.
    Show {
        /// Its id.
        id: String,
        /// Waits until it is over, or waits for a person.
        #[arg(long)]
        watch: bool,
        /// Prints one line of JSON.
        #[arg(long)]
        json: bool,
    },
    /// Accepts what an offboarding is held for: the hold that `show` names, and no later one.
    Approve {
        /// Its id.
        id: String,
        /// The hold, as `show` names it.
        #[arg(long, value_name = "HOLD")]
        hold: String,
        /// A space whose deletion is accepted; once for each.
        #[arg(long, value_name = "SPACE")]
        delete_space: Vec<u64>,
        /// Who is meant, where that is not certain.
        #[arg(long)]
        user_id: Option<u64>,
    },
    /// Calls an offboarding off.
    Cancel {
        /// Its id.
        id: String,
    },
    /// Resumes one that has failed, where it stopped.
    Retry {
        /// Its id.
        id: String,
    },
    /// Stops every removal until `resume`.
    Pause {
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Lets removals go on.
    Resume {
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
    /// How much of Podio's quota is used, and what waits.
    Quota {
        /// Prints one line of JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Runs a command.
pub async fn answer(command: Command) -> Result<Exit, Failed> {
    let api = Api::of_environment()?;
    match command {
        Command::Leave { mail, at, dry_run, reason, urgent, confirm, wait, json } => {
            if !dry_run {
                confirmed(&mail, &confirm)?;
            }
            let priority = if urgent { "urgent" } else { "normal" };
            let mut ends = Vec::new();
            for mail in mail {
                let mut body = json!({"user": {"email": mail}, "dry_run": dry_run, "priority": priority});
                body["effective_at"] = at.clone().into();
                body["reason"] = reason.clone().into();
                if let Some(body) = body.as_object_mut() {
                    body.retain(|_, value| !value.is_null());
                }
                let accepted = api.post("/offboardings", Some(&body)).await?;
                let shown = if wait { at_rest(&api, &path(&accepted["id"])?).await? } else { accepted };
                tell(&shown, json);
                ends.push(end(&shown));
            }
            Ok(ends.into_iter().max_by_key(|end| severity(*end)).unwrap_or(Exit::Done))
        }
        Command::List { state, email, user_id, json } => {
            let user_id = user_id.map(|user| user.to_string());
            let filters = query([("state", state), ("email", email), ("user_id", user_id)]);
            let offboardings = all(&api, "/offboardings", "offboardings", "100", filters).await?;
            let rows: Vec<Value> = if json { offboardings } else { offboardings.into_iter().map(row).collect() };
            print(&rows, &["id", "state", "user_id", "email", "effective_at", "outcome"], json);
            Ok(Exit::Done)
        }
        Command::Show { id, watch, json } => {
            let path = format!("/offboardings/{id}");
            let shown = if watch { at_rest(&api, &path).await? } else { api.get(&path, &[]).await? };
            tell(&shown, json);
            Ok(end(&shown))
        }
        Command::Approve { id, hold, delete_space, user_id } => {
            let path = format!("/offboardings/{id}");
            let held = api.get(&path, &[]).await?;
            let decision = decision(&held["hold"], &hold, &delete_space, user_id)?;
            tell(&api.post(&format!("{path}/approve"), Some(&decision)).await?, false);
            Ok(Exit::Done)
        }
        Command::Cancel { id } => done(&api, &format!("/offboardings/{id}/cancel"), None).await,
        Command::Retry { id } => done(&api, &format!("/offboardings/{id}/retry"), None).await,
        Command::Pause { reason } => paused(&api, "/pause", reason).await,
        Command::Resume { reason } => paused(&api, "/resume", reason).await,
        Command::Quota { json } => {
            let quota = api.get("/quota", &[]).await?;
            if json {
                println!("{quota}");
            } else {
                for name in ["limit", "used", "free_now", "next_free_at", "blocked_until", "backlog", "drained_at"] {
                    println!("{name:<14}{}", line(&quota[name]));
                }
            }
            Ok(Exit::Done)
        }
    }
}

async fn done(api: &Api, path: &str, body: Option<&Value>) -> Result<Exit, Failed> {
    tell(&api.post(path, body).await?, false);
    Ok(Exit::Done)
}

async fn paused(api: &Api, path: &str, reason: Option<String>) -> Result<Exit, Failed> {
    let body = reason.map(|reason| json!({ "reason": reason }));
    let pause = api.post(path, body.as_ref()).await?;
    println!("{}", if pause["paused"] == true { "paused" } else { "not paused" });
    Ok(Exit::Done)
}

/// Whoever asks for somebody to leave has to name them twice.
fn confirmed(mails: &[String], confirm: &[String]) -> Result<(), Failed> {
    let usage = |why: String| Failed { why, exit: Exit::Usage };
    for mail in mails {
        if confirm.iter().any(|named| named == mail) {
            continue;
        }
        if !std::io::stdin().is_terminal() {
            return Err(usage(format!(
                "{mail} would be removed, which cannot be undone: --confirm {mail}, or --dry-run"
            )));
        }
        eprint!("{mail} will be removed from Podio. Type the address to go on: ");
        let _ = std::io::stderr().flush();
        let mut typed = String::new();
        let read = std::io::stdin().read_line(&mut typed);
        if read.is_err() || typed.trim() != mail {
            return Err(usage("nobody was removed".to_owned()));
        }
    }
    Ok(())
}

fn path(id: &Value) -> Result<String, Failed> {
    let id = id.as_str().ok_or_else(|| Failed::new("the API names no offboarding"))?;
    Ok(format!("/offboardings/{id}"))
}

/// The offboarding once it is over, or waits for a person or its day.
async fn at_rest(api: &Api, path: &str) -> Result<Value, Failed> {
    loop {
        let shown = api.get(path, &[]).await?;
        if !matches!(shown["state"].as_str(), Some("planning" | "removing" | "finalizing" | "verifying")) {
            return Ok(shown);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What is accepted of a hold: each of its reasons, the loss of a space and the choice of a person only by name.
fn decision(hold: &Value, named: &str, spaces: &[u64], user: Option<u64>) -> Result<Value, Failed> {
    let stands = hold["hold_id"].as_str().ok_or_else(|| Failed::new("it is not held"))?;
    if stands != named {
        return Err(Failed::new(format!("another hold stands by now: {stands}; look at it first")));
    }
    let mut reasons = Vec::new();
    for reason in hold["reasons"].as_array().into_iter().flatten() {
        let code = reason["code"].as_str().unwrap_or_default();
        let space = reason["space_id"].as_u64();
        reasons.push(match (code, space) {
            ("space_would_be_deleted", Some(space)) if !spaces.contains(&space) => {
                return Err(Failed::new(format!(
                    "space {space} would be deleted: --delete-space {space} accepts that"
                )));
            }
            ("person_ambiguous", _) => match user {
                Some(user) => json!({"code": code, "user_id": user}),
                None => return Err(Failed::new(format!("who is meant of {}? Say --user-id", reason["user_ids"]))),
            },
            (code, Some(space)) => json!({"code": code, "space_id": space}),
            (code, None) => json!(code),
        });
    }
    Ok(json!({"hold_id": stands, "reasons": reasons}))
}

/// One line of the list.
fn row(offboarding: Value) -> Value {
    json!({
        "id": offboarding["id"], "state": offboarding["state"], "user_id": offboarding["user"]["user_id"],
        "email": offboarding["user"]["email"], "effective_at": offboarding["effective_at"],
        "outcome": offboarding["outcome"],
    })
}

/// An offboarding in words: what stands, and what has to be decided.
fn tell(offboarding: &Value, json: bool) {
    if json {
        println!("{offboarding}");
        return;
    }
    let mut text = format!("{} {}", line(&offboarding["id"]), line(&offboarding["state"]));
    if let Some(outcome) = offboarding["outcome"].as_str() {
        text.push_str(&format!(": {outcome}"));
    }
    if offboarding["progress"]["spaces_total"].as_u64().is_some_and(|total| total > 0) {
        let (total, left) = (&offboarding["progress"]["spaces_total"], &offboarding["progress"]["spaces_pending"]);
        text.push_str(&format!(", {left} of {total} spaces to go"));
    }
    if let Some(eta) = offboarding["eta"].as_str() {
        text.push_str(&format!(", through by {eta}"));
    }
    println!("{text}");
    if let Some(calls) = offboarding["plan"]["calls"].as_u64() {
        println!("  would take {calls} calls to Podio");
    }
    print_reasons("would be held", &offboarding["plan"]["would_hold"]);
    if let Some(hold) = offboarding["hold"]["hold_id"].as_str() {
        print_reasons(&format!("hold {hold}"), &offboarding["hold"]["reasons"]);
    }
    for told in [&offboarding["failure"], &offboarding["warning"]] {
        if let Some(detail) = told["detail"].as_str() {
            println!("  {}: {detail}", line(&told["code"]));
        }
    }
}

/// Why an offboarding is held, if it is.
fn print_reasons(heading: &str, reasons: &Value) {
    let reasons: &[Value] = reasons.as_array().map_or(&[], Vec::as_slice);
    if !reasons.is_empty() {
        println!("  {heading}");
    }
    for reason in reasons {
        let space = reason["space_id"].as_u64().map(|space| format!(" of space {space}")).unwrap_or_default();
        println!("  {}{space}: {}", line(&reason["code"]), line(&reason["detail"]));
    }
}

fn end(offboarding: &Value) -> Exit {
    match offboarding["state"].as_str() {
        Some("held") => Exit::Held,
        Some("failed") => Exit::Failed,
        _ => Exit::Done,
    }
}

/// Of several ends the one that most needs somebody.
fn severity(end: Exit) -> u8 {
    match end {
        Exit::Failed => 2,
        Exit::Held => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold() -> Value {
        json!({"hold_id": "hold_1", "reasons": [
            {"code": "approval_required", "detail": "…"},
            {"code": "space_would_be_deleted", "detail": "…", "space_id": 5},
        ]})
    }

    #[test]
    fn the_loss_of_a_space_is_accepted_by_its_name_alone() {
        assert!(decision(&hold(), "hold_1", &[], None).unwrap_err().why.contains("--delete-space 5"));
        let accepted = decision(&hold(), "hold_1", &[5], None).unwrap();
        let expected = json!(["approval_required", {"code": "space_would_be_deleted", "space_id": 5}]);
        assert_eq!((&accepted["hold_id"], &accepted["reasons"]), (&json!("hold_1"), &expected));
    }

    #[test]
    fn a_later_hold_is_not_approved() {
        assert!(decision(&hold(), "hold_0", &[5], None).unwrap_err().why.contains("hold_1"));
        assert!(decision(&Value::Null, "hold_1", &[], None).unwrap_err().why.contains("not held"));
    }

    #[test]
    fn of_several_people_one_has_to_be_chosen() {
        let hold = json!({"hold_id": "h", "reasons": [{"code": "person_ambiguous", "user_ids": [7, 8]}]});
        assert!(decision(&hold, "h", &[], None).unwrap_err().why.contains("[7,8]"));
        assert_eq!(decision(&hold, "h", &[], Some(8)).unwrap()["reasons"][0]["user_id"], 8);
    }

    #[test]
    fn somebody_is_removed_only_if_named_twice() {
        let mails = ["jane@example.com".to_owned()];
        assert!(confirmed(&mails, &mails).is_ok());
        assert_eq!(end(&json!({"state": "held"})), Exit::Held);
        assert!(severity(Exit::Failed) > severity(Exit::Held));
    }
}
