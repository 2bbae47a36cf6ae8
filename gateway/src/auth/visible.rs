//! Which studies someone may find: policies are asked about what studies have in common, not about each of them.
//!
//! Of another server's studies nothing is known here but their labels. Where these decide, the server is not asked; where the
//! referring physician decides, each result is judged before it is passed on.

use std::collections::{BTreeMap, BTreeSet};

use super::database::DatabaseError;
use super::policy::{Action, Circumstances, Principal, StudyFacts};
use crate::error::ApiError;
use crate::source::SourceError;
use crate::state::{LOCAL, Shared, State, blocking};

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
    /// Another server's, each as it is judged.
    Each(Judge),
}

/// Judges another server's studies, one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judge {
    source: String,
    principal: Principal,
    action: Action,
    labels: BTreeMap<String, BTreeSet<String>>,
}

impl Studies {
    /// Whether a study is one of them.
    pub(super) fn has(&self, state: &State, uid: &str, referring: &str) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Some {
                referring: names,
                also,
                never,
            } => {
                let has = |list: &[String], text: &str| list.iter().any(|it| it == text);
                has(also, uid) || (has(names, referring) && !has(never, uid))
            }
            Self::Each(judge) => {
                let labels = judge.labels.get(uid).cloned().unwrap_or_default();
                let facts = facts_of(&judge.source, uid, referring, labels);
                state.permits(&judge.principal, judge.action, facts)
            }
        }
    }
}

/// What policies know of a study, and its Patient ID for the audit record; `None` where it is not there. Another server is
/// asked only where who referred the study decides.
pub async fn facts(
    state: &Shared,
    source: &str,
    uid: &str,
    depends: impl Fn(&StudyFacts) -> bool,
) -> Result<Option<(StudyFacts, String)>, ApiError> {
    let study = uid.to_owned();
    let Some(upstream) = state.upstream(Some(source))? else {
        return blocking(state, move |state| facts_here(state, &study)).await;
    };
    let id = source.to_owned();
    let labels = blocking(state, move |state| labels_of(state, &id, &study)).await?;
    let facts = facts_of(source, uid, "", labels);
    if !depends(&facts) {
        return Ok(Some((facts, String::new())));
    }
    let known = upstream.study(uid).await?;
    Ok(known.map(|known| {
        let facts = facts_of(source, uid, &known.referring, facts.labels);
        (facts, known.patient)
    }))
}

/// What policies know of a study of the embedded store that something is to be added to. One that is not there yet was referred by
/// nobody; labels may have been given to it.
pub async fn facts_to_store(state: &Shared, uid: &str) -> Result<StudyFacts, ApiError> {
    let study = uid.to_owned();
    blocking(state, move |state| {
        if let Some((facts, _)) = facts_here(state, &study)? {
            return Ok(facts);
        }
        let labels = labels_of(state, LOCAL, &study)?;
        Ok(facts_of(LOCAL, &study, "", labels))
    })
    .await
}

fn facts_here(state: &State, uid: &str) -> Result<Option<(StudyFacts, String)>, SourceError> {
    let Some((referring, patient)) = state.store.referring_and_patient(uid)? else {
        return Ok(None);
    };
    let labels = labels_of(state, LOCAL, uid)?;
    Ok(Some((facts_of(LOCAL, uid, &referring, labels), patient)))
}

/// One study, where someone may see it, or nothing.
pub async fn one(
    state: &Shared,
    source: &str,
    uid: &str,
    principal: &Principal,
) -> Result<Studies, ApiError> {
    let depends = |facts: &StudyFacts| known(state, principal, Action::View, facts).is_none();
    Ok(match facts(state, source, uid, depends).await? {
        Some((facts, _)) if state.permits(principal, Action::View, facts.clone()) => Studies::All,
        _ => Studies::Nothing,
    })
}

/// Of some studies of a source those that someone may see.
pub async fn among(
    state: &Shared,
    source: &str,
    uids: impl Iterator<Item = &String>,
    principal: &Principal,
) -> Result<Studies, ApiError> {
    let mut also = Vec::new();
    for uid in uids {
        if one(state, source, uid, principal).await? != Studies::Nothing {
            also.push(uid.clone());
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

/// All studies of a source that someone may find, or see.
pub async fn all(
    state: &Shared,
    source: &str,
    principal: &Principal,
    action: Action,
) -> Result<Studies, ApiError> {
    let is_here = state.upstream(Some(source))?.is_none();
    let (source, principal) = (source.to_owned(), principal.clone());
    blocking(state, move |state| {
        if is_here {
            here(state, |facts| state.permits(&principal, action, facts))
        } else {
            elsewhere(state, &source, principal, action)
        }
    })
    .await
}

fn here(state: &State, may: impl Fn(StudyFacts) -> bool) -> Result<Studies, SourceError> {
    let all = state.store.referring()?;
    let (referring, others): (Vec<String>, Vec<String>) = all
        .into_iter()
        .partition(|name| may(facts_of(LOCAL, "", name, BTreeSet::new())));
    let (mut also, mut never) = (Vec::new(), Vec::new());
    for (uid, labels) in all_labels(state, LOCAL)? {
        let Some((name, _)) = state.store.referring_and_patient(&uid)? else {
            continue;
        };
        if may(facts_of(LOCAL, &uid, &name, labels)) {
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

/// Of another server: what can be told without it is.
fn elsewhere(
    state: &State,
    source: &str,
    principal: Principal,
    action: Action,
) -> Result<Studies, SourceError> {
    let may = |uid: &str, labels: &BTreeSet<String>| {
        let facts = facts_of(source, uid, "", labels.clone());
        known(state, &principal, action, &facts)
    };
    let labels: BTreeMap<_, _> = all_labels(state, source)?.into_iter().collect();
    let usual = may("", &BTreeSet::new());
    let labelled: Vec<(String, Option<bool>)> = labels
        .iter()
        .map(|(uid, labels)| (uid.clone(), may(uid, labels)))
        .collect();
    let is_told = labelled.iter().all(|(_, may)| may.is_some());
    let also: Vec<String> = labelled
        .iter()
        .filter(|(_, may)| *may == Some(true))
        .map(|(uid, _)| uid.clone())
        .collect();
    Ok(match usual {
        Some(true) if also.len() == labelled.len() => Studies::All,
        Some(false) if is_told && also.is_empty() => Studies::Nothing,
        Some(false) if is_told => Studies::Some {
            referring: Vec::new(),
            also,
            never: Vec::new(),
        },
        _ => Studies::Each(Judge {
            source: source.to_owned(),
            principal,
            action,
            labels,
        }),
    })
}

/// Whether someone could find or see anything of a source, as far as that can be told without asking it.
pub async fn is_of_use(
    state: &Shared,
    source: &str,
    principal: &Principal,
) -> Result<bool, ApiError> {
    if let Principal::Link { source: of, .. } = principal {
        return Ok(of == source);
    }
    let (source, principal) = (source.to_owned(), principal.clone());
    blocking(state, move |state| {
        for action in [Action::Search, Action::View] {
            if elsewhere(state, &source, principal.clone(), action)? != Studies::Nothing {
                return Ok(true);
            }
        }
        Ok(false)
    })
    .await
}

fn known(state: &State, principal: &Principal, action: Action, facts: &StudyFacts) -> Option<bool> {
    let Some(login) = &state.login else {
        return Some(true);
    };
    let usual = Circumstances::default();
    (login.policies).permit_whoever_referred(principal, action, facts, usual)
}

/// `referring` is a name as it is searched: its groups are names, too.
fn facts_of(source: &str, uid: &str, referring: &str, labels: BTreeSet<String>) -> StudyFacts {
    let groups = std::iter::once(referring).chain(referring.split('='));
    let names = groups.map(str::trim).filter(|name| !name.is_empty());
    StudyFacts {
        source: source.to_owned(),
        uid: uid.to_owned(),
        referrers: names.map(str::to_owned).collect(),
        labels,
    }
}

fn labels_of(state: &State, source: &str, uid: &str) -> Result<BTreeSet<String>, SourceError> {
    let Some(login) = &state.login else {
        return Ok(BTreeSet::new());
    };
    super::labels::of(&login.database, source, uid).map_err(unusable)
}

fn all_labels(state: &State, source: &str) -> Result<Vec<(String, BTreeSet<String>)>, SourceError> {
    let Some(login) = &state.login else {
        return Ok(Vec::new());
    };
    super::labels::all(&login.database, source).map_err(unusable)
}

fn unusable(error: DatabaseError) -> SourceError {
    SourceError::Labels(error.to_string())
}
