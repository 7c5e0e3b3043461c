//! One request under way, and as much of its answer as has come.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::answer::{Failure, Kind, Timing};
use crate::reading::Reading;
use crate::target::Origin;

/// A request, as it is handed over.
#[derive(Debug)]
pub struct Submitted {
    /// By which its answer is known.
    pub token: i64,
    /// Who is connected to.
    pub origin: Arc<Origin>,
    /// The only ones that may be connected to, in the order in which to try them.
    pub addresses: Vec<IpAddr>,
    /// Its bytes.
    pub bytes: Arc<Vec<u8>>,
    /// Whether its answer's head and body stay with the answer until somebody asks for them.
    pub kept: bool,
    /// For all of it.
    pub timeout: Duration,
}

/// One exchange.
#[derive(Debug)]
pub struct Exchange {
    /// What is asked.
    pub request: Submitted,
    /// Another one for each exchange.
    pub serial: u64,
    /// When it was handed over.
    pub started: Instant,
    /// When its time is up.
    pub deadline: Instant,
    /// The connections that are being made for it.
    pub connecting: Vec<usize>,
    /// The one that carries it.
    pub carried_by: Option<usize>,
    /// How many of its addresses were tried.
    pub tried: usize,
    /// Why the last one could not be connected to.
    pub refused: String,
    /// Whether its connection had carried others.
    pub reused: bool,
    /// How much of it has gone out.
    pub sent: usize,
    /// What has come.
    pub reading: Reading,
    /// Where its time went.
    pub timing: Timing,
}

impl Exchange {
    /// One that begins now.
    pub fn new(request: Submitted, serial: u64, now: Instant) -> Self {
        Self {
            serial,
            started: now,
            deadline: now + request.timeout,
            request,
            connecting: Vec::new(),
            carried_by: None,
            tried: 0,
            refused: String::new(),
            reused: false,
            sent: 0,
            reading: Reading::default(),
            timing: Timing::default(),
        }
    }

    /// How long it has taken.
    pub fn elapsed_ms(&self, now: Instant) -> f64 {
        now.duration_since(self.started).as_secs_f64() * 1_000.0
    }

    /// A connection that was idle may have ended before the request came: it is worth another one, once.
    pub fn is_worth_another(&self, failure: &Failure) -> bool {
        self.reused && failure.kind == Kind::Reset && !self.reading.began()
    }

    /// From the beginning, on a connection of its own.
    pub fn start_again(&mut self) {
        self.reused = false;
        self.carried_by = None;
        self.sent = 0;
        self.reading = Reading::default();
    }

    /// Its time is up.
    pub fn timed_out(&self) -> Failure {
        Failure::new(Kind::Timeout, format!("no whole answer within {} ms", self.request.timeout.as_millis()))
    }
}
