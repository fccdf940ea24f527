//! The role of a person in an organization or a space.

use std::fmt;

/// What a member may do. Podio adds roles over time, so an unknown one is kept as it came and never an error.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sees little, on paid plans only.
    Light,
    /// An ordinary member.
    Regular,
    /// Administers the space or organization.
    Admin,
    /// A role this client has no rule for, such as a guest or a service user.
    Other(String),
}

impl Role {
    /// `None` for the blank that Podio uses where somebody has no role of their own.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "" => None,
            known if known.eq_ignore_ascii_case("light") => Some(Self::Light),
            known if known.eq_ignore_ascii_case("regular") => Some(Self::Regular),
            known if known.eq_ignore_ascii_case("admin") => Some(Self::Admin),
            other => Some(Self::Other(other.to_owned())),
        }
    }

    /// The role as Podio spells it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Light => "light",
            Self::Regular => "regular",
            Self::Admin => "admin",
            Self::Other(other) => other,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Role;

    #[test]
    fn an_unknown_role_is_kept_and_a_blank_one_is_none() {
        assert_eq!(Role::parse("Admin"), Some(Role::Admin));
        assert_eq!(Role::parse("service_user"), Some(Role::Other("service_user".into())));
        assert_eq!(Role::parse(" "), None);
    }
}
