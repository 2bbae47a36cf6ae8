//! What waits on the server for a browser to come back, for ten minutes and once. The browser holds a secret in a cookie, and
//! nothing else of it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::secret::{NoRandom, Secret, SecretHash};

/// How long something waits.
const WAITS_S: i64 = 600;
/// Most that waits; beyond it the oldest is forgotten.
const MOST: usize = 10_000;

/// What waits, by what is kept of the secret that its browser holds.
#[derive(Debug)]
pub struct Once<T>(Mutex<HashMap<SecretHash, (i64, T)>>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Once<T> {
    /// Keeps something; gives the secret for the browser's cookie.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn keep(&self, what: T, now_s: i64) -> Result<Secret, NoRandom> {
        let secret = Secret::new()?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (until, _)| *until > now_s);
        if all.len() >= MOST {
            let oldest = all.iter().min_by_key(|(_, (until, _))| *until);
            if let Some(oldest) = oldest.map(|(hash, _)| *hash) {
                all.remove(&oldest);
            }
        }
        all.insert(secret.hash(), (now_s + WAITS_S, what));
        Ok(secret)
    }

    /// Takes it out, once.
    pub fn take(&self, secret: &Secret, now_s: i64) -> Option<T> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, what) = all.remove(&secret.hash())?;
        (until > now_s).then_some(what)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn it_waits_for_ten_minutes_and_is_taken_once() {
        let once = Once::default();
        let secret = once.keep("request", 100).unwrap();
        assert_eq!(once.take(&Secret::new().unwrap(), 101), None);
        assert_eq!(once.take(&secret, 101), Some("request"));
        assert_eq!(once.take(&secret, 101), None);
        let late = once.keep("late", 200).unwrap();
        assert_eq!(once.take(&late, 800), None);
    }

    #[test]
    fn the_oldest_makes_room() {
        let once = Once::default();
        let first = once.keep(0, 100).unwrap();
        for number in 1..=MOST {
            once.keep(number, 101).unwrap();
        }
        assert_eq!(once.take(&first, 102), None);
        assert_eq!(once.0.lock().unwrap().len(), MOST);
    }
}
