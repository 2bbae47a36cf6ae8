//! The chain of an audit file: each line ends with a code over itself and the line before.
//!
//! A line is a JSON object whose last member is `mac`, HMAC-SHA-256 (RFC 2104) over the code before it and the bytes of the
//! line up to it. Whoever alters, removes or exchanges lines without the key leaves a line whose code does not fit.

use aws_lc_rs::hmac;

/// Bytes of a code.
pub const MAC_BYTES: usize = 32;

/// What stands before the code, and after it.
const BEFORE: &str = ",\"mac\":\"";
const AFTER: &str = "\"}";

/// A code.
pub type Mac = [u8; MAC_BYTES];

/// The key, and the code of the last line.
#[derive(Clone)]
pub struct Chain {
    key: hmac::Key,
    last: Mac,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Chain")
    }
}

/// Why a line does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It does not end with a code.
    #[error("it has no code")]
    NoCode,
    /// The code is of another line, of another place, or of another key.
    #[error("its code does not fit")]
    Code,
}

impl Chain {
    /// Before the first line.
    pub fn new(key: &[u8]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            last: [0; MAC_BYTES],
        }
    }

    /// Goes on after a line with this code.
    pub fn after(mut self, last: Mac) -> Self {
        self.last = last;
        self
    }

    /// The code of the last line.
    pub fn last(&self) -> Mac {
        self.last
    }

    /// The line of a JSON object, without a line feed; the chain goes on after it.
    pub fn close(&mut self, object: &str) -> String {
        let open = object.strip_suffix('}').unwrap_or(object);
        self.last = self.mac_of(open);
        format!("{open}{BEFORE}{}{AFTER}", hex(&self.last))
    }

    /// Takes the next line; gives the JSON object without its code.
    pub fn check(&mut self, line: &str) -> Result<String, Broken> {
        let (open, mac) = split(line).ok_or(Broken::NoCode)?;
        let expected = self.mac_of(open);
        if mac != expected {
            return Err(Broken::Code);
        }
        self.last = expected;
        Ok(format!("{open}}}"))
    }

    fn mac_of(&self, open: &str) -> Mac {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&self.last);
        context.update(open.as_bytes());
        let mut mac = [0; MAC_BYTES];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }
}

/// A line up to its code, and the code.
pub fn split(line: &str) -> Option<(&str, Mac)> {
    let rest = line.strip_suffix(AFTER)?;
    let digits = rest.get(rest.len().checked_sub(2 * MAC_BYTES)?..)?;
    let open = rest
        .get(..rest.len() - 2 * MAC_BYTES)?
        .strip_suffix(BEFORE)?;
    Some((open, parse_hex(digits)?))
}

/// Lower-case digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A code from its digits.
pub fn parse_hex(digits: &str) -> Option<Mac> {
    let mut mac = [0; MAC_BYTES];
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != MAC_BYTES {
        return None;
    }
    for (byte, pair) in mac.iter_mut().zip(pairs) {
        if !pair.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(mac)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<String> {
        let mut chain = Chain::new(b"key");
        (0..count)
            .map(|index| chain.close(&format!("{{\"number\":{index},\"text\":\"a\\\"mac\"}}")))
            .collect()
    }

    fn first_broken(lines: &[String]) -> Option<usize> {
        let mut chain = Chain::new(b"key");
        lines.iter().position(|line| chain.check(line).is_err())
    }

    #[test]
    fn a_line_is_json_and_gives_back_its_object() {
        let mut chain = Chain::new(b"key");
        for (index, line) in lines(3).iter().enumerate() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["mac"].as_str().unwrap().len(), 64);
            let object = chain.check(line).unwrap();
            let value: serde_json::Value = serde_json::from_str(&object).unwrap();
            assert_eq!(value["number"], index);
            assert!(value.get("mac").is_none());
        }
    }

    /// The code of the first line by the definition of RFC 2104, worked out with OpenSSL:
    /// `(printf '\0%.0s' {1..32}; printf '{"a":1') | openssl dgst -sha256 -hmac key`.
    #[test]
    fn the_code_is_that_of_the_standard() {
        let line = Chain::new(b"key").close("{\"a\":1}");
        let (_, mac) = split(&line).unwrap();
        assert_eq!(hex(&mac), EXPECTED_FIRST);
    }

    const EXPECTED_FIRST: &str = "5487b6bc963d59284ae6acf72e6caf6278eefbde1205114138fa5b1197c4e1ec";

    #[test]
    fn altered_removed_exchanged_and_inserted_lines_are_named() {
        let sound = lines(6);
        assert_eq!(first_broken(&sound), None);
        let mut altered = sound.clone();
        altered[3] = altered[3].replacen("3", "4", 1);
        assert_eq!(first_broken(&altered), Some(3));
        let mut removed = sound.clone();
        removed.remove(2);
        assert_eq!(first_broken(&removed), Some(2));
        let mut exchanged = sound.clone();
        exchanged.swap(1, 2);
        assert_eq!(first_broken(&exchanged), Some(1));
        let mut doubled = sound.clone();
        doubled.insert(4, sound[3].clone());
        assert_eq!(first_broken(&doubled), Some(4));
        let mut other_key = Chain::new(b"another");
        assert!(other_key.check(&sound[0]).is_err());
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for text in ["", "{}", "{\"a\":1}", "{\"mac\":\"00\"}", "\u{e9}\"}"] {
            assert_eq!(
                Chain::new(b"key").check(text),
                Err(Broken::NoCode),
                "{text}"
            );
        }
    }
}
