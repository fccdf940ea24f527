//! The query string, read strictly where a mistake would change the answer.

use std::borrow::Cow;

use crate::{Exchange, problem::ParameterError};

/// The parameters of a request, and what was wrong with those looked at so far.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    pub(crate) errors: Vec<ParameterError>,
}

impl Query {
    /// The parameters of a request.
    pub(crate) fn of(exchange: &Exchange<'_>) -> Self {
        let text = exchange.request.uri().query().unwrap_or_default();
        // Percent signs that encode nothing are taken as they are; there is no text that this cannot read.
        let pairs = serde_urlencoded::from_str(text).unwrap_or_default();
        Self { pairs, errors: Vec::new() }
    }

    /// One parameter, if it is there. Given twice it is an error, since nobody knows which one is meant.
    pub(crate) fn get<T>(
        &mut self,
        name: &'static str,
        expected: impl Into<Cow<'static, str>>,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let mut values = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let first = values.next()?;
        let value = if values.next().is_none() { read(first) } else { None };
        if value.is_none() {
            self.errors.push(ParameterError { parameter: name, detail: expected.into() });
        }
        value
    }
}
