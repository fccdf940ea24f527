//! Looking for a person among the members of an organization, page by page, and resumable.
//!
//! Whoever is removed meanwhile moves all who come after, so that somebody may slip from the page that comes next to one
//! that was read. Therefore a page begins with the end of the one before; where it shows nobody of that end, the search
//! goes back until it does, or to the beginning. Nobody counts as gone who may have stood in between.

use podio_client::{Error, Page, Request, Role, org_member, org_member::OrgMember};
use podio_lifecycle::{
    email::EmailAddress,
    ids::{OrgId, UserId},
    offboarding::{FailureCode, Leaver, PersonName, Search, SearchStep},
};

use crate::{caller::Caller, verdict::Halt};

/// The page size of the guide, for a Podio that refuses larger ones.
pub(crate) const SMALL_PAGE: u16 = 100;
/// A list that is shorter than this has nothing behind it: no Podio is known to have smaller pages, and the guide's are
/// that large by default.
pub(crate) const SURELY_WHOLE: usize = 20;
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
        let mut cursor = Cursor::resume(&search.step, filter.is_some());
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

/// Members that the next page begins with once more. After a wait they are more, though fewer than a page, so that each
/// run gets on.
const OVERLAP: u32 = 1;
const OVERLAP_AFTER_A_WAIT: u32 = 20;

/// Where in the list the next page begins, and what is needed to tell whether it is the last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Cursor {
    filtered: bool,
    small: bool,
    /// Members seen so far.
    offset: u32,
    /// How many of them the next page is to show again.
    overlap: u32,
    /// The last ones that were seen. Empty where nothing can be told by them: a page of one is all end.
    tail: Vec<UserId>,
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
        match step {
            SearchStep::Page { filtered: other, small, .. } if *other != filtered => {
                Self { filtered, small: *small, ..Self::default() }
            }
            SearchStep::Page { offset, tail, previous, pages, fingerprint, small, .. } => Self {
                filtered,
                small: *small,
                offset: *offset,
                overlap: OVERLAP_AFTER_A_WAIT.min(previous.map_or(0, |previous| previous.saturating_sub(1))),
                tail: tail.clone(),
                previous: *previous,
                pages: *pages,
                fingerprint: *fingerprint,
            },
            _ => Self { filtered, ..Self::default() },
        }
    }

    fn step(&self) -> SearchStep {
        let Self { filtered, small, offset, previous, pages, fingerprint, .. } = *self;
        SearchStep::Page { offset, tail: self.tail.clone(), previous, filtered, pages, fingerprint, small }
    }

    fn limit(&self) -> u16 {
        if self.small { SMALL_PAGE } else { Page::MAX_LIMIT }
    }

    /// Where the next page begins.
    fn begin(&self) -> u32 {
        self.offset.saturating_sub(self.overlap)
    }

    fn request(&self, org: OrgId, filter: Option<&EmailAddress>) -> Request<Vec<OrgMember>> {
        let page = Page { limit: self.limit(), offset: self.begin() };
        filter.map_or_else(|| org_member::list(org, page), |mail| org_member::search(org, mail.as_str(), page))
    }

    /// What follows a page of these members.
    fn turn(self, ids: &[UserId]) -> Turn {
        let pages = self.pages.saturating_add(1);
        if pages >= MOST_PAGES {
            return Turn::Endless;
        }
        let joins = self.begin() == 0 || self.tail.is_empty() || self.tail.iter().any(|user| ids.contains(user));
        if !joins {
            // So many have gone that whoever comes next may stand before this page: one page back.
            let offset = (self.begin() + OVERLAP).saturating_sub(self.previous.unwrap_or_default());
            return Turn::On(Self { offset, overlap: OVERLAP, pages, fingerprint: None, ..self });
        }
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
        let offset = self.begin().saturating_add(length);
        let shared = OVERLAP_AFTER_A_WAIT.min(length - 1) as usize;
        let tail = ids[ids.len() - shared..].to_vec();
        let overlap = OVERLAP.min(length - 1);
        Turn::On(Self { offset, overlap, tail, previous: Some(length), pages, fingerprint, ..self })
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
        let (end, pages, _) = read_with_waits(false, |_, offset, limit| page(offset, limit));
        // A wait between any two pages makes no difference, but that some are read again.
        assert_eq!(read_with_waits(true, |_, offset, limit| page(offset, limit)).0, end);
        (end, pages)
    }

    /// How a list ends, after how many pages, and who was seen. `page` is told how many pages there were before.
    fn read_with_waits(
        waits: bool,
        page: impl Fn(u32, u32, u16) -> Vec<UserId>,
    ) -> (Turn, u32, std::collections::BTreeSet<UserId>) {
        let mut cursor = Cursor::default();
        let mut seen = std::collections::BTreeSet::new();
        for pages in 1.. {
            if waits {
                cursor = Cursor::resume(&cursor.step(), false);
            }
            let shown = page(pages - 1, cursor.begin(), cursor.limit());
            seen.extend(shown.iter().copied());
            match cursor.turn(&shown) {
                Turn::On(next) => cursor = next,
                end => return (end, pages, seen),
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
    fn whoever_goes_while_the_list_is_read_hides_nobody_who_stays() {
        let stays = |user: u64| user % 40 != 0 && user >= 350;
        for (waits, at_once, most) in
            [(false, 1, 100), (true, 1, 100), (false, 30, 100), (true, 200, 100), (true, 5, 7)]
        {
            // So many go each time that another page is read, all of them from where it has been read.
            let shown = |pages: u32, offset: u32, _| {
                let left = (1..1_000).filter(|user| stays(*user) || u64::from(pages * at_once) < *user);
                left.skip(offset as usize).take(most).map(UserId).collect()
            };
            let (end, _, seen) = read_with_waits(waits, shown);
            assert_eq!(end, Turn::Over);
            let missed: Vec<u64> = (1..1_000).filter(|user| stays(*user) && !seen.contains(&UserId(*user))).collect();
            assert!(missed.is_empty(), "{at_once} at a time, pages of {most}: {missed:?}");
        }
    }

    #[test]
    fn whoever_empties_the_list_behind_the_search_sends_it_back() {
        // Everybody of the first page goes, all whom the next was to begin with among them.
        let shown = |pages: u32, offset: u32, _| {
            let first = if pages == 0 { 1 } else { 101 };
            (first..=250).skip(offset as usize).take(100).map(UserId).collect()
        };
        let (end, pages, seen) = read_with_waits(false, shown);
        assert_eq!((end, pages), (Turn::Over, 4), "the first page, one too far, back, and the rest");
        assert!((101..=250).all(|user| seen.contains(&UserId(user))));
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
        let small = Cursor {
            filtered: true,
            small: true,
            offset: 300,
            overlap: OVERLAP,
            tail: users(280..300),
            previous: Some(100),
            pages: 3,
            fingerprint: Some(1),
        };
        assert_eq!((small.begin(), Cursor::resume(&small.step(), true).begin()), (299, 280));
        assert_eq!(Cursor::resume(&small.step(), true), Cursor { overlap: OVERLAP_AFTER_A_WAIT, ..small.clone() });
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
