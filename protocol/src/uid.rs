//! Unique identifiers in paths: percent-encoding.
//!
//! Archives hold UIDs that break VR UI (letters, spaces, 67 characters). They are served as they
//! stand, so every UID that goes into a path is encoded first.
//! Source: RFC 3986 sections 2.1 and 2.3, DICOM PS3.5 section 9.

use std::fmt::Write as _;

/// Encodes one segment of a path, or one value of a query.
///
/// Everything but RFC 3986's unreserved characters becomes `%XX`; a segment of dots only would
/// be resolved away by clients, so its dots are encoded too.
pub fn percent_encode(text: &str) -> String {
    let dots_only = !text.is_empty() && text.bytes().all(|byte| byte == b'.');
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'.' if dots_only => encoded.push_str("%2E"),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

/// Encodes one value of a query, leaving what RFC 3986 section 3.4 lets stand there.
///
/// Orthanc takes the escapes of a query as they are written, so that `%2A` would be no wild card to it.
pub fn query_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c| "*?,/:@!$()".contains(c)) {
        let (plain, kept) = match piece.char_indices().next_back() {
            Some((at, last)) if "*?,/:@!$()".contains(last) => piece.split_at(at),
            _ => (piece, ""),
        };
        // Dots are resolved away in paths alone.
        encoded.push_str(&percent_encode(plain).replace("%2E", "."));
        encoded.push_str(kept);
    }
    encoded
}

/// Decodes `%XX`; `None` where the escapes are broken or the result is no UTF-8.
pub fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proper_uid_stays_as_it_is() {
        assert_eq!(percent_encode("1.2.840.10008"), "1.2.840.10008");
    }

    #[test]
    fn odd_uids_survive_the_round_trip() {
        for uid in ["3gb_native.0", "a b/c", "1.2%3", "ä", "..", "1.2\\3"] {
            let encoded = percent_encode(uid);
            assert!(!encoded.contains(['/', ' ', '\\']), "{encoded}");
            assert_eq!(percent_decode(&encoded).as_deref(), Some(uid));
        }
        assert_eq!(percent_encode(".."), "%2E%2E");
    }

    #[test]
    fn wild_cards_and_commas_stand_as_they_are_in_a_query() {
        assert_eq!(query_encode("*a&b*,c?+d=é.."), "*a%26b*,c?%2Bd%3D%C3%A9..");
    }

    #[test]
    fn broken_escapes_are_no_text() {
        assert_eq!(percent_decode("%4"), None);
        assert_eq!(percent_decode("%zz"), None);
        assert_eq!(percent_decode("%FF"), None);
    }
}
