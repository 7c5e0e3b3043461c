//! A connection's bytes, plain or through TLS. Nothing here waits.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::TcpStream;
use rustls::ClientConnection;

use crate::answer::{Failure, Kind};

const RECEIVED_AT_ONCE: usize = 64 * 1024;
const BROKEN_TLS: &str = "the connection was closed without the end that TLS has";

/// Room for what is received, shared by all connections of an engine.
#[derive(Debug)]
pub struct Room {
    raw: Box<[u8]>,
    plain: Vec<u8>,
}

impl Default for Room {
    fn default() -> Self {
        Self { raw: vec![0; RECEIVED_AT_ONCE].into_boxed_slice(), plain: Vec::new() }
    }
}

/// What epoll told of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing that is to be read.
    Nothing,
    /// Something came.
    Came,
    /// Something may have come, and the end with it: nobody will tell of that again.
    Ended,
}

/// How a connection is over.
#[derive(Debug)]
pub enum End {
    /// The other side has ended it, as one does.
    Ended,
    /// It was lost.
    Broken(Failure),
}

/// What one look at a connection brought.
#[derive(Debug)]
pub struct Received<'a> {
    /// Of the answer.
    pub bytes: &'a [u8],
    /// There may be more, and nobody will tell of it.
    pub look_again: bool,
    /// Nothing comes behind these bytes.
    pub end: Option<End>,
}

/// A TCP connection that is made, or being made.
#[derive(Debug)]
pub struct Stream {
    /// Its socket.
    pub socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Stream {
    /// Over this socket, with TLS or without.
    pub fn new(socket: TcpStream, tls: Option<ClientConnection>) -> Self {
        Self { socket, tls: tls.map(Box::new) }
    }

    /// Whether the handshake is still to be done.
    pub fn in_handshake(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    /// Whether there is TLS.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether something that was taken has still to go out.
    pub fn has_more_to_send(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Send of these bytes as many as go out now; returns how many were taken. Call again when it is writable.
    ///
    /// # Errors
    /// The connection is lost for sending; what it has received may still be read.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut taken = 0;
        loop {
            let rest = &bytes[taken..];
            let Some(tls) = &mut self.tls else {
                if rest.is_empty() {
                    return Ok(taken);
                }
                match unless_blocked(self.socket.write(rest))? {
                    None | Some(0) => return Ok(taken),
                    Some(sent) => taken += sent,
                }
                continue;
            };
            let buffered = tls.writer().write(rest)?;
            taken += buffered;
            while tls.wants_write() {
                if unless_blocked(tls.write_tls(&mut self.socket))?.is_none() {
                    return Ok(taken);
                }
            }
            if buffered == 0 || taken == bytes.len() {
                return Ok(taken);
            }
        }
    }

    /// What has come.
    pub fn receive<'a>(&mut self, room: &'a mut Room, told: Told) -> Received<'a> {
        let (received, mut end) = match unless_blocked(self.socket.read(&mut room.raw)) {
            Ok(Some(0)) => (0, Some(End::Ended)),
            Ok(received) => (received.unwrap_or(0), None),
            Err(error) => (0, Some(End::Broken(Failure::new(self.lost(), error.to_string())))),
        };
        let look_again = received == room.raw.len() || (told == Told::Ended && received > 0);
        let raw = &room.raw[..received];
        let Some(tls) = &mut self.tls else { return Received { bytes: raw, look_again, end } };
        room.plain.clear();
        if received > 0 {
            end = opened(tls, raw, &mut room.plain).err().map(End::Broken);
        }
        if let Some(End::Broken(_)) = end {
            let _ = tls.write_tls(&mut self.socket); // the alert, if it goes out: what is wrong is told here
        } else if tls.process_new_packets().is_ok_and(|state| state.peer_has_closed()) {
            end = Some(End::Ended);
        } else if let Some(End::Ended) = end {
            end = Some(End::Broken(Failure::new(self.lost(), BROKEN_TLS)));
        }
        Received { bytes: &room.plain, look_again, end }
    }

    /// What it is to lose the connection now.
    fn lost(&self) -> Kind {
        if self.in_handshake() { Kind::Tls } else { Kind::Reset }
    }
}

/// Take TLS off what was received.
fn opened(tls: &mut ClientConnection, mut raw: &[u8], plain: &mut Vec<u8>) -> Result<(), Failure> {
    while !raw.is_empty() {
        let in_handshake = tls.is_handshaking();
        let broken = |words: String| Failure::new(if in_handshake { Kind::Tls } else { Kind::Reset }, words);
        tls.read_tls(&mut raw).map_err(|error| broken(error.to_string()))?;
        let state = tls.process_new_packets().map_err(|error| broken(error.to_string()));
        // Also where TLS breaks behind it: what came before is whole.
        let mut part = [0; 4_096];
        while let Ok(read @ 1..) = tls.reader().read(&mut part) {
            plain.extend_from_slice(&part[..read]);
        }
        state?;
    }
    Ok(())
}

/// None: not now.
fn unless_blocked(done: io::Result<usize>) -> io::Result<Option<usize>> {
    match done {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
