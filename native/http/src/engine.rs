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

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::TcpStream;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use crate::answer::{Answer, Failure, Kind, Response};
use crate::connection::{Connection, Stage};
use crate::contained::contained;
use crate::deadlines::{Deadlines, Whose};
use crate::exchange::{Exchange, Submitted};
use crate::idle::Idle;
use crate::reading::Progress;
use crate::stream::{End, Room, Stream, Told};
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
        let answer = Answer { token, outcome: Err(failure), elapsed_ms: 0.0, timing: crate::answer::Timing::default() };
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

    // From here on for one exchange.

    fn begin(&mut self, place: usize) {
        let exchange = &mut self.exchanges[place];
        let (origin, addresses) = (&exchange.request.origin, &exchange.request.addresses);
        let connections = &self.connections;
        let found = self.idle.take(origin, |each| addresses.contains(&connections[each].address));
        let Some(connection) = found else { return self.connect(place) };
        exchange.reused = true;
        exchange.carried_by = Some(connection);
        self.connections[connection].stage = Stage::Carrying(place);
        self.carry(connection, place, Told::Nothing);
    }

    /// Try the next address.
    fn connect(&mut self, place: usize) {
        loop {
            let exchange = &mut self.exchanges[place];
            let Some(&address) = exchange.request.addresses.get(exchange.tried) else {
                if exchange.connecting.is_empty() {
                    let failure = Failure::new(Kind::Connect, std::mem::take(&mut exchange.refused));
                    self.failed(place, failure);
                }
                return;
            };
            exchange.tried += 1;
            let origin = exchange.request.origin.clone();
            let tls = match origin.secure.then(|| self.trust.connection(&origin)).transpose() {
                Ok(tls) => tls,
                Err(words) => return self.failed(place, Failure::new(Kind::Tls, words)),
            };
            let number = self.connections.vacant_key();
            let opened = TcpStream::connect(SocketAddr::new(address, origin.port)).and_then(|mut socket| {
                let wanted = Interest::READABLE | Interest::WRITABLE;
                self.poll.registry().register(&mut socket, Token(number), wanted)?;
                Ok(socket)
            });
            let exchange = &mut self.exchanges[place];
            match opened {
                Err(error) => exchange.refused = error.to_string(),
                Ok(socket) => {
                    let _ = socket.set_nodelay(true); // else it is slower, and no less right
                    let (stream, stage) = (Stream::new(socket, tls), Stage::Connecting(place));
                    self.connections.insert(Connection { stream, origin, address, stage, serial: 0 });
                    exchange.connecting.push(number);
                    let whose = Whose { place, serial: exchange.serial };
                    if exchange.tried < exchange.request.addresses.len() {
                        self.look_again_at(Instant::now() + NEXT_AFTER, whose);
                    }
                    return self.close_outlived(Instant::now());
                }
            }
        }
    }

    /// A connection is made, or could not be.
    fn connected(&mut self, place: usize, exchange_place: usize, told: Told) {
        let stream = &mut self.connections[place].stream;
        let refused = match stream.socket.take_error() {
            Ok(Some(error)) | Err(error) => Some(error),
            Ok(None) => match stream.socket.peer_addr() {
                Ok(_) => None,
                Err(error) if error.kind() == ErrorKind::NotConnected => return, // still being made
                Err(error) => Some(error),
            },
        };
        let exchange = &mut self.exchanges[exchange_place];
        exchange.connecting.retain(|&each| each != place);
        if let Some(error) = refused {
            exchange.refused = error.to_string();
            self.connections.remove(place);
            return self.connect(exchange_place);
        }
        exchange.timing.connect_ms = Some(exchange.elapsed_ms(Instant::now()));
        exchange.carried_by = Some(place);
        for slower in std::mem::take(&mut exchange.connecting) {
            self.connections.remove(slower);
        }
        let connection = &mut self.connections[place];
        if connection.stream.is_secure() {
            connection.stage = Stage::Securing(exchange_place);
            self.secure(place, exchange_place, told);
        } else {
            connection.stage = Stage::Carrying(exchange_place);
            self.carry(place, exchange_place, told);
        }
    }

    /// TLS's handshake.
    fn secure(&mut self, place: usize, exchange_place: usize, told: Told) {
        let connection = &mut self.connections[place];
        let exchange = &mut self.exchanges[exchange_place];
        let mut look_again = told != Told::Nothing;
        for looks in 1.. {
            if !look_again {
                break;
            }
            if looks > LOOKS_AT_ONCE {
                return self.hear_again(place, exchange_place);
            }
            let received = connection.stream.receive(&mut self.room, told);
            look_again = received.look_again;
            let broken = match received.end {
                None if received.bytes.is_empty() => None,
                None => Some(Failure::new(Kind::Protocol, UNASKED)),
                Some(End::Ended) => Some(Failure::new(Kind::Tls, CUT_HANDSHAKE)),
                Some(End::Broken(failure)) => Some(failure),
            };
            if let Some(failure) = broken {
                return self.failed(exchange_place, failure);
            }
        }
        if let Err(error) = connection.stream.send(&[]) {
            return self.failed(exchange_place, Failure::new(Kind::Tls, error.to_string()));
        }
        if !connection.stream.in_handshake() {
            let connected_ms = exchange.timing.connect_ms.unwrap_or_default();
            exchange.timing.tls_ms = Some(exchange.elapsed_ms(Instant::now()) - connected_ms);
            connection.stage = Stage::Carrying(exchange_place);
            self.carry(place, exchange_place, Told::Nothing);
        }
    }

    /// Send what there is to send, and read what has come.
    fn carry(&mut self, place: usize, exchange_place: usize, told: Told) {
        let connection = &mut self.connections[place];
        let exchange = &mut self.exchanges[exchange_place];
        let bytes = &exchange.request.bytes;
        let mut lost = None;
        if exchange.sent < bytes.len() || connection.stream.has_more_to_send() {
            match connection.stream.send(&bytes[exchange.sent..]) {
                Ok(sent) => exchange.sent += sent,
                Err(error) => lost = Some(Failure::new(Kind::Reset, error.to_string())),
            }
        }
        // What it answered before the connection was lost is still to be read.
        let mut look_again = told != Told::Nothing || lost.is_some();
        for looks in 1.. {
            if !look_again {
                break;
            }
            if looks > LOOKS_AT_ONCE {
                return self.hear_again(place, exchange_place);
            }
            let received = connection.stream.receive(&mut self.room, told);
            look_again = received.look_again;
            if !received.bytes.is_empty() && !exchange.reading.began() {
                exchange.timing.first_byte_ms = Some(exchange.elapsed_ms(Instant::now()));
            }
            let mut progress = exchange.reading.feed(received.bytes);
            if progress == Progress::More {
                progress = match received.end {
                    None => Progress::More,
                    Some(End::Ended) => exchange.reading.end(),
                    Some(End::Broken(failure)) => exchange.reading.failed(failure),
                };
            } else if received.end.is_some() || look_again {
                progress = match progress {
                    Progress::Whole { .. } => Progress::Whole { reusable: false },
                    other => other,
                };
            }
            match progress {
                Progress::More => {}
                Progress::Whole { reusable } => return self.answered(exchange_place, reusable),
                Progress::Wrong(failure) => return self.failed(exchange_place, failure),
            }
        }
        if let Some(failure) = lost {
            self.failed(exchange_place, failure);
        }
    }

    /// It sends faster than it is read, perhaps nothing but TLS's own: others have their turn first.
    fn hear_again(&mut self, place: usize, exchange_place: usize) {
        let socket = &mut self.connections[place].stream.socket;
        let wanted = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().reregister(socket, Token(place), wanted) {
            self.failed(exchange_place, Failure::new(Kind::Reset, error.to_string()));
        }
    }

    /// The answer is whole.
    fn answered(&mut self, place: usize, reusable: bool) {
        let now = Instant::now();
        let exchange = &self.exchanges[place];
        let all_sent = exchange.sent == exchange.request.bytes.len();
        let carried_by = exchange
            .carried_by
            .filter(|&each| reusable && all_sent && !self.connections[each].stream.has_more_to_send());
        if let Some(number) = carried_by {
            self.exchanges[place].carried_by = None;
            self.keep(number, now);
        }
        self.finish(place, now, |exchange| Ok(std::mem::take(&mut exchange.reading).response()));
    }

    /// There is no answer, or not all of one, or there is enough of it.
    fn failed(&mut self, place: usize, failure: Failure) {
        let exchange = &mut self.exchanges[place];
        if exchange.is_worth_another(&failure) {
            self.close_all_of(place);
            self.exchanges[place].start_again();
            return self.connect(place);
        }
        match exchange.reading.failed(failure) {
            Progress::Wrong(failure) => self.finish(place, Instant::now(), |_| Err(failure)),
            _ => self.answered(place, false),
        }
    }

    fn finish(&mut self, place: usize, now: Instant, outcome: impl FnOnce(&mut Exchange) -> Result<Response, Failure>) {
        self.close_all_of(place);
        let mut exchange = self.exchanges.remove(place);
        self.by_token.remove(&exchange.request.token);
        self.finished.push(Answer {
            token: exchange.request.token,
            outcome: outcome(&mut exchange),
            elapsed_ms: exchange.elapsed_ms(now),
            timing: exchange.timing,
        });
    }

    fn close_all_of(&mut self, place: usize) {
        let exchange = &mut self.exchanges[place];
        let connections = exchange.connecting.drain(..).chain(exchange.carried_by.take());
        for each in connections {
            self.connections.remove(each);
        }
    }

    // From here on for one connection.

    fn keep(&mut self, place: usize, now: Instant) {
        let serial = self.next_serial();
        let connection = &mut self.connections[place];
        connection.stage = Stage::Idle;
        connection.serial = serial;
        let origin = connection.origin.clone();
        let connections = &self.connections;
        self.idle.add(&origin, Whose { place, serial }, now, |whose| is_idle(connections, whose));
    }

    /// Something has come where nothing was asked for.
    fn look_at_idle(&mut self, place: usize, told: Told) {
        let stream = &mut self.connections[place].stream;
        let received = stream.receive(&mut self.room, told);
        let is_fine = received.bytes.is_empty() && received.end.is_none() && !received.look_again;
        if !is_fine || stream.send(&[]).is_err() {
            self.close_idle(place);
        }
    }

    fn close_idle(&mut self, place: usize) {
        let connection = self.connections.remove(place);
        self.idle.remove(&connection.origin, place);
    }

    fn close_outlived(&mut self, now: Instant) {
        loop {
            let connections = &self.connections;
            let too_many = connections.len() > self.most_connections && self.idle.count() > 0;
            let still = |whose| is_idle(connections, whose);
            let Some(place) = self.idle.outlived(now, too_many, still) else { return };
            self.close_idle(place);
        }
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

fn is_idle(connections: &Slab<Connection>, whose: Whose) -> bool {
    connections
        .get(whose.place)
        .is_some_and(|connection| connection.stage == Stage::Idle && connection.serial == whose.serial)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{IpAddr, Ipv4Addr, TcpListener};
    use std::thread;
    use std::time::Duration;

    use super::{Engine, Submitted};
    use crate::answer::{Answer, Kind};
    use crate::target::Target;
    use crate::trust::Trust;

    const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    fn engine() -> Engine {
        Engine::new(Trust::nobody(), 16).expect("an epoll")
    }

    fn request(token: i64, port: u16) -> Submitted {
        let target = Target::of(&format!("http://hook.test:{port}/")).expect("a URL");
        Submitted {
            token,
            origin: target.origin.clone(),
            addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            bytes: target.post(0).with_body(b"{}"),
            timeout: Duration::from_secs(20),
        }
    }

    fn finish(engine: &mut Engine) -> Vec<Answer> {
        let mut answers = Vec::new();
        while engine.in_flight() > 0 {
            answers.extend(engine.poll(Duration::from_secs(1)).expect("a poll"));
        }
        answers
    }

    /// Serves connections one after the other; each answers so many requests, and closes.
    fn listener(each: usize, connections: usize) -> (u16, thread::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let serving = thread::spawn(move || {
            for _ in 0..connections {
                let (mut socket, _) = listener.accept().expect("a connection");
                for _ in 0..each {
                    let mut asked = [0; 4_096];
                    let _ = socket.read(&mut asked).expect("a request");
                    socket.write_all(OK).expect("a client");
                }
            }
        });
        (port, serving)
    }

    #[test]
    fn a_connection_that_ended_while_it_was_idle_costs_no_answer() {
        let (port, serving) = listener(1, 3);
        let mut engine = engine();
        for token in 0..3 {
            engine.submit(request(token, port));
            let answers = finish(&mut engine);
            assert!(answers[0].outcome.is_ok(), "{answers:?}");
        }
        serving.join().expect("the listener");
    }

    #[test]
    fn a_panic_ends_one_request_and_says_where() {
        let (port, serving) = listener(1, 2);
        let mut engine = engine();
        engine.submit(request(1, port));
        engine.submit(request(2, port));
        let place = engine.by_token[&1];
        engine.guarded(Some(place), None, |_| panic!("a secret"));
        let mut answers = finish(&mut engine);
        answers.sort_by_key(|answer| answer.token);
        let failure = answers[0].outcome.as_ref().expect_err("a bug");
        assert_eq!(failure.kind, Kind::Bug);
        assert!(failure.detail.contains("engine.rs:") && !failure.detail.contains("secret"), "{failure:?}");
        assert!(answers[1].outcome.is_ok());
        engine.submit(request(3, port));
        assert!(finish(&mut engine)[0].outcome.is_ok());
        serving.join().expect("the listener");
    }
}
