//! Records in Avro binary: their values one after the other, as `consumer/kafka/avro_bytes.py` reads them and
//! `consumer/kafka/avro_text.py` writes them, or whole, as fastavro does.
//!
//! The laws: nothing is read beyond the bytes, and bytes that are no such value are malformed; what was written is read.

const SEVEN: u8 = 0x7f;
const MORE: u8 = 0x80;
const DOUBLE_BYTES: usize = 8;

/// What stands at a place. Its text may be secret, so it has no `Debug`.
#[derive(Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// The null of a union.
    Null,
    /// A string.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// An int or a long.
    Long(i64),
    /// A double.
    Double(f64),
    /// A boolean.
    Boolean(bool),
}

/// What stands at a place by a schema. A record's values are named by `N`.
pub enum Shape<N> {
    /// A value of this kind, as `Reader::value` has them.
    One(u8),
    /// This or null.
    OrNull(Box<Shape<N>>),
    /// An array of these.
    List(Box<Shape<N>>),
    /// A map to these.
    Map(Box<Shape<N>>),
    /// A record of these.
    Record(Vec<(N, Shape<N>)>),
}

/// What was read by a shape. Its text may be secret, so it has no `Debug`.
#[derive(PartialEq)]
pub enum Tree<'a> {
    /// One value, or the null of a union.
    One(Value<'a>),
    /// An array's items.
    List(Vec<Tree<'a>>),
    /// A map's pairs, in their order.
    Map(Vec<(&'a str, Tree<'a>)>),
    /// A record's values, in their order.
    Record(Vec<Tree<'a>>),
}

/// Why these bytes are no such record.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

const CUT: Malformed = Malformed("it is cut");

/// A record's bytes, and the place where the next value begins.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// One whose next value begins at this place.
    #[must_use]
    pub fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Where the next value begins.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// The next value. Its kind: `s` a string, `b` bytes, `l` an int or a long, `d` a double, `t` a boolean; in upper
    /// case one of them or null.
    ///
    /// # Errors
    /// It is none.
    pub fn value(&mut self, kind: u8) -> Result<Value<'a>, Malformed> {
        if kind.is_ascii_uppercase() {
            match self.byte()? {
                0 => return Ok(Value::Null),
                2 => {}
                _ => return Err(Malformed("no such branch")),
            }
        }
        Ok(match kind.to_ascii_lowercase() {
            b's' => Value::Text(self.text()?),
            b'b' => Value::Bytes(self.octets()?),
            b'l' => Value::Long(self.long()?),
            b'd' => Value::Double(self.double()?),
            b't' => Value::Boolean(self.byte()? != 0),
            _ => return Err(Malformed("no such kind")),
        })
    }

    /// What stands here by a shape.
    ///
    /// # Errors
    /// It does not.
    pub fn tree<N>(&mut self, shape: &Shape<N>) -> Result<Tree<'a>, Malformed> {
        Ok(match shape {
            Shape::One(kind) => Tree::One(self.value(*kind)?),
            Shape::OrNull(one) => match self.byte()? {
                0 => Tree::One(Value::Null),
                2 => self.tree(one)?,
                _ => return Err(Malformed("no such branch")),
            },
            Shape::List(item) => Tree::List(self.blocks(|reader| reader.tree(item))?),
            Shape::Map(item) => Tree::Map(self.blocks(|reader| Ok((reader.text()?, reader.tree(item)?)))?),
            Shape::Record(fields) => {
                Tree::Record(fields.iter().map(|(_, each)| self.tree(each)).collect::<Result<_, _>>()?)
            }
        })
    }

    /// The items of an array or a map, each of which has a byte at least.
    fn blocks<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T, Malformed>) -> Result<Vec<T>, Malformed> {
        let mut found = Vec::new();
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(found);
            }
            if count < 0 {
                self.long()?; // how many bytes the block has, for who passes it over
            }
            for _ in 0..count.unsigned_abs() {
                if self.rest()?.is_empty() {
                    return Err(CUT);
                }
                found.push(one(self)?);
            }
        }
    }

    fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.octets()?).map_err(|_| Malformed("a string is no UTF-8"))
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.bytes.get(self.at).ok_or(CUT)?;
        self.at += 1;
        Ok(byte)
    }

    fn long(&mut self) -> Result<i64, Malformed> {
        let mut rest: u64 = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & SEVEN);
            if bits << shift >> shift != bits {
                return Err(Malformed("larger than a long"));
            }
            rest |= bits << shift;
            if byte < MORE {
                let half = i64::from_le_bytes((rest >> 1).to_le_bytes());
                return Ok(if rest & 1 == 0 { half } else { !half });
            }
        }
        Err(Malformed("longer than a long"))
    }

    fn double(&mut self) -> Result<f64, Malformed> {
        let (bytes, _) = self.rest()?.split_first_chunk::<DOUBLE_BYTES>().ok_or(CUT)?;
        self.at += DOUBLE_BYTES;
        Ok(f64::from_le_bytes(*bytes))
    }

    fn octets(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.long()?).map_err(|_| Malformed("a negative length"))?;
        let octets = self.rest()?.get(..length).ok_or(CUT)?;
        self.at += length;
        Ok(octets)
    }

    fn rest(&self) -> Result<&'a [u8], Malformed> {
        self.bytes.get(self.at..).ok_or(CUT)
    }
}

/// A record in the making.
pub struct Writer(Vec<u8>);

impl Writer {
    /// Begins with `head`, which names the schema; `room` bytes are about what comes behind it.
    #[must_use]
    pub fn new(head: &[u8], room: usize) -> Self {
        let mut written = Vec::with_capacity(head.len() + room);
        written.extend_from_slice(head);
        Self(written)
    }

    /// All of it.
    #[must_use]
    pub fn written(self) -> Vec<u8> {
        self.0
    }

    /// A value of a kind, as `Reader::value` reads it.
    ///
    /// # Errors
    /// It is of another kind.
    pub fn value(&mut self, kind: u8, value: Value<'_>) -> Result<(), Malformed> {
        if kind.is_ascii_uppercase() {
            if value == Value::Null {
                self.0.push(0);
                return Ok(());
            }
            self.0.push(2);
        }
        match (kind.to_ascii_lowercase(), value) {
            (b's', Value::Text(text)) => self.text(text),
            (b'b', Value::Bytes(bytes)) => self.bytes(bytes),
            (b'l', Value::Long(number)) => self.long(number),
            (b'd', Value::Double(number)) => self.double(number),
            (b't', Value::Boolean(truth)) => self.boolean(truth),
            _ => return Err(Malformed("of another kind")),
        }
        Ok(())
    }

    /// A string.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// An int or a long.
    pub fn long(&mut self, number: i64) {
        let zigzag = (number << 1) ^ (number >> 63); // the sign is the last bit
        self.varint(u64::from_le_bytes(zigzag.to_le_bytes()));
    }

    /// A double.
    pub fn double(&mut self, number: f64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// A boolean.
    pub fn boolean(&mut self, truth: bool) {
        self.0.push(u8::from(truth));
    }

    /// One of a union with null.
    pub fn optional<T>(&mut self, value: Option<T>, tell: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.0.push(0),
            Some(value) => {
                self.0.push(2);
                tell(self, value);
            }
        }
    }

    /// How many bytes or items follow.
    pub fn length(&mut self, length: usize) {
        self.varint((length as u64) << 1);
    }

    fn varint(&mut self, mut rest: u64) {
        loop {
            let [low, ..] = rest.to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                return self.0.push(low);
            }
            self.0.push(low | 0x80);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CUT, Malformed, Reader, Shape, Tree, Value, Writer};

    #[test]
    fn what_is_written_is_read() {
        let values = [
            (b's', Value::Text("ab")),
            (b'S', Value::Text("")),
            (b'S', Value::Null),
            (b'b', Value::Bytes(b"\xff")),
            (b'L', Value::Long(i64::MIN)),
            (b'l', Value::Long(i64::MAX)),
            (b'd', Value::Double(-0.5)),
            (b'T', Value::Boolean(true)),
        ];
        let mut writer = Writer::new(b"head", 0);
        for (kind, value) in values {
            assert!(writer.value(kind, value) == Ok(()));
        }
        let written = writer.written();
        let mut reader = Reader::new(&written, 4);
        for (kind, value) in values {
            assert!(reader.value(kind) == Ok(value));
        }
        assert_eq!((reader.at(), &written[..4]), (written.len(), &b"head"[..]));
    }

    #[test]
    fn what_is_of_another_kind_is_not_written() {
        for (kind, value) in [(b's', Value::Null), (b'l', Value::Text("1")), (b'x', Value::Long(1))] {
            assert!(Writer::new(b"", 0).value(kind, value) == Err(Malformed("of another kind")));
        }
    }

    fn all(kinds: &str, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut reader = Reader::new(bytes, 0);
        for kind in kinds.bytes() {
            reader.value(kind)?;
        }
        Ok(reader.at())
    }

    #[test]
    fn each_kind_is_read() {
        let mut reader = Reader::new(b"\x04ab\x02\xff\x03\x00\x00\x00\x00\x00\x00\xf8\x3f\x01\x00\x02\x00", 0);
        let wanted = [
            (b's', Value::Text("ab")),
            (b'b', Value::Bytes(b"\xff")),
            (b'l', Value::Long(-2)),
            (b'd', Value::Double(1.5)),
            (b't', Value::Boolean(true)),
            (b'S', Value::Null),
            (b'S', Value::Text("")),
        ];
        for (kind, value) in wanted {
            assert!(reader.value(kind) == Ok(value));
        }
        assert_eq!(reader.at(), 18);
    }

    #[test]
    fn longs_have_64_bits() {
        let mut most = Reader::new(b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 0);
        assert!(most.value(b'l') == Ok(Value::Long(i64::MAX)));
        let mut least = Reader::new(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 0);
        assert!(least.value(b'l') == Ok(Value::Long(i64::MIN)));
        assert_eq!(all("l", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), Err(Malformed("larger than a long")));
        assert_eq!(all("l", b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), Err(Malformed("longer than a long")));
    }

    #[test]
    fn what_is_none_is_malformed() {
        for (kinds, bytes, why) in [
            ("s", &b"\x04a"[..], "it is cut"),
            ("s", b"", "it is cut"),
            ("d", b"1234567", "it is cut"),
            ("s", b"\x02\xff", "a string is no UTF-8"),
            ("b", b"\x01", "a negative length"),
            ("S", b"\x04", "no such branch"),
            ("b", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "it is cut"),
        ] {
            assert_eq!(all(kinds, bytes), Err(Malformed(why)));
        }
    }

    #[test]
    fn a_record_is_read_by_its_shape() {
        let text = || Shape::<()>::One(b's');
        let shape = Shape::Record(vec![
            ((), Shape::One(b'l')),
            ((), Shape::List(Box::new(Shape::Record(vec![((), text())])))),
            ((), Shape::Map(Box::new(text()))),
            ((), Shape::OrNull(Box::new(text()))),
        ]);
        let one = |value| Tree::One(value);
        let item = |of| Tree::Record(vec![one(Value::Text(of))]);
        // A block of one item, one of two that tells its size, and the end.
        let bytes = b"\x02\x02\x02a\x03\x08\x02b\x02c\x00\x02\x02k\x02v\x00\x00";
        let wanted = Tree::Record(vec![
            one(Value::Long(1)),
            Tree::List(vec![item("a"), item("b"), item("c")]),
            Tree::Map(vec![("k", one(Value::Text("v")))]),
            one(Value::Null),
        ]);
        let mut reader = Reader::new(bytes, 0);
        assert!(reader.tree(&shape) == Ok(wanted));
        assert_eq!(reader.at(), bytes.len());
        for cut in 0..bytes.len() {
            assert!(Reader::new(&bytes[..cut], 0).tree(&shape) == Err(CUT));
        }
    }

    #[test]
    fn items_that_are_not_there_are_not_counted_out() {
        let nothing = Shape::<()>::List(Box::new(Shape::Record(Vec::new())));
        let mut most = Reader::new(b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 0);
        assert!(most.tree(&nothing) == Err(CUT));
    }
}
