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
    let mut told = Told(Vec::with_capacity(BEYOND_BODIES + request.len() + answered.len()));
    told.0.extend_from_slice(head);
    for name in attempt.names {
        told.text(name);
    }
    told.long(attempt.number);
    told.long(attempt.at_ms);
    told.optional(attempt.first_attempt_ms, Told::long);
    told.text(&endpoint.url);
    told.optional(Some(i64::from(response.head.status)), Told::long);
    told.optional(None, Told::text); // why there was no answer
    told.double(elapsed_ms);
    told.text(attempt.outcome);
    told.optional(attempt.next_tier, Told::text);
    told.optional(attempt.reason, Told::text);
    told.optional(attempt.replay_id, Told::text);
    told.text(attempt.trigger);
    told.optional(attempt.job_id, Told::text);
    told.text(&endpoint.brand);
    told.0.push(u8::from(response.truncated));
    told.text(""); // why there was no answer, in words
    told.optional(attempt.product, Told::text);
    told.bytes(written.content_type());
    told.long(attempt.event_time_ms);
    told.text(attempt.event_topic);
    told.long(attempt.event_partition);
    told.long(attempt.event_offset);
    told.long(attempt.first_due_ms);
    told.optional(None, Told::double); // the name was looked up before
    told.optional(timing.connect_ms, Told::double);
    told.optional(timing.tls_ms, Told::double);
    told.optional(timing.first_byte_ms, Told::double);
    told.text(WHOLE);
    told.headers(written.shown(endpoint), Told::bytes);
    told.headers(response.head.fields(), Told::latin_1);
    told.bytes(request);
    told.bytes(answered);
    told.0
}

struct Told(Vec<u8>);

impl Told {
    fn long(&mut self, number: i64) {
        let zigzag = (number << 1) ^ (number >> 63); // the sign is the last bit
        self.varint(u64::from_le_bytes(zigzag.to_le_bytes()));
    }

    fn length(&mut self, length: usize) {
        self.varint((length as u64) << 1);
    }

    fn varint(&mut self, mut rest: u64) {
        loop {
            let [low, ..] = rest.to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                return self.0.push(low);
            }
            self.0.push(low | 0x80);
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Bytes that stand for a character each.
    fn latin_1(&mut self, bytes: &[u8]) {
        if bytes.is_ascii() {
            self.bytes(bytes);
        } else {
            self.text(&bytes.iter().map(|&byte| char::from(byte)).collect::<String>());
        }
    }

    fn double(&mut self, number: f64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn optional<T>(&mut self, value: Option<T>, tell: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.0.push(0),
            Some(value) => {
                self.0.push(2);
                tell(self, value);
            }
        }
    }

    fn headers<'a>(
        &mut self,
        headers: impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])>,
        tell: impl Fn(&mut Self, &[u8]),
    ) {
        if headers.len() > 0 {
            self.length(headers.len());
            for (name, value) in headers {
                tell(self, name);
                tell(self, value);
            }
        }
        self.0.push(0);
    }
}
