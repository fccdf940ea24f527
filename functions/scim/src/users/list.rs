//! `GET /Users`, `POST /Users/.search` and `POST /.search`: users are the only resources that there are.

use lambda_http::http::StatusCode;
use podio_lifecycle::{
    ports::ScimPage,
    scim::{Filter, Key, ScimUser},
};
use serde_json::{Value, json};

use crate::{
    Exchange,
    answer::Answer,
    parameters::{self, Wanted},
    problem::Problem,
    resource,
};

const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

pub(crate) async fn list(exchange: &Exchange<'_>) -> Result<Answer, Problem> {
    found(exchange, parameters::of_query(exchange)?).await
}

pub(crate) async fn search(exchange: &Exchange<'_>) -> Result<Answer, Problem> {
    found(exchange, parameters::of_search(exchange)?).await
}

/// The answer where there is nothing of the kind, such as groups.
pub(crate) fn nobody(exchange: &Exchange<'_>) -> Result<Answer, Problem> {
    let _ = parameters::shown(exchange)?;
    Ok(response(1, 0, Vec::new()))
}

async fn found(exchange: &Exchange<'_>, wanted: Wanted) -> Result<Answer, Problem> {
    let page = match &wanted.filter {
        None => page(exchange, None, &wanted).await?,
        Some(filter) => match filter.key() {
            Key::Active(active) => page(exchange, Some(active), &wanted).await?,
            key => cut(looked_up(exchange, filter, &key).await?, &wanted),
        },
    };
    let listed = |user: &ScimUser| wanted.shown.apply(resource::listed(&exchange.root, user));
    Ok(response(wanted.start, page.total, page.users.iter().map(listed).collect()))
}

async fn page(exchange: &Exchange<'_>, active: Option<bool>, wanted: &Wanted) -> Result<ScimPage, Problem> {
    Ok(exchange.ports.users.scim_page(active, wanted.start - 1, wanted.count).await?)
}

/// Those that a key finds, a hundred at most, and that the rest of the filter fits.
async fn looked_up(exchange: &Exchange<'_>, filter: &Filter, key: &Key) -> Result<Vec<ScimUser>, Problem> {
    let users = match key {
        Key::Id(id) => exchange.ports.users.scim_user(id).await?.into_iter().collect(),
        Key::Index(index) => exchange.ports.users.scim_users_by(index).await?,
        Key::Nobody | Key::Active(_) => Vec::new(),
    };
    Ok(users.into_iter().filter(|user| filter.matches(user)).collect())
}

fn cut(users: Vec<ScimUser>, wanted: &Wanted) -> ScimPage {
    let total = users.len();
    ScimPage { users: users.into_iter().skip(wanted.start - 1).take(wanted.count).collect(), total }
}

fn response(start: usize, total: usize, resources: Vec<Value>) -> Answer {
    let body = json!({
        "schemas": [LIST_RESPONSE], "totalResults": total, "startIndex": start, "itemsPerPage": resources.len(),
        "Resources": resources,
    });
    Answer::json(StatusCode::OK, &body)
}
