//! Holds: why an offboarding waits for a person, and what that person has approved.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::{OffboardingId, SpaceId, UserId};

/// What kind of danger, as the contract names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldCode {
    /// Ending the membership would delete a space, or nothing rules that out.
    SpaceWouldBeDeleted,
    /// Podio would make somebody else the space's admin.
    SpaceWouldLoseItsAdmin,
    /// The space did not let the leaver go, and the removal from the organization would not end that membership either.
    SpaceWouldKeepTheLeaver,
    /// Nobody would be left to administer the organization.
    LastOrgAdmin,
    /// The leaver is the account whose credential the worker uses.
    ActingAdmin,
    /// The request asked for a person's approval.
    ApprovalRequired,
    /// More leavers in an hour than is plausible.
    MassOffboarding,
    /// One step has failed for a day, while others succeeded.
    KeepsFailing,
    /// It is not certain who is meant.
    PersonAmbiguous,
    /// Nobody was ever known by the address or the id, and such requests are to be held.
    PersonUnknown,
}

/// One reason to wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The kind of danger.
    pub code: HoldCode,
    /// A sentence for the person who decides. Names no one.
    pub detail: String,
    /// The space in danger, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space_id: Option<SpaceId>,
    /// Those who may be meant, where it is not certain who is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_ids: Vec<UserId>,
}

impl Reason {
    /// A reason that concerns one space.
    pub fn of_space(code: HoldCode, space: SpaceId, detail: impl Into<String>) -> Self {
        Self { space_id: Some(space), ..Self::general(code, detail) }
    }

    /// A reason that concerns the whole offboarding.
    pub fn general(code: HoldCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), space_id: None, user_ids: Vec::new() }
    }

    /// It may be one of these, and only a person can tell.
    pub fn ambiguous(user_ids: Vec<UserId>, detail: impl Into<String>) -> Self {
        Self { user_ids, ..Self::general(HoldCode::PersonAmbiguous, detail) }
    }

    /// The one who may be meant, if there is just one.
    fn only_user(&self) -> Option<UserId> {
        match self.user_ids.as_slice() {
            [user] => Some(*user),
            _ => None,
        }
    }

    /// What an approval of this reason covers.
    pub fn approval(&self) -> Approval {
        Approval { code: self.code, space_id: self.space_id, user_id: self.only_user() }
    }
}

/// One danger that a person has accepted: approving the deletion of one space says nothing of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Approval {
    /// The kind of danger.
    pub code: HoldCode,
    /// The space, where there is one.
    pub space_id: Option<SpaceId>,
    /// The person who was chosen, where it was not certain who is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
}

/// A person's decision to go on in spite of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The hold that the person was shown ([`hold_id`]).
    pub hold_id: String,
    /// The dangers that the person accepts, each by its name.
    pub named: Vec<Approval>,
}

impl Decision {
    /// Accepts all reasons of a hold, each by its name.
    pub fn on_all(hold_id: String, reasons: &[Reason]) -> Self {
        Self { hold_id, named: reasons.iter().map(Reason::approval).collect() }
    }
}

impl Approval {
    /// Accepts a kind of danger, wherever it threatens.
    pub fn general(code: HoldCode) -> Self {
        Self { code, space_id: None, user_id: None }
    }

    /// Accepts it for one space.
    pub fn of_space(code: HoldCode, space: SpaceId) -> Self {
        Self { space_id: Some(space), ..Self::general(code) }
    }

    /// What stays accepted once this has named `reason`: with the person who is meant.
    pub(crate) fn of(self, reason: &Reason) -> Self {
        Self { user_id: self.user_id.or(reason.only_user()), ..reason.approval() }
    }

    /// Whether this names a reason. The loss of a space has to be named with the space, and of several people the one who is
    /// meant; any other kind of danger may be named for all spaces at once.
    pub fn names(&self, reason: &Reason) -> bool {
        let any_space = self.space_id.is_none() && self.code != HoldCode::SpaceWouldBeDeleted;
        let person = match self.user_id.or(reason.only_user()) {
            Some(user) => reason.user_ids.contains(&user),
            None => reason.user_ids.is_empty(),
        };
        self.code == reason.code && person && (any_space || self.space_id == reason.space_id)
    }
}

/// Names one hold: an offboarding, the moment from which it is held, and the reasons that stand. A later hold has another
/// name even if its reasons are the same, so a repeated approval never releases it.
pub fn hold_id(offboarding: &OffboardingId, since: Timestamp, reasons: &[Reason]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{offboarding}|{since}"));
    for reason in reasons {
        hash.update(format!("|{:?}|{:?}", reason.code, reason.space_id));
        reason.user_ids.iter().for_each(|user| hash.update(format!("|{user}")));
    }
    let digest = hex::encode(hash.finalize());
    format!("hold_{}", digest.get(..24).unwrap_or_default())
}

/// Reasons that are kept one by one. A record has a size that storage limits, and nobody reads more.
const LISTED: usize = 300;

/// Keeps a record of reasons small: beyond a few hundred, the rest are summed up, kind by kind, for one decision.
pub fn summarised(mut reasons: Vec<Reason>) -> Vec<Reason> {
    if reasons.len() <= LISTED {
        return reasons;
    }
    let rest = reasons.split_off(LISTED);
    let mut kinds: Vec<HoldCode> = rest.iter().map(|reason| reason.code).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for code in kinds {
        let count = rest.iter().filter(|reason| reason.code == code).count();
        let detail = format!("The same holds for {count} more spaces.");
        reasons.push(Reason::general(code, detail));
    }
    reasons
}

/// The reasons that nobody has approved yet.
pub fn unapproved(reasons: Vec<Reason>, approved: &[Approval]) -> Vec<Reason> {
    reasons.into_iter().filter(|reason| !approved.contains(&reason.approval())).collect()
}

/// What Podio says would happen to the spaces if the membership ended now (`end_member_info`), or what was found out
/// space by space where Podio offers no preview.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// Spaces that would be deleted.
    pub deleted: Vec<SpaceId>,
    /// Spaces of which it could not be seen whether anyone else is in them.
    pub unseen: Vec<SpaceId>,
    /// Spaces where somebody else would be made admin.
    pub promoted: Vec<SpaceId>,
    /// Spaces that did not let the leaver go and that the removal would not touch.
    pub kept: Vec<SpaceId>,
}

impl Preview {
    /// The reasons to hold that follow from the preview.
    pub fn reasons(&self) -> Vec<Reason> {
        let deleted = self.deleted.iter().map(|&space| {
            let detail = "The leaver is the only member; Podio would delete this space and everything in it. \
                          Add somebody to it, or approve.";
            Reason::of_space(HoldCode::SpaceWouldBeDeleted, space, detail)
        });
        let unseen = self.unseen.iter().filter(|space| !self.deleted.contains(space)).map(|&space| {
            let detail = "Podio does not show who else is in this space, so its deletion cannot be ruled out. \
                          Add the acting admin to it, or approve.";
            Reason::of_space(HoldCode::SpaceWouldBeDeleted, space, detail)
        });
        let promoted = self.promoted.iter().filter(|space| !self.deleted.contains(space)).map(|&space| {
            let detail = "The leaver is the last admin; Podio would promote others. Name a new admin, or approve.";
            Reason::of_space(HoldCode::SpaceWouldLoseItsAdmin, space, detail)
        });
        let kept = self.kept.iter().map(|&space| {
            let detail = "This space did not let the leaver go, and by Podio's preview the removal from the organization would \
                          not end that membership. Make the acting admin an admin of the space, then approve: it is asked \
                          once more before the organization is left. If the leaver is not in it, approve.";
            Reason::of_space(HoldCode::SpaceWouldKeepTheLeaver, space, detail)
        });
        deleted.chain(unseen).chain(promoted).chain(kept).collect()
    }
}

/// What is known of the leaver's standing in the organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The leaver.
    pub user: Option<UserId>,
    /// The account that the worker's credential acts as, where Podio told.
    pub acting: Option<UserId>,
    /// Whether the leaver is an admin of the organization.
    pub is_org_admin: bool,
    /// The organization's admins, where they were asked for; asked only when the leaver is one.
    pub org_admins: Option<Vec<UserId>>,
}

impl Standing {
    /// The reasons to hold that follow from the leaver's standing.
    pub fn reasons(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.user.is_some() && self.user == self.acting {
            let detail = "The leaver is the account that this service acts as. Authorise another org admin first.";
            reasons.push(Reason::general(HoldCode::ActingAdmin, detail));
        }
        if self.acting.is_none() && self.is_org_admin {
            let detail = "Podio does not tell which account this service acts as, and the leaver is an admin, so it may be \
                          this one. Make sure that it is not, then approve.";
            reasons.push(Reason::general(HoldCode::ActingAdmin, detail));
        }
        let others_left = |admins: &Vec<UserId>| admins.iter().any(|admin| Some(*admin) != self.user);
        let is_admin = |admins: &Vec<UserId>| self.user.is_some_and(|user| admins.contains(&user));
        if self.org_admins.as_ref().is_some_and(|admins| is_admin(admins) && !others_left(admins)) {
            let detail = "The leaver is the organization's last admin. Name another admin first.";
            reasons.push(Reason::general(HoldCode::LastOrgAdmin, detail));
        }
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_that_would_be_deleted_is_not_also_said_to_lose_its_admin() {
        let promoted = vec![SpaceId(1), SpaceId(2)];
        let preview = Preview { deleted: vec![SpaceId(1)], unseen: vec![SpaceId(1)], promoted, ..Preview::default() };
        let codes: Vec<_> = preview.reasons().iter().map(Reason::approval).collect();
        assert_eq!(
            codes,
            [
                Approval::of_space(HoldCode::SpaceWouldBeDeleted, SpaceId(1)),
                Approval::of_space(HoldCode::SpaceWouldLoseItsAdmin, SpaceId(2)),
            ]
        );
    }

    #[test]
    fn of_several_people_the_one_who_is_meant_has_to_be_named() {
        let of = |users: &[u64]| Reason::ambiguous(users.iter().copied().map(UserId).collect(), "…");
        let chosen =
            |user: u64| Approval { user_id: Some(UserId(user)), ..Approval::general(HoldCode::PersonAmbiguous) };
        assert!(Approval::general(HoldCode::PersonAmbiguous).names(&of(&[7])), "there is only one");
        assert!(!Approval::general(HoldCode::PersonAmbiguous).names(&of(&[7, 8])));
        assert!(chosen(8).names(&of(&[7, 8])) && !chosen(9).names(&of(&[7, 8])) && !chosen(9).names(&of(&[7])));
        assert_eq!(Approval::general(HoldCode::PersonAmbiguous).of(&of(&[7])), chosen(7), "kept with the person");
        assert_eq!(chosen(8).of(&of(&[7, 8])), chosen(8));
    }

    #[test]
    fn approving_one_space_leaves_the_other_held() {
        let reasons = Preview { deleted: vec![SpaceId(1), SpaceId(2)], ..Preview::default() }.reasons();
        let approved = [reasons[0].approval()];
        let left = unapproved(reasons, &approved);
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].space_id, Some(SpaceId(2)));
    }

    #[test]
    fn thousands_of_dangers_fit_into_one_record() {
        let preview = Preview { deleted: (1..=5_000).map(SpaceId).collect(), ..Preview::default() };
        let reasons = summarised(preview.reasons());
        assert_eq!(reasons.len(), LISTED + 1);
        assert!(reasons[LISTED].detail.contains("4700 more"));
    }

    #[test]
    fn the_acting_and_the_last_admin_are_held() {
        let standing = Standing {
            user: Some(UserId(1)),
            acting: Some(UserId(1)),
            is_org_admin: true,
            org_admins: Some(vec![UserId(1)]),
        };
        let codes: Vec<_> = standing.reasons().iter().map(|reason| reason.code).collect();
        assert_eq!(codes, [HoldCode::ActingAdmin, HoldCode::LastOrgAdmin]);

        let one_of_two = Standing { org_admins: Some(vec![UserId(1), UserId(2)]), acting: Some(UserId(2)), ..standing };
        assert_eq!(one_of_two.reasons(), []);

        let untold = Standing { acting: None, ..one_of_two };
        assert_eq!(untold.reasons()[0].code, HoldCode::ActingAdmin, "it may be the account that we act as");
    }
}
