//! What is shown to the token endpoint. Source: developers.podio.com/authentication.

use std::fmt;

use crate::secret::{AuthorizationCode, ClientSecret, Password, RefreshToken};

/// The API key of this program.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// The public half.
    pub client_id: String,
    /// The secret half.
    pub client_secret: ClientSecret,
}

/// The right to act as a user. `Debug` shows the kind only, since a user name is a mail address.
#[derive(Clone)]
pub enum Grant {
    /// From an authorization-code grant, kept since. The recommended way, and the only one for accounts with a second
    /// factor.
    Refresh(RefreshToken),
    /// What the browser brought back when the user consented.
    Code {
        /// The code.
        code: AuthorizationCode,
        /// Where the browser was sent back to, to the letter.
        redirect_uri: String,
    },
    /// The user's own credentials.
    Password {
        /// The address that the account signs in with.
        username: String,
        /// Its password.
        password: Password,
    },
}

impl Grant {
    /// The parameters of the token request, without the client's.
    pub(super) fn parameters(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Refresh(token) => vec![("grant_type", "refresh_token"), ("refresh_token", token.expose())],
            Self::Code { code, redirect_uri } => {
                vec![("grant_type", "authorization_code"), ("code", code.expose()), ("redirect_uri", redirect_uri)]
            }
            Self::Password { username, password } => {
                vec![("grant_type", "password"), ("username", username), ("password", password.expose())]
            }
        }
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refresh(_) => "Refresh",
            Self::Code { .. } => "Code",
            Self::Password { .. } => "Password",
        })
    }
}

impl ClientCredentials {
    pub(super) fn parameters(&self) -> [(&'static str, &str); 2] {
        [("client_id", &self.client_id), ("client_secret", self.client_secret.expose())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_user_nor_secret() {
        let password = Grant::Password { username: "jane@example.com".into(), password: Password::new("hunter2") };
        let client = ClientCredentials { client_id: "app".into(), client_secret: ClientSecret::new("s3cret") };
        let shown = format!("{password:?} {:?} {client:?}", Grant::Refresh(RefreshToken::new("r3fresh")));
        for secret in ["jane", "hunter2", "s3cret", "r3fresh"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
