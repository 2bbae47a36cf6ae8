//! How many requests are answered in which time.
//!
//! Each sender has a bucket (a generic cell rate algorithm: one time a bucket). Who has a session is told apart by it, whoever
//! shares the address: a reader fetches a thousand images at once. All others are told apart by their address, IPv6 by its
//! network of 64 bits. What guesses passwords, codes or PINs has a smaller bucket by address besides. Tables are bounded:
//! where one is full of senders that are still active, new ones are asked to come later.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::auth::asker::{LINK_COOKIE, cookie, secret_of};
use crate::auth::secret::SecretHash;
use crate::error::ApiError;

/// Requests of an address in a minute, unless the configuration says otherwise.
pub const USUAL_PER_MINUTE: u32 = 1200;
/// A session may ask for so many times as much as an address.
const OF_A_SESSION: u32 = 20;
/// What guesses may ask for this part of it.
const OF_GUESSES: u32 = 10;
/// Most senders that are told apart, in each table.
const MOST_SENDERS: usize = 65_536;
/// Requests that are answered at once, of everybody together.
const MOST_AT_ONCE: usize = 1024;
/// How long a session counts as one after it was last seen alive, in ns.
const ALIVE_NS: u64 = 15 * 60 * SECOND_NS;
const SECOND_NS: u64 = 1_000_000_000;

/// What a route costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cost {
    /// Health: always answered.
    Free,
    /// One request.
    #[default]
    Usual,
    /// One try.
    Guess,
}

/// Why a request is not answered now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// The sender asks too often; seconds until it may ask again.
    Wait(u64),
    /// Too much is asked for by everybody together.
    Overload,
}

impl Limited {
    /// The answer, in words and with `Retry-After`.
    pub fn answer(self) -> Response {
        let (status, code, seconds, message) = match self {
            Self::Wait(seconds) => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                seconds,
                format!("too many requests came from here: wait {seconds} s"),
            ),
            Self::Overload => (
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                1,
                "too much is asked of the gateway just now: try again in a moment".to_owned(),
            ),
        };
        let mut response = ApiError::new(status, code, message).into_response();
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
        response
    }
}

/// So many at once, then one each so many ns.
#[derive(Debug, Clone, Copy)]
struct Rate {
    burst: u64,
    every_ns: u64,
}

impl Rate {
    /// A minute's worth at once.
    fn per_minute(count: u32) -> Self {
        let count = u64::from(count.max(1));
        Self {
            burst: count,
            every_ns: 60 * SECOND_NS / count,
        }
    }

    /// Takes one; `full_ns` is when the bucket will be full again.
    fn take(self, full_ns: &mut u64, now_ns: u64) -> Result<(), Limited> {
        let from = (*full_ns).max(now_ns);
        let ahead = (from - now_ns).saturating_sub((self.burst - 1) * self.every_ns);
        if ahead > 0 {
            return Err(Limited::Wait(ahead.div_ceil(SECOND_NS)));
        }
        *full_ns = from + self.every_ns;
        Ok(())
    }
}

/// Buckets of senders, at most so many.
#[derive(Debug)]
struct Buckets<K> {
    rate: Rate,
    most: usize,
    full_ns: HashMap<K, u64>,
    swept_ns: u64,
}

impl<K: Hash + Eq> Buckets<K> {
    fn new(rate: Rate, most: usize) -> Self {
        Self {
            rate,
            most,
            full_ns: HashMap::new(),
            swept_ns: 0,
        }
    }

    fn take(&mut self, key: K, now_ns: u64) -> Result<(), Limited> {
        if self.full_ns.len() >= self.most && !self.full_ns.contains_key(&key) {
            // Once a second at most: looking through the table takes time, too.
            if now_ns >= self.swept_ns + SECOND_NS {
                self.full_ns.retain(|_, full_ns| *full_ns > now_ns);
                self.swept_ns = now_ns;
            }
            if self.full_ns.len() >= self.most {
                return Err(Limited::Overload);
            }
        }
        self.rate.take(self.full_ns.entry(key).or_insert(0), now_ns)
    }
}

/// A session that was seen alive.
#[derive(Debug, Clone, Copy)]
struct Alive {
    full_ns: u64,
    until_ns: u64,
}

/// Buckets of all senders.
#[derive(Debug)]
struct Senders {
    addresses: Mutex<Buckets<IpAddr>>,
    guesses: Mutex<Buckets<IpAddr>>,
    sessions: Mutex<HashMap<SecretHash, Alive>>,
    session_rate: Rate,
}

/// All limits.
#[derive(Debug)]
pub struct Limits {
    begun: Instant,
    senders: Option<Senders>,
    at_once: Semaphore,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An address as senders are told apart: who has an IPv6 address has as many as he likes of its network.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(it) => {
            let [a, b, c, d, ..] = it.segments();
            IpAddr::V6(std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

impl Limits {
    /// For so many requests of an address in a minute; `None` where senders are not limited.
    pub fn new(per_minute: Option<u32>) -> Self {
        let rate = |factor: u32, part: u32| {
            let count = per_minute.unwrap_or(USUAL_PER_MINUTE);
            Rate::per_minute(count.saturating_mul(factor) / part)
        };
        let senders = per_minute.map(|_| Senders {
            addresses: Mutex::new(Buckets::new(rate(1, 1), MOST_SENDERS)),
            guesses: Mutex::new(Buckets::new(rate(1, OF_GUESSES), MOST_SENDERS)),
            sessions: Mutex::default(),
            session_rate: rate(OF_A_SESSION, 1),
        });
        Self {
            begun: Instant::now(),
            senders,
            at_once: Semaphore::new(MOST_AT_ONCE),
        }
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// A session or an opened link was found alive: from now on it has a bucket of its own. A secret that nobody has checked
    /// has none, else each request could carry another.
    pub fn saw(&self, hash: SecretHash) {
        let Some(senders) = &self.senders else { return };
        let now_ns = self.now_ns();
        let mut sessions = locked(&senders.sessions);
        if sessions.len() >= MOST_SENDERS && !sessions.contains_key(&hash) {
            sessions.retain(|_, alive| alive.until_ns > now_ns);
            if sessions.len() >= MOST_SENDERS {
                return;
            }
        }
        let alive = sessions.entry(hash).or_insert(Alive {
            full_ns: 0,
            until_ns: 0,
        });
        alive.until_ns = now_ns + ALIVE_NS;
    }

    /// Lets a request in, or says why not.
    ///
    /// # Errors
    /// Too much was asked for.
    pub fn take(
        &self,
        cost: Cost,
        address: IpAddr,
        headers: &HeaderMap,
    ) -> Result<Option<SemaphorePermit<'_>>, Limited> {
        if cost == Cost::Free {
            return Ok(None);
        }
        if let Some(senders) = &self.senders {
            senders.take(cost, network(address), headers, self.now_ns())?;
        }
        let permit = self.at_once.try_acquire();
        permit.map(Some).map_err(|_| Limited::Overload)
    }

    /// Senders that are told apart just now.
    pub fn senders(&self) -> usize {
        self.senders.as_ref().map_or(0, |senders| {
            let addresses = locked(&senders.addresses).full_ns.len();
            let guesses = locked(&senders.guesses).full_ns.len();
            addresses + guesses + locked(&senders.sessions).len()
        })
    }
}

impl Senders {
    fn take(
        &self,
        cost: Cost,
        address: IpAddr,
        headers: &HeaderMap,
        now_ns: u64,
    ) -> Result<(), Limited> {
        if cost == Cost::Guess {
            return locked(&self.guesses).take(address, now_ns);
        }
        let secrets = [secret_of(headers), cookie(headers, LINK_COOKIE)];
        let mut sessions = locked(&self.sessions);
        for secret in secrets.into_iter().flatten() {
            if let Some(alive) = sessions.get_mut(&secret.hash())
                && alive.until_ns > now_ns
            {
                return self.session_rate.take(&mut alive.full_ns, now_ns);
            }
        }
        drop(sessions);
        locked(&self.addresses).take(address, now_ns)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;
    use crate::auth::secret::Secret;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4((0x0A00_0000 + number).into())
    }

    #[test]
    fn t23_a_minutes_worth_goes_at_once_and_then_one_at_a_time() {
        let mut buckets = Buckets::new(Rate::per_minute(60), 10);
        let taken = |buckets: &mut Buckets<u8>, key: u8, now_s: u64| {
            (0..1000)
                .map_while(|_| buckets.take(key, now_s * SECOND_NS).ok())
                .count()
        };
        assert_eq!(taken(&mut buckets, 1, 0), 60);
        assert_eq!(buckets.take(1, 0), Err(Limited::Wait(1)));
        // Others are not concerned.
        assert_eq!(taken(&mut buckets, 2, 0), 60);
        assert_eq!(taken(&mut buckets, 1, 7), 7);
        assert_eq!(taken(&mut buckets, 1, 3600), 60);
    }

    #[test]
    fn t23_the_table_stays_bounded_and_has_room_again_when_its_senders_rest() {
        let mut buckets = Buckets::new(Rate::per_minute(60), 100);
        for key in 0..100 {
            buckets.take(key, 0).unwrap();
        }
        assert_eq!(buckets.take(100, 0), Err(Limited::Overload));
        buckets.take(99, 0).unwrap();
        for key in 0..10_000 {
            let _ = buckets.take(key, SECOND_NS / 2 + key);
            assert!(buckets.full_ns.len() <= 100);
        }
        buckets.take(100, 3 * SECOND_NS).unwrap();
        assert_eq!(buckets.full_ns.len(), 1);
    }

    #[test]
    fn t23_a_living_session_has_a_bucket_of_its_own_and_a_made_up_one_has_none() {
        let limits = Limits::new(Some(60));
        let count = |headers: &HeaderMap, cost: Cost| {
            let all = 0..10_000;
            all.map_while(|_| limits.take(cost, address(1), headers).ok())
                .count()
        };
        let with = |secret: &Secret| {
            let mut headers = HeaderMap::new();
            let cookie = format!("__Host-sid={}", secret.text());
            headers.insert("cookie", cookie.parse().unwrap());
            headers
        };
        let session = Secret::new().unwrap();
        limits.saw(session.hash());
        let own = count(&with(&session), Cost::Usual);
        assert!((1200..1300).contains(&own), "{own}");
        // The address has its own still, once, whatever secrets are made up.
        let made_up = (0..1000)
            .filter(|_| {
                let headers = with(&Secret::new().unwrap());
                limits.take(Cost::Usual, address(1), &headers).is_ok()
            })
            .count();
        assert!((60..70).contains(&made_up), "{made_up}");
        // Tries are counted by address, also within a session.
        let tries = count(&with(&session), Cost::Guess);
        assert!((6..8).contains(&tries), "{tries}");
        assert!(
            limits
                .take(Cost::Free, address(1), &with(&session))
                .unwrap()
                .is_none()
        );
        assert_eq!(limits.senders(), 3);
    }

    #[test]
    fn t23_neighbours_of_an_ipv6_network_share_a_bucket() {
        let limits = Limits::new(Some(60));
        let headers = HeaderMap::new();
        let taken = (0..1000u16)
            .filter(|host| {
                let address = std::net::Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 3, 4, 5, *host);
                limits.take(Cost::Usual, address.into(), &headers).is_ok()
            })
            .count();
        assert!((60..70).contains(&taken), "{taken}");
    }

    #[test]
    fn t23_only_so_many_are_answered_at_once() {
        let limits = Limits::new(None);
        let headers = HeaderMap::new();
        let take = || limits.take(Cost::Usual, address(1), &headers);
        let held: Vec<_> = (0..MOST_AT_ONCE).map(|_| take().unwrap()).collect();
        assert!(matches!(take(), Err(Limited::Overload)));
        assert!(limits.take(Cost::Free, address(1), &headers).is_ok());
        drop(held);
        assert!(take().is_ok());
    }
}
