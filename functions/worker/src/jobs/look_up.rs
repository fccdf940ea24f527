//! Looking for a person among the members of an organization, page by page, and resumable.

use podio_client::{Error, Page, Request, Role, org_member, org_member::OrgMember};
use podio_lifecycle::{
    email::EmailAddress,
    ids::{OrgId, UserId},
    offboarding::{FailureCode, Leaver, PersonName, Search, SearchStep},
};

use crate::{caller::Caller, verdict::Halt};

/// The page size of the guide, for a Podio that refuses larger ones.
pub(crate) const SMALL_PAGE: u16 = 100;
/// A page that keeps coming back and is shorter than this is all there is: no Podio is known to have smaller pages.
const SURELY_WHOLE: usize = 20;
/// More pages than any organization fills: whatever comes after them has no end.
const MOST_PAGES: u32 = 2_000;
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
    /// Somebody else, or a member no more.
    No,
}

impl Sought<'_> {
    /// How well `member` fits.
    pub(crate) fn fit(&self, member: &OrgMember) -> Fit {
        let shows = |mail: &EmailAddress, addresses: &[String]| addresses.iter().any(|address| mail.is(address));
        match self {
            _ if member.ended_on.is_some() => Fit::No,
            Self::User(user) if member.user_id == *user => Fit::Certain,
            Self::Email(mail) if shows(mail, &member.account_mails) => Fit::Certain,
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
pub(crate) fn fits_a_path(mail: &EmailAddress) -> bool {
    mail.as_str().is_ascii() && !mail.as_str().contains(['/', '?', '#', '%'])
}

impl Caller<'_> {
    /// Goes through the members until the person turns up or nobody is left. `filter` asks Podio to list only who
    /// matches the address; a Podio that ignores it lists everyone, which is as good. `search` remembers how far it
    /// came, and who fits only by what the profile says.
    pub(crate) async fn look_through(
        &mut self,
        org: OrgId,
        sought: &Sought<'_>,
        filter: Option<&EmailAddress>,
        search: &mut Search,
    ) -> Result<Result<Sighting, Error>, Halt> {
        let mut cursor = Cursor::resume(&search.step, filter.is_some()).back();
        loop {
            search.step = cursor.step();
            let members = match self.page(org, filter, &mut cursor, search).await? {
                Ok(members) => members,
                Err(error) => return Ok(Err(error)),
            };
            if let Some(found) = members.iter().find(|member| sought.fit(member) == Fit::Certain) {
                return Ok(Ok(Sighting::Found(Box::new(found.clone()))));
            }
            note_doubts(sought, &members, search);
            let ids: Vec<UserId> = members.iter().map(|member| member.user_id).collect();
            cursor = match cursor.turn(&ids) {
                Turn::On(next) => next,
                Turn::Over => return Ok(Ok(Sighting::Nobody)),
                Turn::Endless => return Err(endless()),
            };
        }
    }

    /// One page, as large as Podio lets it be.
    async fn page(
        &mut self,
        org: OrgId,
        filter: Option<&EmailAddress>,
        cursor: &mut Cursor,
        search: &mut Search,
    ) -> Result<Result<Vec<OrgMember>, Error>, Halt> {
        let answer = self.call(&cursor.request(org, filter)).await?;
        if cursor.small || !matches!(answer, Err(Error::Invalid { status: 400, .. })) {
            return Ok(answer);
        }
        // Remembered before it is asked, so that neither a wait nor the next page pays for the refusal again.
        cursor.small = true;
        search.step = cursor.step();
        self.call(&cursor.request(org, filter)).await
    }
}

/// Writes down who fits by the profile alone.
fn note_doubts(sought: &Sought<'_>, members: &[OrgMember], search: &mut Search) {
    for member in members {
        let user_id = member.user_id;
        match sought.fit(member) {
            Fit::Candidate => {
                let known = search.candidates.iter().any(|candidate| candidate.user_id == user_id);
                if !known && search.candidates.len() < MOST_DOUBTS {
                    let name = member.name.clone().map(PersonName);
                    search.candidates.push(Leaver { user_id, email: None, name, listed: false });
                    search.candidate_is_admin |= member.role == Some(Role::Admin);
                }
            }
            Fit::Lookalike => {
                if !search.lookalikes.contains(&user_id) && search.lookalikes.len() < MOST_DOUBTS {
                    search.lookalikes.push(user_id);
                }
            }
            Fit::Certain | Fit::No => {}
        }
    }
}

fn endless() -> Halt {
    Halt::fail(
        FailureCode::UnexpectedAnswer,
        format!(
            "The list of the organization's members does not end: Podio repeats a page whatever page is asked for, or has \
             more than {MOST_PAGES} of them. Nobody counts as gone who may be on a page that was not seen. Report this as \
             a bug; retry after an update."
        ),
    )
}

/// So many members at most are read again after a wait; fewer than a page, so that each run gets on.
const OVERLAP: u32 = 20;

/// Where in the list the next page begins, and what is needed to tell whether it is the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cursor {
    filtered: bool,
    small: bool,
    offset: u32,
    previous: Option<u32>,
    pages: u32,
    fingerprint: Option<u64>,
}

/// What follows a page.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// Another page.
    On(Cursor),
    /// Nothing: everyone was seen.
    Over,
    /// Pages without end, and so without proof.
    Endless,
}

impl Cursor {
    /// Goes on where `step` stopped, if that was in the same list. What was learned of the page size holds for both.
    fn resume(step: &SearchStep, filtered: bool) -> Self {
        match *step {
            SearchStep::Page { offset, previous, filtered: same, pages, fingerprint, small } if same == filtered => {
                Self { filtered, small, offset, previous, pages, fingerprint }
            }
            SearchStep::Page { small, .. } => Self { filtered, small, ..Self::default() },
            _ => Self { filtered, ..Self::default() },
        }
    }

    /// Some way back, where time has passed since the last page: whoever was removed meanwhile has moved the others up, and
    /// one of them may lie before the next page now.
    fn back(self) -> Self {
        let Some(previous) = self.previous else { return self };
        let offset = self.offset.saturating_sub(previous.saturating_sub(1).min(OVERLAP));
        Self { offset, fingerprint: None, ..self }
    }

    fn step(self) -> SearchStep {
        let Self { filtered, small, offset, previous, pages, fingerprint } = self;
        SearchStep::Page { offset, previous, filtered, pages, fingerprint, small }
    }

    fn limit(self) -> u16 {
        if self.small { SMALL_PAGE } else { Page::MAX_LIMIT }
    }

    fn request(self, org: OrgId, filter: Option<&EmailAddress>) -> Request<Vec<OrgMember>> {
        let page = Page { limit: self.limit(), offset: self.offset };
        filter.map_or_else(|| org_member::list(org, page), |mail| org_member::search(org, mail.as_str(), page))
    }

    /// What follows a page of these members.
    fn turn(self, ids: &[UserId]) -> Turn {
        let length = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        // Podio's largest page is not known: a page shorter than asked for may still not be the last one. Only an empty
        // page, or one shorter than the page before, is.
        if length == 0 || self.previous.is_some_and(|previous| length < previous) {
            return Turn::Over;
        }
        let fingerprint = Some(fingerprint(ids));
        if self.fingerprint == fingerprint {
            // The offset makes no difference. Either no limit does, and this is everyone, or nobody knows who is missing.
            let is_everyone = ids.len() < SURELY_WHOLE || ids.len() > usize::from(self.limit());
            return if is_everyone { Turn::Over } else { Turn::Endless };
        }
        let pages = self.pages.saturating_add(1);
        if pages >= MOST_PAGES {
            return Turn::Endless;
        }
        let offset = self.offset.saturating_add(length);
        Turn::On(Self { offset, previous: Some(length), pages, fingerprint, ..self })
    }
}

/// A hash (FNV-1a) of who is on a page, in whatever order: stored, and so the same in every version of the program.
fn fingerprint(ids: &[UserId]) -> u64 {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    let bytes = ids.iter().flat_map(|id| id.0.to_be_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn users(ids: std::ops::Range<u64>) -> Vec<UserId> {
        ids.map(UserId).collect()
    }

    fn member(value: Value) -> OrgMember {
        serde_json::from_value(value).unwrap()
    }

    /// How a list ends whose pages are made by `page`, from the offset and the limit; and after how many of them.
    fn read(page: impl Fn(u32, u16) -> Vec<UserId>) -> (Turn, u32) {
        let mut cursor = Cursor::default();
        for pages in 1.. {
            // A wait between any two pages makes no difference.
            cursor = Cursor::resume(&cursor.step(), false);
            match cursor.turn(&page(cursor.offset, cursor.limit())) {
                Turn::On(next) => cursor = next,
                end => return (end, pages),
            }
        }
        unreachable!()
    }

    #[test]
    fn a_list_ends_with_an_empty_or_a_shorter_page() {
        assert_eq!(read(|offset, _| users(u64::from(offset)..1200.min(u64::from(offset) + 500))), (Turn::Over, 3));
        assert_eq!(read(|offset, _| users(u64::from(offset)..60.min(u64::from(offset) + 20))), (Turn::Over, 4));
    }

    #[test]
    fn a_podio_that_ignores_the_offset_proves_nobody_gone() {
        assert_eq!(read(|_, limit| users(0..u64::from(limit))), (Turn::Endless, 2));
        let reordered = |offset, limit| {
            let mut page = users(0..u64::from(limit));
            page.rotate_left(offset as usize % 7);
            page
        };
        assert_eq!(read(reordered), (Turn::Endless, 2), "in whatever order");
    }

    #[test]
    fn a_podio_that_knows_no_pages_shows_everyone_at_once() {
        assert_eq!(read(|_, _| users(0..1300)), (Turn::Over, 2));
        assert_eq!(read(|_, _| users(0..12)), (Turn::Over, 2));
    }

    #[test]
    fn pages_without_end_are_given_up() {
        assert_eq!(read(|offset, _| users(u64::from(offset)..u64::from(offset) + 100)), (Turn::Endless, MOST_PAGES));
    }

    #[test]
    fn the_other_list_begins_anew_but_with_the_page_size_that_was_learned() {
        let small =
            Cursor { filtered: true, small: true, offset: 300, previous: Some(100), pages: 3, fingerprint: Some(1) };
        assert_eq!(Cursor::resume(&small.step(), true), small);
        assert_eq!(Cursor::resume(&small.step(), true).back(), Cursor { offset: 280, fingerprint: None, ..small });
        assert_eq!(Cursor::resume(&small.step(), false), Cursor { small: true, ..Cursor::default() });
        assert_eq!(Cursor::resume(&SearchStep::Find, true), Cursor { filtered: true, ..Cursor::default() });
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
            (json!({"user_id": 1, "mail": jane, "ended_on": "2026-03-01 09:30:00"}), Fit::No),
        ] {
            assert_eq!(Sought::Email(&mail).fit(&member(value.clone())), fit, "{value}");
        }
    }

    #[test]
    fn doubts_are_noted_once_and_not_without_end() {
        let mail: EmailAddress = "jane@example.com".parse().unwrap();
        let mut search = Search::default();
        let crowd = |count| -> Vec<OrgMember> {
            (1..=count).map(|id| member(json!({"user_id": id, "profile": {"mail": mail.as_str()}}))).collect()
        };
        note_doubts(&Sought::Email(&mail), &crowd(2), &mut search);
        note_doubts(&Sought::Email(&mail), &crowd(2), &mut search);
        assert_eq!(search.candidates.len(), 2);
        note_doubts(&Sought::Email(&mail), &crowd(500), &mut search);
        assert_eq!(search.candidates.len(), MOST_DOUBTS);
    }

    #[test]
    fn an_address_that_a_path_may_bend_is_not_put_into_one() {
        let fits = |text: &str| fits_a_path(&text.parse().unwrap());
        assert!(fits("jane.o'doe+x@example.com"));
        for odd in ["a/b@example.com", "a?b@example.com", "a#b@example.com", "a%b@example.com", "jörg@example.com"] {
            assert!(!fits(odd), "{odd}");
        }
    }
}
