//! Commands beside `serve`: users, and the check of the audit record.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use rusqlite::Connection;

use crate::audit::Audit;
use crate::audit::event::{Event, Kind, Outcome};
use crate::audit::file::AuditError;
use crate::audit::verify::{Broken, verify};
use crate::auth::accounts::{self, AccountError, Rights};
use crate::auth::admin::{self, Change, Told};
use crate::auth::asker::now_s;
use crate::auth::database::Database;
use crate::auth::policy::Role;
use crate::auth::waiting;
use crate::command::{NamedRights, UserCommand};
use crate::config::{Config, ConfigError, read_secret};
use crate::serve::ServeError;
use crate::source::folder::doctor::DoctorError;
use crate::source::folder::store::trash::TrashError;
use crate::state::LOCAL;

/// Why a command ends badly, each in one sentence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManageError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There are no users.
    #[error("login is not configured: there are no users")]
    NoLogin,
    /// Users.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The audit record.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// What is in the store.
    #[error(transparent)]
    Trash(#[from] TrashError),
    /// Where things are.
    #[error(transparent)]
    Places(#[from] ServeError),
    /// The look at the index.
    #[error(transparent)]
    Doctor(#[from] DoctorError),
    /// There is no store.
    #[error("no store folder is configured: name one with --store DIR or [store] path")]
    NoStore,
    /// Index and disk disagree.
    #[error("{0}")]
    Unsound(String),
    /// The audit record has been altered.
    #[error("{what} does not fit: {reason}; {sound} lines before it are sound")]
    Altered {
        /// A file, or a line of it.
        what: String,
        /// Why.
        reason: String,
        /// Lines that fit.
        sound: u64,
    },
}

/// Does something about users; gives what is printed. A change is put on record before it counts: without a record there is
/// none. While the gateway runs, which alone writes the audit file then, the event waits for it in the database.
pub fn users(config: &Path, command: UserCommand) -> Result<String, ManageError> {
    let config = Config::read(config)?;
    let local = config.login().ok_or(ManageError::NoLogin)?;
    let path = config.beside(&local.users);
    let database = Database::open(&path).map_err(AccountError::from)?;
    let code = |name: &str, code: &str| {
        format!("The code of {name} for a first password, good for a day and once: {code}\n")
    };
    match command {
        UserCommand::List => {
            let mut text = String::new();
            for user in accounts::list(&database)? {
                let roles: Vec<&str> = user.roles.iter().map(|role| role.name()).collect();
                let has_second = user.has_totp || user.has_passkey;
                let state = match (user.has_password, has_second) {
                    _ if user.is_external => "logs in at the provider",
                    (false, _) => "no password yet",
                    (true, false) => "no second factor",
                    (true, true) => "second factor",
                };
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{}\t{}\t{state}", user.name, roles.join(" "));
            }
            Ok(text)
        }
        UserCommand::Add {
            name,
            shown,
            rights,
        } => {
            let local = || BTreeSet::from([LOCAL.to_owned()]);
            let wanted = change_of(&config, rights)?;
            let rights = Rights {
                roles: wanted.roles.unwrap_or_default(),
                sites: wanted.sites.unwrap_or_else(local),
                referrers: wanted.referrers.unwrap_or_default(),
                labels: wanted.labels.unwrap_or_default(),
            };
            let shown = admin::shown(&shown.unwrap_or_else(|| name.clone()))?;
            let what = format!("added; {}", admin::words(&rights));
            let made = on_record(&config, &database, &name, "added", |told| {
                let object = format!("user {name}");
                let record = |connection: &Connection| told(connection, &object, &what);
                accounts::add_on_record(&database, &name, &shown, &rights, now_s(), &record)
            });
            Ok(code(&name, &made?))
        }
        UserCommand::Change { name, rights } => {
            let wanted = change_of(&config, rights)?;
            on_record(&config, &database, &name, "changed", |told| {
                admin::change(&database, &name, &wanted, told)
            })?;
            Ok(format!(
                "{name} has these rights now; where they are other ones, all sessions have ended\n"
            ))
        }
        UserCommand::Reset { name } => {
            let made = on_record(&config, &database, &name, "reset", |told| {
                let object = format!("user {name}");
                let record = |connection: &Connection| told(connection, &object, "reset");
                accounts::reset_on_record(&database, &name, now_s(), &record)
            });
            Ok(code(&name, &made?))
        }
    }
}

/// What was named on the command line: what was not stays as it is.
fn change_of(config: &Config, named: NamedRights) -> Result<Change, AccountError> {
    let some = |names: Vec<String>| Some(names).filter(|names| !names.is_empty());
    let role = |name: String| Role::of(&name).ok_or(AccountError::Role(name));
    let roles = named.roles.into_iter().map(role);
    let roles: BTreeSet<Role> = roles.collect::<Result<_, _>>()?;
    let known = |id: &str| id == LOCAL || config.source.iter().any(|source| source.id == id);
    let sites = some(named.sites).map(|names| admin::sites(&names, &known));
    let referrers = some(named.referrers).map(|names| admin::referrers(&names));
    let labels = some(named.labels).map(|names| admin::labels(&names));
    Ok(Change {
        shown: None,
        roles: Some(roles).filter(|roles| !roles.is_empty()),
        sites: sites.transpose()?,
        referrers: referrers.transpose()?,
        labels: labels.transpose()?,
    })
}

/// Makes a change with its record; what did not come about is on record as that.
fn on_record<T>(
    config: &Config,
    database: &Database,
    user: &str,
    what: &str,
    change: impl FnOnce(Told<'_>) -> Result<T, AccountError>,
) -> Result<T, ManageError> {
    let key = chain_key(config)?;
    let mut event = Event::new(Kind::RightsChanged, Outcome::Success);
    event.actor.user = "(command line)".to_owned();
    event.object.other = format!("user {user}");
    event.reason = what.to_owned();
    let done = change(&|connection, object, what| {
        let mut event = event.clone();
        object.clone_into(&mut event.object.other);
        what.clone_into(&mut event.reason);
        record(config, &key, connection, event)
    });
    match &done {
        Ok(_) | Err(AccountError::Unrecorded(_)) => {}
        Err(error) => {
            event.outcome = Outcome::Failed;
            event.reason = format!("{what}: {error}");
            record(config, &key, &database.lock(), event)?;
        }
    }
    Ok(done?)
}

pub(crate) fn chain_key(config: &Config) -> Result<Vec<u8>, ConfigError> {
    let key = config.audit.chain_key_file.as_ref();
    read_secret(&config.beside(key.ok_or(ConfigError::NoChainKey)?))
}

pub(crate) fn record(
    config: &Config,
    key: &[u8],
    connection: &Connection,
    mut event: Event,
) -> Result<(), AccountError> {
    match Audit::open(&config.beside(&config.audit.file), key) {
        Ok(audit) => Ok(audit.add_now(event)?),
        Err(AuditError::Busy(_)) => {
            event.happened = Some(jiff::Timestamp::now());
            Ok(waiting::leave(connection, &event)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// Checks the audit record, all files of it; gives what is printed.
pub fn verify_audit(config: &Path) -> Result<String, ManageError> {
    let config = Config::read(config)?;
    let key = chain_key(&config)?;
    let found = verify(&config.beside(&config.audit.file), &key)?;
    let sound = found.lines;
    if let Some(Broken { file, line, reason }) = found.broken {
        let file = file.display();
        let what = match line {
            0 => format!("the audit file {file}"),
            line => format!("line {line} of the audit file {file}"),
        };
        return Err(ManageError::Altered {
            what,
            reason,
            sound,
        });
    }
    let files = match found.files {
        1 => String::new(),
        files => format!(" in {files} files"),
    };
    let from = match found.from {
        1 => String::new(),
        from => format!("; those before number {from} were deleted after their time, as it says"),
    };
    Ok(format!("{sound} lines{files}, all sound{from}\n"))
}
