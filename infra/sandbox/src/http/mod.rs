//! The sandbox over HTTP: a thin layer that reads requests, holds or cuts connections, and writes the state down.

mod connection;
mod consent;
pub mod control;
mod courier;
mod store;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State as Shared};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::faults::FaultRule;
use crate::log::Call;
use crate::state::State;
use crate::wire::{Request, Response};
use connection::{CuttableListener, Scissors};
use store::Store;

/// The largest body read; Podio's own limit is unknown.
const BODY_LIMIT: usize = 1 << 20;
/// How long [`Running::stop`] waits for calls under way.
const PATIENCE: Duration = Duration::from_secs(2);

/// What handlers, courier and handle share.
struct Core {
    state: Mutex<State>,
    config: Config,
    store: Option<Store>,
    deliveries: Notify,
    stopping: watch::Sender<bool>,
}

impl Core {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `act` on the state, then writes the state down and looks for deliveries.
    fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = act(&mut state);
        self.save(&state);
        drop(state);
        self.deliveries.notify_one();
        result
    }

    fn save(&self, state: &State) {
        if let Some(Err(error)) = self.store.as_ref().map(|store| store.save(state)) {
            tracing::error!(%error, "the state could not be written");
        }
    }
}

/// A sandbox that is not running yet.
#[derive(Debug)]
pub struct Sandbox;

impl Sandbox {
    /// Serves a sandbox on 127.0.0.1 until the handle is dropped. A state file that exists is gone on from; switches and
    /// quota are always those of `config`.
    ///
    /// # Errors
    /// When the port is taken, or the state file cannot be read.
    pub async fn start(config: Config) -> io::Result<Running> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).await?;
        let address = listener.local_addr()?;
        let store = config.state_file.clone().map(Store::new);
        let mut state = match store.as_ref().map(Store::load).transpose()?.flatten() {
            Some(state) => state,
            None => config.initial_state(config.clock.now()),
        };
        state.switches = config.switches.clone();
        state.limiter.quota = config.quota.clone();
        let (stopping, stopped) = watch::channel(false);
        let courier = courier::client()?;
        let state = Mutex::new(state);
        let core = Arc::new(Core { state, config, store, deliveries: Notify::new(), stopping });
        core.save(&core.lock());

        let app = Router::new()
            .nest("/_sandbox", control::router())
            .route("/oauth/authorize", get(consent::answer))
            .fallback(podio)
            .with_state(Arc::clone(&core))
            .into_make_service_with_connect_info::<Scissors>();
        let serve = axum::serve(CuttableListener(listener), app).with_graceful_shutdown(told(stopped.clone()));
        let server = tokio::spawn(async move {
            if let Err(error) = serve.await {
                tracing::error!(%error, "the sandbox stopped serving");
            }
        });
        let courier = tokio::spawn(courier::run(Arc::clone(&core), courier, stopped));
        Ok(Running { core, address, server: Some(server), courier })
    }
}

async fn told(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// A running sandbox. Dropping it stops it.
pub struct Running {
    core: Arc<Core>,
    address: SocketAddr,
    server: Option<JoinHandle<()>>,
    courier: JoinHandle<()>,
}

impl Running {
    /// Its base URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The calls so far.
    pub fn log(&self) -> Vec<Call> {
        self.core.lock().log.calls().to_vec()
    }

    /// Looks at, or changes, the state behind Podio's back.
    pub fn with_state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        self.core.change(act)
    }

    /// Arms a fault.
    pub fn add_fault(&self, rule: FaultRule) {
        self.core.change(|state| state.add_fault(rule));
    }

    /// Disarms every fault.
    pub fn clear_faults(&self) {
        self.core.change(|state| state.faults.clear());
    }

    /// Stops serving, lets calls under way finish for a moment, and writes the state down.
    pub async fn stop(mut self) {
        self.core.stopping.send_replace(true);
        if let Some(mut server) = self.server.take()
            && tokio::time::timeout(PATIENCE, &mut server).await.is_err()
        {
            server.abort();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.core.stopping.send_replace(true);
        self.courier.abort();
        self.core.save(&self.core.lock());
    }
}

/// Everything that is not a control call: Podio's answer.
async fn podio(
    Shared(core): Shared<Arc<Core>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: axum::extract::Request,
) -> HttpResponse {
    let Some(request) = read(request).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let answer = {
        let mut state = core.lock();
        let answer = state.answer(core.config.clock.now(), &request);
        if let Some(store) = &core.store
            && let Some(call) = state.log.calls().last()
            && let Err(error) = store.append(call)
        {
            tracing::error!(%error, "the call could not be written");
        }
        if answer.changed {
            core.save(&state);
        }
        answer
    };
    if answer.changed {
        core.deliveries.notify_one();
    }
    if !answer.hold.is_zero() {
        tokio::select! {
            () = tokio::time::sleep(answer.hold) => {}
            () = told(core.stopping.subscribe()) => {}
        }
    }
    if answer.cut {
        scissors.cut();
    }
    write(answer.response)
}

async fn read(request: axum::extract::Request) -> Option<Request> {
    let (parts, body) = request.into_parts();
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Some(Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.iter().map(header).collect(),
        body: to_bytes(body, BODY_LIMIT).await.ok()?.to_vec(),
    })
}

fn write(response: Response) -> HttpResponse {
    let mut http = HttpResponse::new(Body::from(response.body));
    *http.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            http.headers_mut().append(name, value);
        }
    }
    http
}
