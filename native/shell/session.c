/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The builtin `atoll_session`: a shell of ours inside bash.
 *
 * Theory of operation: init starts bash as wire.h says; this builtin never returns. Its loop waits for a message on
 * the control socket, gives the text to bash as data with the command's own descriptors on 0 to 2, tells the status
 * and writes the state to the snapshot. The loop is C: no function, alias, trap, option or variable of the user can
 * change what it does. When init closes its end, the shell ends.
 */
#include "bash.h"
#include "session.h"

#include <fcntl.h>
#include <sys/stat.h>

extern struct builtin atoll_session_struct;

static void keep_apart(int control) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || guard_take(GUARD_NULL, null) < 0 || guard_take(GUARD_CONTROL, control) < 0) _exit(EX_BADUSAGE);
}

/* `type`, `enable` and `help` know nothing of us. */
static void forget_builtin(void) {
  int at = 0;
  while (at < num_shell_builtins && shell_builtins[at].function != atoll_session_struct.function) at++;
  if (at == num_shell_builtins) return;
  num_shell_builtins--;
  memmove(&shell_builtins[at], &shell_builtins[at + 1], (size_t)(num_shell_builtins - at) * sizeof *shell_builtins);
  memset(&shell_builtins[num_shell_builtins], 0, sizeof *shell_builtins);
}

static void forget_start(void) {
  forget_builtin();
  unbind_variable("BASH_EXECUTION_STRING");
  unbind_variable("LD_PRELOAD");
  bind_variable("_", dollar_vars[0], 0);
  shopt_setopt("expand_aliases", 1);
  set_exit_status(EXECUTION_SUCCESS);
}

static int begin(struct request *request) {
  if (request->text == NULL) {
    fprintf(stderr, "%s: the command text holds a NUL byte\n", dollar_vars[0]);
    return -1;
  }
  return loan_begin(request);
}

static int run_here(struct request *request) {
  int status = EXECUTION_FAILURE;
  jobs_settle();
  procsubs_note();
  standard_take(request);
  if (begin(request) == 0)
    status = run_text(request->text);
  else
    free(request->text);
  loan_end();
  set_exit_status(status);
  return status;
}

static void serve_here(struct request *request) {
  struct atoll_answer answer = {.tag = ATOLL_DONE};
  cost_begin();
  answer.status = run_here(request);
  standard_rest();
  if (procsubs_left()) answer.flags |= ATOLL_PROCSUB_LEFT;
  if (state_is_stale()) answer.flags |= ATOLL_STATE_TOO_LARGE;
  cost_end(&answer);
  answer_send(&answer, the_current_working_directory);
  request_close(request);
  state_save();
}

static void serve_apart(struct request *request) {
  struct atoll_answer answer = {.tag = ATOLL_FORKED, .status = apart_fork(request)};
  request_close(request);
  answer_send(&answer, NULL);
}

static void serve(struct request *request) {
  if (request->tag != ATOLL_RUN) _exit(EX_BADUSAGE);
  if (request->flags & ATOLL_ONCE) apart_once(request);
  if (request->flags & ATOLL_BACKGROUND)
    serve_apart(request);
  else
    serve_here(request);
}

static void start(void) {
  struct request request;
  struct atoll_answer answer = {.tag = ATOLL_READY};
  request_receive(&request);
  if (request.tag != ATOLL_START || state_map(request.snapshot) < 0) _exit(EX_BADUSAGE);
  if (request.flags & ATOLL_RESTORE) answer.status = state_restore();
  free(request.text);
  state_save();
  answer_send(&answer, NULL);
}

static int atoll_session_builtin(WORD_LIST *list) {
  static int running;
  intmax_t control;
  if (running || list == NULL || !legal_number(list->word->word, &control) || !STREQ(dist_version, DISTVERSION)) {
    builtin_error("not here");
    return EXECUTION_FAILURE;
  }
  running = 1;
  keep_apart((int)control);
  standard_rest();
  run_settle();
  forget_start();
  start();
  for (;;) {
    struct request request;
    request_receive(&request);
    serve(&request);
  }
}

static char *const documentation[] = {"Serves a session's commands over a socket. Started by init only.", NULL};

struct builtin atoll_session_struct = {
    "atoll_session", atoll_session_builtin, BUILTIN_ENABLED, documentation, "atoll_session descriptor", NULL,
};
