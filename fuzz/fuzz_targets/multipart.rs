//! Answers of servers: a `Content-Type`, a line break, and the body.

#![no_main]

use protocol::dicomweb::media_type::{MediaType, parse_accept};
use protocol::dicomweb::multipart::{first_payload, parse};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (head, body) = bytes.split_at(end.unwrap_or(bytes.len()));
    let body = body.get(1..).unwrap_or_default();
    let Ok(content_type) = std::str::from_utf8(head) else {
        return;
    };
    MediaType::parse(content_type);
    parse_accept(content_type);
    let start = first_payload(content_type, body);
    if let Ok(parts) = parse(content_type, body) {
        assert!(!parts.is_empty());
        let total: usize = parts.iter().map(|part| part.body.len()).sum();
        assert!(total <= body.len());
        // Both ways to the first payload lead to the same place.
        let front = parts[0].body.as_ptr() as usize - body.as_ptr() as usize;
        assert_eq!(start, Ok(front));
    }
});
