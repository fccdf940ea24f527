//! Hook keys: Podio does not sign its hooks, so the address that a hook is registered with carries the proof.
//!
//! The key is the lower-case hexadecimal HMAC-SHA256 of `{ref_type}/{ref_id}` under a secret of ours. It can be made anew
//! whenever a hook is registered, and a leaked address opens no other object's door.

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::hmac_sha256;

/// Makes the key for the hooks of one object. `ref_type` must hold no slash, or two objects could share a key.
pub fn make(secret: &SecretString, ref_type: &str, ref_id: &str) -> String {
    hex::encode(hmac_sha256(secret.expose_secret().as_bytes(), &[ref_type.as_bytes(), b"/", ref_id.as_bytes()]))
}

/// Whether `key` is the object's key, to the letter. Compared in constant time.
pub fn verify(secret: &SecretString, ref_type: &str, ref_id: &str, key: &str) -> bool {
    make(secret, ref_type, ref_id).as_bytes().ct_eq(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "f92da9d9990f72bba652b00b1102cebfb62e689cead9d0f85d117f1c7fdbf516";

    fn secret() -> SecretString {
        SecretString::from("hook-secret-for-tests")
    }

    #[test]
    fn the_key_is_what_other_implementations_compute() {
        assert_eq!(make(&secret(), "app", "12345"), KEY);
        assert!(verify(&secret(), "app", "12345", KEY));
    }

    #[test]
    fn a_key_opens_one_door_only_and_is_written_in_one_way_only() {
        assert!(!verify(&secret(), "space", "12345", KEY));
        assert!(!verify(&secret(), "app", "12346", KEY));
        assert!(!verify(&SecretString::from("another secret"), "app", "12345", KEY));
        for wrong in ["", "f92d", &KEY.to_uppercase(), &format!("{KEY}0"), &KEY[..63]] {
            assert!(!verify(&secret(), "app", "12345", wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_flipped_bit_shuts_the_door(at in 0usize..64, bit in 0u8..7) {
            let mut key = KEY.as_bytes().to_vec();
            key[at] ^= 1 << bit;
            let key = String::from_utf8(key).unwrap();
            prop_assert!(!verify(&secret(), "app", "12345", &key));
        }

        #[test]
        fn no_input_panics_or_opens(ref_type in ".*", ref_id in ".*", key in ".*") {
            prop_assert!(!verify(&secret(), &ref_type, &ref_id, &key));
        }
    }
}
