//! An answer, read from the bytes of its connection as they come. Without I/O and without a clock.
//!
//! The law: any bytes, however they are cut, have one reading, and at most `MAX_HEAD_BYTES` of heads and
//! `MAX_BODY_BYTES` of body are kept. An answer is a Response when its head and its whole body came, or of its body
//! more than is kept; everything else is a Failure.
//!
//! ```text
//! head ─┬─► 204, 304, length 0 ────────────────────────────────────────────► whole
//!       ├─► chunks ─► the last one and its trailers ────────────────────────► whole
//!       ├─► a length ─► as many bytes ──────────────────────────────────────► whole
//!       └─► neither ─► the end of the connection ───────────────────────────► whole
//!             body longer than `DRAIN_BYTES` ─► cut: whole, and the connection is of no more use
//! ```

use crate::answer::{Failure, Kind, Response};
use crate::chunks::ChunkReader;
use crate::head::{Head, HeadReader, Malformed, TOO_LARGE};
use crate::limits::{DRAIN_BYTES, MAX_BODY_BYTES, MAX_HEAD_BYTES};

const CUT_HEAD: &str = "the connection was closed before the response's head was whole";
const CUT_BODY: &str = "the connection was closed before the response's body was whole";

#[derive(Debug)]
enum Stage {
    Head { reader: HeadReader, line: Vec<u8> },
    Chunks(ChunkReader),
    Length(u64), // of it still to come
    ToTheEnd,
    Whole,
}

/// How far an answer has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// More of it is to come.
    More,
    /// It is whole. Whether its connection may carry another request.
    Whole {
        /// It may.
        reusable: bool,
    },
    /// It is none, or not of HTTP/1.1.
    Wrong(Failure),
}

/// One answer.
#[derive(Debug)]
pub struct Reading {
    stage: Stage,
    head: Head,
    body: Vec<u8>,
    body_bytes: usize,
    began: bool,
}

impl Default for Reading {
    fn default() -> Self {
        let stage = Stage::Head { reader: HeadReader::default(), line: Vec::new() };
        Self { stage, head: Head::default(), body: Vec::new(), body_bytes: 0, began: false }
    }
}

impl Reading {
    /// Whether anything of it has come.
    pub fn began(&self) -> bool {
        self.began
    }

    /// More bytes of the connection.
    pub fn feed(&mut self, received: &[u8]) -> Progress {
        self.began |= !received.is_empty();
        match self.read(received) {
            Ok(rest) => self.progress(rest == 0),
            Err(Malformed(words)) => self.failed(Failure::new(Kind::Protocol, words)),
        }
    }

    /// The connection has ended, as connections do.
    pub fn end(&mut self) -> Progress {
        match self.stage {
            Stage::Head { .. } => Progress::Wrong(Failure::new(Kind::Reset, CUT_HEAD)),
            Stage::ToTheEnd | Stage::Whole => Progress::Whole { reusable: false },
            Stage::Chunks(_) | Stage::Length(_) => self.failed(Failure::new(Kind::Protocol, CUT_BODY)),
        }
    }

    /// It cannot go on. What is kept of its body may be all that ever is: how the rest fares changes nothing then.
    pub fn failed(&mut self, failure: Failure) -> Progress {
        if self.body_bytes > MAX_BODY_BYTES {
            return Progress::Whole { reusable: false };
        }
        Progress::Wrong(failure)
    }

    /// What came, once it is whole.
    pub fn response(self) -> Response {
        Response { head: self.head, truncated: self.body_bytes > MAX_BODY_BYTES, body: self.body }
    }

    /// Read these bytes. Returns how many of them lie behind the answer.
    fn read(&mut self, mut received: &[u8]) -> Result<usize, Malformed> {
        if let Stage::Head { reader, line } = &mut self.stage {
            let Some(rest) = head_among(reader, line, received)? else { return Ok(0) };
            received = rest;
            self.head = std::mem::take(reader).take();
            self.stage = framed(&self.head);
        }
        match &mut self.stage {
            Stage::Chunks(reader) => {
                let (body, body_bytes) = (&mut self.body, &mut self.body_bytes);
                let read = reader.read(received, |part| keep(body, body_bytes, part))?;
                if reader.ended() {
                    self.stage = Stage::Whole;
                }
                received = &received[read..];
            }
            Stage::Length(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(received.len());
                keep(&mut self.body, &mut self.body_bytes, &received[..taken]);
                *left -= taken as u64;
                if *left == 0 {
                    self.stage = Stage::Whole;
                }
                received = &received[taken..];
            }
            Stage::ToTheEnd => {
                keep(&mut self.body, &mut self.body_bytes, received);
                received = &[];
            }
            Stage::Head { .. } | Stage::Whole => {}
        }
        Ok(received.len())
    }

    fn progress(&self, nothing_behind: bool) -> Progress {
        match self.stage {
            Stage::Whole => Progress::Whole { reusable: nothing_behind && !self.head.closes() },
            _ if self.body_bytes > DRAIN_BYTES => Progress::Whole { reusable: false },
            _ => Progress::More,
        }
    }
}

/// Read the head's lines, as far as it goes. None: it is not whole; else what is left, which is the body's.
fn head_among<'a>(
    reader: &mut HeadReader,
    line: &mut Vec<u8>,
    mut received: &'a [u8],
) -> Result<Option<&'a [u8]>, Malformed> {
    while !received.is_empty() {
        let Some(end) = received.iter().position(|&byte| byte == b'\n').map(|place| place + 1) else {
            line.extend_from_slice(received);
            if line.len() > MAX_HEAD_BYTES {
                return Err(TOO_LARGE);
            }
            if !reader.may_become_line(line) {
                reader.line(line)?; // which says what is wrong
            }
            return Ok(None);
        };
        let whole = if line.is_empty() {
            reader.line(&received[..end])?
        } else {
            line.extend_from_slice(&received[..end]);
            let whole = reader.line(line)?;
            line.clear();
            whole
        };
        received = &received[end..];
        if whole {
            return Ok(Some(received));
        }
    }
    Ok(None)
}

/// How the body behind this head is framed.
fn framed(head: &Head) -> Stage {
    match head {
        Head { status: 204 | 304, .. } => Stage::Whole,
        Head { chunked: true, .. } => Stage::Chunks(ChunkReader::default()),
        Head { length: Some(0), .. } => Stage::Whole,
        Head { length: Some(length), .. } => Stage::Length(*length),
        Head { .. } => Stage::ToTheEnd,
    }
}

fn keep(body: &mut Vec<u8>, body_bytes: &mut usize, part: &[u8]) {
    let room = MAX_BODY_BYTES - body.len();
    body.extend_from_slice(&part[..part.len().min(room)]);
    *body_bytes += part.len();
}

#[cfg(test)]
mod tests {
    use super::{Kind, MAX_BODY_BYTES, Progress, Reading};

    const ANSWERS: [&[u8]; 8] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\nHTTP/1.1 204 None\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n",
        b"HTTP/1.0 200 OK\nA: b\n c\n\nto the end",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 Oops\r\n\r\n",
        b"",
    ];

    fn outcome(pieces: &[&[u8]]) -> (Progress, u16, Vec<u8>) {
        let mut reading = Reading::default();
        let mut progress = Progress::More;
        for piece in pieces {
            if progress != Progress::More {
                break;
            }
            progress = reading.feed(piece);
        }
        if progress == Progress::More {
            progress = reading.end();
        }
        let response = reading.response();
        (progress, response.head.status, response.body)
    }

    #[test]
    fn however_it_is_cut_an_answer_has_one_reading() {
        for answer in ANSWERS {
            let (whole, status, body) = outcome(&[answer]);
            for cut in 0..=answer.len() {
                let (progress, cut_status, cut_body) = outcome(&[&answer[..cut], &answer[cut..]]);
                assert_eq!((cut_status, &cut_body), (status, &body), "cut at {cut}");
                assert_eq!(std::mem::discriminant(&progress), std::mem::discriminant(&whole), "cut at {cut}");
            }
            let single: Vec<&[u8]> = answer.chunks(1).collect();
            assert_eq!(outcome(&single).1, status);
        }
    }

    #[test]
    fn only_a_whole_answer_with_nothing_behind_it_leaves_its_connection_usable() {
        let usable = ANSWERS.map(|answer| outcome(&[answer]).0 == Progress::Whole { reusable: true });
        assert_eq!(usable, [true, true, true, false, false, false, false, false]);
    }

    #[test]
    fn a_body_of_which_all_is_kept_that_ever_is_counts_however_it_goes_on() {
        let mut reading = Reading::default();
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n";
        assert_eq!(reading.feed(head), Progress::More);
        assert_eq!(reading.feed(&vec![b'x'; MAX_BODY_BYTES]), Progress::More);
        assert!(matches!(reading.end(), Progress::Wrong(failure) if failure.kind == Kind::Protocol));
        assert_eq!(reading.feed(b"x"), Progress::More);
        assert_eq!(reading.end(), Progress::Whole { reusable: false });
        let response = reading.response();
        assert!(response.truncated);
        assert_eq!(response.body.len(), MAX_BODY_BYTES);
    }
}
