//! Lanes: who gets slots first.

/// What a call is for, which decides how its slot is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Somebody waits for it: a plan, a hook's verification, the end of an offboarding whose spaces are all left. Takes
    /// the next slot there is, even one that a removal waits for; that removal then takes a later one.
    Interactive,
    /// Space removals, in the order in which they ask. All but a twentieth of a window may go out as a burst; the rest
    /// is spread, so that there is always a slot ahead, and not an hour ahead, for who is in a hurry.
    Removal,
    /// Whatever can wait: takes a slot only while nobody else waits and half of the window stays free for removals.
    Background,
}

impl Lane {
    /// The name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Removal => "removal",
            Self::Background => "background",
        }
    }
}
