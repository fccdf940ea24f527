//! How the program ends: one code for each thing that a script may want to tell apart.

use std::process::ExitCode;

/// The end of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked.
    Done,
    /// It could not.
    Error,
    /// It was asked wrongly. `clap` ends with the same code.
    Usage,
    /// A person has to decide first.
    Held,
    /// What was asked for has failed.
    Failed,
    /// There is none of these.
    NotFound,
    /// The token does not allow it.
    NotAllowed,
    /// It looked, and something is not as it should be.
    Findings,
    /// Not now.
    TryAgain,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Error => 1,
            Exit::Usage => 2,
            Exit::Held => 3,
            Exit::Failed => 4,
            Exit::NotFound => 5,
            Exit::NotAllowed => 6,
            Exit::Findings => 7,
            Exit::TryAgain => 75,
        })
    }
}
