//! The routes of this door.

use lambda_http::http::Method;

/// What each route begins with ([`podio_door::path`]).
pub(crate) const ROOT: &str = "/scim/v2";

/// A route of SCIM. Ids are looked at only after the token is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/ServiceProviderConfig`
    Config,
    /// `/ResourceTypes`
    ResourceTypes,
    /// `/ResourceTypes/{name}`
    ResourceType(String),
    /// `/Schemas`
    Schemas,
    /// `/Schemas/{urn}`
    Schema(String),
    /// `/Users`
    Users,
    /// `/Users/{id}`
    User(String),
    /// `/.search` and `/Users/.search`
    Search,
    /// `/Groups`
    Groups,
    /// `/Groups/{id}`
    Group,
    /// `/Bulk`
    Bulk,
    /// `/Me`
    Me,
    /// Anything else.
    Unknown,
}

impl Route {
    /// The route that a path of the API leads to. A slash at its end does not count.
    pub(crate) fn parse(path: &str) -> Self {
        let Some(rest) = path.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix('/')) else { return Self::Unknown };
        let mut segments = rest.strip_suffix('/').unwrap_or(rest).split('/');
        let parts = [segments.next(), segments.next(), segments.next()];
        match parts {
            [Some("ServiceProviderConfig"), None, _] => Self::Config,
            [Some("ResourceTypes"), None, _] => Self::ResourceTypes,
            [Some("ResourceTypes"), Some(name), None] => Self::ResourceType(name.to_owned()),
            [Some("Schemas"), None, _] => Self::Schemas,
            [Some("Schemas"), Some(urn), None] => Self::Schema(urn.to_owned()),
            [Some(".search"), None, _] | [Some("Users"), Some(".search"), None] => Self::Search,
            [Some("Users"), None, _] => Self::Users,
            [Some("Users"), Some(id), None] if !id.is_empty() => Self::User(id.to_owned()),
            [Some("Groups"), None, _] => Self::Groups,
            [Some("Groups"), Some(_), None] => Self::Group,
            [Some("Bulk"), None, _] => Self::Bulk,
            [Some("Me"), None, _] => Self::Me,
            _ => Self::Unknown,
        }
    }

    /// The methods it takes, as the `Allow` header says it.
    pub(crate) fn allow(&self) -> &'static str {
        match self {
            Self::Config | Self::ResourceTypes | Self::ResourceType(_) | Self::Schemas | Self::Schema(_) => "GET, HEAD",
            Self::Users => "GET, HEAD, POST",
            Self::User(_) => "GET, HEAD, PUT, PATCH, DELETE",
            Self::Search => "POST",
            Self::Groups | Self::Group | Self::Bulk | Self::Me | Self::Unknown => "",
        }
    }

    /// Whether it takes a method.
    pub(crate) fn allows(&self, method: &Method) -> bool {
        self.allow().split(", ").any(|allowed| allowed == method.as_str())
    }

    /// The route's name in the log.
    pub(crate) fn template(&self) -> &'static str {
        match self {
            Self::Config => "/scim/v2/ServiceProviderConfig",
            Self::ResourceTypes => "/scim/v2/ResourceTypes",
            Self::ResourceType(_) => "/scim/v2/ResourceTypes/{name}",
            Self::Schemas => "/scim/v2/Schemas",
            Self::Schema(_) => "/scim/v2/Schemas/{urn}",
            Self::Users => "/scim/v2/Users",
            Self::User(_) => "/scim/v2/Users/{id}",
            Self::Search => "/scim/v2/.search",
            Self::Groups => "/scim/v2/Groups",
            Self::Group => "/scim/v2/Groups/{id}",
            Self::Bulk => "/scim/v2/Bulk",
            Self::Me => "/scim/v2/Me",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_finds_its_route() {
        for (path, route) in [
            ("/scim/v2/ServiceProviderConfig", Route::Config),
            ("/scim/v2/ResourceTypes", Route::ResourceTypes),
            ("/scim/v2/ResourceTypes/User", Route::ResourceType("User".to_owned())),
            ("/scim/v2/Schemas", Route::Schemas),
            ("/scim/v2/Schemas/urn:x", Route::Schema("urn:x".to_owned())),
            ("/scim/v2/Users", Route::Users),
            ("/scim/v2/Users/", Route::Users),
            ("/scim/v2/Users/usr_1", Route::User("usr_1".to_owned())),
            ("/scim/v2/Users/.search", Route::Search),
            ("/scim/v2/.search", Route::Search),
            ("/scim/v2/Groups", Route::Groups),
            ("/scim/v2/Groups/1", Route::Group),
            ("/scim/v2/Bulk", Route::Bulk),
            ("/scim/v2/Me", Route::Me),
            ("/scim/v2", Route::Unknown),
            ("/scim/v2/", Route::Unknown),
            ("/scim/v2/users", Route::Unknown),
            ("/scim/v2/Users/1/x", Route::Unknown),
            ("/scim/v1/Users", Route::Unknown),
            ("/Users", Route::Unknown),
            ("", Route::Unknown),
        ] {
            assert_eq!(Route::parse(path), route, "{path}");
        }
    }
}
