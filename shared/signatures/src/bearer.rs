//! Bearer tokens (RFC 6750): the caller shows a token that we know.
//!
//! Only digests are kept and compared, each with each, so that the time taken tells neither how long a token is, nor how
//! far a guess was right, nor which of several tokens it resembled.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    Role,
    entries::{BadEntry, EntryProblem, at, checked_name, find},
};

/// The least length of a token, in characters.
pub const SHORTEST_TOKEN: usize = 24;

/// A caller that a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Its name, which several tokens may share.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// The tokens that open the door, as digests, with their callers.
#[derive(Clone, Default)]
pub struct Tokens {
    entries: Vec<([u8; 32], Caller)>,
}

/// Why an `Authorization` header does not open the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is none.
    #[error("no Authorization header")]
    Missing,
    /// It is not of the form `Bearer <token>`.
    #[error("the Authorization header is not a bearer token")]
    Malformed,
    /// A token, but not one of ours.
    #[error("the bearer token is unknown")]
    Mismatch,
}

impl Tokens {
    /// Reads entries of the form `token`, `name:token` or `name:role:token`. Without a role, a caller is an admin; without
    /// a name, it is called `token-1`, `token-2` and so on, by its place.
    ///
    /// # Errors
    /// The first entry that cannot be used.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, BadEntry> {
        let mut tokens = Self::default();
        for (entry, number) in entries.into_iter().zip(1..) {
            tokens.add(entry.trim(), number).map_err(at(number))?;
        }
        Ok(tokens)
    }

    /// Reads entries of the form `name:token`, where there are no roles: those of identity providers, which may ask for what any
    /// requester may.
    ///
    /// # Errors
    /// The first entry that cannot be used.
    pub fn parse_named<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, BadEntry> {
        const EXPECTED: &str = "name:token, with a token of visible ASCII without colons";
        let mut tokens = Self::default();
        for (entry, number) in entries.into_iter().zip(1..) {
            let parts: Vec<&str> = entry.split(':').map(str::trim).collect();
            let [name, token] = parts[..] else { return Err(at(number)(EntryProblem::Malformed(EXPECTED))) };
            let name = checked_name(name).map_err(at(number))?.to_owned();
            tokens.keep(name, Role::Requester, token, EXPECTED).map_err(at(number))?;
        }
        Ok(tokens)
    }

    fn add(&mut self, entry: &str, number: usize) -> Result<(), EntryProblem> {
        const EXPECTED: &str = "token, name:token or name:role:token, with a token of visible ASCII without colons";
        let parts: Vec<&str> = entry.split(':').map(str::trim).collect();
        let (name, role, token) = match parts[..] {
            [token] => (format!("token-{number}"), Role::Admin, token),
            [name, token] => {
                // Somebody who writes `viewer:token` does not mean an admin of that name.
                if name.parse::<Role>().is_ok_and(|role| role != Role::Admin) {
                    return Err(EntryProblem::RoleWithoutName);
                }
                (checked_name(name)?.to_owned(), Role::Admin, token)
            }
            [name, role, token] => {
                let role = role.parse().map_err(|_| EntryProblem::BadRole)?;
                (checked_name(name)?.to_owned(), role, token)
            }
            _ => return Err(EntryProblem::Malformed(EXPECTED)),
        };
        self.keep(name, role, token, EXPECTED)
    }

    fn keep(&mut self, name: String, role: Role, token: &str, expected: &'static str) -> Result<(), EntryProblem> {
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EntryProblem::Malformed(expected));
        }
        if token.len() < SHORTEST_TOKEN {
            return Err(EntryProblem::Short("a token has at least 24 characters"));
        }
        let digest = digest(token);
        if self.entries.iter().any(|(known, _)| *known == digest) {
            return Err(EntryProblem::Repeated);
        }
        if self.entries.iter().any(|(_, caller)| caller.name == name && caller.role != role) {
            return Err(EntryProblem::AnotherRole);
        }
        self.entries.push((digest, Caller { name, role }));
        Ok(())
    }

    /// Whether there is no token at all, so that nobody can come in.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Who shows the token in an `Authorization` header. The scheme's name is compared without regard to case (RFC 9110).
    ///
    /// # Errors
    /// [`Rejection`], for the log.
    pub fn verify(&self, authorization: Option<&[u8]>) -> Result<&Caller, Rejection> {
        let value = authorization.ok_or(Rejection::Missing)?;
        let token = token(value).ok_or(Rejection::Malformed)?;
        let shown = digest(token);
        let entry = find(&self.entries, |(known, _)| known.ct_eq(&shown));
        entry.map(|(_, caller)| caller).ok_or(Rejection::Mismatch)
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokens({} of them)", self.entries.len())
    }
}

fn token(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(b"Bearer ".len())?;
    let token = rest.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

fn digest(token: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OLD: &str = "current-token-0123456789";
    const NEW: &str = "next-token-0123456789abc";

    fn tokens() -> Tokens {
        Tokens::parse([format!("hr:{OLD}").as_str(), &format!("hr:{NEW}")]).unwrap()
    }

    fn problem(entries: &[&str]) -> (usize, EntryProblem) {
        let bad = Tokens::parse(entries.iter().copied()).unwrap_err();
        let told = bad.to_string();
        assert!(!told.contains('\n') && !told.contains("token-0123"), "{told}");
        (bad.number, bad.problem)
    }

    #[test]
    fn either_token_opens_while_they_are_being_rotated() {
        for header in [format!("Bearer {OLD}"), format!("bearer {NEW}"), format!("BEARER   {NEW} ")] {
            let caller = tokens().verify(Some(header.as_bytes())).cloned();
            assert_eq!(caller, Ok(Caller { name: "hr".into(), role: Role::Admin }), "{header}");
        }
    }

    #[test]
    fn each_token_belongs_to_its_caller() {
        let entries =
            [OLD, "hr:requester:hr-token-0123456789abcdef", " audit : viewer : audit-token-0123456789abc ", NEW];
        let tokens = Tokens::parse(entries).unwrap();
        for (token, name, role) in [
            (OLD, "token-1", Role::Admin),
            ("hr-token-0123456789abcdef", "hr", Role::Requester),
            ("audit-token-0123456789abc", "audit", Role::Viewer),
            (NEW, "token-4", Role::Admin),
        ] {
            let caller = tokens.verify(Some(format!("Bearer {token}").as_bytes())).unwrap();
            assert_eq!((caller.name.as_str(), caller.role), (name, role));
        }
    }

    #[test]
    fn a_bad_entry_is_named_by_number() {
        assert_eq!(problem(&[OLD, "short"]).0, 2);
        assert!(matches!(problem(&["x-token-0123456789abcde"]).1, EntryProblem::Short(_)), "23 characters");
        assert!(matches!(problem(&["hr:short"]).1, EntryProblem::Short(_)));
        assert_eq!(problem(&[OLD, NEW, OLD]), (3, EntryProblem::Repeated));
        assert_eq!(problem(&[OLD, &format!("hr:viewer:{OLD}")]), (2, EntryProblem::Repeated), "under another name");
        let roles = [format!("hr:viewer:{OLD}"), format!("hr:admin:{NEW}")];
        assert_eq!(problem(&[&roles[0], &roles[1]]), (2, EntryProblem::AnotherRole));
        assert_eq!(problem(&[&format!("hr:owner:{OLD}")]), (1, EntryProblem::BadRole));
        assert_eq!(problem(&[&format!("viewer:{OLD}")]), (1, EntryProblem::RoleWithoutName));
        for name in ["", "h r", "jörg", &"n".repeat(65)] {
            assert_eq!(problem(&[&format!("{name}:{OLD}")]), (1, EntryProblem::BadName), "{name}");
        }
        assert!(matches!(problem(&[&format!("a:viewer:b:{OLD}")]).1, EntryProblem::Malformed(_)));
        assert!(matches!(problem(&["a token with spaces in it"]).1, EntryProblem::Malformed(_)));
    }

    #[test]
    fn named_tokens_have_a_name_and_no_role() {
        let tokens = Tokens::parse_named([format!("okta:{OLD}").as_str(), &format!(" okta : {NEW} ")]).unwrap();
        let caller = tokens.verify(Some(format!("Bearer {NEW}").as_bytes())).cloned();
        assert_eq!(caller, Ok(Caller { name: "okta".into(), role: Role::Requester }));
        let problem = |entries: &[&str]| {
            let bad = Tokens::parse_named(entries.iter().copied()).unwrap_err();
            assert!(!bad.to_string().contains('\n') && !bad.to_string().contains("token-0123"), "{bad}");
            (bad.number, bad.problem)
        };
        let good = format!("okta:{OLD}");
        assert!(matches!(problem(&[OLD]), (1, EntryProblem::Malformed(_))), "a name is asked for");
        assert!(matches!(problem(&[&good, &format!("okta:viewer:{NEW}")]), (2, EntryProblem::Malformed(_))));
        assert!(matches!(problem(&["okta:a token with spaces in it"]), (1, EntryProblem::Malformed(_))));
        assert!(matches!(problem(&["okta:short"]), (1, EntryProblem::Short(_))));
        assert_eq!(problem(&[&good, &format!("entra:{OLD}")]), (2, EntryProblem::Repeated));
        assert_eq!(problem(&[&format!("o k:{OLD}")]), (1, EntryProblem::BadName));
    }

    #[test]
    fn everything_else_is_told_apart_for_the_log() {
        assert_eq!(tokens().verify(None), Err(Rejection::Missing));
        for header in ["", "Bearer", "Bearer ", &format!("Basic {OLD}"), OLD, &format!("Bearer{OLD}")] {
            assert_eq!(tokens().verify(Some(header.as_bytes())), Err(Rejection::Malformed), "{header:?}");
        }
        for token in [&OLD[1..], &format!("{OLD}2"), &OLD.to_uppercase(), &format!("{OLD} {NEW}"), "hr"] {
            let header = format!("Bearer {token}");
            assert_eq!(tokens().verify(Some(header.as_bytes())), Err(Rejection::Mismatch), "{header:?}");
        }
    }

    #[test]
    fn a_door_without_tokens_stays_shut() {
        let none = Tokens::default();
        assert!(none.is_empty());
        assert_eq!(none.verify(Some(b"Bearer anything")), Err(Rejection::Mismatch));
    }

    #[test]
    fn a_token_is_not_printed() {
        assert_eq!(format!("{:?}", tokens()), "Tokens(2 of them)");
    }

    proptest! {
        #[test]
        fn any_flipped_bit_shuts_the_door(
            token in "[!-+\\--9;-~]{24,80}", at in any::<prop::sample::Index>(), bit in 0u8..8,
        ) {
            let tokens = Tokens::parse([token.as_str()]).unwrap();
            let mut header = format!("Bearer {token}").into_bytes();
            prop_assert!(tokens.verify(Some(&header)).is_ok());
            let at = b"Bearer ".len() + at.index(token.len());
            header[at] ^= 1 << bit;
            prop_assert!(tokens.verify(Some(&header)).is_err());
        }

        #[test]
        fn no_header_panics_or_opens(header in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(tokens().verify(Some(&header)).is_err());
        }

        #[test]
        fn no_entry_panics(entries in prop::collection::vec(".{0,40}", 0..4)) {
            let _ = Tokens::parse(entries.iter().map(String::as_str));
        }
    }
}
