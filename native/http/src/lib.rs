//! HTTP/1.1 requests to given addresses, many at once on one thread, and what came of each.
//!
//! The laws:
//! - no policy: it connects to the addresses that it is given and to no others, and looks no name up;
//! - whatever an endpoint does is a value, in bounded memory and before the request's deadline;
//! - a panic ends one request.
//!
//! The way of a request: `engine` takes it and finds it a connection (`idle`, `stream`, `trust`), `target` has written
//! its bytes, `reading` makes an answer of what comes (`head`, `chunks`), `deadlines` ends what takes too long.

#![forbid(unsafe_code)]

pub mod answer;
pub mod chunks;
mod connection;
pub mod contained;
mod deadlines;
pub mod engine;
pub mod exchange;
pub mod head;
mod idle;
pub mod limits;
pub mod reading;
mod stream;
pub mod target;
pub mod trust;
