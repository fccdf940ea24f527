//! Looking for a person among the members of an organization, page by page, and resumable.

mod cursor;

use podio_client::{
    Doubt, Meaning, Role,
    org_member::{Listed, OrgMember},
};
use podio_lifecycle::{
    email::EmailAddress,
    ids::{OrgId, UserId},
    offboarding::{Doubts, FailureCode, Leaver, Paging, PersonName},
};

use self::cursor::MOST_PAGES;
pub(crate) use self::cursor::{Cursor, SMALL_PAGE, SURELY_WHOLE, Turn};
use crate::{halt::Halt, session::Session};

/// Doubtful matches that are remembered. Two are as undecided as a hundred, and the record must not grow with them.
const MOST_DOUBTS: usize = 20;

/// Whom to look for.
pub(crate) enum Sought<'a> {
    /// The account with this address.
    Email(&'a EmailAddress),
    /// The account with this id.
    User(UserId),
}

/// What became of the search.
pub(crate) enum Sighting {
    /// The member.
    Found(Box<OrgMember>),
    /// Nobody for certain, and everyone was looked at. Who might be the person is among the candidates.
    Nobody,
}

/// How well a member fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// The account is the one sought.
    Certain,
    /// The profile shows the address, and nothing is shown of the account. A profile is the person's own to write, so
    /// this is worth something only if nobody else fits.
    Candidate,
    /// The profile shows the address, but the account has another.
    Lookalike,
    /// The account was a member once.
    Former,
    /// Somebody else.
    No,
}

impl Sought<'_> {
    /// How well `member` fits.
    pub(crate) fn fit(&self, member: &OrgMember) -> Fit {
        let shows = |mail: &EmailAddress, addresses: &[String]| addresses.iter().any(|address| mail.is(address));
        let certain = if member.ended_on.is_some() { Fit::Former } else { Fit::Certain };
        match self {
            Self::User(user) if member.user_id == *user => certain,
            Self::Email(mail) if shows(mail, &member.account_mails) => certain,
            _ if member.ended_on.is_some() => Fit::No,
            Self::Email(mail) if shows(mail, &member.profile_mails) => {
                if member.account_mails.is_empty() {
                    Fit::Candidate
                } else {
                    Fit::Lookalike
                }
            }
            Self::User(_) | Self::Email(_) => Fit::No,
        }
    }
}

/// Whether an address comes through a path unharmed. Servers and proxies differ over what they make of the encoded form
/// of the others, so that an answer about them says nothing about the person, nor about what Podio offers.
pub(crate) fn fits_a_path(mail: &str) -> bool {
    mail.is_ascii() && !mail.contains(['/', '?', '#', '%'])
}

/// Goes through the members until the person turns up or nobody is left. `filter` asks Podio to list only who
/// matches the address; a Podio that ignores it lists everyone, which is as good. `search` remembers how far it
/// came, and who fits only by what the profile says.
pub(crate) async fn look_through(
    session: &mut Session<'_>,
    org: OrgId,
    sought: &Sought<'_>,
    filter: Option<&str>,
    paging: &mut Option<Paging>,
    doubts: &mut Doubts,
) -> Result<Meaning<Sighting>, Halt> {
    let mut cursor = Cursor::resume(paging.as_ref(), filter.is_some());
    loop {
        *paging = Some(cursor.paging());
        let answer = page(session, org, filter, &mut cursor).await;
        // What was learned of the page size is remembered, so that neither a wait nor the next page pays for it again.
        *paging = Some(cursor.paging());
        let entries = match answer? {
            Meaning::Yes(entries) => entries,
            other => return Ok(other.map(|_| Sighting::Nobody)),
        };
        let members: Vec<&OrgMember> = entries.iter().filter_map(Listed::member).collect();
        if let Some(found) = members.iter().find(|member| sought.fit(member) == Fit::Certain) {
            return Ok(Meaning::Yes(Sighting::Found(Box::new((*found).clone()))));
        }
        // It may be the person's; who is on another page is found all the same.
        cursor.unread |= members.len() < entries.len();
        let unread = cursor.unread;
        note_doubts(sought, members, doubts);
        cursor = match cursor.turn(&ids(&entries)) {
            Turn::On(next) => next,
            Turn::Over => {
                // The next list is read from its beginning.
                *paging = paging.as_ref().map(Cursor::begun_anew);
                // An entry that cannot be read may be the person's.
                let nobody = if unread { Meaning::Unclear(Doubt::Unreadable) } else { Meaning::Yes(Sighting::Nobody) };
                return Ok(nobody);
            }
            Turn::Endless => return Err(endless()),
        };
    }
}

/// One page, as large as Podio lets it be.
pub(crate) async fn page(
    session: &mut Session<'_>,
    org: OrgId,
    filter: Option<&str>,
    cursor: &mut Cursor,
) -> Result<Meaning<Vec<Listed>>, Halt> {
    let answer = session.call(&cursor.request(org, filter)).await?;
    let is_too_long = matches!(&answer, Meaning::Denied(denial) if denial.is_of_form());
    if cursor.small || !is_too_long {
        return Ok(answer);
    }
    cursor.small = true;
    session.call(&cursor.request(org, filter)).await
}

/// Whom the entries of a page name; none is one that cannot be read.
pub(crate) fn ids(entries: &[Listed]) -> Vec<Option<UserId>> {
    entries.iter().map(|entry| entry.member().map(|member| member.user_id)).collect()
}

/// Writes down who fits by the profile alone.
fn note_doubts<'m>(sought: &Sought<'_>, members: impl IntoIterator<Item = &'m OrgMember>, doubts: &mut Doubts) {
    for member in members {
        let user_id = member.user_id;
        match sought.fit(member) {
            Fit::Candidate => {
                let known = doubts.candidates.iter().any(|candidate| candidate.user_id == user_id);
                if !known && doubts.candidates.len() < MOST_DOUBTS {
                    let name = member.name.clone().map(PersonName);
                    doubts.candidates.push(Leaver { user_id, email: None, name });
                    doubts.candidate_is_admin |= member.role == Some(Role::Admin);
                }
            }
            Fit::Lookalike => note_lookalike(user_id, doubts),
            Fit::Former => doubts.was_member = true,
            Fit::Certain | Fit::No => {}
        }
    }
}

/// Writes down somebody whom the address leads to, and who is shown with others alone.
pub(crate) fn note_lookalike(user: UserId, doubts: &mut Doubts) {
    if !doubts.lookalikes.contains(&user) && doubts.lookalikes.len() < MOST_DOUBTS {
        doubts.lookalikes.push(user);
    }
}

pub(crate) fn endless() -> Halt {
    Halt::fail(
        FailureCode::UnexpectedAnswer,
        format!(
            "The list of the organization's members does not end: Podio repeats a page whatever page is asked for, or has \
             more than {MOST_PAGES} of them. Nobody counts as gone who may be on a page that was not seen. Report this as \
             a bug; retry after an update."
        ),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn member(value: Value) -> OrgMember {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn only_the_account_makes_a_match_certain() {
        let mail: EmailAddress = "jane@example.com".parse().unwrap();
        let (jane, other) = ("Jane@example.com", "joe@example.com");
        for (value, fit) in [
            (json!({"user": {"user_id": 1, "mail": jane}, "profile": {"mail": [other]}}), Fit::Certain),
            (json!({"user_id": 1, "mail": [{"type": "work", "mail": jane}]}), Fit::Certain),
            (json!({"user": {"user_id": 1}, "profile": {"mail": [jane]}}), Fit::Candidate),
            (json!({"user_id": 1, "profile": {"mail": [jane]}}), Fit::Candidate),
            (json!({"user": {"user_id": 1, "mail": other}, "profile": {"mail": [jane]}}), Fit::Lookalike),
            (json!({"user_id": 1, "mail": other, "profile": {"mail": [jane]}}), Fit::Lookalike),
            (json!({"user": {"user_id": 1}, "profile": {"mail": [other]}}), Fit::No),
            (json!({"user_id": 1, "mail": jane, "ended_on": "2026-03-01 09:30:00"}), Fit::Former),
            (json!({"user_id": 1, "mail": other, "ended_on": "2026-03-01 09:30:00"}), Fit::No),
        ] {
            assert_eq!(Sought::Email(&mail).fit(&member(value.clone())), fit, "{value}");
        }
    }

    #[test]
    fn doubts_are_noted_once_and_not_without_end() {
        let mail: EmailAddress = "jane@example.com".parse().unwrap();
        let mut doubts = Doubts::default();
        let crowd = |count| -> Vec<OrgMember> {
            (1..=count).map(|id| member(json!({"user_id": id, "profile": {"mail": mail.as_str()}}))).collect()
        };
        note_doubts(&Sought::Email(&mail), &crowd(2), &mut doubts);
        note_doubts(&Sought::Email(&mail), &crowd(2), &mut doubts);
        assert_eq!(doubts.candidates.len(), 2);
        note_doubts(&Sought::Email(&mail), &crowd(500), &mut doubts);
        assert_eq!(doubts.candidates.len(), MOST_DOUBTS);
    }

    #[test]
    fn an_address_that_a_path_may_bend_is_not_put_into_one() {
        let fits = fits_a_path;
        assert!(fits("jane.o'doe+x@example.com"));
        for odd in ["a/b@example.com", "a?b@example.com", "a#b@example.com", "a%b@example.com", "jörg@example.com"] {
            assert!(!fits(odd), "{odd}");
        }
    }
}
