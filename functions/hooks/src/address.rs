//! The address that a hook was registered with: what it hangs on, and the key to its door.

use lambda_http::{Request, RequestExt, request::RequestContext};
use podio_lifecycle::hooks::HookRef;

/// What every address begins with.
const PREFIX: &str = "/hooks/podio/";

/// An address, its key not looked at yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    pub(crate) on: HookRef,
    pub(crate) key: &'a str,
}

impl<'a> Address<'a> {
    /// Reads `/hooks/podio/{ref_type}/{ref_id}/{key}`.
    pub(crate) fn parse(path: &'a str) -> Option<Self> {
        let (on, key) = path.strip_prefix(PREFIX)?.rsplit_once('/')?;
        let on = on.parse().ok()?;
        (!key.is_empty()).then_some(Self { on, key })
    }
}

/// The request's path, without the stage that a gateway may put in front of it.
pub(crate) fn path(request: &Request) -> &str {
    let raw = request.raw_http_path();
    let path = if raw.is_empty() { request.uri().path() } else { raw };
    let stage = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.stage.as_deref(),
        _ => None,
    };
    let rest = stage.and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage));
    rest.filter(|rest| rest.starts_with('/')).unwrap_or(path)
}
