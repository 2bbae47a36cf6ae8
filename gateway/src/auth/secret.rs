//! Random secrets, and what is kept of them: their SHA-256 only.

use aws_lc_rs::{constant_time, digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes of a secret: 256 bits.
const BYTES: usize = 32;

/// A secret that a browser holds and nobody else. It is in no log and has no `Debug` of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; BYTES]);

/// What is kept of a [`Secret`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; BYTES]);

/// The system gives no random numbers.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandom;

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn new() -> Result<Self, NoRandom> {
        Ok(Self(random()?))
    }

    /// As a browser sends it.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// From what a browser sent.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// What is kept of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret")
    }
}

impl SecretHash {
    /// Of bytes that nobody can guess.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; BYTES];
        hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
        Self(hash)
    }

    /// From the database.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    /// For the database.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether they are the same, in the same time whatever they are.
    pub fn is(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }

    /// The first half as digits: names a session to administrators, and opens nothing.
    pub fn name(&self) -> String {
        crate::audit::chain::hex(&self.0[..BYTES / 2])
    }

    /// The first eight digits: they tell sessions apart in the audit record and open nothing.
    pub fn short(&self) -> String {
        crate::audit::chain::hex(&self.0[..4])
    }
}

/// Random bytes.
///
/// # Errors
/// The system gives none.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(bytes)
}

/// A code that a person types: groups of five of 32 letters and digits that cannot be mistaken for each other, 5 bits each.
///
/// # Errors
/// The system gives no random numbers.
pub fn typed_code(groups: usize) -> Result<String, NoRandom> {
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut code = String::new();
    for group in 0..groups {
        if group > 0 {
            code.push('-');
        }
        for byte in random::<5>()? {
            code.push(char::from(LETTERS[usize::from(byte & 31)]));
        }
    }
    Ok(code)
}

/// A typed code as it is compared: without hyphens, blanks and case.
pub fn normalized(code: &str) -> String {
    let plain = code.chars().filter(char::is_ascii_alphanumeric);
    plain.map(|it| it.to_ascii_uppercase()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_256_bits_and_comes_back_from_its_text() {
        let secret = Secret::new().unwrap();
        assert_eq!(secret.text().len(), 43);
        assert_eq!(Secret::from_text(&secret.text()).unwrap(), secret);
        assert_eq!(Secret::from_text("short"), None);
        assert_ne!(Secret::new().unwrap(), secret);
        assert!(!format!("{secret:?}").contains(&secret.text()));
    }

    /// FIPS 180-2, B.1.
    #[test]
    fn the_hash_is_sha_256() {
        let hash = SecretHash::of(b"abc");
        assert_eq!(crate::audit::chain::hex(&hash.bytes()[..4]), "ba7816bf");
        assert_eq!(hash.short(), "ba7816bf");
    }

    #[test]
    fn typed_codes_are_compared_without_hyphens_and_case() {
        let code = typed_code(4).unwrap();
        assert_eq!(code.len(), 23);
        assert_eq!(normalized(&code.to_lowercase()), normalized(&code));
        assert_eq!(normalized(&code.replace('-', " ")), normalized(&code));
    }
}
