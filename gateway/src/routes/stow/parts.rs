//! `multipart/related` bodies as they come in: parts are handed on piece by piece, and none is held as a whole.
//!
//! Whoever has the body pushes what came and takes pieces until there are none. A line that begins like the delimiter and goes
//! on otherwise is data: pixels may hold anything.
//! Source: RFC 2046 section 5.1.1, RFC 2387, DICOM PS3.18 section 8.6.1.2.

use memchr::memmem;

/// Longest text before the first delimiter, and longest head of a part, bytes.
const MOST_BEFORE: usize = 64 << 10;
const MOST_HEAD: usize = 16 << 10;
/// Most white space after a delimiter.
const MOST_PADDING: usize = 256;

/// What is in a body, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A part begins.
    Begins(Head),
    /// The next bytes of it.
    Bytes(Vec<u8>),
    /// It is whole.
    Ends,
}

/// Header lines of a part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head(Vec<(String, String)>);

impl Head {
    /// A line by its name in lower case.
    pub fn line(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    fn parse(text: &str) -> Self {
        let lines = text.split("\r\n").filter_map(|line| line.split_once(':'));
        Self(
            lines
                .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
        )
    }
}

/// Why a body cannot be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartsError {
    /// The boundary is empty, too long, or has characters that none may have.
    #[error("the body's boundary is missing or cannot be one")]
    Boundary,
    /// The boundary never occurs.
    #[error("the body does not begin with its boundary")]
    NoParts,
    /// The head of a part does not end.
    #[error("the head of a part is too long")]
    Head,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Before,
    Head,
    Body,
    /// A part is over; the flag says whether it is the last.
    Ended(bool),
    After,
}

/// What stands behind something that looks like a delimiter.
enum Behind {
    /// Not enough has come.
    Unknown,
    /// The next part begins after so many bytes.
    Next(usize),
    /// It was the last part.
    Close,
    /// No delimiter.
    Data,
}

/// A body on its way.
#[derive(Debug)]
pub struct Parts {
    delimiter: Vec<u8>,
    held: Vec<u8>,
    /// Bytes at its front that have been handed on.
    done: usize,
    state: State,
}

impl Parts {
    /// For a body with this boundary.
    ///
    /// # Errors
    /// It cannot be one.
    pub fn new(boundary: &str) -> Result<Self, PartsError> {
        let plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        let is_one = (1..=200).contains(&boundary.len()) && boundary.bytes().all(plain);
        if !is_one {
            return Err(PartsError::Boundary);
        }
        Ok(Self {
            delimiter: [b"\r\n--", boundary.as_bytes()].concat(),
            // The first delimiter may stand at the very front, without a line break before it.
            held: b"\r\n".to_vec(),
            done: 0,
            state: State::Before,
        })
    }

    /// Adds what came.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.state != State::After {
            self.held.drain(..self.done);
            self.done = 0;
            self.held.extend_from_slice(bytes);
        }
    }

    /// The closing delimiter has come: nothing is missing.
    pub fn is_whole(&self) -> bool {
        self.state == State::After
    }

    /// The next piece; `None` until more has come.
    ///
    /// # Errors
    /// The body cannot be taken apart.
    pub fn next(&mut self) -> Result<Option<Piece>, PartsError> {
        match self.state {
            State::Before => match self.delimiter() {
                Some((at, Behind::Next(behind))) => {
                    self.drop_front(at + self.delimiter.len() + behind);
                    self.state = State::Head;
                    self.next()
                }
                Some((_, Behind::Close)) => {
                    self.end();
                    Ok(None)
                }
                _ if self.rest().len() > MOST_BEFORE => Err(PartsError::NoParts),
                _ => Ok(None),
            },
            State::Head => self.head(),
            State::Body => Ok(self.body()),
            State::Ended(is_last) => {
                if is_last {
                    self.end();
                } else {
                    self.state = State::Head;
                }
                Ok(Some(Piece::Ends))
            }
            State::After => Ok(None),
        }
    }

    fn end(&mut self) {
        (self.held, self.done) = (Vec::new(), 0);
        self.state = State::After;
    }

    fn drop_front(&mut self, count: usize) {
        self.done += count;
    }

    fn rest(&self) -> &[u8] {
        &self.held[self.done..]
    }

    fn head(&mut self) -> Result<Option<Piece>, PartsError> {
        let end = match memmem::find(self.rest(), b"\r\n\r\n") {
            _ if self.rest().starts_with(b"\r\n") => Some((0, 2)),
            found => found.map(|at| (at, at + 4)),
        };
        match end {
            Some((text, behind)) if text <= MOST_HEAD => {
                let head = Head::parse(&String::from_utf8_lossy(&self.rest()[..text]));
                self.drop_front(behind);
                self.state = State::Body;
                Ok(Some(Piece::Begins(head)))
            }
            None if self.rest().len() <= MOST_HEAD => Ok(None),
            _ => Err(PartsError::Head),
        }
    }

    fn body(&mut self) -> Option<Piece> {
        let (data, then) = match self.delimiter() {
            Some((at, Behind::Next(behind))) => (at, Some((behind, false))),
            Some((at, Behind::Close)) => (at, Some((0, true))),
            Some((at, _)) => (at, None),
            // The last bytes may be the first of a delimiter.
            None => (
                self.rest().len().saturating_sub(self.delimiter.len() - 1),
                None,
            ),
        };
        let bytes = self.rest()[..data].to_vec();
        self.drop_front(data);
        if let Some((behind, is_last)) = then {
            self.drop_front(self.delimiter.len() + behind);
            self.state = State::Ended(is_last);
        }
        match (bytes.is_empty(), then) {
            (false, _) => Some(Piece::Bytes(bytes)),
            (true, Some(_)) => self.next().unwrap_or_default(),
            (true, None) => None,
        }
    }

    /// The first delimiter among what is held, or what may become one.
    fn delimiter(&self) -> Option<(usize, Behind)> {
        let mut from = 0;
        loop {
            let at = from + memmem::find(&self.rest()[from..], &self.delimiter)?;
            match self.behind(at + self.delimiter.len()) {
                Behind::Data => from = at + 1,
                behind => return Some((at, behind)),
            }
        }
    }

    fn behind(&self, at: usize) -> Behind {
        let rest = &self.rest()[at..];
        let padding = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        match &rest[padding..] {
            _ if rest.starts_with(b"--") => Behind::Close,
            _ if padding > MOST_PADDING => Behind::Data,
            [b'\r', b'\n', ..] => Behind::Next(padding + 2),
            [] | [b'\r'] => Behind::Unknown,
            [b'-'] if padding == 0 => Behind::Unknown,
            _ => Behind::Data,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    /// Parts of a body that comes in pieces of this length: content type and bytes.
    fn read(
        boundary: &str,
        body: &[u8],
        step: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, PartsError> {
        let mut parts = Parts::new(boundary)?;
        let (mut all, mut open) = (Vec::new(), None);
        for piece in body.chunks(step) {
            parts.push(piece);
            while let Some(piece) = parts.next()? {
                match piece {
                    Piece::Begins(head) => {
                        let kind = head.line("content-type").unwrap_or_default().to_owned();
                        open = Some((kind, Vec::new()));
                    }
                    Piece::Bytes(bytes) => open.as_mut().unwrap().1.extend(bytes),
                    Piece::Ends => all.push(open.take().unwrap()),
                }
            }
        }
        assert!(parts.is_whole());
        assert_eq!(open, None);
        Ok(all)
    }

    #[test]
    fn parts_are_the_same_however_the_body_is_cut() {
        // RFC 2046 5.1.1: text before and after, white space behind the delimiter, a part without a head.
        let body =
            b"preamble\r\n--b c \t\r\nContent-Type: a/b\r\nX:1\r\n\r\none\r\n--b\r\n--bx\r\n\
            --b c\r\n\r\ntwo\r\n\r\n--b c\r\nCONTENT-TYPE:c/d\r\n\r\n\r\n--b c--\r\nepilogue";
        let part = |kind: &str, bytes: &[u8]| (kind.to_owned(), bytes.to_vec());
        let expected = vec![
            part("a/b", b"one\r\n--b\r\n--bx"),
            part("", b"two\r\n"),
            part("c/d", b""),
        ];
        for step in 1..=body.len() {
            assert_eq!(read("b c", body, step).unwrap(), expected, "{step}");
        }
    }

    #[test]
    fn a_line_that_goes_on_after_the_boundary_is_data() {
        let body = b"--b\r\n\r\nx\r\n--b1\r\n--b-\r\n--b \t.\r\n--b--";
        for step in 1..=body.len() {
            let parts = read("b", body, step).unwrap();
            assert_eq!(parts[0].1, b"x\r\n--b1\r\n--b-\r\n--b \t.", "{step}");
        }
    }

    #[test]
    fn t14_what_never_ends_is_not_held() {
        let mut parts = Parts::new("b").unwrap();
        parts.push(&vec![b'x'; MOST_BEFORE + 1]);
        assert_eq!(parts.next(), Err(PartsError::NoParts));
        let mut parts = Parts::new("b").unwrap();
        parts.push(b"--b\r\n");
        parts.push(&vec![b'x'; MOST_HEAD + 1]);
        assert_eq!(parts.next(), Err(PartsError::Head));
        let mut parts = Parts::new("b").unwrap();
        parts.push(b"--b\r\n\r\n");
        parts.next().unwrap();
        for _ in 0..1000 {
            parts.push(&[b'\r'; 1000]);
            while parts.next().unwrap().is_some() {}
            assert!(parts.held.len() < 1010);
        }
    }

    #[test]
    fn a_boundary_is_plain_text() {
        assert_eq!(Parts::new("").unwrap_err(), PartsError::Boundary);
        assert_eq!(Parts::new("a\r\nb").unwrap_err(), PartsError::Boundary);
        assert!(Parts::new(&"x".repeat(201)).is_err());
        assert_eq!(read("b", b"--b--", 1).unwrap(), []);
    }
}
