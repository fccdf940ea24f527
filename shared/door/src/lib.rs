//! What the HTTP doors share.

pub mod answer;
pub mod path;
pub mod time;
