//! Who is posted beside those whom every scene has.

use jiff::{SignedDuration, Timestamp};
use podio_sandbox::{
    SpaceId, State,
    population::{ACTING_ADMIN, ORG_ID},
    state::SpaceRole,
};

use crate::{
    dice::Dice,
    scene::{Leaver, Scene, Stranger, Wish},
};

impl Scene {
    /// Somebody posts the account that the product acts as. Whatever people decide about others, this is called off.
    pub(crate) fn post_the_acting_admin(&mut self, dice: &Dice, podio: &State, start: Timestamp) {
        let mail = ACTING_ADMIN.to_owned();
        let user = podio.person_by_mail(&mail).expect("the acting admin");
        let by_mail = dice.chance(0.7);
        let at = start + SignedDuration::from_secs(dice.between(0, 600));
        self.wishes.push(Wish::plain(self.leavers.len(), by_mail, at, self.wishes.len()));
        self.leavers.push(Leaver { user, mail });
    }

    /// Many colleagues of the same spaces are posted at once: enough to be looked for together. Some are added again.
    pub(crate) fn post_a_department(&mut self, dice: &Dice, podio: &mut State, start: Timestamp) {
        let every: Vec<SpaceId> = podio.spaces_of_org(ORG_ID).map(|(space, _)| space).collect();
        let spaces = &every[..(1 + dice.below(3)).min(every.len())];
        for n in 0..5 + dice.below(6) {
            let mail = format!("colleague.{n}@example.com");
            let user = podio.create_person(start, "Carl Colleague", &mail);
            podio.join_org(start, ORG_ID, user);
            for space in spaces {
                podio.add_to_space(start, *space, user, SpaceRole::Regular);
            }
            let leaver = self.leavers.len();
            self.leavers.push(Leaver { user, mail });
            let by_mail = dice.chance(0.8);
            let at = start + SignedDuration::from_millis(dice.between(0, 3_000));
            let wish = Wish::plain(leaver, by_mail, at, self.wishes.len());
            let cancel_at = dice.chance(0.1).then(|| start + SignedDuration::from_secs(dice.between(0, 60)));
            self.wishes.push(Wish { cancel_at, ..wish });
            if dice.chance(0.2) {
                let at = start + SignedDuration::from_secs(dice.between(0, 3_600));
                self.strangers.push((at, Stranger::Adds(leaver)));
            }
        }
    }
}
