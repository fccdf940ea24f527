//! `cargo local up`, `cargo local env`, `cargo local demo` and `cargo local authorize`.

mod arguments;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use jiff::Timestamp;
use local_stack::{
    Stack, authorize::Authorized, demo, environment::Process, log::Reader, running::Running, stack::workspace,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{
    EnvFilter,
    fmt::{format::Writer, time::FormatTime},
};

use self::arguments::{Arguments, Command};

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime does not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run());
    // Everything of ours has ended in order. A runtime that is shut down stops its timers while connections are still being
    // served on other threads, and a connection that then sets a timer panics. So these end with the process.
    std::mem::forget(runtime);
    code
}

async fn run() -> ExitCode {
    let arguments = Arguments::parse();
    init_tracing(&arguments.command);
    let run = async {
        match arguments.command {
            Command::Up(up) => self::up(&up).await.map(|()| ExitCode::SUCCESS),
            Command::Env(env) => self::env(&env).map(|()| ExitCode::SUCCESS),
            Command::Demo(demo) => self::demo(&demo).await,
            Command::Authorize(authorize) => self::authorize(&authorize).await,
        }
    };
    run.await.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// What happens, on standard error, as [`Reader`] wants it.
fn init_tracing(command: &Command) {
    // A demo speaks for itself; `up` tells what goes on. To DynamoDB, each condition that fails is worth a warning.
    let level = if matches!(command, Command::Up(_)) { "info" } else { "warn,demo=info" };
    let filter = EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(format!("{level},dynoxide=error")));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match Reader::of_this_process() {
        Reader::Person { colours } => log.with_ansi(colours).with_timer(WallClock).init(),
        Reader::Program => log.json().with_span_list(false).init(),
    }
}

/// The time of day: the functions' lines have no more either.
struct WallClock;

impl FormatTime for WallClock {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", Timestamp::now().strftime("%H:%M:%S"))
    }
}

async fn up(up: &arguments::Up) -> anyhow::Result<()> {
    let options = up.options()?;
    tokio::select! {
        stack = Stack::start(options, &Process) => {
            let stack = stack?;
            let note = stack.running().note(&workspace())?;
            announce(&stack.ready_line());
            let signalled = interrupted().await;
            tracing::info!("stopping");
            drop(note);
            stack.stop().await;
            signalled
        }
        signalled = interrupted() => signalled,
    }
}

#[expect(clippy::print_stdout, reason = "the variables are what standard output is for")]
fn env(arguments: &arguments::Env) -> anyhow::Result<()> {
    let running = Running::find(&workspace(), arguments.port, arguments.data.as_deref())?;
    print!("{}", running.exports());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the ready line is what standard output is for")]
fn announce(ready: &serde_json::Value) {
    println!("{ready}");
}

async fn demo(arguments: &arguments::Demo) -> anyhow::Result<ExitCode> {
    let options = arguments.options()?;
    let show = demo::Show { json: arguments.json, patience: arguments.patience() };
    tokio::select! {
        done = demo::run(options, &show, &Process) => Ok(if done? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        signalled = interrupted() => signalled.map(|()| ExitCode::FAILURE),
    }
}

async fn authorize(arguments: &arguments::Authorize) -> anyhow::Result<ExitCode> {
    let order = arguments.order()?;
    let how = if arguments.paste { "then paste the address that the browser ends at" } else { "and consent" };
    let tell = |url: &str| eprintln!("Open this, signed in as the account that is to do the work, {how}:\n\n{url}\n");
    let state = local_stack::authorize::new_state()?;
    let done = tokio::select! {
        done = local_stack::authorize::run(order, &state, tell) => done?,
        signalled = interrupted() => return signalled.map(|()| ExitCode::FAILURE),
    };
    if arguments.json {
        announce(&serde_json::to_value(&done)?);
    } else {
        announce_authorized(&done);
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the result is what standard output is for")]
fn announce_authorized(done: &Authorized) {
    if !done.stored {
        println!(
            "Would ask at {}\nand keep the refresh token in {}. Nothing was done.",
            done.authorize_url, done.kept_in
        );
        return;
    }
    let who = done.acting_user.map(|user| format!(" The service acts as Podio user {user}.")).unwrap_or_default();
    println!("The refresh token is kept in {}.{who}", done.kept_in);
    if let Some(version) = &done.version_id {
        println!("Version: {version}");
    }
}

async fn interrupted() -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
