//! The access token that all workers share, renewed by one of them at a time.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use podio_client::{
    AccessToken, Podio, RefreshToken,
    oauth::{ClientCredentials, Grant, TokenError, TokenGrant},
};
use podio_lifecycle::{
    credentials::{LEASE, TokenRecord, TokenStep, next_step},
    ids::UserId,
    offboarding::FailureCode,
    ports::{Clock, Credentials, SaveError},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use crate::verdict::Halt;

/// How long a job looks whether somebody else has renewed before it lets its message wait.
const LOOKS: usize = 10;
const LOOK_EVERY: SignedDuration = SignedDuration::from_millis(500);
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
        Self { store, clock, podio, client, configured, origin, cached: Mutex::new(None) }
    }

    /// A token that should work.
    pub(crate) async fn current(&self) -> Result<Account, Halt> {
        self.obtain(None).await
    }

    /// Another token than the one that Podio has just refused.
    pub(crate) async fn replace(&self, refused: &Account) -> Result<Account, Halt> {
        self.obtain(Some(&SecretString::from(refused.token.expose()))).await
    }

    async fn obtain(&self, refused: Option<&SecretString>) -> Result<Account, Halt> {
        let mut cached = self.cached.lock().await;
        if let Some(record) = cached.as_ref()
            && let TokenStep::Use(token) = next_step(record, refused, self.clock.now())
        {
            return Ok(account(&token, record));
        }
        for _ in 0..LOOKS {
            let record = self.stored().await?;
            match next_step(&record, refused, self.clock.now()) {
                TokenStep::Use(token) => {
                    let account = account(&token, &record);
                    *cached = Some(record);
                    return Ok(account);
                }
                TokenStep::WaitUntil(_) => self.clock.sleep(LOOK_EVERY).await,
                TokenStep::Renew => {
                    if let Some(leased) = self.lease(record).await? {
                        let renewed = self.renew(leased).await?;
                        let token = renewed.access_token.clone().ok_or(Halt::Fault)?;
                        let account = account(&token, &renewed);
                        *cached = Some(renewed);
                        return Ok(account);
                    }
                }
            }
        }
        Err(Halt::Pause(self.clock.now() + LEASE))
    }

    /// The stored record; an empty one where there is none, or where somebody has configured another credential since.
    async fn stored(&self) -> Result<TokenRecord, Halt> {
        let record = self.store.load().await?.unwrap_or_else(|| TokenRecord::empty(&self.origin));
        if record.origin == self.origin {
            return Ok(record);
        }
        Ok(TokenRecord { revision: record.revision, ..TokenRecord::empty(&self.origin) })
    }

    /// Takes the lease; none if somebody else was faster.
    async fn lease(&self, record: TokenRecord) -> Result<Option<TokenRecord>, Halt> {
        let leased = TokenRecord { leased_until: Some(self.clock.now() + LEASE), ..record };
        self.save(leased).await
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
    /// replaced it was lost, then with what is configured.
    async fn renew(&self, leased: TokenRecord) -> Result<TokenRecord, Halt> {
        let refresh = |token: &SecretString| Grant::Refresh(RefreshToken::new(token.expose_secret()));
        let stored = [&leased.refresh_token, &leased.previous_refresh_token].into_iter().flatten().map(refresh);
        let grants: Vec<Grant> = stored.chain(self.configured.iter().cloned()).collect();
        let mut rejection = None;
        for grant in grants {
            match self.podio.token(&self.client, &grant).await {
                Ok(grant) => return self.keep(leased, grant).await,
                Err(TokenError::RateLimited { wait }) => {
                    let wait = wait.and_then(|wait| SignedDuration::try_from(wait).ok()).unwrap_or(TOKEN_BLOCK);
                    let until = self.clock.now() + wait;
                    // The lease now says that nobody need ask before.
                    self.save(TokenRecord { leased_until: Some(until), ..leased }).await?;
                    return Err(Halt::Pause(until));
                }
                Err(TokenError::Unavailable { status, .. }) => {
                    tracing::warn!(status, "the token endpoint is unavailable");
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

    async fn keep(&self, leased: TokenRecord, grant: TokenGrant) -> Result<TokenRecord, Halt> {
        let now = self.clock.now();
        let new_refresh = grant.refresh_token.as_ref().map(|token| SecretString::from(token.expose()));
        let rotated = new_refresh.is_some();
        let mut record = TokenRecord {
            access_token: Some(SecretString::from(grant.access_token.expose())),
            expires_at: expiry(now, grant.expires_in),
            previous_refresh_token: if rotated {
                leased.refresh_token.clone()
            } else {
                leased.previous_refresh_token.clone()
            },
            refresh_token: new_refresh.or_else(|| leased.refresh_token.clone()),
            acting_user: grant.acting_user.or(leased.acting_user),
            leased_until: None,
            ..leased
        };
        loop {
            // A rotated refresh token that is not stored is lost, so this outlasts whoever took the lease meanwhile.
            if let Some(saved) = self.save(record.clone()).await? {
                return Ok(saved);
            }
            record.revision = self.stored().await?.revision;
        }
    }
}

fn expiry(now: Timestamp, life: std::time::Duration) -> Timestamp {
    now + SignedDuration::try_from(life).unwrap_or(SignedDuration::from_hours(8))
}

fn account(token: &SecretString, record: &TokenRecord) -> Account {
    Account { token: AccessToken::new(token.expose_secret()), acting_user: record.acting_user }
}
