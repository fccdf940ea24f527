//! The product as a process, from outside. One program: most of each test is waiting, and so they wait at once.

mod by_hand;
#[cfg(target_os = "linux")]
mod chaos;
#[cfg(target_os = "linux")]
mod crashes;
mod leaver;
mod log;
mod mounted;
mod quota;

/// Held by whoever builds for long, and by whoever cannot wait for a build: Cargo lets one at a time into its folder.
static BUILDING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
