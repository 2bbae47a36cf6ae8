//! Bytes of one file, read forwards with bounds: plain, or inflated on the way.
//!
//! Lengths come from the file and are not believed: nothing is allocated beyond what is left of
//! the file, and what is inflated has a cap.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::DeflateDecoder;

/// Why bytes could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The file ends before the value that its header promises.
    #[error("it ends too early")]
    Ends,
    /// Inflating gave more than the cap.
    #[error("it inflates to more than {cap_bytes} bytes")]
    Bomb {
        /// The cap.
        cap_bytes: u64,
    },
    /// The disk says no.
    #[error("it cannot be read ({0})")]
    Disk(io::ErrorKind),
}

impl From<io::Error> for InputError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Ends,
            kind => Self::Disk(kind),
        }
    }
}

enum Reader {
    Plain(BufReader<File>),
    Inflated {
        inflater: Box<DeflateDecoder<BufReader<File>>>,
        ahead: Option<u8>,
    },
}

/// A position in a file, or in what a deflated file holds.
pub struct Input {
    reader: Reader,
    position: u64,
    /// Length of the file, or the cap of what is inflated.
    end: u64,
}

impl Input {
    /// Starts at the front of a file.
    pub fn open(path: &std::path::Path) -> Result<Self, InputError> {
        let file = File::open(path)?;
        let end = file.metadata()?.len();
        Ok(Self {
            reader: Reader::Plain(BufReader::with_capacity(16 << 10, file)),
            position: 0,
            end,
        })
    }

    /// Inflates what follows; positions count from 0 in what comes out. Already inflated input
    /// stays as it is.
    pub fn inflate(self, cap_bytes: u64) -> Self {
        match self.reader {
            Reader::Plain(file) => Self {
                reader: Reader::Inflated {
                    inflater: Box::new(DeflateDecoder::new(file)),
                    ahead: None,
                },
                position: 0,
                end: cap_bytes,
            },
            Reader::Inflated { .. } => self,
        }
    }

    /// Bytes passed so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// True where not one byte is left.
    pub fn at_end(&mut self) -> Result<bool, InputError> {
        match &mut self.reader {
            Reader::Plain(_) => Ok(self.position >= self.end),
            Reader::Inflated { ahead: Some(_), .. } => Ok(false),
            Reader::Inflated { inflater, ahead } => {
                let mut byte = [0];
                match read_inflated(inflater, &mut byte) {
                    Ok(()) => *ahead = Some(byte[0]),
                    Err(InputError::Ends) => return Ok(true),
                    Err(error) => return Err(error),
                }
                Ok(false)
            }
        }
    }

    /// Looks at the next bytes of a plain file without passing them; fewer at its end.
    pub fn peek(&mut self, length: usize) -> Result<Vec<u8>, InputError> {
        let start = self.position;
        let Reader::Plain(file) = &mut self.reader else {
            return Ok(Vec::new());
        };
        let mut bytes = Vec::with_capacity(length);
        file.take(length as u64).read_to_end(&mut bytes)?;
        file.seek(SeekFrom::Start(start))?;
        Ok(bytes)
    }

    /// Fills `bytes`.
    pub fn read_exact(&mut self, bytes: &mut [u8]) -> Result<(), InputError> {
        self.check(bytes.len() as u64)?;
        match &mut self.reader {
            Reader::Plain(file) => file.read_exact(bytes)?,
            Reader::Inflated { inflater, ahead } => {
                let rest = match (ahead.take(), bytes.split_first_mut()) {
                    (Some(byte), Some((first, rest))) => {
                        *first = byte;
                        rest
                    }
                    (byte, _) => {
                        *ahead = byte;
                        &mut *bytes
                    }
                };
                read_inflated(inflater, rest)?;
            }
        }
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Reads `length` bytes; memory grows with what is really there.
    pub fn read_vec(&mut self, length: u64) -> Result<Vec<u8>, InputError> {
        self.check(length)?;
        let mut bytes = Vec::new();
        let mut left = length;
        while left > 0 {
            let step = usize::try_from(left.min(1 << 20)).unwrap_or(1 << 20);
            let start = bytes.len();
            bytes.resize(start + step, 0);
            self.read_exact(&mut bytes[start..])?;
            left -= step as u64;
        }
        Ok(bytes)
    }

    /// Passes over `length` bytes.
    pub fn skip(&mut self, length: u64) -> Result<(), InputError> {
        self.check(length)?;
        if let Reader::Plain(file) = &mut self.reader {
            file.seek_relative(i64::try_from(length).map_err(|_| InputError::Ends)?)?;
            self.position += length;
            return Ok(());
        }
        let mut scratch = [0; 4096];
        let mut left = length;
        while left > 0 {
            let step = usize::try_from(left.min(4096)).unwrap_or(4096);
            self.read_exact(&mut scratch[..step])?;
            left -= step as u64;
        }
        Ok(())
    }

    fn check(&self, length: u64) -> Result<(), InputError> {
        let fits = self
            .position
            .checked_add(length)
            .is_some_and(|end| end <= self.end);
        match (&self.reader, fits) {
            (_, true) => Ok(()),
            (Reader::Plain(_), false) => Err(InputError::Ends),
            (Reader::Inflated { .. }, false) => Err(InputError::Bomb {
                cap_bytes: self.end,
            }),
        }
    }
}

/// Broken deflate data and an early end are the same to the caller.
fn read_inflated(
    inflater: &mut DeflateDecoder<BufReader<File>>,
    bytes: &mut [u8],
) -> Result<(), InputError> {
    inflater
        .read_exact(bytes)
        .map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => InputError::Ends,
            _ => error.into(),
        })
}
