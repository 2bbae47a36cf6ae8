//! Answers byte by byte, as servers write them.

use super::{Quirk, Wish};
use std::io::Write as _;
use std::net::TcpStream;

pub enum Body {
    Single(Vec<u8>),
    None,
}

pub struct Answer {
    pub status: u16,
    pub media_type: String,
    pub body: Body,
}

const BOUNDARY: &str = "0123-mock-4567";

impl Answer {
    /// A status and nothing else.
    pub fn refused(status: u16) -> Self {
        Self {
            status,
            media_type: "text/plain".to_owned(),
            body: Body::None,
        }
    }

    /// A value, in parts or alone.
    pub fn of(
        wish: Wish,
        quirk: Quirk,
        media_type: &str,
        syntax: Option<&str>,
        payload: Vec<u8>,
    ) -> Self {
        let named = |media_type: &str| match syntax {
            Some(syntax) => format!("{media_type}; transfer-syntax={syntax}"),
            None => media_type.to_owned(),
        };
        if !wish.in_parts {
            return Self {
                status: 200,
                media_type: named(media_type),
                body: Body::Single(payload),
            };
        }
        let (outer, part) = match quirk {
            Quirk::BoundaryQuoted => (
                format!(
                    "multipart/related; type=\"{}\"; boundary=\"{BOUNDARY}\"",
                    named(media_type)
                ),
                format!("\r\n--{BOUNDARY}\r\nContent-Type: {media_type}\r\n\r\n"),
            ),
            Quirk::PartsBare => (
                format!("multipart/related; type={media_type}; boundary={BOUNDARY}"),
                format!("--{BOUNDARY}\n\n"),
            ),
            _ => (
                format!("multipart/related; type=\"{media_type}\"; boundary={BOUNDARY}"),
                format!(
                    "\r\n--{BOUNDARY}\r\nContent-Type: {}\r\nContent-Length: {}\r\nMIME-Version: 1.0\r\n\r\n",
                    named(media_type),
                    payload.len()
                ),
            ),
        };
        let end = match quirk {
            Quirk::PartsBare => format!("\n--{BOUNDARY}--"),
            _ => format!("\r\n--{BOUNDARY}--\r\n"),
        };
        Self {
            status: 200,
            media_type: outer,
            body: Body::Single([part.into_bytes(), payload, end.into_bytes()].concat()),
        }
    }

    /// Sends it. Whoever asked may be gone.
    pub fn send(self, quirk: Quirk, stream: &mut TcpStream) {
        let mut head = format!("HTTP/1.1 {} Mock\r\nConnection: close\r\n", self.status);
        let body = match self.body {
            Body::None => {
                head.push_str("Content-Length: 0\r\n");
                Vec::new()
            }
            Body::Single(bytes) => {
                head.push_str(&format!("Content-Type: {}\r\n", self.media_type));
                let bytes = if quirk == Quirk::AlwaysGzip {
                    head.push_str("Content-Encoding: gzip\r\n");
                    packed(&bytes)
                } else {
                    bytes
                };
                if quirk == Quirk::NoLengths {
                    head.push_str("Transfer-Encoding: chunked\r\n");
                    chunked(&bytes)
                } else {
                    head.push_str(&format!("Content-Length: {}\r\n", bytes.len()));
                    bytes
                }
            }
        };
        head.push_str("\r\n");
        let _ = stream.write_all(&[head.as_bytes(), &body].concat());
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// In chunks of 50 bytes, so that most things are cut (RFC 9112 section 7.1).
fn chunked(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in bytes.chunks(50) {
        out.extend(format!("{:x}\r\n", chunk.len()).bytes());
        out.extend(chunk);
        out.extend(b"\r\n");
    }
    out.extend(b"0\r\n\r\n");
    out
}
