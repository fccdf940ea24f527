//! The address that a hook was registered with: what it hangs on, and the key to its door.

use podio_lifecycle::hooks::HookRef;

/// What every address begins with ([`podio_door::path`]).
pub(crate) const ROOT: &str = "/hooks/podio";

/// An address, its key not looked at yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    pub(crate) on: HookRef,
    pub(crate) key: &'a str,
}

impl<'a> Address<'a> {
    /// Reads `/hooks/podio/{ref_type}/{ref_id}/{key}`.
    pub(crate) fn parse(path: &'a str) -> Option<Self> {
        let (on, key) = path.strip_prefix(ROOT)?.strip_prefix('/')?.rsplit_once('/')?;
        let on = on.parse().ok()?;
        (!key.is_empty()).then_some(Self { on, key })
    }
}
