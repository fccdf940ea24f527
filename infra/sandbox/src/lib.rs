//! A stateful Podio to develop, demonstrate and test against: real HTTP outside, a pure state machine inside.
//!
//! [`State::answer`] takes a request and the time and says what to send; it knows no socket and no clock, so a simulation
//! may drive it directly. [`Sandbox::start`] serves it on 127.0.0.1. Whatever is unknown about Podio is one of the
//! [`Switches`], with defaults by [`Profile`]; the call log ([`Call`]) is what oracles read.
//!
//! Requests below `/_sandbox/` control it and are neither counted nor authenticated; see [`control`](http::control).

mod answer;
mod clock;
pub mod config;
mod faults;
pub mod http;
mod ids;
mod limiter;
mod log;
pub mod population;
mod refusal;
mod rng;
mod routes;
pub mod state;
pub mod switches;
mod wire;

pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{Config, Credentials};
pub use faults::{ErrorBody, FaultAction, FaultRule, Faults};
pub use http::{Running, Sandbox};
pub use ids::{AppId, FieldId, HookId, ItemId, OrgId, SpaceId, UserId};
pub use limiter::{Bucket, Limiter, Quota, Verdict, WindowModel};
pub use log::{Call, CallLog, Effect};
pub use population::Population;
pub use state::State;
pub use switches::{Profile, SwitchError, Switches};
pub use wire::{Answer, Request, Response};
