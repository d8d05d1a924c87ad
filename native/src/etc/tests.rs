#![allow(clippy::unwrap_used)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::allow::{Reach, reach};
use super::{EtcError, generate};

/// A folder of its own for one test, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("atoll-etc-{}-{number}", std::process::id()));
        fs::create_dir_all(path.join("host/etc")).unwrap();
        fs::create_dir_all(path.join("host/usr")).unwrap();
        Self(path)
    }

    fn host(&self) -> PathBuf {
        self.0.join("host")
    }

    fn target(&self) -> PathBuf {
        self.0.join("etc")
    }

    fn file(&self, path: &str, mode: u32, text: &str) {
        let place = self.host().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, text).unwrap();
        fs::set_permissions(place, Permissions::from_mode(mode)).unwrap();
    }

    fn link(&self, path: &str, text: &str) {
        let place = self.host().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink(text, place).unwrap();
    }

    fn generate(&self) -> Result<(), EtcError> {
        generate(&self.host(), &self.target())
    }

    fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.target().join(path)).ok()
    }

    /// The text of a link, `None` where there is nothing or no link.
    fn link_text(&self, path: &str) -> Option<PathBuf> {
        fs::read_link(self.target().join(path)).ok()
    }

    fn has(&self, path: &str) -> bool {
        self.target().join(path).symlink_metadata().is_ok()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn all_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(all_below(&entry.path()));
        }
        found.push(entry.path());
    }
    found
}

#[test]
fn a_file_that_not_everyone_may_read_is_not_copied_from_an_allowed_folder() {
    let scratch = Scratch::new();
    scratch.file("etc/ssl/certs/ca.pem", 0o644, "public");
    scratch.file("etc/ssl/certs/key.pem", 0o600, "secret");
    scratch.file("etc/ssl/certs/group.pem", 0o640, "secret");
    scratch.file("etc/ssl/certs/closed/inner.pem", 0o644, "secret");
    fs::set_permissions(scratch.host().join("etc/ssl/certs/closed"), Permissions::from_mode(0o710)).unwrap();
    scratch.generate().unwrap();
    assert_eq!(scratch.text("ssl/certs/ca.pem").as_deref(), Some("public"));
    for secret in ["ssl/certs/key.pem", "ssl/certs/group.pem", "ssl/certs/closed"] {
        assert!(!scratch.has(secret), "{secret}");
    }
}

#[test]
fn a_public_file_that_is_not_on_the_list_is_not_copied() {
    let scratch = Scratch::new();
    let unlisted =
        ["npmrc", "gitconfig", "shadow", "ssl/private/key.pem", "maven/settings.xml", "java/x", "machine-id"];
    for path in unlisted {
        scratch.file(&format!("etc/{path}"), 0o644, "token");
    }
    scratch.generate().unwrap();
    for path in unlisted {
        assert!(!scratch.has(path), "{path}");
    }
}

#[test]
fn a_link_that_leaves_the_copied_set_and_usr_is_dropped() {
    let scratch = Scratch::new();
    scratch.file("root/secret", 0o644, "secret");
    scratch.file("etc/npmrc", 0o644, "secret");
    scratch.file("etc/fonts/private.conf", 0o600, "secret");
    scratch.link("etc/fonts/absolute", "/root/secret");
    scratch.link("etc/fonts/relative", "../../root/secret");
    scratch.link("etc/fonts/unlisted", "../npmrc");
    scratch.link("etc/fonts/unreadable", "private.conf");
    scratch.link("etc/fonts/dangling", "/usr/nowhere");
    scratch.link("etc/fonts/loop", "loop");
    scratch.link("etc/fonts/folder", "/root");
    scratch.link("etc/fonts/process", "/proc/self/environ");
    scratch.link("etc/fonts/above", "../../../../../../../../../../etc/hostname");
    scratch.generate().unwrap();
    assert_eq!(all_below(&scratch.target().join("fonts")), Vec::<PathBuf>::new());
}

#[test]
fn a_listed_name_that_is_itself_a_link_to_a_secret_is_dropped() {
    let scratch = Scratch::new();
    scratch.file("etc/shadow", 0o600, "secret");
    scratch.link("etc/services", "shadow");
    scratch.generate().unwrap();
    assert!(!scratch.has("services"));
}

#[test]
fn links_into_usr_and_to_copied_files_stay_links() {
    let scratch = Scratch::new();
    scratch.file("usr/share/ca/a.crt", 0o644, "a");
    scratch.file("usr/bin/vim.basic", 0o755, "vim");
    scratch.link("bin", "usr/bin");
    scratch.link("etc/ssl/certs/a.pem", "/usr/share/ca/a.crt");
    scratch.link("etc/ssl/certs/0123.0", "a.pem");
    scratch.link("etc/alternatives/vi", "/bin/vim.basic");
    scratch.generate().unwrap();
    assert_eq!(scratch.link_text("ssl/certs/a.pem"), Some("/usr/share/ca/a.crt".into()));
    assert_eq!(scratch.link_text("ssl/certs/0123.0"), Some("a.pem".into()));
    assert_eq!(scratch.link_text("alternatives/vi"), Some("/bin/vim.basic".into()));
}

#[test]
fn a_link_that_reaches_usr_by_a_path_not_visible_inside_becomes_a_file() {
    let scratch = Scratch::new();
    scratch.file("usr/share/zoneinfo/UTC", 0o644, "zone");
    scratch.link("var/zone", "/usr/share/zoneinfo/UTC");
    scratch.link("etc/localtime", "/var/zone");
    scratch.generate().unwrap();
    assert_eq!(scratch.link_text("localtime"), None);
    assert_eq!(scratch.text("localtime").as_deref(), Some("zone"));
}

#[test]
fn a_target_below_a_closed_folder_of_usr_is_dropped() {
    let scratch = Scratch::new();
    scratch.file("usr/share/closed/file", 0o644, "secret");
    fs::set_permissions(scratch.host().join("usr/share/closed"), Permissions::from_mode(0o700)).unwrap();
    scratch.link("etc/magic", "/usr/share/closed/file");
    scratch.generate().unwrap();
    assert!(!scratch.has("magic"));
}

#[test]
fn pipes_and_sockets_are_not_copied_and_do_not_hang() {
    let scratch = Scratch::new();
    scratch.file("etc/fonts/fonts.conf", 0o644, "x");
    let pipe = scratch.host().join("etc/fonts/pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o666.into(), 0).unwrap();
    fs::set_permissions(&pipe, Permissions::from_mode(0o666)).unwrap();
    std::os::unix::net::UnixListener::bind(scratch.host().join("etc/fonts/socket")).unwrap();
    scratch.generate().unwrap();
    assert_eq!(all_below(&scratch.target().join("fonts")), [scratch.target().join("fonts/fonts.conf")]);
}

#[test]
fn modes_are_0644_or_0755_and_the_owner_is_the_caller() {
    let scratch = Scratch::new();
    scratch.file("etc/fonts/plain", 0o666, "");
    scratch.file("etc/fonts/tool", 0o6755, "");
    scratch.file("etc/fonts/dropbox/file", 0o444, "");
    fs::set_permissions(scratch.host().join("etc/fonts/dropbox"), Permissions::from_mode(0o1777)).unwrap();
    scratch.generate().unwrap();
    let mode = |path: &str| scratch.target().join(path).metadata().unwrap().mode() & 0o7777;
    assert_eq!(mode("."), 0o755);
    assert_eq!(mode("fonts/plain"), 0o644);
    assert_eq!(mode("fonts/tool"), 0o755);
    assert_eq!(mode("fonts/dropbox"), 0o755);
    assert_eq!(mode("fonts/dropbox/file"), 0o644);
    let caller = rustix::process::geteuid().as_raw();
    assert!(all_below(&scratch.target()).iter().all(|path| path.symlink_metadata().unwrap().uid() == caller));
}

#[test]
fn nothing_of_ours_is_also_on_the_list() {
    let scratch = Scratch::new();
    scratch.generate().unwrap();
    for path in all_below(&scratch.target()) {
        let name = path.strip_prefix(scratch.target()).unwrap().to_owned();
        assert_eq!(reach(&name), Reach::Outside, "{}", name.display());
    }
}

#[test]
fn the_users_of_a_sandbox_are_root_sandboxuser_and_nobody_and_none_has_a_password() {
    let scratch = Scratch::new();
    scratch.file("etc/passwd", 0o644, "alice:x:1001:1001::/home/alice:/bin/sh\n");
    scratch.generate().unwrap();
    let passwd = scratch.text("passwd").unwrap();
    let users: Vec<Vec<&str>> = passwd.lines().map(|line| line.split(':').collect()).collect();
    let names: Vec<&str> = users.iter().map(|user| user[0]).collect();
    assert_eq!(names, ["root", "sandboxuser", "nobody"]);
    assert!(users.iter().all(|user| user.len() == 7 && user[1] == "*"));
    assert_eq!(users[1][2..], ["1000", "1000", "", "/home/sandboxuser", "/bin/bash"]);
    assert!(!scratch.has("shadow"));
}

#[test]
fn no_name_server_of_the_host_is_told() {
    let scratch = Scratch::new();
    scratch.file("etc/resolv.conf", 0o644, "nameserver 10.0.0.1\n");
    scratch.file("etc/hosts", 0o644, "10.0.0.2 database.internal\n");
    scratch.generate().unwrap();
    assert!(scratch.text("resolv.conf").unwrap().lines().all(|line| line.starts_with('#')));
    assert!(!scratch.text("hosts").unwrap().contains("internal"));
    assert!(scratch.text("hosts").unwrap().contains(&format!("127.0.1.1 {}\n", super::HOSTNAME)));
    assert_eq!(scratch.text("hostname").unwrap().trim_end(), super::HOSTNAME);
}

#[test]
fn an_earlier_folder_and_the_remainder_of_a_crash_are_replaced() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.target().join("old")).unwrap();
    fs::create_dir_all(scratch.0.join("etc.new/half")).unwrap();
    scratch.generate().unwrap();
    scratch.generate().unwrap();
    assert!(scratch.has("passwd") && !scratch.has("old") && !scratch.has("half"));
    assert!(!scratch.0.join("etc.new").exists());
}

#[test]
fn too_much_content_is_an_error_that_names_the_file_and_leaves_the_target_alone() {
    let scratch = Scratch::new();
    scratch.generate().unwrap();
    scratch.file("etc/fonts/huge", 0o644, "");
    fs::File::create(scratch.host().join("etc/fonts/huge")).unwrap().set_len(super::MAX_BYTES + 1).unwrap();
    scratch.file("etc/magic", 0o644, "x");
    let error = scratch.generate().unwrap_err();
    assert!(matches!(&error, EtcError::TooLarge { path } if path == Path::new("fonts/huge")), "{error}");
    assert!(scratch.has("passwd") && !scratch.has("magic"));
    assert!(!scratch.0.join("etc.new").exists());
}

#[test]
fn a_host_without_etc_is_an_error_that_names_it() {
    let scratch = Scratch::new();
    fs::remove_dir(scratch.host().join("etc")).unwrap();
    let error = scratch.generate().unwrap_err();
    assert!(matches!(&error, EtcError::File { path, .. } if path == Path::new("etc")), "{error}");
    assert!(!scratch.target().exists());
}

#[test]
fn on_this_host_no_copied_file_was_closed_to_anybody_and_no_link_is_lost() {
    let scratch = Scratch::new();
    generate(Path::new("/"), &scratch.target()).unwrap();
    let ours = ["passwd", "group", "hosts", "host.conf", "hostname", "resolv.conf", "nsswitch.conf", "profile"];
    let ours: Vec<_> = [&ours[..], &["bash.bashrc", "networks", "mtab"]].concat();
    for path in all_below(&scratch.target()) {
        let name = path.strip_prefix(scratch.target()).unwrap();
        let is_link = path.is_symlink();
        if ours.iter().any(|own| name == Path::new(own)) || path.is_dir() && !is_link {
            continue;
        }
        let source = Path::new("/etc").join(name).metadata().unwrap();
        assert!(source.mode() & 0o004 != 0, "{}", name.display());
        if is_link {
            let text = fs::read_link(&path).unwrap();
            let inside = Path::new("/etc").join(name).parent().unwrap().join(text);
            assert!(inside.exists(), "{}", name.display());
        }
    }
    assert!(scratch.has("os-release"));
}
