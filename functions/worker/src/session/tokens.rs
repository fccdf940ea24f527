//! The access token that all workers share, renewed by one of them at a time.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use podio_client::{
    AccessToken, Podio, RefreshToken,
    oauth::{ClientCredentials, Grant, TokenError, TokenGrant},
};
use podio_lifecycle::{
    credentials::{LEASE, Renewal, TokenRecord, TokenStep, look_again_at, next_step},
    ids::UserId,
    offboarding::FailureCode,
    ports::{Clock, Credentials, SaveError},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::moments::SHORT;
use crate::halt::Halt;

/// How often a job looks again, while a lease is about to end or others write, before it lets its message wait.
const LOOKS: usize = 10;
const LOOK_EVERY: SignedDuration = SignedDuration::from_millis(500);
/// Faults of the table that the storing of a new token outlasts.
const STUMBLES: usize = 3;
/// The age at which a token is renewed that would live on.
const OLD: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The wait after a 420 of the token endpoint that names none.
const TOKEN_BLOCK: SignedDuration = SignedDuration::from_secs(300);

/// What a call is made with.
#[derive(Debug, Clone)]
pub struct Account {
    /// The access token.
    pub token: AccessToken,
    /// The account that it acts as, where Podio told.
    pub acting_user: Option<UserId>,
}

/// The shared token.
pub struct Tokens {
    store: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
    podio: Podio,
    client: ClientCredentials,
    /// What an operator configured, best first.
    configured: Vec<Grant>,
    /// Fingerprint of the above.
    origin: String,
    /// The record as this process last saw it; the lock also keeps its jobs from renewing side by side.
    cached: Mutex<Option<TokenRecord>>,
    /// How often the token endpoint was down.
    failures: AtomicUsize,
}

impl Tokens {
    /// Tokens for the API key `client`, descending from the `configured` grants, whose fingerprint is `origin`.
    pub fn new(
        store: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
        podio: Podio,
        client: ClientCredentials,
        configured: Vec<Grant>,
        origin: String,
    ) -> Self {
        Self {
            store,
            clock,
            podio,
            client,
            configured,
            origin,
            cached: Mutex::new(None),
            failures: AtomicUsize::new(0),
        }
    }

    /// A token that should work.
    pub(crate) async fn current(&self) -> Result<Account, Halt> {
        self.obtain(None).await
    }

    /// Another token than the one that Podio has just refused.
    pub(crate) async fn replace(&self, refused: &Account) -> Result<Account, Halt> {
        self.obtain(Some(&SecretString::from(refused.token.expose()))).await
    }

    /// Renews the token where it is old, so that the refresh token is seen to be good while nobody is waiting.
    pub(crate) async fn renew_when_old(&self) -> Result<(), Halt> {
        let current = self.current().await?;
        let record = self.stored().await?;
        if self.clock.now().duration_since(record.renewed_at) > OLD {
            self.replace(&current).await?;
        }
        Ok(())
    }

    /// Remembers whom the service acts as, where Podio's token answer does not name anybody.
    pub(crate) async fn remember_acting(&self, user: UserId) -> Result<(), Halt> {
        let mut cached = self.cached.lock().await;
        for _ in 0..LOOKS {
            let record = self.stored().await?;
            if record.acting_user == Some(user)
                || self.save(TokenRecord { acting_user: Some(user), ..record }).await?.is_some()
            {
                if let Some(cached) = cached.as_mut() {
                    cached.acting_user = Some(user);
                }
                return Ok(());
            }
        }
        Err(Halt::Overtaken)
    }

    async fn obtain(&self, refused: Option<&SecretString>) -> Result<Account, Halt> {
        let failures = self.failures.load(Ordering::Relaxed);
        let mut free_at = self.clock.now() + SHORT;
        for _ in 0..LOOKS {
            match self.look(refused, failures).await? {
                Look::Found(account) => return Ok(account),
                Look::Overtaken => {}
                Look::Leased(until) => {
                    let now = self.clock.now();
                    let ahead = until.duration_since(now);
                    if ahead > SHORT {
                        return Err(Halt::Pause(look_again_at(until, now, SHORT)));
                    }
                    free_at = until;
                    self.clock.sleep(ahead.clamp(SignedDuration::ZERO, LOOK_EVERY)).await;
                }
            }
        }
        Err(Halt::Pause(free_at))
    }

    /// One look at the token, which renews it where that is this worker's to do. The other jobs of this process wait
    /// meanwhile, so that one request serves them all: with its token, or with its failure if there have been more than
    /// `failures` by then.
    async fn look(&self, refused: Option<&SecretString>, failures: usize) -> Result<Look, Halt> {
        let mut cached = self.cached.lock().await;
        if let Some(record) = cached.as_ref()
            && let TokenStep::Use(token) = next_step(record, refused, self.clock.now())
        {
            return Ok(Look::Found(account(&token, record)));
        }
        // Refused or about to expire: nothing for the next job either.
        *cached = None;
        if self.failures.load(Ordering::Relaxed) != failures {
            return Err(Halt::Fault);
        }
        let record = self.stored().await?;
        match next_step(&record, refused, self.clock.now()) {
            TokenStep::Use(token) => {
                let account = account(&token, &record);
                *cached = Some(record);
                Ok(Look::Found(account))
            }
            TokenStep::WaitUntil(until) => Ok(Look::Leased(until)),
            TokenStep::Renew => {
                let Some(leased) = self.save(record.leased(refused, self.clock.now() + LEASE)).await? else {
                    return Ok(Look::Overtaken);
                };
                let Some(renewed) = self.renew(leased).await? else { return Ok(Look::Overtaken) };
                let token = renewed.access_token.clone().ok_or(Halt::Fault)?;
                let account = account(&token, &renewed);
                *cached = Some(renewed);
                Ok(Look::Found(account))
            }
        }
    }

    /// The stored record; an empty one where there is none, or where somebody has configured another credential since.
    async fn stored(&self) -> Result<TokenRecord, Halt> {
        let record = self.store.load().await?.unwrap_or_else(|| TokenRecord::empty(&self.origin));
        if record.origin == self.origin {
            return Ok(record);
        }
        Ok(TokenRecord { revision: record.revision, ..TokenRecord::empty(&self.origin) })
    }

    /// Stores the record and returns it with its new revision; none if somebody else wrote in between.
    async fn save(&self, record: TokenRecord) -> Result<Option<TokenRecord>, Halt> {
        match self.store.save(&record).await {
            Ok(()) => Ok(Some(TokenRecord { revision: record.revision + 1, ..record })),
            Err(SaveError::Conflict | SaveError::PersonTaken(_)) => Ok(None),
            Err(SaveError::Store(error)) => Err(error.into()),
        }
    }

    /// Renews under the lease: with the newest refresh token first, then with the one before it, in case the answer that
    /// replaced it was lost, then with what is configured. None if somebody else wrote before a token was had.
    async fn renew(&self, mut leased: TokenRecord) -> Result<Option<TokenRecord>, Halt> {
        let acting_user = leased.acting_user;
        let refresh = |token: &SecretString| Grant::Refresh(RefreshToken::new(token.expose_secret()));
        let stored = [&leased.refresh_token, &leased.previous_refresh_token].into_iter().flatten().map(refresh);
        let stored = stored.map(|grant| (grant, acting_user));
        // What is configured may belong to another account than what was stored.
        let configured = self.configured.iter().map(|grant| (grant.clone(), None));
        let grants: Vec<(Grant, Option<UserId>)> = stored.chain(configured).collect();
        let mut rejection = None;
        for (grant, acting_user) in grants {
            if rejection.is_some() {
                let Some(extended) = self.save(leased.leased(None, self.clock.now() + LEASE)).await? else {
                    return Ok(None);
                };
                leased = extended;
            }
            match self.podio.token(&self.client, &grant).await {
                Ok(grant) => return self.keep(leased, self.renewal(&grant, acting_user)).await.map(Some),
                Err(TokenError::RateLimited { wait }) => {
                    let wait = wait.and_then(|wait| SignedDuration::try_from(wait).ok()).unwrap_or(TOKEN_BLOCK);
                    let until = self.clock.now() + wait;
                    // The lease now says that nobody need ask before.
                    self.save(leased.leased(None, until)).await?;
                    return Err(Halt::Pause(until));
                }
                Err(TokenError::Unavailable { status, .. }) => {
                    tracing::warn!(status, "the token endpoint is unavailable");
                    self.failures.fetch_add(1, Ordering::Relaxed);
                    self.save(TokenRecord { leased_until: None, ..leased }).await?;
                    return Err(Halt::Fault);
                }
                // Another grant may still be good.
                Err(error) => rejection = Some(error),
            }
        }
        self.save(TokenRecord { leased_until: None, ..leased }).await?;
        let why = rejection.map_or_else(|| "no credential is configured".to_owned(), |error| error.to_string());
        tracing::error!(reason = %why, "no access token can be had");
        Err(Halt::fail(
            FailureCode::CredentialRejected,
            format!("Podio gave no access token: {why}. Authorise the service anew, then retry."),
        ))
    }

    fn renewal(&self, grant: &TokenGrant, acting_user: Option<UserId>) -> Renewal {
        Renewal {
            access_token: SecretString::from(grant.access_token.expose()),
            renewed_at: self.clock.now(),
            expires_at: expiry(self.clock.now(), grant.expires_in),
            refresh_token: grant.refresh_token.as_ref().map(|token| SecretString::from(token.expose())),
            acting_user: grant.acting_user.or(acting_user),
        }
    }

    /// Stores what a renewal brought. A rotated refresh token that is not stored is lost, so this outlasts whoever wrote
    /// meanwhile, and a table that stumbles.
    async fn keep(&self, leased: TokenRecord, renewal: Renewal) -> Result<TokenRecord, Halt> {
        let mut stored = leased;
        let mut stumbles = 0;
        loop {
            let renewed = stored.clone().renewed(renewal.clone());
            let outcome = match self.save(renewed.clone()).await {
                Ok(Some(saved)) => return Ok(saved),
                Ok(None) => self.store.load().await.map_err(Halt::from),
                Err(halt) => Err(halt),
            };
            match outcome {
                // Somebody has configured another credential: theirs is not ours to overwrite.
                Ok(Some(other)) if other.origin != self.origin => return Ok(renewed),
                Ok(other) => stored = other.unwrap_or_else(|| TokenRecord::empty(&self.origin)),
                Err(halt) if stumbles == STUMBLES => return Err(halt),
                Err(_) => stumbles += 1,
            }
        }
    }
}

/// What one look at the token came to.
enum Look {
    Found(Account),
    /// Somebody else has the right to renew, until then.
    Leased(Timestamp),
    /// Somebody else wrote in between.
    Overtaken,
}

fn expiry(now: Timestamp, life: std::time::Duration) -> Timestamp {
    now + SignedDuration::try_from(life).unwrap_or(SignedDuration::from_hours(8))
}

fn account(token: &SecretString, record: &TokenRecord) -> Account {
    Account { token: AccessToken::new(token.expose_secret()), acting_user: record.acting_user }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::TcpListener,
    };

    use futures::{executor::block_on, future::join_all};
    use podio_aws::{
        runtime::{self, SystemClock},
        twin::{MemoryCredentials, Moment},
    };
    use podio_client::{ClientSecret, Timeouts};

    use super::*;

    const REJECTED: (&str, &str) = ("400 Bad Request", r#"{"error":"invalid_grant"}"#);
    const GRANTED: (&str, &str) = ("200 OK", r#"{"access_token":"ours","refresh_token":"our refresh"}"#);

    /// A token endpoint that gives one answer to all; `asked` happens meanwhile, and is told how often it has.
    fn endpoint((status, body): (&'static str, &'static str), asked: impl Fn(usize) + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for (n, stream) in listener.incoming().enumerate() {
                let mut request = BufReader::new(stream.unwrap());
                let (mut line, mut length) = (String::new(), 0);
                while request.read_line(&mut line).unwrap() > 2 {
                    let header = line.to_ascii_lowercase();
                    length = header.strip_prefix("content-length:").map_or(length, |text| text.trim().parse().unwrap());
                    line.clear();
                }
                request.read_exact(&mut vec![0; length]).unwrap();
                asked(n + 1);
                let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close");
                write!(request.get_mut(), "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
            }
        });
        url
    }

    fn tokens(store: &Arc<MemoryCredentials>, url: &str) -> Tokens {
        runtime::install_tls();
        let client = ClientCredentials { client_id: "app".to_owned(), client_secret: ClientSecret::new("secret") };
        let configured = vec![Grant::Refresh(RefreshToken::new("configured"))];
        let podio = Podio::new(url).unwrap();
        Tokens::new(store.clone(), Arc::new(SystemClock), podio, client, configured, "origin".to_owned())
    }

    async fn write(store: &MemoryCredentials, change: impl FnOnce(&mut TokenRecord)) {
        let mut record = store.load().await.unwrap().unwrap_or_else(|| TokenRecord::empty("origin"));
        change(&mut record);
        store.save(&record).await.unwrap();
    }

    /// Another worker whose renewal overtakes ours.
    fn overtake(record: &mut TokenRecord) {
        record.access_token = Some("theirs".into());
        record.expires_at = Timestamp::now() + SignedDuration::from_hours(8);
        record.refresh_token = Some("their refresh".into());
        record.leased_until = None;
    }

    #[test]
    fn a_lease_outlasts_both_requests_that_a_grant_may_take() {
        assert!(LEASE > SignedDuration::try_from(Timeouts::default().whole * 2).unwrap());
    }

    #[tokio::test]
    async fn of_two_renewals_at_once_no_refresh_token_is_lost() {
        let store = Arc::new(MemoryCredentials::new());
        write(&store, |record| record.refresh_token = Some("old refresh".into())).await;
        let desk = store.clone();
        let url = endpoint(GRANTED, move |_| block_on(write(&desk, overtake)));
        assert_eq!(tokens(&store, &url).current().await.unwrap().token.expose(), "ours");
        let stored = store.load().await.unwrap().unwrap();
        assert_eq!(stored.refresh_token.unwrap().expose_secret(), "our refresh");
        assert_eq!(stored.previous_refresh_token.unwrap().expose_secret(), "their refresh");
    }

    #[tokio::test]
    async fn a_new_token_outlasts_a_table_that_stumbles_and_yields_to_another_credential() {
        let (store, mut saves) = (Arc::new(MemoryCredentials::new()), 0);
        store.faults().decided_by(move |operation, moment| {
            saves += usize::from((operation, moment) == ("save_token", Moment::Before));
            operation == "save_token" && (2..4).contains(&saves)
        });
        let url = endpoint(GRANTED, |_| ());
        tokens(&store, &url).current().await.unwrap();
        assert_eq!(store.load().await.unwrap().unwrap().refresh_token.unwrap().expose_secret(), "our refresh");

        let store = Arc::new(MemoryCredentials::new());
        let desk = store.clone();
        let url = endpoint(GRANTED, move |_| block_on(write(&desk, |record| record.origin = "newer".to_owned())));
        assert_eq!(tokens(&store, &url).current().await.unwrap().token.expose(), "ours");
        assert_eq!(store.load().await.unwrap().unwrap().origin, "newer");
    }

    #[tokio::test]
    async fn a_worker_that_lost_its_lease_shows_no_further_grant() {
        let store = Arc::new(MemoryCredentials::new());
        write(&store, |record| record.refresh_token = Some("old refresh".into())).await;
        let desk = store.clone();
        let url = endpoint(REJECTED, move |times| {
            assert_eq!(times, 1, "the lease had passed to somebody else");
            block_on(write(&desk, overtake));
        });
        assert_eq!(tokens(&store, &url).current().await.unwrap().token.expose(), "theirs");
    }

    #[tokio::test]
    async fn many_workers_remember_whom_they_act_as() {
        let store = Arc::new(MemoryCredentials::new());
        write(&store, overtake).await;
        let workers: Vec<Tokens> = (0..4).map(|_| tokens(&store, "http://127.0.0.1:9")).collect();
        let learned = join_all(workers.iter().map(async |tokens| {
            assert_eq!(tokens.current().await.unwrap().acting_user, None);
            tokens.remember_acting(UserId(7)).await.unwrap();
            tokens.current().await.unwrap().acting_user
        }));
        assert_eq!(learned.await, [Some(UserId(7)); 4]);
        let stored = store.load().await.unwrap().unwrap();
        assert_eq!((stored.acting_user, stored.access_token.is_some()), (Some(UserId(7)), true));
    }
}
