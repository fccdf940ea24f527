//! The list of an organization's members, read once for many.
//!
//! To find a hundred leavers, or to prove a hundred gone, takes a hundred calls, or as many as the list has pages. The
//! roster is what one worker has read of the list lately, in memory alone. What it shows is as good as what a single call
//! shows. What it does *not* show proves something only if the list was read whole and without a gap: somebody who goes
//! while it is read moves all who come after, so each page begins with the end of the one before.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use podio_client::{Page, Request, org_member, org_member::OrgMember};
use podio_lifecycle::{
    evidence::CallRecord,
    ids::{OrgId, UserId},
};

use crate::jobs::{SMALL_PAGE, long_overlap};

/// For so long what the list showed is good enough to find somebody by.
pub(crate) const FRESH: SignedDuration = SignedDuration::from_mins(10);
/// Fewer than these ask for themselves.
pub(crate) const CROWD: usize = 4;

/// How much of the list there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// There is more.
    Partial,
    /// Everyone was seen.
    Whole,
    /// Podio does not show the list, or shows it in a way that proves nothing.
    Unfit,
}

/// What was read of the members of one organization.
pub(crate) struct Roster {
    org: OrgId,
    begun: Timestamp,
    /// For how many it is read.
    asked: usize,
    extent: Extent,
    members: HashMap<UserId, (OrgMember, usize)>,
    calls: Vec<CallRecord>,
    offset: u32,
    limit: u16,
    previous: Option<usize>,
    tail: Vec<UserId>,
    /// How many pages the list had when it was last read whole.
    length: Option<usize>,
    /// When the next page can be asked for, if that takes a while.
    pub waits_until: Option<Timestamp>,
}

impl Roster {
    /// Nothing read yet.
    pub(crate) fn new(org: OrgId, now: Timestamp) -> Self {
        Self {
            org,
            begun: now,
            asked: 0,
            extent: Extent::Partial,
            members: HashMap::new(),
            calls: Vec::new(),
            offset: 0,
            limit: Page::MAX_LIMIT,
            previous: None,
            tail: Vec::new(),
            length: None,
            waits_until: None,
        }
    }

    /// Counts `jobs` that want to know something of `org` that is no older than `since`; what is, or is of another
    /// organization, is forgotten.
    pub(crate) fn expect(&mut self, org: OrgId, jobs: usize, since: Timestamp, now: Timestamp) {
        if self.org != org || self.begun < since || self.begun > now + FRESH {
            let length = self.length.filter(|_| self.org == org);
            *self = Self { length, limit: self.limit, ..Self::new(org, now) };
        }
        self.asked += jobs;
    }

    /// Whether it is of `org`, no older than `since`, and wanted by enough.
    pub(crate) fn serves(&self, org: OrgId, since: Timestamp) -> bool {
        self.org == org && self.begun >= since && self.asked >= CROWD && self.extent != Extent::Unfit
    }

    /// When the first page was asked for.
    pub(crate) fn begun(&self) -> Timestamp {
        self.begun
    }

    /// A current member who fits, and the call that showed them.
    pub(crate) fn find(&self, fits: impl Fn(&OrgMember) -> bool) -> Option<(&OrgMember, &CallRecord)> {
        let (member, page) = self.members.values().find(|(member, _)| fits(member))?;
        Some((member, self.calls.get(*page)?))
    }

    /// Whether a current member has this id.
    pub(crate) fn shows(&self, user: UserId) -> bool {
        self.members.get(&user).is_some_and(|(member, _)| member.ended_on.is_none())
    }

    /// Pages read so far.
    pub(crate) fn pages(&self) -> usize {
        self.calls.len()
    }

    /// The calls that showed everyone, once they have.
    pub(crate) fn whole(&self) -> Option<&[CallRecord]> {
        (self.extent == Extent::Whole).then_some(&self.calls)
    }

    /// Whether another page is worth its call to find somebody, of whom each by themselves takes `calls`: every page has
    /// to spare two.
    pub(crate) fn is_worth_a_page(&self, calls: usize) -> bool {
        self.extent == Extent::Partial && (self.calls.len() + 1) * 2 <= self.asked * calls
    }

    /// Whether reading on until everyone is seen costs less than asking for each. Of a list of unknown length half as many
    /// pages are tried.
    pub(crate) fn is_worth_reading(&self) -> bool {
        let worth = match self.length {
            Some(length) => length < self.asked,
            None => (self.calls.len() + 1) * 2 <= self.asked,
        };
        self.extent == Extent::Partial && worth
    }

    /// The next page.
    pub(crate) fn next(&self) -> Request<Vec<OrgMember>> {
        org_member::list(self.org, Page { limit: self.limit, offset: self.offset })
    }

    /// Podio refuses pages of this size; whether a smaller one is left to try.
    pub(crate) fn shrink(&mut self) -> bool {
        let can = self.limit > SMALL_PAGE;
        self.limit = SMALL_PAGE;
        can
    }

    /// The list is of no use.
    pub(crate) fn give_up(&mut self) {
        self.extent = Extent::Unfit;
    }

    /// Adds the answer to [`next`](Self::next).
    pub(crate) fn add(&mut self, page: Vec<OrgMember>, call: CallRecord) {
        let ids: Vec<UserId> = page.iter().map(|member| member.user_id).collect();
        let joins = self.calls.is_empty() || self.tail.iter().any(|user| ids.contains(user));
        let is_new = |member: &OrgMember| !self.tail.contains(&member.user_id);
        let new: Vec<OrgMember> = page.into_iter().filter(is_new).collect();
        let repeats = new.iter().any(|member| self.members.contains_key(&member.user_id));
        if !joins || repeats {
            // Whoever stood between the pages was not seen; or the order has changed, and anybody may be missing.
            self.extent = Extent::Unfit;
            return;
        }
        let shrinks = self.previous.is_some_and(|previous| ids.len() < previous);
        if shrinks || new.is_empty() {
            self.extent = Extent::Whole;
        }
        let index = self.calls.len();
        self.members.extend(new.into_iter().map(|member| (member.user_id, (member, index))));
        self.calls.push(call);
        if self.extent == Extent::Whole {
            self.length = Some(self.calls.len());
        }
        let length = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let overlap = long_overlap(length).min(length);
        self.tail = ids[ids.len() - overlap as usize..].to_vec();
        self.offset = self.offset.saturating_add(length - overlap);
        self.previous = Some(ids.len());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ORG: OrgId = OrgId(1);
    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn call() -> CallRecord {
        CallRecord {
            at: NOW,
            answered_at: NOW,
            method: "GET".to_owned(),
            path: "/org/1/member/".to_owned(),
            status: Some(200),
            request_id: None,
        }
    }

    fn member(user: u64) -> OrgMember {
        serde_json::from_value(json!({"user_id": user})).unwrap()
    }

    /// Reads a list whose pages, of at most `most`, are made by `shown` at each read, until nothing more is worth a call.
    fn read(asked: usize, most: usize, shown: impl Fn(usize) -> Vec<u64>) -> Roster {
        let mut roster = Roster::new(ORG, NOW);
        roster.expect(ORG, asked, NOW, NOW);
        while roster.is_worth_reading() {
            let page = shown(roster.calls.len()).into_iter().skip(roster.offset as usize).take(most);
            roster.add(page.map(member).collect(), call());
        }
        roster
    }

    #[test]
    fn everyone_is_seen_by_pages_that_overlap() {
        for count in [0_u64, 1, 2, 7, 100, 101, 199, 460, 1_000] {
            let roster = read(40, 100, |_| (1..=count).collect());
            assert!(roster.whole().is_some(), "{count}");
            assert!((1..=count).all(|user| roster.shows(UserId(user))), "{count}");
            assert!(!roster.shows(UserId(count + 1)));
        }
    }

    #[test]
    fn who_goes_while_it_is_read_hides_nobody() {
        // One of the first page goes each time that another page is read.
        let shown = |pages: usize| (1 + pages as u64..=450).collect::<Vec<_>>();
        let roster = read(40, 100, shown);
        assert!(roster.whole().is_some());
        assert!((10..=450).all(|user| roster.shows(UserId(user))));
    }

    #[test]
    fn a_gap_between_pages_proves_nothing() {
        // Half a page goes at once: thirty-eight members would never be seen.
        let shown = |pages: usize| (if pages == 0 { 1 } else { 51 }..=450).collect::<Vec<_>>();
        assert!(read(40, 100, shown).whole().is_none());
    }

    #[test]
    fn an_order_that_changes_proves_nothing() {
        let shown = |pages: usize| {
            let mut all: Vec<u64> = (1..=450).collect();
            if pages > 2 {
                all.swap(10, 350);
            }
            all
        };
        assert!(read(40, 100, shown).whole().is_none());
    }

    #[test]
    fn a_podio_that_ignores_the_offset_proves_nothing() {
        let mut roster = Roster::new(ORG, NOW);
        roster.expect(ORG, 40, NOW, NOW);
        for _ in 0..2 {
            roster.add((1..=100).map(member).collect(), call());
        }
        assert!(roster.whole().is_none());
        assert!(!roster.serves(ORG, NOW));
    }

    #[test]
    fn no_more_is_read_than_it_saves() {
        assert_eq!(read(10, 100, |_| (1..=10_000).collect()).calls.len(), 5);
        assert_eq!(read(3, 100, |_| (1..=10_000).collect()).calls.len(), 1);
        let mut long = read(40, 100, |_| (1..=900).collect());
        assert_eq!((long.calls.len(), long.length), (11, Some(11)));
        let later = NOW + FRESH * 2;
        long.expect(ORG, 11, later - FRESH, later);
        assert!(!long.is_worth_reading(), "eleven have the choice between eleven calls and eleven pages");
        long.expect(ORG, 1, later - FRESH, later);
        assert!(long.is_worth_reading());
    }

    #[test]
    fn what_is_too_old_or_of_others_is_forgotten() {
        let mut roster = read(10, 100, |_| (1..=50).collect());
        assert!(roster.serves(ORG, NOW) && roster.whole().is_some());
        roster.expect(OrgId(2), 10, NOW, NOW);
        assert!(!roster.serves(ORG, NOW) && roster.serves(OrgId(2), NOW) && roster.whole().is_none());
        let later = NOW + SignedDuration::from_secs(1);
        assert!(!roster.serves(OrgId(2), later));
        roster.expect(OrgId(2), 3, later, later);
        assert!(!roster.serves(OrgId(2), later), "three ask for themselves");
        roster.expect(OrgId(2), 1, later, later);
        assert!(roster.serves(OrgId(2), later));
    }
}
