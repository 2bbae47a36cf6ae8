//! Users of a provider: known here by its name and their key there, without a password. What they may do comes with each login.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::accounts::{self, AccountError, User};
use super::database::Database;
use super::oidc::back_channel::Ending;
use super::oidc::claims::Person;
use super::secret::{Secret, SecretHash};
use super::sessions::{self, Lifetimes, Session, Stage, Start};

type Result<T> = std::result::Result<T, AccountError>;

/// What a login changes, before it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// User name here.
    pub name: String,
    /// The person was not known here.
    pub is_new: bool,
    /// The person was known and had other rights.
    pub has_other_rights: bool,
    /// An administrator has locked the account: nothing is changed, and nobody comes in.
    pub is_locked: bool,
}

/// What a login of someone will change.
///
/// # Errors
/// The database.
pub fn change(database: &Database, person: &Person) -> Result<Change> {
    let connection = database.lock();
    let known = find(&connection, &person.issuer, &person.subject)?;
    Ok(match known {
        Some(user) => Change {
            has_other_rights: !has_rights_of(&user, person),
            is_locked: user.is_locked,
            name: user.name,
            is_new: false,
        },
        None => Change {
            name: free_name(&connection, person)?,
            is_new: true,
            has_other_rights: false,
            is_locked: false,
        },
    })
}

/// Starts a session of someone who logged in at the provider. Other rights end the person's older sessions, so that they count
/// at once; the session that the browser had ends in any case.
///
/// # Errors
/// The database, or no random numbers.
pub fn enter(
    database: &Database,
    person: &Person,
    before: Option<&Session>,
    lifetimes: Lifetimes,
    now_s: i64,
) -> Result<Secret> {
    let secret = Secret::new()?;
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    let id = match find(&transaction, &person.issuer, &person.subject)? {
        Some(user) => {
            if !has_rights_of(&user, person) {
                transaction.execute("DELETE FROM session WHERE user = ?1", [user.id])?;
            }
            user.id
        }
        None => {
            let name = free_name(&transaction, person)?;
            transaction.execute(
                "INSERT INTO user (name, shown, roles, sites, referrers, labels, made, issuer, subject)
                 VALUES (?1, '', '[]', '[]', '[]', '[]', ?2, ?3, ?4)",
                params![name, now_s, person.issuer, person.subject],
            )?;
            transaction.last_insert_rowid()
        }
    };
    transaction.execute(
        "UPDATE user SET shown = ?2, roles = ?3, sites = ?4, referrers = ?5, labels = ?6 WHERE id = ?1",
        params![
            id,
            person.shown,
            accounts::role_names(&person.roles),
            accounts::list_text(&person.sites),
            accounts::list_text(&person.referrers),
            accounts::list_text(&person.labels)
        ],
    )?;
    let start = Start {
        user: id,
        stage: Stage::Whole,
        proved_s: person.proved_s.unwrap_or(0),
        provider_sid: person.sid.as_deref(),
    };
    sessions::insert(&transaction, &secret, start, lifetimes, now_s)?;
    if let Some(before) = before {
        // Nothing is left of it where the person's rights are other ones now.
        sessions::carry_over(&transaction, &before.hash, &secret)?;
        let hash = before.hash.bytes();
        transaction.execute("DELETE FROM session WHERE hash = ?1", [hash])?;
    }
    transaction.commit()?;
    Ok(secret)
}

/// Ends the sessions that the provider names; gives the names of their users, or `None` where its token was used before.
///
/// # Errors
/// The database.
pub fn end(database: &Database, ending: &Ending, now_s: i64) -> Result<Option<BTreeSet<String>>> {
    let mut connection = database.lock();
    let transaction = connection.transaction()?;
    transaction.execute("DELETE FROM logout_token WHERE ends <= ?1", [now_s])?;
    let jti = SecretHash::of(format!("{}\n{}", ending.issuer, ending.jti).as_bytes());
    let is_first = transaction.execute(
        "INSERT OR IGNORE INTO logout_token (hash, ends) VALUES (?1, ?2)",
        params![jti.bytes(), ending.ends_s],
    )?;
    if is_first == 0 {
        return Ok(None);
    }
    const THESE: &str = "SELECT session.hash, user.name FROM session JOIN user ON user.id = session.user
        WHERE user.issuer = ?1 AND (?2 IS NULL OR user.subject = ?2) AND (?3 IS NULL OR session.provider_sid = ?3)";
    let mut names = BTreeSet::new();
    {
        let mut found = transaction.prepare(THESE)?;
        let rows = found.query_map(params![ending.issuer, ending.subject, ending.sid], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?))
        })?;
        for row in rows {
            let (hash, name) = row?;
            transaction.execute("DELETE FROM session WHERE hash = ?1", [hash])?;
            names.insert(name);
        }
    }
    transaction.commit()?;
    Ok(Some(names))
}

fn find(connection: &Connection, issuer: &str, subject: &str) -> Result<Option<User>> {
    let sql = accounts::select("issuer = ?1 AND subject = ?2");
    let found = connection.query_row(&sql, [issuer, subject], accounts::user_of);
    Ok(found.optional()?)
}

/// A name that no user of our own can have: theirs have no colon. Two keys may differ by case alone, or be of two providers.
fn free_name(connection: &Connection, person: &Person) -> Result<String> {
    let name = format!("oidc:{}", person.subject);
    let sql = "SELECT EXISTS (SELECT 1 FROM user WHERE name = ?1)";
    let is_taken: bool = connection.query_row(sql, [&name], |row| row.get(0))?;
    if !is_taken {
        return Ok(name);
    }
    let key = format!("{}\n{}", person.issuer, person.subject);
    Ok(format!("{name}:{}", SecretHash::of(key.as_bytes()).short()))
}

fn has_rights_of(user: &User, person: &Person) -> bool {
    (&user.roles, &user.sites, &user.referrers, &user.labels)
        == (
            &person.roles,
            &person.sites,
            &person.referrers,
            &person.labels,
        )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::super::policy::Role;
    use super::*;

    const LIFE: Lifetimes = Lifetimes {
        idle_s: 900,
        absolute_s: 43_200,
    };

    fn person(subject: &str, role: Role) -> Person {
        Person {
            issuer: "https://i".into(),
            subject: subject.into(),
            shown: "Ada".into(),
            roles: BTreeSet::from([role]),
            sites: BTreeSet::new(),
            referrers: BTreeSet::new(),
            labels: BTreeSet::new(),
            sid: Some(format!("s-{subject}")),
            proved_s: None,
        }
    }

    fn session(database: &Database, secret: &Secret) -> Option<Session> {
        sessions::find(database, &secret.hash(), LIFE, 1001).unwrap()
    }

    fn login(database: &Database, person: &Person) -> Secret {
        enter(database, person, None, LIFE, 1000).unwrap()
    }

    #[test]
    fn someone_is_known_by_the_key_alone_and_other_rights_end_older_sessions() {
        let database = Database::in_memory().unwrap();
        let first = login(&database, &person("7", Role::Radiologist));
        let found = session(&database, &first).unwrap();
        assert_eq!(found.user.name, "oidc:7");
        assert!(found.user.is_external && !found.user.has_password);
        // When it was proved is unknown: it is not fresh.
        assert!(!found.is_fresh);
        let second = login(&database, &person("7", Role::Radiologist));
        assert!(session(&database, &first).is_some());
        let third = login(&database, &person("7", Role::Auditor));
        assert!(session(&database, &first).is_none() && session(&database, &second).is_none());
        let roles = session(&database, &third).unwrap().user.roles;
        assert_eq!(roles, BTreeSet::from([Role::Auditor]));
        assert_eq!(accounts::list(&database).unwrap().len(), 1);
    }

    #[test]
    fn keys_that_differ_by_case_or_provider_are_other_people() {
        let database = Database::in_memory().unwrap();
        login(&database, &person("a", Role::Radiologist));
        login(&database, &person("A", Role::Auditor));
        let mut elsewhere = person("a", Role::Admin);
        elsewhere.issuer = "https://j".into();
        login(&database, &elsewhere);
        let users = accounts::list(&database).unwrap();
        let names: BTreeSet<&str> = users.iter().map(|user| user.name.as_str()).collect();
        assert_eq!(names.len(), 3);
    }

    #[test]
    fn a_user_of_a_provider_gets_no_password_here() {
        let database = Database::in_memory().unwrap();
        login(&database, &person("7", Role::Radiologist));
        let error = accounts::reset(&database, "oidc:7", 1000).unwrap_err();
        assert!(matches!(error, AccountError::External), "{error}");
        let error = accounts::check_password(&database, "oidc:7", "", 1000).unwrap_err();
        assert!(matches!(error, AccountError::Refused(_)), "{error}");
    }

    #[test]
    fn the_provider_ends_one_session_or_all_of_someone_and_says_so_once() {
        let database = Database::in_memory().unwrap();
        let ending = |subject: Option<&str>, sid: Option<&str>, jti: &str| Ending {
            issuer: "https://i".into(),
            subject: subject.map(str::to_owned),
            sid: sid.map(str::to_owned),
            jti: jti.into(),
            ends_s: 1100,
        };
        let one = login(&database, &person("7", Role::Radiologist));
        let mut other_sid = person("7", Role::Radiologist);
        other_sid.sid = Some("other".into());
        let two = login(&database, &other_sid);
        let three = login(&database, &person("8", Role::Radiologist));
        let live = || [&one, &two, &three].map(|it| session(&database, it).is_some());
        let done = end(&database, &ending(Some("8"), Some("s-7"), "a"), 1000).unwrap();
        assert_eq!((done, live()), (Some(BTreeSet::new()), [true; 3]));
        let done = end(&database, &ending(None, Some("s-7"), "b"), 1000).unwrap();
        let names = BTreeSet::from(["oidc:7".to_owned()]);
        assert_eq!((done, live()), (Some(names), [false, true, true]));
        assert_eq!(
            end(&database, &ending(Some("7"), None, "b"), 1000).unwrap(),
            None
        );
        assert_eq!(live(), [false, true, true]);
        end(&database, &ending(Some("7"), None, "c"), 1000).unwrap();
        assert_eq!(live(), [false, false, true]);
    }
}
