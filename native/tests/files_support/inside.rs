//! A root of its own with the rights of init, for one thread: mount namespace, root folder, ids and capabilities
//! all belong to the thread that takes them.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use atoll_box::files::Files;
use atoll_box::sys::caps::{CAP_KILL, CAP_SETGID, CAP_SETUID, become_user, keep_only, leave_groups};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change, mount_remount};

use super::Scratch;

pub const USER: u32 = 1000;
const INIT: u32 = 65_533;

/// Runs `body` in a root that is a tmpfs of 4 MiB, with `/workspace` and `/home` of [`USER`], `/root` of root
/// with a file `private`, a mount `/workspace/mount` with a file `kept`, `/sealed` that is mounted read-only,
/// and `/proc`.
/// Root is needed: without it the test fails.
pub fn inside<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    assert!(rustix::process::geteuid().is_root(), "this test wants root");
    let stage = Scratch::new();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            furnish(&stage.0);
            enter(&stage.0);
            body()
        });
        thread.join().unwrap()
    })
}

fn furnish(root: &Path) {
    // SAFETY: integer argument only; it concerns this thread alone.
    assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNS) }, 0);
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE).unwrap();
    mount("test", root, "tmpfs", MountFlags::NOSUID, c"size=4m,mode=755").unwrap();
    for (name, owner) in [("workspace", USER), ("home", USER), ("root", 0), ("sealed", USER), ("proc", 0)] {
        std::fs::create_dir(root.join(name)).unwrap();
        chown(root.join(name), Some(owner), Some(owner)).unwrap();
    }
    std::fs::write(root.join("root/private"), "of root").unwrap();
    std::fs::set_permissions(root.join("root/private"), PermissionsExt::from_mode(0o600)).unwrap();
    let inner = root.join("workspace/tree/mount");
    std::fs::create_dir_all(&inner).unwrap();
    mount("test", &inner, "tmpfs", MountFlags::NOSUID, c"size=1m,mode=777").unwrap();
    std::fs::write(inner.join("kept"), "kept").unwrap();
    for name in ["workspace/tree", "workspace/tree/mount/kept"] {
        chown(root.join(name), Some(USER), Some(USER)).unwrap();
    }
    mount_bind(root.join("sealed"), root.join("sealed")).unwrap();
    mount_remount(root.join("sealed"), MountFlags::BIND | MountFlags::RDONLY, c"").unwrap();
    mount_bind("/proc", root.join("proc")).unwrap();
}

fn enter(root: &Path) {
    rustix::process::chroot(root).unwrap();
    rustix::process::chdir("/").unwrap();
    leave_groups().unwrap();
    // SAFETY: integer arguments only.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0) }, 0);
    become_user(INIT, INIT).unwrap();
    keep_only(1 << CAP_KILL | 1 << CAP_SETUID | 1 << CAP_SETGID).unwrap();
}

/// The file-system user id of this thread.
pub fn file_user() -> u32 {
    // SAFETY: integer argument only; an id that is nobody's changes nothing.
    unsafe { libc::syscall(libc::SYS_setfsuid, u32::MAX) as u32 }
}

/// File operations of [`USER`].
pub fn user_files() -> Files {
    Files::new(USER, USER)
}

/// What a command of the user does.
pub fn as_user(body: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            become_user(USER, USER).unwrap();
            body();
        });
    });
}
