//! What offboardings cost on AWS, from requests that were counted.
//!
//! The real handlers of api, worker and sweep run over the real DynamoDB adapter, with a DynamoDB behind a meter
//! ([`meter`]) that reports the capacity units of each request by the size of its items, and over a queue whose requests are
//! counted ([`product`]). [`bill`] puts a price on it ([`prices`]). Nothing is estimated but the time that others take to
//! answer, which is written down in [`prices`].

pub mod bill;
pub mod meter;
pub mod prices;
pub mod product;
