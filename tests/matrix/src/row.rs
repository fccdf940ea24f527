//! One row: a value for each factor, and the Podio that they make.

use std::fmt;

use podio_sandbox::{
    Config, Profile, Quota, Switches, WindowModel,
    switches::{OrgDelete, Permission, Route},
};
use serde_json::{Map, Value};

use crate::{
    cast,
    cover::{Plan, Setting},
    factors::{self, CEILINGS, COMPANY, CONTRADICTIONS, Factor, OPERATOR, WINDOW},
};

/// So many calls fit a window of Podio's.
pub const LIMIT: u32 = 120;
/// A window's length in seconds: short, since whoever waits for it waits in real time.
pub const WINDOW_SECONDS: u32 = 8;

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its number, from 1.
    pub number: usize,
    /// Each factor's name and its value here.
    pub values: Vec<(String, String)>,
}

impl Row {
    /// Every row of the matrix.
    pub fn all() -> Vec<Self> {
        let factors = factors::all();
        let rows = Plan::new(&factors, &CONTRADICTIONS).rows();
        rows.iter().zip(1..).map(|(settings, number)| Self::new(number, &factors, settings)).collect()
    }

    fn new(number: usize, factors: &[Factor], settings: &[Setting]) -> Self {
        let values = factors.iter().flat_map(|factor| factor.values.iter().map(|value| (&factor.name, value)));
        let values: Vec<_> = values.collect();
        let named = settings.iter().map(|setting| values[*setting]);
        Self { number, values: named.map(|(name, value)| (name.clone(), value.clone())).collect() }
    }

    fn value(&self, factor: &str) -> &str {
        let found = self.values.iter().find(|(name, _)| name == factor);
        found.map(|(_, value)| value.as_str()).expect("a factor")
    }

    /// Whether somebody else spends the same quota.
    pub fn has_company(&self) -> bool {
        self.value(COMPANY) == "spends-it-all"
    }

    /// Whether nothing is hidden in it and nobody else spends: Podio previews what the removal ends, lets the acting admin
    /// into every space, and lets a last admin go.
    pub fn is_plain(&self) -> bool {
        let switches = self.switches();
        !self.has_company()
            && switches.end_member_info == Route::Offered
            && switches.org_delete == OrgDelete::EndsSpaces
            && switches.org_admin_in_foreign_spaces == Permission::Allowed
    }

    /// Whether the operator gives up a space that is only the leaver's.
    pub fn approves(&self) -> bool {
        self.value(OPERATOR) == "approves"
    }

    /// How Podio behaves.
    pub fn switches(&self) -> Switches {
        let own = [WINDOW, CEILINGS, COMPANY, OPERATOR];
        let switches = self.values.iter().filter(|(name, _)| !own.contains(&name.as_str()));
        // A number is one, and everything else is a word.
        let json = |value: &str| value.parse::<u32>().map_or_else(|_| Value::from(value), Value::from);
        let all = switches.map(|(name, value)| (name.clone(), json(value))).collect::<Map<_, _>>();
        serde_json::from_value(Value::Object(all)).expect("every switch, each with one of its values")
    }

    /// What Podio lets one key call.
    pub fn quota(&self) -> Quota {
        Quota {
            limit: LIMIT,
            general_limit: (self.value(CEILINGS) == "two").then_some(4 * LIMIT),
            window_seconds: WINDOW_SECONDS,
            model: match self.value(WINDOW) {
                "fixed" => WindowModel::Fixed,
                "first-call" => WindowModel::FirstCall,
                _ => WindowModel::Sliding,
            },
            token_limit: 60,
            token_window_seconds: 300,
        }
    }

    /// The sandbox of this row.
    pub fn podio(&self) -> Config {
        Config {
            switches: self.switches(),
            quota: self.quota(),
            population: cast::population(),
            ..Config::new(Profile::Documented)
        }
    }

    /// The command that lives this row alone.
    pub fn replay(&self) -> String {
        format!("MATRIX_ROW={} cargo test --workspace --test matrix every_row -- --nocapture", self.number)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}:", self.number)?;
        self.values.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}
