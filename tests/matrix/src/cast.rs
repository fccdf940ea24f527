//! Who is there: a small organization, and in it one of each kind of leaver.

use podio_sandbox::{
    Population, SpaceId, State, UserId,
    population::{ACTING_ADMIN, ORG_ID},
};

/// Somebody who is posted as a leaver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// In three spaces; while she leaves, somebody puts her into a new one.
    Jane,
    /// In the same two spaces as Diego, and posted with him: they can leave in one call.
    Dora,
    /// The other one.
    Diego,
    /// An admin of the organization, and not the last one.
    Olga,
    /// The last admin of a space with others in it.
    Ada,
    /// Alone in a space, which would be lost with him.
    Solomon,
    /// The account that the product acts as; nobody wants it removed, and somebody posts it all the same.
    Acting,
}

impl Part {
    /// All of them, in the order in which they are posted.
    pub const ALL: [Self; 7] =
        [Self::Jane, Self::Dora, Self::Diego, Self::Olga, Self::Ada, Self::Solomon, Self::Acting];

    /// The address.
    pub fn mail(self) -> &'static str {
        match self {
            Self::Jane => "jane.doe@example.com",
            Self::Dora => "dora.duo@example.com",
            Self::Diego => "diego.duo@example.com",
            Self::Olga => "olga.other@example.com",
            Self::Ada => "ada.steward@example.com",
            Self::Solomon => "solomon.lone@example.com",
            Self::Acting => ACTING_ADMIN,
        }
    }

    /// The account.
    pub fn user(self, podio: &State) -> UserId {
        podio.person_by_mail(self.mail()).expect("everybody of the cast is there")
    }
}

/// The organization: thirty people, and seven spaces of which the acting admin is in three.
pub fn population() -> Population {
    Population::new(11)
        .members(30)
        .spaces(5)
        .acting_admin_in_every(2)
        .leaver("Jane Doe", Part::Jane.mail(), 3)
        .department([Part::Dora.mail(), Part::Diego.mail()], 2)
        .org_admin("Olga Other", Part::Olga.mail())
        .last_admin("Ada Steward", Part::Ada.mail())
        .sole_member("Solomon Lone", Part::Solomon.mail())
}

/// A space that tells the product by a hook who comes: one that the acting admin is in.
pub fn hooked_space(podio: &State) -> SpaceId {
    podio.regular_spaces_of_member(ORG_ID, Part::Acting.user(podio))[0]
}
