//! One-time codes by time (RFC 6238): six digits, 30 seconds, each code once.

use totp_rs::{Algorithm, Builder, Totp};

use super::secret::{NoRandom, random};

/// Bytes of a key: as many as the hash has. Source: RFC 4226, 4.
pub const KEY_BYTES: usize = 20;

/// A new key.
///
/// # Errors
/// The system gives no random numbers.
pub fn new_key() -> Result<Vec<u8>, NoRandom> {
    Ok(random::<KEY_BYTES>()?.to_vec())
}

fn totp(key: &[u8]) -> Option<Builder> {
    (key.len() == KEY_BYTES).then(|| {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(1)
            .with_step_duration(30)
            .with_secret(key.to_vec())
    })
}

fn built(key: &[u8]) -> Option<Totp> {
    totp(key)?.build().ok()
}

/// The step of time that a code belongs to, where it is right now and later than `last`, the step of the last code that was
/// taken: so no code is taken twice (RFC 6238, 5.2).
pub fn step_of(key: &[u8], code: &str, now_s: u64, last: Option<u64>) -> Option<u64> {
    let digits: String = code.chars().filter(|it| !it.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let step = built(key)?.check(&digits, now_s)?;
    last.is_none_or(|last| step > last).then_some(step)
}

/// A key as a person types it.
pub fn typed(key: &[u8]) -> String {
    built(key).map_or_else(String::new, |totp| totp.secret().to_base32())
}

/// The address that an authenticator reads from a QR code.
pub fn address(key: &[u8], user: &str, site: &str) -> Option<String> {
    let plain = |text: &str| text.replace(':', " ");
    let totp = totp(key)?
        .with_account_name(plain(user))
        .with_issuer(Some(plain(site)));
    totp.build().ok()?.to_url().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, SHA-1, last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let key = b"12345678901234567890";
        for (now, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(step_of(key, code, now, None), Some(now / 30), "{now}");
        }
    }

    #[test]
    fn t11_a_code_is_taken_once_and_not_after_its_time() {
        let key = b"12345678901234567890";
        let step = step_of(key, "287 082", 59, None).unwrap();
        assert_eq!(step_of(key, "287082", 59, Some(step)), None);
        assert_eq!(step_of(key, "287082", 89, None), Some(1));
        assert_eq!(step_of(key, "287082", 120, None), None);
        for wrong in ["", "28708", "2870822", "abcdef", "287083"] {
            assert_eq!(step_of(key, wrong, 59, None), None, "{wrong}");
        }
    }

    #[test]
    fn the_address_names_user_and_site() {
        let address = address(b"12345678901234567890", "ada", "North: Sagitta").unwrap();
        assert!(address.starts_with("otpauth://totp/"), "{address}");
        assert!(
            address.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
            "{address}"
        );
        assert!(address.contains("ada"), "{address}");
    }
}
