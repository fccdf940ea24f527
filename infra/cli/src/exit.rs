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
    /// It looked, and something is not as it should be.
    Findings,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Error => 1,
            Exit::Usage => 2,
            Exit::Findings => 7,
        })
    }
}
