//! `POST /offboardings/{id}/approve`: a person accepts what an offboarding is held for.
//!
//! Approved is what is shown at that moment and no more: a danger that turns up later holds it again.

use podio_lifecycle::{hold::HoldCode, ids::OffboardingId, offboarding::Event};
use serde::{Deserialize, de::value::StrDeserializer};

use crate::{
    Exchange,
    answer::Answer,
    change::change,
    json::{self, Json, Reader},
    problem::Problem,
};

pub(crate) async fn approve(exchange: &Exchange<'_>, id: &OffboardingId) -> Result<Answer, Problem> {
    let codes = codes(exchange.body())?;
    let offboarding = change(exchange.ports, id, Event::Approved(codes)).await?;
    super::accepted(exchange, offboarding).await
}

/// The kinds of reasons that are approved; none stands for all that are shown.
fn codes(body: &[u8]) -> Result<Option<Vec<HoldCode>>, Problem> {
    let json = json::parse_optional(body)?;
    let mut reader = Reader::default();
    let Some(object) = reader.object("", &json, &["reasons"]) else { return reader.finish().map(|()| None) };
    let codes = match object.field("reasons") {
        None => None,
        Some(Json::Array(items)) if !items.is_empty() => {
            let mut codes = Vec::new();
            for (index, item) in items.iter().enumerate() {
                match item {
                    Json::String(text) if code(text).is_some() => codes.extend(code(text)),
                    _ => reader
                        .error(format!("/reasons/{index}"), "expected the code of a reason, as hold.reasons shows it"),
                }
            }
            Some(codes)
        }
        Some(_) => {
            reader
                .error("/reasons", "expected a list of at least one code; leave it out to approve all that are shown");
            None
        }
    };
    reader.finish().map(|()| codes)
}

fn code(text: &str) -> Option<HoldCode> {
    HoldCode::deserialize(StrDeserializer::<serde::de::value::Error>::new(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_codes_and_no_list_means_all() {
        assert_eq!(codes(b""), Ok(None));
        assert_eq!(codes(b" \n"), Ok(None));
        assert_eq!(codes(b"{}"), Ok(None));
        let both = br#"{"reasons": ["space_would_be_deleted", "acting_admin"]}"#;
        assert_eq!(codes(both), Ok(Some(vec![HoldCode::SpaceWouldBeDeleted, HoldCode::ActingAdmin])));
    }

    #[test]
    fn what_is_no_code_is_pointed_at() {
        for (body, pointer) in [
            (r#"{"reasons": ["acting_admin", "no_such"]}"#, "/reasons/1"),
            (r#"{"reasons": [7]}"#, "/reasons/0"),
            (r#"{"reasons": []}"#, "/reasons"),
            (r#"{"reasons": null}"#, "/reasons"),
            (r#"{"reason": []}"#, "/reason"),
            ("[]", ""),
        ] {
            let Err(Problem::Invalid(errors)) = codes(body.as_bytes()) else { panic!("{body}") };
            assert_eq!(errors[0].pointer, pointer, "{body}");
        }
        assert!(matches!(codes(b"{"), Err(Problem::Malformed(_))));
    }
}
