//! The files that are ours, the same on every host.

use std::path::Path;

use super::EtcError;
use super::copy::Output;

/// The host name that `/etc/hostname` and `/etc/hosts` tell.
pub const HOSTNAME: &str = "sandbox";

/// Without a password for anybody, and so without `shadow`.
const PASSWD: &str = "\
root:*:0:0:root:/root:/bin/bash
sandboxuser:*:1000:1000::/home/sandboxuser:/bin/bash
nobody:*:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
";

/// `tty` as devpts is mounted with it.
const GROUP: &str = "\
root:*:0:
tty:*:5:
sandboxuser:*:1000:
nogroup:*:65534:
";

const HOSTS: &str = "\
127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
127.0.1.1 sandbox
";

const RESOLV_CONF: &str = "# No name server: this sandbox has no network.\n";

const NSSWITCH_CONF: &str = "\
passwd: files
group: files
shadow: files
hosts: files dns
networks: files
protocols: files
services: files
ethers: files
rpc: files
";

const PROFILE: &str = "\
# Login shells. The environment is built outside; this fills in what a program took away.
PATH=\"${PATH:-/usr/local/bin:/usr/bin:/bin}\"
export PATH
if [ -n \"${BASH_VERSION-}\" ]; then
  . /etc/bash.bashrc
fi
";

const BASHRC: &str = "\
# Interactive shells.
case $- in
  *i*)
    shopt -s checkwinsize
    PS1='\\u@\\h:\\w\\$ '
    ;;
esac
";

const FILES: [(&str, &str); 10] = [
    ("passwd", PASSWD),
    ("group", GROUP),
    ("hosts", HOSTS),
    ("host.conf", "multi on\n"),
    ("hostname", "sandbox\n"),
    ("resolv.conf", RESOLV_CONF),
    ("nsswitch.conf", NSSWITCH_CONF),
    ("profile", PROFILE),
    ("bash.bashrc", BASHRC),
    ("networks", "loopback 127.0.0.0\n"),
];

pub(super) fn write(out: &mut Output) -> Result<(), EtcError> {
    for (name, text) in FILES {
        out.file(Path::new(name), text.as_bytes(), false)?;
    }
    out.link(Path::new("mtab"), Path::new("/proc/self/mounts"))
}
