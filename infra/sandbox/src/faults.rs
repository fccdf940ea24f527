//! Faults on demand: which calls are hit, and what happens to them.
//!
//! A fault strikes after authentication and quota, so the call it hits was counted, as Podio would have counted it.

use serde::{Deserialize, Serialize};

use crate::rng::SplitMix;

/// What an error answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorBody {
    /// Podio's envelope.
    #[default]
    Json,
    /// A proxy's page.
    Html,
    /// Nothing.
    Empty,
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FaultAction {
    /// Answers with an error.
    Error {
        /// 500, 502, 503, …
        status: u16,
        /// What the answer carries.
        #[serde(default)]
        body: ErrorBody,
        /// The call takes effect all the same.
        #[serde(default)]
        after_effect: bool,
    },
    /// Answers 420 although there is quota, naming the wait or not.
    RateLimit {
        /// Seconds to wait; told in the way the switches say.
        wait_seconds: Option<u64>,
    },
    /// Answers 401 `expired_token` although the token is good.
    Unauthorized,
    /// Answers 200 with a web page.
    Html,
    /// Says nothing for a while, then cuts the connection.
    Timeout {
        /// How long.
        seconds: u64,
        /// The call takes effect all the same.
        #[serde(default)]
        after_effect: bool,
    },
    /// Cuts the connection and does nothing.
    DropBeforeEffect,
    /// Does everything, then cuts the connection.
    DropAfterEffect,
    /// Answers properly, but late.
    Delay {
        /// How late.
        millis: u64,
    },
}

impl FaultAction {
    /// The call still does what it asks for.
    pub(crate) fn takes_effect(&self) -> bool {
        match self {
            Self::Error { after_effect, .. } | Self::Timeout { after_effect, .. } => *after_effect,
            Self::DropAfterEffect | Self::Delay { .. } => true,
            Self::RateLimit { .. } | Self::Unauthorized | Self::Html | Self::DropBeforeEffect => false,
        }
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Error { status, after_effect, .. } => {
                format!("error-{status}{}", if *after_effect { "-after-effect" } else { "" })
            }
            Self::RateLimit { .. } => "rate-limit".to_owned(),
            Self::Unauthorized => "unauthorized".to_owned(),
            Self::Html => "html".to_owned(),
            Self::Timeout { after_effect: true, .. } => "timeout-after-effect".to_owned(),
            Self::Timeout { .. } => "timeout".to_owned(),
            Self::DropBeforeEffect => "drop-before-effect".to_owned(),
            Self::DropAfterEffect => "drop-after-effect".to_owned(),
            Self::Delay { .. } => "delay".to_owned(),
        }
    }
}

fn any_path() -> String {
    "*".to_owned()
}

fn first() -> u64 {
    1
}

/// Which calls are hit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Only this method; none means any.
    #[serde(default)]
    pub method: Option<String>,
    /// Only paths that match; `*` stands for anything, slashes too.
    #[serde(default = "any_path")]
    pub path: String,
    /// The first matching call that is hit, from 1.
    #[serde(default = "first")]
    pub nth: u64,
    /// How many calls are hit; none means all from the first on.
    #[serde(default)]
    pub count: Option<u64>,
    /// How likely a call is hit; none means certainly.
    #[serde(default)]
    pub probability: Option<f64>,
    /// Seed of that chance.
    #[serde(default)]
    pub seed: u64,
    /// What happens.
    pub action: FaultAction,
}

impl FaultRule {
    /// Hits every call to `method path`.
    pub fn new(method: &str, path: &str, action: FaultAction) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: path.to_owned(),
            nth: 1,
            count: None,
            probability: None,
            seed: 0,
            action,
        }
    }

    /// Hits no more than `count` calls.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Armed {
    rule: FaultRule,
    matched: u64,
    struck: u64,
    rng: SplitMix,
}

/// The armed rules; the first that strikes decides.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Faults(Vec<Armed>);

impl Faults {
    /// Adds a rule behind those already armed.
    pub fn add(&mut self, rule: FaultRule) {
        let rng = SplitMix::new(rule.seed);
        self.0.push(Armed { rule, matched: 0, struck: 0, rng });
    }

    /// Disarms every rule.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The rules, and how often each has struck.
    pub fn rules(&self) -> impl Iterator<Item = (&FaultRule, u64)> {
        self.0.iter().map(|armed| (&armed.rule, armed.struck))
    }

    /// What happens to this call.
    pub(crate) fn strike(&mut self, method: &str, path: &str) -> Option<FaultAction> {
        self.0.iter_mut().find_map(|armed| armed.strike(method, path))
    }
}

impl Armed {
    fn strike(&mut self, method: &str, path: &str) -> Option<FaultAction> {
        let rule = &self.rule;
        let wanted = rule.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
        if !wanted || !matches(&rule.path, path) {
            return None;
        }
        self.matched += 1;
        if self.matched < rule.nth || rule.count.is_some_and(|count| self.struck >= count) {
            return None;
        }
        if !rule.probability.is_none_or(|probability| self.rng.chance(probability)) {
            return None;
        }
        self.struck += 1;
        Some(rule.action.clone())
    }
}

/// Whether `path` fits `pattern`, where `*` stands for any characters.
fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|head| path.strip_prefix(head)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_paths() {
        for (pattern, path, fits) in [
            ("*", "/org/1", true),
            ("/org/*", "/org/1/member/2", true),
            ("/org/1", "/org/1", true),
            ("/org/1", "/org/12", false),
            ("/space/*/member/*", "/space/5/member/9", true),
            ("/space/*/member/*", "/space/5", false),
            ("*/member/9", "/space/5/member/99", false),
        ] {
            assert_eq!(matches(pattern, path), fits, "{pattern} on {path}");
        }
    }

    #[test]
    fn a_rule_strikes_from_the_nth_call_on_and_only_so_often() {
        let mut faults = Faults::default();
        let rule = FaultRule { nth: 2, ..FaultRule::new("DELETE", "/org/*", FaultAction::Unauthorized).times(2) };
        faults.add(rule);
        assert_eq!(faults.strike("GET", "/org/1"), None);
        let struck: Vec<bool> = (0..5).map(|_| faults.strike("DELETE", "/org/1").is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
    }

    #[test]
    fn chance_follows_its_seed() {
        let run = |seed| {
            let mut faults = Faults::default();
            let action = FaultAction::DropBeforeEffect;
            faults.add(FaultRule { probability: Some(0.5), seed, ..FaultRule::new("GET", "*", action) });
            (0..64).map(|_| faults.strike("GET", "/").is_some()).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        assert!(run(1).contains(&true) && run(1).contains(&false));
    }
}
