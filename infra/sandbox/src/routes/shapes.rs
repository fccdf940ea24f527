//! How things look in JSON; every difference between the guide and the reference is decided here.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Context;
use crate::ids::{OrgId, SpaceId, UserId};
use crate::state::{AccountKind, Person, Space, SpaceKind, SpaceMembership, SpaceRole};
use crate::switches::{DateFormat, ForeignSpaceNames, MailShape, MemberShape, SpaceMemberPerson};

impl Context<'_> {
    pub(super) fn date(&self, moment: Timestamp) -> Value {
        let format = match self.state.switches.date_format {
            DateFormat::Podio => "%Y-%m-%d %H:%M:%S",
            DateFormat::Iso8601 => "%Y-%m-%dT%H:%M:%SZ",
        };
        Value::from(moment.strftime(format).to_string())
    }

    fn maybe_date(&self, moment: Option<Timestamp>) -> Value {
        moment.map_or(Value::Null, |moment| self.date(moment))
    }

    pub(super) fn flat(&self) -> bool {
        self.state.switches.member_shape == MemberShape::Flat
    }

    fn mail(&self, person: &Person) -> Value {
        match self.state.switches.mail_shape {
            MailShape::String => Value::from(person.mail.as_str()),
            MailShape::Array => json!([{"type": "work", "mail": person.mail}]),
        }
    }

    /// The account. Of somebody who was only invited there is little to tell.
    pub(super) fn user(&self, user_id: UserId) -> Value {
        let Some(person) = self.state.people.get(&user_id) else { return Value::Null };
        if person.account == AccountKind::Hidden {
            return Value::Null;
        }
        let status = if person.activated { "active" } else { "inactive" };
        let mut user = json!({"user_id": user_id, "mail": self.mail(person), "status": status});
        if person.activated {
            user["name"] = json!(person.name);
            user["locale"] = json!("en_GB");
            user["timezone"] = json!("UTC");
            user["type"] = json!(if self.flat() { "full" } else { "regular" });
            user["created_on"] = self.date(person.created_on);
        }
        match person.account {
            AccountKind::Guest => user["type"] = json!("guest"),
            AccountKind::Service => user["type"] = json!("service_user"),
            AccountKind::Regular | AccountKind::Hidden => {}
        }
        if self.flat() {
            user["last_seen_on"] = self.maybe_date(person.last_seen_on);
            user["avatar"] = Value::Null;
        }
        user
    }

    /// The profile; null where there is none.
    pub(super) fn profile(&self, user_id: UserId) -> Value {
        let Some(person) = self.state.people.get(&user_id).filter(|person| person.shows_profile()) else {
            return Value::Null;
        };
        if !person.activated {
            return json!({"user_id": user_id, "mail": [person.mail], "name": null});
        }
        let mut profile = json!({
            "profile_id": person.profile_id, "user_id": user_id, "name": person.name, "mail": [person.mail],
            "title": [], "phone": [], "type": "user", "is_employee": person.employee,
        });
        if !self.flat() {
            profile["last_seen_on"] = self.maybe_date(person.last_seen_on);
            profile["avatar"] = Value::Null;
        }
        for (field, value) in &person.fields {
            profile[field.as_str()] = value.clone();
        }
        profile
    }

    fn org_role(&self, org_id: OrgId, user_id: UserId) -> Value {
        match self.state.org_member(org_id, user_id) {
            Some(member) if member.admin => json!("admin"),
            Some(_) => json!("regular"),
            None => Value::Null,
        }
    }

    /// One of a list of org members.
    pub(super) fn org_member_item(&self, org_id: OrgId, user_id: UserId) -> Value {
        let mut member = self.org_member_base(org_id, user_id);
        member["space_memberships"] = json!(self.state.regular_spaces_of_member(org_id, user_id).len());
        member
    }

    /// One org member alone.
    pub(super) fn org_member_single(&self, org_id: OrgId, user_id: UserId) -> Value {
        let mut member = self.org_member_base(org_id, user_id);
        if !self.flat() {
            let spaces = self.state.regular_spaces_of_member(org_id, user_id);
            let started = |space_id: &&SpaceId| {
                let space = self.state.spaces.get(space_id);
                space.and_then(|space| space.active_member(user_id)).is_some_and(|member| member.started_on.is_some())
            };
            let started = spaces.iter().filter(started).count();
            member["tier"] = json!("premium");
            member["spaces"] = json!({"invited": spaces.len() - started, "started": started});
        }
        member
    }

    fn org_member_base(&self, org_id: OrgId, user_id: UserId) -> Value {
        let role = self.org_role(org_id, user_id);
        let profile = self.profile(user_id);
        let ended_on = self.state.orgs.get(&org_id).and_then(|org| org.members.get(&user_id)?.ended_on);
        let mut member = if self.flat() {
            let mut member = self.user(user_id);
            if member.is_null() {
                member = json!({"user_id": null});
            }
            member["role"] = role;
            member["profile"] = profile;
            member
        } else {
            let employee = self.state.people.get(&user_id).is_some_and(|person| person.employee);
            json!({"user": self.user(user_id), "profile": profile, "employee": employee, "role": role})
        };
        if let Some(ended_on) = ended_on {
            member["ended_on"] = self.date(ended_on);
        }
        member
    }

    /// A v1 space member, with the dates of the membership.
    pub(super) fn space_member(&self, user_id: UserId, member: &SpaceMembership) -> Value {
        let ended_on = self.maybe_date(member.ended_on);
        if self.flat() {
            let mut flat = json!({"user_id": user_id, "role": member.role});
            if member.ended_on.is_some() {
                flat["ended_on"] = ended_on;
            }
            return flat;
        }
        json!({
            "user": self.user(user_id), "role": member.role, "invited_on": self.date(member.invited_on),
            "started_on": self.maybe_date(member.started_on), "ended_on": ended_on,
        })
    }

    /// A v2 space member.
    pub(super) fn space_member_v2(&self, user_id: UserId, member: &SpaceMembership) -> Value {
        if self.flat() {
            return json!({"user_id": user_id, "role": member.role});
        }
        let employee = self.state.people.get(&user_id).is_some_and(|person| person.employee);
        let mut value = json!({"employee": employee, "role": member.role, "grants": 0});
        match self.state.switches.space_member_person {
            SpaceMemberPerson::User => value["user"] = self.user(user_id),
            SpaceMemberPerson::Profile => value["profile"] = self.profile(user_id),
        }
        value
    }

    /// A space in full, for those who may see its name.
    pub(super) fn space_value(&self, space_id: SpaceId, space: &Space) -> Value {
        let own = space.active_member(self.caller.user);
        let kind = match space.kind {
            SpaceKind::Regular => "regular",
            SpaceKind::EmpNetwork => "emp_network",
        };
        let mut value = json!({
            "space_id": space_id, "org_id": space.org_id, "type": kind, "status": "active",
            "role": own.map(|member| member.role), "created_on": self.date(space.created_on),
        });
        if own.is_some() || self.state.switches.foreign_space_names == ForeignSpaceNames::Shown {
            value["name"] = json!(space.name);
            value["url"] = json!(format!("https://podio.com/example-works/{space_id}"));
            value["url_label"] = json!(space_id.to_string());
        }
        value
    }

    /// A membership seen from the member: `{space, role, grants}`.
    pub(super) fn membership_of(&self, space_id: SpaceId, user_id: UserId) -> Value {
        let space = self.state.spaces.get(&space_id);
        let role = space.and_then(|space| space.active_member(user_id)).map(|member| member.role);
        let space = space.map(|space| self.space_value(space_id, space));
        json!({"space": space, "role": role.map_or(json!(""), |role| json!(role)), "grants": 0})
    }

    /// An organization without its spaces.
    pub(super) fn org_value(&self, org_id: OrgId) -> Map<String, Value> {
        let mut value = Map::new();
        if let Some(org) = self.state.orgs.get(&org_id) {
            value.insert("org_id".to_owned(), json!(org_id));
            value.insert("name".to_owned(), json!(org.name));
            value.insert("url".to_owned(), json!("https://podio.com/example-works"));
            value.insert("url_label".to_owned(), json!("example-works"));
            value.insert("status".to_owned(), json!("active"));
            value.insert("type".to_owned(), json!("premium"));
            value.insert("tier".to_owned(), json!("premium"));
            value.insert("role".to_owned(), self.org_role(org_id, self.caller.user));
            value.insert("user_limit".to_owned(), json!(5_000));
            value.insert("domains".to_owned(), json!(["example.com"]));
            value.insert("created_on".to_owned(), self.date(org.created_on));
        }
        value
    }
}

/// The role of that name.
pub(super) fn role(name: &str) -> Option<SpaceRole> {
    match name {
        "light" => Some(SpaceRole::Light),
        "regular" => Some(SpaceRole::Regular),
        "admin" => Some(SpaceRole::Admin),
        _ => None,
    }
}
