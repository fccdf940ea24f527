//! Hooks: Podio's calls to us, one [`Delivery`] each.
//!
//! Podio signs nothing, numbers nothing and promises no order, and what it sends are ids. So a delivery is recognised by
//! what it is about ([`DeliveryId`]), what it says is read with tolerance ([`HookEvent`]), and whoever acts on it looks
//! at the thing itself first. A delivery is stored once; its job may run as often as it likes.
//!
//! An address holds a key, and everybody who may list the hooks of an object can read it there. So a delivery proves that
//! somebody knows the object, and nothing else: the deliveries of an object share a budget, several that lead to the same
//! [`Check`] are answered by one, and a verification is answered only for a hook that delivers to our address.

mod check;
mod cloud_event;
mod delivery;
mod event;
mod fields;
mod keeping;
mod target;

pub use check::{Check, checks};
pub use cloud_event::{CloudEvent, CloudEventData, EventData};
pub use delivery::{
    Delivery, DeliveryId, DeliveryState, Interest, KEPT_FOR, NotADelivery, NotADeliveryId, Reason, VerificationCode,
};
pub use event::{EventType, FileAction, HookEvent, ObjectIds};
pub use fields::Fields;
pub use keeping::{BadHookList, FoundHook, HookList, HookListProblem, HookStep, MOST_OF_A_TYPE, WantedHooks, kept};
pub use target::{HookRef, NotARef, RefType};
