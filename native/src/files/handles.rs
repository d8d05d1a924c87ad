//! Files that stay open between two requests.

use std::collections::BTreeMap;

use super::failure::{Failure, HANDLE_UNKNOWN, TOO_MANY_OPEN};
use super::put::PutFile;
use super::read::ReadFile;
use crate::wire::files::MAX_HANDLES;

#[derive(Debug)]
pub enum Handle {
    Read(ReadFile),
    Put(PutFile),
}

/// At most [`MAX_HANDLES`]; a number is not given again before all others have been.
#[derive(Debug, Default)]
pub struct Handles {
    open: BTreeMap<u32, Handle>,
    last: u32,
}

impl Handles {
    /// Fails when one more would be too many.
    pub fn room(&self) -> Result<(), Failure> {
        if self.open.len() < MAX_HANDLES { Ok(()) } else { Err(TOO_MANY_OPEN) }
    }

    pub fn keep(&mut self, handle: Handle) -> Result<u32, Failure> {
        self.room()?;
        loop {
            self.last = self.last.wrapping_add(1);
            if !self.open.contains_key(&self.last) {
                break;
            }
        }
        self.open.insert(self.last, handle);
        Ok(self.last)
    }

    pub fn reading(&mut self, number: u32) -> Result<&mut ReadFile, Failure> {
        match self.open.get_mut(&number) {
            Some(Handle::Read(file)) => Ok(file),
            Some(Handle::Put(_)) | None => Err(HANDLE_UNKNOWN),
        }
    }

    /// Takes the file out: it comes back with [`Handles::put_back`], and is gone if it does not.
    pub fn take_put(&mut self, number: u32) -> Result<PutFile, Failure> {
        match self.open.remove(&number) {
            Some(Handle::Put(file)) => Ok(file),
            Some(other @ Handle::Read(_)) => {
                self.open.insert(number, other);
                Err(HANDLE_UNKNOWN)
            }
            None => Err(HANDLE_UNKNOWN),
        }
    }

    pub fn put_back(&mut self, number: u32, file: PutFile) {
        self.open.insert(number, Handle::Put(file));
    }

    pub fn close(&mut self, number: u32) {
        self.open.remove(&number);
    }

    pub fn close_all(&mut self) {
        self.open.clear();
    }
}
