//! Commands beside `serve`: users, and the check of the audit record.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use rusqlite::Connection;

use crate::audit::Audit;
use crate::audit::event::{Event, Kind, Outcome};
use crate::audit::file::AuditError;
use crate::audit::verify::{Broken, verify};
use crate::auth::accounts::{self, AccountError, Record};
use crate::auth::asker::now_s;
use crate::auth::database::Database;
use crate::auth::policy::Role;
use crate::auth::waiting;
use crate::command::UserCommand;
use crate::config::{Config, ConfigError, read_secret};

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
    let of = |names: &[String]| -> Result<BTreeSet<Role>, ManageError> {
        let role =
            |name: &String| Role::of(name).ok_or_else(|| AccountError::Role(name.clone()).into());
        names.iter().map(role).collect()
    };
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
        UserCommand::Add { name, shown, roles } => {
            let roles = of(&roles)?;
            let shown = shown.unwrap_or_else(|| name.clone());
            let made = on_record(&config, &database, &name, "added", |record| {
                accounts::add_on_record(&database, &name, &shown, &roles, now_s(), record)
            });
            Ok(code(&name, &made?))
        }
        UserCommand::Role { name, roles } => {
            let roles = of(&roles)?;
            on_record(&config, &database, &name, "other roles", |record| {
                accounts::set_roles_on_record(&database, &name, &roles, record)
            })?;
            Ok(format!(
                "{name} has other roles now; all sessions have ended\n"
            ))
        }
        UserCommand::Reset { name } => {
            let made = on_record(&config, &database, &name, "reset", |record| {
                accounts::reset_on_record(&database, &name, now_s(), record)
            });
            Ok(code(&name, &made?))
        }
    }
}

/// Makes a change with its record; what did not come about is on record as that.
fn on_record<T>(
    config: &Config,
    database: &Database,
    user: &str,
    what: &str,
    change: impl FnOnce(Record<'_>) -> Result<T, AccountError>,
) -> Result<T, ManageError> {
    let key = chain_key(config)?;
    let mut event = Event::new(Kind::RightsChanged, Outcome::Success);
    event.actor.user = "(command line)".to_owned();
    event.object.other = format!("user {user}");
    event.reason = what.to_owned();
    let done = change(&|connection| record(config, &key, connection, event.clone()));
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

fn chain_key(config: &Config) -> Result<Vec<u8>, ConfigError> {
    let key = config.audit.chain_key_file.as_ref();
    read_secret(&config.beside(key.ok_or(ConfigError::NoChainKey)?))
}

fn record(
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
