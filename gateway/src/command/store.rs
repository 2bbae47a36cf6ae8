//! `sagitta store` and `sagitta doctor`.

use super::{Command, CommandError, finish, serve_options};

/// What is to be done about what is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreCommand {
    /// Move a study or a series to the trash.
    Delete {
        /// Study Instance UID.
        study: String,
        /// Series Instance UID, where only one goes.
        series: Option<String>,
    },
    /// Bring a deletion back.
    Undo {
        /// Its name; the last one unless it is said.
        name: Option<String>,
    },
    /// List what can be brought back.
    List,
    /// List rejection notes.
    Rejected,
}

/// How index and disk are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// The head of every file is read again.
    pub is_deep: bool,
    /// The index is brought to what the disk has.
    pub repairs: bool,
}

pub(super) fn store(mut arguments: pico_args::Arguments) -> Result<Command, CommandError> {
    let what = arguments
        .subcommand()?
        .ok_or(CommandError::NoStoreCommand)?;
    let options = serve_options(&mut arguments)?;
    let command = match what.as_str() {
        "delete" => StoreCommand::Delete {
            study: arguments
                .opt_free_from_str()?
                .ok_or(CommandError::NoStoreCommand)?,
            series: arguments.opt_free_from_str()?,
        },
        "undo" => StoreCommand::Undo {
            name: arguments.opt_free_from_str()?,
        },
        "list" => StoreCommand::List,
        "rejected" => StoreCommand::Rejected,
        _ => return Err(CommandError::NoStoreCommand),
    };
    finish(arguments, Command::Store(options, command))
}

pub(super) fn doctor(mut arguments: pico_args::Arguments) -> Result<Command, CommandError> {
    let look = Look {
        is_deep: arguments.contains("--deep"),
        repairs: arguments.contains("--repair"),
    };
    let options = serve_options(&mut arguments)?;
    finish(arguments, Command::Doctor(options, look))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::command::{ServeOptions, parse};

    fn read(line: &str) -> Result<Command, CommandError> {
        parse(line.split(' ').map(OsString::from).collect())
    }

    #[test]
    fn what_is_deleted_is_named_by_its_uids() {
        let options = ServeOptions {
            config: Some("g.toml".into()),
            ..ServeOptions::default()
        };
        let delete = |series: Option<&str>| StoreCommand::Delete {
            study: "1.2".into(),
            series: series.map(str::to_owned),
        };
        for (line, command) in [
            ("store delete 1.2 --config g.toml", delete(None)),
            ("store delete 1.2 3 --config g.toml", delete(Some("3"))),
            (
                "store undo --config g.toml",
                StoreCommand::Undo { name: None },
            ),
            ("store list --config g.toml", StoreCommand::List),
            ("store rejected --config g.toml", StoreCommand::Rejected),
        ] {
            assert_eq!(
                read(line).unwrap(),
                Command::Store(options.clone(), command)
            );
        }
        for wrong in ["store", "store delete", "store burn", "store delete 1 2 3"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let look = Look {
            is_deep: true,
            repairs: false,
        };
        let line = "doctor --deep --config g.toml";
        assert_eq!(read(line).unwrap(), Command::Doctor(options, look));
    }
}
