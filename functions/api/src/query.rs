//! The query string, read strictly where a mistake would change the answer.

use std::borrow::Cow;

use crate::{
    Exchange,
    problem::{ParameterError, Problem},
    route::Route,
};

/// A name that nobody has declared is repeated to the caller up to this many characters.
const LONGEST_NAME: usize = 60;

/// Refuses parameters that the route does not declare.
///
/// A caller who writes `POST /offboardings?dry_run=true` means the body's field. If the parameter were ignored, the request
/// would remove somebody.
pub(crate) fn expect_declared(exchange: &Exchange<'_>, route: &Route) -> Result<(), Problem> {
    let declared = route.parameters(exchange.request.method());
    let query = Query::of(exchange);
    let unknown = query.pairs.iter().map(|(name, _)| name).filter(|name| !declared.contains(&name.as_str()));
    let detail = match declared {
        [] => "this route takes no parameters; put it into the body where the route has one".to_owned(),
        names => format!("this route takes {}", names.join(", ")),
    };
    let errors: Vec<ParameterError> = unknown
        .map(|name| ParameterError {
            parameter: name.chars().take(LONGEST_NAME).collect::<String>().into(),
            detail: detail.clone().into(),
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::BadQuery(errors)) }
}

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
            self.errors.push(ParameterError { parameter: name.into(), detail: expected.into() });
        }
        value
    }
}
