//! The functions' environment: each variable of infra/guide/configuration.md with a default for development.
//!
//! What the caller has set is passed on, with two exceptions. The AWS variables are always the stack's own, so that a
//! developer's real account is never reached; and with the sandbox, so are Podio's.

use std::collections::BTreeMap;

use podio_sandbox::config;

/// A secret that opens nothing but a local stack: `whsec_` and 32 bytes in base64.
pub const OFFBOARDING_SECRET: &str = "whsec_ZGV2ZWxvcG1lbnQtb2ZmYm9hcmRpbmctc2VjcmV0ISE=";
/// A bearer token that opens nothing but a local stack.
pub const API_TOKEN: &str = "development-api-token-0001";
const HOOK_SECRET: &str = "development-hook-secret-of-the-local-stack";
/// An identity provider's token that opens nothing but a local stack, as `SCIM_TOKENS` takes it.
const SCIM_TOKENS: &str = "okta:development-scim-token-0001";

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

/// Settings without a default of ours: the functions inherit them, and somebody who runs a function by hand needs them too.
const INHERITED: [&str; 20] = [
    "AUDIT_SCHEDULE",
    "HOOKS",
    "LEAVERS_APP_ID",
    "LEAVERS_LAST_DAY_FIELD",
    "LEAVERS_PERSON_FIELD",
    "LEAVERS_REASON_FIELD",
    "LEAVERS_TIME_ZONE",
    "MASS_OFFBOARDING_SHARE",
    "NOTIFY",
    "OIDC_ISSUER",
    "PODIO_ORG_ID",
    "PODIO_PASSWORD",
    "PODIO_REFRESH_TOKEN",
    "PODIO_USERNAME",
    "REMOVE_RETURNED",
    "SCIM_TOKENS",
    "SENDERS",
    "STALE_AFTER_DAYS",
    "TWO_PERSON_APPROVAL",
    "UNKNOWN_PERSON",
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
    /// The queue that feeds the worker.
    pub queue_url: String,
    /// Where messages go that it did not take.
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

/// The values that open the doors. The development ones are printed in the guide, so whoever reaches a loopback port could remove
/// people from a real Podio with them.
const OWN: [(&str, &str); 3] =
    [("API_TOKENS", API_TOKEN), ("OFFBOARDING_SECRETS", OFFBOARDING_SECRET), ("HOOK_SECRET", HOOK_SECRET)];

/// Refuses to open the doors to a Podio that is not ours with secrets that everybody knows.
///
/// # Errors
/// One line that names what is not set, or holds the development value.
pub fn expect_own_secrets(caller: &impl Caller) -> anyhow::Result<()> {
    let wrong = |(name, development): &(&str, &str)| match caller.get(name) {
        None => Some(format!("{name} is not set")),
        Some(list) if list.trim().is_empty() => Some(format!("{name} is not set")),
        Some(list) if entries(&list).any(|value| value == *development) => {
            Some(format!("{name} holds the development value"))
        }
        Some(_) => None,
    };
    // Without tokens this door is shut, so it need not be set.
    let scim = caller
        .get("SCIM_TOKENS")
        .filter(|list| entries(list).any(|value| entries(SCIM_TOKENS).any(|known| known == value)));
    let scim = scim.map(|_| "SCIM_TOKENS holds the development value".to_owned());
    let wrong: Vec<_> = OWN.iter().filter_map(wrong).chain(scim).collect();
    anyhow::ensure!(wrong.is_empty(), "--podio-url takes secrets of your own: {}", wrong.join(", "));
    Ok(())
}

/// The values of a comma list, without the names (and roles) that may stand in front of them.
pub(crate) fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(|entry| entry.rsplit(':').next().unwrap_or(entry).trim())
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
    let inherited = INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), Some(caller.get(name)?))));
    variables.extend(inherited);
    variables.extend(ASTRAY.map(|name| (name.to_owned(), None)));
    let defaults = [
        ("OFFBOARDING_SECRETS", OFFBOARDING_SECRET),
        ("API_TOKENS", API_TOKEN),
        ("HOOK_SECRET", HOOK_SECRET),
        ("EVIDENCE_KEY", evidence_key),
        ("MASS_OFFBOARDING_THRESHOLD", "25"),
        ("QUOTA_LIMIT", "250"),
        ("QUOTA_WINDOW_SECONDS", "3600"),
        // Short, so that nobody waits a minute and a half for what a crash has lost.
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
        Podio::Sandbox(sandbox) => {
            variables.extend(sandbox.clone());
            // Where people could be removed from a real Podio, the door is shut until somebody opens it.
            variables.entry("SCIM_TOKENS".to_owned()).or_insert_with(|| Some(SCIM_TOKENS.to_owned()));
        }
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
        assert_eq!(variables.get("SCIM_TOKENS"), None, "nobody has opened that door");
    }

    #[test]
    fn a_login_of_the_callers_is_not_mixed_with_the_sandboxs() {
        let caller = BTreeMap::from([("PODIO_USERNAME", "me@example.com"), ("PODIO_PASSWORD", "mine")]);
        let variables =
            for_functions(&caller, &places(), &Podio::At("http://127.0.0.1:9".to_owned()), "own key", "info");
        assert_eq!(variables.get("PODIO_REFRESH_TOKEN"), None, "the caller's own environment decides");
        assert_eq!(value(&variables, "PODIO_USERNAME"), Some("me@example.com"));
        assert_eq!(value(&variables, "PODIO_CLIENT_ID"), Some(config::CLIENT_ID));
    }

    #[test]
    fn real_podio_takes_secrets_of_your_own() {
        let own = [
            ("API_TOKENS", "hr:a-token-of-24-characters"),
            ("OFFBOARDING_SECRETS", "whsec_b3du"),
            ("HOOK_SECRET", "own"),
        ];
        assert!(expect_own_secrets(&BTreeMap::from(own)).is_ok());
        let refusal = |name: &'static str, value: Option<&'static str>| {
            let mut caller = BTreeMap::from(own);
            match value {
                Some(value) => caller.insert(name, value),
                None => caller.remove(name),
            };
            expect_own_secrets(&caller).unwrap_err().to_string()
        };
        for name in ["API_TOKENS", "OFFBOARDING_SECRETS", "HOOK_SECRET"] {
            let said = refusal(name, None);
            assert_eq!(said, format!("--podio-url takes secrets of your own: {name} is not set"));
            assert_eq!(refusal(name, Some(" ")), said);
        }
        for (name, value) in [
            ("API_TOKENS", "mine, development-api-token-0001"),
            ("API_TOKENS", "hr:admin:development-api-token-0001"),
            ("OFFBOARDING_SECRETS", "gusto:whsec_ZGV2ZWxvcG1lbnQtb2ZmYm9hcmRpbmctc2VjcmV0ISE="),
            ("HOOK_SECRET", "development-hook-secret-of-the-local-stack"),
            ("SCIM_TOKENS", "entra:a-token-of-24-characters,okta:development-scim-token-0001"),
        ] {
            let said = refusal(name, Some(value));
            assert_eq!(said, format!("--podio-url takes secrets of your own: {name} holds the development value"));
        }
        let all = expect_own_secrets(&BTreeMap::new()).unwrap_err().to_string();
        assert_eq!(all.matches("is not set").count(), 3);
        assert!(!all.contains('\n'));
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
        assert_eq!(value(&variables, "SCIM_TOKENS"), Some(SCIM_TOKENS));
        assert_eq!(value(&variables, "AWS_ACCESS_KEY_ID"), Some("local"));
        assert_eq!(value(&variables, "AWS_PROFILE"), None);
        assert_eq!(value(&variables, "AWS_ENDPOINT_URL_SQS"), Some("http://127.0.0.1:2"));
        assert_eq!(value(&variables, "PODIO_API_URL"), Some("http://127.0.0.1:3"));
    }
}
