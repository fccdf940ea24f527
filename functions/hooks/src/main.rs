//! The function `hooks`: wires [`hooks::handle`] to the runtime.

use std::process::ExitCode;

use hooks::{SECRETS, Settings};
use lambda_http::{Error, Request, service_fn};
use podio_aws::{config, runtime, secrets, settings::Settings as Source};

#[tokio::main]
async fn main() -> ExitCode {
    runtime::run(serve()).await
}

async fn serve() -> Result<(), Error> {
    let source = secrets::overlay(Source::environment(), &config::sdk_config().await, &SECRETS).await?;
    let settings = &Settings::read(&source)?;
    lambda_http::run(service_fn(async |request: Request| Ok::<_, Error>(hooks::handle(settings, &request)))).await
}
