//! Finds out who is calling and what they may do: a sender that signs what it sends, or anyone with a token.

use podio_lifecycle::{actor::Actor, source::Source};
use podio_signatures::{
    Role, bearer,
    standard_webhooks::{self, Headers},
};

use crate::{Exchange, problem::Problem};

/// Somebody who has proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller<'a> {
    /// The name under which everything that they do is written down.
    pub(crate) name: &'a str,
    /// How they have proved it.
    pub(crate) proof: Proof,
}

/// How a caller has proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// By signing the body.
    Signed {
        /// The header with the message's id, which is part of what was signed.
        id: &'static str,
    },
    /// By showing a token, which gives it a role.
    Bearer(Role),
}

impl Caller<'_> {
    /// As history and evidence name them.
    pub(crate) fn actor(&self) -> Actor {
        self.source().actor()
    }

    /// What an offboarding comes from that they ask for.
    pub(crate) fn source(&self) -> Source {
        let name = self.name.to_owned();
        match self.proof {
            Proof::Signed { .. } => Source::Sender { name },
            Proof::Bearer(_) => Source::Api { name },
        }
    }

    /// Whether they have at least that role. A sender that signs can do nothing but ask, and what it asks for may be urgent.
    pub(crate) fn is_at_least(&self, role: Role) -> bool {
        match self.proof {
            Proof::Signed { .. } => role <= Role::Approver,
            Proof::Bearer(own) => own >= role,
        }
    }

    /// Refuses a caller whose role does not suffice. `what` completes the sentence.
    pub(crate) fn require(&self, role: Role, what: &str) -> Result<(), Problem> {
        if self.is_at_least(role) {
            return Ok(());
        }
        let own = match self.proof {
            Proof::Signed { .. } => "sender",
            Proof::Bearer(own) => own.name(),
        };
        let detail =
            format!("The role {} or a higher one is needed to {what}; this token has the role {own}.", role.name());
        Err(Problem::Forbidden(detail.into()))
    }
}

/// Lets in whoever shows a token. Each role may read.
pub(crate) fn token<'a>(exchange: &Exchange<'a>) -> Result<Caller<'a>, Problem> {
    let found = exchange.settings.api_tokens.verify(exchange.header("authorization"));
    let bearer::Caller { name, role } = found.map_err(|reason| {
        tracing::warn!(%reason, "refused");
        Problem::Unauthorized { bad_token: reason != bearer::Rejection::Missing }
    })?;
    Ok(Caller { name, proof: Proof::Bearer(*role) })
}

/// Lets in whoever signed the body, or shows a token. A signature that is there must be right: a token does not mend it.
pub(crate) fn sender<'a>(exchange: &Exchange<'a>) -> Result<Caller<'a>, Problem> {
    let signed = |names: &&standard_webhooks::HeaderNames| exchange.header(names.signature).is_some();
    let Some(names) = standard_webhooks::HEADER_NAMES.iter().find(signed) else {
        return token(exchange);
    };
    let headers = Headers {
        id: exchange.header(names.id),
        timestamp: exchange.header(names.timestamp),
        signature: exchange.header(names.signature),
    };
    let now = exchange.ports.clock.now();
    let senders = &exchange.settings.senders;
    match senders.verify(headers, exchange.body(), now) {
        Ok(name) => Ok(Caller { name, proof: Proof::Signed { id: names.id } }),
        Err(reason) => {
            tracing::warn!(%reason, "refused");
            Err(Problem::Unauthorized { bad_token: false })
        }
    }
}
