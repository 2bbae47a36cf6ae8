//! `multipart/related` bodies: the parts of an answer, and how one is written.
//!
//! The reader is tolerant, because servers differ: a boundary is quoted or not, there is a CRLF
//! in front or not, a part says its length or not, and a body of one frame may come without any
//! parts. Nothing is copied: parts borrow the body.
//! Source: RFC 2046 section 5.1, RFC 2387, DICOM PS3.18 section 8.6.

use super::media_type::MediaType;

/// One part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its `Content-Type` without parameters, as sent.
    pub content_type: Option<&'a str>,
    /// Transfer Syntax UID from the part's `Content-Type`, else from the outer one.
    pub transfer_syntax: Option<String>,
    /// The payload.
    pub body: &'a [u8],
}

/// Why a body could not be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MultipartError {
    /// `Content-Type` is unreadable.
    #[error("the answer does not say what it is")]
    ContentType,
    /// `multipart/...` without `boundary`.
    #[error("the multipart answer names no boundary")]
    NoBoundary,
    /// The boundary never occurs.
    #[error("the multipart answer holds no parts")]
    NoParts,
    /// The last part is not closed: the transfer broke off.
    #[error("the multipart answer breaks off")]
    BreaksOff,
}

/// Takes a body apart. A body of another media type is its own single part.
pub fn parse<'a>(content_type: &'a str, body: &'a [u8]) -> Result<Vec<Part<'a>>, MultipartError> {
    let media = MediaType::parse(content_type).ok_or(MultipartError::ContentType)?;
    let outer_syntax = transfer_syntax(&media).or_else(|| {
        let inner = MediaType::parse(media.parameter("type")?)?;
        transfer_syntax(&inner)
    });
    if !media.essence.starts_with("multipart/") {
        let essence = content_type.split(';').next().map(str::trim);
        return Ok(vec![Part {
            content_type: essence,
            transfer_syntax: outer_syntax,
            body,
        }]);
    }
    let boundary = media
        .parameter("boundary")
        .filter(|boundary| !boundary.is_empty())
        .ok_or(MultipartError::NoBoundary)?;
    let delimiter = [b"--", boundary.as_bytes()].concat();
    let mut parts = Vec::new();
    let mut position = first_delimiter(body, &delimiter).ok_or(MultipartError::NoParts)?;
    loop {
        position += delimiter.len();
        let rest = body.get(position..).unwrap_or_default();
        if rest.starts_with(b"--") {
            break;
        }
        let line_end = rest.iter().position(|byte| *byte == b'\n');
        let line_end = line_end.ok_or(MultipartError::BreaksOff)?;
        let (headers, start) =
            read_headers(body, position + line_end + 1).ok_or(MultipartError::BreaksOff)?;
        let end =
            part_end(body, start, headers.length, &delimiter).ok_or(MultipartError::BreaksOff)?;
        parts.push(Part {
            content_type: headers.essence,
            transfer_syntax: headers.transfer_syntax.or_else(|| outer_syntax.clone()),
            body: &body[start..end.payload],
        });
        position = end.delimiter;
    }
    if parts.is_empty() {
        Err(MultipartError::NoParts)
    } else {
        Ok(parts)
    }
}

/// Longest UID, PS3.5 section 9.1: what is longer is none, and every part would hold a copy of it.
const LONGEST_UID: usize = 64;

fn transfer_syntax(media: &MediaType) -> Option<String> {
    let uid = media.parameter("transfer-syntax")?;
    (uid.len() <= LONGEST_UID).then(|| uid.to_owned())
}

/// Where the payload of the first part starts, for bodies that stay where they are: `head` is the front of
/// the body, long enough for the part's headers. A body of another media type starts at 0.
pub fn first_payload(content_type: &str, head: &[u8]) -> Result<usize, MultipartError> {
    let media = MediaType::parse(content_type).ok_or(MultipartError::ContentType)?;
    if !media.essence.starts_with("multipart/") {
        return Ok(0);
    }
    let boundary = media
        .parameter("boundary")
        .filter(|boundary| !boundary.is_empty())
        .ok_or(MultipartError::NoBoundary)?;
    let delimiter = [b"--", boundary.as_bytes()].concat();
    let line = first_delimiter(head, &delimiter).ok_or(MultipartError::NoParts)?;
    let rest = head.get(line..).unwrap_or_default();
    let line_end = rest.iter().position(|byte| *byte == b'\n');
    let headers = line + line_end.ok_or(MultipartError::BreaksOff)? + 1;
    let (_, start) = read_headers(head, headers).ok_or(MultipartError::BreaksOff)?;
    Ok(start)
}

/// Where the first delimiter starts: at the very front, or at the front of a line.
fn first_delimiter(body: &[u8], delimiter: &[u8]) -> Option<usize> {
    if body.starts_with(delimiter) {
        return Some(0);
    }
    let mut from = 0;
    loop {
        let at = from + find(&body[from..], delimiter)?;
        if body[..at].ends_with(b"\n") {
            return Some(at);
        }
        from = at + 1;
    }
}

struct Headers<'a> {
    essence: Option<&'a str>,
    transfer_syntax: Option<String>,
    length: Option<usize>,
}

/// Reads header lines up to the empty one; returns them and where the payload starts.
fn read_headers(body: &[u8], mut position: usize) -> Option<(Headers<'_>, usize)> {
    let mut headers = Headers {
        essence: None,
        transfer_syntax: None,
        length: None,
    };
    loop {
        let rest = body.get(position..)?;
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = std::str::from_utf8(&rest[..end])
            .unwrap_or_default()
            .trim_end_matches('\r');
        position += end + 1;
        if end == 0 || rest[..end] == *b"\r" {
            return Some((headers, position));
        }
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        if name.trim().eq_ignore_ascii_case("content-type") {
            headers.essence = value.split(';').next().map(str::trim);
            headers.transfer_syntax =
                MediaType::parse(value).and_then(|media| transfer_syntax(&media));
        } else if name.trim().eq_ignore_ascii_case("content-length") {
            headers.length = value.parse().ok();
        }
    }
}

struct PartEnd {
    payload: usize,
    delimiter: usize,
}

/// Where a part ends. Its own length is believed when a delimiter follows right there, which
/// spares the search through megabytes of pixels.
fn part_end(body: &[u8], start: usize, length: Option<usize>, delimiter: &[u8]) -> Option<PartEnd> {
    if let Some(payload) = length.and_then(|length| start.checked_add(length)) {
        let rest = body.get(payload..).unwrap_or_default();
        for line_break in [b"\r\n".as_slice(), b"\n"] {
            if rest
                .strip_prefix(line_break)
                .is_some_and(|rest| rest.starts_with(delimiter))
            {
                return Some(PartEnd {
                    payload,
                    delimiter: payload + line_break.len(),
                });
            }
        }
    }
    let mut from = start;
    loop {
        let at = from + find(body.get(from..)?, delimiter)?;
        let before = &body[start..at];
        if before.ends_with(b"\r\n") {
            return Some(PartEnd {
                payload: at - 2,
                delimiter: at,
            });
        }
        if before.ends_with(b"\n") {
            return Some(PartEnd {
                payload: at - 1,
                delimiter: at,
            });
        }
        if at == start {
            return Some(PartEnd {
                payload: at,
                delimiter: at,
            });
        }
        from = at + 1;
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

/// The `Content-Type` of a body of such parts.
pub fn content_type(boundary: &str, part_media_type: &str) -> String {
    format!("multipart/related; type=\"{part_media_type}\"; boundary={boundary}")
}

/// What stands in front of a part's payload; `first` leaves out the line break in front.
pub fn part_head(boundary: &str, part_content_type: &str, length: usize, first: bool) -> String {
    let lead = if first { "" } else { "\r\n" };
    format!(
        "{lead}--{boundary}\r\nContent-Type: {part_content_type}\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// What stands after the last part's payload.
pub fn closing(boundary: &str) -> String {
    format!("\r\n--{boundary}--\r\n")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn bodies(content_type: &str, body: &[u8]) -> Vec<Vec<u8>> {
        let parts = parse(content_type, body).unwrap();
        parts.into_iter().map(|part| part.body.to_vec()).collect()
    }

    #[test]
    fn a_transfer_syntax_that_is_longer_than_any_uid_is_none() {
        for (length, expected) in [(64, true), (65, false)] {
            let uid = "1".repeat(length);
            let content_type = format!("multipart/related; transfer-syntax={uid}; boundary=b");
            let parts = parse(&content_type, b"--b\r\n\r\nx\r\n--b--").unwrap();
            assert_eq!(parts[0].transfer_syntax.is_some(), expected, "{length}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let payloads: [&[u8]; 3] = [b"abc", b"", b"\r\n--x\r\n"];
        let mut body = Vec::new();
        for (index, payload) in payloads.iter().enumerate() {
            body.extend(part_head("b0", "image/jls", payload.len(), index == 0).bytes());
            body.extend(*payload);
        }
        body.extend(closing("b0").bytes());
        let content_type = content_type("b0", "image/jls");
        let parts = parse(&content_type, &body).unwrap();
        assert_eq!(
            parts.iter().map(|part| part.body).collect::<Vec<_>>(),
            payloads
        );
        assert_eq!(parts[0].content_type, Some("image/jls"));
    }

    #[test]
    fn a_boundary_may_be_quoted_and_a_line_break_may_lead() {
        let plain = b"--a b\r\nContent-Type: x/y\r\n\r\nDATA\r\n--a b--";
        let led = [b"\r\n".as_slice(), plain].concat();
        for body in [plain.as_slice(), &led] {
            assert_eq!(
                bodies(r#"multipart/related; boundary="a b""#, body),
                [b"DATA"]
            );
        }
    }

    #[test]
    fn a_wrong_length_is_not_believed() {
        for length in ["0", "3", "99999999999999999999", "4000000000", "x"] {
            let body = format!("--b\r\nContent-Length: {length}\r\n\r\nDATA\r\n--b--\r\n");
            assert_eq!(
                bodies("multipart/related; boundary=b", body.as_bytes()),
                [b"DATA"]
            );
        }
    }

    #[test]
    fn a_right_length_spares_a_boundary_inside_the_payload() {
        let body = b"--b\r\nContent-Length: 9\r\n\r\nDA\r\n--b\r\n\r\n--b--\r\n";
        assert_eq!(
            bodies("multipart/related; boundary=b", body),
            [b"DA\r\n--b\r\n"]
        );
    }

    #[test]
    fn the_transfer_syntax_comes_from_the_part_or_from_outside() {
        let body = b"--b\r\nContent-Type: image/jls;transfer-syntax=1.2.80\r\n\r\nD\r\n--b--";
        let parts = parse("multipart/related; boundary=b", body).unwrap();
        assert_eq!(parts[0].transfer_syntax.as_deref(), Some("1.2.80"));
        let body = b"--b\r\nContent-Type: image/jls\r\n\r\nD\r\n--b--";
        let outer = r#"multipart/related; type="image/jls; transfer-syntax=1.2.81"; boundary=b"#;
        let parts = parse(outer, body).unwrap();
        assert_eq!(parts[0].transfer_syntax.as_deref(), Some("1.2.81"));
    }

    #[test]
    fn a_body_without_parts_is_one_part() {
        let parts = parse("image/jls; transfer-syntax=1.2.80", b"\xFF\xD8").unwrap();
        assert_eq!(parts[0].content_type, Some("image/jls"));
        assert_eq!(parts[0].transfer_syntax.as_deref(), Some("1.2.80"));
        assert_eq!(parts[0].body, b"\xFF\xD8");
    }

    #[test]
    fn part_headers_may_be_missing_and_lines_may_end_bare() {
        assert_eq!(
            bodies("multipart/related; boundary=b", b"--b\n\nDATA\n--b--"),
            [b"DATA"]
        );
        assert_eq!(
            bodies("multipart/related; boundary=b", b"--b\r\n\r\n\r\n--b--"),
            [b""]
        );
    }

    #[test]
    fn every_truncation_is_an_error_and_never_a_panic() {
        let body = b"--b\r\nContent-Length: 4\r\nContent-Type: a/b\r\n\r\nDATA\r\n--b--";
        for length in 0..body.len() - 2 {
            assert!(
                parse("multipart/related; boundary=b", &body[..length]).is_err(),
                "{length}"
            );
        }
        assert_eq!(
            parse("multipart/related", body),
            Err(MultipartError::NoBoundary)
        );
        assert_eq!(parse("nonsense", body), Err(MultipartError::ContentType));
    }

    #[test]
    fn the_first_payload_is_found_in_the_front_of_a_body() {
        let head = b"--x\r\nContent-Type: application/dicom\r\nMIME-Version: 1.0\r\n\r\nDICM";
        let found = first_payload("multipart/related; boundary=x", head).unwrap();
        assert_eq!(&head[found..], b"DICM");
        assert_eq!(first_payload("application/dicom", b"DICM"), Ok(0));
        let short = first_payload("multipart/related; boundary=x", &head[..20]);
        assert_eq!(short, Err(MultipartError::BreaksOff));
    }
}
