//! What the kernel says was applied.

use std::io;

use crate::wire::inside::Facts;

/// Name and identity (`user:[4026531837]`) of each namespace of a process.
pub type NamespaceIds = Vec<(&'static str, String)>;

const NAMES: [&str; 8] = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];

/// Of the calling process.
pub fn namespace_ids() -> io::Result<NamespaceIds> {
    NAMES.iter().map(|name| Ok((*name, read_id(name)?))).collect()
}

fn read_id(name: &str) -> io::Result<String> {
    Ok(std::fs::read_link(format!("/proc/self/ns/{name}"))?.to_string_lossy().into_owned())
}

/// Fails where a namespace is still the host's.
pub fn facts(host: &NamespaceIds) -> io::Result<Facts> {
    let mut namespaces = Vec::with_capacity(host.len());
    for (name, outside) in host {
        if read_id(name)? == *outside {
            return Err(io::Error::other(format!("the {name} namespace is the host's")));
        }
        namespaces.push((*name).to_owned());
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let no_new_privs = field(&status, "NoNewPrivs:") == Some("1");
    let bounding = field(&status, "CapBnd:").and_then(|text| u64::from_str_radix(text, 16).ok());
    let (true, Some(0)) = (no_new_privs, bounding) else {
        return Err(io::Error::other("privileges can still be gained"));
    };
    Ok(Facts { namespaces, seccomp: true, no_new_privs, capabilities: 0 })
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}
