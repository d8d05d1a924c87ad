//! Classic BPF as the kernel runs it, as far as seccomp allows it; panics where the kernel would refuse the program.

use crate::seccomp::SockFilter;

pub struct Run {
    pub decision: u32,
    pub steps: usize,
}

pub fn run(program: &[SockFilter], data: &libc::seccomp_data) -> Run {
    let (mut at, mut word, mut steps) = (0, 0, 0);
    loop {
        let SockFilter { code, jt, jf, k } = program[at];
        at += 1;
        steps += 1;
        let jump = |yes: bool| usize::from(if yes { jt } else { jf });
        match code {
            0x20 => word = load(data, k),
            0x54 => word &= k,
            0x05 => at += k as usize,
            0x15 => at += jump(word == k),
            0x35 => at += jump(word >= k),
            0x45 => at += jump(word & k != 0),
            0x06 => return Run { decision: k, steps },
            _ => panic!("unknown code {code:#x} at {at}"),
        }
    }
}

fn load(data: &libc::seccomp_data, offset: u32) -> u32 {
    let half = |arg: u64, high: bool| if high { (arg >> 32) as u32 } else { arg as u32 };
    match offset {
        0 => data.nr as u32,
        4 => data.arch,
        16..64 if offset.is_multiple_of(4) => {
            let arg = data.args[(offset as usize - 16) / 8];
            half(arg, (offset % 8 == 4) == cfg!(target_endian = "little"))
        }
        _ => panic!("load from {offset}"),
    }
}
