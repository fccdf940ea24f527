//! What each answer means to the caller.

use std::time::Duration;

use podio_client::{DecodeFault, Error, NotFoundKind, RateHeaders, org_member, space_member, user};
use podio_lifecycle::ids::{OrgId, SpaceId, UserId};

use crate::stub::{Canned, Stub, answer, refusal};

const PAGE: &str = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";

/// The error of a look-up that is answered so.
async fn lookup(canned: Canned) -> Error {
    let podio = Stub::answering([canned]).await;
    podio.send(&org_member::get(OrgId(1), UserId(3))).await.result.unwrap_err()
}

/// The result of a removal that is answered so.
async fn removal(canned: Canned) -> Result<(), Error> {
    let podio = Stub::answering([canned]).await;
    podio.send(&space_member::remove(SpaceId(2), UserId(3))).await.result
}

fn unavailable(status: u16) -> Error {
    Error::Unavailable { status: Some(status), uncertain: true }
}

#[tokio::test]
async fn a_refused_token_is_unauthorized_however_it_is_said() {
    for canned in [
        refusal(401, "unauthorized", "expired_token"),
        refusal(401, "unauthorized", "invalid_request"),
        refusal(400, "invalid_token", "gone"),
        answer(401, ""),
    ] {
        assert_eq!(lookup(canned).await, Error::Unauthorized);
    }
}

#[tokio::test]
async fn the_rate_limit_tells_its_wait_in_every_known_way() {
    let sentence = "You have hit the rate limit. Please wait 300 seconds before trying again";
    for (canned, wait) in [
        (refusal(420, "rate_limit", sentence), Some(300)),
        (refusal(420, "rate_limit", sentence).with("retry-after", "60"), Some(60)),
        (refusal(420, "rate_limit", sentence).with("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT"), Some(300)),
        (refusal(420, "rate_limit", "You have hit the rate limit"), None),
        (answer(420, "please WAIT 12 seconds"), Some(12)),
        (answer(420, PAGE), None),
        (answer(429, "").with("retry-after", "7"), Some(7)),
        (refusal(403, "rate_limit", sentence), Some(300)),
    ] {
        assert_eq!(lookup(canned).await, Error::RateLimited { wait: wait.map(Duration::from_secs) });
    }
}

#[tokio::test]
async fn only_podios_own_words_prove_that_something_is_gone() {
    let no_route = "No matching operation could be found. The path '/org/1/membr/3' was not found.";
    for (canned, kind) in [
        (refusal(404, "not_found", "Object not found"), NotFoundKind::Object),
        (refusal(404, "not_found", "Objekt nicht gefunden"), NotFoundKind::Object),
        (refusal(404, "not_found", no_route), NotFoundKind::Route),
        (refusal(404, "not_found", "NO MATCHING OPERATION. No body was given"), NotFoundKind::Route),
    ] {
        assert_eq!(lookup(canned).await, Error::NotFound(kind));
    }
    for canned in [
        refusal(404, "other", "Object not found"),
        refusal(404, "not_found", ""),
        answer(404, r#"{"error":"not_found"}"#),
        answer(404, r#"{"error":"not_found","error_desc"#),
    ] {
        assert_eq!(lookup(canned).await, unavailable(404));
    }
}

#[tokio::test]
async fn an_answer_without_podios_envelope_is_no_answer() {
    for status in [400, 401, 402, 403, 404, 405, 409, 410, 413, 451] {
        let page = || answer(status, PAGE).with("content-type", "text/html");
        assert_eq!(lookup(page()).await, unavailable(status), "{status}");
        assert_eq!(removal(page()).await, Err(unavailable(status)), "{status}");
        if status != 401 {
            assert_eq!(removal(answer(status, "")).await, Err(unavailable(status)), "{status}, empty");
            let other = answer(status, r#"{"message":"Not Found"}"#);
            assert_eq!(removal(other).await, Err(unavailable(status)), "{status}, not Podio's JSON");
        }
    }
    let unnamed = answer(410, r#"{"error":"the page of jane@example.com","error_description":"moved"}"#);
    assert_eq!(lookup(unnamed).await, unavailable(410));
}

#[tokio::test]
async fn other_refusals_keep_their_code() {
    let forbidden = lookup(refusal(403, "requestable_forbidden", "The user with id 3 …")).await;
    assert!(matches!(forbidden, Error::Forbidden { .. }), "{forbidden:?}");
    assert_eq!(forbidden.code(), Some("requestable_forbidden"));
    assert_eq!(forbidden.description().as_deref(), Some("The user with id 3 …"));

    for (status, code) in [(400, "invalid_value"), (400, "not_found"), (402, "payment"), (409, "conflict")] {
        let error = lookup(refusal(status, code, "…")).await;
        assert!(matches!(error, Error::Invalid { status: seen, .. } if seen == status), "{error:?}");
        assert_eq!(error.code(), Some(code));
    }
    assert_eq!(lookup(refusal(410, "gone", "…")).await, Error::Gone);
}

#[tokio::test]
async fn what_is_not_podio_itself_is_unavailable_and_uncertain() {
    for status in [408, 500, 502, 503, 504, 599] {
        assert_eq!(lookup(answer(status, PAGE)).await, unavailable(status));
        assert_eq!(removal(answer(status, "")).await, Err(unavailable(status)));
    }
    assert_eq!(lookup(refusal(504, "timeout", "The server took too long to respond")).await, unavailable(504));
    // A maintenance page that calls itself a success is none, for a removal least of all.
    let page = || answer(200, PAGE).with("content-type", "text/html; charset=utf-8");
    assert_eq!(lookup(page()).await, unavailable(200));
    assert_eq!(removal(page()).await, Err(unavailable(200)));
    assert_eq!(
        removal(answer(200, "Down for maintenance").with("content-type", "text/html")).await,
        Err(unavailable(200))
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let podio = Stub::answering([answer(302, "").with("location", "/user/status")]).await;
    assert_eq!(podio.send(&user::own()).await.result.unwrap_err(), unavailable(302));
    assert_eq!(podio.arrivals().len(), 1);
}

#[tokio::test]
async fn any_success_will_do_where_no_result_is_due() {
    for (status, body) in
        [(200, ""), (200, "{}"), (200, "[]"), (200, "null"), (201, "odd"), (202, ""), (204, ""), (304, "")]
    {
        assert_eq!(removal(answer(status, body)).await, Ok(()), "{status} {body}");
    }
    assert_eq!(removal(answer(200, "").with("content-type", "text/html")).await, Ok(()));
}

#[tokio::test]
async fn an_unreadable_success_names_the_place() {
    for (body, path, fault) in [
        ("", ".", DecodeFault::Empty),
        (r#"{"user": {"user_id": 3"#, "user.?", DecodeFault::NotJson),
        (r#"{"user": {"user_id": {}}}"#, "user.user_id", DecodeFault::Shape),
        (r#"{"user": null, "role": "admin"}"#, ".", DecodeFault::Shape),
        ("[]", ".", DecodeFault::Shape),
        ("true", ".", DecodeFault::Shape),
        ("maintenance", ".", DecodeFault::NotJson),
    ] {
        let Error::Decode(error) = lookup(answer(200, body)).await else { panic!("{body}") };
        assert_eq!((error.json_path.as_str(), error.fault), (path, fault), "{body}");
    }
}

#[tokio::test]
async fn a_body_without_end_is_not_held_in_memory() {
    let endless = vec![b' '; podio_client::answer::LARGEST_BODY + 1];
    let Error::Decode(error) = lookup(answer(200, endless.clone())).await else { panic!() };
    assert_eq!(error.fault, DecodeFault::TooLarge);
    assert_eq!(lookup(answer(404, endless)).await, unavailable(404));
}

#[tokio::test]
async fn the_receipt_is_there_for_success_and_failure_alike() {
    let stamped = |canned: Canned| {
        canned
            .with("x-rate-limit-limit", "250")
            .with("x-rate-limit-remaining", "249")
            .with("x-podio-request-id", "abc-123")
    };
    for (status, canned) in
        [(200, stamped(answer(200, r#"{"user_id": 3}"#))), (403, stamped(refusal(403, "forbidden", "…")))]
    {
        let podio = Stub::answering([canned]).await;
        let receipt = podio.send(&org_member::get(OrgId(1), UserId(3))).await.receipt;
        assert_eq!(receipt.method, "GET");
        assert_eq!(receipt.path, "/org/1/member/3");
        assert_eq!(receipt.route, "/org/{org_id}/member/{user_id}");
        assert_eq!(receipt.status, Some(status));
        assert_eq!(receipt.request_id.as_deref(), Some("abc-123"));
        assert_eq!(receipt.rate, RateHeaders { limit: Some(250), remaining: Some(249) });
    }
}
