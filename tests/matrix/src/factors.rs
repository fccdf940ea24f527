//! What differs from row to row: every switch of the sandbox, taken from the sandbox itself, and what else is not known of
//! Podio or differs between those who use this.

use podio_sandbox::{Switches, switches::Domain};

/// Something that can be this way or that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// Its name; that of a switch, if it is one.
    pub name: String,
    /// What it can be.
    pub values: Vec<String>,
}

/// Two values that cannot be in one row, and why.
#[derive(Debug, Clone, Copy)]
pub struct Contradiction {
    /// A factor and its value.
    pub one: (&'static str, &'static str),
    /// Another factor and its value.
    pub other: (&'static str, &'static str),
    /// Why not both.
    pub why: &'static str,
}

/// How Podio places its windows.
pub const WINDOW: &str = "window";
/// Whether Podio has one ceiling for all calls, or a lower one for heavy ones.
pub const CEILINGS: &str = "ceilings";
/// Whether somebody else spends the same quota.
pub const COMPANY: &str = "company";
/// What the operator says where a space would be lost.
pub const OPERATOR: &str = "operator";

/// What is no switch of the sandbox's.
const OWN: [(&str, &[&str]); 4] = [
    (WINDOW, &["fixed", "first-call", "sliding"]),
    (CEILINGS, &["one", "two"]),
    (COMPANY, &["nobody", "spends-it-all"]),
    (OPERATOR, &["approves", "cancels"]),
];

/// Everything that differs.
pub fn all() -> Vec<Factor> {
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let switches = Switches::domains().into_iter().map(|(name, domain)| match domain {
        Domain::Choices(values) => Factor { name, values },
        Domain::Number => Factor { values: owned(numbers(&name)), name },
    });
    let own = OWN.iter().map(|(name, values)| Factor { name: (*name).to_owned(), values: owned(values) });
    switches.chain(own).collect()
}

/// What a number is tried as. In an organization of thirty, a page of seven ends where others would not.
fn numbers(switch: &str) -> &'static [&'static str] {
    match switch {
        "page-default" => &["3", "20", "100"],
        "page-max" => &["7", "100", "500"],
        "hook-retries" => &["0", "3"],
        "hook-failures-allowed" => &["1", "50"],
        "hook-timeout-seconds" => &["2", "10"],
        other => panic!("{other} is a number, and nobody has said yet which ones to try"),
    }
}

/// What cannot be.
pub const CONTRADICTIONS: [Contradiction; 3] = [
    Contradiction {
        one: ("page-default", "20"),
        other: ("page-max", "7"),
        why: "a page without a limit is no longer than the longest one",
    },
    Contradiction {
        one: ("page-default", "100"),
        other: ("page-max", "7"),
        why: "a page without a limit is no longer than the longest one",
    },
    Contradiction {
        one: ("over-max", "refuse"),
        other: ("page-max", "7"),
        why: "the guide and the documentation both take pages of a hundred; nobody knows of a Podio that refuses them",
    },
];
