//! The key that signs evidence, and the public keys that check it.
//!
//! `ring` signs, since rustls brings it along already: a second implementation of the curve would make the packages larger
//! and no safer.

use std::{fmt, str::FromStr, sync::Arc};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Letters and digits of a generated seed: what template.yaml has Secrets Manager generate. No key in base64 has this
/// length, so that the two cannot be mistaken for each other.
pub const SEED_LENGTH: usize = 86;

/// The text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an Ed25519 private key (PKCS#8, base64) or {SEED_LENGTH} generated letters and digits")]
pub struct NoKey;

/// The worker's private key. `Debug` shows its id.
#[derive(Clone)]
pub struct SigningKey {
    pair: Arc<Ed25519KeyPair>,
    jwk: Jwk,
}

impl SigningKey {
    /// The key of a seed of 32 bytes.
    ///
    /// # Errors
    /// [`NoKey`] where the seed has another length.
    pub fn from_seed(seed: &[u8]) -> Result<Self, NoKey> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(Self::of).map_err(|_| NoKey)
    }

    /// The private key of a seed as `EVIDENCE_KEY` takes it: PKCS#8 (RFC 8410) in base64.
    pub fn written(seed: &[u8; 32]) -> String {
        const BEFORE_THE_SEED: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
        BASE64_STANDARD.encode([BEFORE_THE_SEED, seed].concat())
    }

    fn of(pair: Ed25519KeyPair) -> Self {
        let jwk = Jwk::of(pair.public_key().as_ref());
        Self { pair: Arc::new(pair), jwk }
    }

    /// The public key.
    pub fn public(&self) -> &Jwk {
        &self.jwk
    }

    /// Signs.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl FromStr for SigningKey {
    type Err = NoKey;

    /// Reads `EVIDENCE_KEY`: a private key as `openssl genpkey -algorithm ed25519 -outform DER | base64 -w0` prints it, or
    /// [`SEED_LENGTH`] random letters and digits, of which the key is derived. Secrets Manager can generate the latter but
    /// not the former, and a key that AWS generates into the secret needs no function that may write there.
    fn from_str(text: &str) -> Result<Self, NoKey> {
        let text = text.trim();
        if text.len() == SEED_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let mut seed = Sha256::new();
            seed.update(b"podio-lifecycle evidence key 1\n");
            seed.update(text);
            return Self::from_seed(&seed.finalize());
        }
        let der = BASE64_STANDARD.decode(text).map_err(|_| NoKey)?;
        // OpenSSL leaves the public key out, which the checked form would insist on.
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map(Self::of).map_err(|_| NoKey)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.jwk.kid).finish_non_exhaustive()
    }
}

/// A public key as a JSON Web Key (RFC 8037). `kid` is its thumbprint (RFC 7638), so that it cannot name another key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// Always `OKP`.
    pub kty: String,
    /// Always `Ed25519`.
    pub crv: String,
    /// The key, base64url.
    pub x: String,
    /// The thumbprint, base64url.
    pub kid: String,
    /// Always `EdDSA`.
    pub alg: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
}

impl Jwk {
    fn of(public: &[u8]) -> Self {
        let x = BASE64_URL_SAFE_NO_PAD.encode(public);
        let kid = thumbprint(&x);
        let (kty, crv, alg, usage) = ("OKP".to_owned(), "Ed25519".to_owned(), "EdDSA".to_owned(), "sig".to_owned());
        Self { kty, crv, x, kid, alg, usage }
    }

    /// The key, if it is one of ours and is the one that its `kid` names.
    fn bytes(&self) -> Option<Vec<u8>> {
        let key = BASE64_URL_SAFE_NO_PAD.decode(&self.x).ok()?;
        (*self == Self::of(&key)).then_some(key)
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.bytes().is_some_and(|key| UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok())
    }
}

fn thumbprint(x: &str) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}

/// Public keys: what `GET /evidence/keys` answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySet {
    /// The keys, those that sign no more included.
    pub keys: Vec<Jwk>,
}

impl KeySet {
    /// Whether there is a key of that id.
    pub fn knows(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid == kid)
    }

    /// Whether the key of that id made the signature.
    pub fn verifies(&self, kid: &str, message: &[u8], signature: &[u8]) -> bool {
        self.keys.iter().any(|key| key.kid == kid && key.verifies(message, signature))
    }
}

impl From<&SigningKey> for KeySet {
    fn from(key: &SigningKey) -> Self {
        Self { keys: vec![key.public().clone()] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.
    const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn rfc_8037() -> SigningKey {
        SigningKey::from_seed(&BASE64_URL_SAFE_NO_PAD.decode(SEED).unwrap()).unwrap()
    }

    #[test]
    fn key_and_thumbprint_are_those_of_rfc_8037() {
        let key = rfc_8037();
        assert_eq!(key.public().x, X);
        assert_eq!(key.public().kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn private_key_is_read_as_openssl_prints_it() {
        let openssl = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
        let key: SigningKey = openssl.parse().unwrap();
        assert_eq!(key.public(), rfc_8037().public());
        let seed = BASE64_URL_SAFE_NO_PAD.decode(SEED).unwrap();
        assert_eq!(SigningKey::written(&seed.try_into().unwrap()), openssl);
    }

    #[test]
    fn generated_seed_always_gives_the_same_key() {
        let seed = "a1".repeat(SEED_LENGTH / 2);
        let (one, two): (SigningKey, SigningKey) = (seed.parse().unwrap(), seed.parse().unwrap());
        assert_eq!(one.public(), two.public());
        let other: SigningKey = "b1".repeat(SEED_LENGTH / 2).parse().unwrap();
        assert_ne!(one.public(), other.public());
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "3vidence", "MC4CAQAwBQYDK2VwBCIEIA==", &"a".repeat(85), &"-".repeat(86), &"a".repeat(64)] {
            assert_eq!(text.parse::<SigningKey>().map(|_| ()), Err(NoKey), "{text}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", rfc_8037());
        assert!(shown.contains(&rfc_8037().public().kid) && !shown.contains(SEED), "{shown}");
    }

    #[test]
    fn kid_names_one_key_only() {
        let mut forged = SigningKey::from_seed(&[1; 32]).unwrap();
        forged.jwk.kid = rfc_8037().public().kid.clone();
        let signature = forged.sign(b"message");
        assert!(!KeySet::from(&forged).verifies(&forged.jwk.kid, b"message", &signature));
    }
}
