//! Where in a list of members the next page begins, and whether there is one.
//!
//! Whoever is removed meanwhile moves all who come after, so that somebody may slip from the page that comes next to one
//! that was read. Therefore a page begins with the end of the one before; where it shows nobody of that end, the search
//! goes back until it does, or to the beginning. Nobody counts as gone who may have stood in between.

use podio_client::{Page, Request, org_member, org_member::Listed};
use podio_lifecycle::{
    ids::{OrgId, UserId},
    offboarding::Paging,
};

/// The page size of the guide, for a Podio that refuses larger ones.
pub(crate) const SMALL_PAGE: u16 = 100;
/// A list that is shorter than this has nothing behind it: no Podio is known to have smaller pages, and the guide's are
/// that large by default.
pub(crate) const SURELY_WHOLE: usize = 20;
/// More pages than any organization fills: whatever comes after them has no end.
pub(crate) const MOST_PAGES: u32 = 2_000;
/// Members that the next page begins with once more, unless others may have gone meanwhile.
const OVERLAP: u32 = 1;
/// Members that two pages share where others may have gone meanwhile, and no more than this fraction of a page, so that each
/// run gets on.
const LONG_OVERLAP: u32 = 20;
const SHARE: u32 = 8;
/// A step back counts as so many pages: a list whose order keeps changing proves nothing, however long it is read.
const STEP_BACK: u32 = 10;

/// Where in the list the next page begins, and what is needed to tell whether it is the last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    filtered: bool,
    /// Whether Podio has refused large pages.
    pub small: bool,
    /// Members seen so far.
    offset: u32,
    /// How many of them the next page is to show again.
    overlap: u32,
    /// The last ones that were seen. Empty where nothing can be told by them: a page of one is all end.
    tail: Vec<UserId>,
    previous: Option<u32>,
    pages: u32,
    fingerprint: Option<u64>,
    /// Whether an entry could not be read, so that the list proves nobody's absence.
    pub unread: bool,
}

/// What follows a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Another page.
    On(Cursor),
    /// Nothing: everyone was seen.
    Over,
    /// Pages without end, and so without proof.
    Endless,
}

impl Cursor {
    /// Goes on where `paging` stopped, if that was in the same list. What was learned of the page size holds for both.
    pub(crate) fn resume(paging: Option<&Paging>, filtered: bool) -> Self {
        match paging {
            None => Self { filtered, ..Self::default() },
            Some(other) if other.filtered != filtered => Self { filtered, small: other.small, ..Self::default() },
            Some(paging) => Self {
                unread: paging.unread,
                filtered,
                small: paging.small,
                offset: paging.offset,
                overlap: paging.previous.map_or(0, |length| long_overlap(length).min(length.saturating_sub(1))),
                tail: paging.tail.clone(),
                previous: paging.previous,
                pages: paging.pages,
                fingerprint: paging.fingerprint,
            },
        }
    }

    /// The beginning of another list that is filtered alike. What was learned of the page size holds for both.
    pub(super) fn begun_anew(paging: &Paging) -> Paging {
        Self { filtered: paging.filtered, small: paging.small, ..Self::default() }.paging()
    }

    pub(crate) fn paging(&self) -> Paging {
        let Self { filtered, small, offset, previous, pages, fingerprint, unread, .. } = *self;
        Paging { offset, tail: self.tail.clone(), previous, filtered, pages, fingerprint, small, unread }
    }

    fn limit(&self) -> u16 {
        if self.small { SMALL_PAGE } else { Page::MAX_LIMIT }
    }

    /// Where the next page begins.
    fn begin(&self) -> u32 {
        self.offset.saturating_sub(self.overlap)
    }

    pub(super) fn request(&self, org: OrgId, filter: Option<&str>) -> Request<Vec<Listed>> {
        let page = Page { limit: self.limit(), offset: self.begin() };
        filter.map_or_else(|| org_member::list(org, page), |mail| org_member::search(org, mail, page))
    }

    /// How many entries of the next page the one before has shown already.
    pub(crate) fn shown_before(&self) -> usize {
        self.overlap.min(self.offset) as usize
    }

    /// What follows a page of these entries; none is one that cannot be read.
    pub(crate) fn turn(self, entries: &[Option<UserId>]) -> Turn {
        let ids: Vec<UserId> = entries.iter().copied().flatten().collect();
        let pages = self.pages.saturating_add(1);
        if pages >= MOST_PAGES {
            return Turn::Endless;
        }
        let joins = self.begin() == 0 || self.tail.is_empty() || self.tail.iter().any(|user| ids.contains(user));
        if !joins {
            // So many have gone that whoever comes next may stand before this page: some way back, and mostly on.
            let offset = (self.begin() + OVERLAP).saturating_sub(long_overlap(self.previous.unwrap_or_default()));
            let pages = pages.saturating_add(STEP_BACK);
            return Turn::On(Self { offset, overlap: OVERLAP, pages, fingerprint: None, ..self });
        }
        // An entry that cannot be read takes its place on the page all the same.
        let length = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        // Podio's largest page is not known: a page shorter than asked for may still not be the last one. Only an empty
        // page, or one shorter than the page before, is.
        if length == 0 || self.previous.is_some_and(|previous| length < previous) {
            return Turn::Over;
        }
        let fingerprint = Some(fingerprint(&ids));
        if self.fingerprint == fingerprint {
            // The offset makes no difference. Either no limit does, and this is everyone, or nobody knows who is missing.
            let is_everyone = entries.len() < SURELY_WHOLE || entries.len() > usize::from(self.limit());
            return if is_everyone { Turn::Over } else { Turn::Endless };
        }
        let offset = self.begin().saturating_add(length);
        let shared = (LONG_OVERLAP.min(length - 1) as usize).min(ids.len());
        let tail = ids[ids.len() - shared..].to_vec();
        // The next page has to show somebody again who can be told.
        let untold = entries.iter().rev().take_while(|entry| entry.is_none()).count();
        let overlap = OVERLAP.saturating_add(u32::try_from(untold).unwrap_or(u32::MAX)).min(length - 1);
        Turn::On(Self { offset, overlap, tail, previous: Some(length), pages, fingerprint, ..self })
    }
}

/// How many members of a page of that length the next one shows again where others may have gone meanwhile; so many as well
/// are gone back where somebody may have been passed over.
fn long_overlap(length: u32) -> u32 {
    (length / SHARE).clamp(OVERLAP, LONG_OVERLAP)
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
    use std::collections::BTreeSet;

    use super::*;

    fn users(ids: std::ops::Range<u64>) -> Vec<UserId> {
        ids.map(UserId).collect()
    }

    /// How a list ends whose pages are made by `page`, from the offset and the limit; and after how many of them.
    fn read(page: impl Fn(u32, u16) -> Vec<UserId>) -> (Turn, u32) {
        let (end, pages, _) = read_with_waits(false, |_, offset, limit| page(offset, limit));
        // A wait between any two pages makes no difference, but that some are read again.
        assert_eq!(read_with_waits(true, |_, offset, limit| page(offset, limit)).0, end);
        (end, pages)
    }

    /// How a list ends, after how many pages, and who was seen. `page` is told how many pages there were before.
    fn read_with_waits(waits: bool, page: impl Fn(u32, u32, u16) -> Vec<UserId>) -> (Turn, u32, BTreeSet<UserId>) {
        let mut cursor = Cursor::default();
        let mut seen = BTreeSet::new();
        for pages in 1.. {
            if waits {
                cursor = Cursor::resume(Some(&cursor.paging()), false);
            }
            let shown = page(pages - 1, cursor.begin(), cursor.limit());
            seen.extend(shown.iter().copied());
            let entries: Vec<Option<UserId>> = shown.iter().copied().map(Some).collect();
            match cursor.turn(&entries) {
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
        let stays = |user: u64| !user.is_multiple_of(40) && user >= 350;
        for (waits, at_once, most) in
            [(false, 1, 100), (true, 1, 100), (false, 30, 100), (true, 200, 100), (true, 5, 20)]
        {
            // So many of the first go each time that another page is read.
            let shown = |pages: u32, offset: u32, _| {
                let left = (1..1_000).filter(|user| stays(*user) || u64::from(pages * at_once) < *user);
                left.skip(offset as usize).take(most).map(UserId).collect()
            };
            let (end, _, seen) = read_with_waits(waits, shown);
            assert_eq!(end, Turn::Over, "{at_once} at a time, pages of {most}");
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
        assert_eq!((end, pages), (Turn::Over, 12), "the first page, one too far, back by twelve, and the rest");
        assert!((101..=250).all(|user| seen.contains(&UserId(user))));
    }

    #[test]
    fn a_list_in_another_order_each_time_is_given_up_long_before_the_quota() {
        let shown = |pages: u32, offset: u32, _| {
            let mut all: Vec<u64> = (0..2_000).collect();
            all.rotate_left(pages as usize * 700 % 2_000);
            all.into_iter().skip(offset as usize).take(100).map(UserId).collect()
        };
        let (end, pages, _) = read_with_waits(false, shown);
        assert_eq!(end, Turn::Endless);
        assert!(pages < MOST_PAGES / 5, "{pages}");
    }

    #[test]
    fn who_joins_during_a_wait_does_not_look_like_a_page_that_comes_again() {
        let shown = |pages: u32, offset: u32, _| {
            let joined = 1_000..1_000 + u64::from(pages);
            joined.rev().chain(0..60).skip(offset as usize).take(7).map(UserId).collect()
        };
        let (end, _, seen) = read_with_waits(true, shown);
        assert_eq!(end, Turn::Over);
        assert!(users(0..60).iter().all(|user| seen.contains(user)));
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
            unread: false,
        };
        assert_eq!((small.begin(), Cursor::resume(Some(&small.paging()), true).begin()), (299, 288));
        assert_eq!(Cursor::resume(Some(&small.paging()), true), Cursor { overlap: 12, ..small.clone() });
        assert_eq!(Cursor::resume(Some(&small.paging()), false), Cursor { small: true, ..Cursor::default() });
        assert_eq!(Cursor::resume(None, true), Cursor { filtered: true, ..Cursor::default() });
    }
}
