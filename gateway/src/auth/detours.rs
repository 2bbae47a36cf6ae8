//! Requests of other systems that wait until someone has logged in: kept here, so that what they name is in no address and in no
//! browser meanwhile.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::secret::{NoRandom, Secret, SecretHash};

/// How long a request waits.
const WAITS_S: i64 = 600;
/// Most requests that wait; beyond it the oldest are forgotten.
const MOST: usize = 10_000;

/// What someone wanted before the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// Another system's request to show something (IHE RAD-106): its pairs.
    Invoke(Vec<(String, String)>),
    /// A page of the app: path and query below the gateway's root.
    Page(String),
}

/// Requests by what is kept of the secret that their browser holds.
#[derive(Debug, Default)]
pub struct Detours(Mutex<HashMap<SecretHash, (i64, Waiting)>>);

impl Detours {
    /// Keeps a request; gives the secret for the browser's cookie.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn keep(&self, waiting: Waiting, now_s: i64) -> Result<Secret, NoRandom> {
        let secret = Secret::new()?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (until, _)| *until > now_s);
        if all.len() >= MOST {
            let oldest = all.iter().min_by_key(|(_, (until, _))| *until);
            if let Some(oldest) = oldest.map(|(hash, _)| *hash) {
                all.remove(&oldest);
            }
        }
        all.insert(secret.hash(), (now_s + WAITS_S, waiting));
        Ok(secret)
    }

    /// Takes a request out, once.
    pub fn take(&self, secret: &Secret, now_s: i64) -> Option<Waiting> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, waiting) = all.remove(&secret.hash())?;
        (until > now_s).then_some(waiting)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_request_waits_for_ten_minutes_and_is_taken_once() {
        let detours = Detours::default();
        let pairs = Waiting::Invoke(vec![("studyUID".to_owned(), "1.2".to_owned())]);
        let secret = detours.keep(pairs.clone(), 100).unwrap();
        assert_eq!(detours.take(&Secret::new().unwrap(), 101), None);
        assert_eq!(detours.take(&secret, 101), Some(pairs.clone()));
        assert_eq!(detours.take(&secret, 101), None);
        let late = detours.keep(pairs, 200).unwrap();
        assert_eq!(detours.take(&late, 800), None);
    }
}
