/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a command cost. bash reaps by waitpid(), which tells nothing of a child's memory; this library is preloaded,
 * so its waitpid() is the one that bash calls, and asks the kernel for the child's usage too.
 */
#include "session.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

static struct rusage own_start, children_start;
static long peak_kib;

pid_t waitpid(pid_t pid, int *status, int options) {
  struct rusage usage;
  int seen;
  pid_t reaped = wait4(pid, &seen, options, &usage);
  if (reaped <= 0) return reaped;
  if (WIFEXITED(seen) || WIFSIGNALED(seen)) {
    if (usage.ru_maxrss > peak_kib) peak_kib = usage.ru_maxrss;
    seen = jobs_quiet_status(reaped, seen);
  }
  if (status != NULL) *status = seen;
  return reaped;
}

void cost_begin(void) {
  getrusage(RUSAGE_SELF, &own_start);
  getrusage(RUSAGE_CHILDREN, &children_start);
  peak_kib = 0;
}

static uint64_t microseconds(struct timeval from, struct timeval to) {
  struct timeval passed;
  timersub(&to, &from, &passed);
  return (uint64_t)passed.tv_sec * 1000000u + (uint64_t)passed.tv_usec;
}

void cost_end(struct atoll_answer *answer) {
  struct rusage own, children;
  getrusage(RUSAGE_SELF, &own);
  getrusage(RUSAGE_CHILDREN, &children);
  answer->cpu_user_us = microseconds(own_start.ru_utime, own.ru_utime) +
                        microseconds(children_start.ru_utime, children.ru_utime);
  answer->cpu_system_us = microseconds(own_start.ru_stime, own.ru_stime) +
                          microseconds(children_start.ru_stime, children.ru_stime);
  answer->max_rss_bytes = (uint64_t)(peak_kib > 0 ? peak_kib : own.ru_maxrss) * 1024u;
}
