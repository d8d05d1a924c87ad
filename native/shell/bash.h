/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What of bash this builtin stands on: its installed headers, and the few names that bash exports without a header.
 */
#ifndef ATOLL_SHELL_BASH_H
#define ATOLL_SHELL_BASH_H

#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell.h"

#include "alias.h"
#include "array.h"
#include "arrayfunc.h"
#include "assoc.h"
#include "bashjmp.h"
#include "builtins.h"
#include "builtins/common.h"
#include "execute_cmd.h"
#include "jobs.h"
#include "quit.h"
#include "sig.h"
#include "unwind_prot.h"
#include "version.h"

/* Of its traps. EXIT, DEBUG, ERR and RETURN are numbered around the signals. */
#define EXIT_TRAP 0
#define DEBUG_TRAP NSIG
#define TRAP_COUNT (NSIG + 3)
extern int running_trap;
extern char *trap_list[];
extern int run_exit_trap(void);
extern int signal_is_trapped(int);
extern int signal_is_ignored(int);
extern void run_trap_cleanup(int);
extern void restore_default_signal(int);
extern void restore_original_signals(void);
extern void clear_pending_traps(void);

/* Of its parser, options and input. */
extern int read_but_dont_execute;
extern int want_pending_command;
extern int expand_aliases;
extern int line_number;
extern void zreset(void);

/* Of its jobs and process substitutions. */
extern struct procchain procsubs;
extern void cleanup_the_pipeline(void);
extern void unlink_fifo_list(void);
extern void clear_fifo_list(void);

#endif
