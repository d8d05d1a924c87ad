/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two ways out of a text that bash means to be the end of the shell, besides its jumps to `top_level` (run.c).
 * This library is preloaded, so bash's exit() and sigaction() come here first.
 */
#include "bash.h"
#include "session.h"

#include <dlfcn.h>

sigjmp_buf escape_point;

static volatile sig_atomic_t armed;
static pid_t shell_pid;
static int called_with;

void escape_arm(int on) {
  if (shell_pid == 0) shell_pid = getpid();
  armed = on;
}

int escape_is_shell(void) { return getpid() == shell_pid; }

int escape_status(void) { return called_with; }

/* A syntax error under `set -e`, an `exec` that fails: bash exits at once, its EXIT trap has run by then. */
void exit(int status) {
  if (armed && escape_is_shell()) {
    called_with = status & 255;
    siglongjmp(escape_point, ESCAPE_EXIT);
  }
  void (*plain_exit)(int) = (void (*)(int))dlsym(RTLD_NEXT, "exit");
  if (plain_exit != NULL) plain_exit(status);
  _exit(status);
}

/* An interrupt ends the text, not the shell, as in an interactive one. bash would set its deadly handler again
   whenever a text sets an EXIT trap or takes back one for INT. */
int sigaction(int signal, const struct sigaction *action, struct sigaction *before) {
  static int (*plain_sigaction)(int, const struct sigaction *, struct sigaction *);
  if (plain_sigaction == NULL)
    plain_sigaction = (int (*)(int, const struct sigaction *, struct sigaction *))dlsym(RTLD_NEXT, "sigaction");
  struct sigaction softer;
  int deadly = signal == SIGINT && action != NULL && action->sa_handler == termsig_sighandler;
  if (deadly && armed && escape_is_shell()) {
    softer = *action;
    softer.sa_handler = sigint_sighandler;
    action = &softer;
  }
  return plain_sigaction(signal, action, before);
}
