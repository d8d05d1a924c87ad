/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Descriptors 0 to 2: a command's own pipes while it runs, /dev/null between commands.
 */
#include "bash.h"
#include "session.h"

#include <fcntl.h>
#include <stdio_ext.h>
#include <sys/stat.h>

/* How far above bash's first put-aside descriptor strays are looked for. */
#define FIRST_PUT_ASIDE 10
#define PUT_ASIDE_SPAN 64

static struct stat current[3];

static void take(int *fd, int number) {
  if (*fd < 0) return;
  plain_dup2(*fd, number);
  plain_close(*fd);
  *fd = -1;
}

void standard_take(struct request *request) {
  take(&request->in, 0);
  take(&request->out, 1);
  take(&request->err, 2);
  for (int i = 0; i < 3; i++)
    if (fstat(i, &current[i]) < 0) current[i] = (struct stat){0};
}

static void settle_stream(FILE *stream) {
  fflush(stream);
  __fpurge(stream); /* what the command could not write must not appear in the next one's output */
  clearerr(stream);
}

void standard_rest(void) {
  settle_stream(stdout);
  settle_stream(stderr);
  for (int i = 0; i < 3; i++) plain_dup2(guard_fd(GUARD_NULL), i);
}

static int is_current(int fd) {
  struct stat found;
  if (fstat(fd, &found) < 0) return 0;
  for (int i = 0; i < 3; i++)
    if (S_ISFIFO(found.st_mode) && found.st_ino == current[i].st_ino && found.st_dev == current[i].st_dev) return 1;
  return 0;
}

void standard_close_strays(void) {
  /* bash marks what it puts aside close-on-exec; what a user's own `exec` opened is not. */
  for (int fd = FIRST_PUT_ASIDE; fd < FIRST_PUT_ASIDE + PUT_ASIDE_SPAN; fd++)
    if (is_current(fd) && (fcntl(fd, F_GETFD) & FD_CLOEXEC)) plain_close(fd);
}
