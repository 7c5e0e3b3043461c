//! The framing of a chunked body (RFC 9112 section 7.1): `consumer/http/chunks.py` once more, for speed.
//!
//! The law: of any bytes, however they are cut, it makes what that file makes of them, and in the same words. And it
//! says where the body ends: with the blank line behind the trailers.

use crate::head::Malformed;
use crate::limits::MAX_FRAMING_BYTES;

const MOST_DIGITS: usize = 16;
const LONGEST_SIZE: usize = MOST_DIGITS + 1; // its digits, and what shows that there are no more

/// More than `MAX_FRAMING_BYTES`.
pub const TOO_MUCH_FRAMING: Malformed = Malformed("more than 65536 bytes of chunk sizes, extensions and trailers");
const NO_CHUNK: Malformed = Malformed("the response's body is not chunked as its Transfer-Encoding says");

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Awaited {
    #[default]
    Size,
    Extension, // the rest of a size's line
    Data,
    DataEnd,
    Trailer,
    Nothing,
}

/// Takes a body's bytes as they come.
#[derive(Debug, Default)]
pub struct ChunkReader {
    awaited: Awaited,
    line: Vec<u8>, // as much of a line as tells what it is
    left: u64,     // of the chunk
    named: bool,   // the line has a colon
    framing: usize,
}

impl ChunkReader {
    /// Hand the body's bytes among these to `body`. Returns how many bytes were read: all, until the body has ended.
    ///
    /// # Errors
    /// It is no chunked body, and no more of it is wanted.
    pub fn read(&mut self, received: &[u8], mut body: impl FnMut(&[u8])) -> Result<usize, Malformed> {
        let mut at = 0;
        while at < received.len() && self.awaited != Awaited::Nothing {
            let rest = &received[at..];
            if self.awaited == Awaited::Data {
                let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len());
                body(&rest[..taken]);
                at += taken;
                self.left -= taken as u64;
                if self.left == 0 {
                    self.awaited = Awaited::DataEnd;
                }
                continue;
            }
            let end = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |place| place + 1);
            at += end;
            self.framed(&rest[..end])?;
        }
        Ok(at)
    }

    /// Whether the body has ended.
    pub fn ended(&self) -> bool {
        self.awaited == Awaited::Nothing
    }

    /// A part of a line, up to its end if that has come.
    fn framed(&mut self, part: &[u8]) -> Result<(), Malformed> {
        self.framing += part.len();
        if self.framing > MAX_FRAMING_BYTES {
            return Err(TOO_MUCH_FRAMING);
        }
        let room = LONGEST_SIZE + 1 - self.line.len();
        self.line.extend_from_slice(&part[..part.len().min(room)]);
        let ended = part.ends_with(b"\n");
        match self.awaited {
            Awaited::Size if ended || self.line.len() >= LONGEST_SIZE => self.sized(ended)?,
            Awaited::Extension if ended => self.awaited = self.behind_size(),
            Awaited::DataEnd if ended || self.line.len() > 1 => {
                self.awaited = Awaited::Size;
                if !self.is_blank() {
                    return Err(NO_CHUNK);
                }
            }
            Awaited::Trailer => self.trailed(part, ended)?,
            _ => {}
        }
        if ended {
            self.line.clear();
        }
        Ok(())
    }

    /// A trailer is passed over, and yet a field.
    fn trailed(&mut self, part: &[u8], ended: bool) -> Result<(), Malformed> {
        self.named |= part.contains(&b':');
        if ended && self.is_blank() {
            self.awaited = Awaited::Nothing;
        } else if part.contains(&0) || (ended && !self.named) {
            return Err(NO_CHUNK);
        }
        if ended {
            self.named = false;
        }
        Ok(())
    }

    fn sized(&mut self, ended: bool) -> Result<(), Malformed> {
        let digits = self.line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let size = std::str::from_utf8(&self.line[..digits]).ok().filter(|_| digits <= MOST_DIGITS);
        let size = size.filter(|_| self.line.get(digits).is_some_and(|behind| b"; \t\r\n".contains(behind)));
        self.left = size.and_then(|size| u64::from_str_radix(size, 16).ok()).ok_or(NO_CHUNK)?;
        self.awaited = if ended { self.behind_size() } else { Awaited::Extension };
        Ok(())
    }

    fn behind_size(&self) -> Awaited {
        if self.left == 0 { Awaited::Trailer } else { Awaited::Data }
    }

    fn is_blank(&self) -> bool {
        matches!(&self.line[..], b"\r\n" | b"\n")
    }
}
