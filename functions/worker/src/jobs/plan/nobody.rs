//! Nobody is found: whether the person is gone, or was never there and somebody else may be meant.

use podio_lifecycle::{
    hold::{Approval, HoldCode, Reason},
    ids::UserId,
    offboarding::{Event, Filter, Person},
    people::Likeness,
    ports::Metric,
};

use crate::{
    Context,
    halt::Halt,
    jobs::{StageTask, advance},
    session::Session,
};

/// Earlier offboardings of the same person, and members, that are read at once.
const EARLIER: usize = 20;
const MEMBERS: usize = 500;
/// People who are shown to whoever decides. More than these are no help.
const MOST_SHOWN: usize = 20;

/// What is known of somebody whom Podio does not show.
pub(super) enum Acquaintance {
    /// The person was known once by that address or id.
    Known,
    /// Nobody was, and one of these may be meant.
    Alike(Reason),
    /// Nobody was, and nobody else comes to mind.
    Stranger,
}

/// Two look-ups agree that there is no such member. Where nobody was ever known by that address or id, it may be a mistake of
/// whoever asked, so it is not called gone.
pub(super) async fn nobody_is_found(
    context: &Context,
    stage: &mut StageTask,
    session: &mut Session<'_>,
) -> Result<(), Halt> {
    let was_known = match acquaintance(context, stage).await? {
        Acquaintance::Known => true,
        Acquaintance::Alike(reason) => return advance(context, stage, Event::InDoubt(reason), session).await,
        Acquaintance::Stranger => false,
    };
    if !was_known {
        let is_accepted = stage.offboarding.approved.contains(&Approval::general(HoldCode::PersonUnknown));
        if context.policy.hold_unknown && !is_accepted {
            let detail = "Nobody in the organization has this address or id, and nobody is known to have had it. Look for a \
                          typing mistake: cancel, and post the right person. Or approve: nobody will be removed.";
            let reason = Reason::general(HoldCode::PersonUnknown, detail);
            return advance(context, stage, Event::InDoubt(reason), session).await;
        }
        context.ports.metrics.add(Metric::UnknownPersons, 1);
    }
    advance(context, stage, Event::NotAMember { was_known }, session).await
}

/// What Podio, earlier offboardings and the audits know.
pub(super) async fn acquaintance(context: &Context, stage: &StageTask) -> Result<Acquaintance, Halt> {
    let is_known = stage.search.doubts.was_member || stage.offboarding.state.leaver().is_some();
    if is_known || was_off_boarded(context, stage).await? {
        return Ok(Acquaintance::Known);
    }
    let org = stage.offboarding.org_id;
    let mail = match &stage.offboarding.request.person {
        Person::User(user) => {
            let members = context.ports.members.members_among(org, &[*user]).await?;
            return Ok(if members.is_empty() { Acquaintance::Stranger } else { Acquaintance::Known });
        }
        Person::Email(mail) => mail,
    };
    let mut alike: Vec<UserId> = Vec::new();
    let mut after = None;
    loop {
        let part = context.ports.members.members(org, after, MEMBERS).await?;
        for member in &part.items {
            match member.likeness(mail) {
                Likeness::Same => return Ok(Acquaintance::Known),
                Likeness::Alike if alike.len() < MOST_SHOWN => alike.push(member.user_id),
                Likeness::Alike | Likeness::None => {}
            }
        }
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    if alike.is_empty() {
        return Ok(Acquaintance::Stranger);
    }
    let detail = "Nobody has this address, and nobody is known to have had it. These members have the same name elsewhere, or one \
                  that is a letter or two off. If one of them is the person, approve, naming the user_id if there are several; \
                  else cancel.";
    Ok(Acquaintance::Alike(Reason::ambiguous(alike, detail)))
}

/// Whether an earlier offboarding has found the person.
async fn was_off_boarded(context: &Context, stage: &StageTask) -> Result<bool, Halt> {
    let org = stage.offboarding.org_id;
    let filter = match &stage.offboarding.request.person {
        Person::Email(mail) => Filter { email: Some(mail.clone()), ..Filter::default() },
        Person::User(user) => Filter { user: Some(*user), ..Filter::default() },
    };
    let mut before = None;
    loop {
        let page = context.ports.offboardings.list(&filter, EARLIER, before.as_ref()).await?;
        if page.offboardings.iter().any(|earlier| earlier.org_id == org && earlier.state.leaver().is_some()) {
            return Ok(true);
        }
        before = page.next;
        if before.is_none() {
            return Ok(false);
        }
    }
}
