//! The routes of template.yaml: which of them API Gateway would choose, and what it would say of it in the event.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context as _;
use percent_encoding::percent_decode_str;
use saphyr::{LoadableYamlNode as _, Yaml};

use crate::functions::Function;

/// The functions' names in template.yaml.
const DOORS: [(&str, Function); 3] =
    [("ApiFunction", Function::Api), ("HooksFunction", Function::Hooks), ("ScimFunction", Function::Scim)];

/// All routes.
#[derive(Debug)]
pub struct Routes(Vec<Route>);

/// One of them.
#[derive(Debug)]
struct Route {
    method: String,
    template: String,
    function: Function,
}

/// The route of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The function that is behind it.
    pub function: Function,
    /// The route as API Gateway names it, such as `ANY /offboardings/{id}`.
    pub key: String,
    /// What stands in the path for the names in braces, decoded.
    pub parameters: BTreeMap<String, String>,
}

impl Routes {
    /// Reads the template of a workspace.
    ///
    /// # Errors
    /// It is not there, or is no template of ours.
    pub fn of(workspace: &Path) -> anyhow::Result<Self> {
        let file = workspace.join("template.yaml");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::read(&text).with_context(|| format!("cannot read the routes of {}", file.display()))
    }

    fn read(text: &str) -> anyhow::Result<Self> {
        let documents = Yaml::load_from_str(text)?;
        let resources = documents.first().and_then(|template| template.as_mapping_get("Resources"));
        let resources = resources.context("there are no resources")?;
        let mut routes = Vec::new();
        for (name, function) in DOORS {
            let events = resources.as_mapping_get(name).and_then(|door| door.as_mapping_get("Properties"));
            let events = events.and_then(|properties| properties.as_mapping_get("Events")).and_then(Yaml::as_mapping);
            for (_, event) in events.with_context(|| format!("{name} has no events"))? {
                let text = |name| event.as_mapping_get("Properties")?.as_mapping_get(name)?.as_str();
                let (Some(method), Some(path)) = (text("Method"), text("Path")) else { continue };
                routes.push(Route { method: method.to_uppercase(), template: path.to_owned(), function });
            }
        }
        Ok(Self(routes))
    }

    /// The route that API Gateway chooses: the most specific path first, and a named method before any.
    pub fn choose(&self, method: &str, path: &str) -> Option<Chosen> {
        let fits = |route: &Route| route.method == "ANY" || route.method == method;
        let matching = self.0.iter().filter(|route| fits(route));
        let matching = matching.filter_map(|route| Some((route, parameters(&route.template, path)?)));
        let (route, parameters) = matching.min_by_key(|(route, parameters)| {
            (route.template.contains('+'), parameters.len(), route.method == "ANY")
        })?;
        let key = format!("{} {}", route.method, route.template);
        Some(Chosen { function: route.function, key, parameters })
    }
}

/// The parameters that make `path` of `template`; none where they cannot.
fn parameters(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut add = |name: &str, value: &str| {
        let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
        found.insert(name.to_owned(), value);
    };
    let (mut names, mut rest) = (template.strip_prefix('/')?.split('/'), Some(path.strip_prefix('/')?));
    for name in names.by_ref() {
        let whole = rest?;
        let (segment, after) = whole.split_once('/').map_or((whole, None), |(segment, after)| (segment, Some(after)));
        match name.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(_) if segment.is_empty() => return None,
            Some(name) => match name.strip_suffix('+') {
                Some(name) => {
                    add(name, whole);
                    rest = None;
                    break;
                }
                None => add(name, segment),
            },
            None if name == segment => {}
            None => return None,
        }
        rest = after;
    }
    (rest.is_none() && names.next().is_none()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::workspace;

    fn chosen(routes: &Routes, method: &str, path: &str) -> Option<(String, Vec<(String, String)>)> {
        routes.choose(method, path).map(|chosen| (chosen.key, chosen.parameters.into_iter().collect()))
    }

    fn with(names: &[(&str, &str)]) -> Vec<(String, String)> {
        names.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn template_tells_the_function_of_each_route() {
        let routes = Routes::of(&workspace()).unwrap();
        for path in ["/offboardings", "/offboardings/off_1", "/offboardings/off_1/evidence", "/quota", "/health"] {
            assert_eq!(routes.choose("GET", path).unwrap().function, Function::Api, "{path}");
        }
        let hook = routes.choose("POST", "/hooks/podio/app/1/key").unwrap();
        assert_eq!(hook.function, Function::Hooks);
        assert!(hook.key.ends_with(" /hooks/podio/{ref_type}/{ref_id}/{key}"), "{}", hook.key);
        let names = with(&[("key", "key"), ("ref_id", "1"), ("ref_type", "app")]);
        assert_eq!(hook.parameters.into_iter().collect::<Vec<_>>(), names);
        for path in ["Users", "Users/usr_1", "Schemas/urn:x", "x"] {
            let scim = routes.choose("PATCH", &format!("/scim/v2/{path}")).unwrap();
            assert_eq!((scim.function, &scim.parameters["path"]), (Function::Scim, &path.to_owned()), "{path}");
        }
        for path in [
            "",
            "/",
            "/hooks",
            "/offboardingsx",
            "/offboardings/",
            "//quota",
            "/health/x",
            "/favicon.ico",
            "/scim/v2",
            "/scim/v1/Users",
        ] {
            assert_eq!(routes.choose("GET", path), None, "{path}");
        }
    }

    #[test]
    fn specific_route_goes_before_a_general_one() {
        let event =
            |method: &str, path: &str| format!("{{Properties: {{ApiId: !Ref Api, Method: {method}, Path: '{path}'}}}}");
        let text = format!(
            "Resources:\n  ApiFunction: {{Properties: {{Events: {{A: {}, B: {}, C: {}, D: {}}}}}}}\n  HooksFunction: {{Properties: {{Events: {{}}}}}}\n  ScimFunction: {{Properties: {{Events: {{}}}}}}\n",
            event("ANY", "/{proxy+}"),
            event("ANY", "/a/{id}"),
            event("GET", "/a/{id}"),
            event("ANY", "/a/b"),
        );
        let routes = Routes::read(&text).unwrap();
        assert_eq!(chosen(&routes, "GET", "/a/b"), Some(("ANY /a/b".to_owned(), with(&[]))));
        assert_eq!(chosen(&routes, "GET", "/a/c%2Fd"), Some(("GET /a/{id}".to_owned(), with(&[("id", "c/d")]))));
        assert_eq!(chosen(&routes, "PUT", "/a/c"), Some(("ANY /a/{id}".to_owned(), with(&[("id", "c")]))));
        assert_eq!(chosen(&routes, "PUT", "/a/c/d"), Some(("ANY /{proxy+}".to_owned(), with(&[("proxy", "a/c/d")]))));
    }
}
