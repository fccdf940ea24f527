//! The engine: which call goes out when.
//!
//! Nothing waits inside the queue, nothing is reserved far ahead, and nothing that is reserved is moved. Jobs wait in the
//! work table, which is a sparse index over the records that they carry on. A [dispatch] takes those whose turn
//! it is, reserves the [moments](quota) of their next calls in one conditional write that names the jobs, and sends each of
//! them to the queue so that it arrives just before its moment.

pub mod dispatch;
pub mod order;
pub mod ports;
pub mod quota;

pub use self::{
    dispatch::{Dispatcher, Report},
    order::{Message, Order},
};
