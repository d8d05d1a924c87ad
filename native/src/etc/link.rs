//! What becomes of a symlink of the host.

use std::path::{Component, Path, PathBuf};

use rustix::fs::FileType;

use super::EtcError;
use super::allow::{Reach, reach};
use super::host::{Found, Host};

/// The merged names of folders of `/usr`, which every default root has.
const USR_NAMES: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Stays a link with this text.
    Keep(PathBuf),
    /// Becomes a file with the content of this path of the host.
    Copy(PathBuf),
    Drop,
}

/// `path` is the link's, relative to the host's root.
pub(super) fn fate(host: &Host, link: &Found, path: &Path) -> Result<Fate, EtcError> {
    let Some((end, found)) = host.resolve(path)? else { return Ok(Fate::Drop) };
    if !has_content_inside(&end) {
        return Ok(Fate::Drop);
    }
    let text = host.link_text(link, path)?;
    if has_name_inside(&named_by(path, &text)) {
        Ok(Fate::Keep(text))
    } else if found.kind == FileType::RegularFile {
        Ok(Fate::Copy(end))
    } else {
        Ok(Fate::Drop)
    }
}

fn has_content_inside(path: &Path) -> bool {
    path.starts_with("usr") || is_copied(path)
}

fn has_name_inside(path: &Path) -> bool {
    has_content_inside(path) || USR_NAMES.iter().any(|name| path.starts_with(name))
}

fn is_copied(path: &Path) -> bool {
    path.strip_prefix("etc").is_ok_and(|path| reach(path) == Reach::Covered)
}

/// The path that a link's text names, without a look at the tree; relative to the root.
fn named_by(link: &Path, text: &Path) -> PathBuf {
    let start = link.parent().filter(|_| text.is_relative()).unwrap_or(Path::new(""));
    start.join(text.strip_prefix("/").unwrap_or(text)).components().fold(PathBuf::new(), |mut path, part| {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
        path
    })
}
