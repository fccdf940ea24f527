//! Who is in the organization: a made-up crowd, the same for the same seed, and a few people with a part to play.
//!
//! All addresses are at example.com and example.org.

mod names;

use jiff::{SignedDuration, Timestamp};

use crate::ids::{OrgId, SpaceId, UserId};
use crate::rng::SplitMix;
use crate::state::{SpaceKind, SpaceRole, State};
use crate::switches::EmployeeNetwork;
use names::{FAMILY_NAMES, GIVEN_NAMES, SUBJECTS, TEAMS};

/// The organization everybody is in.
pub const ORG_ID: OrgId = OrgId(4711);
/// The org admin that the credentials act as.
pub const ACTING_ADMIN: &str = "admin@example.com";
/// The standard population's leaver: an ordinary member of a number of spaces.
pub const LEAVER: &str = "jane.doe@example.com";
/// Alone in a space, which would be deleted with them.
pub const SOLE_MEMBER: &str = "solomon.lone@example.com";
/// The only admin of a space that has other members.
pub const LAST_ADMIN: &str = "ada.steward@example.com";
/// Invited, has never logged in.
pub const INVITED: &str = "ivy.invited@example.org";
/// A member without a profile.
pub const WITHOUT_PROFILE: &str = "noah.blank@example.com";

#[derive(Debug, Clone)]
enum Part {
    Leaver { spaces: usize },
    Colleague { spaces: usize },
    SoleMember,
    LastAdmin,
    Invited,
    WithoutProfile,
    OrgAdmin,
}

#[derive(Debug, Clone)]
struct Role {
    name: String,
    mail: String,
    part: Part,
}

/// A builder of organizations.
#[derive(Debug, Clone)]
pub struct Population {
    seed: u64,
    members: usize,
    spaces: usize,
    spaces_each: usize,
    acting_admin_in_every: usize,
    roles: Vec<Role>,
}

impl Population {
    /// 40 members in 10 spaces, none with a part to play; the acting admin is the only org admin.
    pub fn new(seed: u64) -> Self {
        Self { seed, members: 40, spaces: 10, spaces_each: 4, acting_admin_in_every: 4, roles: Vec::new() }
    }

    /// Everybody with a part to play; the leaver is in 12 spaces of 200, among 2,000 members.
    pub fn standard(seed: u64) -> Self {
        Self::new(seed)
            .members(2_000)
            .spaces(200)
            .leaver("Jane Doe", LEAVER, 12)
            .sole_member("Solomon Lone", SOLE_MEMBER)
            .last_admin("Ada Steward", LAST_ADMIN)
            .invited("Ivy Invited", INVITED)
            .without_profile("Noah Blank", WITHOUT_PROFILE)
    }

    /// How many people the organization has in all.
    #[must_use]
    pub fn members(mut self, members: usize) -> Self {
        self.members = members;
        self
    }

    /// How many spaces the crowd is spread over. The parts to play may bring spaces of their own.
    #[must_use]
    pub fn spaces(mut self, spaces: usize) -> Self {
        self.spaces = spaces;
        self
    }

    /// In how many spaces one of the crowd is at most.
    #[must_use]
    pub fn spaces_each(mut self, spaces_each: usize) -> Self {
        self.spaces_each = spaces_each;
        self
    }

    /// Puts the acting admin into every n-th space; 0 into the first only.
    #[must_use]
    pub fn acting_admin_in_every(mut self, nth: usize) -> Self {
        self.acting_admin_in_every = nth;
        self
    }

    /// An ordinary member of exactly that many spaces (or of all, if there are fewer).
    #[must_use]
    pub fn leaver(self, name: &str, mail: &str, spaces: usize) -> Self {
        self.with(name, mail, Part::Leaver { spaces })
    }

    /// Ordinary members who are in the same spaces, that many (or all, if there are fewer).
    #[must_use]
    pub fn department<'a>(self, mails: impl IntoIterator<Item = &'a str>, spaces: usize) -> Self {
        mails.into_iter().fold(self, |population, mail| population.with("Colleague", mail, Part::Colleague { spaces }))
    }

    /// Somebody in an ordinary space and, alone, in one of their own.
    #[must_use]
    pub fn sole_member(self, name: &str, mail: &str) -> Self {
        self.with(name, mail, Part::SoleMember)
    }

    /// Somebody in an ordinary space and the only admin of another.
    #[must_use]
    pub fn last_admin(self, name: &str, mail: &str) -> Self {
        self.with(name, mail, Part::LastAdmin)
    }

    /// Somebody invited to a space who has never logged in.
    #[must_use]
    pub fn invited(self, name: &str, mail: &str) -> Self {
        self.with(name, mail, Part::Invited)
    }

    /// A member without a profile.
    #[must_use]
    pub fn without_profile(self, name: &str, mail: &str) -> Self {
        self.with(name, mail, Part::WithoutProfile)
    }

    /// Another org admin. Without one, the acting admin is the last.
    #[must_use]
    pub fn org_admin(self, name: &str, mail: &str) -> Self {
        self.with(name, mail, Part::OrgAdmin)
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    fn with(mut self, name: &str, mail: &str, part: Part) -> Self {
        self.roles.push(Role { name: name.to_owned(), mail: mail.to_owned(), part });
        self
    }

    /// Fills `state` and returns the acting admin.
    pub fn settle(&self, state: &mut State, now: Timestamp) -> UserId {
        let rng = SplitMix::new(self.seed);
        let founded = now.checked_sub(SignedDuration::from_hours(24 * 900)).unwrap_or(now);
        state.create_org(founded, ORG_ID, "Example Works");
        let acting = state.create_person(founded, "Alex Admin", ACTING_ADMIN);
        state.set_org_admin(founded, ORG_ID, acting, true);
        let mut settlement = Settlement { state, rng, now, founded, spaces: Vec::new(), crowd: Vec::new() };
        settlement.found_spaces(self, acting);
        settlement.spread_crowd(self);
        for role in &self.roles {
            settlement.cast(role);
        }
        if settlement.state.switches.employee_network != EmployeeNetwork::None {
            settlement.connect_everybody(acting);
        }
        acting
    }
}

/// An organization while it is being filled.
struct Settlement<'a> {
    state: &'a mut State,
    rng: SplitMix,
    now: Timestamp,
    founded: Timestamp,
    spaces: Vec<SpaceId>,
    crowd: Vec<UserId>,
}

impl Settlement<'_> {
    fn found_spaces(&mut self, population: &Population, acting: UserId) {
        for index in 0..population.spaces {
            let name = format!("{} {}", pick(&mut self.rng, TEAMS), pick(&mut self.rng, SUBJECTS));
            let space = self.state.create_space(self.founded, ORG_ID, &name, SpaceKind::Regular);
            if index.checked_rem(population.acting_admin_in_every).unwrap_or(index) == 0 {
                self.state.add_to_space(self.founded, space, acting, SpaceRole::Admin);
            }
            self.spaces.push(space);
        }
    }

    fn spread_crowd(&mut self, population: &Population) {
        for index in 0..population.members.saturating_sub(1 + population.roles.len()) {
            let (given, family) = (pick(&mut self.rng, GIVEN_NAMES), pick(&mut self.rng, FAMILY_NAMES));
            let mail = format!("{}.{}.{index}@example.com", given.to_lowercase(), family.to_lowercase());
            let joined = self.ago(24 * 800);
            let user = self.state.create_person(joined, &format!("{given} {family}"), &mail);
            let (employee, seen) = (!self.rng.chance(0.05), self.ago(24 * 60));
            if let Some(person) = self.state.people.get_mut(&user) {
                person.employee = employee;
                person.last_seen_on = Some(seen);
            }
            self.state.join_org(joined, ORG_ID, user);
            for _ in 0..1 + self.rng.below(population.spaces_each) {
                let space = self.spaces.get(self.rng.below(self.spaces.len())).copied();
                space.map(|space| self.state.add_to_space(joined, space, user, SpaceRole::Regular));
            }
            self.crowd.push(user);
        }
        // Two of the crowd run each space, so that no space is anybody's alone unless a part says so.
        for (index, space) in self.spaces.iter().enumerate() {
            for user in self.crowd.iter().cycle().skip(2 * index % self.crowd.len().max(1)).take(2) {
                self.state.add_to_space(self.founded, *space, *user, SpaceRole::Admin);
                self.state.set_space_role(*space, *user, SpaceRole::Admin);
            }
        }
    }

    fn cast(&mut self, Role { name, mail, part }: &Role) {
        let user = self.state.create_person(self.founded, name, mail);
        self.state.join_org(self.founded, ORG_ID, user);
        match part {
            Part::Leaver { spaces } => {
                let mut left = self.spaces.clone();
                for _ in 0..(*spaces).min(left.len()) {
                    let space = left.swap_remove(self.rng.below(left.len()));
                    self.state.add_to_space(self.founded, space, user, SpaceRole::Regular);
                }
                return;
            }
            Part::Colleague { spaces } => {
                for space in self.spaces.iter().take(*spaces) {
                    self.state.add_to_space(self.founded, *space, user, SpaceRole::Regular);
                }
                return;
            }
            Part::SoleMember => drop(self.own_space(user, &format!("{name}: notes"))),
            Part::LastAdmin => {
                let space = self.own_space(user, &format!("{name}: programme"));
                for other in self.crowd.iter().take(3) {
                    self.state.add_to_space(self.founded, space, *other, SpaceRole::Regular);
                }
            }
            Part::Invited | Part::WithoutProfile => {
                if let Some(person) = self.state.people.get_mut(&user) {
                    person.activated = !matches!(part, Part::Invited);
                    person.has_profile = !matches!(part, Part::WithoutProfile);
                    person.last_seen_on = person.last_seen_on.filter(|_| person.activated);
                }
            }
            Part::OrgAdmin => drop(self.state.set_org_admin(self.founded, ORG_ID, user, true)),
        }
        if let Some(space) = self.spaces.get(self.rng.below(self.spaces.len())) {
            self.state.add_to_space(self.founded, *space, user, SpaceRole::Regular);
        }
    }

    fn own_space(&mut self, admin: UserId, name: &str) -> SpaceId {
        let space = self.state.create_space(self.founded, ORG_ID, name, SpaceKind::Regular);
        self.state.add_to_space(self.founded, space, admin, SpaceRole::Admin);
        space
    }

    fn connect_everybody(&mut self, acting: UserId) {
        let network = self.state.create_space(self.founded, ORG_ID, "Employee Network", SpaceKind::EmpNetwork);
        for user in self.state.org_members(ORG_ID) {
            let role = if user == acting { SpaceRole::Admin } else { SpaceRole::Regular };
            self.state.add_to_space(self.founded, network, user, role);
        }
    }

    fn ago(&mut self, hours: usize) -> Timestamp {
        let hours = i64::try_from(1 + self.rng.below(hours)).unwrap_or(1);
        self.now.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(self.now)
    }
}

fn pick<'a>(rng: &mut SplitMix, list: &[&'a str]) -> &'a str {
    list.get(rng.below(list.len())).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limiter::Quota;
    use crate::switches::{Profile, Switches};

    fn settled(population: &Population) -> State {
        let mut state = State::empty(Switches::of(Profile::Documented), Quota::of(Profile::Documented), 1);
        population.settle(&mut state, Timestamp::from_second(1_800_000_000).unwrap());
        state
    }

    #[test]
    fn the_standard_population_is_what_it_says() {
        let state = settled(&Population::standard(1));
        let who = |mail| state.person_by_mail(mail).unwrap();
        assert_eq!(state.org_members(ORG_ID).len(), 2_000);
        assert_eq!(state.spaces_of_org(ORG_ID).count(), 202, "200, and one each for two parts");
        assert_eq!(state.spaces_of_member(ORG_ID, who(LEAVER)).len(), 12);
        let leaver = state.preview_org_removal(ORG_ID, who(LEAVER));
        assert_eq!((leaver.remove.len(), leaver.promote.len(), leaver.delete.len()), (12, 0, 0));
        assert_eq!(state.preview_org_removal(ORG_ID, who(SOLE_MEMBER)).delete.len(), 1);
        assert_eq!(state.preview_org_removal(ORG_ID, who(LAST_ADMIN)).promote.len(), 1);
        assert!(!state.people[&who(INVITED)].activated);
        assert!(!state.people[&who(WITHOUT_PROFILE)].has_profile);
    }

    #[test]
    fn a_department_is_in_the_same_spaces() {
        let state = settled(&Population::new(5).spaces(9).department(["a@example.com", "b@example.com"], 4));
        let spaces = |mail| state.spaces_of_member(ORG_ID, state.person_by_mail(mail).unwrap());
        assert_eq!(spaces("a@example.com").len(), 4);
        assert_eq!(spaces("a@example.com"), spaces("b@example.com"));
    }

    #[test]
    fn one_seed_makes_one_organization() {
        let text = |seed| serde_json::to_string(&settled(&Population::standard(seed).members(50).spaces(9))).unwrap();
        assert_eq!(text(3), text(3));
        assert_ne!(text(3), text(4));
    }

    #[test]
    fn in_a_small_crowd_no_space_of_a_leaver_is_theirs_alone() {
        let state = settled(&Population::new(5).members(6).spaces(60).leaver("Jane Doe", LEAVER, 60));
        let preview = state.preview_org_removal(ORG_ID, state.person_by_mail(LEAVER).unwrap());
        assert_eq!((preview.remove.len(), preview.promote.len(), preview.delete.len()), (60, 0, 0));
    }
}
