//! The way of one exchange, and of one connection: what is done when epoll has told of it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Token};
use slab::Slab;

use super::{CUT_HANDSHAKE, Engine, LOOKS_AT_ONCE, NEXT_AFTER, UNASKED};
use crate::answer::{Answer, Failure, Kind, Response};
use crate::connection::{Connection, Stage};
use crate::deadlines::Whose;
use crate::exchange::Exchange;
use crate::reading::Progress;
use crate::stream::{End, Stream, Told};

impl Engine {
    pub(super) fn begin(&mut self, place: usize) {
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
    pub(super) fn connect(&mut self, place: usize) {
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
    pub(super) fn connected(&mut self, place: usize, exchange_place: usize, told: Told) {
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
    pub(super) fn secure(&mut self, place: usize, exchange_place: usize, told: Told) {
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
    pub(super) fn carry(&mut self, place: usize, exchange_place: usize, told: Told) {
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
    pub(super) fn failed(&mut self, place: usize, failure: Failure) {
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

    pub(super) fn finish(
        &mut self,
        place: usize,
        now: Instant,
        outcome: impl FnOnce(&mut Exchange) -> Result<Response, Failure>,
    ) {
        self.close_all_of(place);
        let mut exchange = self.exchanges.remove(place);
        self.by_token.remove(&exchange.request.token);
        self.finished.push(Answer {
            token: exchange.request.token,
            kept: exchange.request.kept,
            outcome: outcome(&mut exchange),
            elapsed_ms: exchange.elapsed_ms(now),
            timing: exchange.timing,
        });
    }

    pub(super) fn close_all_of(&mut self, place: usize) {
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
    pub(super) fn look_at_idle(&mut self, place: usize, told: Told) {
        let stream = &mut self.connections[place].stream;
        let received = stream.receive(&mut self.room, told);
        let is_fine = received.bytes.is_empty() && received.end.is_none() && !received.look_again;
        if !is_fine || stream.send(&[]).is_err() {
            self.close_idle(place);
        }
    }

    pub(super) fn close_idle(&mut self, place: usize) {
        let connection = self.connections.remove(place);
        self.idle.remove(&connection.origin, place);
    }

    pub(super) fn close_outlived(&mut self, now: Instant) {
        loop {
            let connections = &self.connections;
            let too_many = connections.len() > self.most_connections && self.idle.count() > 0;
            let still = |whose| is_idle(connections, whose);
            let Some(place) = self.idle.outlived(now, too_many, still) else { return };
            self.close_idle(place);
        }
    }
}

fn is_idle(connections: &Slab<Connection>, whose: Whose) -> bool {
    connections
        .get(whose.place)
        .is_some_and(|connection| connection.stage == Stage::Idle && connection.serial == whose.serial)
}
