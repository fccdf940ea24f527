//! `podio-lifecycle evidence …`.

mod verify;

use std::path::PathBuf;

use clap::Subcommand;

use crate::exit::Exit;

/// What can be done with evidence.
#[derive(Subcommand)]
pub enum Command {
    /// Checks a downloaded envelope, offline and without any secret.
    ///
    /// Exits with 0 if the record is the one that was signed, with 7 if it is not, with 1 if a file cannot be read.
    ///
    /// Download the record with `curl -H 'Accept: application/vnd.dsse+json' …/offboardings/ID/evidence` and the keys with
    /// `curl …/evidence/keys`. Keep the keys that you trust: a file that brings its own key proves nothing.
    Verify {
        /// The signed envelope.
        file: PathBuf,
        /// The public keys, a JWK set.
        #[arg(long, value_name = "FILE", env = "EVIDENCE_KEYS", default_value = "keys.json")]
        keys: PathBuf,
        /// Prints one line of JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Runs a command.
pub fn run(command: &Command) -> Exit {
    match command {
        Command::Verify { file, keys, json } => verify::run(file, keys, *json),
    }
}
