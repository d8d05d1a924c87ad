/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Descriptors of ours that no redirection can name.
 *
 * The shell runs the user's text in the very process that holds the control socket, so `echo x >&240` or
 * `exec 240>&-` would reach it. This library is preloaded: bash's dup2(), close() and fcntl() come here first, and
 * for a hidden descriptor they answer EBADF, as if it were not open. A redirection onto its number makes it step aside.
 */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(long) == sizeof(void *), "fcntl() passes its argument on as a long");

/* Above what scripts use by habit (up to 222), below bash's own 255. */
#define FIRST_HIDDEN 240

static int hidden[GUARD_COUNT] = {-1, -1, -1};

static int which_hidden(int fd) {
  for (int i = 0; fd >= 0 && i < GUARD_COUNT; i++)
    if (hidden[i] == fd) return i;
  return -1;
}

static long plain_fcntl(int fd, int command, long argument) { return syscall(SYS_fcntl, fd, command, argument); }

int plain_close(int fd) { return (int)syscall(SYS_close, fd); }

int plain_dup2(int from, int to) {
  if (from == to) return plain_fcntl(from, F_GETFD, 0) < 0 ? -1 : to;
  return (int)syscall(SYS_dup3, from, to, 0);
}

static int move_up(int fd) {
  long moved = plain_fcntl(fd, F_DUPFD_CLOEXEC, FIRST_HIDDEN);
  if (moved < 0) moved = plain_fcntl(fd, F_DUPFD_CLOEXEC, 10); /* under a small RLIMIT_NOFILE */
  if (moved >= 0) plain_close(fd);
  return (int)moved;
}

static void close_in_child(void) {
  for (int i = 0; i < GUARD_COUNT; i++) guard_close(i);
}

int guard_take(enum guarded which, int fd) {
  static int watching;
  if (!watching && pthread_atfork(NULL, NULL, close_in_child) != 0) return -1;
  watching = 1;
  int moved = move_up(fd);
  if (moved < 0) return -1;
  guard_close(which);
  hidden[which] = moved;
  return 0;
}

int guard_fd(enum guarded which) { return hidden[which]; }

void guard_close(enum guarded which) {
  if (hidden[which] >= 0) plain_close(hidden[which]);
  hidden[which] = -1;
}

static int refuse(void) {
  errno = EBADF;
  return -1;
}

int close(int fd) { return which_hidden(fd) >= 0 ? refuse() : plain_close(fd); }

int dup2(int from, int to) {
  if (which_hidden(from) >= 0) return refuse();
  int in_the_way = which_hidden(to);
  if (in_the_way >= 0) {
    int moved = move_up(to);
    if (moved < 0) return -1;
    hidden[in_the_way] = moved;
  }
  return plain_dup2(from, to);
}

int fcntl(int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  long argument = va_arg(rest, long);
  va_end(rest);
  return which_hidden(fd) >= 0 ? refuse() : (int)plain_fcntl(fd, command, argument);
}

/* Runs before bash reads its environment: neither the session nor its children know of the preload. */
static void __attribute__((constructor)) forget_preload(int argc, char **argv, char **environment) {
  (void)argc, (void)argv;
  for (char **from = environment, **to = environment;; from++) {
    if (*from != NULL && strncmp(*from, "LD_PRELOAD=", 11) == 0) {
      memset(*from, 0, strlen(*from));
      continue;
    }
    *to++ = *from;
    if (*from == NULL) return;
  }
}
