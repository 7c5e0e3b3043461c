//! An endpoint as it is prepared once for a webhook's revision, and the requests to it.

use std::sync::Arc;
use std::time::Duration;

use hookline_http::target::{NoHeader, Origin, Target};
use zeroize::Zeroizing;

use crate::payload::{Body, Event, Format};
use crate::signing::Scheme;
use crate::text::{header_safe, webhook_id};

const BEYOND_BODY: usize = 1_024; // about the size of a request's headers

/// Whom requests go to and what stands in all of them.
pub struct Endpoint {
    /// Its URL, read.
    pub target: Target,
    /// The same as it is told.
    pub url: String,
    /// Of a whole exchange.
    pub timeout: Duration,
    /// Under whose name.
    pub brand: String,
    /// The header of this name.
    pub user_agent: String,
    /// The keys that sign together, at one time or another.
    pub schemes: Vec<Scheme>,
    /// The name of the header that has the event's type.
    pub event_header: Option<String>,
    /// How bodies are rendered; None: not here.
    pub format: Option<Format>,
    /// The customer's own headers, whose values may be secrets.
    pub own: Vec<(String, Zeroizing<String>)>,
    /// What the log has for such a value.
    pub redacted: String,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Endpoint").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A request, whole.
pub struct Written {
    /// Who is connected to.
    pub origin: Arc<Origin>,
    /// All of it.
    pub bytes: Arc<Vec<u8>>,
    fields: Vec<[usize; 3]>, // where each header's name begins, its value begins, and its value ends
    own: usize,              // so many of them, at the end, are the customer's
    body_at: usize,
}

impl std::fmt::Debug for Written {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Written").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// The request of an attempt at `now_ms`, signed with the keys of this number. None: there are no such keys.
    ///
    /// # Errors
    /// A header that no request can have.
    pub fn write(&self, event: &Event, body: &Body, scheme: usize, now_ms: i64) -> Result<Option<Written>, NoHeader> {
        let Some(scheme) = self.schemes.get(scheme) else { return Ok(None) };
        let mut post = self.target.post(BEYOND_BODY + body.len());
        let mut fields = Vec::with_capacity(8 + self.own.len());
        let mut add = |name: &str, value: &str| {
            fields.push(post.header(name, value)?);
            Ok(())
        };
        add("content-type", body.content_type)?;
        add("user-agent", &self.user_agent)?;
        let mut name = webhook_id(event.id);
        if let Some(mark) = event.mark {
            name.push_str("~~");
            name.push_str(mark);
        }
        scheme.sign(&name, now_ms.div_euclid(1_000), body, &mut add)?;
        if let Some(header) = &self.event_header {
            add(header, &header_safe(event.kind))?;
        }
        if let Some(traceparent) = event.traceparent {
            add("traceparent", traceparent)?;
        }
        for (name, value) in &self.own {
            add(name, value)?;
        }
        let bytes = post.with_body(&body.parts());
        let body_at = bytes.len() - body.len();
        let origin = self.target.origin.clone();
        Ok(Some(Written { origin, bytes: Arc::new(bytes), fields, own: self.own.len(), body_at }))
    }
}

impl Written {
    /// Its headers, but for Host and Content-Length.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|&[name, value, end]| (&self.bytes[name..value - 2], &self.bytes[value..end]))
    }

    /// The same as the log has them.
    pub fn shown<'a>(&'a self, endpoint: &'a Endpoint) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> {
        let ours = self.fields.len() - self.own;
        self.headers()
            .enumerate()
            .map(move |(place, (name, value))| (name, if place < ours { value } else { endpoint.redacted.as_bytes() }))
    }

    /// What its body is.
    pub fn content_type(&self) -> &[u8] {
        self.headers().next().map_or(b"", |(_, value)| value)
    }

    /// Its body.
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.body_at..]
    }
}
