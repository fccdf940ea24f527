//! Stories of one product and one Podio, told in the field's words. One program, since each costs a link.

mod auditing;
mod credential;
mod crowds;
mod dangers;
mod eta;
mod faults;
mod found_spaces;
mod hooks_flooded;
mod hooks_registered;
mod hooks_verified;
mod leaver;
mod leavers_app;
mod looking_up;
mod merging;
mod pausing;
mod provisioned;
mod quota;
mod refused;
mod returned;
mod returned_unnoticed;
mod scheduled;
mod senders;
mod tokens;
mod unknown_person;
mod unknowns;
mod waiting;
