//! Who is calling: a sender that signs what it sends, or anyone with a token.

use podio_signatures::{
    bearer,
    standard_webhooks::{self, Headers},
};

use crate::{Exchange, problem::Problem};

/// How a sender has proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// By signing the body.
    Signed {
        /// The header with the message's id, which is part of what was signed.
        id: &'static str,
    },
    /// By showing a token.
    Bearer,
}

impl Sender {
    /// A word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Signed { .. } => "signed",
            Self::Bearer => "bearer",
        }
    }
}

/// Lets in whoever shows a token.
pub(crate) fn admin(exchange: &Exchange<'_>) -> Result<(), Problem> {
    exchange.settings.api_tokens.verify(exchange.header("authorization")).map_err(|reason| {
        tracing::warn!(%reason, "refused");
        Problem::Unauthorized { bad_token: reason != bearer::Rejection::Missing }
    })
}

/// Lets in whoever signed the body, or shows a token. A signature that is there must be right: a token does not mend it.
pub(crate) fn sender(exchange: &Exchange<'_>) -> Result<Sender, Problem> {
    let signed = |names: &&standard_webhooks::HeaderNames| exchange.header(names.signature).is_some();
    let Some(names) = standard_webhooks::HEADER_NAMES.iter().find(signed) else {
        return admin(exchange).map(|()| Sender::Bearer);
    };
    let headers = Headers {
        id: exchange.header(names.id),
        timestamp: exchange.header(names.timestamp),
        signature: exchange.header(names.signature),
    };
    let now = exchange.ports.clock.now();
    match standard_webhooks::verify(&exchange.settings.offboarding_secrets, headers, exchange.body(), now) {
        Ok(()) => Ok(Sender::Signed { id: names.id }),
        Err(reason) => {
            tracing::warn!(%reason, "refused");
            Err(Problem::Unauthorized { bad_token: false })
        }
    }
}
