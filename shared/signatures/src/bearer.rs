//! Bearer tokens (RFC 6750): the caller shows a token that we know.
//!
//! Only digests are kept and compared, each with each, so that the time taken tells neither how long a token is, nor how
//! far a guess was right, nor which of several tokens it resembled.

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The tokens that open the door, as digests.
#[derive(Clone, Default)]
pub struct Tokens {
    digests: Vec<[u8; 32]>,
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
    /// Accepts any of `tokens`. Empty ones are left out, since they would let everybody in.
    pub fn new<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let digests = tokens.into_iter().filter(|token| !token.is_empty()).map(digest).collect();
        Self { digests }
    }

    /// Whether there is no token at all, so that nobody can come in.
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Checks the value of an `Authorization` header. The scheme's name is compared without regard to case (RFC 9110).
    pub fn verify(&self, authorization: Option<&[u8]>) -> Result<(), Rejection> {
        let value = authorization.ok_or(Rejection::Missing)?;
        let token = token(value).ok_or(Rejection::Malformed)?;
        let shown = digest(token);
        let known = self.digests.iter().fold(Choice::from(0), |known, digest| known | digest.ct_eq(&shown));
        if bool::from(known) { Ok(()) } else { Err(Rejection::Mismatch) }
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokens({} of them)", self.digests.len())
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

    fn tokens() -> Tokens {
        Tokens::new(["current-token", "next-token"])
    }

    #[test]
    fn either_token_opens_while_they_are_being_rotated() {
        for header in ["Bearer current-token", "bearer next-token", "BEARER   next-token "] {
            assert_eq!(tokens().verify(Some(header.as_bytes())), Ok(()), "{header}");
        }
    }

    #[test]
    fn everything_else_is_told_apart_for_the_log() {
        assert_eq!(tokens().verify(None), Err(Rejection::Missing));
        for header in ["", "Bearer", "Bearer ", "Basic current-token", "current-token", "Bearercurrent-token"] {
            assert_eq!(tokens().verify(Some(header.as_bytes())), Err(Rejection::Malformed), "{header:?}");
        }
        for header in
            ["Bearer current-toke", "Bearer current-token2", "Bearer Current-Token", "Bearer current-token next-token"]
        {
            assert_eq!(tokens().verify(Some(header.as_bytes())), Err(Rejection::Mismatch), "{header:?}");
        }
    }

    #[test]
    fn a_door_without_tokens_stays_shut() {
        let none = Tokens::new(["", ""]);
        assert!(none.is_empty());
        assert_eq!(none.verify(Some(b"Bearer anything")), Err(Rejection::Mismatch));
    }

    #[test]
    fn a_token_is_not_printed() {
        assert_eq!(format!("{:?}", tokens()), "Tokens(2 of them)");
    }

    proptest! {
        #[test]
        fn any_flipped_bit_shuts_the_door(token in "[!-~]{1,80}", at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let tokens = Tokens::new([token.as_str()]);
            let mut header = format!("Bearer {token}").into_bytes();
            prop_assert_eq!(tokens.verify(Some(&header)), Ok(()));
            let at = b"Bearer ".len() + at.index(token.len());
            header[at] ^= 1 << bit;
            prop_assert!(tokens.verify(Some(&header)).is_err());
        }

        #[test]
        fn no_header_panics_or_opens(header in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(tokens().verify(Some(&header)).is_err());
        }
    }
}
