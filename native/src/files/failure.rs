//! Why a file operation failed, in the words of the wire.

use rustix::io::Errno;

use crate::sys::errno_name;
use crate::wire::files::FileReply;

/// One of the codes of [`crate::wire::files`], what to tell a reader, and the kernel's error where there was one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub code: &'static str,
    pub message: &'static str,
    pub errno: Option<Errno>,
}

impl Failure {
    /// A failure that we found, not the kernel.
    pub const fn new(code: &'static str, message: &'static str) -> Self {
        Self { code, message, errno: None }
    }
}

pub const PATH_INVALID: Failure = Failure::new("file.path_invalid", "the path is malformed");
pub const NAMES_NO_ENTRY: Failure = Failure::new("file.path_invalid", "the path ends in no name");
pub const NOT_REGULAR: Failure = Failure::new("file.not_regular", "not a regular file");
pub const IS_DIRECTORY: Failure = Failure::new("file.is_directory", "a folder");
pub const EXISTS: Failure = Failure::new("file.exists", "something is there already");
pub const HANDLE_UNKNOWN: Failure = Failure::new("file.handle_unknown", "no such handle is open");
pub const TOO_MANY_OPEN: Failure = Failure::new("file.too_many_open", "too many files are open");
pub const SLICE_TOO_LONG: Failure = Failure::new("file.failed", "too many bytes in one message");
pub const KERNEL_MADE: Failure =
    Failure::new("file.permission_denied", "what the kernel makes up for its reader is not shown");
pub const MOUNT_POINT: Failure = Failure::new("file.permission_denied", "a mount point stays");
pub const TAKES_TOO_LONG: Failure = Failure::new("file.failed", "took too long; what is done is done");
pub const MOVED_AWAY: Failure = Failure::new("file.failed", "a folder was moved while it was removed");
pub const KEEPS_CHANGING: Failure = Failure::new("file.failed", "the folder changes faster than it can be read");
pub const WRONG_USER: Failure = Failure::new("file.failed", "the user's file-system ids could not be taken");

/// The one table from the kernel's errors to codes.
impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        let (code, message) = match errno {
            Errno::NOENT => ("file.not_found", "no such file or folder"),
            Errno::NOTDIR => ("file.not_directory", "not a folder"),
            Errno::ISDIR => ("file.is_directory", "a folder"),
            Errno::EXIST => ("file.exists", "something is there already"),
            Errno::NOTEMPTY => ("file.not_empty", "the folder is not empty"),
            // EBUSY: a mount point, the only thing on a local file system that is busy with being there.
            Errno::ACCESS | Errno::PERM | Errno::BUSY => ("file.permission_denied", "not permitted"),
            Errno::NOSPC | Errno::DQUOT => ("file.no_space", "no space left"),
            Errno::ROFS => ("file.read_only", "read-only here"),
            // ELOOP: symlinks in a circle, or one of /proc that names an open file instead of a path.
            // EINVAL: a name that the file system has no form for, or a folder moved into itself.
            Errno::LOOP | Errno::NAMETOOLONG | Errno::INVAL => ("file.path_invalid", "the path leads nowhere"),
            // ENXIO: a socket, or a device without a driver.
            Errno::NXIO => ("file.not_regular", "not a regular file"),
            Errno::MFILE | Errno::NFILE => ("file.too_many_open", "too many files are open"),
            _ => ("file.failed", "the kernel refused"),
        };
        Self { code, message, errno: Some(errno) }
    }
}

impl From<Failure> for FileReply {
    fn from(failure: Failure) -> Self {
        Self::Error {
            code: failure.code.to_owned(),
            message: failure.message.to_owned(),
            errno: failure.errno.map(|errno| errno_name(errno.raw_os_error())),
        }
    }
}
