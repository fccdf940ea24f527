//! Comparing what Podio lists with what is stored.

use jiff::{SignedDuration, Timestamp};

use super::{AuditId, Cause, Change, ChangeKind, Member, MemberStatus, MemberType, Sighting};

/// What is to be stored of one member, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberWrite {
    /// The member as they are now. The revision is the one that was read.
    pub member: Member,
    /// What has changed.
    pub changes: Vec<Change>,
}

/// Under what circumstances an audit looks.
#[derive(Debug, Clone)]
pub struct Observation<'a> {
    /// The audit.
    pub audit: &'a AuditId,
    /// Now.
    pub now: Timestamp,
    /// Whether no audit of this organization has ended before. Then everybody is new, and nothing has changed.
    pub is_first: bool,
    /// How long somebody may be unseen.
    pub stale_after: SignedDuration,
}

impl Observation<'_> {
    /// What follows from seeing a member; none where nothing is new. `exempt` members are never stale: the account that
    /// acts, and accounts that are nobody's.
    pub fn seen(&self, before: Option<&Member>, seen: &Sighting, exempt: bool) -> Option<MemberWrite> {
        let Some(before) = before else { return Some(self.first_seen(seen, exempt)) };
        let mut after = self.merged(before, seen);
        after.stale = self.is_stale(&after, exempt);
        if after == *before {
            return None;
        }
        let changes = if self.is_first { Vec::new() } else { self.changes(before, &after, exempt) };
        Some(MemberWrite { member: after, changes })
    }

    /// What follows from somebody's having left. The caller has asked Podio for them by themselves.
    pub fn left(&self, before: &Member, last_listed_at: Option<Timestamp>, cause: Option<Cause>) -> MemberWrite {
        let member = Member {
            status: MemberStatus::Left,
            left_at: Some(self.now),
            last_listed_at: last_listed_at.or(Some(before.first_listed_at)),
            stale: false,
            ..before.clone()
        };
        let (was, is) = (before.status.name().to_owned(), member.status.name().to_owned());
        let left = Change { cause, ..self.change(&member, ChangeKind::Left, Some(was), Some(is)) };
        MemberWrite { member, changes: vec![left] }
    }

    fn first_seen(&self, seen: &Sighting, exempt: bool) -> MemberWrite {
        let mut member = Member {
            user_id: seen.user_id,
            name: seen.name.clone(),
            emails: seen.emails.clone(),
            role: seen.role.clone(),
            kind: seen.kind,
            status: status(seen),
            spaces: seen.spaces,
            invited_at: seen.invited_at,
            last_seen_at: seen.last_seen_at,
            first_listed_at: self.now,
            last_listed_at: None,
            left_at: None,
            stale: false,
            revision: 0,
        };
        member.stale = self.is_stale(&member, exempt);
        let joined = self.change(&member, ChangeKind::Joined, None, Some(member.status.name().to_owned()));
        let changes = if self.is_first { Vec::new() } else { vec![joined] };
        MemberWrite { member, changes }
    }

    /// What was not told stays as it was told last, but for the role: none is what most members have.
    fn merged(&self, before: &Member, seen: &Sighting) -> Member {
        Member {
            user_id: before.user_id,
            name: seen.name.clone().or_else(|| before.name.clone()),
            emails: if seen.emails.is_empty() { before.emails.clone() } else { seen.emails.clone() },
            role: seen.role.clone(),
            kind: seen.kind.or(before.kind),
            status: status(seen),
            spaces: seen.spaces.or(before.spaces),
            invited_at: before.invited_at.or(seen.invited_at),
            // Podio's copies may lag behind each other: nobody is seen less recently than before.
            last_seen_at: seen.last_seen_at.max(before.last_seen_at),
            first_listed_at: before.first_listed_at,
            last_listed_at: None,
            left_at: None,
            stale: before.stale,
            revision: before.revision,
        }
    }

    fn is_stale(&self, member: &Member, exempt: bool) -> bool {
        !exempt && member.kind != Some(MemberType::Service) && member.is_unseen_for(self.stale_after, self.now)
    }

    fn changes(&self, before: &Member, after: &Member, exempt: bool) -> Vec<Change> {
        let mut found = Vec::new();
        let mut add = |kind, before: Option<&str>, is: Option<&str>| {
            found.push(self.change(after, kind, before.map(str::to_owned), is.map(str::to_owned)));
        };
        if !before.is_current() {
            add(ChangeKind::Returned, Some(before.status.name()), Some(after.status.name()));
        }
        if before.role != after.role {
            add(ChangeKind::RoleChanged, before.role.as_deref(), after.role.as_deref());
        }
        if !same_addresses(&before.emails, &after.emails) {
            add(ChangeKind::EmailChanged, shown(&before.emails).as_deref(), shown(&after.emails).as_deref());
        }
        if before.name.is_some() && before.name != after.name {
            add(ChangeKind::NameChanged, before.name.as_deref(), after.name.as_deref());
        }
        if before.kind.is_some() && before.kind != after.kind {
            add(ChangeKind::TypeChanged, before.kind.map(MemberType::name), after.kind.map(MemberType::name));
        }
        let [was_seen, is_seen] = [before.last_seen_at, after.last_seen_at].map(|at| at.map(|at| at.to_string()));
        match (before.stale, after.stale) {
            (false, true) if before.is_current() => add(ChangeKind::WentStale, was_seen.as_deref(), is_seen.as_deref()),
            // Another threshold, or a member who is exempt now, was not seen.
            (true, false) if !exempt && was_seen != is_seen => {
                add(ChangeKind::SeenAgain, was_seen.as_deref(), is_seen.as_deref());
            }
            _ => {}
        }
        found
    }

    fn change(&self, member: &Member, kind: ChangeKind, before: Option<String>, after: Option<String>) -> Change {
        Change { at: self.now, kind, user_id: member.user_id, before, after, audit_id: self.audit.clone(), cause: None }
    }
}

fn status(seen: &Sighting) -> MemberStatus {
    if seen.active { MemberStatus::Active } else { MemberStatus::Inactive }
}

/// Whether both are the same addresses, the account's own first, in whatever order the others come.
fn same_addresses(one: &[String], other: &[String]) -> bool {
    let sorted = |emails: &[String]| {
        let mut emails: Vec<String> = emails.iter().map(|email| email.to_ascii_lowercase()).collect();
        emails.get_mut(1..).unwrap_or_default().sort();
        emails
    };
    sorted(one) == sorted(other)
}

/// Addresses as one text, the account's own first.
fn shown(emails: &[String]) -> Option<String> {
    (!emails.is_empty()).then(|| emails.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::UserId;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn at(day: i32) -> Timestamp {
        "2026-12-01T08:00:00Z".parse::<Timestamp>().unwrap() + DAY * day
    }

    fn audit() -> AuditId {
        AuditId::new(at(0), [1; 10])
    }

    fn jane() -> Sighting {
        Sighting {
            user_id: UserId(7),
            name: Some("Jane Doe".into()),
            emails: vec!["jane@example.com".into()],
            role: Some("regular".into()),
            kind: Some(MemberType::Employee),
            active: true,
            spaces: Some(3),
            invited_at: None,
            last_seen_at: Some(at(-1)),
        }
    }

    fn look(audit: &AuditId, day: i32) -> Observation<'_> {
        Observation { audit, now: at(day), is_first: false, stale_after: DAY * 90 }
    }

    fn kinds(write: &Option<MemberWrite>) -> Vec<ChangeKind> {
        write.iter().flat_map(|write| &write.changes).map(|change| change.kind).collect()
    }

    fn stored(seen: &Sighting, day: i32) -> Member {
        look(&audit(), day).seen(None, seen, false).unwrap().member
    }

    #[test]
    fn a_member_who_is_as_before_is_not_written() {
        let before = stored(&jane(), 0);
        assert_eq!(look(&audit(), 1).seen(Some(&before), &jane(), false), None);
    }

    #[test]
    fn the_first_audit_changes_nothing_and_later_newcomers_have_joined() {
        let audit = audit();
        let first = Observation { is_first: true, ..look(&audit, 0) };
        assert_eq!(kinds(&first.seen(None, &jane(), false)), []);
        assert_eq!(kinds(&look(&audit, 1).seen(None, &jane(), false)), [ChangeKind::Joined]);
    }

    #[test]
    fn each_difference_is_a_change_with_before_and_after() {
        let before = stored(&jane(), 0);
        let now = Sighting {
            name: Some("Jane Roe".into()),
            emails: vec!["jane.roe@example.com".into(), "jane@example.com".into()],
            role: Some("admin".into()),
            kind: Some(MemberType::External),
            ..jane()
        };
        let write = look(&audit(), 1).seen(Some(&before), &now, false);
        let expected =
            [ChangeKind::RoleChanged, ChangeKind::EmailChanged, ChangeKind::NameChanged, ChangeKind::TypeChanged];
        assert_eq!(kinds(&write), expected);
        let write = write.unwrap();
        assert_eq!(write.changes[0].before.as_deref(), Some("regular"));
        assert_eq!(write.changes[1].after.as_deref(), Some("jane.roe@example.com|jane@example.com"));
        assert_eq!(write.changes[1].at, at(1));
    }

    #[test]
    fn what_is_not_told_is_not_forgotten() {
        let before = stored(&jane(), 0);
        let bare = Sighting { name: None, emails: vec![], kind: None, spaces: None, last_seen_at: None, ..jane() };
        assert_eq!(look(&audit(), 1).seen(Some(&before), &bare, false), None);
        let other_case = Sighting { emails: vec!["Jane@Example.com".into()], ..jane() };
        assert_eq!(kinds(&look(&audit(), 1).seen(Some(&before), &other_case, false)), []);
    }

    #[test]
    fn who_has_left_and_is_listed_again_has_returned() {
        let audit = audit();
        let gone = look(&audit, 3).left(&stored(&jane(), 0), Some(at(2)), None);
        assert_eq!(gone.changes[0].kind, ChangeKind::Left);
        assert_eq!((gone.member.left_at, gone.member.last_listed_at), (Some(at(3)), Some(at(2))));
        let back = look(&audit, 4).seen(Some(&gone.member), &jane(), false);
        assert_eq!(kinds(&back), [ChangeKind::Returned]);
        assert_eq!(back.unwrap().member.left_at, None);
    }

    #[test]
    fn a_member_unseen_for_too_long_is_stale_until_seen() {
        let audit = audit();
        let before = stored(&jane(), 0);
        assert_eq!(look(&audit, 89).seen(Some(&before), &jane(), false), None, "to the day");
        let stale = look(&audit, 90).seen(Some(&before), &jane(), false);
        assert_eq!(kinds(&stale), [ChangeKind::WentStale]);
        let stale = stale.unwrap().member;
        assert_eq!(look(&audit, 91).seen(Some(&stale), &jane(), false), None, "told once");
        let seen = Sighting { last_seen_at: Some(at(91)), ..jane() };
        assert_eq!(kinds(&look(&audit, 92).seen(Some(&stale), &seen, false)), [ChangeKind::SeenAgain]);
    }

    #[test]
    fn a_young_account_is_never_stale() {
        let audit = audit();
        let never = Sighting { last_seen_at: None, ..jane() };
        let stale = |seen: &Sighting, day| {
            let before = stored(seen, 0);
            look(&audit, day).seen(Some(&before), seen, false).is_some_and(|write| write.member.stale)
        };
        assert!(!stale(&never, 90), "of unknown age, and first listed ninety days ago");
        assert!(stale(&never, 91));
        let invited = |day| Sighting { invited_at: Some(at(day)), ..never.clone() };
        assert!(stored(&invited(-91), 0).stale, "an old invitation");
        assert!(!stored(&invited(-89), 0).stale);
    }

    #[test]
    fn the_acting_account_and_services_are_never_stale() {
        let audit = audit();
        let old = Sighting { last_seen_at: Some(at(-500)), ..jane() };
        assert!(look(&audit, 0).seen(None, &old, false).unwrap().member.stale);
        assert!(!look(&audit, 0).seen(None, &old, true).unwrap().member.stale);
        let service = Sighting { kind: Some(MemberType::Service), ..old };
        assert!(!look(&audit, 0).seen(None, &service, false).unwrap().member.stale);
    }
}
