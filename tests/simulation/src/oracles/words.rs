//! Rule 8, as far as the doors' answers go: problems are told as such and give nothing away. The log is listened to by
//! [`crate::ears`].

use super::{Evidence, Violation, broken};

pub(super) fn judge(evidence: &Evidence<'_>) -> Vec<Violation> {
    evidence.dealings.improper.iter().map(|what| broken(8, what.clone())).collect()
}
