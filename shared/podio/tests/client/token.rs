//! From a credential to a token.

use std::time::Duration;

use podio_client::{
    ClientSecret, Password, RefreshToken,
    oauth::{ClientCredentials, Grant, TokenError, TokenGrant},
};
use podio_lifecycle::ids::UserId;
use serde_json::json;

use crate::stub::{Canned, Stub, answer, refusal};

fn key() -> ClientCredentials {
    ClientCredentials { client_id: "app".into(), client_secret: ClientSecret::new("s3cret&more") }
}

fn refresh() -> Grant {
    Grant::Refresh(RefreshToken::new("r3fresh"))
}

fn password() -> Grant {
    Grant::Password { username: "jane+hr@example.com".into(), password: Password::new("p=1 2") }
}

async fn asked(canned: Canned) -> Result<TokenGrant, TokenError> {
    Stub::answering([canned]).await.podio.token(&key(), &refresh()).await
}

fn granted() -> Canned {
    let body = json!({"access_token": "acc", "token_type": "bearer", "expires_in": 28_799, "refresh_token": "next",
                      "ref": {"type": "user", "id": 3}, "scope": "global:all"});
    answer(200, body.to_string())
}

#[tokio::test]
async fn both_grants_are_posted_as_a_form() {
    let stub = Stub::answering([granted(), granted()]).await;
    stub.podio.token(&key(), &refresh()).await.unwrap();
    stub.podio.token(&key(), &password()).await.unwrap();

    let [refresh, password] = stub.arrivals().try_into().ok().unwrap();
    assert_eq!((refresh.method.as_str(), refresh.uri.to_string().as_str()), ("POST", "/oauth/token"));
    assert_eq!(refresh.headers["content-type"], "application/x-www-form-urlencoded");
    assert!(!refresh.headers.contains_key("authorization"));
    assert_eq!(
        refresh.body,
        "client_id=app&client_secret=s3cret%26more&grant_type=refresh_token&refresh_token=r3fresh"
    );
    assert_eq!(
        password.body,
        "client_id=app&client_secret=s3cret%26more&grant_type=password&username=jane%2Bhr%40example.com&password=p%3D1+2"
    );
}

#[tokio::test]
async fn a_grant_brings_tokens_their_life_and_their_user() {
    let grant = asked(granted()).await.unwrap();
    assert_eq!(grant.access_token.expose(), "acc");
    assert_eq!(grant.refresh_token.as_ref().map(RefreshToken::expose), Some("next"));
    assert_eq!(grant.expires_in, Duration::from_secs(28_799));
    assert_eq!(grant.acting_user, Some(UserId(3)));
    assert_eq!(grant.scope.as_deref(), Some("global:all"));
    let shown = format!("{grant:?}");
    assert!(!shown.contains("acc\"") && !shown.contains("next"), "{shown}");
}

#[tokio::test]
async fn a_bare_grant_keeps_the_old_refresh_token_and_the_documented_life() {
    for body in [
        json!({"access_token": "acc"}),
        json!({"access_token": "acc", "expires_in": -1, "refresh_token": "", "ref": {"type": "app", "id": 9}}),
        json!({"access_token": "acc", "expires_in": 99_999_999, "refresh_token": null, "ref": "odd", "scope": []}),
    ] {
        let grant = asked(answer(200, body.to_string())).await.unwrap();
        assert!(grant.refresh_token.is_none());
        assert_eq!(grant.expires_in, Duration::from_secs(28_800));
        assert_eq!((grant.acting_user, grant.scope), (None, None));
    }
}

#[tokio::test]
async fn a_second_factor_is_told_apart() {
    assert_eq!(asked(answer(200, r#"{"server_nonce": "n"}"#)).await.unwrap_err(), TokenError::MfaRequired);
}

#[tokio::test]
async fn a_refusal_says_whose_fault_it_is() {
    let detailed = |error: &str, detail: &str| {
        let body = json!({"error": error, "error_detail": detail, "error_description": "jane@example.com is wrong"});
        answer(400, body.to_string())
    };
    let dead = asked(detailed("invalid_grant", "user.invalid.password")).await.unwrap_err();
    assert!(matches!(dead, TokenError::InvalidGrant { .. }), "{dead:?}");
    assert_eq!(dead.detail(), Some("user.invalid.password"));
    assert!(!format!("{dead:?} {dead}").contains("jane"));

    let key = asked(detailed("invalid_client", "oauth.client.invalid_secret")).await.unwrap_err();
    assert!(matches!(key, TokenError::InvalidClient { .. }), "{key:?}");
    assert_eq!(key.detail(), Some("oauth.client.invalid_secret"));

    for canned in [refusal(403, "forbidden", "…"), answer(200, "[]"), answer(200, "{}"), answer(200, "")] {
        let odd = asked(canned).await.unwrap_err();
        assert!(matches!(odd, TokenError::Unexpected { .. }), "{odd:?}");
    }
}

#[tokio::test]
async fn the_token_endpoint_has_its_own_limit() {
    let sentence = "You have hit the rate limit. Please wait 300 seconds before trying again";
    let wait = Some(Duration::from_secs(300));
    assert_eq!(asked(refusal(420, "rate_limit", sentence)).await.unwrap_err(), TokenError::RateLimited { wait });
    assert_eq!(asked(answer(429, "")).await.unwrap_err(), TokenError::RateLimited { wait: None });
}

#[tokio::test]
async fn an_outage_leaves_the_grant_in_doubt() {
    let pages = [400, 401, 403, 404, 410].map(|status| answer(status, "<html>"));
    for canned in [answer(503, "<html>"), answer(500, ""), answer(408, ""), answer(400, "")].into_iter().chain(pages) {
        let error = asked(canned).await.unwrap_err();
        assert!(matches!(error, TokenError::Unavailable { status: Some(_), uncertain: true }), "{error:?}");
    }
    let page = asked(answer(200, "<html>")).await.unwrap_err();
    assert_eq!(page, TokenError::Unavailable { status: Some(200), uncertain: true });
}

#[tokio::test]
async fn a_server_that_reads_json_only_is_asked_again_in_json() {
    // Given a server to which the form looked empty
    let blind = || refusal(400, "invalid_client", "Missing parameter client_id");
    let stub = Stub::answering([blind(), granted()]).await;
    // When a token is asked for
    stub.podio.token(&key(), &refresh()).await.unwrap();
    // Then the same is asked of its other address
    let [_, second] = stub.arrivals().try_into().ok().unwrap();
    assert_eq!(second.uri, "/oauth/token/v2");
    assert_eq!(second.headers["content-type"], "application/json");
    let body: serde_json::Value = serde_json::from_slice(&second.body).unwrap();
    assert_eq!(
        body,
        json!({"client_id": "app", "client_secret": "s3cret&more", "grant_type": "refresh_token", "refresh_token": "r3fresh"})
    );

    // And given one that does not have the older address at all, likewise
    let stub = Stub::answering([answer(404, ""), granted()]).await;
    stub.podio.token(&key(), &refresh()).await.unwrap();
    assert_eq!(stub.arrivals().len(), 2);

    // And given one that is blind to both, it is not asked a third time
    let stub = Stub::answering([blind(), blind()]).await;
    let error = stub.podio.token(&key(), &refresh()).await.unwrap_err();
    assert!(matches!(error, TokenError::InvalidClient { .. }), "{error:?}");
    assert_eq!(stub.arrivals().len(), 2);
}
