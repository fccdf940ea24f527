//! Podio and the way to it.
//!
//! A request that has left goes on to Podio even if its sender dies meanwhile; it arrives after a latency of its own, so
//! requests overtake each other. What Podio's own side knows at the moment of an unsafe call, and its log does not show,
//! is kept beside the log for the oracles: [`Witness`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use lambda_http::http;
use podio_aws::twin::Moment;
use podio_client::transport::{Carried, Lost, Transport};
use podio_sandbox::{Answer, Call, Effect, Request, SpaceId, State, UserId, population::ORG_ID};
use stories::VirtualClock;

use crate::{dice::Dice, fate::Fate, journal::Journal};

/// What Podio's side sees when a call comes that ends a membership of the organization.
#[derive(Debug, Clone)]
pub struct Witness {
    /// The number of the call in Podio's log.
    pub n: u64,
    /// Who is to leave.
    pub user: UserId,
    /// The spaces that they are in, and since when.
    pub spaces: Vec<(SpaceId, Timestamp)>,
}

/// Podio, and whoever is on the way to it.
pub struct Podio {
    /// Podio.
    state: Mutex<State>,
    clock: Arc<VirtualClock>,
    dice: Dice,
    journal: Arc<Journal>,
    /// Dies before or after a request, or not.
    fate: Arc<Fate>,
    roads: Mutex<Roads>,
    /// Changes what comes back: how a bug is planted in the client.
    pub lie: Option<Lie>,
}

/// What a bug in the client does on the way.
#[derive(Clone, Copy)]
pub struct Lie {
    /// To a request before it arrives.
    pub detour: fn(&mut Request),
    /// To the answer before it is read.
    pub change: fn(&Request, &mut Answer),
}

#[derive(Default)]
struct Roads {
    sent: u64,
    /// By arrival.
    under_way: BTreeMap<(Timestamp, u64), Request>,
    answers: BTreeMap<u64, Answer>,
    witnesses: Vec<Witness>,
    tokens: Tokens,
}

/// What became of tokens on their way.
#[derive(Debug, Clone, Default)]
struct Tokens {
    /// The requests that were answered with a token that has not arrived yet.
    under_way: BTreeSet<u64>,
    received_at: Option<Timestamp>,
}

impl fmt::Debug for Podio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Podio")
    }
}

impl Podio {
    /// The way to a Podio.
    pub fn new(
        state: State,
        clock: Arc<VirtualClock>,
        dice: Dice,
        journal: Arc<Journal>,
        fate: Arc<Fate>,
        lie: Option<Lie>,
    ) -> Self {
        Self { state: Mutex::new(state), clock, dice, journal, fate, roads: Mutex::default(), lie }
    }

    /// Podio's state, to look at or to change behind everybody's back.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What Podio's side saw.
    pub fn witnesses(&self) -> Vec<Witness> {
        self.roads().witnesses.clone()
    }

    /// Whether a token that Podio has issued never arrived.
    pub fn lost_a_token(&self) -> bool {
        !self.roads().tokens.under_way.is_empty()
    }

    /// Whether a token has arrived at this very moment.
    pub fn brings_a_token(&self) -> bool {
        self.roads().tokens.received_at == Some(self.clock.read())
    }

    /// When the next request arrives.
    pub fn next_arrival(&self) -> Option<Timestamp> {
        self.roads().under_way.keys().next().map(|(at, _)| *at)
    }

    /// Lets arrive what has arrived by now.
    pub fn let_arrive(&self) {
        let now = self.clock.read();
        loop {
            let arrived = {
                let mut roads = self.roads();
                let Some(first) = roads.under_way.first_entry().filter(|first| first.key().0 <= now) else { return };
                let (_, number) = *first.key();
                (number, first.remove())
            };
            let (number, mut request) = arrived;
            if let Some(lie) = self.lie {
                (lie.detour)(&mut request);
            }
            let witness = self.witness(&request);
            let mut answer = self.state().answer(now, &request);
            let n = self.state().log.calls().last().map_or(0, |call| self.enter(number, call));
            let mut roads = self.roads();
            roads.witnesses.extend(witness.map(|(user, spaces)| Witness { n, user, spaces }));
            if let Some(lie) = self.lie {
                (lie.change)(&request, &mut answer);
            }
            roads.answers.insert(number, answer);
        }
    }

    /// Notes a call; its number.
    fn enter(&self, number: u64, call: &Call) -> u64 {
        self.journal.count(|tally| tally.calls += 1);
        let status = call.status.unwrap_or_default();
        self.journal.note(format_args!("  > {} {} = {status} {:?}", call.method, call.path, call.effects));
        if call.effects.iter().any(|effect| matches!(effect, Effect::TokenIssued { .. })) {
            self.roads().tokens.under_way.insert(number);
        }
        if let Some(fault) = &call.fault {
            self.journal.fault("Podio at fault", format_args!("{fault}"));
        }
        if call.rejected_420 {
            self.journal.note(format_args!("    420"));
        }
        call.n
    }

    fn witness(&self, request: &Request) -> Option<(UserId, Vec<(SpaceId, Timestamp)>)> {
        if request.method != "DELETE" {
            return None;
        }
        let path: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        let ["org", _, "member", user] = path[..] else { return None };
        let user = UserId(user.parse().ok()?);
        let state = self.state();
        let since = |space: SpaceId| Some((space, state.spaces.get(&space)?.active_member(user)?.invited_on));
        Some((user, state.spaces_of_member(ORG_ID, user).into_iter().filter_map(since).collect()))
    }

    fn send(&self, request: Request, arrival: Timestamp) -> u64 {
        let mut roads = self.roads();
        roads.sent += 1;
        let number = roads.sent;
        roads.under_way.insert((arrival, number), request);
        number
    }

    fn roads(&self) -> MutexGuard<'_, Roads> {
        self.roads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn door(&self, moment: Moment, path: &str) {
        self.fate.strike("podio", path, moment);
    }
}

/// A worker's way to Podio.
#[derive(Debug)]
pub struct Road(pub Arc<Podio>);

#[async_trait]
impl Transport for Road {
    async fn carry(&self, request: http::Request<Vec<u8>>, patience: Duration) -> Result<Carried, Lost> {
        let Self(podio) = self;
        let request = plain(request);
        let path = request.path.clone();
        tokio::task::yield_now().await;
        podio.door(Moment::Before, &path);
        tokio::task::yield_now().await;
        let sent = podio.clock.read();
        let gives_up = sent + SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
        // On the way there a request is never late: who reserves a slot for it cannot know of that.
        let arrival = sent + SignedDuration::from_millis(podio.dice.between(10, 200));
        let back = SignedDuration::from_millis(podio.dice.between(10, 400));
        let number = podio.send(request, arrival);
        podio.clock.sleep_until((arrival + back).min(gives_up)).await;
        let answer = podio.roads().answers.remove(&number);
        let Some(answer) = answer else { return Err(Lost { uncertain: true }) };
        let held = SignedDuration::try_from(answer.hold).unwrap_or_default();
        let ready = arrival + back + held;
        podio.clock.sleep_until(ready.min(gives_up)).await;
        podio.door(Moment::After, &path);
        tokio::task::yield_now().await;
        if answer.cut || ready > gives_up {
            return Err(Lost { uncertain: true });
        }
        if answer.response.status == 200 {
            let tokens = &mut podio.roads().tokens;
            if tokens.under_way.remove(&number) {
                tokens.received_at = Some(podio.clock.read());
            }
        }
        carried(answer).ok_or(Lost { uncertain: true })
    }

    fn now(&self) -> Timestamp {
        self.0.clock.read()
    }
}

fn plain(request: http::Request<Vec<u8>>) -> Request {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.iter();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body,
    }
}

fn carried(answer: Answer) -> Option<Carried> {
    let mut headers = http::HeaderMap::new();
    for (name, value) in answer.response.headers {
        headers.append(http::HeaderName::try_from(name).ok()?, http::HeaderValue::try_from(value).ok()?);
    }
    let status = http::StatusCode::from_u16(answer.response.status).ok()?;
    Some(Carried { status, headers, body: answer.response.body })
}
