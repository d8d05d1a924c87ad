#![allow(clippy::unwrap_used, reason = "a test fails by its panic")]

mod copied;
mod made;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

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
