//! What came of a request, as `consumer/delivery/answer.py` has it.

use std::borrow::Cow;

use crate::head::Head;

/// Why there is no HTTP answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not all of it came in time.
    Timeout,
    /// None of the addresses took the connection.
    Connect,
    /// The handshake failed.
    Tls,
    /// The connection was lost.
    Reset,
    /// What came is not HTTP/1.1, or the request cannot be said in it.
    Protocol,
    /// A panic of ours ended it; the detail says where.
    Bug,
}

impl Kind {
    /// The word that Python has for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Reset => "reset",
            Self::Protocol => "protocol",
            Self::Bug => "bug",
        }
    }
}

/// Where the time went, in ms from the request's begin; `tls_ms` after connecting.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timing {
    /// None on a connection that was there already.
    pub connect_ms: Option<f64>,
    /// None on such a connection, and where there is no TLS.
    pub tls_ms: Option<f64>,
    /// When the answer's first byte came.
    pub first_byte_ms: Option<f64>,
}

/// An HTTP answer of any status, with the first `MAX_BODY_BYTES` of its body.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// Its status and fields.
    pub head: Head,
    /// What is kept of its body.
    pub body: Vec<u8>,
    /// Whether there was more.
    pub truncated: bool,
}

/// No (whole) HTTP answer. The detail may quote what an endpoint sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Why.
    pub kind: Kind,
    /// In words.
    pub detail: Cow<'static, str>,
}

impl Failure {
    /// In these words.
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// What came of one request.
#[derive(Debug)]
pub struct Answer {
    /// Whose.
    pub token: i64,
    /// Whether its head and body stay with it until somebody asks for them.
    pub kept: bool,
    /// What came, or why nothing did.
    pub outcome: Result<Response, Failure>,
    /// From its submission to its end.
    pub elapsed_ms: f64,
    /// Where that went.
    pub timing: Timing,
}
