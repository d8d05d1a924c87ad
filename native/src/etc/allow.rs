//! What may be copied from the host's `/etc`: names of which we know what is in them.
//! Left out on purpose: whatever may name a host, a proxy, a user or a token (`npmrc`, `pip.conf`, `gitconfig`,
//! `wgetrc`, `maven/settings.xml`, `environment`, `machine-id`, …).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Paths under `/etc`; with a folder goes all that is in it. A `*` stands for any part of one name.
const ALLOWED: &[&str] = &[
    // Which system this is.
    "os-release",
    "debian_version",
    "lsb-release",
    "redhat-release",
    "fedora-release",
    "system-release",
    "alpine-release",
    "arch-release",
    // The dynamic loader, and which program a name stands for.
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "ld-musl-*.path",
    "alternatives",
    // Who may be trusted: public certificates, and how TLS is used. Never `private` folders.
    "ssl/certs",
    "ssl/cert.pem",
    "ssl/openssl.cnf",
    "ssl/ct_log_list.cnf",
    "ca-certificates.conf",
    "pki/tls/certs",
    "pki/tls/cert.pem",
    "pki/tls/openssl.cnf",
    "pki/ca-trust/extracted",
    "pki/java/cacerts",
    "crypto-policies",
    "gnutls",
    // Place, language, terminal.
    "localtime",
    "timezone",
    "locale.alias",
    "locale.gen",
    "locale.conf",
    "default/locale",
    "inputrc",
    "terminfo",
    "fonts",
    "papersize",
    // Tables of names and kinds.
    "mime.types",
    "magic",
    "magic.mime",
    "protocols",
    "services",
    "rpc",
    "ethertypes",
    "shells",
    "sgml",
    "xml",
    // Languages and tools whose configuration lives here.
    "python3*",
    "perl",
    "java-*",
    "maven/m2.conf",
    "maven/logging",
    "R/Renviron",
    "R/Makeconf",
    "R/ldpaths",
    "R/repositories",
    "php/*/mods-available",
    "php/*/cli/conf.d",
    "mono",
    "dotnet",
    "ocamlfind.conf",
    "texmf",
    "ImageMagick-*",
    "groff",
    "manpath.config",
];

/// What a path has to do with the allow-list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Listed, or inside a listed folder.
    Covered,
    /// A folder on the way to something listed.
    Leads,
    Outside,
}

/// `path` is relative to `/etc`.
pub(super) fn reach(path: &Path) -> Reach {
    let reaches = || ALLOWED.iter().map(|pattern| reach_of(pattern, path));
    if reaches().any(|reach| reach == Reach::Covered) {
        Reach::Covered
    } else if reaches().any(|reach| reach == Reach::Leads) {
        Reach::Leads
    } else {
        Reach::Outside
    }
}

fn reach_of(pattern: &str, path: &Path) -> Reach {
    let mut names = path.iter();
    for part in pattern.split('/') {
        match names.next() {
            None => return Reach::Leads,
            Some(name) if matches(part, name) => {}
            Some(_) => return Reach::Outside,
        }
    }
    Reach::Covered
}

fn matches(part: &str, name: &OsStr) -> bool {
    let name = name.as_bytes();
    match part.split_once('*') {
        None => part.as_bytes() == name,
        Some((head, tail)) => {
            name.len() >= head.len() + tail.len()
                && name.starts_with(head.as_bytes())
                && name.ends_with(tail.as_bytes())
        }
    }
}
