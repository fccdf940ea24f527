//! Finding the member.

use podio_client::{Error, NotFoundKind, Role, org, org_member, org_member::OrgMember};
use podio_lifecycle::{
    capability::Capability,
    email::EmailAddress,
    ids::UserId,
    offboarding::{FailureCode, Leaver, Person, PersonName, SearchStep},
};

use crate::{
    Worker,
    caller::Caller,
    jobs::{
        StageTask,
        look_up::{Sighting, Sought},
    },
    verdict::Halt,
};

/// The look-ups, as they are remembered when they find nobody.
const BY_MAIL: &str = "member by mail";
const BY_ID: &str = "member by id";
const BY_QUERY: &str = "members matching the address";
const BY_LIST: &str = "all members";

pub(super) enum Finding {
    Member(Leaver),
    NotAMember,
}

impl Worker {
    /// Finds the person by the cheapest look-up that Podio offers. Nobody counts as gone until two different look-ups
    /// have said so, one of them a list, which also shows that the organization exists and may be read.
    pub(super) async fn find(&self, stage: &mut StageTask, caller: &mut Caller<'_>) -> Result<Finding, Halt> {
        let person = stage.offboarding.request.person.clone();
        let directly = match &person {
            Person::Email(mail) => self.by_mail(stage, mail, caller).await?,
            Person::User(user) => self.by_id(stage, *user, caller).await?,
        };
        if let Some(member) = directly {
            return Ok(Finding::Member(remember(stage, &member)));
        }
        let (sought, filters) = match &person {
            Person::Email(mail) => (Sought::Email(mail), vec![(Some(mail), BY_QUERY), (None, BY_LIST)]),
            Person::User(user) => (Sought::User(*user), vec![(None, BY_LIST)]),
        };
        for (filter, name) in filters {
            if stage.search.misses.len() >= 2 || stage.search.misses.iter().any(|miss| miss == name) {
                continue;
            }
            let org = stage.offboarding.org_id;
            let search = &mut stage.search;
            let seen = caller.look_through(org, &sought, filter, &mut search.step, &mut search.lookalikes).await?;
            match seen.map_err(|error| Halt::of(&error, "the list of the organization's members"))? {
                Sighting::Found(member) => return Ok(Finding::Member(remember(stage, &member))),
                Sighting::Nobody => miss(stage, name),
            }
        }
        if !stage.search.lookalikes.is_empty() {
            let ids: Vec<String> = stage.search.lookalikes.iter().map(ToString::to_string).collect();
            return Err(Halt::fail(
                FailureCode::PersonAmbiguous,
                format!(
                    "No account signs in with this address, but the profile of user {} shows it. If that is the person, \
                     post the leaver with the user_id.",
                    ids.join(", ")
                ),
            ));
        }
        if stage.search.misses.len() < 2 {
            // One look-up that nothing contradicts is still only one.
            return Err(Halt::Fault);
        }
        Ok(Finding::NotAMember)
    }

    async fn by_mail(
        &self,
        stage: &mut StageTask,
        mail: &EmailAddress,
        caller: &mut Caller<'_>,
    ) -> Result<Option<OrgMember>, Halt> {
        let known = caller.capabilities().await?;
        let is_first = stage.search.misses.is_empty() && stage.search.step == SearchStep::Find;
        if !is_first || !known.may_offer(Capability::MemberByMail, self.now()) {
            return Ok(None);
        }
        match caller.call(&org_member::by_mail(stage.offboarding.org_id, mail.as_str())).await? {
            Ok(member) if member.ended_on.is_some() => {
                miss(stage, BY_MAIL);
                Ok(None)
            }
            // Asked for by the account's address, so a member that shows none is believed; one that shows another is not.
            Ok(member) => {
                let shows_none = member.account_mails.is_empty() && member.profile_mails.is_empty();
                Ok((shows_none || Sought::Email(mail).is(&member)).then_some(member))
            }
            Err(Error::NotFound(NotFoundKind::Route)) => {
                caller.learn_missing(Capability::MemberByMail).await?;
                Ok(None)
            }
            Err(Error::NotFound(NotFoundKind::Object) | Error::Gone) => {
                miss(stage, BY_MAIL);
                Ok(None)
            }
            // The list says more clearly what is wrong: the right, the organization, or only this look-up.
            Err(Error::Forbidden { .. } | Error::Invalid { .. } | Error::Unsendable) => Ok(None),
            Err(error) => Err(Halt::of(&error, "the look-up of the member")),
        }
    }

    async fn by_id(
        &self,
        stage: &mut StageTask,
        user: UserId,
        caller: &mut Caller<'_>,
    ) -> Result<Option<OrgMember>, Halt> {
        if !stage.search.misses.is_empty() || stage.search.step != SearchStep::Find {
            return Ok(None);
        }
        match caller.call(&org_member::get(stage.offboarding.org_id, user)).await? {
            Ok(member) if member.ended_on.is_some() => {
                miss(stage, BY_ID);
                Ok(None)
            }
            Ok(member) => Ok((member.user_id == user).then_some(member)),
            Err(Error::NotFound(NotFoundKind::Object) | Error::Gone) => {
                miss(stage, BY_ID);
                Ok(None)
            }
            Err(Error::Forbidden { .. }) => Ok(None),
            Err(error) => Err(Halt::of(&error, "the look-up of the member")),
        }
    }

    /// Where the leaver is an admin of the organization: who else is. Asked only then, since it costs a call.
    pub(super) async fn look_up_admins(&self, stage: &mut StageTask, caller: &mut Caller<'_>) -> Result<(), Halt> {
        if stage.search.org_admin != Some(true) || stage.search.admins.is_some() {
            return Ok(());
        }
        let Some(leaver) = &stage.search.found else { return Ok(()) };
        let alone = vec![leaver.user_id];
        let admins = match caller.call(&org::admins(stage.offboarding.org_id)).await? {
            Ok(admins) => admins.into_iter().map(|admin| admin.user_id).collect(),
            // Nobody else can be seen, so it has to be assumed that there is nobody.
            Err(Error::NotFound(_) | Error::Forbidden { .. } | Error::Invalid { .. }) => alone,
            Err(error) => return Err(Halt::of(&error, "the list of the organization's admins")),
        };
        stage.search.admins = Some(admins);
        Ok(())
    }
}

fn miss(stage: &mut StageTask, look_up: &str) {
    if !stage.search.misses.iter().any(|known| known == look_up) {
        stage.search.misses.push(look_up.to_owned());
    }
}

fn remember(stage: &mut StageTask, member: &OrgMember) -> Leaver {
    let asked = match &stage.offboarding.request.person {
        Person::Email(mail) => Some(mail.clone()),
        Person::User(_) => None,
    };
    let shown = member.account_mails.iter().find_map(|mail| mail.parse().ok());
    let leaver = Leaver { user_id: member.user_id, email: asked.or(shown), name: member.name.clone().map(PersonName) };
    stage.search.org_admin = Some(member.role == Some(Role::Admin));
    stage.search.found = Some(leaver.clone());
    stage.search.step = SearchStep::Preview;
    leaver
}
