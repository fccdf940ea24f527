//! Rule 3: no window holds more calls than the ceiling, and whoever is alone never meets a 420.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use podio_sandbox::Bucket;

use super::{Evidence, Violation, broken};

pub(super) fn judge(evidence: &Evidence<'_>) -> Vec<Violation> {
    if !evidence.scene.is_alone() {
        return Vec::new();
    }
    let mut broken_rules = Vec::new();
    let counted = |call: &&podio_sandbox::Call| matches!(call.bucket, Some(Bucket::General | Bucket::Heavy));
    if let Some(call) = evidence.log.iter().filter(counted).find(|call| call.rejected_420) {
        broken_rules.push(broken(3, format!("call {} met a 420", call.n)));
    }
    let window = SignedDuration::from_secs(evidence.scene.quota.window_seconds.into());
    let mut times: BTreeMap<u32, Vec<_>> = BTreeMap::new();
    for call in evidence.log.iter().filter(counted) {
        if let Some(limit) = call.limit {
            times.entry(limit).or_default().push((call.time, call.n));
        }
    }
    for (limit, times) in times {
        let crowded =
            times.windows(limit as usize + 1).find(|few| few[limit as usize].0.duration_since(few[0].0) < window);
        if let Some(few) = crowded {
            let what = format!("calls {} to {} are more than {limit} in a window", few[0].1, few[limit as usize].1);
            broken_rules.push(broken(3, what));
        }
    }
    broken_rules
}
