//! A process on one core, and what the kernel says of it.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::process::{Child, Command};

/// The kernel counts CPU time for `/proc` in hundredths of a second, whatever its own ticks are.
const TICK: Duration = Duration::from_millis(10);
/// The core of the process that is measured.
const ITS_CORE: &str = "0";

/// A running process; it is killed when this is dropped.
pub struct Process {
    child: Child,
    id: u32,
    /// When it was started.
    pub started: Instant,
}

impl Process {
    /// Starts a program on the first core. Nothing but `variables` is in its environment.
    ///
    /// # Errors
    /// There is no such program, or no `taskset`.
    pub fn start<'a>(
        program: &[&Path],
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new("taskset");
        command.args(["-c", ITS_CORE]).args(program).env_clear().envs(variables);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let started = Instant::now();
        let child = command.spawn().context("cannot run taskset")?;
        let id = child.id().context("the process has ended already")?;
        Ok(Self { child, id, started })
    }

    /// User and system time of all its threads so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = self.proc("stat")?;
        ticks(&stat).map(|ticks| TICK * ticks).context("/proc/PID/stat is not what it was")
    }

    /// The most memory that it has held, in KiB.
    ///
    /// # Errors
    /// It has ended.
    pub fn peak_memory(&self) -> anyhow::Result<u64> {
        let status = self.proc("status")?;
        high_water(&status).context("/proc/PID/status is not what it was")
    }

    /// Ends it.
    ///
    /// # Errors
    /// It cannot be ended.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("a process could not be ended")
    }

    fn proc(&self, file: &str) -> anyhow::Result<String> {
        fs::read_to_string(format!("/proc/{}/{file}", self.id)).context("the process has ended")
    }
}

/// Keeps this process off the core of the one that is measured, where there is another.
///
/// # Errors
/// There is no `taskset`.
pub async fn keep_off() -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 {
        return Ok(());
    }
    let (others, id) = (format!("1-{}", cores - 1), std::process::id().to_string());
    let mut command = Command::new("taskset");
    command.args(["-a", "-p", "-c", &others, &id]).stdout(Stdio::null());
    let status = command.status().await.context("cannot run taskset; it is in util-linux")?;
    anyhow::ensure!(status.success(), "taskset does not move this process to core {others}");
    Ok(())
}

/// The 14th and 15th field; the name of the program, in brackets, may hold spaces.
fn ticks(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_user_and_system_time_whatever_the_program_is_called() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194304 300 0 0 0 123 45 9 9 20 0 4 0 100 1000 200 18446744073709551615";
        assert_eq!(ticks(stat), Some(168));
        assert_eq!(ticks("7 (short) S 1"), None);
    }

    #[test]
    fn memory_is_the_high_water_mark() {
        assert_eq!(high_water("Name:\ta\nVmPeak:\t 999 kB\nVmHWM:\t    6300 kB\nVmRSS:\t 10 kB\n"), Some(6_300));
        assert_eq!(high_water("Name:\ta\n"), None);
    }
}
