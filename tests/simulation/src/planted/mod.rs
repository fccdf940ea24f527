//! Bugs that are planted to see the oracles bite.
//!
//! None of them is in the product: each sits in a port that the simulation puts in the place of the real one, and does
//! there what a mistake in the product would have done.

mod ports;

use std::sync::{Arc, Mutex, atomic::AtomicU64};

use jiff::SignedDuration;
use podio_sandbox::{Answer, Request};
use serde_json::Value;

use self::ports::{Blind, Careless, Changed, Everybody, Hasty, Late, NeverPaused, Overwritten, Revived, Settled};
use crate::{podio::Lie, wiring::Wiring};

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The organization is left before the last space.
    OrgBeforeTheLastSpace,
    /// A mistyped path, and its 404 is taken for a membership that is gone.
    WrongRouteIsGone,
    /// Moments are written down after the call that they are for.
    MomentAfterTheCall,
    /// Two dispatches that meet both reserve, and the second one's record takes the place of the first's.
    DispatchedTwice,
    /// An order that was lost is never found.
    LostOrderNeverFound,
    /// An attempt begins although another one has begun.
    ClaimNotChecked,
    /// A space is counted down twice.
    CountedTwice,
    /// A page of a web server's is taken for Podio's word that somebody is gone.
    PageIsGone,
    /// The refresh token that Podio gave is overwritten by the one that it took the place of.
    RefreshTokenOverwritten,
    /// The proof is made up.
    NoReadBack,
    /// That the unsafe call may be on its way is not remembered.
    ClaimForgotten,
    /// A cancellation is confirmed and not stored.
    CancelIgnored,
    /// A pause is confirmed, and no worker sees it.
    PauseIgnored,
    /// Whoever leaves a space takes along all whose plan names it, though they were cancelled.
    CancelledTakenAlong,
    /// What is scheduled is started two hours early.
    StartedEarly,
    /// The preview's spaces that would be deleted are passed over.
    DangerOverlooked,
    /// A space that refused is taken for one that the organization removal ends.
    RefusalOverlooked,
    /// Nobody sends again what was lost.
    NoSweep,
    /// An address is logged.
    AddressLogged,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::OrgBeforeTheLastSpace,
        Self::WrongRouteIsGone,
        Self::MomentAfterTheCall,
        Self::DispatchedTwice,
        Self::LostOrderNeverFound,
        Self::ClaimNotChecked,
        Self::CountedTwice,
        Self::PageIsGone,
        Self::RefreshTokenOverwritten,
        Self::NoReadBack,
        Self::ClaimForgotten,
        Self::CancelIgnored,
        Self::PauseIgnored,
        Self::CancelledTakenAlong,
        Self::StartedEarly,
        Self::DangerOverlooked,
        Self::RefusalOverlooked,
        Self::NoSweep,
        Self::AddressLogged,
    ];

    /// The rules that it breaks; 9 stands for liveness.
    pub fn breaks(self) -> &'static [u8] {
        match self {
            Self::OrgBeforeTheLastSpace | Self::WrongRouteIsGone | Self::DangerOverlooked => &[1],
            Self::MomentAfterTheCall | Self::DispatchedTwice | Self::ClaimNotChecked => &[3],
            Self::PageIsGone => &[1, 2],
            Self::NoReadBack => &[2],
            Self::ClaimForgotten => &[7],
            Self::CancelIgnored | Self::PauseIgnored | Self::CancelledTakenAlong | Self::StartedEarly => &[6],
            // The second guard stops the offboarding before it does any harm.
            Self::CountedTwice
            | Self::RefreshTokenOverwritten
            | Self::RefusalOverlooked
            | Self::LostOrderNeverFound
            | Self::NoSweep => &[9],
            Self::AddressLogged => &[8],
        }
    }

    /// What the bug does to requests and answers of Podio's, if it sits there.
    pub fn lie(self) -> Option<Lie> {
        match self {
            Self::WrongRouteIsGone => Some(Lie { detour: mistype, change: wrong_route_is_gone }),
            Self::NoReadBack => Some(Lie { detour: ask_nobody, change: nobody_there }),
            Self::DangerOverlooked => Some(Lie { detour: |_| (), change: overlook_danger }),
            Self::PageIsGone => Some(Lie { detour: |_| (), change: page_is_gone }),
            _ => None,
        }
    }

    /// The wiring with the bug in it.
    pub(crate) fn plant(self, mut wiring: Wiring) -> Wiring {
        match self {
            Self::OrgBeforeTheLastSpace => {
                wiring.offboardings = Arc::new(Settled(wiring.offboardings));
                wiring.changes = Arc::new(Changed { inner: wiring.changes, bug: self });
            }
            Self::CountedTwice
            | Self::ClaimForgotten
            | Self::CancelIgnored
            | Self::RefusalOverlooked
            | Self::AddressLogged => {
                wiring.changes = Arc::new(Changed { inner: wiring.changes, bug: self });
            }
            Self::MomentAfterTheCall => {
                wiring.quota = Arc::new(Late { inner: wiring.quota, unwritten: Mutex::default() });
            }
            Self::RefreshTokenOverwritten => {
                wiring.credentials = Arc::new(Overwritten(wiring.credentials));
            }
            Self::PauseIgnored => wiring.pause = Arc::new(NeverPaused),
            Self::CancelledTakenAlong => {
                wiring.offboardings = Arc::new(Revived(wiring.offboardings));
                let (inner, work) = (wiring.removals, wiring.work.clone());
                wiring.removals = Arc::new(Everybody { inner, work, written: Mutex::default() });
            }
            Self::StartedEarly => {
                wiring.offboardings = Arc::new(Hasty(wiring.offboardings));
                wiring.work = Arc::new(Careless { inner: wiring.work, bug: self, shown: Mutex::default() });
            }
            Self::DispatchedTwice => wiring.quota = Arc::new(Blind { inner: wiring.quota, writes: AtomicU64::new(0) }),
            Self::LostOrderNeverFound | Self::ClaimNotChecked => {
                wiring.work = Arc::new(Careless { inner: wiring.work, bug: self, shown: Mutex::default() });
            }
            Self::NoSweep => wiring.scene.sweep_every = SignedDuration::from_hours(100_000),
            Self::WrongRouteIsGone | Self::NoReadBack | Self::DangerOverlooked | Self::PageIsGone => {}
        }
        wiring
    }
}

fn path(request: &Request) -> Vec<&str> {
    request.path.trim_start_matches('/').split('/').collect()
}

fn mistype(request: &mut Request) {
    if request.method == "DELETE" {
        request.path = request.path.replacen("/space/", "/spaces/", 1);
    }
}

fn wrong_route_is_gone(request: &Request, answer: &mut Answer) {
    if request.method == "DELETE" && request.path.starts_with("/spaces/") {
        say_not_found(answer);
    }
}

fn is_read_back(request: &Request) -> bool {
    request.method == "GET" && matches!(path(request)[..], ["org", _, "member", user] if user.parse::<u64>().is_ok())
}

fn ask_nobody(request: &mut Request) {
    if is_read_back(request) {
        request.path = "/somewhere/else".to_owned();
    }
}

fn nobody_there(request: &Request, answer: &mut Answer) {
    if request.path == "/somewhere/else" {
        say_not_found(answer);
    }
}

fn say_not_found(answer: &mut Answer) {
    if let Ok(mut body) = serde_json::from_slice::<Value>(&answer.response.body)
        && answer.response.status == 404
    {
        body["error"] = Value::from("not_found");
        body["error_description"] = Value::from("Object not found");
        answer.response.body = body.to_string().into_bytes();
    }
}

fn overlook_danger(request: &Request, answer: &mut Answer) {
    if request.path.ends_with("/end_member_info")
        && let Ok(mut body) = serde_json::from_slice::<Value>(&answer.response.body)
        && answer.response.status == 200
    {
        let mut removed = body["to_remove"].as_array().cloned().unwrap_or_default();
        removed.extend(body["to_delete"].as_array().cloned().unwrap_or_default());
        body["to_remove"] = Value::from(removed);
        body["to_delete"] = Value::from(Vec::<Value>::new());
        answer.response.body = body.to_string().into_bytes();
    }
}

fn page_is_gone(_: &Request, answer: &mut Answer) {
    if answer.response.status == 410 && answer.response.body.starts_with(b"<") {
        let body = serde_json::json!({"error": "gone", "error_description": "Object gone", "error_propagate": false});
        answer.response.body = body.to_string().into_bytes();
    }
}
