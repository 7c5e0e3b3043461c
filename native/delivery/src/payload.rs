//! Payload formats: an event becomes the body of a request, as `consumer/signing/payload.py` says.
//!
//! The law: where a format carries `data`, it is the producer's JSON, byte for byte.

use crate::moment::rfc3339;
use crate::text::{in_a_path, quoted};

const JSON_TYPE: &str = "application/json";
const CLOUDEVENTS_TYPE: &str = "application/cloudevents+json";

/// What is known of an event.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// The producer's.
    pub id: &'a str,
    /// Its type.
    pub kind: &'a str,
    /// Whose it is.
    pub tenant: &'a str,
    /// And of which product.
    pub product: Option<&'a str>,
    /// When it happened.
    pub time_ms: i64,
    /// Its payload, as JSON.
    pub data: &'a [u8],
    /// W3C Trace Context.
    pub traceparent: Option<&'a str>,
    /// What stands for the source of an event that came as one of `CloudEvents`.
    pub mark: Option<&'a str>,
}

/// How a webhook wants its bodies.
#[derive(Clone, Debug)]
pub enum Format {
    /// Standard Webhooks.
    Standard,
    /// A brand's own envelope, with whose workspace it is or without.
    Event {
        /// With it.
        with_workspace: bool,
    },
    /// `CloudEvents`, structured mode.
    CloudEvents {
        /// Under whose name.
        brand: String,
    },
    /// `data` alone.
    Raw,
}

/// A body: `data` and what is around it.
#[derive(Debug)]
pub struct Body<'a> {
    /// Before it.
    pub before: Vec<u8>,
    /// The event's.
    pub data: &'a [u8],
    /// Behind it.
    pub behind: Vec<u8>,
    /// What it is.
    pub content_type: &'a str,
}

impl<'a> Body<'a> {
    /// One that was rendered before.
    pub fn whole(body: &'a [u8], content_type: &'a str) -> Self {
        Self { before: Vec::new(), data: body, behind: Vec::new(), content_type }
    }

    /// Its bytes, one part after the other.
    pub fn parts(&self) -> [&[u8]; 3] {
        [&self.before, self.data, &self.behind]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.parts().map(<[u8]>::len).iter().sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Format {
    /// The body of this event.
    pub fn render<'a>(&self, event: &Event<'a>) -> Body<'a> {
        let mut before = Vec::with_capacity(256);
        let mut behind = Vec::new();
        match self {
            Self::Standard => {
                before.extend_from_slice(b"{\"type\":");
                quoted(event.kind, &mut before);
                before.extend_from_slice(b",\"timestamp\":\"");
                before.extend_from_slice(rfc3339(event.time_ms).as_bytes());
                before.extend_from_slice(b"\",\"data\":");
                behind.push(b'}');
            }
            Self::Event { with_workspace } => {
                before.extend_from_slice(b"{\"event\":");
                quoted(event.kind, &mut before);
                if *with_workspace {
                    before.extend_from_slice(b",\"workspace_id\":");
                    quoted(event.tenant, &mut before);
                    before.extend_from_slice(b",\"product_id\":");
                    match event.product {
                        Some(product) => quoted(product, &mut before),
                        None => before.extend_from_slice(b"null"),
                    }
                }
                before.extend_from_slice(b",\"data\":");
                behind.extend_from_slice(b",\"timestamp\":\"");
                behind.extend_from_slice(rfc3339(event.time_ms).as_bytes());
                behind.extend_from_slice(b"\"}");
            }
            Self::CloudEvents { brand } => {
                before.extend_from_slice(b"{\"specversion\":\"1.0\",\"id\":");
                quoted(event.id, &mut before);
                before.extend_from_slice(b",\"source\":");
                quoted(&source_of(brand, event), &mut before);
                before.extend_from_slice(b",\"type\":");
                quoted(event.kind, &mut before);
                before.extend_from_slice(b",\"time\":\"");
                before.extend_from_slice(rfc3339(event.time_ms).as_bytes());
                before.extend_from_slice(b"\",\"datacontenttype\":\"application/json\",\"data\":");
                behind.push(b'}');
            }
            Self::Raw => {}
        }
        let content_type = if matches!(self, Self::CloudEvents { .. }) { CLOUDEVENTS_TYPE } else { JSON_TYPE };
        Body { before, data: event.data, behind, content_type }
    }
}

/// A URI reference: `/brand/tenant[/product][?of=…]`.
fn source_of(brand: &str, event: &Event) -> String {
    let mut source = String::new();
    for part in [Some(brand), Some(event.tenant), event.product].into_iter().flatten() {
        source.push('/');
        source.push_str(&in_a_path(part));
    }
    if let Some(mark) = event.mark {
        source.push_str("?of=");
        source.push_str(mark);
    }
    source
}
