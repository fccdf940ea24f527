//! The shared access token.

use std::sync::Arc;

use podio_lifecycle::{
    credentials::{LEASE, TokenRecord, TokenStep, next_step},
    ids::UserId,
    ports::{Credentials, SaveError},
};
use secrecy::{ExposeSecret, SecretString};

use super::{at, at_once};

fn shown(record: &TokenRecord) -> impl PartialEq + std::fmt::Debug + use<> {
    let secret = |secret: &Option<SecretString>| secret.as_ref().map(|secret| secret.expose_secret().to_owned());
    (
        secret(&record.access_token),
        record.expires_at,
        secret(&record.refresh_token),
        secret(&record.previous_refresh_token),
        (record.origin.clone(), record.acting_user, record.leased_until, record.revision),
    )
}

pub async fn a_token_comes_back_as_it_was_stored(credentials: Arc<impl Credentials + 'static>) {
    assert!(credentials.load().await.unwrap().is_none());
    let record = TokenRecord {
        access_token: Some("access".into()),
        expires_at: at(28_800),
        refresh_token: Some("refresh".into()),
        previous_refresh_token: Some("refresh before".into()),
        acting_user: Some(UserId(7)),
        leased_until: Some(at(30)),
        ..TokenRecord::empty("origin")
    };
    assert_eq!(credentials.save(&record).await, Ok(()));
    let stored = credentials.load().await.unwrap().unwrap();
    assert_eq!(shown(&stored), shown(&TokenRecord { revision: 1, ..record.clone() }));

    assert_eq!(credentials.save(&record).await, Err(SaveError::Conflict), "somebody was there first");
    let renewed = TokenRecord { previous_refresh_token: None, leased_until: None, ..stored };
    assert_eq!(credentials.save(&renewed).await, Ok(()));
    let stored = credentials.load().await.unwrap().unwrap();
    assert_eq!(shown(&stored), shown(&TokenRecord { revision: 2, ..renewed }));
}

pub async fn of_many_workers_one_gets_the_lease(credentials: Arc<impl Credentials + 'static>) {
    let leases = at_once(&credentials, 12, async |credentials, _| {
        let record = credentials.load().await.unwrap().unwrap_or_else(|| TokenRecord::empty("origin"));
        match next_step(&record, None, at(0)) {
            TokenStep::Renew => {
                let leased = TokenRecord { leased_until: Some(at(0) + LEASE), ..record };
                credentials.save(&leased).await.is_ok()
            }
            TokenStep::WaitUntil(_) => false,
            TokenStep::Use(token) => panic!("{token:?} from nowhere"),
        }
    })
    .await;
    assert_eq!(leases.into_iter().filter(|leased| *leased).count(), 1);
}
