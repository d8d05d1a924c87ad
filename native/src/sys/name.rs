//! What /proc tells of this process' origin.

use std::io;

/// Position of `arg_start` in /proc/self/stat, counted behind the name in parentheses; its end and the bounds of the
/// environment follow (proc(5): fields 48 to 51, of which the first behind the name is 3).
const ARG_START: usize = 48 - 3;

/// Overwrites the command line and the environment that the last exec left, and the name: the processes of a
/// sandbox are clones of this one, and `ps` inside would show the host's paths.
///
/// Nothing may read this process' arguments or environment afterwards.
pub fn forget_origin(name: &std::ffi::CStr) -> io::Result<()> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let behind_name = stat.rsplit_once(") ").map(|(_, rest)| rest).ok_or(io::ErrorKind::InvalidData)?;
    let bounds: Vec<usize> =
        behind_name.split(' ').skip(ARG_START).take(4).filter_map(|field| field.trim().parse().ok()).collect();
    let [arg_start, arg_end, env_start, env_end] = bounds[..] else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let bytes = name.to_bytes();
    for (start, end) in [(arg_start, arg_end), (env_start, env_end)] {
        // SAFETY: the kernel says that this is the text of our arguments (environment): mapped, writable, on our
        // stack, and by the contract above nobody reads it any more.
        unsafe { std::ptr::write_bytes(start as *mut u8, 0, end.saturating_sub(start)) };
    }
    let length = bytes.len().min(arg_end.saturating_sub(arg_start));
    // SAFETY: as above; `length` is at most the length of that text.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), arg_start as *mut u8, length) };
    // SAFETY: PR_SET_NAME reads a C string.
    if unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
