/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of this folder are to each other.
 */
#ifndef ATOLL_SHELL_SESSION_H
#define ATOLL_SHELL_SESSION_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

/* ---- guard.c: descriptors that the user's text cannot name ---- */

enum guarded { GUARD_CONTROL, GUARD_NULL, GUARD_HOME, GUARD_COUNT };

/* Moves `fd` out of the way and hides it from bash; children of the shell never have it. 0, or -1 with errno. */
int guard_take(enum guarded which, int fd);
/* The hidden descriptor, or -1. */
int guard_fd(enum guarded which);
void guard_close(enum guarded which);
/* dup2() and close() that know of nothing hidden. */
int plain_dup2(int from, int to);
int plain_close(int fd);

/* ---- request.c: one message of init ---- */

struct request {
  uint32_t tag, flags;
  int in, out, err, gate, snapshot; /* -1 where there is none */
  char *cwd;                        /* NULL: stay */
  char *env;                        /* "NAME=value\0" each */
  size_t env_bytes;
  char *text; /* NULL: it held a NUL byte. parse_and_execute() takes and frees it */
};

/* Waits for the next one. Ends the process, without any trap of the user, when init is gone or talks nonsense. */
void request_receive(struct request *request);
/* Closes what was not taken, frees everything but the text. */
void request_close(struct request *request);
void answer_send(struct atoll_answer *answer, const char *cwd);

/* ---- standard.c: descriptors 0 to 2 ---- */

void standard_take(struct request *request);
/* Writes out what bash still holds, forgets what cannot be written, then puts /dev/null on all three. */
void standard_rest(void);
/* Closes copies of this command's pipes that bash had put aside for a redirection it never undid. */
void standard_close_strays(void);

/* ---- cost.c: what a command cost ---- */

void cost_begin(void);
void cost_end(struct atoll_answer *answer);

/* ---- jobs.c: jobs of earlier commands ---- */

/* From here on no job of an earlier command prints a notice when a signal ends it. */
void jobs_settle(void);
/* `status`, as bash shall see it for a process that was just reaped. */
int jobs_quiet_status(pid_t pid, int status);
/* Remembers the process substitutions that live already. */
void procsubs_note(void);
/* 1 if one started since the note still runs. */
int procsubs_left(void);

/* ---- loan.c: env and cwd for one command ---- */

/* 0, or -1 after a complaint on standard error; what was lent until then is still to be returned. */
int loan_begin(const struct request *request);
/* Takes back what the command did not change itself. */
void loan_end(void);

/* ---- escape.c: where exit() leads while a text runs ---- */

/* Beside bash's own codes of a jump: exit() was called, the EXIT trap has run. */
#define ESCAPE_EXIT 64

extern sigjmp_buf escape_point;
/* While on, exit() in the shell's own process jumps to `escape_point`. */
void escape_arm(int on);
/* What exit() was called with. */
int escape_status(void);
/* 0 in a process that was forked off the session's shell. */
int escape_is_shell(void);

/* ---- run.c: one text ---- */

/* Makes the loop what bash's own reader would be: nothing above it to unwind into. */
void run_settle(void);
/* Runs the text in this shell and gives its status; `exit` and errors that end a shell end only the text. */
int run_text(char *text);
/* Runs the text as `bash -c` would, last. */
void run_last(char *text) __attribute__((noreturn));

/* ---- apart.c: texts that leave the living shell as it is ---- */

void apart_once(struct request *request) __attribute__((noreturn));
/* The pid of the subshell that waits for its gate, or a negated errno. */
int apart_fork(struct request *request);

/* ---- save.c, restore.c: the state in the snapshot (format in state.h) ---- */

/* Maps the memfd and closes it. 0, or -1. */
int state_map(int fd);
/* 1 if the state of the snapshot is now the shell's; 0 if there was none to be trusted, and nothing has changed. */
int state_restore(void);
void state_save(void);
/* 1 if the last save did not fit, so that the snapshot is older than the shell. */
int state_is_stale(void);

#endif
