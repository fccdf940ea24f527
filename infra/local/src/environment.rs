//! The functions' environment: each variable of the README with a default for development.
//!
//! What the caller has set is passed on, with two exceptions. The AWS variables are always the stack's own, so that a
//! developer's real account is never reached; and with the sandbox, so are Podio's.

use std::collections::BTreeMap;

use podio_sandbox::config;

/// A secret that opens nothing but a local stack: `whsec_` and 32 bytes in base64.
pub const OFFBOARDING_SECRET: &str = "whsec_ZGV2ZWxvcG1lbnQtb2ZmYm9hcmRpbmctc2VjcmV0ISE=";
/// A bearer token that opens nothing but a local stack.
pub const API_TOKEN: &str = "development-api-token";
const HOOK_SECRET: &str = "development-hook-secret-of-the-local-stack";

/// What opens the sandbox, and every other stand-in for Podio that takes the same; a real Podio refuses it.
const DEVELOPMENT_KEY: [(&str, &str); 3] =
    [("PODIO_ORG_ID", "4711"), ("PODIO_CLIENT_ID", config::CLIENT_ID), ("PODIO_CLIENT_SECRET", config::CLIENT_SECRET)];
const DEVELOPMENT_LOGIN: [(&str, &str); 3] = [
    ("PODIO_REFRESH_TOKEN", config::REFRESH_TOKEN),
    ("PODIO_USERNAME", config::USERNAME),
    ("PODIO_PASSWORD", config::PASSWORD),
];

/// A caller's variables that would lead the functions away from the stack.
const ASTRAY: [&str; 8] = [
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "SECRET_ARN",
    // There is no bus here.
    "EVENT_BUS_NAME",
];

/// Variables over those that this process has: a value, or none to take the variable away.
pub type Variables = BTreeMap<String, Option<String>>;

/// Where the parts of the stack are.
#[derive(Debug, Clone)]
pub struct Places {
    /// The gateway's address.
    pub api: String,
    /// Of every AWS service.
    pub region: String,
    /// DynamoDB's address.
    pub dynamodb: String,
    /// SQS's address.
    pub sqs: String,
    /// The job queue.
    pub queue_url: String,
    /// Where jobs go that failed too often.
    pub dead_letter_queue_url: String,
}

/// Podio, as the functions are to see it.
#[derive(Debug, Clone)]
pub enum Podio {
    /// The sandbox: these variables, whatever the caller has set.
    Sandbox(Variables),
    /// The one at this address, with the caller's credentials.
    At(String),
}

/// A caller's variables, by name.
pub trait Caller {
    /// The value of a variable that is set and not empty.
    fn get(&self, name: &str) -> Option<String>;
}

/// The variables of this process.
pub struct Process;

impl Caller for Process {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }
}

/// The name of the state table, that of the credentials table, that of the evidence table.
pub fn table_names(caller: &impl Caller) -> [String; 3] {
    [
        ("TABLE_NAME", "podio-lifecycle"),
        ("CREDENTIALS_TABLE_NAME", "podio-lifecycle-credentials"),
        ("EVIDENCE_TABLE_NAME", "podio-lifecycle-evidence"),
    ]
    .map(|(name, default)| caller.get(name).unwrap_or_else(|| default.to_owned()))
}

/// The region of everything.
pub fn region(caller: &impl Caller) -> String {
    caller.get("AWS_REGION").unwrap_or_else(|| "eu-central-1".to_owned())
}

/// What is to be set for the functions, over what the caller has. `log` is their log filter, if the caller has none;
/// `evidence_key` is the stack's own, and signs if the caller has none.
pub fn for_functions(caller: &impl Caller, places: &Places, podio: &Podio, evidence_key: &str, log: &str) -> Variables {
    let [table, credentials_table, evidence_table] = table_names(caller);
    let mut variables = Variables::new();
    variables.extend(ASTRAY.map(|name| (name.to_owned(), None)));
    let defaults = [
        ("OFFBOARDING_SECRETS", OFFBOARDING_SECRET),
        ("API_TOKENS", API_TOKEN),
        ("HOOK_SECRET", HOOK_SECRET),
        ("EVIDENCE_KEY", evidence_key),
        ("MASS_OFFBOARDING_THRESHOLD", "25"),
        ("QUOTA_LIMIT", "250"),
        ("QUOTA_WINDOW_SECONDS", "3600"),
        // Short, so that nobody waits five minutes for what a crash has lost.
        ("SWEEP_PATIENCE_SECONDS", "45"),
        // Where hooks deliver that the caller lists in HOOKS.
        ("HOOKS_URL", &places.api),
        ("RUST_LOG", log),
    ];
    for (name, default) in defaults {
        let value = caller.get(name).unwrap_or_else(|| default.to_owned());
        variables.insert(name.to_owned(), Some(value));
    }
    let own = [
        ("TABLE_NAME", table.as_str()),
        ("CREDENTIALS_TABLE_NAME", &credentials_table),
        ("EVIDENCE_TABLE_NAME", &evidence_table),
        ("QUEUE_URL", &places.queue_url),
        ("DEAD_LETTER_QUEUE_URL", &places.dead_letter_queue_url),
        ("AWS_ENDPOINT_URL_DYNAMODB", &places.dynamodb),
        ("AWS_ENDPOINT_URL_SQS", &places.sqs),
        ("AWS_REGION", &places.region),
        ("AWS_DEFAULT_REGION", &places.region),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        // No proxy of the caller's may stand between the parts.
        ("NO_PROXY", "127.0.0.1,localhost"),
        ("no_proxy", "127.0.0.1,localhost"),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))));
    match podio {
        Podio::Sandbox(sandbox) => variables.extend(sandbox.clone()),
        Podio::At(url) => {
            variables.insert("PODIO_API_URL".to_owned(), Some(url.clone()));
            // A login that the caller has set must not be mixed with one that belongs to another account.
            let has_login = caller.get("PODIO_REFRESH_TOKEN").is_some() || caller.get("PODIO_USERNAME").is_some();
            let login = DEVELOPMENT_LOGIN.iter().filter(|_| !has_login);
            for (name, default) in DEVELOPMENT_KEY.iter().chain(login) {
                let value = caller.get(name).unwrap_or_else(|| (*default).to_owned());
                variables.insert((*name).to_owned(), Some(value));
            }
        }
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Caller for BTreeMap<&str, &str> {
        fn get(&self, name: &str) -> Option<String> {
            BTreeMap::get(self, name).map(|value| (*value).to_owned())
        }
    }

    fn places() -> Places {
        Places {
            api: "http://127.0.0.1:3".to_owned(),
            region: "eu-central-1".to_owned(),
            dynamodb: "http://127.0.0.1:1".to_owned(),
            sqs: "http://127.0.0.1:2".to_owned(),
            queue_url: "http://127.0.0.1:2/000000000000/jobs".to_owned(),
            dead_letter_queue_url: "http://127.0.0.1:2/000000000000/dead".to_owned(),
        }
    }

    fn value<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
        variables[name].as_deref()
    }

    #[test]
    fn what_is_set_is_passed_on_and_the_rest_has_a_default() {
        let caller = BTreeMap::from([("API_TOKENS", "mine"), ("TABLE_NAME", "t")]);
        let variables =
            for_functions(&caller, &places(), &Podio::At("https://podio.example".to_owned()), "own key", "info");
        assert_eq!(value(&variables, "API_TOKENS"), Some("mine"));
        assert_eq!(value(&variables, "TABLE_NAME"), Some("t"));
        assert_eq!(value(&variables, "OFFBOARDING_SECRETS"), Some(OFFBOARDING_SECRET));
        assert_eq!(value(&variables, "PODIO_API_URL"), Some("https://podio.example"));
        assert_eq!(value(&variables, "EVIDENCE_KEY"), Some("own key"));
        assert_eq!(value(&variables, "PODIO_REFRESH_TOKEN"), Some(config::REFRESH_TOKEN));
    }

    #[test]
    fn a_login_of_the_callers_is_not_mixed_with_the_sandboxs() {
        let caller = BTreeMap::from([("PODIO_USERNAME", "me@example.com"), ("PODIO_PASSWORD", "mine")]);
        let variables =
            for_functions(&caller, &places(), &Podio::At("http://127.0.0.1:9".to_owned()), "own key", "info");
        assert_eq!(variables.get("PODIO_REFRESH_TOKEN"), None, "the caller's own environment decides");
        assert_eq!(value(&variables, "PODIO_CLIENT_ID"), Some(config::CLIENT_ID));
    }

    #[test]
    fn neither_a_real_account_nor_a_real_podio_is_reached_by_accident() {
        let caller = BTreeMap::from([
            ("AWS_ACCESS_KEY_ID", "AKIAREAL"),
            ("AWS_PROFILE", "production"),
            ("AWS_ENDPOINT_URL_SQS", "https://sqs.amazonaws.com"),
            ("PODIO_API_URL", "https://api.podio.com"),
        ]);
        let sandbox = Variables::from([("PODIO_API_URL".to_owned(), Some("http://127.0.0.1:3".to_owned()))]);
        let variables = for_functions(&caller, &places(), &Podio::Sandbox(sandbox), "own key", "info");
        assert_eq!(value(&variables, "AWS_ACCESS_KEY_ID"), Some("local"));
        assert_eq!(value(&variables, "AWS_PROFILE"), None);
        assert_eq!(value(&variables, "AWS_ENDPOINT_URL_SQS"), Some("http://127.0.0.1:2"));
        assert_eq!(value(&variables, "PODIO_API_URL"), Some("http://127.0.0.1:3"));
    }
}
