//! Passkeys (W3C Web Authentication, level 2): a second factor after the password, or a login of their own, as the device has
//! verified its user.
//!
//! A challenge waits on the server, for ten minutes and for one answer. Of a passkey its public key and its counter are kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Value, json};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, Url, Uuid, Webauthn, WebauthnBuilder,
};
pub use webauthn_rs::prelude::{PublicKeyCredential, RegisterPublicKeyCredential};

use super::accounts::{self, AccountError, Refused, User};
use super::database::Database;
use super::once::Once;
use super::secret::{Secret, SecretHash, random};
use super::sessions::Session;

/// Most passkeys of a user.
const MOST: usize = 20;
/// Longest name of a passkey.
const LONGEST_NAME: usize = 64;

type Result<T> = std::result::Result<T, AccountError>;

/// Challenges that wait for their answers.
#[derive(Debug)]
pub struct Passkeys {
    webauthn: Webauthn,
    registering: Once<(SecretHash, PasskeyRegistration)>,
    proving: Once<(Option<SecretHash>, DiscoverableAuthentication)>,
}

/// A passkey, for its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its key, as text.
    pub id: String,
    /// Its name.
    pub shown: String,
    /// When it was added, in seconds since 1970.
    pub made_s: i64,
}

impl Passkeys {
    /// For pages at `home`, the address where browsers reach the gateway; `None` where it has no name, as passkeys are of names
    /// and of no numbers.
    pub fn new(home: &str, site: &str) -> Option<Self> {
        let home = Url::parse(home).ok()?;
        let builder = WebauthnBuilder::new(home.domain()?, &home).ok()?;
        Some(Self {
            webauthn: builder.rp_name(site).build().ok()?,
            registering: Once::default(),
            proving: Once::default(),
        })
    }

    /// Begins to add a passkey: what the browser is asked, and the secret of its cookie.
    ///
    /// # Errors
    /// There are too many, or the database.
    pub fn begin_adding(
        &self,
        database: &Database,
        session: &Session,
        now_s: i64,
    ) -> Result<(Value, Secret)> {
        let user = &session.user;
        let known = credentials(&database.lock(), user.id)?;
        if known.len() >= MOST {
            return Err(AccountError::Passkey(
                "there are too many passkeys: remove one first",
            ));
        }
        let ids = known.iter().map(|key| key.cred_id().clone()).collect();
        let handle = handle(database, user)?;
        let begun =
            self.webauthn
                .start_passkey_registration(handle, &user.name, &user.shown, Some(ids));
        let (options, waiting) = begun.map_err(|_| refused())?;
        let secret = self.registering.keep((session.hash, waiting), now_s)?;
        let mut options = serde_json::to_value(options).map_err(|_| refused())?;
        // One that the device lists by itself needs no user name.
        options["publicKey"]["authenticatorSelection"]["residentKey"] = json!("preferred");
        Ok((options, secret))
    }

    /// Adds a passkey.
    ///
    /// # Errors
    /// The answer does not belong to what was asked of this session, or is not sound.
    pub fn add(
        &self,
        database: &Database,
        session: &Session,
        secret: &Secret,
        answer: &RegisterPublicKeyCredential,
        shown: &str,
        now_s: i64,
    ) -> Result<()> {
        let waiting = self.registering.take(secret, now_s);
        let waiting = waiting.filter(|(hash, _)| hash.is(&session.hash));
        let (_, waiting) = waiting.ok_or_else(refused)?;
        let made = self.webauthn.finish_passkey_registration(answer, &waiting);
        let made = made.map_err(|_| refused())?;
        let shown: String = shown.trim().chars().take(LONGEST_NAME).collect();
        let shown = if shown.is_empty() { "Passkey" } else { &shown };
        let credential = serde_json::to_string(&made).map_err(|_| refused())?;
        let connection = database.lock();
        let added = connection.execute(
            "INSERT OR IGNORE INTO passkey (user, id, credential, shown, made) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![session.user.id, made.cred_id().as_slice(), credential, shown, now_s],
        )?;
        if added == 1 { Ok(()) } else { Err(refused()) }
    }

    /// Begins a login by a passkey; of the passkeys of a session's user, where there is one already.
    ///
    /// # Errors
    /// The database, or no random numbers.
    pub fn begin_proving(
        &self,
        database: &Database,
        session: Option<&Session>,
        now_s: i64,
    ) -> Result<(Value, Secret)> {
        let begun = self.webauthn.start_discoverable_authentication();
        let (options, waiting) = begun.map_err(|_| refused())?;
        let mut options = serde_json::to_value(options).map_err(|_| refused())?;
        if let Some(session) = session {
            let known = credentials(&database.lock(), session.user.id)?;
            let allowed = known.iter().map(|key| {
                let id = URL_SAFE_NO_PAD.encode(key.cred_id().as_slice());
                json!({"type": "public-key", "id": id})
            });
            options["publicKey"]["allowCredentials"] = allowed.collect();
        }
        let hash = session.map(|session| session.hash);
        Ok((options, self.proving.keep((hash, waiting), now_s)?))
    }

    /// Whose passkey has answered. With a session, it must be its user's.
    ///
    /// # Errors
    /// The answer does not belong to what was asked, is not sound, or its counter did not go on.
    pub fn prove(
        &self,
        database: &Database,
        session: Option<&Session>,
        secret: &Secret,
        answer: &PublicKeyCredential,
        now_s: i64,
    ) -> Result<User> {
        let wrong = || AccountError::from(Refused::Wrong);
        let (hash, waiting) = self.proving.take(secret, now_s).ok_or_else(wrong)?;
        if hash != session.map(|session| session.hash) {
            return Err(wrong());
        }
        let mut connection = database.lock();
        let transaction = connection.transaction()?;
        let id = answer.get_credential_id();
        let found = transaction.query_row(
            "SELECT user.id, user.handle, credential FROM passkey JOIN user ON user.id = passkey.user WHERE passkey.id = ?1",
            [id],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        );
        let found: Option<(i64, Option<Vec<u8>>, String)> = found.optional()?;
        let (user, handle, credential) = found.ok_or_else(wrong)?;
        let is_theirs = match (session, answer.get_user_unique_id()) {
            (Some(session), None) => session.user.id == user,
            (Some(session), given) => session.user.id == user && given == handle.as_deref(),
            (None, given) => given.is_some() && given == handle.as_deref(),
        };
        if !is_theirs {
            return Err(wrong());
        }
        let mut key: Passkey = serde_json::from_str(&credential).map_err(|_| wrong())?;
        // The counter is compared with the one that is on record now, in the same transaction that writes the new one.
        let proved = self
            .webauthn
            .finish_discoverable_authentication_v2(answer, waiting, &key);
        let proved = proved.map_err(|_| wrong())?;
        if !proved.user_verified() {
            return Err(wrong());
        }
        if key.update_credential(&proved) == Some(true) {
            let credential = serde_json::to_string(&key).map_err(|_| wrong())?;
            transaction.execute(
                "UPDATE passkey SET credential = ?2 WHERE id = ?1",
                params![id, credential],
            )?;
        }
        let user =
            transaction.query_row(&accounts::select("id = ?1"), [user], accounts::user_of)?;
        transaction.commit()?;
        Ok(user)
    }
}

/// The passkeys of a user, oldest first.
///
/// # Errors
/// The database.
pub fn list(database: &Database, user: i64) -> Result<Vec<Entry>> {
    let connection = database.lock();
    let mut found = connection
        .prepare("SELECT id, shown, made FROM passkey WHERE user = ?1 ORDER BY made, id")?;
    let entries = found.query_map([user], |row| {
        Ok(Entry {
            id: URL_SAFE_NO_PAD.encode(row.get::<_, Vec<u8>>(0)?),
            shown: row.get(1)?,
            made_s: row.get(2)?,
        })
    })?;
    Ok(entries.collect::<rusqlite::Result<_>>()?)
}

/// Removes a passkey of a user.
///
/// # Errors
/// There is none, or it is the only second factor of someone who needs one.
pub fn remove(database: &Database, user: &User, id: &str, needs_one: bool) -> Result<()> {
    let id = URL_SAFE_NO_PAD.decode(id).map_err(|_| refused())?;
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    let sql = "DELETE FROM passkey WHERE user = ?1 AND id = ?2";
    if transaction.execute(sql, params![user.id, id])? != 1 {
        return Err(AccountError::Passkey("this passkey is not there"));
    }
    let sql = "SELECT totp IS NOT NULL OR EXISTS (SELECT 1 FROM passkey WHERE user = ?1) FROM user WHERE id = ?1";
    let has_another: bool = transaction.query_row(sql, [user.id], |row| row.get(0))?;
    if needs_one && !has_another {
        return Err(AccountError::Passkey(
            "this is your only second step: add another passkey first",
        ));
    }
    transaction.commit()?;
    Ok(())
}

fn credentials(connection: &Connection, user: i64) -> Result<Vec<Passkey>> {
    let mut found = connection.prepare("SELECT credential FROM passkey WHERE user = ?1")?;
    let texts = found.query_map([user], |row| row.get::<_, String>(0))?;
    let texts = texts.collect::<rusqlite::Result<Vec<_>>>()?;
    let key = |text: &String| serde_json::from_str(text).map_err(|_| refused());
    texts.iter().map(key).collect()
}

/// What passkeys know a user by: random, so that it tells nothing.
fn handle(database: &Database, user: &User) -> Result<Uuid> {
    let fresh = random::<16>()?;
    let connection = database.lock();
    let handle: Vec<u8> = connection.query_row(
        "UPDATE user SET handle = coalesce(handle, ?2) WHERE id = ?1 RETURNING handle",
        params![user.id, fresh],
        |row| row.get(0),
    )?;
    Uuid::from_slice(&handle).map_err(|_| refused())
}

fn refused() -> AccountError {
    AccountError::Passkey("the answer of the device does not fit")
}
