//! Who signed this: the checks that stand at the public doors.
//!
//! Pure functions over bytes. Time is passed in, nothing is read from the environment, no secret is ever printed, and
//! every comparison with a secret takes the same time whatever the guess. A check says yes or gives one of a handful of
//! reasons, which belong into a log and not into an answer.
//!
//! One module for each way of proving who one is. The vendors' own schemes, which differ only in header, algorithm,
//! encoding and signed text, are rows of the table in [`senders`].

pub mod bearer;
mod entries;
pub mod hook_key;
mod role;
pub mod senders;
pub mod standard_webhooks;

pub use entries::{BadEntry, EntryProblem};
pub use role::{NotARole, Role};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// HMAC-SHA256 over the concatenation of `parts`.
fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length (RFC 2104)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC accepts keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
