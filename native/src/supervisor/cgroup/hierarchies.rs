//! Where this process stands in each hierarchy.

use std::fs;
use std::io;
use std::path::PathBuf;

/// `None`: the host does not have it.
#[derive(Debug, Default)]
pub(super) struct Hierarchies {
    pub v2: Option<PathBuf>,
    pub memory: Option<PathBuf>,
    pub pids: Option<PathBuf>,
    pub cpu: Option<PathBuf>,
}

impl Hierarchies {
    pub fn read() -> io::Result<Self> {
        Ok(Self::parse(&fs::read_to_string("/proc/self/cgroup")?, &fs::read_to_string("/proc/self/mountinfo")?))
    }

    /// On pure version 2 the root is used, as container engines do: only there may controllers be enabled while
    /// processes stand beside.
    fn parse(membership: &str, mounts: &str) -> Self {
        let mut found = Self::default();
        for line in membership.lines() {
            let mut fields = line.splitn(3, ':');
            let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
                continue;
            };
            for controller in controllers.split(',') {
                let slot = match controller {
                    "" => &mut found.v2,
                    "memory" => &mut found.memory,
                    "pids" => &mut found.pids,
                    "cpu" => &mut found.cpu,
                    _ => continue,
                };
                *slot = mount_of(mounts, controller).map(|mount| mount.join(path.trim_start_matches('/')));
            }
        }
        if found.memory.is_none() {
            found.v2 = mount_of(mounts, "");
        }
        found
    }
}

/// Mount point of the hierarchy with this controller; `""` is version 2.
fn mount_of(mounts: &str, controller: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut after = after.split(' ');
        let (kind, _, options) = (after.next()?, after.next()?, after.next()?);
        let matches = match controller {
            "" => kind == "cgroup2",
            name => kind == "cgroup" && options.split(',').any(|option| option == name),
        };
        matches.then(|| before.split(' ').nth(4).map(PathBuf::from))?
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const HYBRID: &str = "\
30 20 0:25 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
31 20 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
32 20 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
33 20 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn a_hybrid_host_gives_its_own_place_in_each_hierarchy() {
        let found = Hierarchies::parse("4:memory:/a/b\n3:pids:/\n1:cpu:/\n0::/c\n", HYBRID);
        assert_eq!(found.memory.as_deref(), Some(Path::new("/sys/fs/cgroup/memory/a/b")));
        assert_eq!(found.v2.as_deref(), Some(Path::new("/sys/fs/cgroup/unified/c")));
        assert!(found.pids.is_some() && found.cpu.is_some());
    }

    #[test]
    fn a_version_2_host_gives_the_root() {
        let mounts = "24 1 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";
        let found = Hierarchies::parse("0::/user.slice\n", mounts);
        assert_eq!(found.v2.as_deref(), Some(Path::new("/sys/fs/cgroup")));
        assert!(found.memory.is_none());
    }
}
