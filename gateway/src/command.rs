//! The command line: `sagitta serve --data DIR... --listen ADDR [--config FILE] [--app DIR] [--index FILE]`.

use std::ffi::OsString;
use std::path::PathBuf;

mod store;

pub use store::{Look, StoreCommand};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Serve.
    Serve(ServeOptions),
    /// Something about users.
    User(PathBuf, UserCommand),
    /// Check an audit file.
    VerifyAudit(PathBuf),
    /// Something about what is in the store.
    Store(ServeOptions, StoreCommand),
    /// Compare index and disk.
    Doctor(ServeOptions, Look),
    /// Print how it is used.
    Help,
    /// Print the version.
    Version,
}

/// Options of `serve`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServeOptions {
    /// Data folders.
    pub data: Vec<PathBuf>,
    /// The folder that takes what is stored.
    pub store: Option<PathBuf>,
    /// Address and port.
    pub listen: Option<String>,
    /// Configuration file.
    pub config: Option<PathBuf>,
    /// Folder of the built app.
    pub app: Option<PathBuf>,
    /// Index file.
    pub index: Option<PathBuf>,
}

/// What is to be done about users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserCommand {
    /// Make one.
    Add {
        /// User name.
        name: String,
        /// Name on screen.
        shown: Option<String>,
        /// Rights.
        rights: NamedRights,
    },
    /// Give one other rights.
    Change {
        /// User name.
        name: String,
        /// Rights; what is not named stays as it is.
        rights: NamedRights,
    },
    /// Take password and second factor away, and give a new code.
    Reset {
        /// User name.
        name: String,
    },
    /// List all.
    List,
}

/// Rights as they are named on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamedRights {
    /// Roles.
    pub roles: Vec<String>,
    /// Sources of the user's own site.
    pub sites: Vec<String>,
    /// Names under which the user refers patients.
    pub referrers: Vec<String>,
    /// Labels of studies that are given to the user.
    pub labels: Vec<String>,
}

/// Why the command line is not understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// No or another command.
    #[error("say sagitta serve, user, store, doctor or audit, or sagitta --help")]
    NoCommand,
    /// A command that is none.
    #[error("there is no command {0}, only serve, user, store, doctor and audit")]
    Unknown(String),
    /// An option without its value.
    #[error("{0}")]
    Option(#[from] pico_args::Error),
    /// Left over.
    #[error("{0} is not an option of this command")]
    LeftOver(String),
    /// Without a configuration there are no users and no record.
    #[error("name the configuration with --config FILE")]
    NoConfig,
    /// Whose?
    #[error("say sagitta user add NAME, role NAME, sites NAME, reset NAME, or list")]
    NoUserCommand,
    /// No source.
    #[error("name at least one source with --site: local, the id of a [[source]], or * for all")]
    NoSite,
    /// No role.
    #[error(
        "name at least one role with --role: admin, radiologist, referrer, technologist, ai, auditor"
    )]
    NoRole,
    /// What of the store?
    #[error("say sagitta store delete STUDY, delete STUDY SERIES, undo, list, or rejected")]
    NoStoreCommand,
    /// What of the record?
    #[error("say sagitta audit verify")]
    NoAuditCommand,
}

/// How it is used.
pub const HELP: &str = "\
Sagitta, a DICOM viewer in the browser. Not a certified medical device.

sagitta serve --data DIR [--data DIR]... [--store DIR] [options]

  --data DIR      folder with DICOM files, at any depth; it is never written to
  --store DIR     folder that takes what is stored; without one nothing is
  --listen ADDR   address and port, 127.0.0.1:8080 unless it is said; port 0 takes a free one
  --config FILE   configuration in TOML
  --app DIR       the built app, dist unless it is said
  --index FILE    where the index is kept, in the user's cache folder unless it is said

sagitta user add NAME --role ROLE [--role ROLE]... [--shown 'Name on screen'] [rights] --config FILE
sagitta user role NAME --role ROLE [--role ROLE]... [rights] --config FILE
sagitta user sites NAME --site SOURCE [--site SOURCE]... --config FILE
sagitta user reset NAME --config FILE
sagitta user list --config FILE
sagitta audit verify --config FILE
sagitta store delete STUDY [SERIES] --config FILE      to the trash; as UIDs
sagitta store undo [TIME] --config FILE                brings the last deletion back, or that one
sagitta store list --config FILE                       deletions that can be brought back
sagitta store rejected --config FILE                   rejection notes, and what each hides
sagitta doctor [--deep] [--repair] [options of serve]  compares the index with the files

rights, each as often as there are some; what is not named stays as it is:

  --site SOURCE     whose studies are of the user's own site: local, the id of a source, or * for all; local at first
  --referrer NAME   how the user stands in Referring Physician's Name, for example Doe^Jane
  --label LABEL     label of studies that are given to the user
";

/// Reads the arguments after the program's name.
pub fn parse(arguments: Vec<OsString>) -> Result<Command, CommandError> {
    let mut arguments = pico_args::Arguments::from_vec(arguments);
    if arguments.contains(["-h", "--help"]) {
        return Ok(Command::Help);
    }
    if arguments.contains(["-V", "--version"]) {
        return Ok(Command::Version);
    }
    match arguments.subcommand()?.as_deref() {
        Some("serve") => {}
        Some("user") => return user(arguments),
        Some("audit") => return audit(arguments),
        Some("store") => return store::store(arguments),
        Some("doctor") => return store::doctor(arguments),
        Some("help") => return Ok(Command::Help),
        Some(other) => return Err(CommandError::Unknown(other.to_owned())),
        None => return Err(CommandError::NoCommand),
    }
    let options = serve_options(&mut arguments)?;
    finish(arguments, Command::Serve(options))
}

fn serve_options(arguments: &mut pico_args::Arguments) -> Result<ServeOptions, CommandError> {
    let path = |text: &std::ffi::OsStr| Ok::<_, std::convert::Infallible>(PathBuf::from(text));
    Ok(ServeOptions {
        data: arguments.values_from_os_str("--data", path)?,
        store: arguments.opt_value_from_os_str("--store", path)?,
        listen: arguments.opt_value_from_str("--listen")?,
        config: arguments.opt_value_from_os_str("--config", path)?,
        app: arguments.opt_value_from_os_str("--app", path)?,
        index: arguments.opt_value_from_os_str("--index", path)?,
    })
}

fn config_of(arguments: &mut pico_args::Arguments) -> Result<PathBuf, CommandError> {
    let path = |text: &std::ffi::OsStr| Ok::<_, std::convert::Infallible>(PathBuf::from(text));
    let config = arguments.opt_value_from_os_str("--config", path)?;
    config.ok_or(CommandError::NoConfig)
}

fn finish(arguments: pico_args::Arguments, command: Command) -> Result<Command, CommandError> {
    match arguments.finish().first() {
        None => Ok(command),
        Some(left) => Err(CommandError::LeftOver(left.to_string_lossy().into_owned())),
    }
}

fn user(mut arguments: pico_args::Arguments) -> Result<Command, CommandError> {
    let what = arguments.subcommand()?.ok_or(CommandError::NoUserCommand)?;
    let config = config_of(&mut arguments)?;
    let mut rights = NamedRights::default();
    if matches!(what.as_str(), "add" | "role") {
        rights.roles = arguments.values_from_str("--role")?;
        rights.referrers = arguments.values_from_str("--referrer")?;
        rights.labels = arguments.values_from_str("--label")?;
        if rights.roles.is_empty() {
            return Err(CommandError::NoRole);
        }
    }
    if matches!(what.as_str(), "add" | "role" | "sites") {
        rights.sites = arguments.values_from_str("--site")?;
    }
    if what == "sites" && rights.sites.is_empty() {
        return Err(CommandError::NoSite);
    }
    let shown: Option<String> = match what.as_str() {
        "add" => arguments.opt_value_from_str("--shown")?,
        _ => None,
    };
    let mut name = || {
        let name: Option<String> = arguments.opt_free_from_str()?;
        name.ok_or(CommandError::NoUserCommand)
    };
    let command = match what.as_str() {
        "add" => UserCommand::Add {
            name: name()?,
            shown,
            rights,
        },
        "role" | "sites" => UserCommand::Change {
            name: name()?,
            rights,
        },
        "reset" => UserCommand::Reset { name: name()? },
        "list" => UserCommand::List,
        _ => return Err(CommandError::NoUserCommand),
    };
    finish(arguments, Command::User(config, command))
}

fn audit(mut arguments: pico_args::Arguments) -> Result<Command, CommandError> {
    if arguments.subcommand()?.as_deref() != Some("verify") {
        return Err(CommandError::NoAuditCommand);
    }
    let config = config_of(&mut arguments)?;
    finish(arguments, Command::VerifyAudit(config))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Command, CommandError> {
        parse(arguments.iter().map(OsString::from).collect())
    }

    #[test]
    fn several_data_folders_may_be_named() {
        let options = ServeOptions {
            data: vec!["a".into(), "b".into()],
            listen: Some("127.0.0.1:0".into()),
            ..ServeOptions::default()
        };
        let line = [
            "serve",
            "--data",
            "a",
            "--listen",
            "127.0.0.1:0",
            "--data",
            "b",
        ];
        assert_eq!(read(&line).unwrap(), Command::Serve(options));
    }

    #[test]
    fn users_are_named_after_what_is_done() {
        let line = [
            "user",
            "add",
            "ada",
            "--role",
            "radiologist",
            "--role",
            "auditor",
        ];
        let line: Vec<&str> = line.into_iter().chain(["--config", "g.toml"]).collect();
        let expected = UserCommand::Add {
            name: "ada".into(),
            shown: None,
            rights: NamedRights {
                roles: vec!["radiologist".into(), "auditor".into()],
                ..NamedRights::default()
            },
        };
        assert_eq!(
            read(&line).unwrap(),
            Command::User("g.toml".into(), expected)
        );
        assert_eq!(
            read(&["audit", "verify", "--config", "g.toml"]).unwrap(),
            Command::VerifyAudit("g.toml".into())
        );
    }

    #[test]
    fn what_is_not_understood_is_said_in_a_sentence() {
        for (line, expected) in [
            (
                vec![],
                "say sagitta serve, user, store, doctor or audit, or sagitta --help",
            ),
            (
                vec!["server"],
                "there is no command server, only serve, user, store, doctor and audit",
            ),
            (
                vec!["serve", "--dada", "x"],
                "--dada is not an option of this command",
            ),
            (
                vec!["user", "list"],
                "name the configuration with --config FILE",
            ),
            (
                vec!["user", "add", "ada", "--config", "c"],
                "name at least one role with --role: admin, radiologist, referrer, technologist, ai, auditor",
            ),
            (vec!["audit"], "say sagitta audit verify"),
        ] {
            assert_eq!(read(&line).unwrap_err().to_string(), expected);
        }
    }
}
