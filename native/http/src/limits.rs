//! How much of an answer is taken, as `consumer/http/transport.py` has it. A test compares the two.

/// What is kept of a body.
pub const MAX_BODY_BYTES: usize = 16 * 1024;
/// A larger head, interim answers included, is a protocol failure.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;
/// A longer body is cut by closing the connection; a shorter one is read to its end.
pub const DRAIN_BYTES: usize = 64 * 1024;
/// More bytes that frame a chunked body are a protocol failure.
pub const MAX_FRAMING_BYTES: usize = 64 * 1024;
/// A head with more fields is a protocol failure.
pub const MAX_FIELDS: usize = 2_000;
