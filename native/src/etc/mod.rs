//! The `/etc` of the default root: small, without anything of the host that is not public.
//!
//! What says who and where one is (users, hosts, name service, shell start-up) is ours. What programs under `/usr`
//! need in order to run is copied from the host, by an allow-list of names, and only if every user of the host
//! may read it. Links stay links where their target is visible inside; else their content is copied, or they go.

mod allow;
mod copy;
mod host;
mod link;
mod own;

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use thiserror::Error;

pub use own::HOSTNAME;

/// Most bytes of content that the folder may have.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Most files, links and folders that it may have.
pub const MAX_ENTRIES: u32 = 20_000;

/// Why there is no `/etc`.
#[derive(Debug, Error)]
pub enum EtcError {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{}: the generated /etc would exceed {MAX_BYTES} bytes or {MAX_ENTRIES} entries", path.display())]
    TooLarge { path: PathBuf },
}

/// Names the file of an error.
trait At<T> {
    fn at(self, path: &Path) -> Result<T, EtcError>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, path: &Path) -> Result<T, EtcError> {
        self.map_err(|source| EtcError::File { path: path.to_owned(), source: source.into() })
    }
}

/// Makes `target` anew from the host whose root folder is `host_root`: whole, or not at all.
/// An earlier `target` is replaced in one step and then removed, so no sandbox may still be using it.
/// Files belong to the caller; modes are 0644 or 0755, whatever the umask.
///
/// # Errors
/// Names the file that could not be read or made; `target` is then as it was.
pub fn generate(host_root: &Path, target: &Path) -> Result<(), EtcError> {
    let staging = staging_beside(target)?;
    remove(&staging)?;
    fill(host_root, &staging).and_then(|()| put_in_place(&staging, target)).inspect_err(|_| {
        // The first error is the one to tell; a remainder is cleared by the next call.
        let _ = remove(&staging);
    })?;
    remove(&staging)
}

fn fill(host_root: &Path, staging: &Path) -> Result<(), EtcError> {
    let mut out = copy::Output::create(staging)?;
    own::write(&mut out)?;
    copy::public_files(&host::Host::open(host_root)?, &mut out)
}

fn staging_beside(target: &Path) -> Result<PathBuf, EtcError> {
    let name = target.file_name().ok_or(Errno::INVAL).at(target)?;
    let mut staging = name.to_owned();
    staging.push(".new");
    Ok(target.with_file_name(staging))
}

/// Leaves an earlier `target` under the name of `staging`.
fn put_in_place(staging: &Path, target: &Path) -> Result<(), EtcError> {
    match renameat_with(CWD, staging, CWD, target, RenameFlags::EXCHANGE) {
        Err(Errno::NOENT) => fs::rename(staging, target).at(target),
        done => done.at(target),
    }
}

fn remove(folder: &Path) -> Result<(), EtcError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.at(folder),
    }
}
