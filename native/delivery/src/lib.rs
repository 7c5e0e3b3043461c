//! A delivery's bytes: the request of an attempt, signed, and the record of what came of it.
//!
//! The laws:
//! - every byte is the one that Python makes: `consumer/signing` says what a request is, and
//!   `consumer/kafka/attempt_encoding.py` what a record is. Property tests compare them;
//! - no policy: with which keys an attempt is signed, whether its answer is a success and what follows from it is told;
//! - what may be secret is in no `Debug`.
//!
//! The way of a delivery: `envelope` reads its event; `endpoint` is prepared once for a webhook's revision and writes its requests, which are
//! rendered by `payload` and signed by `signing`; `record` tells of each attempt. What lies on Kafka is read back by `avro`.

#![forbid(unsafe_code)]

pub mod avro;
pub mod endpoint;
pub mod envelope;
mod moment;
pub mod payload;
pub mod record;
pub mod signing;
mod text;
