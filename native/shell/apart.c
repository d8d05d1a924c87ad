/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Texts that leave the living shell as it is: run once and for all, or in a subshell of their own.
 */
#include "bash.h"
#include "session.h"

#include <fcntl.h>
#include <sys/wait.h>

static void run_and_exit(struct request *request) __attribute__((noreturn));

static void run_and_exit(struct request *request) {
  standard_take(request);
  if (request->text == NULL || loan_begin(request) < 0) exit_shell(EXECUTION_FAILURE);
  char *text = request->text;
  guard_close(GUARD_HOME);
  run_last(text);
}

void apart_once(struct request *request) {
  guard_close(GUARD_CONTROL);
  guard_close(GUARD_NULL);
  run_and_exit(request);
}

/* As bash does for `( text )`, but in a session of its own and with all of its parent's jobs forgotten. */
static void become_subshell(void) {
  setsid();
  subshell_level++;
  subshell_environment = SUBSHELL_PAREN;
  interrupt_state = 0;
  reset_terminating_signals();
  clear_pending_traps();
  restore_original_signals();
  if (!signal_is_ignored(SIGINT)) set_signal_handler(SIGINT, SIG_DFL);
  without_job_control();
  coproc_closeall();
  clear_fifo_list();
}

static void wait_for_gate(int gate) {
  char byte;
  for (;;) {
    ssize_t got = read(gate, &byte, 1);
    if (got == 0) break;
    if (got < 0 && errno != EINTR) _exit(EXECUTION_FAILURE);
  }
  plain_close(gate);
}

static void live_apart(struct request *request, const sigset_t *mask) {
  become_subshell();
  sigprocmask(SIG_SETMASK, mask, NULL);
  wait_for_gate(request->gate);
  request->gate = -1;
  run_and_exit(request);
}

/* In the process between: its child is init's as soon as it exits. */
static void fork_again(struct request *request, const int report[2], const sigset_t *mask) {
  pid_t pid = fork();
  if (pid == 0) {
    plain_close(report[0]);
    plain_close(report[1]);
    live_apart(request, mask);
  }
  int told = pid < 0 ? -errno : pid;
  _exit(write(report[1], &told, sizeof told) == sizeof told ? 0 : 1);
}

static int read_report(int report) {
  int told;
  ssize_t got;
  do got = read(report, &told, sizeof told);
  while (got < 0 && errno == EINTR);
  return got == sizeof told ? told : -EAGAIN;
}

static int fork_twice(struct request *request, const sigset_t *mask) {
  int report[2], status;
  if (pipe2(report, O_CLOEXEC) < 0) return -errno;
  pid_t between = fork();
  if (between == 0) fork_again(request, report, mask);
  int failure = between < 0 ? -errno : 0;
  plain_close(report[1]);
  int told = failure < 0 ? failure : read_report(report[0]);
  plain_close(report[0]);
  while (failure == 0 && wait4(between, &status, 0, NULL) < 0 && errno == EINTR) continue;
  return told;
}

int apart_fork(struct request *request) {
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before); /* bash must not reap the process between */
  int told = fork_twice(request, &before);
  sigprocmask(SIG_SETMASK, &before, NULL);
  free(request->text);
  return told;
}
