//! Pages and filters of member lists.

use serde_json::Value;

use super::Context;
use crate::ids::UserId;
use crate::refusal::Refusal;
use crate::switches::{OverMax, QueryParameter};

/// Where a page begins and how long it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    offset: usize,
    limit: usize,
}

impl Page {
    pub(super) fn cut<T>(self, items: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        items.into_iter().skip(self.offset).take(self.limit)
    }
}

impl Context<'_> {
    /// The page asked for.
    pub(super) fn page(&self) -> Result<Page, Refusal> {
        let switches = &self.state.switches;
        let offset = self.number("offset")?.unwrap_or(0);
        let limit = self.number("limit")?.unwrap_or(switches.page_default);
        let limit = match (limit > switches.page_max, switches.over_max) {
            (true, OverMax::Refuse) => {
                return Err(Refusal::invalid_value(format!(
                    "{limit} (integer): must be at most {}",
                    switches.page_max
                )));
            }
            (true, OverMax::Clamp) => switches.page_max,
            (false, _) => limit,
        };
        Ok(Page { offset: offset as usize, limit: limit as usize })
    }

    fn number(&self, name: &str) -> Result<Option<u32>, Refusal> {
        let parse =
            |text: &str| text.parse().map_err(|_| Refusal::invalid_value(format!("{text} (string): must be integer")));
        self.parameter(name).map(parse).transpose()
    }

    /// Whether somebody fits `query=`, where that is honoured.
    pub(super) fn fits_query(&self, user_id: UserId) -> bool {
        match (self.parameter("query"), self.state.switches.member_query) {
            (None, _) | (_, QueryParameter::Ignored) => true,
            (Some(term), QueryParameter::Honoured) => self.fits(user_id, term),
        }
    }

    pub(super) fn fits(&self, user_id: UserId, term: &str) -> bool {
        let term = term.to_lowercase();
        self.state.people.get(&user_id).is_some_and(|person| {
            person.name.to_lowercase().contains(&term) || person.mail.to_lowercase().contains(&term)
        })
    }
}

/// An integer, as Podio wants ids: a number in a string is refused.
pub(super) fn integer(body: &Value, field: &str) -> Result<Option<u64>, Refusal> {
    match body.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            value.as_u64().map(Some).ok_or_else(|| Refusal::invalid_value(format!("{value}: must be integer")))
        }
    }
}
