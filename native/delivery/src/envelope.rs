//! The usual envelope of an event, read in one pass: `{"id"?, "type", "tenant", "product"?, "time"?, "data"}`.
//!
//! The law: what is read is what `consumer/events/envelope.py` reads, and what is in any way unusual is not read here:
//! another member, one that is written twice or is null, a text that is not plain ASCII, a number with an exponent, a
//! time with an offset. Python reads it then, or says what is wrong.

/// The members, those texts not empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// At most 200 characters.
    pub id: Option<&'a str>,
    /// The same.
    pub kind: &'a str,
    /// The same.
    pub tenant: &'a str,
    /// The same.
    pub product: Option<&'a str>,
    /// Since 1970.
    pub time_ms: Option<i64>,
    /// JSON, as it is written.
    pub data: &'a [u8],
}

const MOST: usize = 200; // characters of a text

/// The envelope that these bytes are, if it is a usual one and its data nests no deeper.
pub fn usual(value: &[u8], max_depth: usize) -> Option<Envelope<'_>> {
    std::str::from_utf8(value).ok()?;
    let mut reader = Reader { value, at: 0 };
    let mut found = Envelope::default();
    reader.blanks();
    reader.take(b'{')?;
    loop {
        reader.blanks();
        let name = reader.plain()?;
        reader.blanks();
        reader.take(b':')?;
        reader.blanks();
        match name {
            "id" if found.id.is_none() => found.id = Some(reader.name()?),
            "type" if found.kind.is_empty() => found.kind = reader.name().filter(|kind| !kind.contains('*'))?,
            "tenant" if found.tenant.is_empty() => found.tenant = reader.name()?,
            "product" if found.product.is_none() => found.product = Some(reader.name()?),
            "time" if found.time_ms.is_none() => found.time_ms = Some(time_ms(reader.plain()?)?),
            "data" if found.data.is_empty() => {
                let begins = reader.at;
                reader.json(max_depth)?;
                found.data = &value[begins..reader.at];
            }
            _ => return None,
        }
        reader.blanks();
        match reader.next()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    reader.blanks();
    let is_whole = reader.at == value.len() && !found.data.is_empty() && found.data != b"null";
    (is_whole && !found.kind.is_empty() && !found.tenant.is_empty()).then_some(found)
}

struct Reader<'a> {
    value: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.value.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// A text of printable ASCII in which nothing is escaped.
    fn plain(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let rest = &self.value[self.at..];
        let length = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || !matches!(byte, b' '..=b'~'))?;
        self.at += length;
        self.take(b'"')?;
        std::str::from_utf8(&rest[..length]).ok()
    }

    fn name(&mut self) -> Option<&'a str> {
        self.plain().filter(|text| (1..=MOST).contains(&text.len()))
    }

    /// Pass over one JSON value that nests no deeper.
    fn json(&mut self, levels: usize) -> Option<()> {
        let closing = match self.peek()? {
            b'{' => b'}',
            b'[' => b']',
            _ => return self.scalar(),
        };
        let inner = levels.checked_sub(1)?;
        self.at += 1;
        self.blanks();
        if self.peek()? == closing {
            return self.take(closing);
        }
        loop {
            self.blanks();
            if closing == b'}' {
                self.string()?;
                self.blanks();
                self.take(b':')?;
                self.blanks();
            }
            self.json(inner)?;
            self.blanks();
            match self.next()? {
                b',' => {}
                byte => return (byte == closing).then_some(()),
            }
        }
    }

    fn scalar(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.value[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            let rest = &self.value[self.at..];
            self.at += rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < b' ')?;
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => match self.next()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => self.unit()?,
                    _ => return None,
                },
                _ => return None,
            }
        }
    }

    /// Four hex digits, of no surrogate.
    fn unit(&mut self) -> Option<()> {
        let digits = self.value.get(self.at..self.at + 4)?;
        let is_one = digits.iter().all(u8::is_ascii_hexdigit);
        let is_surrogate = digits[0].eq_ignore_ascii_case(&b'd') && digits[1] >= b'8';
        self.at += 4;
        (is_one && !is_surrogate).then_some(())
    }

    /// One without an exponent.
    fn number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let begins = self.at;
        self.digits()?;
        if self.value[begins] == b'0' && self.at > begins + 1 {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        (!matches!(self.peek(), Some(b'e' | b'E'))).then_some(())
    }

    fn digits(&mut self) -> Option<()> {
        let begins = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > begins).then_some(())
    }
}

/// `2026-01-31T12:00:00[.123…]Z` in a year from 0001 on, and no leap second.
fn time_ms(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (at_second, rest) = bytes.split_at_checked(b"2026-01-31T12:00:00".len())?;
    let shape: [(usize, u8); 5] = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if shape.iter().any(|&(place, byte)| at_second[place] != byte) {
        return None;
    }
    let number = |from: usize, to: usize| {
        let digits = &at_second[from..to];
        let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit.wrapping_sub(b'0')));
        digits.iter().all(u8::is_ascii_digit).then_some(value)
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let is_time = year > 0 && (1..=12).contains(&month) && (1..=last).contains(&day);
    if !is_time || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = match rest {
        [b'Z'] => 0,
        [b'.', digits @ .., b'Z'] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            (0..3).fold(0, |value, place| value * 10 + digits.get(place).map_or(0, |digit| i64::from(digit - b'0')))
        }
        _ => return None,
    };
    let of_day = hour * 3_600 + minute * 60 + second;
    Some((days(year, month, day) * 86_400 + of_day) * 1_000 + fraction)
}

/// How many days this date is after 1970-01-01, by Howard Hinnant's `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::{Envelope, time_ms, usual};

    #[test]
    fn the_usual_envelope_is_read() {
        let value =
            br#" {"id":"e","type":"a b", "tenant":"t","product":"p","time":"1970-01-02T00:00:00.0019Z","data": [1] } "#;
        let read = Envelope {
            id: Some("e"),
            kind: "a b",
            tenant: "t",
            product: Some("p"),
            time_ms: Some(86_400_001),
            data: b"[1]",
        };
        assert_eq!(usual(value, 1), Some(read));
        assert_eq!(usual(value, 0), None);
    }

    #[test]
    fn any_json_is_data_and_nothing_else_is() {
        let with = |data: &str| format!(r#"{{"type":"a","tenant":"t","data":{data}}}"#);
        let good =
            ["1", "-0.50", "true", "\"é\\u00e9\\n\"", "[]", "{}", "[[],{}]", r#"{"a":{"b":[1,{"c":null}]},"d":2}"#];
        for data in good {
            let value = with(data);
            assert_eq!(usual(value.as_bytes(), 9).map(|found| found.data), Some(data.as_bytes()), "{data}");
        }
        let bad = [
            "",
            "01",
            "1.",
            "-",
            "1e9",
            "null",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{1:2}",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\udBff\"",
            "\"\u{1}\"",
            "[}",
            "{]",
            "[1",
            "tru",
            "\"",
            "1}",
            "{,}",
            "[[1],]",
            "{\"a\":[],}",
        ];
        for data in bad {
            assert_eq!(usual(with(data).as_bytes(), 9), None, "{data}");
        }
    }

    #[test]
    fn what_is_unusual_is_left_alone() {
        for value in [
            r#"{"type":"a","tenant":"t","data":1,"data":1}"#,
            r#"{"type":"a","type":"a","tenant":"t","data":1}"#,
            r#"{"type":"a*","tenant":"t","data":1}"#,
            r#"{"type":"","tenant":"t","data":1}"#,
            r#"{"type":"a","tenant":"\u0041","data":1}"#,
            r#"{"type":"a","tenant":"t","id":null,"data":1}"#,
            r#"{"type":"a","tenant":"t","other":1,"data":1}"#,
            r#"{"type":"a","tenant":"t"}"#,
            r#"{"type":"a","tenant":"t","data":1} x"#,
        ] {
            assert_eq!(usual(value.as_bytes(), 9), None, "{value}");
        }
    }

    #[test]
    fn a_time_is_one_that_was() {
        assert_eq!(time_ms("2026-03-19T14:30:00Z"), Some(1_773_930_600_000));
        assert_eq!(time_ms("2000-02-29T00:00:00.5Z"), Some(951_782_400_500));
        for odd in [
            "2026-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00+01:00",
            "0000-01-01T00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01 00:00:00Z",
        ] {
            assert_eq!(time_ms(odd), None, "{odd}");
        }
    }
}
