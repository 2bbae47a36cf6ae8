//! Metadata of many instances on its way out: text for one piece is in memory at a time, whoever reads slowly.

use std::sync::Arc;

use protocol::dicomweb::path;
use rusqlite::params;

use super::compact::{PACKED, Unpacker};
use super::frames::FrameError;
use super::{FolderStore, append_with_addresses};
use crate::auth::access::StudyPass;
use crate::source::SourceError;
use crate::state::LOCAL;

/// Text that goes out at once, unless one instance has more.
const PIECE_BYTES: usize = 64 << 10;

/// Rows of the index whose metadata is to come, in order.
pub struct Headers {
    study: Arc<str>,
    root: Arc<str>,
    rows: std::vec::IntoIter<i64>,
    is_begun: bool,
    is_over: bool,
    unpacker: Unpacker,
}

impl Headers {
    /// Nothing is left to come.
    pub fn is_over(&self) -> bool {
        self.is_over
    }
}

impl FolderStore {
    /// The instances of a study, a series, or one, whose metadata [`Self::next_headers`] gives as one list of DICOM JSON.
    ///
    /// # Errors
    /// There are none, or the index fails.
    pub fn headers(
        &self,
        study: &StudyPass,
        series: Option<&str>,
        sop: Option<&str>,
        root: &str,
    ) -> Result<Headers, SourceError> {
        let study = study.uid_at(LOCAL)?;
        let rows: Vec<i64> = self.index.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM files WHERE study = ?1 AND (?2 IS NULL OR series = ?2)
                     AND (?3 IS NULL OR sop = ?3) AND current = 1
                 ORDER BY series, number IS NULL, number, sop",
            )?;
            let rows = statement.query_map(params![study, series, sop], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })?;
        if rows.is_empty() {
            return Err(self.unknown(study, series)?);
        }
        Ok(Headers {
            study: study.into(),
            root: root.into(),
            rows: rows.into_iter(),
            is_begun: false,
            is_over: false,
            unpacker: Unpacker::default(),
        })
    }

    /// The next piece of the list.
    ///
    /// # Errors
    /// One of the files has been indexed anew meanwhile: the list breaks off.
    pub fn next_headers(&self, headers: &mut Headers) -> Result<Vec<u8>, SourceError> {
        let mut text = Vec::new();
        let is_whole = self.index.read(|connection| {
            let sql = format!("SELECT f.series, f.sop, {PACKED} FROM files f WHERE f.id = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut one = Vec::new();
            while text.len() < PIECE_BYTES {
                let Some(id) = headers.rows.next() else {
                    headers.is_over = true;
                    text.push(b']');
                    break;
                };
                let mut rows = statement.query([id])?;
                let Some(row) = rows.next()? else {
                    return Ok(false);
                };
                one.clear();
                headers.unpacker.append(row, 2, &mut one)?;
                let (series, sop): (String, String) = (row.get(0)?, row.get(1)?);
                text.push(if headers.is_begun { b',' } else { b'[' });
                headers.is_begun = true;
                let instance = path::instance(&headers.study, &series, &sop);
                let base = format!("{}/{instance}/bulk/", headers.root);
                append_with_addresses(&mut text, &one, &base);
            }
            Ok(true)
        })?;
        match is_whole {
            true => Ok(text),
            false => Err(FrameError::Changed.into()),
        }
    }
}
