//! Writes many files at once into a folder that appears whole or not at all.
//!
//! Files are made on all cores into a folder with a temporary name, which is renamed when the last one is written. A
//! stamp file says what the folder holds, so that a second start finds it and does nothing.

use crate::{PhantomError, Summary};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Name of the stamp file within the folder.
const STAMP: &str = "phantom-stamp.txt";

/// Makes the bytes of one file.
pub(crate) type Make = Box<dyn Fn() -> Result<Vec<u8>, PhantomError> + Send + Sync>;

/// One file to write: its path within the folder, and what makes it.
pub(crate) struct FileJob {
    pub(crate) path: String,
    pub(crate) make: Make,
}

/// The summary in the folder's stamp, when it is of the same `edition`.
pub(crate) fn up_to_date(folder: &Path, edition: &str) -> Option<Summary> {
    let text = fs::read_to_string(folder.join(STAMP)).ok()?;
    let mut lines = text.lines();
    if lines.next() != Some(edition) {
        return None;
    }
    let mut number = || lines.next()?.parse::<usize>().ok();
    Some(Summary {
        studies: number()?,
        files: number()?,
        bytes: number()? as u64,
        written: false,
    })
}

/// Writes all files and the stamp; `progress` is told how many files of how many are done.
pub(crate) fn write_all(
    folder: &Path,
    edition: &str,
    studies: usize,
    jobs: &[FileJob],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Summary, PhantomError> {
    let io = |what: &'static str| move |source| PhantomError::Io { what, source };
    // Only a folder that this crate wrote is ever replaced.
    let occupied = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if occupied && !folder.join(STAMP).exists() {
        return Err(PhantomError::ForeignFolder);
    }
    let partial = sibling(folder, "partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(io("clear the half-written folder"))?;
    }
    fs::create_dir_all(&partial).map_err(io("create the folder"))?;
    let bytes = run(&partial, jobs, progress)?;
    let summary = Summary {
        studies,
        files: jobs.len(),
        bytes,
        written: true,
    };
    let stamp = format!(
        "{edition}\n{}\n{}\n{}\n",
        summary.studies, summary.files, summary.bytes
    );
    fs::write(partial.join(STAMP), stamp).map_err(io("write the stamp"))?;
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(io("remove the older folder"))?;
    }
    fs::rename(&partial, folder).map_err(io("put the folder in its place"))?;
    Ok(summary)
}

fn sibling(folder: &Path, ending: &str) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!(".{name}.{ending}"))
}

/// Makes and writes the files on all cores; returns the bytes written.
fn run(
    folder: &Path,
    jobs: &[FileJob],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<u64, PhantomError> {
    let workers = std::thread::available_parallelism()
        .map_or(2, usize::from)
        .min(8);
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = write_one(folder, job);
                    let failed = result.is_err();
                    if sender.send(result).is_err() || failed {
                        next.store(jobs.len(), Ordering::Relaxed);
                    }
                }
            });
        }
        drop(sender);
        let mut bytes = 0;
        progress(0, jobs.len());
        for (done, result) in receiver.iter().enumerate() {
            bytes += result?;
            progress(done + 1, jobs.len());
        }
        Ok(bytes)
    })
}

fn write_one(folder: &Path, job: &FileJob) -> Result<u64, PhantomError> {
    let io = |source| PhantomError::Io {
        what: "write a file",
        source,
    };
    let bytes = (job.make)()?;
    let path = folder.join(&job.path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(io)?;
    }
    fs::write(&path, &bytes).map_err(io)?;
    Ok(bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs() -> Vec<FileJob> {
        (0..3_u8)
            .map(|k| FileJob {
                path: format!("a/{k}.dcm"),
                make: Box::new(move || Ok(vec![k; 10])),
            })
            .collect()
    }

    fn empty_place(name: &str) -> PathBuf {
        let place = std::env::temp_dir().join(format!("phantom-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).expect("a temporary folder");
        place
    }

    #[test]
    fn a_written_folder_is_found_again_and_only_in_its_edition() {
        let place = empty_place("again");
        let folder = place.join("demo");
        let mut seen = Vec::new();
        let summary =
            write_all(&folder, "one", 1, &jobs(), &mut |done, _| seen.push(done)).expect("written");
        assert_eq!(
            (summary.files, summary.bytes, summary.written),
            (3, 30, true)
        );
        assert_eq!(seen, [0, 1, 2, 3]);
        assert_eq!(fs::read(folder.join("a/2.dcm")).expect("there"), [2; 10]);
        assert_eq!(
            up_to_date(&folder, "one"),
            Some(Summary {
                written: false,
                ..summary
            })
        );
        assert_eq!(up_to_date(&folder, "two"), None);
        fs::remove_dir_all(place).expect("removed");
    }

    #[test]
    fn a_folder_of_other_files_is_left_alone() {
        let place = empty_place("foreign");
        fs::write(place.join("keep.txt"), "mine").expect("written");
        let refused = write_all(&place, "one", 1, &jobs(), &mut |_, _| {});
        assert!(matches!(refused, Err(PhantomError::ForeignFolder)));
        assert!(place.join("keep.txt").exists());
        fs::remove_dir_all(place).expect("removed");
    }

    #[test]
    fn a_failed_file_leaves_no_folder() {
        let place = empty_place("failed");
        let folder = place.join("demo");
        let mut jobs = jobs();
        jobs.push(FileJob {
            path: "b.dcm".into(),
            make: Box::new(|| Err(PhantomError::Encode("no".into()))),
        });
        assert!(write_all(&folder, "one", 1, &jobs, &mut |_, _| {}).is_err());
        assert!(!folder.exists());
        fs::remove_dir_all(place).expect("removed");
    }
}
