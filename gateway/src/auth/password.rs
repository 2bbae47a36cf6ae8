//! Passwords: argon2id (RFC 9106), never shorter than twelve characters, never one that everybody tries.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};

/// Fewest characters. Source: NIST SP 800-63B-4, 3.1.1.2, asks for 15 where a password stands alone and 8 beside a second
/// factor.
pub const FEWEST: usize = 12;
/// Most bytes: a longer one costs time and helps nobody.
pub const MOST_BYTES: usize = 1024;

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Too short.
    #[error("a password has at least 12 characters")]
    Short,
    /// Too long.
    #[error("a password has at most 1024 bytes")]
    Long,
    /// It holds the user's name, or is one character again and again.
    #[error("this password is too easy to guess")]
    Easy,
    /// No memory, no random numbers.
    #[error("the password cannot be stored just now")]
    Failed,
}

/// 19 MiB, two passes, one lane: what OWASP's Password Storage Cheat Sheet asks of argon2id at least.
fn argon2() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The hash of a new password, with its salt and cost in it.
///
/// # Errors
/// The password is not taken.
pub fn hash(password: &str, user: &str) -> Result<String, Refused> {
    if password.len() > MOST_BYTES {
        return Err(Refused::Long);
    }
    if password.chars().count() < FEWEST {
        return Err(Refused::Short);
    }
    let lower = password.to_lowercase();
    let user = user.to_lowercase();
    let mut letters: Vec<char> = lower.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if letters.len() < 4 || (user.len() > 2 && lower.contains(&user)) {
        return Err(Refused::Easy);
    }
    let hash = argon2().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|_| Refused::Failed)
}

/// The hash of a PIN that was made here, of digits that nobody chose.
///
/// # Errors
/// No memory, no random numbers.
pub fn hash_pin(pin: &str) -> Result<String, Refused> {
    let hash = argon2().hash_password(pin.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|_| Refused::Failed)
}

/// Whether a password is the one of a hash. Without a hash, of someone who does not exist, it takes as long.
pub fn is_right(password: &str, hash: Option<&str>) -> bool {
    if password.len() > MOST_BYTES {
        return false;
    }
    let known = hash.and_then(|hash| PasswordHash::new(hash).ok());
    let Some(known) = known else {
        let _ = argon2().hash_password(password.as_bytes());
        return false;
    };
    argon2()
        .verify_password(password.as_bytes(), &known)
        .is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn t11_a_password_is_kept_as_argon2id_with_a_salt_of_its_own() {
        let one = hash("correct horse battery", "ada").unwrap();
        let two = hash("correct horse battery", "ada").unwrap();
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
        assert!(is_right("correct horse battery", Some(&one)));
        assert!(!is_right("correct horse batterz", Some(&one)));
        assert!(!is_right("correct horse battery", None));
        assert!(!is_right("correct horse battery", Some("")));
    }

    #[test]
    fn t11_easy_passwords_are_refused_in_words() {
        assert_eq!(hash("short", "ada"), Err(Refused::Short));
        assert_eq!(hash("aaaaaaaaaaaaaaa", "ada"), Err(Refused::Easy));
        assert_eq!(hash("my name is Ada Example", "ada"), Err(Refused::Easy));
        assert_eq!(hash(&"xyz1".repeat(300), "ada"), Err(Refused::Long));
        assert!(hash("pässwörter zählen so", "ada").is_ok());
    }
}
