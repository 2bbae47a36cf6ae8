//! Requests of other systems that wait until someone has logged in: kept here, so that what they name is in no address and in no
//! browser meanwhile.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::secret::{NoRandom, Secret, SecretHash};

/// How long a request waits.
const WAITS_S: i64 = 600;
/// Most requests that wait; beyond it the oldest are forgotten.
const MOST: usize = 10_000;

type Pairs = Vec<(String, String)>;

/// Requests by what is kept of the secret that their browser holds.
#[derive(Debug, Default)]
pub struct Detours(Mutex<HashMap<SecretHash, (i64, Pairs)>>);

impl Detours {
    /// Keeps a request; gives the secret for the browser's cookie.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn keep(&self, pairs: Pairs, now_s: i64) -> Result<Secret, NoRandom> {
        let secret = Secret::new()?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (until, _)| *until > now_s);
        if all.len() >= MOST {
            let oldest = all.iter().min_by_key(|(_, (until, _))| *until);
            if let Some(oldest) = oldest.map(|(hash, _)| *hash) {
                all.remove(&oldest);
            }
        }
        all.insert(secret.hash(), (now_s + WAITS_S, pairs));
        Ok(secret)
    }

    /// Takes a request out, once.
    pub fn take(&self, secret: &Secret, now_s: i64) -> Option<Pairs> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, pairs) = all.remove(&secret.hash())?;
        (until > now_s).then_some(pairs)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_request_waits_for_ten_minutes_and_is_taken_once() {
        let detours = Detours::default();
        let pairs = vec![("studyUID".to_owned(), "1.2".to_owned())];
        let secret = detours.keep(pairs.clone(), 100).unwrap();
        assert_eq!(detours.take(&Secret::new().unwrap(), 101), None);
        assert_eq!(detours.take(&secret, 101), Some(pairs.clone()));
        assert_eq!(detours.take(&secret, 101), None);
        let late = detours.keep(pairs, 200).unwrap();
        assert_eq!(detours.take(&late, 800), None);
    }
}
