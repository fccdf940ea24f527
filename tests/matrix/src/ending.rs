//! What may come of each leaver, by the row alone: what the operator is asked, what fails on the way, how it ends.
//!
//! Whatever else happens is a fault of the product, or of this file. Every leaver ends: held means that an operator
//! decided, failed means that one did by hand what the failure asked for and resumed it.

use std::collections::BTreeSet;

use podio_sandbox::{
    SpaceId, State,
    population::ORG_ID,
    state::SpaceKind,
    switches::{EmployeeNetwork, LastSpaceAdmin, MemberShape, OrgDelete, OrgSpaces, Permission, Route},
};
use simulation::oracles::Violation;

use crate::{cast::Part, life::Life, row::Row};

/// What a row foresees for one leaver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Codes of holds that must come.
    pub asked: &'static [&'static str],
    /// Codes of holds that may come as well.
    pub perhaps_asked: &'static [&'static str],
    /// The failure that must come, if one must.
    pub fails: Option<&'static str>,
    /// The state and the outcome.
    pub end: (&'static str, Option<&'static str>),
}

const REMOVED: (&str, Option<&str>) = ("completed", Some("removed"));
const CANCELLED: (&str, Option<&str>) = ("cancelled", None);

/// What this Podio lets the product see and do in spaces that the acting admin is not in.
struct Sight {
    /// The preview names the leaver's spaces and what becomes of them.
    previewed: bool,
    /// The preview is there, and names nothing since the removal ends nothing.
    previewed_in_vain: bool,
    /// Some call lists the spaces.
    listed: bool,
    /// The acting admin may look into them and take people out of them.
    open: bool,
    /// The member object tells in how many spaces the leaver is.
    counted: bool,
    /// The removal from the organization ends the memberships of spaces.
    ends_spaces: bool,
    /// A space does not let its last admin go.
    keeps_last_admin: bool,
}

impl Sight {
    fn of(row: &Row) -> Self {
        let switches = row.switches();
        let offered = switches.end_member_info == Route::Offered;
        let ends_spaces = switches.org_delete == OrgDelete::EndsSpaces;
        Self {
            previewed: offered && ends_spaces,
            previewed_in_vain: offered && !ends_spaces,
            listed: (offered && ends_spaces)
                || switches.member_spaces == Route::Offered
                || switches.all_spaces == Route::Offered
                || switches.org_spaces == OrgSpaces::All,
            open: switches.org_admin_in_foreign_spaces == Permission::Allowed,
            counted: switches.member_shape == MemberShape::Nested,
            ends_spaces,
            keeps_last_admin: switches.last_space_admin == LastSpaceAdmin::Refused,
        }
    }

    /// Whether nothing takes its last admin out of a space.
    fn is_kept_by_its_last_admin(&self) -> bool {
        self.keeps_last_admin && !self.ends_spaces
    }

    /// Whether that shows only when the organization has been left.
    fn shows_too_late(&self) -> bool {
        self.far() == Far::LookedInto && self.is_kept_by_its_last_admin() && !self.previewed_in_vain
    }

    /// What is known of a space that the acting admin is not in.
    fn far(&self) -> Far {
        match self {
            // The preview says what the removal would do to it, which is nothing or which it names.
            Self { previewed: true, .. } => Far::Previewed,
            Self { listed: true, open: true, .. } => Far::LookedInto,
            // It cannot be left by its own call, and by Podio's preview the removal does not end it either.
            Self { listed: true, previewed_in_vain: true, .. } => Far::Kept,
            // Nobody can see it, and by Podio's preview nothing happens to it.
            Self { listed: false, previewed_in_vain: true, .. } => Far::OutOfSight,
            // It could not be left, and nobody knows who else is in it.
            Self { listed: true, open: false, .. } => Far::Shut,
            // Nobody can see it, but Podio counts more spaces than it lists.
            Self { listed: false, counted: true, .. } => Far::Counted,
            // No call lists it and no number tells that it is there.
            Self { listed: false, counted: false, .. } => Far::OutOfSight,
        }
    }
}

/// What the product knows of a space that the acting admin is not in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Far {
    Previewed,
    LookedInto,
    Kept,
    Shut,
    Counted,
    OutOfSight,
}

/// What a row foresees for a leaver.
pub fn foresee(row: &Row, part: Part) -> Ending {
    let sight = Sight::of(row);
    match part {
        Part::Jane => jane(&sight),
        Part::Dora | Part::Diego => in_a_far_space(&sight),
        Part::Olga => ending(&[]),
        Part::Ada => ada(&sight),
        Part::Solomon => solomon(&sight, row.approves()),
        // Nobody wants that; what else is found out about the account does not matter.
        Part::Acting => Ending {
            asked: &["acting_admin"],
            perhaps_asked: &["last_org_admin", "space_would_be_deleted", "space_would_lose_its_admin"],
            fails: None,
            end: CANCELLED,
        },
    }
}

fn ending(asked: &'static [&'static str]) -> Ending {
    Ending { asked, perhaps_asked: &[], fails: None, end: REMOVED }
}

/// Somebody in spaces with others, one of them without the acting admin: nothing speaks against it unless a space that is
/// not seen could be lost.
fn in_a_far_space(sight: &Sight) -> Ending {
    match sight.far() {
        Far::Previewed | Far::LookedInto | Far::OutOfSight => ending(&[]),
        // Unless the acting admin has been let in for the sake of another leaver.
        Far::Kept => Ending { perhaps_asked: &["space_would_keep_the_leaver"], ..ending(&[]) },
        Far::Shut | Far::Counted => ending(&["space_would_be_deleted"]),
    }
}

/// The same, and a space comes meanwhile. Without a preview it shows by a hook or, too late for a look into it, by a number.
fn jane(sight: &Sight) -> Ending {
    let foreseen = in_a_far_space(sight);
    match sight.counted && !sight.previewed && foreseen.perhaps_asked.is_empty() {
        true => Ending { perhaps_asked: &["space_would_be_deleted"], ..foreseen },
        false => foreseen,
    }
}

/// Her own space would lose its last admin. Where it does not let her go, and the organization does not end it either,
/// somebody has to make another admin.
fn ada(sight: &Sight) -> Ending {
    let asked: &[_] = match sight.far() {
        Far::LookedInto if sight.is_kept_by_its_last_admin() && sight.previewed_in_vain => {
            &["space_would_lose_its_admin", "space_would_keep_the_leaver"]
        }
        Far::Previewed | Far::LookedInto => &["space_would_lose_its_admin"],
        Far::Kept => &["space_would_keep_the_leaver"],
        Far::Shut | Far::Counted => &["space_would_be_deleted"],
        Far::OutOfSight => &[],
    };
    Ending { fails: sight.shows_too_late().then_some("still_a_member"), ..ending(asked) }
}

/// His own space would be lost with him. The operator calls it off, unless that is asked too late: where the space is not
/// seen before the others are left.
fn solomon(sight: &Sight, approves: bool) -> Ending {
    let (asked, early): (&[_], _) = match sight.far() {
        Far::LookedInto if sight.is_kept_by_its_last_admin() && sight.previewed_in_vain && approves => {
            (&["space_would_be_deleted", "space_would_keep_the_leaver"], true)
        }
        Far::Previewed | Far::LookedInto => (&["space_would_be_deleted"], true),
        Far::Kept => (&["space_would_keep_the_leaver"], false),
        Far::Shut | Far::Counted => (&["space_would_be_deleted"], false),
        Far::OutOfSight => (&[], false),
    };
    match early && !approves {
        true => Ending { end: CANCELLED, ..ending(asked) },
        false => Ending { fails: sight.shows_too_late().then_some("still_a_member"), ..ending(asked) },
    }
}

/// Whatever came otherwise than the row foresees.
pub fn judge(life: &Life) -> Vec<Violation> {
    Part::ALL.into_iter().flat_map(|part| compare(life, part).into_iter().chain(stays(life, part))).collect()
}

fn compare(life: &Life, part: Part) -> Vec<Violation> {
    let foreseen = foresee(&life.row, part);
    let none = BTreeSet::new();
    let held: BTreeSet<&str> = life.held.get(&part).unwrap_or(&none).iter().map(String::as_str).collect();
    let failed: BTreeSet<&str> = life.failed.get(&part).unwrap_or(&none).iter().map(String::as_str).collect();
    let view = life.id(part).and_then(|id| life.dealings.views.get(id));
    let end = (life.state(part), view.and_then(|view| view["outcome"].as_str()));
    let mut broken = Vec::new();
    let mut say = |what: String| broken.push(Violation { rule: 4, what: format!("{part:?}: {what}") });
    for code in foreseen.asked.iter().filter(|code| !held.contains(*code)) {
        say(format!("nobody was asked about {code}"));
    }
    for code in held.iter().filter(|code| !foreseen.asked.contains(*code) && !foreseen.perhaps_asked.contains(*code)) {
        say(format!("was held for {code}, which nothing called for"));
    }
    if failed != foreseen.fails.into_iter().collect() {
        say(format!("failed for {failed:?}, and it should have been {:?}", foreseen.fails));
    }
    if end != foreseen.end {
        say(format!("is {end:?} and not {:?}", foreseen.end));
    }
    broken
}

/// Whoever is said to be removed is nowhere, but for spaces that nobody could have taken them out of; and whoever was not to
/// be removed is where they were.
fn stays(life: &Life, part: Part) -> Option<Violation> {
    let user = part.user(&life.before);
    let spaces = |podio: &State| podio.spaces_of_member(ORG_ID, user);
    let is_member = life.podio.org_member(ORG_ID, user).is_some();
    let gone = || spaces(&life.before).iter().any(|space| !spaces(&life.podio).contains(space));
    let left: Vec<SpaceId> = match life.state(part) {
        "completed" => spaces(&life.podio).into_iter().filter(|space| !is_out_of_reach(life, *space)).collect(),
        _ => Vec::new(),
    };
    let what = match life.state(part) {
        "completed" if is_member => "is a member still".to_owned(),
        "completed" if !left.is_empty() => format!("is in {left:?} still"),
        "cancelled" if !is_member || gone() => "was called off, and is not where they were".to_owned(),
        _ => return None,
    };
    Some(Violation { rule: 9, what: format!("{part:?} {what}") })
}

/// Whether the product could neither end a membership by its own call nor by that of the organization.
fn is_out_of_reach(life: &Life, space: SpaceId) -> bool {
    let switches = life.row.switches();
    let is_network = life.podio.spaces.get(&space).is_some_and(|space| space.kind == SpaceKind::EmpNetwork);
    // It ends with the organization, or never.
    let survives =
        switches.employee_network == EmployeeNetwork::Survives || switches.org_delete == OrgDelete::KeepsSpaces;
    let sight = Sight::of(&life.row);
    let acting = Part::Acting.user(&life.podio);
    let is_near = life.before.spaces.get(&space).is_some_and(|space| space.active_member(acting).is_some());
    let came_later = life.dealings.added.iter().any(|(_, added, _)| *added == space);
    // Where it is known that the leaver would stay, the operator lets the acting admin in.
    let is_reached = is_near || (sight.listed && (sight.open || sight.previewed_in_vain));
    (is_network && survives) || (!sight.ends_spaces && (came_later || !is_reached))
}
