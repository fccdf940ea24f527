//! The leavers app: an item is a leaver, for as long as it is there and says so.
//!
//! A hook is not signed, and deliveries come in any order. So whatever the event says, the item is fetched, and what is
//! there now decides. What an item has become is remembered with the revision that was read; an earlier one never undoes
//! what a later one did.

use podio_client::{Error, NotFoundKind, item};
use podio_lifecycle::{
    ids::{ItemId, OffboardingId},
    leavers_app::{Entry, LastDay, LeaverItem, Named, Origin, is_same, leaver_of},
    ledger::NotCommitted,
    offboarding::{Event, Person, Refusal, Request},
};

use super::{act::Note, look_again::Acceptance};
use crate::{LeaversApp, Worker, session::Session, verdict::Halt};

/// Whether an earlier offboarding is out of the way.
enum Withdrawn {
    /// It is called off, or there was none.
    Yes,
    /// Its removals were sent.
    TooLate,
}

impl Worker {
    /// Fetches an item, and makes what it says come true.
    pub(super) async fn read_leaver(
        &self,
        app: &LeaversApp,
        id: ItemId,
        session: &mut Session<'_>,
    ) -> Result<Option<Note>, Halt> {
        let found = match session.call(&item::get(id)).await? {
            Ok(found) if found.item_id == id => found,
            Ok(_) => return Err(Halt::Fault),
            Err(Error::NotFound(NotFoundKind::Object) | Error::Gone) => return self.item_is_gone(id).await,
            Err(error) => return Err(Halt::of(&error, "an item of the leavers app")),
        };
        if found.app_id != Some(app.app) {
            return Ok(Some(Note::new("another_app", "The item is not in the leavers app.")));
        }
        let entry = entry(app, &found);
        match leaver_of(&entry, app.zone) {
            Ok(request) => self.item_is_leaver(app, &entry, request, session).await,
            Err(not) => {
                // What was one before may be one no more.
                let note = match self.ports.leaver_items.leaver_item(id).await? {
                    Some(known) if known.revision <= entry.revision => self.withdraw(&known.offboarding).await?,
                    _ => Withdrawn::Yes,
                };
                Ok(Some(match note {
                    Withdrawn::Yes => Note::new(not.code(), not.to_string()),
                    Withdrawn::TooLate => too_late(),
                }))
            }
        }
    }

    async fn item_is_gone(&self, id: ItemId) -> Result<Option<Note>, Halt> {
        let Some(known) = self.ports.leaver_items.leaver_item(id).await? else {
            return Ok(Some(Note::new("unknown_item", "The item is gone, and nobody left on its account.")));
        };
        match self.withdraw(&known.offboarding).await? {
            Withdrawn::Yes => Ok(None),
            Withdrawn::TooLate => Ok(Some(too_late())),
        }
    }

    async fn item_is_leaver(
        &self,
        app: &LeaversApp,
        entry: &Entry,
        request: Request,
        session: &mut Session<'_>,
    ) -> Result<Option<Note>, Halt> {
        if let Some(known) = self.ports.leaver_items.leaver_item(entry.item).await? {
            if known.revision > entry.revision {
                return Ok(Some(overtaken()));
            }
            match self.make_way(&known.offboarding, &request).await? {
                Way::Same => return Ok(None),
                Way::Free => {}
                Way::Blocked => return Ok(Some(too_late())),
            }
        }
        let key = key(entry, &request);
        // An earlier revision may have been accepted and not remembered; it gives way once.
        for _ in 0..2 {
            let (acceptance, offboarding) = self.accept_leaver(app.org, request.clone(), &key, session).await?;
            if acceptance == Acceptance::Own {
                return self.remember_leaver(entry, offboarding).await;
            }
            let running = self.ports.offboardings.load(&offboarding).await?.ok_or(Halt::Overtaken)?;
            match Origin::of(&running.request).filter(|origin| origin.item == entry.item) {
                None => {
                    let detail =
                        format!("The person is leaving already ({offboarding}), and not on this item's account.");
                    return Ok(Some(Note::new("already_leaving", detail)));
                }
                Some(origin) if origin.revision > entry.revision => return Ok(Some(overtaken())),
                Some(_) if is_same(&running.request, &request) => {
                    return self.remember_leaver(entry, offboarding).await;
                }
                Some(_) => {
                    if matches!(self.withdraw(&offboarding).await?, Withdrawn::TooLate) {
                        return Ok(Some(too_late()));
                    }
                }
            }
        }
        Err(Halt::Fault)
    }

    async fn remember_leaver(&self, entry: &Entry, offboarding: OffboardingId) -> Result<Option<Note>, Halt> {
        let Entry { item, revision, .. } = *entry;
        tracing::info!(%offboarding, %item, "an item of the leavers app is a leaver");
        let kept = self.ports.leaver_items.remember_item(&LeaverItem { item, revision, offboarding }).await?;
        Ok((!kept).then(overtaken))
    }

    /// Calls off what the item was before, if it now means something else.
    async fn make_way(&self, earlier: &OffboardingId, request: &Request) -> Result<Way, Halt> {
        let Some(offboarding) = self.ports.offboardings.load(earlier).await? else { return Ok(Way::Free) };
        if is_same(&offboarding.request, request) {
            return Ok(Way::Same);
        }
        Ok(match self.withdraw(earlier).await? {
            Withdrawn::Yes => Way::Free,
            Withdrawn::TooLate => Way::Blocked,
        })
    }

    async fn withdraw(&self, id: &OffboardingId) -> Result<Withdrawn, Halt> {
        match self.ledger().commit_anyhow(id, &Event::Cancelled, self.now()).await {
            Ok(_) => {
                tracing::info!(offboarding = %id, "called off, as its item says");
                Ok(Withdrawn::Yes)
            }
            Err(NotCommitted::Refused(Refusal::Ended) | NotCommitted::Unknown) => Ok(Withdrawn::Yes),
            Err(NotCommitted::Refused(_)) => {
                tracing::warn!(offboarding = %id, "its item has changed too late");
                Ok(Withdrawn::TooLate)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What is to be done about an earlier offboarding of an item.
enum Way {
    /// It is what the item says.
    Same,
    /// It is over, or called off.
    Free,
    /// It is carried out.
    Blocked,
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
