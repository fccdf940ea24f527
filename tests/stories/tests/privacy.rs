//! Whatever happens, no log line says who anybody is, or holds what opens anything.
//!
//! Everything the handlers log, down to `debug`, is kept while a day is lived through: strangers at the doors, leavers
//! removed, held, failed and retried, hooks verified, tokens renewed, rubbish in the queue. Then each line is searched for
//! every person, secret, token, code and key that took part.
#![allow(clippy::unwrap_used, reason = "a story stops where its premise fails")]

use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::{Arc, Mutex},
};

use jiff::SignedDuration;
use lambda_http::{Body, http};
use podio_engine::quota::Ceiling;
use podio_lifecycle::{
    hold::Reason,
    hooks::HookRef,
    ids::{OffboardingId, SpaceId},
    offboarding::State,
    ports::Credentials,
};
use podio_sandbox::{
    Config, ErrorBody, FaultAction, FaultRule, Population, Profile, config,
    population::{LEAVER, ORG_ID, SOLE_MEMBER},
};
use podio_signatures::{
    bearer::Tokens,
    senders::Directory,
    standard_webhooks::{self, Secret},
};
use secrecy::ExposeSecret;
use serde_json::json;
use stories::{Setup, World};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const TOKEN: &str = "t0ken-of-the-admin-0123456789";
const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SHARED: &str = "sh4red-with-the-workflow-0123";
const REASON: &str = "caught stealing staplers";
const STRANGER: &str = "mallory@evil.example";

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The log as the functions write it; the sandbox's own is not the product's.
fn listen() -> Log {
    let log = Log::default();
    let filter = EnvFilter::new("debug,podio_sandbox=off");
    let subscriber =
        tracing_subscriber::fmt().json().with_ansi(false).with_env_filter(filter).with_writer(log.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    log
}

/// The lines that tell one of `words`, in whatever case it is written.
fn telling<'a>(lines: &'a [String], words: &BTreeSet<String>) -> Vec<&'a String> {
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let tells = |line: &&String| {
        let line = line.to_lowercase();
        words.iter().any(|word| line.contains(word))
    };
    lines.iter().filter(tells).collect()
}

/// A day, and what must not be told of it.
struct Day {
    world: World,
    words: BTreeSet<String>,
}

impl Day {
    async fn new() -> Self {
        let population = Population::new(7)
            .members(80)
            .spaces(20)
            .leaver("Jane Doe", LEAVER, 12)
            .sole_member("Solomon Lone", SOLE_MEMBER);
        let podio = Config { population, ..Config::new(Profile::Documented) };
        let world = World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await;
        let known = [
            TOKEN,
            SIGNING,
            SIGNING.trim_start_matches("whsec_"),
            REASON,
            STRANGER,
            config::CLIENT_SECRET,
            config::REFRESH_TOKEN,
            config::PASSWORD,
            "evidence key of the stories, too",
            "hook secret of the stories",
        ];
        let mut words: BTreeSet<String> = known.map(str::to_owned).into();
        world.podio.with_state(|state| {
            for person in state.people.values() {
                words.insert(person.mail.clone());
                words.insert(person.name.clone());
            }
        });
        Self { world, words }
    }

    /// Asks the API.
    async fn api(&mut self, request: http::request::Builder, body: String) -> (u16, String) {
        let flow =
            json!([{"name": "flow", "preset": "rippling_workflow", "secrets": [SHARED], "match": {"/what": "left"}}]);
        let settings = api::Settings {
            organizations: vec![podio_lifecycle::ids::OrgId(ORG_ID.0)],
            senders: standard_webhooks::Senders::parse([SIGNING]).unwrap(),
            api_tokens: Tokens::parse([TOKEN]).unwrap(),
            directory: Directory::parse(&flow.to_string()).unwrap(),
            two_person_approval: false,
            ceiling: Ceiling::new(250, SignedDuration::from_hours(1)).unwrap(),
        };
        let answer = api::handle(&self.world.api(), &settings, request.body(Body::from(body)).unwrap()).await;
        (answer.status().as_u16(), String::from_utf8(answer.body().to_vec()).unwrap())
    }

    /// The same as an admin.
    async fn admin(&mut self, method: &str, path: &str, body: &str) -> (u16, String) {
        let request =
            http::Request::builder().method(method).uri(path).header("authorization", format!("Bearer {TOKEN}"));
        self.api(request, body.to_owned()).await
    }

    /// Posts a leaver, signed; the id.
    async fn post(&mut self, message: &str, mail: &str) -> OffboardingId {
        let body = json!({"user": {"email": mail}, "reason": REASON, "requested_by": STRANGER}).to_string();
        let (secret, now) = (SIGNING.parse::<Secret>().unwrap(), self.world.clock.read());
        let signature = standard_webhooks::sign(&secret, message, now, body.as_bytes());
        self.words.insert(signature.trim_start_matches("v1,").to_owned());
        let request = http::Request::post("/offboardings")
            .header(standard_webhooks::ID, message)
            .header(standard_webhooks::TIMESTAMP, now.as_second().to_string())
            .header(standard_webhooks::SIGNATURE, signature);
        let (status, answer) = self.api(request, body).await;
        assert_eq!(status, 202, "{answer}");
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answer["id"].as_str().unwrap().parse().unwrap()
    }

    /// What the workers hold at this moment is not to be told either.
    async fn note_tokens(&mut self) {
        let record = self.world.credentials.load().await.unwrap().expect("a worker has fetched a token");
        let tokens = [record.access_token, record.refresh_token, record.previous_refresh_token];
        self.words.extend(tokens.into_iter().flatten().map(|token| token.expose_secret().to_owned()));
    }

    async fn strangers_knock(&mut self) {
        let leaver = json!({"user": {"email": STRANGER}}).to_string();
        let forged = http::Request::post("/offboardings")
            .header(standard_webhooks::ID, "msg_forged")
            .header(standard_webhooks::TIMESTAMP, self.world.clock.read().as_second().to_string())
            .header(standard_webhooks::SIGNATURE, "v1,Zm9yZ2VkIHNpZ25hdHVyZQ==");
        self.words.insert("Zm9yZ2VkIHNpZ25hdHVyZQ==".to_owned());
        assert_eq!(self.api(forged, leaver.clone()).await.0, 401);
        for (sender, body, status) in [
            ("flow".to_owned(), json!({"key": "gu3ssed-token", "what": "left", "email": STRANGER}), 401),
            (STRANGER.to_owned(), json!({"key": SHARED}), 401),
            ("flow".to_owned(), json!({"key": SHARED, "what": "left", "email": "", "id": STRANGER}), 422),
            ("flow".to_owned(), json!({"key": SHARED, "what": STRANGER}), 200),
        ] {
            let request = http::Request::post(format!("/senders/{sender}"));
            assert_eq!(self.api(request, body.to_string()).await.0, status);
        }
        self.words.insert(SHARED.to_owned());
        self.words.insert("gu3ssed-token".to_owned());
        let guessed =
            http::Request::get(format!("/offboardings/{STRANGER}")).header("authorization", "Bearer gu3ssed-token");
        assert_eq!(self.api(guessed, String::new()).await.0, 401);
        assert_eq!(self.admin("POST", "/offboardings", &leaver[1..]).await.0, 400);
        let odd = json!({"user": {"email": STRANGER}, REASON: STRANGER}).to_string();
        assert_eq!(self.admin("POST", "/offboardings", &odd).await.0, 422);
        assert_eq!(self.admin("GET", &format!("/offboardings/{STRANGER}"), "").await.0, 404);
    }

    async fn podio_knocks(&mut self) {
        let space = self.world.podio.with_state(|state| {
            let leaver = state.person_by_mail(LEAVER).unwrap();
            state.spaces_of_member(ORG_ID, leaver)[0]
        });
        let on = HookRef::space(SpaceId(space.0));
        let address = self.world.hook_address(&on);
        self.words.insert(address.rsplit('/').next().unwrap().to_owned());
        let hook = self.world.register_hook(&on, "member.add", &address);
        let code = self.world.request_verification(hook);
        let verification = format!("type=hook.verify&hook_id={hook}&code={code}");
        self.words.insert(code);
        assert_eq!(self.world.podio_posts(&on, &verification).await, 200);
        let told = format!("type={STRANGER}&hook_id={hook}&name={STRANGER}");
        self.world.podio_posts(&on, &told).await;
        assert_eq!(self.world.podio_posts(&on, "hook_id=%zz&mallory@evil.example").await, 400);
    }

    async fn podio_stumbles(&mut self) {
        let wrong = FaultAction::Error { status: 500, body: ErrorBody::Html, after_effect: false };
        let twice = |rule: FaultRule| FaultRule { count: Some(2), ..rule };
        self.world.podio.with_state(|state| {
            state.tokens.revoke_access_tokens();
            state.add_fault(twice(FaultRule::new("GET", "/org/*/member/mail/*", FaultAction::Html)));
            state.add_fault(twice(FaultRule::new("DELETE", "/space/*", wrong)));
        });
    }
}

#[tokio::test]
async fn a_whole_day_names_nobody_and_opens_nothing() {
    let log = listen();
    let mut day = Day::new().await;
    day.strangers_knock().await;
    day.podio_knocks().await;

    let id = day.post("msg_1", LEAVER).await;
    let removed = day.world.until_it_rests(&id, DAY).await;
    assert!(matches!(removed.state, State::Completed { .. }), "{:?}", removed.state);
    day.note_tokens().await;
    day.podio_stumbles().await;
    day.world.send_rubbish(&json!({"kind": "plan", "email": STRANGER, "token": TOKEN}).to_string());

    let held = day.post("msg_2", SOLE_MEMBER).await;
    let stopped = day.world.until_it_rests(&held, DAY).await;
    let State::Held { reasons, .. } = &stopped.state else { panic!("{:?}", stopped.state) };
    let reasons: Vec<_> = reasons
        .iter()
        .map(Reason::approval)
        .map(|named| match named.space_id {
            Some(space) => json!({"code": named.code, "space_id": space}),
            None => json!(named.code),
        })
        .collect();
    let decision = json!({"hold_id": stopped.hold_id(), "reasons": reasons}).to_string();
    assert_eq!(day.admin("POST", &format!("/offboardings/{held}/approve"), &decision).await.0, 202);
    assert!(matches!(day.world.until_it_rests(&held, DAY).await.state, State::Completed { .. }));
    day.note_tokens().await;
    for path in [format!("/offboardings/{id}"), format!("/offboardings/{id}/evidence"), "/offboardings".to_owned()] {
        let (status, answer) = day.admin("GET", &path, "").await;
        assert_eq!(status, 200, "{path}");
        assert!(answer.contains(LEAVER), "the admin is told, the log is not: {path}");
    }

    let lines = log.lines();
    assert_eq!(telling(&lines, &day.words), Vec::<&String>::new());

    // What was searched is the whole log: each function has written to it, and by the id everything can be followed.
    let about = |word: &str| lines.iter().filter(|line| line.contains(word)).count();
    assert!(about("\"answered\"") > 8 && about("\"called Podio\"") > 17 && about("\"swept\"") > 0);
    assert!(about(id.as_str()) > 17 && about("podio_request") > 17, "by offboarding, and by Podio's request");

    // And the search finds what it is there to find.
    tracing::info!(person = LEAVER, "planted");
    tracing::debug!("a slip of {:?}", TOKEN.to_uppercase());
    assert_eq!(telling(&log.lines(), &day.words).len(), 2);
}
