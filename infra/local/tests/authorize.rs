//! An operator lets the service in: over the sandbox's own page, into a secret or a file.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::{
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Json, Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use local_stack::{
    authorize::{self, Arrival, Authorized, Order, Place, Secrets},
    client,
};
use podio_client::{
    ClientSecret, Podio, RefreshToken,
    oauth::{ClientCredentials, Grant},
};
use podio_sandbox::{
    Config, Population, Profile, Running, Sandbox,
    config::{CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN},
    population::ACTING_ADMIN,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A Secrets Manager with one entry in it.
struct Vault {
    held: Arc<Mutex<Value>>,
    secrets: Secrets,
}

impl Vault {
    async fn holding(entry: Value) -> Self {
        let held = Arc::new(Mutex::new(entry));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(serve)).with_state(held.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(aws_sdk_secretsmanager::config::BehaviorVersion::latest())
            .region(aws_sdk_secretsmanager::config::Region::new("eu-central-1"))
            .endpoint_url(url)
            .credentials_provider(aws_sdk_secretsmanager::config::Credentials::new("a", "b", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Self { held, secrets: Secrets::from_conf(config) }
    }

    fn value(&self, name: &str) -> String {
        self.held.lock().unwrap()[name].as_str().unwrap_or_default().to_owned()
    }
}

async fn serve(State(held): State<Arc<Mutex<Value>>>, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let mut held = held.lock().unwrap();
    assert_eq!(asked["SecretId"], "stack-secret");
    match headers["x-amz-target"].to_str().unwrap() {
        "secretsmanager.GetSecretValue" => Json(json!({"Name": "stack-secret", "SecretString": held.to_string()})),
        "secretsmanager.PutSecretValue" => {
            *held = serde_json::from_str(asked["SecretString"].as_str().unwrap()).unwrap();
            Json(json!({"VersionId": "version-2"}))
        }
        other => panic!("nobody asks for {other}"),
    }
}

async fn sandbox() -> Running {
    let config = Config { population: Population::new(1), ..Config::new(Profile::Documented) };
    Sandbox::start(config).await.unwrap()
}

async fn order(podio: &Running, place: Place) -> Order {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    Order {
        client_id: Some(CLIENT_ID.to_owned()),
        client_secret: Some(ClientSecret::new(CLIENT_SECRET)),
        podio_url: podio.url(),
        consent_url: format!("{}/oauth/authorize", podio.url()),
        redirect_uri: format!("http://127.0.0.1:{port}/"),
        arrival: Arrival::Listen,
        place,
        dry_run: false,
        patience: Duration::from_secs(20),
    }
}

/// Runs the command; the operator opens the page that they are told, with `more` behind its address.
async fn run(order: Order, more: &'static str) -> anyhow::Result<Authorized> {
    let browse = |url: &str| {
        let url = format!("{url}{more}");
        tokio::spawn(async move { client::loopback().unwrap().get(url).send().await.unwrap() });
    };
    authorize::run(order, "of-this-run", browse).await
}

async fn is_good(podio: &Running, refresh_token: &str) -> bool {
    let client = ClientCredentials { client_id: CLIENT_ID.to_owned(), client_secret: ClientSecret::new(CLIENT_SECRET) };
    let grant = Grant::Refresh(RefreshToken::new(refresh_token));
    Podio::new(&podio.url()).unwrap().token(&client, &grant).await.is_ok()
}

#[tokio::test]
async fn consent_ends_as_a_refresh_token_in_the_stacks_secret() {
    let podio = sandbox().await;
    let blank = json!({"PODIO_REFRESH_TOKEN": " ", "EVIDENCE_KEY": "3vidence"});
    let vault = Vault::holding(blank).await;

    let place = Place::Secret(vault.secrets.clone(), "stack-secret".to_owned());
    let done = run(order(&podio, place).await, "").await.unwrap();

    assert!(done.stored);
    assert_eq!((done.kept_in.as_str(), done.version_id.as_deref()), ("stack-secret", Some("version-2")));
    assert_eq!(done.acting_user, podio.with_state(|state| state.person_by_mail(ACTING_ADMIN)).map(|user| user.0));
    let token = vault.value("PODIO_REFRESH_TOKEN");
    assert!(is_good(&podio, &token).await, "the worker cannot use it");
    assert_eq!(vault.value("PODIO_CLIENT_ID"), CLIENT_ID);
    assert_eq!(vault.value("PODIO_CLIENT_SECRET"), CLIENT_SECRET);
    assert_eq!(vault.value("EVIDENCE_KEY"), "3vidence", "what else is there stays");
    let shown = serde_json::to_string(&done).unwrap();
    assert!(!shown.contains(&token) && !shown.contains(CLIENT_SECRET), "{shown}");
}

#[tokio::test]
async fn authorising_again_takes_the_key_that_is_kept() {
    let podio = sandbox().await;
    let held =
        json!({"PODIO_CLIENT_ID": CLIENT_ID, "PODIO_CLIENT_SECRET": CLIENT_SECRET, "PODIO_REFRESH_TOKEN": "old"});
    let vault = Vault::holding(held).await;
    let place = Place::Secret(vault.secrets.clone(), "stack-secret".to_owned());

    run(Order { client_id: None, client_secret: None, ..order(&podio, place).await }, "").await.unwrap();

    assert!(is_good(&podio, &vault.value("PODIO_REFRESH_TOKEN")).await);
}

#[tokio::test]
async fn a_file_is_for_its_owner_only() {
    let podio = sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("secret.json");

    run(order(&podio, Place::File(path.clone())).await, "").await.unwrap();

    let held: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert!(is_good(&podio, held["PODIO_REFRESH_TOKEN"].as_str().unwrap()).await);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left there");
}

#[tokio::test]
async fn a_dry_run_tells_and_does_nothing() {
    let podio = sandbox().await;
    let vault = Vault::holding(json!({"PODIO_REFRESH_TOKEN": REFRESH_TOKEN})).await;
    let place = Place::Secret(vault.secrets.clone(), "stack-secret".to_owned());
    let nobody_is_asked = |url: &str| panic!("{url}");
    let order = Order { dry_run: true, ..order(&podio, place).await };
    let redirect = order.redirect_uri.clone();

    let done = authorize::run(order, "of-this-run", nobody_is_asked).await.unwrap();

    assert!(!done.stored && done.version_id.is_none());
    let url = reqwest::Url::parse(&done.authorize_url).unwrap();
    let query: Vec<_> = url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
    let expected = [
        "response_type=code".to_owned(),
        format!("client_id={CLIENT_ID}"),
        format!("redirect_uri={redirect}"),
        "state=of-this-run".to_owned(),
    ];
    assert_eq!(query, expected);
    assert_eq!(vault.value("PODIO_REFRESH_TOKEN"), REFRESH_TOKEN);
    assert!(podio.log().is_empty(), "Podio was asked");
}

#[tokio::test]
async fn a_refusal_leaves_everything_as_it_was() {
    let podio = sandbox().await;
    let vault = Vault::holding(json!({"PODIO_REFRESH_TOKEN": REFRESH_TOKEN})).await;
    let place = || Place::Secret(vault.secrets.clone(), "stack-secret".to_owned());

    let denied = run(order(&podio, place()).await, "&deny=1").await.unwrap_err();
    assert_eq!(denied.to_string(), "the user did not consent");

    let wrong_key = Some(ClientSecret::new("wrong"));
    let refused = run(Order { client_secret: wrong_key, ..order(&podio, place()).await }, "").await.unwrap_err();
    assert!(format!("{refused:#}").contains("does not accept the API key"), "{refused:#}");
    assert_eq!(vault.value("PODIO_REFRESH_TOKEN"), REFRESH_TOKEN);
}

#[tokio::test]
async fn an_address_of_somebody_elses_is_not_waited_for() {
    let podio = sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let order = order(&podio, Place::File(folder.path().join("secret.json"))).await;
    let elsewhere = Order { redirect_uri: "https://example.com/podio".to_owned(), ..order };
    let error = run(elsewhere, "").await.unwrap_err();
    assert!(error.to_string().contains("--paste"), "{error}");
}
