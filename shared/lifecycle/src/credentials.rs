//! The access token that all workers share, and the lease under which one of them renews it.
//!
//! A token lives for hours and the token endpoint has a limiter of its own, so a token is fetched once for all workers.
//! Two workers that renewed at once could make each other's refresh token invalid; hence the lease.

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::ids::UserId;

/// What the credentials table holds.
#[derive(Debug, Clone)]
pub struct TokenRecord {
    /// The token in use, if there has been one yet.
    pub access_token: Option<SecretString>,
    /// When Podio stops to accept it.
    pub expires_at: Timestamp,
    /// The refresh token that Podio gave last.
    pub refresh_token: Option<SecretString>,
    /// The one before, kept until the new one has worked, should the answer that brought the new one have been cut off.
    pub previous_refresh_token: Option<SecretString>,
    /// Fingerprint of the configured credential that the tokens descend from. Another one means that somebody authorised
    /// anew, and what is stored is void.
    pub origin: String,
    /// The account that the token acts as, where Podio told.
    pub acting_user: Option<UserId>,
    /// Until when one worker has the right to renew.
    pub leased_until: Option<Timestamp>,
    /// Bumped by each write.
    pub revision: u64,
}

impl TokenRecord {
    /// Nothing yet: what a table without an item stands for.
    pub fn empty(origin: &str) -> Self {
        Self {
            access_token: None,
            expires_at: Timestamp::UNIX_EPOCH,
            refresh_token: None,
            previous_refresh_token: None,
            origin: origin.to_owned(),
            acting_user: None,
            leased_until: None,
            revision: 0,
        }
    }
}

/// Fingerprint of a configured credential: tells one from another without giving it away.
pub fn origin(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}

/// What a worker that needs a token does next.
#[derive(Debug, Clone)]
pub enum TokenStep {
    /// Call Podio with this one.
    Use(SecretString),
    /// Take the lease (a write on condition of the revision that was read), then renew.
    Renew,
    /// Somebody else renews; look again at that time at the latest.
    WaitUntil(Timestamp),
}

/// How long a lease lasts: longer than a call to the token endpoint may take.
pub const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// A token this close to its end is renewed before it is used, so that none expires on its way.
pub const EARLY: SignedDuration = SignedDuration::from_secs(120);

/// Decides what to do, given the stored record and the token that Podio has just refused, if any.
pub fn next_step(record: &TokenRecord, rejected: Option<&SecretString>, now: Timestamp) -> TokenStep {
    if let Some(token) = &record.access_token {
        let refused = rejected.is_some_and(|rejected| rejected.expose_secret() == token.expose_secret());
        if !refused && now + EARLY < record.expires_at {
            return TokenStep::Use(token.clone());
        }
    }
    match record.leased_until {
        Some(until) if now < until => TokenStep::WaitUntil(until),
        _ => TokenStep::Renew,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> TokenRecord {
        TokenRecord {
            access_token: Some("current".into()),
            expires_at: Timestamp::from_second(10_000).unwrap(),
            ..TokenRecord::empty("origin")
        }
    }

    #[test]
    fn a_good_token_is_used_by_all() {
        let now = Timestamp::from_second(1).unwrap();
        assert!(matches!(next_step(&record(), None, now), TokenStep::Use(_)));
        let stale = SecretString::from("older");
        assert!(matches!(next_step(&record(), Some(&stale), now), TokenStep::Use(_)), "somebody renewed already");
    }

    #[test]
    fn one_worker_renews_and_the_others_wait() {
        let refused = SecretString::from("current");
        let now = Timestamp::from_second(1).unwrap();
        assert!(matches!(next_step(&record(), Some(&refused), now), TokenStep::Renew));

        let leased = TokenRecord { leased_until: Some(now + LEASE), ..record() };
        assert!(matches!(next_step(&leased, Some(&refused), now), TokenStep::WaitUntil(until) if until == now + LEASE));
        assert!(matches!(next_step(&leased, Some(&refused), now + LEASE), TokenStep::Renew), "its holder died");
    }

    #[test]
    fn a_token_about_to_expire_is_renewed_first() {
        let late = Timestamp::from_second(9_990).unwrap();
        assert!(matches!(next_step(&record(), None, late), TokenStep::Renew));
    }

    #[test]
    fn no_secret_is_printed() {
        assert!(!format!("{:?}", record()).contains("current"));
    }
}
