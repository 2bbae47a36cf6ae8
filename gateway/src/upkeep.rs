//! Commands about what is in the store: deletions, which can be undone, and the look at index and disk.

use std::fmt::Write as _;
use std::fs;

use crate::audit::event::{Event, Kind, Outcome};
use crate::auth::accounts::AccountError;
use crate::auth::database::Database;
use crate::command::{Look, ServeOptions, StoreCommand};
use crate::config::Config;
use crate::manage::{ManageError, chain_key, record};
use crate::places::Places;
use crate::source::folder::doctor::{self, DoctorError};
use crate::source::folder::index::Index;
use crate::source::folder::rejection::{self, Title};
use crate::source::folder::scan::ScanLimits;
use crate::source::folder::store::check::is_uid;
use crate::source::folder::store::trash::{self, TrashError};
use crate::state::LOCAL;

/// Does something about what is in the store; gives what is printed. A deletion is put on record before it happens, where there is
/// a record. A gateway that runs sees it within seconds.
pub fn store(options: &ServeOptions, command: StoreCommand) -> Result<String, ManageError> {
    let (config, places) = read(options)?;
    if command == StoreCommand::Rejected {
        return rejected(&places);
    }
    let root = places.store.as_ref().ok_or(ManageError::NoStore)?;
    let root = fs::canonicalize(root).map_err(TrashError::from)?;
    match command {
        StoreCommand::Delete { study, series } => {
            if !is_uid(&study) || !series.as_deref().is_none_or(is_uid) {
                return Err(TrashError::Nothing.into());
            }
            let known = trash::known(&places.index, &study, series.as_deref());
            let (indexed, patient) = known.map_err(DoctorError::from)?;
            let files = trash::files_of(&root, &study, series.as_deref(), indexed);
            if files.is_empty() {
                return Err(TrashError::Nothing.into());
            }
            let name = jiff::Timestamp::now()
                .strftime("%Y%m%dT%H%M%S.%6fZ")
                .to_string();
            let mut event = event(Kind::Deleted, Outcome::Success, &study, files.len());
            event.object.patient = patient;
            event.reason = match &series {
                Some(series) => format!("series {series}, to the trash as {name}"),
                None => format!("to the trash as {name}"),
            };
            let count = on_record(&config, event, || trash::delete(&root, &files, &name))?;
            Ok(format!(
                "{count} files are in the trash; sagitta store undo {name} brings them back\n"
            ))
        }
        StoreCommand::Undo { name } => {
            let all = trash::deletions(&root)?;
            let name = name.or_else(|| all.last().cloned());
            let name = name.ok_or(TrashError::NoDeletion)?;
            let mut event = event(Kind::Stored, Outcome::Success, "", 0);
            event.reason = format!("{name} comes back from the trash");
            let (_, files) = on_record(&config, event, || trash::undo(&root, Some(&name)))?;
            Ok(format!("{} files are back\n", files.len()))
        }
        StoreCommand::List => {
            let mut text = String::new();
            for name in trash::deletions(&root)? {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{name}");
            }
            Ok(text)
        }
        StoreCommand::Rejected => rejected(&places),
    }
}

/// One line a note: study, series of the note, code and meaning of its title, instances that it rejects.
fn rejected(places: &Places) -> Result<String, ManageError> {
    let mut text = String::new();
    if !places.index.exists() {
        return Ok(text);
    }
    let notes = Index::open(&places.index).and_then(|(index, _)| rejection::notes(&index));
    for note in notes.map_err(DoctorError::from)? {
        let meaning = Title::of(&note.title).map(Title::meaning);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}\t{}\t{} {}\t{} instances",
            note.study,
            note.series,
            note.title,
            meaning.unwrap_or_default(),
            note.instances,
        );
    }
    Ok(text)
}

/// Compares index and disk; gives what is printed where they agree, or have been brought to that.
pub fn doctor(options: &ServeOptions, look: Look) -> Result<String, ManageError> {
    let (config, places) = read(options)?;
    let mut limits = ScanLimits::default();
    limits.inflated_bytes = config.decoded_max_bytes()?;
    limits.depth = config.limits.sequence_depth.unwrap_or(limits.depth).min(64);
    let found = doctor::examine(&places, &limits, look.is_deep, look.repairs)?;
    let mut text = String::new();
    for (what, paths) in [
        ("missing", &found.missing),
        ("not indexed", &found.extra),
        ("altered", &found.altered),
        ("half", &found.half),
    ] {
        for path in paths {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{what}\t{}", path.display());
        }
    }
    for (path, reason) in &found.refused {
        let _ = writeln!(text, "refused\t{}\t{reason}", path.display());
    }
    if found.miscounted > 0 {
        let _ = writeln!(text, "{} series are counted wrongly", found.miscounted);
    }
    if found.is_in_use {
        let _ = writeln!(
            text,
            "a gateway is running: what is on its way was not looked at"
        );
    }
    let summary = match (found.is_sound(), look.repairs) {
        (true, _) => "index and files agree",
        (false, true) => "index and files agree again",
        (false, false) => {
            "index and files disagree; --repair brings the index to what the files are"
        }
    };
    let _ = writeln!(text, "{} files: {summary}", found.files);
    if found.is_sound() || look.repairs {
        Ok(text)
    } else {
        Err(ManageError::Unsound(text.trim_end().to_owned()))
    }
}

fn read(options: &ServeOptions) -> Result<(Config, Places), ManageError> {
    let config = options.config.as_deref().map(Config::read).transpose()?;
    let config = config.unwrap_or_default();
    let places = Places::of(options, &config)?;
    Ok((config, places))
}

fn event(kind: Kind, outcome: Outcome, study: &str, count: usize) -> Event {
    let mut event = Event::new(kind, outcome);
    event.actor.user = "(command line)".to_owned();
    LOCAL.clone_into(&mut event.object.source);
    study.clone_into(&mut event.object.study);
    if count > 0 {
        event.object.other = format!("{count} files");
    }
    event
}

/// Does something with its record; what did not come about is on record as that.
fn on_record<T>(
    config: &Config,
    mut event: Event,
    work: impl FnOnce() -> Result<T, TrashError>,
) -> Result<T, ManageError> {
    let Some(local) = config.login() else {
        return Ok(work()?);
    };
    let key = chain_key(config)?;
    let database = Database::open(&config.beside(&local.users)).map_err(AccountError::from)?;
    let tell = |event: Event| record(config, &key, &database.lock(), event);
    tell(event.clone())?;
    let done = work();
    if let Err(error) = &done {
        event.outcome = Outcome::Failed;
        event.reason = format!("{}: {error}", event.reason);
        tell(event)?;
    }
    Ok(done?)
}
