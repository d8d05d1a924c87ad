/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Messages of init, and answers to it (wire.h). Init is trusted; a message that does not add up ends the shell,
 * and init starts another.
 */
#include "bash.h"
#include "session.h"

#include <sys/socket.h>
#include <sys/uio.h>

/* Longest cwd that is told. */
#define MOST_CWD_BYTES 65536

union descriptors {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int) * ATOLL_MAX_FDS)];
};

static char inline_body[ATOLL_INLINE_BYTES];

static void give_up(void) { _exit(EX_BADUSAGE); }

static ssize_t wait_for_message(struct msghdr *message) {
  for (;;) {
    ssize_t bytes = recvmsg(guard_fd(GUARD_CONTROL), message, MSG_CMSG_CLOEXEC);
    if (bytes >= 0) return bytes;
    if (errno != EINTR) give_up();
    if (terminating_signal) termsig_handler(terminating_signal);
  }
}

/* The descriptors that came, in order; the rest of `fds` is -1. */
static void unpack_descriptors(struct msghdr *message, int fds[ATOLL_MAX_FDS]) {
  memset(fds, -1, sizeof(int) * ATOLL_MAX_FDS);
  struct cmsghdr *header = CMSG_FIRSTHDR(message);
  if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return;
  size_t bytes = header->cmsg_len - CMSG_LEN(0);
  if (bytes > sizeof(int) * ATOLL_MAX_FDS) give_up();
  memcpy(fds, CMSG_DATA(header), bytes);
}

static char *read_memfd(int fd, size_t bytes) {
  char *body = xmalloc(bytes + 1);
  for (size_t done = 0; done < bytes;) {
    ssize_t got = pread(fd, body + done, bytes - done, (off_t)done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) give_up();
    done += (size_t)got;
  }
  plain_close(fd);
  return body;
}

/* The part as a string of its own. */
static char *copy_part(const char *bytes, size_t count) {
  char *copy = xmalloc(count + 1);
  memcpy(copy, bytes, count);
  copy[count] = '\0';
  return copy;
}

static void unpack_body(const struct atoll_request *head, const char *body, struct request *request) {
  const char *env = body + head->cwd_bytes, *text = env + head->env_bytes;
  if (head->env_bytes > 0 && env[head->env_bytes - 1] != '\0') give_up();
  request->cwd = head->cwd_bytes > 0 ? copy_part(body, head->cwd_bytes) : NULL;
  request->env = head->env_bytes > 0 ? copy_part(env, head->env_bytes) : NULL;
  request->env_bytes = head->env_bytes;
  if (memchr(text, '\0', head->text_bytes) == NULL) request->text = copy_part(text, head->text_bytes);
}

static void name_descriptors(struct request *request, int *next) {
  request->in = request->out = request->err = request->gate = request->snapshot = -1;
  if (request->tag == ATOLL_START) {
    request->snapshot = *next;
    return;
  }
  if (request->flags & ATOLL_HAS_STDIN) request->in = *next++;
  request->out = *next++;
  request->err = *next++;
  if (request->flags & ATOLL_BACKGROUND) request->gate = *next++;
  if (request->out < 0 || request->err < 0) give_up();
}

void request_receive(struct request *request) {
  struct atoll_request head;
  union descriptors descriptors;
  struct iovec parts[] = {{&head, sizeof head}, {inline_body, sizeof inline_body}};
  struct msghdr message = {
      .msg_iov = parts, .msg_iovlen = 2, .msg_control = &descriptors, .msg_controllen = sizeof descriptors};
  size_t bytes = (size_t)wait_for_message(&message);
  if (bytes < sizeof head || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) give_up();

  int fds[ATOLL_MAX_FDS + 1];
  unpack_descriptors(&message, fds);
  *request = (struct request){.tag = head.tag, .flags = head.flags};
  name_descriptors(request, fds);

  size_t body_bytes = (size_t)head.cwd_bytes + head.env_bytes + head.text_bytes;
  if (head.flags & ATOLL_BODY_IN_MEMFD) {
    int last = ATOLL_MAX_FDS - 1;
    while (last > 0 && fds[last] < 0) last--;
    char *body = read_memfd(fds[last], body_bytes);
    unpack_body(&head, body, request);
    free(body);
  } else if (bytes - sizeof head == body_bytes) {
    unpack_body(&head, inline_body, request);
  } else {
    give_up();
  }
}

static void close_one(int *fd) {
  if (*fd >= 0) plain_close(*fd);
  *fd = -1;
}

void request_close(struct request *request) {
  close_one(&request->in);
  close_one(&request->out);
  close_one(&request->err);
  close_one(&request->gate);
  free(request->cwd);
  free(request->env);
}

void answer_send(struct atoll_answer *answer, const char *cwd) {
  size_t length = cwd != NULL ? strlen(cwd) : 0;
  if (length > MOST_CWD_BYTES) length = 0;
  answer->cwd_bytes = (uint32_t)length;
  struct iovec parts[] = {{answer, sizeof *answer}, {(char *)cwd, length}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  while (sendmsg(guard_fd(GUARD_CONTROL), &message, MSG_NOSIGNAL) < 0)
    if (errno != EINTR) give_up();
}
