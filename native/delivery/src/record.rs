//! The attempt record, as `consumer/kafka/attempt_encoding.py` writes it: Avro binary, in the order of the schema.
//!
//! ```text
//! string, bytes   length as zigzag varint, then UTF-8 or the bytes
//! int, long       zigzag varint
//! double          8 bytes, little-endian
//! array           count as zigzag varint, the items, 0x00; an empty one is 0x00 alone
//! union           0x00 for null, 0x02 and then the other branch
//! ```

use hookline_http::answer::{Response, Timing};

use crate::avro::Writer;
use crate::endpoint::{Endpoint, Written};

const BEYOND_BODIES: usize = 1_536; // about what a record has beside its two bodies
const WHOLE: &str = "whole";

/// What Python knows of an attempt that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The delivery's, the event's and the webhook's names, as the record begins with them.
    pub names: [&'a str; 5],
    /// How many there were, with this one.
    pub number: i64,
    /// When it was begun.
    pub at_ms: i64,
    /// When the first was.
    pub first_attempt_ms: Option<i64>,
    /// What follows.
    pub outcome: &'a str,
    /// The delay topic, where it is tried again.
    pub next_tier: Option<&'a str>,
    /// Why it is not.
    pub reason: Option<&'a str>,
    /// The replay it is part of.
    pub replay_id: Option<&'a str>,
    /// Why it was made.
    pub trigger: &'a str,
    /// By which job.
    pub job_id: Option<&'a str>,
    /// The event's.
    pub product: Option<&'a str>,
    /// When that happened.
    pub event_time_ms: i64,
    /// Where it lies.
    pub event_topic: &'a str,
    /// There.
    pub event_partition: i64,
    /// There.
    pub event_offset: i64,
    /// When the delivery was first due.
    pub first_due_ms: i64,
}

/// The record of an attempt. `head` is what every record begins with, which names the schema.
pub fn record(
    head: &[u8],
    attempt: &Attempt,
    endpoint: &Endpoint,
    written: &Written,
    response: &Response,
    (elapsed_ms, timing): (f64, Timing),
) -> Vec<u8> {
    let (request, answered) = (written.body(), response.body.as_slice());
    let mut told = Writer::new(head, BEYOND_BODIES + request.len() + answered.len());
    for name in attempt.names {
        told.text(name);
    }
    told.long(attempt.number);
    told.long(attempt.at_ms);
    told.optional(attempt.first_attempt_ms, Writer::long);
    told.text(&endpoint.url);
    told.optional(Some(i64::from(response.head.status)), Writer::long);
    told.optional(None, Writer::text); // why there was no answer
    told.double(elapsed_ms);
    told.text(attempt.outcome);
    told.optional(attempt.next_tier, Writer::text);
    told.optional(attempt.reason, Writer::text);
    told.optional(attempt.replay_id, Writer::text);
    told.text(attempt.trigger);
    told.optional(attempt.job_id, Writer::text);
    told.text(&endpoint.brand);
    told.boolean(response.truncated);
    told.text(""); // why there was no answer, in words
    told.optional(attempt.product, Writer::text);
    told.bytes(written.content_type());
    told.long(attempt.event_time_ms);
    told.text(attempt.event_topic);
    told.long(attempt.event_partition);
    told.long(attempt.event_offset);
    told.long(attempt.first_due_ms);
    told.optional(None, Writer::double); // the name was looked up before
    told.optional(timing.connect_ms, Writer::double);
    told.optional(timing.tls_ms, Writer::double);
    told.optional(timing.first_byte_ms, Writer::double);
    told.text(WHOLE);
    headers(&mut told, written.shown(endpoint), Writer::bytes);
    headers(&mut told, response.head.fields(), latin_1);
    told.bytes(request);
    told.bytes(answered);
    told.written()
}

/// Bytes that stand for a character each.
fn latin_1(told: &mut Writer, bytes: &[u8]) {
    if bytes.is_ascii() {
        told.bytes(bytes);
    } else {
        told.text(&bytes.iter().map(|&byte| char::from(byte)).collect::<String>());
    }
}

fn headers<'a>(
    told: &mut Writer,
    headers: impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])>,
    tell: impl Fn(&mut Writer, &[u8]),
) {
    if headers.len() > 0 {
        told.length(headers.len());
        for (name, value) in headers {
            tell(told, name);
            tell(told, value);
        }
    }
    told.length(0);
}
