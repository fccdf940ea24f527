//! Leavers as items of an app, so that an HR team can run it from Podio itself.
//!
//! An item says who leaves and which day is the last; an item that does not is not a leaver yet. What is read here are
//! plain values; whose fields they were is the reader's business.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::Offset,
};

use crate::{
    email::EmailAddress,
    ids::{ItemId, OffboardingId, UserId},
    offboarding::{Person, Priority, Request},
    source::Source,
};

/// Letters of a reason that are kept.
const LONGEST_REASON: usize = 1_000;

/// When the last day is over, as the item tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastDay {
    /// A day without a time: over when the day is.
    Day(Date),
    /// A moment.
    Moment(Timestamp),
    /// A time as the clock on the wall shows it.
    Local(DateTime),
}

/// Somebody whom an item names. `Debug` hides the addresses, which have a type of their own only once they are checked.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// The account, if there is one.
    pub user_id: Option<UserId>,
    /// The addresses.
    pub emails: Vec<String>,
}

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Named").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// What an item says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The item.
    pub item: ItemId,
    /// How often it was changed.
    pub revision: u64,
    /// Whom it names.
    pub people: Vec<Named>,
    /// The last day.
    pub last_day: Option<LastDay>,
    /// Why.
    pub reason: Option<String>,
}

/// Why an item is no leaver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotALeaver {
    /// It names nobody who can be found by an id or an address.
    #[error("The item names nobody with an account or an address.")]
    NoPerson,
    /// It names more than one.
    #[error("The item names several people; one item is one leaver.")]
    SeveralPeople,
    /// It names no day.
    #[error("The item names no last day, so it is not a leaver yet.")]
    NoLastDay,
}

impl NotALeaver {
    /// The word for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoPerson => "no_person",
            Self::SeveralPeople => "several_people",
            Self::NoLastDay => "no_last_day",
        }
    }
}

/// The request that an item amounts to. `zone` is where its days end.
///
/// # Errors
/// It is no leaver, or not yet.
pub fn leaver_of(entry: &Entry, zone: Offset) -> Result<Request, NotALeaver> {
    let person = match entry.people.as_slice() {
        [] => return Err(NotALeaver::NoPerson),
        [person] => person,
        _ => return Err(NotALeaver::SeveralPeople),
    };
    let person = match person.user_id {
        Some(user) => Person::User(user),
        None => {
            let mail = person.emails.iter().find_map(|mail| mail.parse::<EmailAddress>().ok());
            Person::Email(mail.ok_or(NotALeaver::NoPerson)?)
        }
    };
    let local = match entry.last_day.ok_or(NotALeaver::NoLastDay)? {
        LastDay::Moment(moment) => Ok(moment),
        LastDay::Local(time) => zone.to_timestamp(time),
        LastDay::Day(day) => zone.to_timestamp(day.at(23, 59, 59, 0)),
    };
    Ok(Request {
        person,
        // A day that no clock will ever show is none.
        effective_at: Some(local.map_err(|_| NotALeaver::NoLastDay)?),
        dry_run: false,
        require_approval: false,
        reason: entry.reason.as_deref().map(|reason| reason.chars().take(LONGEST_REASON).collect()),
        requested_by: None,
        source: Source::LeaversApp { item: entry.item, revision: entry.revision },
        priority: Priority::Normal,
    })
}

/// Which offboarding an item has become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaverItem {
    /// The item.
    pub item: ItemId,
    /// The revision that was read.
    pub revision: u64,
    /// The offboarding.
    pub offboarding: OffboardingId,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let jane = Named { user_id: None, emails: vec!["not an address".into(), "Jane@Example.com".into()] };
        let day = LastDay::Day(Date::constant(2026, 11, 30));
        Entry { item: ItemId(5), revision: 2, people: vec![jane], last_day: Some(day), reason: Some("Contract".into()) }
    }

    fn effective(entry: &Entry, zone: Offset) -> String {
        leaver_of(entry, zone).unwrap().effective_at.unwrap().to_string()
    }

    #[test]
    fn an_item_with_a_person_and_a_day_is_a_leaver_when_the_day_is_over() {
        let request = leaver_of(&entry(), Offset::UTC).unwrap();
        assert_eq!(request.person, Person::Email("jane@example.com".parse().unwrap()));
        assert_eq!(request.reason.as_deref(), Some("Contract"));
        assert_eq!(request.source, Source::LeaversApp { item: ItemId(5), revision: 2 });
        assert_eq!(effective(&entry(), Offset::UTC), "2026-11-30T23:59:59Z");
        assert_eq!(effective(&entry(), Offset::constant(9)), "2026-11-30T14:59:59Z");

        let local = Entry { last_day: Some(LastDay::Local(Date::constant(2026, 11, 30).at(18, 0, 0, 0))), ..entry() };
        assert_eq!(effective(&local, Offset::constant(1)), "2026-11-30T17:00:00Z");
        let moment = Entry { last_day: Some(LastDay::Moment(Timestamp::UNIX_EPOCH)), ..entry() };
        assert_eq!(effective(&moment, Offset::constant(1)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn an_account_says_more_than_an_address() {
        let jane = Named { user_id: Some(UserId(7)), ..entry().people.remove(0) };
        let request = leaver_of(&Entry { people: vec![jane], ..entry() }, Offset::UTC).unwrap();
        assert_eq!(request.person, Person::User(UserId(7)));
    }

    #[test]
    fn an_item_that_is_not_filled_in_is_nobody() {
        let refused = |entry: Entry| leaver_of(&entry, Offset::UTC).unwrap_err();
        assert_eq!(refused(Entry { last_day: None, ..entry() }), NotALeaver::NoLastDay, "and certainly not today's");
        assert_eq!(refused(Entry { people: vec![], ..entry() }), NotALeaver::NoPerson);
        assert_eq!(refused(Entry { people: vec![Named::default()], ..entry() }), NotALeaver::NoPerson);
        let two = [entry().people, entry().people].concat();
        assert_eq!(refused(Entry { people: two, ..entry() }), NotALeaver::SeveralPeople);
    }
}
