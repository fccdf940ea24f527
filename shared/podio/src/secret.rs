//! Secrets that a log line cannot leak: redacted in `Debug`, wiped on drop, readable only by saying `expose`.

use secrecy::{ExposeSecret, SecretString};

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Takes the secret into custody.
            pub fn new(secret: impl Into<String>) -> Self {
                Self(SecretString::from(secret.into()))
            }

            /// The secret itself, for the wire and the credentials table only.
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }
        }
    };
}

secret!(
    /// Acts as one Podio user for about eight hours.
    AccessToken
);
secret!(
    /// Buys the next [`AccessToken`]; lives 28 days.
    RefreshToken
);
secret!(
    /// Buys the first [`RefreshToken`], once and within minutes.
    AuthorizationCode
);
secret!(
    /// Belongs to the API key.
    ClientSecret
);
secret!(
    /// Of a Podio account, for the password grant.
    Password
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_the_kind_of_secret_and_nothing_else() {
        let shown = format!("{:?}", AccessToken::new("s3cret"));
        assert!(shown.contains("AccessToken") && !shown.contains("s3cret"), "{shown}");
        assert_eq!(AccessToken::new("s3cret").expose(), "s3cret");
    }
}
