//! `podio-lifecycle`: the command line. Output for people and programs goes to stdout, messages to stderr.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command line does")]

mod api;
mod evidence;
mod exit;
mod leavers;
mod people;

use std::{future::Future, process::ExitCode};

use clap::{Parser, Subcommand};

use self::{api::Failed, exit::Exit};

/// Manages people in Podio, from a terminal or a script.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Evidence of what was done.
    Evidence {
        #[command(subcommand)]
        command: evidence::Command,
    },
    #[command(flatten)]
    Leavers(leavers::Command),
    #[command(flatten)]
    People(people::Command),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Evidence { command } => evidence::run(&command).into(),
        Command::Leavers(command) => told(leavers::answer(command)).into(),
        Command::People(command) => told(people::answer(command)).into(),
    }
}

/// Runs what calls the API, and says why it could not be done.
fn told(work: impl Future<Output = Result<Exit, Failed>>) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => Err(Failed::new(error.to_string())),
    };
    outcome.unwrap_or_else(|failed| {
        eprintln!("error: {}", failed.why);
        failed.exit
    })
}
