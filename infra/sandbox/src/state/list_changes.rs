//! What happens to an organization between two pages of its members' list: the reader sees neither before nor after alone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{SpaceRole, State};
use crate::ids::{OrgId, SpaceId, UserId};

/// A change of who is a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum ListChange {
    /// Somebody is added to a space, and so to the organization.
    Join {
        /// The space.
        space_id: SpaceId,
        /// The name, by which the list is sorted.
        name: String,
        /// The address.
        mail: String,
    },
    /// Somebody is no member of the organization any more.
    Leave {
        /// Who.
        user_id: UserId,
    },
}

impl State {
    /// Lets something happen right after the page of the list that is the `nth` to be answered from now on, the next one
    /// being the first.
    pub fn change_after_page(&mut self, nth: u32, change: ListChange) {
        self.list_changes.push((nth, change));
    }

    /// A page has been answered.
    pub(crate) fn page_was_answered(&mut self, now: Timestamp, org_id: OrgId) {
        let waiting = std::mem::take(&mut self.list_changes);
        for (nth, change) in waiting {
            if nth > 1 {
                self.list_changes.push((nth - 1, change));
                continue;
            }
            match change {
                ListChange::Join { space_id, name, mail } => {
                    let user_id = self.create_person(now, &name, &mail);
                    self.add_to_space(now, space_id, user_id, SpaceRole::Regular);
                }
                ListChange::Leave { user_id } => {
                    // A refusal of Podio's would be the test's mistake, and shows in what it expects.
                    let _ = self.remove_from_org(now, org_id, user_id);
                }
            }
        }
    }
}
