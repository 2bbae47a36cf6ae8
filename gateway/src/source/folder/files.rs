//! The files of a study as they lie in the folders, under names that are made here: nothing of what a file says about itself is
//! in them.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::PathBuf;

use super::FolderStore;
use super::index::{IndexError, path_from_bytes};
use crate::auth::access::StudyPass;
use crate::source::SourceError;
use crate::state::LOCAL;

/// A file, and its name for whoever takes it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// Where it lies.
    pub path: PathBuf,
    /// `SE0001/IM0001.dcm`
    pub name: String,
}

/// Bytes before the prefix of a file. Source: DICOM PS3.10 section 7.1.
const PREAMBLE: usize = 128;

impl FolderStore {
    /// All files of a study, series by series.
    pub fn files(&self, study: &StudyPass) -> Result<Vec<NamedFile>, SourceError> {
        let rows: Vec<(String, Vec<u8>)> = self.index_rows(
            "SELECT f.series, f.path FROM files f JOIN series e ON e.study = f.study AND e.uid = f.series
             WHERE f.study = ?1 AND f.current = 1
             ORDER BY e.number IS NULL, e.number, e.uid, f.number IS NULL, f.number, f.sop",
            study.uid_at(LOCAL)?,
        )?;
        if rows.is_empty() {
            return Err(SourceError::StudyUnknown);
        }
        let (mut series, mut image, mut last) = (0_u32, 0_u32, None);
        let named = rows.into_iter().map(|(uid, path)| {
            if last.as_ref() == Some(&uid) {
                image += 1;
            } else {
                (series, image) = (series + 1, 1);
                last = Some(uid);
            }
            NamedFile {
                path: path_from_bytes(path),
                name: format!("SE{series:04}/IM{image:05}.dcm"),
            }
        });
        Ok(named.collect())
    }
}

impl NamedFile {
    /// Copies the file. What stands before its prefix may be a program for those who believe so: it goes out as zeros.
    ///
    /// # Errors
    /// The file or what it is copied to.
    pub fn copy_to(&self, to: &mut impl Write) -> io::Result<()> {
        let mut file = File::open(&self.path)?;
        let mut start = Vec::new();
        (&file).take(PREAMBLE as u64 + 4).read_to_end(&mut start)?;
        if start.get(PREAMBLE..) == Some(b"DICM") {
            start[..PREAMBLE].fill(0);
        }
        to.write_all(&start)?;
        io::copy(&mut file, to)?;
        Ok(())
    }
}

impl FolderStore {
    fn index_rows(&self, sql: &str, study: &str) -> Result<Vec<(String, Vec<u8>)>, SourceError> {
        let rows = self.index.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([study], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok::<_, IndexError>(rows.collect::<rusqlite::Result<_>>()?)
        });
        Ok(rows?)
    }
}
