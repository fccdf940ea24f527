//! One request, start to finish: who calls, is there quota, does a fault strike, what does the route do, log it.
//!
//! Pure: time comes in as `now`, chance from the state's own seed, and the connection is somebody else's.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::faults::{ErrorBody, FaultAction};
use crate::ids::UserId;
use crate::limiter::{Bucket, Verdict};
use crate::log::Call;
use crate::refusal::Refusal;
use crate::routes::{self, Caller, Context, Reply};
use crate::state::State;
use crate::switches::{Acceptance, HeavyRoutes, Part, RateLimitWait};
use crate::wire::{Answer, Request, Response};

const PROXY_PAGE: &str = "<html><head><title>Sorry</title></head><body><h1>Something went wrong</h1></body></html>";

impl State {
    /// Answers one request at `now`.
    pub fn answer(&mut self, now: Timestamp, request: &Request) -> Answer {
        let segments = request.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let mut call = Call {
            n: 0,
            time: now,
            method: request.method.clone(),
            path: request.target(),
            status: None,
            client: None,
            user: None,
            bucket: None,
            limit: None,
            remaining: None,
            rejected_420: false,
            effects: Vec::new(),
            fault: None,
        };
        let token_call = routes::is_token_route(&path);
        let caller = if token_call { Ok(Caller::nobody()) } else { self.authenticate(now, request) };
        let (response, fault) = match caller {
            Err(refusal) => (self.refused(now, request, &refusal), None),
            Ok(caller) => {
                if !token_call {
                    call.client = Some(caller.client.clone());
                    call.user = Some(caller.user);
                }
                match self.spend(now, request, &path, &caller, &mut call) {
                    Err(refusal) => (self.refused(now, request, &refusal), None),
                    Ok(()) => self.serve(now, request, &path, caller, &mut call),
                }
            }
        };
        let mut answer = shape(response, fault.as_ref());
        self.finish(&mut answer.response, &call);
        answer.changed = !call.effects.is_empty() || fault.is_some();
        call.status = (!answer.cut).then_some(answer.response.status);
        call.fault = fault.map(|action| action.name());
        self.log.push(call);
        answer
    }

    fn authenticate(&self, now: Timestamp, request: &Request) -> Result<Caller, Refusal> {
        let header = request.header("authorization").ok_or_else(|| Refusal::unauthorized("invalid_request"))?;
        let (scheme, token) = header.split_once(' ').ok_or_else(Refusal::invalid_header)?;
        let bearer = self.switches.bearer_scheme == Acceptance::Accepted && scheme.eq_ignore_ascii_case("bearer");
        if token.is_empty() || !(bearer || scheme.eq_ignore_ascii_case("oauth2")) {
            return Err(Refusal::invalid_header());
        }
        let access = self.tokens.access(now, token).ok_or_else(|| Refusal::unauthorized("expired_token"))?;
        Ok(Caller { client: access.client.clone(), user: access.user })
    }

    /// Counts the call, or refuses it with 420.
    fn spend(
        &mut self,
        now: Timestamp,
        request: &Request,
        path: &[&str],
        caller: &Caller,
        call: &mut Call,
    ) -> Result<(), Refusal> {
        let (bucket, verdict) = if routes::is_token_route(path) {
            (Bucket::Token, self.limiter.admit_token_call(now))
        } else {
            let bucket = match self.limiter.quota.general_limit {
                Some(_) if is_heavy(&request.method, path, self.switches.heavy_routes) => Bucket::Heavy,
                _ => Bucket::General,
            };
            (bucket, self.limiter.admit(now, &caller.client, caller.user, bucket, &self.switches))
        };
        call.bucket = Some(bucket);
        match verdict {
            Verdict::Admitted { limit, remaining } => {
                (call.limit, call.remaining) = (Some(limit), Some(remaining));
                Ok(())
            }
            Verdict::Rejected { limit, wait_seconds } => {
                (call.limit, call.remaining) = (Some(limit), Some(0));
                call.rejected_420 = true;
                Err(Refusal::rate_limit(Some(wait_seconds)))
            }
        }
    }

    fn serve(
        &mut self,
        now: Timestamp,
        request: &Request,
        path: &[&str],
        caller: Caller,
        call: &mut Call,
    ) -> (Response, Option<FaultAction>) {
        let fault = self.faults.strike(&request.method, &request.path);
        match &fault {
            Some(FaultAction::RateLimit { wait_seconds }) => {
                return (self.refused(now, request, &Refusal::rate_limit(*wait_seconds)), fault);
            }
            Some(FaultAction::Unauthorized) => {
                return (self.refused(now, request, &Refusal::unauthorized("expired_token")), fault);
            }
            Some(FaultAction::Error { status, body, after_effect: false }) => {
                return (self.broken(now, request, *status, *body), fault);
            }
            Some(action) if !action.takes_effect() => return (Response::default(), fault),
            _ => {}
        }
        let mut context = Context::new(self, now, request, caller);
        let outcome = routes::dispatch(&mut context, path);
        call.effects = context.effects;
        let response = match (&fault, outcome) {
            (Some(FaultAction::Error { status, body, .. }), _) => self.broken(now, request, *status, *body),
            (_, Ok(Reply { status, body })) => json_response(status, body),
            (_, Err(refusal)) => self.refused(now, request, &refusal),
        };
        (response, fault)
    }

    fn broken(&self, now: Timestamp, request: &Request, status: u16, body: ErrorBody) -> Response {
        match body {
            ErrorBody::Json => self.refused(now, request, &Refusal::server_error(status)),
            ErrorBody::Html => html(status),
            ErrorBody::Empty => Response { status, ..Response::default() },
        }
    }

    fn refused(&self, now: Timestamp, request: &Request, refusal: &Refusal) -> Response {
        let mut refusal = refusal.clone();
        let mut headers = Vec::new();
        if let crate::refusal::Reason::RateLimit { wait_seconds } = &mut refusal.reason {
            match (self.switches.rate_limit_wait, *wait_seconds) {
                (RateLimitWait::Text, _) | (_, None) => {}
                (RateLimitWait::Untold, Some(_)) => *wait_seconds = None,
                (RateLimitWait::Header, Some(seconds)) => {
                    headers.push(("Retry-After".to_owned(), seconds.to_string()));
                    *wait_seconds = None;
                }
                (RateLimitWait::HttpDate, Some(seconds)) => {
                    headers.push(("Retry-After".to_owned(), http_date(now, seconds)));
                    *wait_seconds = None;
                }
            }
        }
        if refusal.status == 401 {
            headers.push(("WWW-Authenticate".to_owned(), "Bearer realm=\"podio\", error=\"expired_token\"".to_owned()));
        }
        let mut response = json_response(refusal.status, Some(refusal.body(request, &self.switches)));
        response.headers.extend(headers);
        response
    }

    fn finish(&mut self, response: &mut Response, call: &Call) {
        response.headers.push(("X-Podio-Request-Id".to_owned(), self.rng.hex(16)));
        let counted = call.user.is_some() && self.switches.rate_limit_headers == Part::Present;
        if let (true, Some(limit), Some(remaining)) = (counted, call.limit, call.remaining) {
            response.headers.push(("X-Rate-Limit-Limit".to_owned(), limit.to_string()));
            response.headers.push(("X-Rate-Limit-Remaining".to_owned(), remaining.to_string()));
        }
    }

    /// Takes back a call from the journal. One that the snapshot has not seen is counted again, so that a kill frees no
    /// quota; and since a snapshot follows every effect, its effects are lost and it was never answered.
    pub(crate) fn restore_call(&mut self, mut call: Call) {
        if call.n > self.log.last() {
            match call.bucket {
                Some(Bucket::Token) => {
                    self.limiter.admit_token_call(call.time);
                }
                Some(bucket) => {
                    let client = call.client.clone().unwrap_or_default();
                    let user = call.user.unwrap_or(UserId(0));
                    self.limiter.admit(call.time, &client, user, bucket, &self.switches);
                }
                None => {}
            }
            if !call.effects.is_empty() {
                call.effects.clear();
                call.status = None;
                call.fault = Some("killed-before-effect".to_owned());
            }
        }
        self.log.restore(call);
    }
}

fn is_heavy(method: &str, path: &[&str], heavy: HeavyRoutes) -> bool {
    let about_members = path.contains(&"member");
    match heavy {
        HeavyRoutes::Members => about_members,
        HeavyRoutes::Removals => about_members && method == "DELETE",
    }
}

fn shape(response: Response, fault: Option<&FaultAction>) -> Answer {
    let mut answer = Answer { response, hold: Duration::ZERO, cut: false, changed: false };
    match fault {
        Some(FaultAction::Html) => answer.response = html(200),
        Some(FaultAction::DropBeforeEffect | FaultAction::DropAfterEffect) => answer.cut = true,
        Some(FaultAction::Timeout { seconds, .. }) => {
            answer.hold = Duration::from_secs(*seconds);
            answer.cut = true;
        }
        Some(FaultAction::Delay { millis }) => answer.hold = Duration::from_millis(*millis),
        Some(FaultAction::Error { .. } | FaultAction::RateLimit { .. } | FaultAction::Unauthorized) | None => {}
    }
    answer
}

fn json_response(status: u16, body: Option<Value>) -> Response {
    let headers = vec![("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned())];
    match body {
        Some(body) => Response { status, headers, body: body.to_string().into_bytes() },
        None => Response { status, ..Response::default() },
    }
}

fn html(status: u16) -> Response {
    let headers = vec![("Content-Type".to_owned(), "text/html".to_owned())];
    Response { status, headers, body: PROXY_PAGE.as_bytes().to_vec() }
}

/// RFC 9110's date, rounded up so that waiting for it is waiting long enough.
fn http_date(now: Timestamp, seconds: u64) -> String {
    let wait = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(3_600) + 1);
    now.checked_add(wait).unwrap_or(now).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
