//! What the HTTP doors share.

pub mod path;
pub mod time;
