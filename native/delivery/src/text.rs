//! Texts as they stand in JSON, in URLs and in headers.

use std::fmt::Write;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A JSON string, of ASCII alone, as `json.dumps` writes it.
pub fn quoted(text: &str, to: &mut Vec<u8>) {
    to.push(b'"');
    for character in text.chars() {
        match character {
            '"' => to.extend_from_slice(b"\\\""),
            '\\' => to.extend_from_slice(b"\\\\"),
            '\n' => to.extend_from_slice(b"\\n"),
            '\r' => to.extend_from_slice(b"\\r"),
            '\t' => to.extend_from_slice(b"\\t"),
            '\u{8}' => to.extend_from_slice(b"\\b"),
            '\u{c}' => to.extend_from_slice(b"\\f"),
            ' '..='~' => to.push(character as u8),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let digits = [12, 8, 4, 0].map(|shift| HEX[usize::from(*unit >> shift & 15)]);
                    to.extend_from_slice(b"\\u");
                    to.extend_from_slice(&digits);
                }
            }
        }
    }
    to.push(b'"');
}

/// A part of a URL's path: what is not unreserved (RFC 3986 section 2.3) is percent-encoded.
pub fn in_a_path(part: &str) -> String {
    escaped(part, '%', |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'~'))
}

/// An event's id as `webhook-id` has it, without its source's mark.
pub fn webhook_id(id: &str) -> String {
    escaped(id, '~', |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// An event type as a header's value: what is not visible ASCII is percent-encoded, unless all of it is fit as it is.
pub fn header_safe(event_type: &str) -> String {
    let printable = event_type.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if printable && event_type.trim_matches(' ') == event_type {
        return event_type.to_owned();
    }
    escaped(event_type, '%', |byte| byte.is_ascii_graphic())
}

fn escaped(text: &str, with: char, is_fit: impl Fn(u8) -> bool) -> String {
    let mut told = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_fit(byte) {
            told.push(char::from(byte));
        } else {
            let _ = write!(told, "{with}{byte:02X}"); // a String takes everything
        }
    }
    told
}

/// Base64 with padding (RFC 4648 section 4).
pub fn base64(bytes: &[u8], to: &mut String) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for three in bytes.chunks(3) {
        let at = |place: usize| u32::from(three.get(place).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for (place, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            to.push(if place <= three.len() { char::from(DIGITS[(bits >> shift & 63) as usize]) } else { '=' });
        }
    }
}

/// Hex digits, in lower case.
pub fn hex(bytes: &[u8], to: &mut String) {
    for byte in bytes {
        to.push(char::from(HEX[usize::from(byte >> 4)]));
        to.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use super::{base64, header_safe, hex, in_a_path, quoted, webhook_id};

    #[test]
    fn a_string_is_quoted_in_ascii() {
        let mut told = Vec::new();
        quoted("a\"\\\n\r\t\u{8}\u{c}\u{1}\u{7f}é😀", &mut told);
        assert_eq!(told, br#""a\"\\\n\r\t\b\f\u0001\u007f\u00e9\ud83d\ude00""#);
    }

    #[test]
    fn what_is_not_fit_for_its_place_is_escaped() {
        assert_eq!(in_a_path("a/b~ é"), "a%2Fb~%20%C3%A9");
        assert_eq!(webhook_id("evt_1.é"), "evt_1~2E~C3~A9");
        assert_eq!(header_safe("order placed"), "order placed");
        assert_eq!(header_safe(" order"), "%20order");
        assert_eq!(header_safe("a\tb"), "a%09b");
    }

    #[test]
    fn digits_are_the_usual_ones() {
        let told = |bytes: &[u8]| {
            let mut told = String::new();
            base64(bytes, &mut told);
            told
        };
        assert_eq!([told(b""), told(b"f"), told(b"fo"), told(b"foo")], ["", "Zg==", "Zm8=", "Zm9v"]);
        let mut digits = String::new();
        hex(&[0, 0xab, 0xff], &mut digits);
        assert_eq!(digits, "00abff");
    }
}
