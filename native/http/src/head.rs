//! The head of an HTTP/1.1 answer, from its lines: `consumer/http/head.py` once more, for speed.
//!
//! The law: of any lines it makes what that file makes of them, and in the same words. The file says what each rule is
//! for; a property test compares the two for generated lines.

use crate::limits::{MAX_FIELDS, MAX_HEAD_BYTES};

const BEGINS: &[u8] = b"HTTP/";
const FINAL: u16 = 200;
const SWITCHED: u16 = 101;
const MOST_DIGITS: usize = 18;

/// No head of HTTP/1.1; the words say what is wrong and repeat nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// More than `MAX_HEAD_BYTES`.
pub const TOO_LARGE: Malformed = Malformed("response headers larger than 65536 bytes");
const NO_STATUS_LINE: Malformed = Malformed("the response does not begin with a status line of HTTP/1.1");
const SWITCHES: Malformed = Malformed("the response switches to another protocol, which was not asked for");
const TOO_MANY: Malformed = Malformed("the response has more than 2000 header fields");
const NO_FIELD: Malformed = Malformed("a line of the response's head is no header field");
const NO_LENGTH: Malformed = Malformed("the response's Content-Length is not one number");
const TWO_PLACES: Malformed = Malformed("the response has two Locations");
const NO_CODING: Malformed = Malformed("the response's Transfer-Encoding is not chunked");

/// A final answer's status, 200 to 999, and its fields in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Head {
    /// The version's: 0 or 1.
    pub minor: u8,
    /// 200 to 999.
    pub status: u16,
    /// How its body would be framed, if it has one.
    pub chunked: bool,
    /// Of the body, where it is told.
    pub length: Option<u64>,
    /// Names and values, one behind the other.
    text: Vec<u8>,
    /// Where in the text each name begins, its value begins, and its value ends.
    places: Vec<[usize; 3]>,
}

impl Head {
    /// Each field's name and value, in Latin-1.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.places.iter().map(|&[name, value, end]| (&self.text[name..value], &self.text[value..end]))
    }

    /// How many bytes its fields have.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Whether the connection is of no use behind this answer. Who says its length in both ways may have been read in
    /// two ways on the way here.
    pub fn closes(&self) -> bool {
        self.minor == 0
            || (self.chunked && self.length.is_some())
            || self.fields().any(|(name, value)| {
                name.eq_ignore_ascii_case(b"connection")
                    && value.windows(b"close".len()).any(|word| word.eq_ignore_ascii_case(b"close"))
            })
    }

    fn add(&mut self, name: &[u8], value: &[u8]) {
        let at = self.text.len();
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(value);
        self.places.push([at, at + name.len(), self.text.len()]);
    }
}

/// Takes an answer's lines as they come, each with its line feed.
#[derive(Debug, Default)]
pub struct HeadReader {
    size: usize,
    head: Head,              // its status is 0 until its status line has come
    continued: Vec<Vec<u8>>, // what goes on with the last field
    whole: bool,
}

impl HeadReader {
    /// One more line. Whether the final head is whole now.
    ///
    /// # Errors
    /// The answer is malformed, and no more of it is wanted.
    pub fn line(&mut self, line: &[u8]) -> Result<bool, Malformed> {
        self.size += line.len();
        if self.size > MAX_HEAD_BYTES {
            return Err(TOO_LARGE);
        }
        if !self.whole {
            if self.head.status == 0 {
                self.began(line)?;
            } else {
                self.went_on(line)?;
            }
        }
        Ok(self.whole)
    }

    /// Whether a line may begin like this: who speaks another protocol need not be heard to the end of a line.
    pub fn may_become_line(&self, part: &[u8]) -> bool {
        self.head.status != 0 || part.iter().zip(BEGINS).all(|(one, other)| one == other)
    }

    /// The head, once it is whole.
    pub fn take(self) -> Head {
        self.head
    }

    fn began(&mut self, line: &[u8]) -> Result<(), Malformed> {
        let (minor, status) = status_of(line).ok_or(NO_STATUS_LINE)?;
        (self.head.minor, self.head.status) = (minor, status);
        if status == SWITCHED { Err(SWITCHES) } else { Ok(()) }
    }

    fn went_on(&mut self, line: &[u8]) -> Result<(), Malformed> {
        if line.first().is_some_and(|&first| is_blank(first)) {
            return self.folded(line);
        }
        if !self.continued.is_empty() {
            self.unfold();
        }
        if matches!(line, b"\r\n" | b"\n") {
            return self.ended();
        }
        let (name, value) = field_of(line).ok_or(NO_FIELD)?;
        self.head.add(name, value);
        if self.head.places.len() > MAX_FIELDS { Err(TOO_MANY) } else { Ok(()) }
    }

    /// A line that goes on with the field before it (RFC 9112 section 5.2).
    fn folded(&mut self, line: &[u8]) -> Result<(), Malformed> {
        let text = text_of(line).ok_or(NO_FIELD)?;
        if self.head.places.is_empty() {
            return Err(NO_FIELD);
        }
        self.continued.push(stripped(text).to_vec());
        Ok(())
    }

    /// A space stands for each break.
    fn unfold(&mut self) {
        let head = &mut self.head;
        let Some([name, value, end]) = head.places.pop() else { return };
        let first = stripped(&head.text[value..end]).to_vec();
        head.text.truncate(value);
        let parts = std::iter::once(first).chain(self.continued.drain(..));
        for part in parts.filter(|part| !part.is_empty()) {
            if head.text.len() > value {
                head.text.push(b' ');
            }
            head.text.extend_from_slice(&part);
        }
        head.places.push([name, value, head.text.len()]);
    }

    fn ended(&mut self) -> Result<(), Malformed> {
        if self.head.status < FINAL {
            self.head = Head::default();
            return Ok(());
        }
        (self.head.chunked, self.head.length) = framing(&self.head)?;
        self.whole = true;
        Ok(())
    }
}

/// Whether the body is chunked and, where it is told, how long; or how its end is told wrong (RFC 9112 section 6).
fn framing(head: &Head) -> Result<(bool, Option<u64>), Malformed> {
    let (mut length, mut place, mut codings, mut unknown): (Option<&[u8]>, Option<&[u8]>, usize, bool) =
        (None, None, 0, false);
    let (mut lengths_differ, mut places_differ) = (false, false);
    for (name, value) in head.fields() {
        if name.eq_ignore_ascii_case(b"content-length") {
            lengths_differ |= length.is_some_and(|other| other != value) || !is_number(value);
            length = Some(value);
        } else if name.eq_ignore_ascii_case(b"location") {
            places_differ |= place.is_some_and(|other| other != value);
            place = Some(value);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            codings += 1;
            unknown |= !value.eq_ignore_ascii_case(b"chunked");
        }
    }
    if lengths_differ {
        return Err(NO_LENGTH);
    }
    if places_differ {
        return Err(TWO_PLACES);
    }
    if unknown || codings > 1 {
        return Err(NO_CODING);
    }
    Ok((codings == 1, length.map(number)))
}

fn is_number(value: &[u8]) -> bool {
    (1..=MOST_DIGITS).contains(&value.len()) && value.iter().all(u8::is_ascii_digit)
}

fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'))
}

/// `HTTP/1.[01] ([0-9]{3})( text)?` and a line end: the minor version, and the status from 100.
fn status_of(line: &[u8]) -> Option<(u8, u16)> {
    let (version, rest) = line.split_at_checked(b"HTTP/1.x ".len())?;
    let minor = match version {
        b"HTTP/1.0 " => 0,
        b"HTTP/1.1 " => 1,
        _ => return None,
    };
    let (digits, reason) = rest.split_at_checked(3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let reason = text_of(reason)?;
    if !(reason.is_empty() || reason.starts_with(b" ")) {
        return None;
    }
    let status = u16::try_from(number(digits)).ok()?;
    (status >= 100).then_some((minor, status))
}

/// `name: value` and a line end, the value without blanks around it.
fn field_of(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = line.strip_suffix(b"\n")?;
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let colon = text.iter().position(|&byte| byte == b':')?;
    let (name, value) = (&text[..colon], &text[colon + 1..]);
    let is_name = !name.is_empty() && name.iter().all(|&byte| byte > b' ' && byte != 0x7f);
    (is_name && is_text(value)).then(|| (name, stripped(value)))
}

/// A line without its end, where nothing is in it that no line may have.
fn text_of(line: &[u8]) -> Option<&[u8]> {
    let text = line.strip_suffix(b"\n")?;
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    is_text(text).then_some(text)
}

fn is_text(text: &[u8]) -> bool {
    !text.iter().any(|byte| matches!(byte, 0 | b'\n' | 0x0b | 0x0c | b'\r'))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn stripped(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|&byte| !is_blank(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|&byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &text[start..end]
}
