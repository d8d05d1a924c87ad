/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One text, evaluated as data by bash's parse_and_execute().
 *
 * Whatever would end a shell (`exit`, `set -e`, an unset variable under `set -u`, an interrupt) makes bash jump to
 * `top_level`. Its own reader sits there and exits; here the jump ends the text only, and recover() takes apart
 * what bash, about to exit, did not care to.
 */
#include "bash.h"
#include "session.h"

/* bash was started with -c and is in the middle of that text: its frames must never be unwound into. */
void run_settle(void) {
  clear_unwind_protect_list(0);
  parse_and_execute_level = executing_builtin = indirection_level = line_number = 0;
  want_pending_command = 0; /* `c` in $- */
  startup_state = 0;        /* as for a script: no exec of the last command, no notices of background jobs */
  this_shell_builtin = last_shell_builtin = NULL;
  current_builtin = NULL;
  this_command_name = NULL;
  FREE(the_printed_command_except_trap);
  the_printed_command_except_trap = NULL;
}

static void prepare(void) {
  interrupt_state = 0;
  EOF_Reached = 0;
  zreset();
  reset_parser();
  reset_readahead_token();
  if (read_but_dont_execute) {
    read_but_dont_execute = 0;
    set_shellopts();
  }
  if (!signal_is_trapped(SIGINT) && !signal_is_ignored(SIGINT)) set_signal_handler(SIGINT, sigint_sighandler);
}

static void flush_array(const char *name) {
  SHELL_VAR *variable = find_variable(name);
  if (variable != NULL && array_p(variable)) array_flush(array_cell(variable));
}

/* Leaves functions and sourced files whose frames bash dropped without running them. */
static void leave_functions(int depth) {
  for (; depth > 0; depth--) pop_dollar_vars(); /* does nothing at the outermost */
  if (variable_context != 0) reset_local_contexts();
  if (this_shell_function == NULL) return;
  this_shell_function = NULL;
  flush_array("FUNCNAME");
  flush_array("BASH_SOURCE");
  flush_array("BASH_LINENO");
  make_funcname_visible(0);
  stupidly_hack_special_variables("IFS");
}

static void leave_traps(void) {
  int exit_has_run = trap_list[EXIT_TRAP] != NULL && !signal_is_trapped(EXIT_TRAP);
  if (exit_has_run) restore_default_signal(EXIT_TRAP);
  for (int trap = 0; trap < TRAP_COUNT; trap++) run_trap_cleanup(trap);
  running_trap = 0;
  unfreeze_jobs_list();
}

static int exit_status(int code) {
  if (code == ESCAPE_EXIT) return escape_status();
  if (code == DISCARD && last_command_exit_value == 0) return EXECUTION_FAILURE;
  int interrupted = code == EXITPROG && last_command_exit_value == 128 + SIGINT;
  if (code == DISCARD || interrupted || !signal_is_trapped(EXIT_TRAP)) return last_command_exit_value;
  return run_exit_trap();
}

static int recover(int code) {
  if (!escape_is_shell()) exit_shell(last_command_exit_value); /* a subshell of the text, which ends here */
  int depth = funcnest + sourcenest + 1;
  int status = exit_status(code);
  leave_traps();
  cleanup_the_pipeline();
  stop_making_children();
  top_level_cleanup();
  leave_functions(depth);
  if (temporary_env != NULL) dispose_used_env_vars();
  executing_builtin = executing_command_builtin = evalnest = sourcenest = sourcelevel = 0;
  indirection_level = line_number = 0;
  restore_sigmask();
  standard_close_strays();
  return status;
}

static int evaluate(char *text) {
  int code = setjmp_nosigs(top_level);
  return code == NOT_JUMPED ? parse_and_execute(text, "-c", SEVAL_NOHIST | SEVAL_RESETLINE) : recover(code);
}

int run_text(char *text) {
  prepare();
  escape_arm(1);
  int code = sigsetjmp(escape_point, 0);
  int status = code == NOT_JUMPED ? evaluate(text) : recover(code);
  if (!escape_is_shell()) exit_shell(status);
  escape_arm(0);
  unlink_fifo_list();
  /* A DEBUG trap holds for the command that set it: one that exits, or vetoes by extdebug, would take the next. */
  if (signal_is_trapped(DEBUG_TRAP)) restore_default_signal(DEBUG_TRAP);
  set_exit_status(status);
  return status;
}

void run_last(char *text) {
  startup_state = 2; /* the last command may take the place of the shell */
  if (!signal_is_trapped(SIGINT) && !signal_is_ignored(SIGINT)) set_signal_handler(SIGINT, SIG_DFL);
  int code = setjmp_nosigs(top_level);
  if (code == NOT_JUMPED) last_command_exit_value = parse_and_execute(text, "-c", SEVAL_NOHIST | SEVAL_RESETLINE);
  if (code == FORCE_EOF) last_command_exit_value = 127;
  if (code == DISCARD) last_command_exit_value = EXECUTION_FAILURE;
  exit_shell(last_command_exit_value);
}
