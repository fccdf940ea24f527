//! Names for people and spaces that do not exist.

pub(super) const GIVEN_NAMES: &[&str] = &[
    "Amira", "Bruno", "Carla", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kaya", "Liam", "Mina",
    "Nils", "Olga", "Pablo", "Quinn", "Rosa", "Sven", "Tara", "Umar", "Vera", "Wanda", "Yusuf", "Zoe",
];

pub(super) const FAMILY_NAMES: &[&str] = &[
    "Abbott", "Berg", "Costa", "Dahl", "Eriksen", "Fischer", "Garcia", "Hansen", "Ito", "Jensen", "Kowalski", "Larsen",
    "Moreau", "Novak", "Okafor", "Petrov", "Quist", "Rossi", "Schmidt", "Tanaka", "Ueda", "Vogel", "Weber", "Young",
    "Zhang",
];

pub(super) const TEAMS: &[&str] =
    &["Sales", "Support", "Design", "Finance", "Legal", "Research", "Logistics", "Marketing", "Hiring", "Facilities"];

pub(super) const SUBJECTS: &[&str] = &[
    "Planning",
    "Projects",
    "Requests",
    "Archive",
    "Partners",
    "Budget",
    "Roadmap",
    "Campaigns",
    "Inventory",
    "Events",
];
