//! All requests under way and all connections, on one epoll.
//!
//! The law: every request that was submitted comes back from `poll` exactly once, by its deadline; unless it was
//! cancelled, then never. A request goes to an address of its own and to no other.
//!
//! ```text
//! submit ─► new ─┬─► an idle connection ───────────────────────┐
//!                └─► connecting ─► (TLS's handshake) ──────────┴─► carried ─► finished ─► poll
//! ```
//!
//! What is not obvious:
//! - epoll tells of a change once. So a connection is read until a read comes back short, and where the end was told of
//!   with the bytes, to the end.
//! - before requests go out, idle connections are looked at: bytes that nobody asked for would be taken for the answer.
//! - a connection that was idle and ends before a byte of the answer is no answer: the request gets a new one, once.

#[cfg(test)]
mod tests;
mod way;

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use crate::answer::{Answer, Failure, Kind, Timing};
use crate::connection::{Connection, Stage};
use crate::contained::contained;
use crate::deadlines::{Deadlines, Whose};
use crate::exchange::{Exchange, Submitted};
use crate::idle::Idle;
use crate::stream::{Room, Told};
use crate::trust::Trust;

const EVENTS_A_TURN: usize = 512;
const WATCHED: usize = usize::MAX / 2; // from here on tokens are descriptors of others
const LOOKS_AT_ONCE: usize = 16; // at one connection, of 64 KiB each
const NEXT_AFTER: Duration = Duration::from_millis(250); // RFC 8305 section 5
const UNASKED: &str = "the endpoint answered before it was asked";
const CUT_HANDSHAKE: &str = "the connection was closed in the handshake";

/// See above. Owned by one thread.
#[derive(Debug)]
pub struct Engine {
    trust: Trust,
    most_connections: usize,
    poll: Poll,
    events: Events,
    room: Room,
    serial: u64,
    exchanges: Slab<Exchange>,
    by_token: HashMap<i64, usize>,
    new: Vec<Whose>,
    connections: Slab<Connection>,
    idle: Idle,
    deadlines: Deadlines,
    watched: Vec<RawFd>,
    woken: Vec<usize>, // of the watched, those that epoll has told of
    finished: Vec<Answer>,
}

impl Engine {
    /// Keeps at most so many connections open, idle ones included.
    ///
    /// # Errors
    /// There is no epoll to be had.
    pub fn new(trust: Trust, most_connections: usize) -> io::Result<Self> {
        Ok(Self {
            trust,
            most_connections,
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS_A_TURN),
            room: Room::default(),
            serial: 0,
            exchanges: Slab::new(),
            by_token: HashMap::new(),
            new: Vec::new(),
            connections: Slab::new(),
            idle: Idle::default(),
            deadlines: Deadlines::default(),
            watched: Vec::new(),
            woken: Vec::new(),
            finished: Vec::new(),
        })
    }

    /// Requests submitted and not yet returned.
    pub fn in_flight(&self) -> usize {
        self.by_token.len() + self.finished.len()
    }

    /// Take a request. It begins with the next `poll`, and its time now.
    pub fn submit(&mut self, request: Submitted) {
        let (token, serial) = (request.token, self.next_serial());
        let exchange = Exchange::new(request, serial, Instant::now());
        let deadline = exchange.deadline;
        let place = self.exchanges.insert(exchange);
        self.by_token.insert(token, place);
        self.new.push(Whose { place, serial });
        self.look_again_at(deadline, Whose { place, serial });
    }

    /// A request that ended before it began.
    pub fn refuse(&mut self, token: i64, failure: Failure) {
        let answer = Answer { token, kept: false, outcome: Err(failure), elapsed_ms: 0.0, timing: Timing::default() };
        self.finished.push(answer);
    }

    /// Forget a request: its connection is closed, its answer never comes.
    pub fn cancel(&mut self, token: i64) {
        if let Some(place) = self.by_token.remove(&token) {
            self.close_all_of(place);
            self.exchanges.remove(place);
        }
        self.finished.retain(|answer| answer.token != token);
    }

    /// End a wait also when this descriptor becomes readable.
    ///
    /// # Errors
    /// It cannot be watched.
    pub fn watch(&mut self, fd: RawFd) -> io::Result<()> {
        self.poll.registry().register(&mut SourceFd(&fd), Token(WATCHED + self.watched.len()), Interest::READABLE)?;
        self.watched.push(fd);
        Ok(())
    }

    /// Work for at most so long, until something happens; what finished.
    ///
    /// # Errors
    /// epoll fails.
    pub fn poll(&mut self, wait: Duration) -> io::Result<Vec<Answer>> {
        if !self.new.is_empty() {
            self.turn(Duration::ZERO)?;
            for Whose { place, serial } in std::mem::take(&mut self.new) {
                if self.exchanges.get(place).is_some_and(|exchange| exchange.serial == serial) {
                    self.guarded(Some(place), None, |engine| engine.begin(place));
                }
            }
        }
        if self.finished.is_empty() {
            self.turn(wait)?;
        }
        Ok(std::mem::take(&mut self.finished))
    }

    /// Look at what has changed, for which it waits at most so long.
    fn turn(&mut self, wait: Duration) -> io::Result<()> {
        for number in std::mem::take(&mut self.woken) {
            // epoll tells of a change once; asked again, it tells of what is still to be read.
            let (fd, token) = (self.watched[number], Token(WATCHED + number));
            let _ = self.poll.registry().reregister(&mut SourceFd(&fd), token, Interest::READABLE); // closed: not watched
        }
        let most = self.deadlines.next().map_or(wait, |at| wait.min(at.saturating_duration_since(Instant::now())));
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        let polled = self.poll.poll(&mut events, Some(most));
        if polled.is_ok() {
            for event in &events {
                self.heard(event);
            }
        }
        self.events = events;
        self.sweep(Instant::now());
        match polled {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(()), // interrupted: the caller has a signal to see to
        }
    }

    fn heard(&mut self, event: &Event) {
        let Token(place) = event.token();
        if place >= WATCHED {
            self.woken.push(place - WATCHED);
            return;
        }
        let Some(connection) = self.connections.get(place) else { return };
        let (stage, exchange) = (connection.stage, connection.exchange());
        let told = told_by(event);
        self.guarded(exchange, Some(place), |engine| match stage {
            Stage::Connecting(exchange) => engine.connected(place, exchange, told),
            Stage::Securing(exchange) => engine.secure(place, exchange, told),
            Stage::Carrying(exchange) => engine.carry(place, exchange, told),
            Stage::Idle => engine.look_at_idle(place, told),
        });
    }

    /// End what is due, and the connections that were idle for too long.
    fn sweep(&mut self, now: Instant) {
        while let Some(Whose { place, serial }) = self.deadlines.due(now) {
            let Some(exchange) = self.exchanges.get(place).filter(|exchange| exchange.serial == serial) else {
                continue;
            };
            if exchange.deadline <= now {
                let failure = exchange.timed_out();
                self.guarded(Some(place), None, |engine| engine.failed(place, failure));
            } else if exchange.carried_by.is_none() {
                self.guarded(Some(place), None, |engine| engine.connect(place));
            }
        }
        self.close_outlived(now);
    }

    fn look_again_at(&mut self, at: Instant, whose: Whose) {
        let exchanges = &self.exchanges;
        let alive = |each: Whose| exchanges.get(each.place).is_some_and(|exchange| exchange.serial == each.serial);
        self.deadlines.add(at, whose, exchanges.len(), alive);
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Do it for this exchange, on this connection. A panic ends both and nothing else.
    fn guarded(&mut self, exchange: Option<usize>, connection: Option<usize>, act: impl FnOnce(&mut Self)) {
        let serial = exchange.and_then(|place| self.exchanges.get(place)).map(|exchange| exchange.serial);
        let Err(place_in_code) = contained(|| act(self)) else { return };
        let under_way = exchange.filter(|&place| self.exchanges.get(place).map(|each| each.serial) == serial);
        if let Some(place) = under_way {
            let exchange = &mut self.exchanges[place];
            let connections = exchange.connecting.drain(..).chain(exchange.carried_by.take());
            for each in connections {
                self.connections.try_remove(each);
            }
            self.finish(place, Instant::now(), |_| Err(Failure::new(Kind::Bug, place_in_code)));
        }
        let lost = connection.filter(|&place| {
            let stage = self.connections.get(place).map(|each| (each.stage, each.exchange()));
            stage.is_some_and(|(stage, of)| of == exchange || stage == Stage::Idle)
        });
        if let Some(place) = lost {
            self.close_idle(place);
        }
    }
}

fn told_by(event: &Event) -> Told {
    if event.is_read_closed() || event.is_error() {
        return Told::Ended;
    }
    if event.is_readable() { Told::Came } else { Told::Nothing }
}
