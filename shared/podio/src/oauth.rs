//! OAuth: from a stored credential to an access token.
//!
//! Podio knows four grants; the three that may administer members are here. There is no `client_credentials` grant. The
//! token endpoint has a rate limiter of its own, so tokens are to be kept and shared.

mod grant;
mod token;

pub use grant::{ClientCredentials, Grant};
pub use token::{TokenError, TokenGrant};
