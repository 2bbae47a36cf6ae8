//! The folder that takes what is stored: a place for what is on its way, and the files where they stay.
//!
//! An instance comes into a file of `.incoming`, is examined there, and is moved to its place in one step: there is no moment at
//! which half of it can be seen. Names are made of UIDs alone. `.incoming` is emptied when a gateway takes the folder over.

pub mod check;
pub mod compose;
pub mod place;
pub mod take;
pub mod trash;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::scan::ScanLimits;
use super::walk::INCOMING;

/// Bytes before the prefix of a file. Source: DICOM PS3.10 section 7.1.
pub const PREAMBLE: u64 = 128;

/// Requests that store at once; others are asked to come again.
const MOST_AT_ONCE: usize = 64;

/// How long a gateway that ends is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why something cannot be stored, with the code that PS3.18 table I.2-2 and PS3.4 table B.2-1 have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Reason {
    /// The disk is full.
    #[error("there is no room left in the store")]
    Full,
    /// The folder is read only, or gone.
    #[error("the store cannot be written just now")]
    Unwritable,
    /// Larger than what is taken.
    #[error("an instance is larger than what is taken here")]
    TooLarge,
    /// What its header says about itself is something else.
    #[error("the file's head and its data set contradict each other")]
    Contradiction,
    /// Not a study of the address.
    #[error("an instance is of another study than the address")]
    OtherStudy,
    /// The study is another patient's.
    #[error("the study here is another patient's")]
    OtherPatient,
    /// No file of DICOM, or one that breaks off.
    #[error("this is no whole DICOM file")]
    NotUnderstood,
    /// Of a transfer syntax that nobody here can read.
    #[error("the transfer syntax is none of the standard's")]
    TransferSyntax,
    /// Something that is no instance.
    #[error("objects of this SOP class are not stored")]
    SopClass,
    /// Another instance has its UID.
    #[error("there is another instance with this UID")]
    Duplicate,
    /// Not by this user.
    #[error("you may not add to this study")]
    NotAuthorized,
    /// The index.
    #[error("it could not be indexed")]
    Processing,
}

impl Reason {
    /// Failure Reason (0008,1197).
    pub fn code(self) -> u16 {
        match self {
            Self::Full | Self::Unwritable | Self::TooLarge => 0xA700,
            Self::Contradiction => 0xA900,
            Self::OtherStudy => 0xA901,
            Self::OtherPatient => 0xA902,
            Self::NotUnderstood => 0xC000,
            Self::TransferSyntax => 0xC122,
            Self::Processing => 0x0110,
            Self::Duplicate => 0x0111,
            Self::SopClass => 0x0122,
            Self::NotAuthorized => 0x0124,
        }
    }
}

impl From<io::Error> for Reason {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full,
            _ => Self::Unwritable,
        }
    }
}

/// Another gateway stores into the same folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken;

/// How much is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLimits {
    /// Bytes of one request.
    pub request_bytes: u64,
    /// Bytes of one instance.
    pub instance_bytes: u64,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            request_bytes: 4 << 30,
            instance_bytes: 2 << 30,
        }
    }
}

/// The folder.
#[derive(Debug)]
pub struct StoreFolder {
    root: PathBuf,
    /// Bounds of each file.
    pub scan: ScanLimits,
    /// How much is taken.
    pub limits: StoreLimits,
    /// Requests that may store now.
    pub places: Semaphore,
    /// Held as long as this gateway is the one that stores here; `None` as long as the folder could not be written.
    lock: Mutex<Option<File>>,
    next: AtomicU64,
    /// Two of the same instance are looked at one after the other.
    doors: [Mutex<()>; 64],
}

impl StoreFolder {
    /// Takes the folder over. One that cannot be written yet is tried again with each instance.
    ///
    /// # Errors
    /// Another gateway has it.
    pub fn open(root: PathBuf, scan: ScanLimits, limits: StoreLimits) -> Result<Self, Taken> {
        let folder = Self {
            root,
            scan,
            limits,
            places: Semaphore::new(MOST_AT_ONCE),
            lock: Mutex::default(),
            next: AtomicU64::new(0),
            doors: [const { Mutex::new(()) }; 64],
        };
        let begun = std::time::Instant::now();
        loop {
            match folder.take_over() {
                Ok(()) => return Ok(folder),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    eprintln!("sagitta: nothing can be stored yet: {}", error.kind());
                    return Ok(folder);
                }
                Err(_) if begun.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(_) => return Err(Taken),
            }
        }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn incoming(&self) -> PathBuf {
        self.root.join(INCOMING)
    }

    /// Makes `.incoming`, keeps others out of it, and removes what an earlier gateway left there.
    fn take_over(&self) -> io::Result<()> {
        let mut held = locked(&self.lock);
        if held.is_some() {
            return Ok(());
        }
        let incoming = self.incoming();
        make_private(&incoming)?;
        *held = Some(lock(&incoming)?);
        clear(&incoming)?;
        Ok(())
    }

    /// A file for an instance that is about to come.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn begin(&self) -> Result<Incoming, Reason> {
        self.begin_with(PREAMBLE)
    }

    /// A file for a value that comes on its own.
    ///
    /// # Errors
    /// As [`StoreFolder::begin`].
    pub fn begin_value(&self) -> Result<Incoming, Reason> {
        self.begin_with(0)
    }

    fn begin_with(&self, zeros: u64) -> Result<Incoming, Reason> {
        self.take_over()?;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = self.incoming().join(format!("{number}.part"));
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path);
            match file {
                Ok(file) => {
                    return Ok(Incoming {
                        file,
                        path,
                        length: 0,
                        zeros,
                        is_left: false,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Held while an instance is compared and moved.
    fn door(&self, sop: &str) -> MutexGuard<'_, ()> {
        let sum = sop.bytes().fold(0_usize, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(byte))
        });
        locked(&self.doors[sum % self.doors.len()])
    }
}

/// Keeps others out of a store folder's `.incoming`.
///
/// # Errors
/// `WouldBlock` where another program has it.
pub fn lock(incoming: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(incoming.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The file that is locked.
pub const LOCK: &str = "lock";

/// Removes what was left on its way; gives how many.
///
/// # Errors
/// The folder cannot be read or written.
pub fn clear(incoming: &Path) -> io::Result<usize> {
    let left = left_over(incoming)?;
    for path in &left {
        fs::remove_file(path)?;
    }
    Ok(left.len())
}

/// Files that were left on their way.
///
/// # Errors
/// The folder cannot be read.
pub fn left_over(incoming: &Path) -> io::Result<Vec<PathBuf>> {
    let mut left = Vec::new();
    for entry in fs::read_dir(incoming)? {
        let entry = entry?;
        if entry.file_type()?.is_file() && entry.file_name() != LOCK {
            left.push(entry.path());
        }
    }
    left.sort();
    Ok(left)
}

/// Folders of the store are its owner's alone: what they hold is patients'.
pub fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An instance on its way. Its file goes with it unless it was moved to its place.
#[derive(Debug)]
pub struct Incoming {
    file: File,
    path: PathBuf,
    length: u64,
    /// So many bytes at the front are zeros, whatever comes.
    zeros: u64,
    /// It is somewhere else now.
    is_left: bool,
}

impl Incoming {
    /// Bytes so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for Incoming {
    /// Adds bytes. What stands before the prefix may be a program for those who believe so: zeros are written instead.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = usize::try_from(self.zeros.saturating_sub(self.length)).unwrap_or(0);
        let count = if left > 0 {
            let zeros = [0; PREAMBLE as usize];
            let count = left.min(bytes.len());
            self.file.write(&zeros[..count])?
        } else {
            self.file.write(bytes)?
        };
        self.length += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.is_left {
            // What cannot be removed now is at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}
