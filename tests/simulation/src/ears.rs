//! Who listens to what is said: the log, and the doors' answers.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use podio_sandbox::config;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    dealings::{Letter, Reply},
    scene::Scene,
    wiring::{HOOK_SECRET, SECRET, TOKEN},
    world::World,
};

/// A token of Podio's is longer than anything else that is told in hexadecimal digits.
const TOKEN_LENGTH: usize = 100;

/// Listens to the log of one run for what may not be in it.
#[derive(Clone, Default)]
pub struct Ears {
    forbidden: Arc<Vec<String>>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Ears {
    /// Ears for the secrets of all and the people of this scene.
    pub fn new(scene: &Scene) -> Self {
        let secrets = [
            config::CLIENT_SECRET,
            config::REFRESH_TOKEN,
            config::PASSWORD,
            config::USERNAME,
            TOKEN,
            SECRET,
            HOOK_SECRET,
            "@example",
        ];
        let forbidden = secrets.into_iter().map(str::to_owned);
        let mails = scene.leavers.iter().map(|leaver| leaver.mail.clone());
        Self { forbidden: Arc::new(forbidden.chain(mails).collect()), heard: Arc::default() }
    }

    /// What should not have been said.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs with all that is logged going to these ears.
    pub fn listen<T>(&self, run: impl FnOnce() -> T) -> T {
        let log = tracing_subscriber::fmt().with_writer(self.clone()).with_max_level(tracing::Level::DEBUG);
        tracing::subscriber::with_default(log.with_ansi(false).without_time().finish(), run)
    }
}

impl io::Write for Ears {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let is_told = self.forbidden.iter().any(|word| text.contains(word)) || has_token(&text);
        if is_told {
            self.heard.lock().unwrap_or_else(PoisonError::into_inner).push(text.trim_end().to_owned());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Ears {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn has_token(text: &str) -> bool {
    text.split(|char: char| !char.is_ascii_hexdigit()).any(|digits| digits.len() >= TOKEN_LENGTH)
}

impl World {
    /// Listens to a door's answer.
    pub(crate) fn look_at(&mut self, letter: &Letter, reply: &Reply) {
        let improper = &mut self.dealings.improper;
        let is_problem = reply.content_type == "application/problem+json";
        if reply.status >= 400 && !is_problem {
            improper.push(format!("{letter:?} was answered {} without a problem", reply.status));
        }
        let secrets = [config::CLIENT_SECRET, config::REFRESH_TOKEN, config::PASSWORD, TOKEN, SECRET, HOOK_SECRET];
        let internals = ["fault on demand", "Unavailable(", "panicked", "DynamoDB"];
        if secrets.iter().chain(&internals).any(|word| reply.body.contains(word)) || has_token(&reply.body) {
            improper.push(format!("{letter:?} was answered with what is nobody's business: {}", reply.body));
        }
    }
}
