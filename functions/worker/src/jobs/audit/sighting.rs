//! A member of Podio's list in the words of the domain.

use podio_client::org_member::OrgMember;
use podio_lifecycle::people::{MemberType, Sighting};

/// What an entry of the list tells.
pub(super) fn sighting(member: &OrgMember) -> Sighting {
    let active = member.account_status.as_deref().is_none_or(|status| status.eq_ignore_ascii_case("active"));
    let mut emails: Vec<String> = Vec::new();
    for email in member.account_mails.iter().chain(&member.profile_mails) {
        if !emails.iter().any(|known| known.eq_ignore_ascii_case(email)) {
            emails.push(email.clone());
        }
    }
    Sighting {
        user_id: member.user_id,
        name: member.name.clone(),
        emails,
        role: member.role.as_ref().map(ToString::to_string),
        kind: kind(member),
        active,
        spaces: member.space_memberships,
        // Who has not taken up an invitation has an account since then.
        invited_at: member.invited_on.or(member.created_on.filter(|_| !active)),
        last_seen_at: member.last_seen_on,
    }
}

/// Employee, external, guest or service; none where Podio does not tell. Podio's names for the latter two are not documented,
/// so any role or type that speaks of them will do.
fn kind(member: &OrgMember) -> Option<MemberType> {
    let speaks_of = |word: &str| {
        let role = member.role.as_ref().map(|role| role.as_str());
        [role, member.account_kind.as_deref()]
            .into_iter()
            .flatten()
            .any(|text| text.to_ascii_lowercase().contains(word))
    };
    if speaks_of("service") {
        Some(MemberType::Service)
    } else if speaks_of("guest") {
        Some(MemberType::Guest)
    } else {
        member.employee.map(|employee| if employee { MemberType::Employee } else { MemberType::External })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Sighting {
        sighting(&serde_json::from_value(value).unwrap())
    }

    #[test]
    fn both_shapes_of_a_member_tell_the_same() {
        let nested = read(json!({
            "user": {"user_id": 7, "mail": "jane@example.com", "status": "active", "type": "regular"},
            "profile": {"name": "Jane Doe", "mail": ["Jane@example.com", "jd@example.com"],
                        "last_seen_on": "2026-03-01 09:30:00"},
            "employee": true, "role": "regular", "space_memberships": 3,
        }));
        let flat = read(json!({
            "user_id": 7, "mail": [{"type": "work", "mail": "jane@example.com"}], "status": "active", "type": "full",
            "last_seen_on": "2026-03-01T09:30:00Z", "role": "regular", "space_memberships": 3,
            "profile": {"name": "Jane Doe", "mail": ["jd@example.com"], "is_employee": true},
        }));
        assert!(nested == flat);
        assert_eq!(nested.emails, ["jane@example.com", "jd@example.com"]);
        assert_eq!((nested.kind, nested.active, nested.spaces), (Some(MemberType::Employee), true, Some(3)));
        assert!(nested.last_seen_at.is_some());
    }

    #[test]
    fn guests_and_services_are_told_by_role_or_account() {
        for (member, kind) in [
            (json!({"user_id": 1, "employee": false}), Some(MemberType::External)),
            (json!({"user_id": 1, "employee": false, "role": "guest"}), Some(MemberType::Guest)),
            (json!({"user": {"user_id": 1, "type": "guest"}, "employee": false}), Some(MemberType::Guest)),
            (json!({"user_id": 1, "role": "service_user"}), Some(MemberType::Service)),
            (json!({"user_id": 1}), None),
        ] {
            assert_eq!(read(member.clone()).kind, kind, "{member}");
        }
    }

    #[test]
    fn an_invitation_that_is_not_taken_up_dates_the_account() {
        let invited = read(json!({"user": {"user_id": 1, "status": "inactive", "created_on": "2026-03-01 09:30:00"}}));
        assert!(!invited.active && invited.invited_at.is_some());
        let active = read(json!({"user": {"user_id": 1, "status": "active", "created_on": "2026-03-01 09:30:00"}}));
        assert!(active.active && active.invited_at.is_none());
    }
}
