//! Takes examined instances in: compared with what is there, moved to their places, on the disk and in the index before anybody
//! is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::check::{Checked, Names, is_same};
use super::{Incoming, Reason, StoreFolder, locked, place};
use crate::auth::storing::StudyEntry;
use crate::source::folder::entry::fold;
use crate::source::folder::index::{Finding, Index, IndexError, path_from_bytes};
use crate::source::folder::walk::{Listed, modified_ns};
use crate::source::folder::{FolderStore, SourceError};

/// What became of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whose it is.
    pub names: Names,
    /// Why it was not stored.
    pub failed: Option<Reason>,
    /// The same data set was there before.
    pub was_there: bool,
}

/// A file of the index with the UID of an instance.
struct Other {
    path: PathBuf,
    study: String,
    series: String,
}

impl FolderStore {
    /// The folder that takes what is stored, where one is configured.
    pub fn store_folder(&self) -> Option<&StoreFolder> {
        self.store_folder.as_ref()
    }

    /// Takes instances in, each with the right to add to its study. What is said to be stored afterwards is on the disk and is
    /// found by a search.
    ///
    /// # Errors
    /// Nothing is stored here, or the index cannot be read.
    pub fn take_in(&self, batch: Vec<(Checked, StudyEntry)>) -> Result<Vec<Outcome>, SourceError> {
        let folder = self.store_folder().ok_or(SourceError::StudyUnknown)?;
        let mut outcomes = Vec::new();
        let mut new_in = BTreeSet::new();
        let mut findings = Vec::new();
        let mut of_finding = Vec::new();
        let mut patients = BTreeMap::new();
        for (checked, right) in batch {
            let names = checked.names.clone();
            let taken = if right.uid() == names.study {
                self.take(folder, checked, &mut new_in, &mut patients)?
            } else {
                Err(Reason::NotAuthorized)
            };
            let was_there = matches!(taken, Ok(None));
            let failed = match taken {
                Ok(finding) => {
                    if let Some(finding) = finding {
                        findings.push(finding);
                        of_finding.push(outcomes.len());
                    }
                    None
                }
                Err(reason) => Some(reason),
            };
            outcomes.push(Outcome {
                names,
                failed,
                was_there,
            });
        }
        let is_settled = new_in.iter().try_for_each(|folder| place::settle(folder));
        let mut fail = |reason: Reason| {
            for index in &of_finding {
                outcomes[*index].failed = Some(reason);
            }
        };
        match is_settled {
            Err(error) => fail(error.into()),
            Ok(()) if findings.is_empty() => {}
            Ok(()) => match self.indexed(&findings) {
                Ok(()) => {}
                Err(error) => {
                    eprintln!("sagitta: what was stored is indexed later: {error}");
                    fail(Reason::Processing);
                }
            },
        }
        Ok(outcomes)
    }

    fn indexed(&self, findings: &[(Listed, Finding)]) -> Result<(), IndexError> {
        let mut writer = locked(&self.writer);
        if writer.is_none() {
            *writer = Some(self.index.writer()?);
        }
        match writer.as_mut() {
            Some(writer) => writer.apply(findings, &[]),
            None => Ok(()),
        }
    }

    /// Moves one instance to its place; what the index is to keep, where it does not yet.
    fn take(
        &self,
        folder: &StoreFolder,
        checked: Checked,
        new_in: &mut BTreeSet<PathBuf>,
        patients: &mut BTreeMap<String, String>,
    ) -> Result<Result<Option<(Listed, Finding)>, Reason>, SourceError> {
        let names = &checked.names;
        let Some(below) = place::of_instance(names) else {
            return Ok(Err(Reason::NotUnderstood));
        };
        let target = folder.root().join(&below);
        let _door = folder.door(&names.sop);
        let others = others(&self.index, &names.sop)?;
        let is_indexed = others.iter().any(|other| other.path == target);
        let indexed = |checked: Checked| -> Result<Option<(Listed, Finding)>, Reason> {
            let finding = Finding::Instance(checked.entry);
            Ok(Some((listed(&target)?, finding)))
        };
        if target.exists() {
            return Ok(match is_same(checked.incoming.path(), &target) {
                Ok(true) if is_indexed => Ok(None),
                Ok(true) => indexed(checked),
                Ok(false) => Err(Reason::Duplicate),
                Err(reason) => Err(reason),
            });
        }
        // In a data folder, or in another study.
        let there = others.iter().find(|other| other.path.exists());
        if let Some(other) = there {
            let is_its = (&other.study, &other.series) == (&names.study, &names.series);
            let is_same = is_its && is_same(checked.incoming.path(), &other.path) == Ok(true);
            return Ok(if is_same {
                Ok(None)
            } else {
                Err(Reason::Duplicate)
            });
        }
        if !self.is_of_patient(names, patients)? {
            return Ok(Err(Reason::OtherPatient));
        }
        let mut checked = checked;
        let moved = place::make_folders(folder.root(), &below, new_in)
            .and_then(|()| checked.incoming.move_to(&target));
        Ok(match moved {
            Ok(()) => indexed(checked),
            Err(error) => Err(error.into()),
        })
    }

    /// A study is one patient's: what says otherwise has the wrong study or the wrong patient. Who is not named is nobody else.
    fn is_of_patient(
        &self,
        names: &Names,
        patients: &mut BTreeMap<String, String>,
    ) -> Result<bool, SourceError> {
        let own = fold(&names.patient);
        if own.is_empty() {
            return Ok(true);
        }
        if !patients.contains_key(&names.study) {
            let known = self.referring_and_patient(&names.study)?;
            let known = match known {
                Some((_, patient)) => patient,
                None => self.patient_of_rejected(&names.study)?.unwrap_or_default(),
            };
            patients.insert(names.study.clone(), known);
        }
        let known = patients.entry(names.study.clone()).or_default();
        if known.is_empty() {
            known.clone_from(&own);
        }
        Ok(*known == own)
    }
}

impl Incoming {
    /// What came is on the disk, and then at its place.
    fn move_to(&mut self, target: &Path) -> std::io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, target)?;
        self.is_left = true;
        Ok(())
    }
}

fn listed(path: &Path) -> Result<Listed, Reason> {
    let metadata = fs::metadata(path)?;
    Ok(Listed {
        path: path.to_owned(),
        size: metadata.len(),
        modified_ns: modified_ns(&metadata),
    })
}

/// All files of the index with this SOP Instance UID.
fn others(index: &Index, sop: &str) -> Result<Vec<Other>, IndexError> {
    index.read(|connection| {
        let sql = "SELECT path, study, series FROM files WHERE sop = ?1 ORDER BY current DESC";
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map([sop], |row| {
            Ok(Other {
                path: path_from_bytes(row.get(0)?),
                study: row.get(1)?,
                series: row.get(2)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    })
}
