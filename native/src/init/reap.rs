//! Ends of processes: of our own, and of whoever was left to PID 1.

use std::io;

use super::command::Cost;
use super::{Child, Init, spawn};
use crate::wire::inside::Ended;

struct Death {
    pid: i32,
    ended: Ended,
    cost: Cost,
}

impl Init {
    pub(super) fn reap(&mut self) -> io::Result<()> {
        while let Some(death) = next_death() {
            match self.children.remove(&death.pid) {
                Some(Child::Shell { session }) => self.shell_ended(session, death.pid, death.ended, &death.cost)?,
                Some(Child::Main { command }) => self.main_ended(command, death)?,
                None => {}
            }
        }
        Ok(())
    }

    fn main_ended(&mut self, command: u32, death: Death) -> io::Result<()> {
        let report = self.commands.get_mut(&command).and_then(|command| command.report.take());
        if let Some((step, errno)) = report.as_ref().and_then(spawn::read_report) {
            return self.spawn_failed(command, step, errno);
        }
        // A tree that is killed goes within moments; one that ends by itself may leave a daemon with our pipe.
        let lingers = matches!(death.ended, Ended::Signalled { .. });
        self.ended(command, death.ended, death.cost, Vec::new(), lingers)
    }
}

fn next_death() -> Option<Death> {
    let mut status = 0;
    // SAFETY: rusage is plain data.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values of the right types.
    let pid = unsafe { libc::wait4(-1, &raw mut status, libc::WNOHANG | libc::__WALL, &raw mut usage) };
    if pid <= 0 {
        return None;
    }
    let ended = if libc::WIFSIGNALED(status) {
        Ended::Signalled { signal: libc::WTERMSIG(status) as u8 }
    } else {
        Ended::Exited { code: libc::WEXITSTATUS(status) as u8 }
    };
    let micros = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
    let cost = Cost {
        cpu_user_us: micros(usage.ru_utime),
        cpu_system_us: micros(usage.ru_stime),
        max_rss_bytes: usage.ru_maxrss as u64 * 1024,
    };
    Some(Death { pid, ended, cost })
}
