//! `POST /offboardings/{id}/approve`: a person accepts what an offboarding is held for.
//!
//! An approval names the hold that the person was shown and each of its reasons, so that neither a client that repeats its
//! request nor a person who looked at an older page approves a danger that has turned up since.

use podio_lifecycle::{
    hold::{Approval, Decision, HoldCode},
    ids::{OffboardingId, SpaceId, UserId},
    offboarding::Event,
};
use podio_signatures::Role;
use serde::{Deserialize, de::value::StrDeserializer};

use crate::{
    Exchange,
    answer::Answer,
    auth::Caller,
    change::change,
    json::{self, Json, Reader},
    known,
    problem::Problem,
};

const LONGEST_HOLD_ID: usize = 200;

pub(crate) async fn approve(
    exchange: &Exchange<'_>,
    caller: &Caller<'_>,
    id: &Option<OffboardingId>,
) -> Result<Answer, Problem> {
    let decision = decision(exchange.body())?;
    caller.require(Role::Approver, "approve")?;
    let two_persons = exchange.settings.two_person_approval;
    let offboarding = change(exchange.ports, caller, known(id)?, Event::Approved(decision), |offboarding| {
        if two_persons && offboarding.was_asked_by(&caller.actor()) {
            let detail = "Whoever asked for an offboarding may not approve it; somebody else has to.";
            return Err(Problem::Forbidden(detail.into()));
        }
        Ok(())
    });
    super::accepted(exchange, offboarding.await?).await
}

/// Reads `{"hold_id": "…", "reasons": ["code", {"code": "…", "space_id": 5}, {"code": "…", "user_id": 7}]}`.
fn decision(body: &[u8]) -> Result<Decision, Problem> {
    let json = json::parse_optional(body)?;
    let mut reader = Reader::default();
    let read = reader.object("", &json, &["hold_id", "reasons"]).and_then(|object| {
        if object.field("hold_id").is_none() {
            reader.error("/hold_id", "required: the hold that you decide about, as hold.hold_id shows it");
        }
        let hold_id = reader.text(&object, "hold_id", LONGEST_HOLD_ID).map(str::to_owned);
        let named = match object.field("reasons") {
            Some(Json::Array(items)) if !items.is_empty() => {
                let items = items.iter().enumerate();
                items.map(|(index, item)| reason(&mut reader, &format!("/reasons/{index}"), item)).collect()
            }
            _ => {
                reader.error("/reasons", "required: a list that names each reason in hold.reasons");
                None
            }
        };
        Some(Decision { hold_id: hold_id?, named: named? })
    });
    reader.finish()?;
    // Without an error each field was read; should that ever cease to hold, refuse rather than guess.
    read.ok_or(Problem::Internal)
}

fn reason(reader: &mut Reader, pointer: &str, json: &Json) -> Option<Approval> {
    const EXPECTED: &str = "expected the code of a reason, as hold.reasons shows it";
    let (text, space_id, user_id) = match json {
        Json::String(text) => (text.as_str(), None, None),
        json => {
            let object = reader.object(pointer, json, &["code", "space_id", "user_id"])?;
            let space_id = reader.id(&object, "space_id").map(SpaceId);
            let user_id = reader.id(&object, "user_id").map(UserId);
            match object.field("code") {
                Some(Json::String(text)) => (text.as_str(), space_id, user_id),
                _ => ("", space_id, user_id),
            }
        }
    };
    let code = code(text);
    if code.is_none() {
        reader.error(pointer, EXPECTED);
    }
    Some(Approval { code: code?, space_id, user_id })
}

fn code(text: &str) -> Option<HoldCode> {
    HoldCode::deserialize(StrDeserializer::<serde::de::value::Error>::new(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_names_its_hold_and_each_reason() {
        let body =
            br#"{"hold_id": "hold_1", "reasons": ["acting_admin", {"code": "space_would_be_deleted", "space_id": 5},
                {"code": "person_ambiguous", "user_id": 7}]}"#;
        let named = vec![
            Approval::general(HoldCode::ActingAdmin),
            Approval::of_space(HoldCode::SpaceWouldBeDeleted, SpaceId(5)),
            Approval { user_id: Some(UserId(7)), ..Approval::general(HoldCode::PersonAmbiguous) },
        ];
        assert_eq!(decision(body), Ok(Decision { hold_id: "hold_1".into(), named }));
    }

    #[test]
    fn what_is_missing_or_no_code_is_pointed_at() {
        for (body, pointers) in [
            ("", &["/hold_id", "/reasons"][..]),
            ("{}", &["/hold_id", "/reasons"]),
            (r#"{"hold_id": "h"}"#, &["/reasons"]),
            (r#"{"reasons": ["acting_admin"]}"#, &["/hold_id"]),
            (r#"{"hold_id": "h", "reasons": ["acting_admin", "no_such"]}"#, &["/reasons/1"]),
            (r#"{"hold_id": "h", "reasons": [7]}"#, &["/reasons/0"]),
            (r#"{"hold_id": "h", "reasons": [{"space_id": 5}]}"#, &["/reasons/0"]),
            (r#"{"hold_id": "h", "reasons": [{"code": "acting_admin", "space_id": "5"}]}"#, &["/reasons/0/space_id"]),
            (r#"{"hold_id": "h", "reasons": []}"#, &["/reasons"]),
            (r#"{"hold_id": 7, "reasons": ["acting_admin"]}"#, &["/hold_id"]),
            ("[]", &[""]),
        ] {
            let Err(Problem::Invalid(errors)) = decision(body.as_bytes()) else { panic!("{body}") };
            assert_eq!(errors.iter().map(|error| error.pointer.as_str()).collect::<Vec<_>>(), pointers, "{body}");
        }
        assert!(matches!(decision(b"{"), Err(Problem::Malformed(_))));
    }
}
