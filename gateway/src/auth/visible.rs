//! Which studies someone may find: policies are asked about what studies have in common, not about each of them.

use std::collections::BTreeSet;

use super::database::DatabaseError;
use super::policy::StudyFacts;
use crate::source::SourceError;
use crate::state::{LOCAL, State};

/// Studies that may be in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Studies {
    /// All.
    All,
    /// None.
    Nothing,
    /// Those with these referring physicians, as the index has them, and these, but never those.
    Some {
        /// Referring physicians.
        referring: Vec<String>,
        /// Studies besides.
        also: Vec<String>,
        /// Studies that are left out whoever referred them.
        never: Vec<String>,
    },
}

/// What policies know of a study, and its Patient ID for the audit record; `None` where it is not here.
pub fn facts(state: &State, uid: &str) -> Result<Option<(StudyFacts, String)>, SourceError> {
    let Some((referring, patient)) = state.store.referring_and_patient(uid)? else {
        return Ok(None);
    };
    let labels = labels_of(state, uid)?;
    Ok(Some((facts_of(uid, &referring, labels), patient)))
}

/// One study, or nothing.
pub fn one(
    state: &State,
    uid: &str,
    may: impl Fn(StudyFacts) -> bool,
) -> Result<Studies, SourceError> {
    Ok(match facts(state, uid)? {
        Some((facts, _)) if may(facts.clone()) => Studies::All,
        _ => Studies::Nothing,
    })
}

/// Of some studies those that someone may see.
pub fn among(
    state: &State,
    uids: &[&str],
    may: impl Fn(StudyFacts) -> bool,
) -> Result<Studies, SourceError> {
    let mut also = Vec::new();
    for uid in uids {
        if facts(state, uid)?.is_some_and(|(facts, _)| may(facts)) {
            also.push((*uid).to_owned());
        }
    }
    Ok(if also.is_empty() {
        Studies::Nothing
    } else {
        Studies::Some {
            referring: Vec::new(),
            also,
            never: Vec::new(),
        }
    })
}

/// All studies that someone may find.
pub fn studies(state: &State, may: impl Fn(StudyFacts) -> bool) -> Result<Studies, SourceError> {
    let all = state.store.referring()?;
    let (referring, others): (Vec<String>, Vec<String>) = all
        .into_iter()
        .partition(|name| may(facts_of("", name, BTreeSet::new())));
    let (mut also, mut never) = (Vec::new(), Vec::new());
    for (uid, labels) in all_labels(state)? {
        let Some((name, _)) = state.store.referring_and_patient(&uid)? else {
            continue;
        };
        if may(facts_of(&uid, &name, labels)) {
            also.push(uid);
        } else {
            never.push(uid);
        }
    }
    Ok(if others.is_empty() && never.is_empty() {
        Studies::All
    } else if referring.is_empty() && also.is_empty() {
        Studies::Nothing
    } else {
        Studies::Some {
            referring,
            also,
            never,
        }
    })
}

/// `referring` is a name as the index has it: its groups are names, too.
fn facts_of(uid: &str, referring: &str, labels: BTreeSet<String>) -> StudyFacts {
    let groups = std::iter::once(referring).chain(referring.split('='));
    let names = groups.map(str::trim).filter(|name| !name.is_empty());
    StudyFacts {
        source: LOCAL.to_owned(),
        uid: uid.to_owned(),
        referrers: names.map(str::to_owned).collect(),
        labels,
    }
}

fn labels_of(state: &State, uid: &str) -> Result<BTreeSet<String>, SourceError> {
    let Some(login) = &state.login else {
        return Ok(BTreeSet::new());
    };
    super::labels::of(&login.database, LOCAL, uid).map_err(unusable)
}

fn all_labels(state: &State) -> Result<Vec<(String, BTreeSet<String>)>, SourceError> {
    let Some(login) = &state.login else {
        return Ok(Vec::new());
    };
    super::labels::all(&login.database, LOCAL).map_err(unusable)
}

fn unusable(error: DatabaseError) -> SourceError {
    SourceError::Labels(error.to_string())
}
