/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the state lies in the snapshot: a header page, then two slots that are written by turns. A slot is a list of
 * records up to STATE_END. The header names the slot that is whole, so a kill in the middle of a save costs that save
 * only. The user's text runs in the process that writes it: a reader trusts no length and no order.
 */
#ifndef ATOLL_SHELL_STATE_H
#define ATOLL_SHELL_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

#define STATE_MAGIC 0x61746f6c6c310001u
#define STATE_HEADER_BYTES 4096u
#define STATE_SLOT_BYTES ((ATOLL_SNAPSHOT_BYTES - STATE_HEADER_BYTES) / 2u)

struct state_header {
  uint64_t magic;  /* written once the first save is whole */
  uint32_t active; /* slot */
};

/* Listed in the order in which they are written, and taken back. */
enum state_kind {
  STATE_END,
  STATE_CWD,      /* value */
  STATE_UMASK,    /* number */
  STATE_SCALAR,   /* name, value; number 0: declared, no value */
  STATE_INDEXED,  /* name; its elements follow */
  STATE_ASSOC,    /* name; its elements follow */
  STATE_ELEMENT,  /* of the last array: number or name, value */
  STATE_SHOPTS,   /* value: as $BASHOPTS */
  STATE_FUNCTION, /* name, value: `() { ... }` */
  STATE_ALIAS,    /* name, value */
  STATE_ARGUMENT, /* value: the next positional parameter */
  STATE_OPTIONS,  /* value: as get_current_options() gives it */
  STATE_STATUS,   /* number: $? */
  STATE_KINDS,
};

/* Followed by name and value, a NUL behind each, up to a multiple of 8 bytes. */
struct state_record {
  uint32_t kind;
  uint32_t attributes; /* bash's, of a variable or function */
  int64_t number;
  uint32_t name_bytes;
  uint32_t value_bytes;
};

/* Attributes that are kept; the rest says where a variable came from. */
#define STATE_ATTRIBUTES                                                                                             \
  (att_exported | att_readonly | att_array | att_assoc | att_integer | att_trace | att_uppercase | att_lowercase |   \
   att_capcase | att_nameref | att_invisible)

/* 1 for a variable that bash itself keeps (RANDOM, SHELLOPTS, PPID, ...). */
int state_is_bash_own(const struct variable *variable);
/* The mapping; NULL before state_map(). */
char *state_memory(void);
/* How many bytes the value of STATE_OPTIONS has. */
size_t state_option_count(void);

static inline uint64_t state_record_bytes(const struct state_record *record) {
  uint64_t bytes = sizeof *record + (uint64_t)record->name_bytes + record->value_bytes + 2;
  return (bytes + 7) & ~(uint64_t)7;
}

#endif
