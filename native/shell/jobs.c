/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Jobs of earlier commands stay in bash's table, but their death is no news for the command that runs then.
 * bash prints a notice for a job that a signal killed; told that it exited with 128 + the signal, it prints none,
 * and `wait` gives the same status.
 */
#include "bash.h"
#include "session.h"

#include <sys/wait.h>

/* A flag of ours in JOB.flags; bash uses the low byte. */
#define FROM_EARLIER_COMMAND 0x10000

#define MOST_NOTED 64

static int exited_instead(int status) { return WIFSIGNALED(status) ? (128 + WTERMSIG(status)) << 8 : status; }

static PROCESS *find_process(JOB *job, pid_t pid) {
  PROCESS *process = job->pipe;
  do {
    if (process->pid == pid) return process;
    process = process->next;
  } while (process != job->pipe);
  return NULL;
}

static void quieten(JOB *job) {
  PROCESS *process = job->pipe;
  job->flags |= FROM_EARLIER_COMMAND;
  do {
    if (PDEADPROC(process)) process->status = exited_instead(process->status);
    process = process->next;
  } while (process != job->pipe);
}

void jobs_settle(void) {
  if (js.j_njobs == 0) return;
  sigset_t child, before;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, &before);
  for (int i = 0; i < js.j_jobslots; i++)
    if (jobs[i] != NULL) quieten(jobs[i]);
  sigprocmask(SIG_SETMASK, &before, NULL);
}

int jobs_quiet_status(pid_t pid, int status) {
  if (!WIFSIGNALED(status)) return status;
  for (int i = 0; i < js.j_jobslots; i++) {
    JOB *job = jobs[i];
    if (job == NULL || (job->flags & (FROM_EARLIER_COMMAND | J_FOREGROUND)) != FROM_EARLIER_COMMAND) continue;
    if (find_process(job, pid) != NULL) return exited_instead(status);
  }
  return status;
}

static pid_t noted[MOST_NOTED];
static int noted_count;

void procsubs_note(void) {
  noted_count = 0;
  for (PROCESS *p = procsubs.head; p != NULL && noted_count < MOST_NOTED; p = p->next)
    if (PALIVE(p)) noted[noted_count++] = p->pid;
}

static int is_noted(pid_t pid) {
  for (int i = 0; i < noted_count; i++)
    if (noted[i] == pid) return 1;
  return 0;
}

/* bash may not have heard of its end yet. */
static int has_ended(pid_t pid) {
  siginfo_t info = {0};
  return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == pid;
}

int procsubs_left(void) {
  for (PROCESS *p = procsubs.head; p != NULL; p = p->next)
    if (PALIVE(p) && !is_noted(p->pid) && !has_ended(p->pid)) return 1;
  return 0;
}
