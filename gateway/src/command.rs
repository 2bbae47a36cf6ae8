//! The command line: `sagitta serve --data DIR... --listen ADDR [--config FILE] [--app DIR] [--index FILE]`.

use std::ffi::OsString;
use std::path::PathBuf;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Serve.
    Serve(ServeOptions),
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
    /// Address and port.
    pub listen: Option<String>,
    /// Configuration file.
    pub config: Option<PathBuf>,
    /// Folder of the built app.
    pub app: Option<PathBuf>,
    /// Index file.
    pub index: Option<PathBuf>,
}

/// Why the command line is not understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// No or another command.
    #[error("say sagitta serve, or sagitta --help")]
    NoCommand,
    /// A command that is none.
    #[error("there is no command {0}, only serve")]
    Unknown(String),
    /// An option without its value.
    #[error("{0}")]
    Option(#[from] pico_args::Error),
    /// Left over.
    #[error("{0} is not an option of serve")]
    LeftOver(String),
}

/// How it is used.
pub const HELP: &str = "\
Sagitta, a DICOM viewer in the browser. Not a certified medical device.

sagitta serve --data DIR [--data DIR]... [options]

  --data DIR      folder with DICOM files, at any depth; it is never written to
  --listen ADDR   address and port, 127.0.0.1:8080 unless it is said; port 0 takes a free one
  --config FILE   configuration in TOML
  --app DIR       the built app, dist unless it is said
  --index FILE    where the index is kept, in the user's cache folder unless it is said
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
        Some("help") => return Ok(Command::Help),
        Some(other) => return Err(CommandError::Unknown(other.to_owned())),
        None => return Err(CommandError::NoCommand),
    }
    let path = |text: &std::ffi::OsStr| Ok::<_, std::convert::Infallible>(PathBuf::from(text));
    let options = ServeOptions {
        data: arguments.values_from_os_str("--data", path)?,
        listen: arguments.opt_value_from_str("--listen")?,
        config: arguments.opt_value_from_os_str("--config", path)?,
        app: arguments.opt_value_from_os_str("--app", path)?,
        index: arguments.opt_value_from_os_str("--index", path)?,
    };
    match arguments.finish().first() {
        None => Ok(Command::Serve(options)),
        Some(left) => Err(CommandError::LeftOver(left.to_string_lossy().into_owned())),
    }
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
    fn what_is_not_understood_is_said_in_a_sentence() {
        for (line, expected) in [
            (vec![], "say sagitta serve, or sagitta --help"),
            (vec!["server"], "there is no command server, only serve"),
            (
                vec!["serve", "--dada", "x"],
                "--dada is not an option of serve",
            ),
        ] {
            assert_eq!(read(&line).unwrap_err().to_string(), expected);
        }
    }
}
