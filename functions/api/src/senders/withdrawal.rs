//! A sender takes back what it has announced: the person stays, or is back.
//!
//! It can withdraw only what it has asked for itself, and nobody else beside it. The key of the event is bound to the
//! offboarding that it withdraws, before that is cancelled: so a late repetition finds the same one, and never a newer
//! announcement of the same person.

use jiff::Timestamp;
use podio_lifecycle::{
    offboarding::{Event, Filter, Offboarding, Person},
    ports::{Joined, SaveError},
    source::Source,
};
use podio_signatures::standard_webhooks;

use super::{Outcome, Told, Wish, key_reused};
use crate::{
    Exchange,
    auth::{Caller, Proof},
    change::change,
    problem::Problem,
};

/// Offboardings of one person that are looked at in one go.
const PAGE: usize = 20;

pub(super) async fn withdraw(exchange: &Exchange<'_>, wish: &Wish, now: Timestamp) -> Result<Told, Problem> {
    let source = &wish.request.source;
    let Some(open) = open(exchange, wish).await? else { return Ok(Told::nothing()) };
    own(&open, source)?;
    let bound = match exchange.ports.accept.join(&open, None, Some(&wish.key), now).await {
        Ok(Joined::Done) => open.id.clone(),
        Ok(Joined::Repeated(id)) => id,
        Ok(Joined::KeyReused) => return Err(key_reused()),
        Err(SaveError::Store(error)) => return Err(error.into()),
        Err(SaveError::Conflict | SaveError::PersonTaken(_)) => return Err(Problem::Unavailable),
    };
    let bound = exchange.ports.read.load(&bound).await?.ok_or(Problem::Unavailable)?;
    if bound.state.is_final() {
        return Ok(Told::about(Outcome::Repeated, &bound));
    }
    // What a signed sender may do is what counts here, not how it signs.
    let name = source.name();
    let caller = Caller { name: &name, proof: Proof::Signed { id: standard_webhooks::ID } };
    let cancelled =
        change(exchange.ports, &caller, &bound.id, Event::Cancelled, |offboarding| own(offboarding, source));
    Ok(Told::about(Outcome::Cancelled, &cancelled.await?))
}

fn own(offboarding: &Offboarding, source: &Source) -> Result<(), Problem> {
    let asked_alone = offboarding.askers.iter().all(|asker| asker.source.is_same_as(source));
    if offboarding.request.source.is_same_as(source) && asked_alone {
        return Ok(());
    }
    let detail = "Somebody else has asked for this offboarding, so this sender cannot withdraw it.".to_owned();
    Err(Problem::Conflict { detail, offboarding: Some(offboarding.id.clone()) })
}

/// The offboarding of the person that is not over.
async fn open(exchange: &Exchange<'_>, wish: &Wish) -> Result<Option<Offboarding>, Problem> {
    let ports = exchange.ports;
    let filter = match &wish.request.person {
        Person::Email(email) => Filter { email: Some(email.clone()), ..Filter::default() },
        Person::User(user) => Filter { user: Some(*user), ..Filter::default() },
    };
    let is_open = |offboarding: &Offboarding| {
        offboarding.org_id == wish.org && !offboarding.request.dry_run && !offboarding.state.is_final()
    };
    let mut before = None;
    loop {
        let page = ports.read.list(&filter, PAGE, before.as_ref()).await?;
        if let Some(open) = page.offboardings.into_iter().find(is_open) {
            return Ok(Some(open));
        }
        match page.next {
            Some(next) => before = Some(next),
            None => return Ok(None),
        }
    }
}
