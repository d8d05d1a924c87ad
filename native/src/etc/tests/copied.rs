//! What of the host comes along, and what does not.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{Scratch, all_below, generate};

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
