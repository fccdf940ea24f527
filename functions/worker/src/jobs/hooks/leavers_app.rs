//! The leavers app: an item is a leaver, for as long as it is there and says so.
//!
//! A hook is not signed, and deliveries come in any order. So whatever the event says, the item is fetched, and what is
//! there now decides. What an item has become is remembered with the revision that was read; an earlier one never undoes
//! what a later one did. An item corrects and withdraws only what it has asked for itself, and nothing that somebody else
//! has asked for as well.

use podio_client::{Meaning, item};
use podio_lifecycle::{
    accepting::Answer,
    actor::Actor,
    ids::{ItemId, OffboardingId},
    leavers_app::{Entry, LastDay, LeaverItem, Named, leaver_of},
    ledger::NotCommitted,
    offboarding::{Event, Offboarding, Person, Refusal, Request},
    source::Source,
};

use super::act::Note;
use crate::{Context, LeaversApp, halt::Halt, jobs::returned::accept_leaver, session::Session};

/// Whether an earlier offboarding is out of the way.
enum Withdrawn {
    /// It is called off, or there was none.
    Yes,
    /// Its removals were sent.
    TooLate,
    /// Somebody else has asked for it, too.
    AlsoAsked,
}

impl Withdrawn {
    /// What is told of it; `done` where it is out of the way.
    fn or(self, done: Option<Note>) -> Option<Note> {
        match self {
            Self::Yes => done,
            Self::TooLate => Some(too_late()),
            Self::AlsoAsked => {
                let detail = "Somebody else has asked for this offboarding, too, so the item cannot call it off.";
                Some(Note::new("also_asked", detail))
            }
        }
    }
}

/// Why an offboarding was not withdrawn.
enum Kept {
    AlsoAsked,
    NotCommitted(NotCommitted),
}

impl From<NotCommitted> for Kept {
    fn from(error: NotCommitted) -> Self {
        Self::NotCommitted(error)
    }
}

/// Fetches an item, and makes what it says come true.
pub(super) async fn read_leaver(
    context: &Context,
    app: &LeaversApp,
    id: ItemId,
    session: &mut Session<'_>,
) -> Result<Option<Note>, Halt> {
    let found = match session.call(&item::get(id)).await? {
        Meaning::Yes(found) if found.item_id == id => found,
        Meaning::Gone => return item_is_gone(context, id).await,
        other => return Err(Halt::of(&other, "an item of the leavers app")),
    };
    if found.app_id != Some(app.app) {
        return Ok(Some(Note::new("another_app", "The item is not in the leavers app.")));
    }
    let entry = entry(app, &found);
    match leaver_of(&entry, app.zone) {
        Ok(request) => item_is_leaver(context, app, &entry, request, session).await,
        Err(not) => {
            // The item no longer describes a leaver: withdraw its offboarding.
            let withdrawn = match context.ports.leaver_items.leaver_item(id).await? {
                Some(known) if known.revision <= entry.revision => withdraw(context, id, &known.offboarding).await?,
                _ => Withdrawn::Yes,
            };
            Ok(withdrawn.or(Some(Note::new(not.code(), not.to_string()))))
        }
    }
}

async fn item_is_gone(context: &Context, id: ItemId) -> Result<Option<Note>, Halt> {
    let Some(known) = context.ports.leaver_items.leaver_item(id).await? else {
        return Ok(Some(Note::new("unknown_item", "The item is gone, and nobody left on its account.")));
    };
    Ok(withdraw(context, id, &known.offboarding).await?.or(None))
}

async fn item_is_leaver(
    context: &Context,
    app: &LeaversApp,
    entry: &Entry,
    request: Request,
    session: &mut Session<'_>,
) -> Result<Option<Note>, Halt> {
    if let Some(known) = context.ports.leaver_items.leaver_item(entry.item).await? {
        if known.revision > entry.revision {
            return Ok(Some(overtaken()));
        }
        // An item that now names somebody else withdraws the one before; a new day of the same person is merged below.
        let earlier = context.ports.offboardings.load(&known.offboarding).await?;
        if earlier.is_some_and(|earlier| earlier.request.person != request.person)
            && let Some(note) = withdraw(context, entry.item, &known.offboarding).await?.or(None)
        {
            return Ok(Some(note));
        }
    }
    let is_own = |offboarding: &Offboarding| offboarding.request.source.is_same_as(&request.source);
    match accept_leaver(context, app.org, &request, &key(entry, &request), session).await? {
        Answer::New(offboarding) => remember_leaver(context, entry, offboarding.id).await,
        Answer::Repeated(offboarding) | Answer::Merged(offboarding, _) if is_own(&offboarding) => {
            remember_leaver(context, entry, offboarding.id).await
        }
        Answer::UnderWay(offboarding) if is_own(&offboarding) => {
            let same = offboarding.askers.iter().any(|asker| {
                asker.source.is_same_as(&request.source) && Some(asker.effective_at) == request.effective_at
            });
            Ok(if same { None } else { Some(too_late()) })
        }
        Answer::Repeated(offboarding) | Answer::Merged(offboarding, _) | Answer::UnderWay(offboarding) => {
            let detail = format!(
                "The person is leaving already ({}), and not on this item's account alone. The earlier day holds.",
                offboarding.id
            );
            Ok(Some(Note::new("already_leaving", detail)))
        }
        Answer::Refused(offboarding, _) => {
            let detail = format!("Somebody else has asked for an earlier day ({}), which holds.", offboarding.id);
            Ok(Some(Note::new("earlier_day_holds", detail)))
        }
        // The key says all that the request does.
        Answer::KeyReused => Err(Halt::Fault),
    }
}

async fn remember_leaver(context: &Context, entry: &Entry, offboarding: OffboardingId) -> Result<Option<Note>, Halt> {
    let Entry { item, revision, .. } = *entry;
    tracing::info!(%offboarding, %item, "an item of the leavers app is a leaver");
    let kept = context.ports.leaver_items.remember_item(&LeaverItem { item, revision, offboarding }).await?;
    Ok((!kept).then(overtaken))
}

/// Calls off an offboarding that began from the item, and that nobody else has asked for.
async fn withdraw(context: &Context, item: ItemId, id: &OffboardingId) -> Result<Withdrawn, Halt> {
    let now = context.now();
    let is_of_item = |source: &Source| matches!(source, Source::LeaversApp { item: of, .. } if *of == item);
    let decide = |offboarding: &Offboarding| {
        if !offboarding.askers.iter().all(|asker| is_of_item(&asker.source)) && !offboarding.state.is_final() {
            return Err(Kept::AlsoAsked);
        }
        let change = offboarding.apply_by(&Actor::podio(), Event::Cancelled, now);
        change.map_err(|refusal| Kept::NotCommitted(refusal.into()))
    };
    match context.ledger().commit_checked(id, now, decide).await {
        Ok(_) => {
            tracing::info!(offboarding = %id, "called off, as its item says");
            Ok(Withdrawn::Yes)
        }
        Err(Kept::AlsoAsked) => Ok(Withdrawn::AlsoAsked),
        Err(Kept::NotCommitted(NotCommitted::Refused(Refusal::Ended) | NotCommitted::Unknown)) => Ok(Withdrawn::Yes),
        Err(Kept::NotCommitted(NotCommitted::Refused(_))) => {
            tracing::warn!(offboarding = %id, "its item has changed too late");
            Ok(Withdrawn::TooLate)
        }
        Err(Kept::NotCommitted(error)) => Err(error.into()),
    }
}

fn too_late() -> Note {
    Note::new("removals_sent", "The item has changed, but the removal has begun already and goes on as it was.")
}

fn overtaken() -> Note {
    Note::new("overtaken", "A later revision of the item was read before.")
}

/// A revision is accepted once. Without the revision, a change that is taken back would be a repetition.
fn key(entry: &Entry, request: &Request) -> String {
    let person = match &request.person {
        Person::User(user) => user.to_string(),
        Person::Email(mail) => mail.as_str().to_owned(),
    };
    let at = request.effective_at.map(|at| at.as_second()).unwrap_or_default();
    format!("item:{}:{}:{person}:{at}", entry.item, entry.revision)
}

/// What the fields of an item say.
fn entry(app: &LeaversApp, found: &item::Item) -> Entry {
    let person = found.field(&app.person_field);
    let mut people: Vec<Named> = person
        .map(item::Field::contacts)
        .unwrap_or_default()
        .into_iter()
        .map(|contact| Named { user_id: contact.user_id, emails: contact.mails })
        .collect();
    if people.is_empty() {
        let emails = person.map(item::Field::emails).unwrap_or_default();
        people.extend(emails.into_iter().map(|mail| Named { user_id: None, emails: vec![mail] }));
    }
    let starts = found.field(&app.last_day_field).map(item::Field::starts).unwrap_or_default();
    let last_day = starts.first().map(|start| match *start {
        item::Start::Day(day) => LastDay::Day(day),
        item::Start::Moment(moment) => LastDay::Moment(moment),
        item::Start::Local(time) => LastDay::Local(time),
    });
    let reason = found.field(&app.reason_field).and_then(|field| {
        let mut texts = field.texts();
        texts.extend(field.choices());
        (!texts.is_empty()).then(|| texts.join(", "))
    });
    Entry { item: found.item_id, revision: found.revision.unwrap_or(0), people, last_day, reason }
}
