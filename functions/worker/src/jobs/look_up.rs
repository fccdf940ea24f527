//! Looking for a person among the members of an organization, page by page, and resumable.

use podio_client::{Error, Page, Request, org_member, org_member::OrgMember};
use podio_lifecycle::{
    email::EmailAddress,
    ids::{OrgId, UserId},
    offboarding::SearchStep,
};

use crate::{caller::Caller, verdict::Halt};

/// The page size of the guide, for a Podio that refuses larger ones.
const SMALL_PAGE: u16 = 100;

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
    /// Nobody, and everyone was looked at.
    Nobody,
}

impl Sought<'_> {
    /// Whether `member` is the person beyond doubt.
    pub(crate) fn is(&self, member: &OrgMember) -> bool {
        match self {
            Self::User(user) => member.user_id == *user,
            // A profile is the person's own to write; it counts only where Podio shows no account address at all.
            Self::Email(mail) => {
                let shown = if member.account_mails.is_empty() { &member.profile_mails } else { &member.account_mails };
                shown.iter().any(|address| mail.is(address))
            }
        }
    }

    /// Whether `member` merely claims to be the person.
    fn is_claimed_by(&self, member: &OrgMember) -> bool {
        matches!(self, Self::Email(mail) if member.profile_mails.iter().any(|address| mail.is(address)))
    }
}

impl Caller<'_> {
    /// Goes through the members until the person turns up or nobody is left. `filter` asks Podio to list only who
    /// matches the address; a Podio that ignores it lists everyone, which is as good. `step` remembers how far it came, `lookalikes` whose profile,
    /// but not whose account, shows the address.
    pub(crate) async fn look_through(
        &mut self,
        org: OrgId,
        sought: &Sought<'_>,
        filter: Option<&EmailAddress>,
        step: &mut SearchStep,
        lookalikes: &mut Vec<UserId>,
    ) -> Result<Result<Sighting, Error>, Halt> {
        let filtered = filter.is_some();
        let (mut offset, mut previous) = match step {
            SearchStep::Page { offset, previous, filtered: same } if *same == filtered => (*offset, *previous),
            _ => (0, None),
        };
        loop {
            *step = SearchStep::Page { offset, previous, filtered };
            let page = |limit| {
                let page = Page { limit, offset };
                filter.map_or_else(|| org_member::list(org, page), |mail| org_member::search(org, mail.as_str(), page))
            };
            let members = match self.page(page).await? {
                Ok(members) => members,
                Err(error) => return Ok(Err(error)),
            };
            if let Some(found) = members.iter().find(|member| member.ended_on.is_none() && sought.is(member)) {
                return Ok(Ok(Sighting::Found(Box::new(found.clone()))));
            }
            lookalikes
                .extend(members.iter().filter(|member| sought.is_claimed_by(member)).map(|member| member.user_id));
            lookalikes.sort_unstable();
            lookalikes.dedup();
            let length = u32::try_from(members.len()).unwrap_or(u32::MAX);
            // Podio's largest page is not known: a page shorter than asked for may still not be the last one. Only an
            // empty page, or one shorter than the page before, is.
            if length == 0 || previous.is_some_and(|previous| length < previous) {
                return Ok(Ok(Sighting::Nobody));
            }
            offset = offset.saturating_add(length);
            previous = Some(length);
        }
    }

    /// One page, as large as Podio lets it be.
    async fn page(
        &mut self,
        request: impl Fn(u16) -> Request<Vec<OrgMember>>,
    ) -> Result<Result<Vec<OrgMember>, Error>, Halt> {
        match self.call(&request(Page::MAX_LIMIT)).await? {
            Err(Error::Invalid { status: 400, .. }) => self.call(&request(SMALL_PAGE)).await,
            answer => Ok(answer),
        }
    }
}
