//! The access token that all workers share, and the lease under which one of them renews it.
//!
//! A token lives for hours and the token endpoint has a limiter of its own, so a token is fetched once for all workers.
//! Two workers that renewed at once could make each other's refresh token invalid; hence the lease.

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::{
    ids::UserId,
    work::{Calls, JobId, Priority, Waiting},
};

/// From one proof that the credential lives to the next.
pub const PROOF_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// The job that proves the credential alive, as it waits for the first time: a whole period after the first start.
pub fn kept_alive(now: Timestamp) -> Waiting {
    Waiting {
        job: JobId::new(JobId::KEEP_CREDENTIAL, "podio"),
        priority: Priority::Background,
        place: now,
        since: now,
        not_before: Some(now + PROOF_EVERY),
        faulted_at: None,
        calls: Calls::of("GET /org/{org_id}/admin/", 1),
        group: None,
    }
}

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
    /// When Podio gave the access token.
    pub renewed_at: Timestamp,
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
            renewed_at: Timestamp::UNIX_EPOCH,
            leased_until: None,
            revision: 0,
        }
    }

    /// What to store when the lease is taken or extended. A token that Podio has refused goes with the same write, so that
    /// nobody uses it again for as long as the renewal takes; another than that stays.
    #[must_use]
    pub fn leased(self, refused: Option<&SecretString>, until: Timestamp) -> Self {
        Self {
            access_token: self.access_token.filter(|token| refused.is_none_or(|refused| !is_same(refused, token))),
            leased_until: Some(until),
            ..self
        }
    }

    /// What to store after a renewal, given what is stored now: that may be more than it was under the lease, if somebody
    /// else has renewed too. A refresh token that a new one replaces becomes the previous one, whoever brought it.
    #[must_use]
    pub fn renewed(self, renewal: Renewal) -> Self {
        let (refresh_token, previous_refresh_token) = match (renewal.refresh_token, self.refresh_token) {
            (Some(new), Some(stored)) if !is_same(&new, &stored) => (Some(new), Some(stored)),
            (new, stored) => (new.or(stored), self.previous_refresh_token),
        };
        Self {
            access_token: Some(renewal.access_token),
            expires_at: renewal.expires_at,
            refresh_token,
            previous_refresh_token,
            acting_user: renewal.acting_user,
            renewed_at: renewal.renewed_at,
            leased_until: None,
            origin: self.origin,
            revision: self.revision,
        }
    }
}

/// What a renewal brought.
#[derive(Debug, Clone)]
pub struct Renewal {
    /// The new access token.
    pub access_token: SecretString,
    /// When Podio gave it.
    pub renewed_at: Timestamp,
    /// When Podio stops to accept it.
    pub expires_at: Timestamp,
    /// The new refresh token; with none, the old one stays good.
    pub refresh_token: Option<SecretString>,
    /// The account that the new token acts as, where it is known.
    pub acting_user: Option<UserId>,
}

fn is_same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
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

/// How long a lease lasts: longer than it may take to show one grant to the token endpoint, which is two requests of 20
/// seconds. Whoever has another grant to show extends it first.
pub const LEASE: SignedDuration = SignedDuration::from_secs(45);

/// When to look again, in `least` at the soonest, for the token that somebody else renews until `until` at the latest:
/// whoever renews is done in no time, unless it has died, so after as long as it has taken already. A longer lease is no
/// renewal: Podio has said then when it may be asked again.
pub fn look_again_at(until: Timestamp, now: Timestamp, least: SignedDuration) -> Timestamp {
    let taken = LEASE - until.duration_since(now);
    if taken.is_negative() { until } else { until.min(now + taken.max(least)) }
}

/// A token this close to its end is renewed before it is used, so that none expires on its way.
pub const EARLY: SignedDuration = SignedDuration::from_secs(120);

/// Decides what to do, given the stored record and the token that Podio has just refused, if any.
pub fn next_step(record: &TokenRecord, rejected: Option<&SecretString>, now: Timestamp) -> TokenStep {
    if let Some(token) = &record.access_token {
        let refused = rejected.is_some_and(|rejected| is_same(rejected, token));
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
    fn a_refused_token_goes_when_the_lease_is_taken_and_another_one_stays() {
        let until = Timestamp::from_second(50).unwrap();
        let leased = record().leased(Some(&"current".into()), until);
        assert!(leased.access_token.is_none());
        assert_eq!(leased.leased_until, Some(until));
        assert!(record().leased(Some(&"older".into()), until).access_token.is_some());
        assert!(record().leased(None, until).access_token.is_some());
    }

    #[test]
    fn a_renewal_loses_no_refresh_token_that_may_still_be_good() {
        let shown = |token: Option<&'static str>, previous: Option<&'static str>, new: Option<&'static str>| {
            let stored = TokenRecord {
                refresh_token: token.map(SecretString::from),
                previous_refresh_token: previous.map(SecretString::from),
                leased_until: Some(Timestamp::from_second(50).unwrap()),
                ..record()
            };
            let renewed = stored.renewed(Renewal {
                access_token: "new".into(),
                renewed_at: Timestamp::from_second(10_000).unwrap(),
                expires_at: Timestamp::from_second(20_000).unwrap(),
                refresh_token: new.map(SecretString::from),
                acting_user: None,
            });
            assert_eq!(renewed.access_token.unwrap().expose_secret(), "new");
            assert_eq!(renewed.leased_until, None);
            let text = |token: Option<SecretString>| token.map(|token| token.expose_secret().to_owned());
            [text(renewed.refresh_token), text(renewed.previous_refresh_token)]
        };
        let pair = |token: &str, previous: &str| [Some(token.to_owned()), Some(previous.to_owned())];
        assert_eq!(shown(None, None, None), [None, None]);
        assert_eq!(shown(None, None, Some("b")), [Some("b".to_owned()), None]);
        assert_eq!(shown(Some("b"), Some("a"), Some("c")), pair("c", "b"));
        assert_eq!(shown(Some("b"), Some("a"), None), pair("b", "a"), "Podio need not give a new one");
        assert_eq!(shown(Some("b"), Some("a"), Some("b")), pair("b", "a"), "Podio may give the same one");
    }

    #[test]
    fn no_secret_is_printed() {
        assert!(!format!("{:?}", record()).contains("current"));
    }
}
