//! Finding the member.
//!
//! The account decides who somebody is. Where Podio shows no accounts, a profile that shows the address may stand in, but
//! only once everyone has been looked at: a profile is its owner's to write, and two of them may show the same address.

use podio_client::{Meaning, Request, Role, org, org_member, org_member::OrgMember};
use podio_lifecycle::{
    capability::Capability,
    email::EmailAddress,
    hold::{HoldCode, Reason},
    ids::{OrgId, UserId},
    offboarding::{FailureCode, Leaver, Offboarding, Person, PersonName, Search, SearchStep, SpaceSource},
};

use crate::{
    halt::Halt,
    jobs::{
        StageTask,
        look_up::{Fit, Sighting, Sought, fits_a_path, look_through, note_lookalike},
    },
    session::Session,
};

/// The look-ups, as they are remembered when they find nobody.
const BY_MAIL: &str = "member by mail";
const BY_ID: &str = "member by id";
const BY_QUERY: &str = "members matching the address";
const BY_OTHER_FORM: &str = "members matching the other form of the address";
const BY_LIST: &str = "all members";
const BY_PREVIEW: &str = "preview of the removal";
const BY_SPACES: &str = "spaces of the member";

pub(super) enum Finding {
    Member(Leaver),
    NotAMember,
    /// Somebody who may be meant; only a person can tell.
    InDoubt(Reason),
}

/// Whom to look for: whom a person has chosen among those who may be meant, else who it was found to be before, else who was asked
/// for. Nobody but who was found is removed, whoever has the address by now.
fn sought_person(offboarding: &Offboarding) -> Person {
    let chosen = offboarding.approved.iter().find(|approval| approval.code == HoldCode::PersonAmbiguous);
    let chosen = chosen.and_then(|approval| approval.user_id);
    let found = offboarding.state.leaver().map(|leaver| leaver.user_id);
    chosen.or(found).map_or_else(|| offboarding.request.person.clone(), Person::User)
}

/// The address by which this offboarding has found this user.
fn asked_by_mail(offboarding: &Offboarding, user: UserId) -> Option<&EmailAddress> {
    let leaver = offboarding.state.leaver().filter(|leaver| leaver.user_id == user)?;
    matches!(offboarding.request.person, Person::Email(_)).then_some(leaver.email.as_ref())?
}

/// Finds the person by the cheapest look-up that Podio offers. Nobody counts as gone until two different look-ups
/// have said so, one of them a list, which also shows that the organization exists and may be read.
pub(super) async fn find_member(stage: &mut StageTask, session: &mut Session<'_>) -> Result<Finding, Halt> {
    let person = sought_person(&stage.offboarding);
    let doubts = stage.search.doubts.lookalikes.len();
    let directly = match &person {
        Person::Email(mail) => by_mail(stage, mail, session).await?,
        Person::User(user) => by_id(stage, *user, session).await?,
    };
    if let Some(member) = directly {
        return Ok(Finding::Member(remember(stage, &member)));
    }
    if stage.search.doubts.lookalikes.len() > doubts {
        return Ok(Finding::InDoubt(ambiguous(&stage.search)));
    }
    let (sought, filters): (_, Vec<_>) = match &person {
        Person::Email(mail) => {
            let forms = mail.forms().into_iter().map(Some).zip([BY_QUERY, BY_OTHER_FORM]);
            (Sought::Email(mail), forms.chain([(None, BY_LIST)]).collect())
        }
        Person::User(user) => {
            // Who was found by an address once is also missing where the members are filtered by it: where Podio denies the
            // look-up of somebody who has left, that is the second look-up.
            let filter = asked_by_mail(&stage.offboarding, *user).map(|mail| (Some(mail.wire()), BY_QUERY));
            (Sought::User(*user), [(None, BY_LIST)].into_iter().chain(filter).collect())
        }
    };
    // Two look-ups must agree; an address that can be written in two ways is asked for in both.
    let enough = if matches!(person, Person::Email(_)) { filters.len().max(2) } else { 2 };
    for (filter, name) in filters {
        if stage.search.misses.len() >= enough || stage.search.misses.iter().any(|miss| miss == name) {
            continue;
        }
        let org = stage.offboarding.org_id;
        match look_through_for(stage, org, &sought, filter.as_deref(), session).await? {
            Meaning::Yes(Sighting::Found(member)) => return Ok(Finding::Member(remember(stage, &member))),
            Meaning::Yes(Sighting::Nobody) => miss(stage, name),
            other => return Err(Halt::of(&other, "the list of the organization's members")),
        }
    }
    if let Person::Email(mail) = &person {
        match only_candidate(&stage.search) {
            Ok(None) => {}
            Ok(Some(candidate)) => return by_profile(stage, mail, candidate, session).await,
            Err(reason) => return Ok(Finding::InDoubt(reason)),
        }
    }
    if let Person::Email(mail) = &person
        && let Some(reason) = ask_behind(stage, mail, session).await?
    {
        return Ok(Finding::InDoubt(reason));
    }
    if let Person::User(user) = &person {
        ask_elsewhere(stage, *user, session).await?;
    }
    if stage.search.misses.len() < 2 {
        // One look-up that nothing contradicts is still only one.
        return Err(Halt::Fault);
    }
    Ok(Finding::NotAMember)
}

/// Everyone was looked at, and no account has the address. Whether the one profile that shows it will do.
async fn by_profile(
    stage: &mut StageTask,
    mail: &EmailAddress,
    candidate: Leaver,
    session: &mut Session<'_>,
) -> Result<Finding, Halt> {
    match session.call(&org_member::get(stage.offboarding.org_id, candidate.user_id)).await? {
        Meaning::Yes(member) if is_believed(mail, &member) && member.user_id == candidate.user_id => {
            Ok(Finding::Member(remember(stage, &member)))
        }
        Meaning::Yes(member) if member.ended_on.is_none() => Ok(Finding::InDoubt(ambiguous(&stage.search))),
        // Listed a moment ago, and now no member: the list is read once more.
        Meaning::Yes(_) | Meaning::Gone => {
            stage.search = Search::default();
            Err(Halt::Fault)
        }
        // This Podio shows accounts neither in lists nor singly, so there is nothing better to be had than the one
        // profile in the whole organization that shows the address. Refusing it would refuse everybody there.
        Meaning::NotOffered | Meaning::Denied(_) => {
            let leaver = Leaver { email: Some(mail.clone()), ..candidate };
            let is_admin = stage.search.doubts.candidate_is_admin;
            Ok(Finding::Member(found(stage, leaver, Some(is_admin))))
        }
        Meaning::Unclear(doubt) => Err(doubt.into()),
    }
}

/// Goes through the members for the plan, which remembers how far that has come.
async fn look_through_for(
    stage: &mut StageTask,
    org: OrgId,
    sought: &Sought<'_>,
    filter: Option<&str>,
    session: &mut Session<'_>,
) -> Result<Meaning<Sighting>, Halt> {
    let Search { step, doubts, .. } = &mut stage.search;
    let mut paging = match step {
        SearchStep::Page(paging) => Some(paging.clone()),
        SearchStep::Find | SearchStep::Preview | SearchStep::Check { .. } => None,
    };
    let sighting = look_through(session, org, sought, filter, &mut paging, doubts).await;
    if let Some(paging) = paging {
        *step = SearchStep::Page(paging);
    }
    sighting
}

/// Nobody has the address, but it looks as if an identity provider had made it of another one: whoever has that may be meant.
async fn ask_behind(
    stage: &mut StageTask,
    mail: &EmailAddress,
    session: &mut Session<'_>,
) -> Result<Option<Reason>, Halt> {
    let Some(behind) = mail.behind() else { return Ok(None) };
    let (org, wire) = (stage.offboarding.org_id, behind.wire());
    let request = org_member::by_mail(org, &wire);
    match session.call_if_offered(Capability::MemberByMail, &request).await? {
        Meaning::Yes(member) if member.ended_on.is_none() => note_lookalike(member.user_id, &mut stage.search.doubts),
        Meaning::Yes(_) | Meaning::Gone => {}
        Meaning::NotOffered | Meaning::Denied(_) => {
            let sought = Sought::Email(&behind);
            match look_through_for(stage, org, &sought, Some(&wire), session).await? {
                Meaning::Yes(Sighting::Found(member)) => note_lookalike(member.user_id, &mut stage.search.doubts),
                Meaning::Yes(Sighting::Nobody) => {}
                other => return Err(Halt::of(&other, "the list of the organization's members")),
            }
        }
        Meaning::Unclear(doubt) => return Err(doubt.into()),
    }
    let is_doubtful = !stage.search.doubts.lookalikes.is_empty() || !stage.search.doubts.candidates.is_empty();
    Ok(is_doubtful.then(|| ambiguous(&stage.search)))
}

/// A second opinion on a user whom the list does not show, where Podio denies the look-up of the member.
async fn ask_elsewhere(stage: &mut StageTask, user: UserId, session: &mut Session<'_>) -> Result<(), Halt> {
    let org = stage.offboarding.org_id;
    if stage.search.misses.len() < 2 && stage.search.source == SpaceSource::Preview {
        if is_unknown(session, Capability::EndMemberInfo, &org_member::end_member_info(org, user)).await? {
            miss(stage, BY_PREVIEW);
        }
        stage.search.source = SpaceSource::Memberships;
    }
    if stage.search.misses.len() < 2 && stage.search.source == SpaceSource::Memberships {
        if is_unknown(session, Capability::MemberSpaces, &org_member::space_memberships(org, user)).await? {
            miss(stage, BY_SPACES);
        }
        stage.search.source = SpaceSource::AllSpaces;
    }
    if stage.search.misses.len() < 2 {
        return Err(Halt::fail(
            FailureCode::MissingRights,
            "Podio denies the look-up of this user and does not list them either, so it cannot be told whether they \
             are a member. Check the user id, and that the acting account is an admin of the organization; then retry. \
             Or post the leaver with the e-mail address.",
        ));
    }
    Ok(())
}

async fn by_mail(
    stage: &mut StageTask,
    mail: &EmailAddress,
    session: &mut Session<'_>,
) -> Result<Option<OrgMember>, Halt> {
    let is_first = stage.search.misses.is_empty() && stage.search.step == SearchStep::Find;
    let wire = mail.wire();
    if !is_first || !fits_a_path(&wire) {
        return Ok(None);
    }
    let request = org_member::by_mail(stage.offboarding.org_id, &wire);
    match session.call_if_offered(Capability::MemberByMail, &request).await? {
        Meaning::Yes(member) if is_believed(mail, &member) => Ok(Some(member)),
        // Podio found somebody by this address, and shows them with others alone.
        Meaning::Yes(member) if member.ended_on.is_none() => {
            note_lookalike(member.user_id, &mut stage.search.doubts);
            Ok(None)
        }
        answer @ (Meaning::Yes(_) | Meaning::Gone) => {
            stage.search.doubts.was_member |= matches!(answer, Meaning::Yes(_));
            miss(stage, BY_MAIL);
            Ok(None)
        }
        // The list says more clearly what is wrong: the right, the organization, or only this look-up.
        Meaning::NotOffered | Meaning::Denied(_) => Ok(None),
        Meaning::Unclear(doubt) => Err(doubt.into()),
    }
}

async fn by_id(stage: &mut StageTask, user: UserId, session: &mut Session<'_>) -> Result<Option<OrgMember>, Halt> {
    if !stage.search.misses.is_empty() || stage.search.step != SearchStep::Find {
        return Ok(None);
    }
    match session.call(&org_member::get(stage.offboarding.org_id, user)).await? {
        Meaning::Yes(member) if member.ended_on.is_none() => Ok((member.user_id == user).then_some(member)),
        answer @ (Meaning::Yes(_) | Meaning::Gone) => {
            stage.search.doubts.was_member |= matches!(answer, Meaning::Yes(_));
            miss(stage, BY_ID);
            Ok(None)
        }
        Meaning::Denied(denial) if denial.lacks_a_right() => Ok(None),
        other => Err(Halt::of(&other, "the look-up of the member")),
    }
}

/// Where the leaver is an admin of the organization, or Podio does not say whether: who is. It costs a call.
pub(super) async fn look_up_admins(stage: &mut StageTask, session: &mut Session<'_>) -> Result<(), Halt> {
    if stage.search.org_admin == Some(false) || stage.search.admins.is_some() {
        return Ok(());
    }
    let Some(leaver) = &stage.search.found else { return Ok(()) };
    let user = leaver.user_id;
    // An admin of whom nobody else can be seen has to be taken for the only one.
    let alone = if stage.search.org_admin == Some(true) { vec![user] } else { Vec::new() };
    let admins: Vec<UserId> = match session.call(&org::admins(stage.offboarding.org_id)).await? {
        Meaning::Yes(admins) => admins.into_iter().map(|admin| admin.user_id).collect(),
        Meaning::Gone | Meaning::NotOffered | Meaning::Denied(_) => alone,
        Meaning::Unclear(doubt) => return Err(doubt.into()),
    };
    stage.search.org_admin = Some(stage.search.org_admin == Some(true) || admins.contains(&user));
    stage.search.admins = Some(admins);
    Ok(())
}

fn miss(stage: &mut StageTask, look_up: &str) {
    if !stage.search.misses.iter().any(|known| known == look_up) {
        stage.search.misses.push(look_up.to_owned());
    }
}

/// Whether a member that was asked for singly is the owner of the address: nothing that is shown says otherwise.
fn is_believed(mail: &EmailAddress, member: &OrgMember) -> bool {
    let shows_none = member.account_mails.is_empty() && member.profile_mails.is_empty();
    member.ended_on.is_none()
        && (shows_none || matches!(Sought::Email(mail).fit(member), Fit::Certain | Fit::Candidate))
}

/// The one member whose profile shows the address, if there is one and nothing speaks against them.
fn only_candidate(search: &Search) -> Result<Option<Leaver>, Reason> {
    // Podio itself said that no member's account has the address; no profile can say otherwise.
    let is_ruled_out = search.misses.iter().any(|miss| miss == BY_MAIL);
    match (search.doubts.candidates.as_slice(), search.doubts.lookalikes.as_slice()) {
        ([], []) => Ok(None),
        ([candidate], []) if !is_ruled_out => Ok(Some(candidate.clone())),
        _ => Err(ambiguous(search)),
    }
}

fn ambiguous(search: &Search) -> Reason {
    let candidates = search.doubts.candidates.iter().map(|candidate| candidate.user_id);
    let mut users: Vec<UserId> = search.doubts.lookalikes.iter().copied().chain(candidates).collect();
    users.sort_unstable();
    users.dedup();
    let detail = "Nobody is known to sign in with this address, but it leads to these members: Podio finds them by it, it looks \
                  like theirs with something added, or their profiles show it, where anybody may write anything. If one of \
                  them is the person, approve, naming the user_id if there are several; else cancel, and post the leaver anew.";
    Reason::ambiguous(users, detail)
}

/// Whether Podio says that there is no such member, to a question that not every Podio answers.
async fn is_unknown<T>(session: &mut Session<'_>, capability: Capability, request: &Request<T>) -> Result<bool, Halt> {
    match session.call_if_offered(capability, request).await? {
        Meaning::Gone => Ok(true),
        Meaning::Yes(_) | Meaning::NotOffered | Meaning::Denied(_) => Ok(false),
        Meaning::Unclear(doubt) => Err(doubt.into()),
    }
}

fn remember(stage: &mut StageTask, member: &OrgMember) -> Leaver {
    let asked = match &stage.offboarding.request.person {
        Person::Email(mail) => Some(mail.clone()),
        Person::User(_) => None,
    };
    let shown = member.account_mails.iter().find_map(|mail| mail.parse().ok());
    let name = member.name.clone().map(PersonName);
    let leaver = Leaver { user_id: member.user_id, email: asked.or(shown), name };
    found(stage, leaver, member.role.as_ref().map(|role| *role == Role::Admin))
}

fn found(stage: &mut StageTask, leaver: Leaver, org_admin: Option<bool>) -> Leaver {
    stage.search.org_admin = org_admin;
    stage.search.found = Some(leaver.clone());
    stage.search.step = SearchStep::Preview;
    leaver
}

#[cfg(test)]
mod tests {
    use podio_lifecycle::offboarding::Doubts;
    use serde_json::{Value, json};

    use super::*;

    const MAIL: &str = "jane@example.com";

    fn search(candidates: &[u64], lookalikes: &[u64], misses: &[&str]) -> Search {
        let leaver = |id: &u64| Leaver { user_id: UserId(*id), email: None, name: None };
        let doubts = Doubts {
            candidates: candidates.iter().map(leaver).collect(),
            lookalikes: lookalikes.iter().copied().map(UserId).collect(),
            candidate_is_admin: false,
            ..Doubts::default()
        };
        Search { doubts, misses: misses.iter().map(|&miss| miss.to_owned()).collect(), ..Search::default() }
    }

    #[test]
    fn a_profile_stands_in_for_an_account_only_where_nothing_speaks_against_it() {
        let lists = [BY_QUERY, BY_LIST];
        assert_eq!(only_candidate(&search(&[], &[], &lists)).unwrap(), None);
        assert_eq!(only_candidate(&search(&[7], &[], &lists)).unwrap().unwrap().user_id, UserId(7));
        for doubtful in [
            search(&[7, 8], &[], &lists),
            search(&[7], &[8], &lists),
            search(&[], &[8], &lists),
            search(&[7], &[], &[BY_MAIL, BY_QUERY]),
        ] {
            let Err(reason) = only_candidate(&doubtful) else { panic!("{doubtful:?}") };
            let shown = doubtful
                .doubts
                .candidates
                .iter()
                .map(|one| one.user_id)
                .chain(doubtful.doubts.lookalikes.iter().copied());
            let mut shown: Vec<UserId> = shown.collect();
            shown.sort_unstable();
            assert_eq!((reason.code, reason.user_ids), (HoldCode::PersonAmbiguous, shown));
            assert!(!reason.detail.contains('@'));
        }
    }

    #[test]
    fn a_member_asked_for_singly_is_not_believed_where_another_address_is_shown() {
        let mail = MAIL.parse().unwrap();
        let believed = |value: Value| is_believed(&mail, &serde_json::from_value(value).unwrap());
        assert!(believed(json!({"user": {"user_id": 1, "mail": MAIL}})));
        assert!(believed(json!({"user": {"user_id": 1}, "profile": {"mail": [MAIL]}})));
        assert!(believed(json!({"user": {"user_id": 1}})));
        assert!(!believed(json!({"user": {"user_id": 1, "mail": "joe@example.com"}, "profile": {"mail": [MAIL]}})));
        assert!(!believed(json!({"user": {"user_id": 1}, "profile": {"mail": ["joe@example.com"]}})));
        assert!(!believed(json!({"user": {"user_id": 1, "mail": MAIL}, "ended_on": "2026-03-01 09:30:00"})));
    }
}
