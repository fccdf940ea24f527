//! DSSE envelopes: <https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md>.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::key::{KeySet, SigningKey};

/// The payload is the record of an offboarding.
pub const RECORD: &str = "application/vnd.podio-lifecycle.evidence+json";
/// The payload says how many calls were recorded so far.
pub const CALLS: &str = "application/vnd.podio-lifecycle.calls+json";
/// The media type of an envelope.
pub const MEDIA_TYPE: &str = "application/vnd.dsse+json";

/// A signed envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The content, base64.
    pub payload: String,
    /// What the content is.
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// One signature.
    pub signatures: Vec<Signature>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The `kid` of the key.
    pub keyid: String,
    /// The signature, base64.
    pub sig: String,
}

/// Why an envelope is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unbelievable {
    /// It has another type, or more or fewer signatures than one, or is not encoded as it says.
    #[error("it is not an envelope of the expected kind")]
    Shape,
    /// Nobody has vouched for the key.
    #[error("it is signed with the key {0}, which is not among the known keys")]
    UnknownKey(String),
    /// The signature is not that of this content.
    #[error("its signature does not belong to its content")]
    Forged,
}

impl Envelope {
    /// Signs `payload`.
    pub fn sign(payload_type: &str, payload: &str, key: &SigningKey) -> Self {
        let sig = BASE64_STANDARD.encode(key.sign(&encoded(payload_type, payload.as_bytes())));
        Self::with(payload_type, payload, Signature { keyid: key.public().kid.clone(), sig })
    }

    /// An envelope with a signature that was made before.
    pub fn with(payload_type: &str, payload: &str, signature: Signature) -> Self {
        Self {
            payload: BASE64_STANDARD.encode(payload),
            payload_type: payload_type.to_owned(),
            signatures: vec![signature],
        }
    }

    /// The content, if one of `keys` has signed it.
    ///
    /// # Errors
    /// [`Unbelievable`].
    pub fn open(&self, payload_type: &str, keys: &KeySet) -> Result<String, Unbelievable> {
        let [signature] = &self.signatures[..] else { return Err(Unbelievable::Shape) };
        if self.payload_type != payload_type {
            return Err(Unbelievable::Shape);
        }
        let payload = BASE64_STANDARD.decode(&self.payload).map_err(|_| Unbelievable::Shape)?;
        if !keys.knows(&signature.keyid) {
            return Err(Unbelievable::UnknownKey(signature.keyid.clone()));
        }
        let sig = BASE64_STANDARD.decode(&signature.sig).map_err(|_| Unbelievable::Forged)?;
        if !keys.verifies(&signature.keyid, &encoded(payload_type, &payload), &sig) {
            return Err(Unbelievable::Forged);
        }
        String::from_utf8(payload).map_err(|_| Unbelievable::Shape)
    }
}

/// The pre-authentication encoding: what is signed.
fn encoded(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut encoded = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    encoded.extend_from_slice(payload);
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_is_that_of_the_specification() {
        let expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
        assert_eq!(encoded("http://example.com/HelloWorld", b"hello world"), expected);
    }

    #[test]
    fn only_what_was_signed_can_be_opened() {
        let key = SigningKey::from_seed(&[1; 32]).unwrap();
        let keys = KeySet::from(&key);
        let envelope = Envelope::sign(RECORD, "{}", &key);
        assert_eq!(envelope.open(RECORD, &keys), Ok("{}".to_owned()));
        assert_eq!(envelope.open(CALLS, &keys), Err(Unbelievable::Shape));
        let other = KeySet::from(&SigningKey::from_seed(&[2; 32]).unwrap());
        assert_eq!(envelope.open(RECORD, &other), Err(Unbelievable::UnknownKey(key.public().kid.clone())));
        let forged = Envelope::with(RECORD, "{ }", envelope.signatures[0].clone());
        assert_eq!(forged.open(RECORD, &keys), Err(Unbelievable::Forged));
        let unsigned = Envelope { signatures: Vec::new(), ..envelope };
        assert_eq!(unsigned.open(RECORD, &keys), Err(Unbelievable::Shape));
    }
}
