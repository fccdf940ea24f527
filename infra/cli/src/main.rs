//! `podio-lifecycle`: the command line. Output for people and programs goes to stdout, messages to stderr.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command line does")]

mod api;
mod evidence;
mod exit;
mod people;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    People(people::Command),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Evidence { command } => evidence::run(&command).into(),
        Command::People(command) => people::run(command).into(),
    }
}
