/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What init and a session's shell say to each other: datagrams on one SOCK_SEQPACKET pair,
 * in the machine's own byte order (both ends are one host). native/src/init/shell_wire.rs is the other half.
 *
 * The shell is started as
 *   bash --norc --noprofile -c 'enable -f /opt/atoll/session.so atoll_session; atoll_session 3'
 * with LD_PRELOAD=/opt/atoll/session.so (so that its waitpid() counts what each child cost) and descriptor 3 as its end of the pair.
 */
#ifndef ATOLL_SHELL_WIRE_H
#define ATOLL_SHELL_WIRE_H

#include <stdint.h>

/* init -> shell: header, then `body` = cwd bytes, env bytes ("NAME=value\0" each), text bytes.
 * A body of more than ATOLL_INLINE_BYTES comes in a memfd instead (ATOLL_BODY_IN_MEMFD). */
enum { ATOLL_START = 1, ATOLL_RUN = 2 };

/* ATOLL_START, once, first. Descriptors: the snapshot memfd. With ATOLL_RESTORE: take the state from it. Answer: ATOLL_READY. */
/* ATOLL_RUN. Descriptors, in this order: [stdin] stdout stderr [gate] [body memfd]; those in brackets when their flag says so. */
enum {
  ATOLL_RESTORE = 1,
  ATOLL_HAS_STDIN = 2,      /* else standard input is /dev/null */
  ATOLL_BODY_IN_MEMFD = 4,
  ATOLL_ONCE = 8,           /* run the text, then exit with its status: the kernel's wait status is the answer */
  ATOLL_BACKGROUND = 16,    /* fork a subshell off, answer ATOLL_FORKED; it waits until `gate` reads end of file, then runs */
};

struct atoll_request {
  uint32_t tag;
  uint32_t flags;
  uint32_t cwd_bytes;   /* 0: stay */
  uint32_t env_bytes;
  uint32_t text_bytes;
  uint32_t reserved;
};

/* shell -> init: header, then cwd bytes (ATOLL_DONE). */
enum { ATOLL_READY = 1, ATOLL_DONE = 2, ATOLL_FORKED = 3 };

/* ATOLL_DONE: a process substitution still runs; its output may still come. */
/* ATOLL_DONE: the state before this command did not fit into the snapshot; a restart would bring back an older one. */
enum { ATOLL_PROCSUB_LEFT = 1, ATOLL_STATE_TOO_LARGE = 2 };

struct atoll_answer {
  uint32_t tag;
  uint32_t flags;
  int32_t status;       /* ATOLL_DONE: $? ; ATOLL_READY: 1 if the snapshot was restored; ATOLL_FORKED: pid, or a negated errno */
  uint32_t cwd_bytes;
  uint64_t cpu_user_us;
  uint64_t cpu_system_us;
  uint64_t max_rss_bytes;
};

#define ATOLL_INLINE_BYTES 100000u
#define ATOLL_MAX_FDS 6
/* The snapshot memfd is sparse and of this size; the shell maps it shared. */
#define ATOLL_SNAPSHOT_BYTES (64u * 1024u * 1024u)

#endif
