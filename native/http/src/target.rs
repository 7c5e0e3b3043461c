//! Where a request goes, read from its URL, and the bytes it is.
//!
//! The law: a URL's path goes out as it is written. What would break a request apart is refused here, whoever checked
//! it before.

use std::sync::Arc;

const DEFAULT_PORTS: [(&str, bool, u16); 2] = [("https", true, 443), ("http", false, 80)];

/// Who is connected to: connections are kept for each of these.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Whether TLS is spoken.
    pub secure: bool,
    /// In lower case, an IPv6 address without its brackets.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
}

/// What a URL says.
#[derive(Clone, Debug)]
pub struct Target {
    /// Who is connected to.
    pub origin: Arc<Origin>,
    /// The request's first two lines.
    head: Vec<u8>,
}

/// Why nothing can be sent to a URL.
#[derive(Debug, PartialEq, Eq)]
pub struct NoTarget(pub &'static str);

/// A header that no request can have; the words name no value.
#[derive(Debug, PartialEq, Eq)]
pub struct NoHeader;

impl Target {
    /// Read a URL.
    ///
    /// # Errors
    /// Nothing is sent there.
    pub fn of(url: &str) -> Result<Self, NoTarget> {
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NoTarget("the URL has characters that no URL has"));
        }
        let (scheme, rest) = url.split_once("://").ok_or(NoTarget("the URL has no scheme"))?;
        let &(_, secure, default_port) = DEFAULT_PORTS
            .iter()
            .find(|(known, ..)| scheme.eq_ignore_ascii_case(known))
            .ok_or(NoTarget("only http and https are spoken"))?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (host, port) = host_and_port(authority)?;
        let port = port.unwrap_or(default_port);
        let path = path.split('#').next().unwrap_or_default();
        let slash = if path.starts_with('/') { "" } else { "/" };
        let shown = if port == default_port { String::new() } else { format!(":{port}") };
        let head = format!("POST {slash}{path} HTTP/1.1\r\nHost: {host}{shown}\r\n").into_bytes();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        Ok(Self { origin: Arc::new(Origin { secure, host, port }), head })
    }

    /// A POST to it, of about so many bytes.
    pub fn post(&self, bytes: usize) -> Post {
        let mut written = Vec::with_capacity(self.head.len() + bytes);
        written.extend_from_slice(&self.head);
        Post(written)
    }
}

/// A POST, as far as it is written: its first two lines, and headers.
#[derive(Debug)]
pub struct Post(Vec<u8>);

impl Post {
    /// One more header, none of Host and Content-Length. Returns where its name begins, its value begins, and its value
    /// ends; between the two is ": ".
    ///
    /// # Errors
    /// It is none: it would break the request apart.
    pub fn header(&mut self, name: &str, value: &str) -> Result<[usize; 3], NoHeader> {
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        if !is_name || value.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(NoHeader);
        }
        let begins = self.0.len();
        for part in [name.as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            self.0.extend_from_slice(part);
        }
        let ends = self.0.len() - b"\r\n".len();
        Ok([begins, ends - value.len(), ends])
    }

    /// All of it, with a body of these parts.
    pub fn with_body(mut self, parts: &[&[u8]]) -> Vec<u8> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.0.extend_from_slice(format!("Content-Length: {length}\r\n\r\n").as_bytes());
        for part in parts {
            self.0.extend_from_slice(part);
        }
        self.0
    }
}

fn host_and_port(authority: &str) -> Result<(&str, Option<u16>), NoTarget> {
    const NO_HOST: NoTarget = NoTarget("the URL names no host");
    let behind_address = authority.find(']').map_or(0, |end| end + 1);
    let colon = authority[behind_address..].find(':').map(|place| behind_address + place);
    let (host, port) = match colon {
        Some(colon) => (&authority[..colon], &authority[colon + 1..]),
        None => (authority, ""),
    };
    if host.is_empty() || authority.contains('@') {
        return Err(NO_HOST);
    }
    if port.is_empty() {
        return Ok((host, None));
    }
    match port.parse::<u16>() {
        Ok(number) if number > 0 && port.bytes().all(|byte| byte.is_ascii_digit()) => Ok((host, Some(number))),
        _ => Err(NoTarget("the URL's port is none")),
    }
}
