//! Keeps the state over restarts: a snapshot after every change, and a journal of calls, since those are many.
//!
//! A snapshot is written aside and renamed, so a kill leaves the old one or the new one. Calls in the journal that the
//! snapshot has not seen are counted again on loading, so a kill frees no quota.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;

use crate::log::Call;
use crate::state::State;

/// The two files.
pub(super) struct Store {
    snapshot: PathBuf,
    journal: PathBuf,
}

impl Store {
    pub(super) fn new(snapshot: PathBuf) -> Self {
        let journal = with_suffix(&snapshot, ".calls");
        Self { snapshot, journal }
    }

    /// The state as it was left; none when there is no file.
    pub(super) fn load(&self) -> io::Result<Option<State>> {
        let text = match fs::read(&self.snapshot) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut state: State = serde_json::from_slice(&text).map_err(io::Error::other)?;
        match File::open(&self.journal) {
            Ok(journal) => {
                for line in BufReader::new(journal).lines() {
                    // A kill may leave half a line at the end.
                    if let Ok(call) = serde_json::from_str::<Call>(&line?) {
                        state.restore_call(call);
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Some(state))
    }

    pub(super) fn save(&self, state: &State) -> io::Result<()> {
        let aside = with_suffix(&self.snapshot, ".new");
        fs::write(&aside, serde_json::to_vec(state).map_err(io::Error::other)?)?;
        fs::rename(aside, &self.snapshot)
    }

    pub(super) fn append(&self, call: &Call) -> io::Result<()> {
        let mut line = serde_json::to_vec(call).map_err(io::Error::other)?;
        line.push(b'\n');
        OpenOptions::new().create(true).append(true).open(&self.journal)?.write_all(&line)
    }

    pub(super) fn clear_journal(&self) -> io::Result<()> {
        File::create(&self.journal).map(drop)
    }
}

fn with_suffix(path: &std::path::Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::config::{CLIENT_ID, Config};
    use crate::population::{LEAVER, ORG_ID, Population};
    use crate::switches::Profile;
    use crate::wire::Request;

    #[test]
    fn a_call_killed_before_its_effect_was_written_is_counted_but_did_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("podio.json"));
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let config =
            Config { population: Population::new(1).leaver("Jane Doe", LEAVER, 2), ..Config::new(Profile::Documented) };
        let mut state = config.initial_state(now);
        let acting = state.tokens.acting_user().unwrap();
        let token = state.access_token(now, CLIENT_ID, acting);
        store.save(&state).unwrap();
        let target = format!("/org/{ORG_ID}/member/{}", state.person_by_mail(LEAVER).unwrap());
        let delete = || Request::new("DELETE", &target).token(&token);
        assert!(state.answer(now, &delete()).changed);
        store.append(&state.log.calls()[0]).unwrap();

        let mut restored = store.load().unwrap().unwrap();

        let call = &restored.log.calls()[0];
        assert_eq!((call.n, call.status, call.effects.len()), (1, None, 0));
        let again = restored.answer(now, &delete()).response;
        assert_eq!((again.status, again.header("x-rate-limit-remaining")), (200, Some("248")));
    }
}
